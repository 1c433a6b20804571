import { afterAll, beforeEach, describe, expect, it } from '@jest/globals'
import { awsOperation, type Reply, serve } from '../../../infra/testing/loopback-server.ts'
import { cancelApproval } from '../../../shared/approvals/cancel.ts'
import { decide, wakeTasks } from '../../../shared/approvals/decide.ts'
import type { Message } from '../../../shared/providers/message.ts'
import * as store from '../../../shared/state/approvals.ts'
import { itemKeys } from '../../../shared/state/item-keys.ts'
import { put } from '../../../shared/state/table.ts'
import { skipPauses } from '../../functions/helpers.ts'
import { forward, startTable } from '../../functions/load-testing/table.ts'
import { interactiveTask } from '../core/interactive-task.ts'

const outcome = { status: 'errored', result: 'fail', message: 'The message could not be sent', data: {}, links: {} }
/** The state of a fake of Lambda with one open callback and one task. */
const idle = {
  open: undefined as string | undefined,
  status: 'RUNNING' as 'RUNNING' | 'STOPPED' | 'SUCCEEDED',
  /** The name of Lambda's error for a closed callback. */
  closed: 'CallbackTimeoutException',
  outcome,
  /** The events of the task's history, newest first. */
  history: [] as object[],
}
let lambda = { ...idle }
/** The callbacks that were completed, with their payload. */
let completed: [callbackId: string, payload: string][] = []
beforeEach(() => {
  lambda = { ...idle }
  completed = []
})

const asking = { category: 'notification', action: 'ask-approval', connection: 'chat', provider: 'slack' }
const payload = interactiveTask(asking)
const server = await serve(({ path, text }): Reply => {
  const { open, status, closed, history } = lambda
  const callback = /\/durable-execution-callbacks\/([^/]+)\/succeed/.exec(path)?.[1]
  if (callback !== undefined && callback === open) {
    completed.push([callback, text])
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
    Result: status === 'SUCCEEDED' ? JSON.stringify({ outcome: lambda.outcome }) : undefined,
  }
  return { status: 200, body: path.includes('/functions/') ? { DurableExecutions: [execution] } : execution }
})
const table = await startTable()
/** Whether the table loses its response to the next update. */
let losesNext = false
const tableProxy = await serve(async (call): Promise<Reply> => {
  const reply = await forward(table.endpoint, call)
  if (!losesNext || awsOperation(call) !== 'UpdateItem') return reply
  losesNext = false
  return { status: 500, body: {} }
})
process.env['AWS_ENDPOINT_URL_DYNAMODB'] = tableProxy.url
process.env['AWS_ENDPOINT_URL_LAMBDA'] = server.url
process.env['WEBHOOKS_TASK_FUNCTION'] = 'arn:aws:lambda:eu-west-1:0:function:task:live'
skipPauses()
afterAll(async () => {
  await Promise.all([server, tableProxy, table].map((one) => one.close()))
})

const message: Message = { mood: 'waiting', title: 'Approve?', fields: [], links: [] }
let tasks = 0
const nextTask = () => String(tasks++).padStart(40, '0')
const approvalThatEnds = (ends: number): store.Approval => ({
  connection: 'chat',
  message,
  hasButtons: true,
  deadlineAt: Date.now() + ends,
})
/** Saves an approval of a new task, with the given milliseconds until its deadline. */
async function requested(ends = 3_600_000) {
  const task = nextTask()
  const saved = approvalThatEnds(ends)
  await store.saveApproval(task, saved, 'first')
  return { task, saved, stored: await read(task) }
}
/** Saves an approval like a task of the previous version. */
async function requestedBefore(ends = 3_600_000) {
  const task = nextTask()
  const saved = approvalThatEnds(ends)
  const expiration = Math.floor(saved.deadlineAt / 1_000) + 14 * 86_400
  await put(itemKeys.approval(task), { approval: JSON.stringify(saved), callbackId: 'first', expiration })
  return { task, saved, stored: await read(task) }
}
async function read(task: string): Promise<store.StoredApproval> {
  const stored = await store.readApproval(task)
  if (!stored) throw new Error('There is no approval')
  return stored
}
const now = () => new Date().toISOString()
const approval = () => ({ decision: 'approve', by: 'jane', at: now() }) as const
const rejection = () => ({ decision: 'reject', by: 'john', at: now() }) as const

describe('A decision', () => {
  const decideBy = (task: string, stored: store.StoredApproval, decision = approval()) =>
    decide('notification', task, stored, decision)

  it('is saved before its task is woken, with a payload that says nothing', async () => {
    const { task, stored } = await requested()
    lambda.open = 'first'
    const decision = approval()
    expect(await decideBy(task, stored, decision)).toEqual({ status: 'decided', decision })
    expect((await read(task)).decision).toEqual(decision)
    expect(completed).toEqual([['first', '']])
  })

  it('wakes the callback that the task waits for, not the one that was read before', async () => {
    const { task, stored } = await requested()
    await store.saveCallback(task, 'second')
    lambda.open = 'second'
    expect(await decideBy(task, stored)).toMatchObject({ status: 'decided' })
    expect(completed).toEqual([['second', '']])
  })

  it('counts although its task is between two callbacks', async () => {
    const { task, stored } = await requested()
    expect(await decideBy(task, stored)).toMatchObject({ status: 'decided' })
  })

  it.each([0, 1, 2, 3, 4])('is one of several at the same moment, in the order %j', async (first) => {
    const { task, stored } = await requested()
    lambda.open = 'first'
    const decideAs = (by: string) => () => decide('notification', task, stored, { ...approval(), by })
    const expire = async () => void (await store.expireApproval(task))
    const cancel = () => cancelApproval('notification', task, { by: 'demo' })
    const all = [expire, decideAs('Ann'), cancel, decideAs('Ben'), decideAs('Eve')]
    const results = await Promise.all([...all.slice(first), ...all.slice(0, first)].map((run) => run()))
    const { decision } = await read(task)
    const isApproved = decision?.decision === 'approve'
    const late = decision ? { status: 'already-decided', decision } : expect.objectContaining({ status: 'ended' })
    const decided = results.filter((result) => result !== undefined)
    expect(decided.toSorted((one, other) => other.status.localeCompare(one.status))).toEqual([
      isApproved ? { status: 'decided', decision } : late,
      late,
      late,
    ])
    expect((await store.expireApproval(task)) === undefined).toBe(true)
  })

  it('is not made after the end, although the clock of its function is behind', async () => {
    const { task, stored } = await requested()
    await store.expireApproval(task)
    expect(await decideBy(task, stored)).toEqual({ status: 'ended', reason: 'Expired: no one decided in time' })
    expect((await read(task)).decision).toBeUndefined()
    expect(completed).toEqual([])
  })

  it('after the deadline is too late, although its task has not seen the deadline', async () => {
    const { task, stored } = await requested(-1_000)
    expect(await decideBy(task, stored)).toMatchObject({ status: 'ended' })
    expect((await read(task)).decision).toBeUndefined()
  })

  it('keeps the approval from ending at its deadline', async () => {
    const { task, stored } = await requested()
    await decideBy(task, stored)
    expect(await store.expireApproval(task)).toBeUndefined()
  })

  it('is recognized if the table accepted it and the response was lost', async () => {
    const { task, stored } = await requested()
    losesNext = true
    expect(await decideBy(task, stored)).toMatchObject({ status: 'decided' })
    expect(losesNext).toBe(false)
  })

  it('that is sent again wakes its task again', async () => {
    const { task, stored } = await requested()
    const first = approval()
    await store.saveDecision(task, first)
    lambda.open = 'first'
    expect(await decide('notification', task, stored, rejection())).toEqual({
      status: 'already-decided',
      decision: first,
    })
    expect(await wakeTasks(await read(task))).toBe(true)
    expect(completed).toHaveLength(2)
  })

  const errors = ['CallbackTimeoutException', 'InvalidParameterValueException', 'ResourceNotFoundException']
  it.each(errors)('is that of a task that has ended with it if Lambda answers %s', async (closed) => {
    const { task, stored } = await requested()
    Object.assign(lambda, { closed, status: 'SUCCEEDED', outcome: { ...outcome, data: { decision: 'approved' } } })
    expect(await decideBy(task, stored)).toMatchObject({ status: 'decided' })
  })

  it('has no effect on a task that has ended without it', async () => {
    const { task, stored } = await requested()
    lambda.status = 'SUCCEEDED'
    expect(await decideBy(task, stored)).toEqual({ status: 'ended', reason: 'The message could not be sent' })
  })

  it('has no effect on a task that was stopped', async () => {
    const { task, stored } = await requested()
    lambda.status = 'STOPPED'
    expect(await decideBy(task, stored)).toEqual({ status: 'ended', reason: 'Its task was stopped' })
  })
})

describe('A decision about an approval of the previous version', () => {
  it('completes the callback, from which the task takes it, and is saved', async () => {
    const { task, stored } = await requestedBefore()
    lambda.open = 'first'
    const decision = approval()
    expect(await decide('notification', task, stored, decision)).toEqual({ status: 'decided', decision })
    expect(completed).toEqual([['first', JSON.stringify(decision)]])
    expect((await read(task)).decision).toEqual(decision)
    expect(await wakeTasks(await read(task))).toBe(false)
    expect(completed).toHaveLength(1)
  })

  it('that Lambda does not accept is not saved', async () => {
    const { task, stored } = await requestedBefore()
    const decided = decide('notification', task, stored, approval())
    await expect(decided).rejects.toMatchObject({ kind: 'unavailable', message: expect.stringContaining('Try again') })
    expect((await read(task)).decision).toBeUndefined()
  })

  it('finds the first decision, which was saved', async () => {
    const { task, stored } = await requestedBefore()
    const decision = rejection()
    await store.saveDecision(task, decision)
    expect(await decide('notification', task, stored, approval())).toEqual({ status: 'already-decided', decision })
  })

  it('finds the first decision although it was never saved, by the name of its callback', async () => {
    const { task, stored } = await requestedBefore()
    const decision = rejection()
    const succeeded = (EventId: number, Name: string, Payload: string) => ({
      EventType: 'CallbackSucceeded',
      EventId,
      EventTimestamp: EventId,
      Id: String(EventId),
      Name,
      CallbackSucceededDetails: { Result: { Payload } },
    })
    lambda.history = [
      { EventType: 'StepStarted', EventId: 9, EventTimestamp: 9, Id: 'b', Name: 'close-approval' },
      succeeded(8, 'poll-wake-0', ''),
      succeeded(7, 'decision-after-reminder', JSON.stringify(decision)),
    ]
    expect(await decide('notification', task, stored, approval())).toEqual({ status: 'already-decided', decision })
  })

  it.each([
    ['after the deadline', -1_000, {}, 'Expired: no one decided in time'],
    ['after the deadline of a deleted task', -1_000, { status: 'STOPPED' }, 'Expired: no one decided in time'],
    ['after its task was stopped', 3_600_000, { status: 'STOPPED' }, 'Its task was stopped'],
    ['after its task has ended', 3_600_000, { status: 'SUCCEEDED' }, 'The message could not be sent'],
  ] as const)('is too late %s', async (_when, ends, state, reason) => {
    const { task, stored } = await requestedBefore(ends)
    Object.assign(lambda, state)
    expect(await decide('notification', task, stored, approval())).toEqual({ status: 'ended', reason })
  })
})

describe('A stored approval', () => {
  it('keeps its decision when the same task saves it again', async () => {
    const { task, saved } = await requested()
    const decision = approval()
    await store.saveDecision(task, decision)
    await store.saveApproval(task, saved, 'first')
    expect((await read(task)).decision).toEqual(decision)
  })

  it.each([
    ['this version', requested],
    ['the previous version', requestedBefore],
  ])('of %s is replaced by a new task with the same id', async (_version, request) => {
    const { task, saved } = await request()
    await store.saveDecision(task, approval())
    await store.saveApproval(task, { ...saved, deadlineAt: saved.deadlineAt + 1 }, 'of the new task')
    expect(await read(task)).toMatchObject({ callbackId: 'of the new task', decision: undefined })
  })
})
