import { afterAll, beforeEach, describe, expect, it } from '@jest/globals'
import { awsOperation, type Reply, serve } from '../../../infra/sandbox/platforms/loopback-server.ts'
import { decide } from '../../../shared/approvals/decide.ts'
import * as store from '../../../shared/approvals/store.ts'
import type { Message } from '../../../shared/providers/message.ts'
import { pauses, skipPauses } from '../../functions/helpers.ts'
import { forward, startTable } from '../../functions/load-testing/table.ts'
import { interactiveTask } from '../core/interactive-task.ts'

/** The state of a fake of Lambda with one open callback and one task. */
const idle = {
  open: undefined as string | undefined,
  status: 'RUNNING' as 'RUNNING' | 'STOPPED' | 'SUCCEEDED',
  /** The name of Lambda's error for a closed callback. */
  closed: 'CallbackTimeoutException',
  /** The events of the task's history, newest first. */
  history: [] as object[],
}
let lambda = { ...idle }
let completed: string[] = []
let beforeRead = async () => {}
beforeEach(() => {
  lambda = { ...idle }
  completed = []
  beforeRead = async () => {}
})

const outcome = { status: 'succeeded', result: 'fail', message: 'Rejected by john', data: {}, links: {} }
const asking = { category: 'notification', action: 'ask-approval', connection: 'chat', provider: 'slack' }
const payload = interactiveTask(asking)
const server = await serve(({ path }): Reply => {
  const { open, status, closed, history } = lambda
  const callback = /\/durable-execution-callbacks\/([^/]+)\/succeed/.exec(path)?.[1]
  if (callback !== undefined && callback === open) {
    completed.push(callback)
    return { status: 200, body: {} }
  }
  if (callback !== undefined) {
    const body = { Type: 'User', Message: 'The callback is closed' }
    return { status: 400, body, headers: { 'x-amzn-errortype': closed } }
  }
  if (path.includes('/history')) return { status: 200, body: { Events: history } }
  const execution = {
    DurableExecutionArn: 'arn:execution',
    Status: status,
    StartTimestamp: 1,
    InputPayload: JSON.stringify(payload),
    Result: status === 'SUCCEEDED' ? JSON.stringify({ outcome }) : undefined,
  }
  return { status: 200, body: path.includes('/functions/') ? { DurableExecutions: [execution] } : execution }
})
const table = await startTable()
/** The operations that the table has completed. */
const operations: (string | undefined)[] = []
const tableProxy = await serve(async (call) => {
  if (awsOperation(call) === 'GetItem') await beforeRead()
  const reply = await forward(table.endpoint, call)
  operations.push(awsOperation(call))
  return reply
})
process.env['AWS_ENDPOINT_URL_DYNAMODB'] = tableProxy.url
process.env['AWS_ENDPOINT_URL_LAMBDA'] = server.url
process.env['WEBHOOKS_TASK_FUNCTION'] = 'arn:aws:lambda:eu-west-1:0:function:task:live'
skipPauses()
afterAll(async () => {
  await Promise.all([server, tableProxy, table].map((one) => one.close()))
})

const approval = { decision: 'approve', by: 'jane', at: '2026-11-25T10:00:00.000Z' } as const
const rejection = { decision: 'reject', by: 'john', at: '2026-11-25T10:00:00.000Z' } as const
const message: Message = { mood: 'waiting', title: 'Approve?', fields: [], links: [] }
let tasks = 0
/** Saves an approval of a new task, with the given milliseconds until its deadline. */
async function requested(ends = 3_600_000) {
  const task = String(tasks++).padStart(40, '0')
  const saved: store.Approval = { connection: 'chat', message, hasButtons: true, deadlineAt: Date.now() + ends }
  await store.saveApproval(task, saved, 'first')
  return { task, saved, stored: await read(task) }
}
async function read(task: string): Promise<store.StoredApproval> {
  const stored = await store.readApproval(task)
  if (!stored) throw new Error('There is no approval')
  return stored
}
/** Approves the request of a new task. */
async function decided(ends?: number) {
  const { task, stored } = await requested(ends)
  return decide('notification', task, stored, approval)
}

describe('A decision', () => {
  it('completes the open callback, and is saved before the response', async () => {
    const { task, stored } = await requested()
    lambda.open = 'first'
    expect(await decide('notification', task, stored, approval)).toMatchObject({ status: 'decided' })
    expect(operations.at(-1)).toBe('UpdateItem')
    expect((await read(task)).decision).toEqual(approval)
  })

  it('during a reminder completes the next callback', async () => {
    const { task, stored } = await requested()
    lambda.open = 'second'
    beforeRead = async () => {
      if (pauses.length === 3) await store.changeCallback(task, 'second')
    }
    expect(await decide('notification', task, stored, approval)).toMatchObject({ status: 'decided' })
    expect(completed).toEqual(['second'])
  })

  it('is too early if the next callback is missing for more than a second', async () => {
    expect(await decided()).toEqual({ status: 'too-early' })
    expect(pauses.reduce((sum, pause) => sum + pause)).toBeGreaterThan(1_000)
  })

  it('after the deadline is too late', async () => {
    expect(await decided(-1_000)).toMatchObject({ status: 'ended' })
  })

  it('after its task was stopped is too late', async () => {
    lambda.status = 'STOPPED'
    expect(await decided()).toMatchObject({ status: 'ended' })
  })

  const errors = ['CallbackTimeoutException', 'InvalidParameterValueException', 'ResourceNotFoundException']
  it.each(errors)('returns the outcome of the task if Lambda answers %s', async (closed) => {
    Object.assign(lambda, { closed, status: 'SUCCEEDED' })
    expect(await decided()).toEqual({ status: 'ended', reason: 'Rejected by john' })
  })

  it('returns the first decision although it was never saved in the table', async () => {
    lambda.closed = 'InvalidParameterValueException'
    lambda.history = [
      { EventType: 'StepStarted', EventId: 9, EventTimestamp: 9, Id: 'b', Name: 'close-approval' },
      {
        EventType: 'CallbackSucceeded',
        EventId: 8,
        EventTimestamp: 8,
        Id: 'a',
        Name: 'decision',
        CallbackSucceededDetails: { Result: { Payload: JSON.stringify(rejection) } },
      },
    ]
    expect(await decided()).toEqual({ status: 'already-decided', decision: rejection })
  })

  it('after the deadline of a deleted task reports that no one decided in time', async () => {
    lambda.closed = 'ResourceNotFoundException'
    expect(await decided(-1_000)).toEqual({ status: 'ended', reason: 'Expired: no one decided in time' })
  })
})

describe('A stored approval', () => {
  it('keeps its first decision', async () => {
    const { task } = await requested()
    for (const decision of [approval, rejection]) await store.saveDecision(task, decision)
    expect((await read(task)).decision).toEqual(approval)
  })

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
