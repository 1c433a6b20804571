import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { type LocalDynamoDb, startDynamoDb } from '../../../infra/local/cloud/dynamodb.ts'
import type { Approval, StoredApproval } from '../../../shared/approvals/store.ts'

/** A fake of Lambda with one open callback and one task. */
let lambda: Server
let dynamodb: LocalDynamoDb
let open: string | undefined
let completed: string[] = []
let status: 'RUNNING' | 'STOPPED' | 'SUCCEEDED' = 'RUNNING'
/** The name of Lambda's error for a closed callback. */
let closed: string
/** The events of the task's history, newest first. */
let history: object[]

const folder = mkdtempSync(join(tmpdir(), 'webhooks-decide-'))
const saved = { ...process.env }
let store: typeof import('../../../shared/approvals/store.ts')
let decide: typeof import('../../../shared/approvals/decide.ts')['decide']
beforeAll(async () => {
  dynamodb = await startDynamoDb(folder, 'table', { accessKeyId: 'x', secretAccessKey: 'x' })
  lambda = createServer((req, res) => {
    const path = decodeURIComponent(req.url ?? '')
    const callback = /\/durable-execution-callbacks\/([^/]+)\/succeed/.exec(path)?.[1]
    const reply = (code: number, body: object, headers = {}) =>
      res.writeHead(code, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body))
    const InputPayload = JSON.stringify({
      ...{
        version: 1,
        id: '0'.repeat(40),
        category: 'notification',
        caller: 'c',
        orchestrator: 'k',
        action: 'ask-approval',
      },
      event: { id: 'e', task: 't', context: 'c', project: 'p', stage: 's', service: 'x', labels: {} },
      ...{ connection: 'chat', provider: 'slack', mode: 'interactive', input: {}, deadline: 3_600, dryRun: false },
      ...{ sendStarted: false, progress: false, labels: true },
    })
    const execution = {
      ...{ DurableExecutionArn: 'arn:execution', Status: status, StartTimestamp: 1, InputPayload },
      ...(status === 'SUCCEEDED' ? { Result: JSON.stringify({ outcome }) } : {}),
    }
    if (callback === undefined) {
      if (path.includes('/history')) return reply(200, { Events: history })
      return path.includes('/functions/') ? reply(200, { DurableExecutions: [execution] }) : reply(200, execution)
    }
    if (callback !== open) {
      return reply(400, { Type: 'User', Message: 'The callback is closed' }, { 'x-amzn-errortype': closed })
    }
    completed.push(callback)
    return reply(200, {})
  }).listen(0, '127.0.0.1')
  await once(lambda, 'listening')
  Object.assign(process.env, {
    AWS_REGION: 'eu-west-1',
    AWS_ACCESS_KEY_ID: 'x',
    AWS_SECRET_ACCESS_KEY: 'x',
    AWS_ENDPOINT_URL_DYNAMODB: dynamodb.endpoint,
    AWS_ENDPOINT_URL_LAMBDA: `http://127.0.0.1:${(lambda.address() as AddressInfo).port}`,
    WEBHOOKS_STATE_TABLE: 'table',
    WEBHOOKS_TASK_FUNCTION: 'arn:aws:lambda:eu-west-1:0:function:task:live',
  })
  store = await import('../../../shared/approvals/store.ts')
  decide = (await import('../../../shared/approvals/decide.ts')).decide
})
afterAll(async () => {
  process.env = saved
  lambda.close()
  lambda.closeAllConnections()
  await dynamodb.close()
  rmSync(folder, { recursive: true })
})
beforeEach(() => {
  open = undefined
  completed = []
  status = 'RUNNING'
  closed = 'CallbackTimeoutException'
  history = []
})

const outcome = { status: 'succeeded', result: 'fail', message: 'Rejected by john', data: {}, links: {} }
const approval = { decision: 'approve', by: 'jane', at: '2026-11-25T10:00:00.000Z' } as const
let tasks = 0
/** Saves an approval of a new task, with the given milliseconds until its deadline. */
async function requested(ends = 3_600_000) {
  const task = String(tasks++).padStart(40, '0')
  const message = { mood: 'waiting', title: 'Approve?', fields: [], links: [] } as const
  const saved: Approval = {
    ...{ connection: 'chat', message: { ...message, fields: [], links: [] }, hasButtons: true },
    deadlineAt: Date.now() + ends,
  }
  await store.saveApproval(task, saved, 'first')
  return { task, saved, stored: await read(task) }
}
async function read(task: string): Promise<StoredApproval> {
  const stored = await store.readApproval(task)
  if (!stored) throw new Error('There is no approval')
  return stored
}

describe('A decision', () => {
  it('completes the open callback', async () => {
    const { task, stored } = await requested()
    open = 'first'
    expect(await decide('notification', task, stored, approval)).toMatchObject({ status: 'decided' })
    expect((await read(task)).decision).toEqual(approval)
  })

  it('during a reminder completes the next callback', async () => {
    const { task, stored } = await requested()
    open = 'second'
    const pending = decide('notification', task, stored, approval)
    // It has read the approval four times by now.
    setTimeout(() => void store.changeCallback(task, 'second'), 900)
    expect(await pending).toMatchObject({ status: 'decided' })
    expect(completed).toEqual(['second'])
  })

  it('is too early while the next callback is missing', async () => {
    const { task, stored } = await requested()
    expect(await decide('notification', task, stored, approval)).toEqual({ status: 'too-early' })
  })

  it.each([
    ['after the deadline', 'RUNNING', -1_000],
    ['after its task was stopped', 'STOPPED', 3_600_000],
  ] as const)('%s is too late', async (_what, now, ends) => {
    status = now
    const { task, stored } = await requested(ends)
    expect(await decide('notification', task, stored, approval)).toMatchObject({ status: 'ended' })
  })

  it.each(['CallbackTimeoutException', 'InvalidParameterValueException', 'ResourceNotFoundException'])(
    'returns the outcome of the task if Lambda answers %s',
    async (name) => {
      closed = name
      status = 'SUCCEEDED'
      const { task, stored } = await requested()
      const expected = { status: 'ended', reason: 'Rejected by john' }
      expect(await decide('notification', task, stored, approval)).toEqual(expected)
    },
  )

  it('returns the first decision although it was never saved in the table', async () => {
    closed = 'InvalidParameterValueException'
    const decision = { decision: 'reject', by: 'john', at: '2026-11-25T10:00:00.000Z' }
    history = [
      { EventType: 'StepStarted', EventId: 9, EventTimestamp: 9, Id: 'b', Name: 'close-approval' },
      {
        ...{ EventType: 'CallbackSucceeded', EventId: 8, EventTimestamp: 8, Id: 'a', Name: 'decision' },
        CallbackSucceededDetails: { Result: { Payload: JSON.stringify(decision) } },
      },
    ]
    const { task, stored } = await requested()
    expect(await decide('notification', task, stored, approval)).toEqual({ status: 'already-decided', decision })
  })

  it('after the deadline of a deleted task reports that no one decided in time', async () => {
    closed = 'ResourceNotFoundException'
    const { task, stored } = await requested(-1_000)
    const expected = { status: 'ended', reason: 'Expired: no one decided in time' }
    expect(await decide('notification', task, stored, approval)).toEqual(expected)
  })
})

describe('A stored approval', () => {
  it('keeps its decision when the same task saves it again', async () => {
    const { task, saved } = await requested()
    await store.saveDecision(task, approval)
    await store.saveApproval(task, saved, 'first')
    expect((await read(task)).decision).toEqual(approval)
  })

  it('is replaced by a new task with the same id', async () => {
    const { task, saved } = await requested()
    await store.saveDecision(task, approval)
    await store.saveApproval(task, saved, 'of the new task')
    expect(await read(task)).toMatchObject({ callbackId: 'of the new task', decision: undefined })
  })
})
