import { describe, expect, it } from '@jest/globals'
import { describeProgress, findWaiting, type HistoryEvent } from '../../../../shared/core/task/progress.ts'
import { interactiveTask } from '../interactive-task.ts'

const now = Date.parse('2026-11-27T12:00:00Z')
const DAY = 86_400
const HOUR_MS = 3_600_000
/** The payload of an approval. */
const approval = interactiveTask({ deadline: 2 * DAY })
const at = (time: string) => new Date(`2026-11-27T${time}Z`)
/** Events as GetDurableExecutionHistory returns them newest first; the SDK parses time stamps. */
const progressWith = (payload: object, ...events: HistoryEvent[]) =>
  describeProgress(events, now, { input: JSON.stringify(payload), startedAt: now })
const progressOf = (...events: HistoryEvent[]) => progressWith(approval, ...events)

const event = (EventType: string, Id: string, Name: string, more: object = {}, time = '12:00:00') =>
  ({ EventType, Id, Name, EventTimestamp: at(time), ...more }) as HistoryEvent
/** A step that ended with a result, and is repeated after a delay. */
const step = (Id: string, Name: string, Payload: string, NextAttemptDelaySeconds?: number, time?: string) =>
  event(
    'StepSucceeded',
    Id,
    Name,
    { StepSucceededDetails: { Result: { Payload }, RetryDetails: { NextAttemptDelaySeconds } } },
    time,
  )

const invocation: HistoryEvent = { EventType: 'InvocationCompleted', EventTimestamp: at('12:00:01') }
const accepted = step('1', 'accept', '1764244740000', undefined, '11:59:00')

describe('Progress of a task', () => {
  it('names the next attempt and why the last one failed', () => {
    const ends = { WaitStartedDetails: { ScheduledEndTimestamp: at('12:03:10') } }
    const wait = event('WaitStarted', '3', 'wait-for-retry', ends)
    const reason = 'Redmine could not be reached: connect ECONNREFUSED'
    const attempt = step('2', 'start', JSON.stringify({ retryIn: 190, reason }))
    expect(progressOf(invocation, wait, attempt, accepted)).toBe(
      `Waiting for the next attempt at 12:03:10 UTC: ${reason}`,
    )
  })

  it('names the step that is retried after an error', () => {
    const error = { Payload: { ErrorMessage: 'Keptn answered 503' } }
    const details = { Error: error, RetryDetails: { NextAttemptDelaySeconds: 90 } }
    const failed = event('StepFailed', '4', 'send-finished', { StepFailedDetails: details })
    expect(progressOf(invocation, failed, accepted)).toBe(
      'Waiting for the next attempt of send-finished at 12:01:30 UTC: Keptn answered 503',
    )
  })

  it.each([
    [{ status: 'queued' }, ': its last status was queued'],
    [{ status: 'queued', lastError: 'no' }, ': its last status was queued; the last poll failed: no'],
    [{}, ''],
  ])('names the next poll of a started job: %j', (state, detail) => {
    const poll = { ...step('4', 'poll', JSON.stringify(state), 20), SubType: 'WaitForCondition' }
    expect(progressOf(invocation, poll, accepted)).toBe(
      `Waiting for the job to end, next poll at 12:00:20 UTC${detail}`,
    )
  })

  it('names the job while a poll runs, with the last status', () => {
    const running = event('StepStarted', '4', 'poll', { SubType: 'WaitForCondition' })
    const before = step('4', 'poll', JSON.stringify({ status: 'queued' }), 20)
    expect(progressOf(running, before, accepted)).toBe('Waiting for the job to end: its last status was queued')
    expect(progressOf(running, accepted)).toBe('Waiting for the job to end')
    expect(progressOf({ ...running, Name: 'poll-after-stop' })).toBe('Waiting for the job to stop')
  })

  it.each(['decision-wake-1', 'decision'])(
    'names the decision and the deadline, with the date if it is another day: %s',
    (name) => {
      const callback = event('CallbackStarted', '2', name)
      const posted: HistoryEvent = { ...accepted, Id: '3', Name: 'start' }
      expect(progressOf(posted, callback, accepted)).toBe('Waiting for a decision until 2026-11-29 12:00:00 UTC')
    },
  )

  const turn = { type: 'turn', rule: 'r', key: 'k', target: 't', queue: 1 } as const
  const window = { type: 'window', rule: 'w', window: { timeZone: 'UTC' } } as const
  const waitAtMost = 3 * DAY
  const met = step('6', 'require', JSON.stringify({ metAt: now - HOUR_MS }))
  const held = step('7', 'turn-place', JSON.stringify({ state: 'held', heldAt: now }))
  const until = Date.parse('2026-11-28T08:30:00Z')
  const approvalOf = { category: 'ci-cd', taskId: approval.id, count: 1, until }
  it.each([
    [
      'the latest one of a task that has waited for a window',
      { requirements: [window], waitAtMost },
      [met],
      '2026-11-29 11:00:00',
    ],
    [
      'of a task that has waited for its turn',
      { requirements: [window, turn], waitAtMost },
      [held, met],
      '2026-11-29 12:00:00',
    ],
    ['of the task that needs the decision', { approvalOf }, [], '2026-11-28 08:30:00'],
    ['no time if the end of the wait is not among the events', { requirements: [turn], waitAtMost }, [met], ''],
    ['no time if the task accepts the call itself', { version: undefined, deadline: 'PT1H' }, [], ''],
  ])('names the deadline for a decision: %s', (_what, changes, before, time) => {
    const callback = event('CallbackStarted', '2', 'decision-wake-0')
    const shown = time === '' ? '' : ` until ${time} UTC`
    expect(progressWith({ ...approval, ...changes }, callback, ...before, accepted)).toBe(
      `Waiting for a decision${shown}`,
    )
  })

  it('names the policy while the first check runs, and with each one what it waits for', () => {
    const running = event('StepStarted', '4', 'require-wait', { SubType: 'WaitForCondition' })
    expect(progressOf(running, accepted)).toBe('Waiting for the policy')
    const check = step('4', 'require-wait', JSON.stringify({ waitsFor: 'Waits for an approval: two people' }), 60)
    expect(progressOf(check, accepted)).toBe('Waiting for the policy: Waits for an approval: two people')
  })

  it.each([
    ['an approval that people have not decided', 'require-wait', { asksPeople: true }, 'decision'],
    ['a stop that people have not lifted', 'hold', {}, 'resume'],
    ['a window that opens by itself', 'require-wait', {}, undefined],
    ['a turn', 'turn-wait', {}, undefined],
  ])('says what it needs from people: %s', (_what, name, more, needs) => {
    const check = step('4', name, JSON.stringify({ waitsFor: 'Waits', ...more }), 60)
    expect(findWaiting([check, accepted], undefined)?.needs).toBe(needs)
  })

  it('names the next poll of a job whose task can be woken', () => {
    const callback = event('CallbackStarted', '5', 'poll-wake-0')
    const poll = { ...step('4', 'poll', '{}', 20), SubType: 'WaitForCondition' }
    expect(progressOf(callback, poll, accepted)).toBe('Waiting for the job to end, next poll at 12:00:20 UTC')
  })

  it.each([
    ['while a step runs', [{ EventType: 'StepStarted', Id: '2' }]],
    ['right after the start', [{ EventType: 'ExecutionStarted', Id: 'x' }]],
    ['when a wait is over', [{ EventType: 'WaitSucceeded', Id: '3' }, { EventType: 'WaitStarted', Id: '3' }, accepted]],
    ['without a history', []],
  ] as [string, HistoryEvent[]][])('is empty %s', (_when, events) => {
    expect(progressOf(...events)).toBe('')
  })

  it('survives a payload that Lambda truncated', () => {
    const cut = step('4', 'poll', '{"status":"que', 20)
    expect(progressOf(cut)).toBe('Waiting for the job to end, next poll at 12:00:20 UTC')
  })
})
