import { describe, expect, it } from '@jest/globals'
import { describeProgress, type HistoryEvent } from '../../../../shared/core/task/progress.ts'

const now = Date.parse('2026-11-27T12:00:00Z')
const deadlineAt = Date.parse('2026-11-29T12:00:00Z')
const at = (time: string) => new Date(`2026-11-27T${time}Z`)
/** Events as GetDurableExecutionHistory returns them newest first; the SDK parses time stamps. */
const progressOf = (...events: HistoryEvent[]) => describeProgress(events, now, deadlineAt)

const invocation: HistoryEvent = { EventType: 'InvocationCompleted', EventTimestamp: at('12:00:01') }
const accepted: HistoryEvent = {
  ...{ EventType: 'StepSucceeded', Id: '1', Name: 'accept', EventTimestamp: at('11:59:00') },
  StepSucceededDetails: { Result: { Payload: '1764244740000' }, RetryDetails: { NextAttemptDelaySeconds: undefined } },
}

describe('Progress of a task', () => {
  it('names the next attempt and why the last one failed', () => {
    const wait: HistoryEvent = {
      ...{ EventType: 'WaitStarted', Id: '3', Name: 'wait-for-retry', EventTimestamp: at('12:00:00') },
      WaitStartedDetails: { ScheduledEndTimestamp: at('12:03:10') },
    }
    const attempt: HistoryEvent = {
      ...{ EventType: 'StepSucceeded', Id: '2', Name: 'start', EventTimestamp: at('12:00:00') },
      StepSucceededDetails: {
        Result: { Payload: '{"retryIn":190,"reason":"Redmine could not be reached: connect ECONNREFUSED"}' },
      },
    }
    const reason = 'Redmine could not be reached: connect ECONNREFUSED'
    expect(progressOf(invocation, wait, attempt, accepted)).toBe(
      `Waiting for the next attempt at 12:03:10 UTC: ${reason}`,
    )
  })

  it('names the step that is retried after an error', () => {
    const failed: HistoryEvent = {
      ...{ EventType: 'StepFailed', Id: '4', Name: 'send-finished', EventTimestamp: at('12:00:00') },
      StepFailedDetails: {
        Error: { Payload: { ErrorMessage: 'Keptn answered 503' } },
        RetryDetails: { NextAttemptDelaySeconds: 90 },
      },
    }
    expect(progressOf(invocation, failed, accepted)).toBe(
      'Waiting for the next attempt of send-finished at 12:01:30 UTC: Keptn answered 503',
    )
  })

  it.each([
    [{ status: 'queued' }, ': its last status was queued'],
    [
      { status: 'queued', lastError: 'GitHub answered 502' },
      ': its last status was queued; the last poll failed: GitHub answered 502',
    ],
    [{}, ''],
  ])('names the next poll of a started job: %j', (state, detail) => {
    const poll: HistoryEvent = {
      ...{ EventType: 'StepSucceeded', Id: '4', Name: 'poll', SubType: 'WaitForCondition' },
      EventTimestamp: at('12:00:00'),
      StepSucceededDetails: {
        Result: { Payload: JSON.stringify(state) },
        RetryDetails: { NextAttemptDelaySeconds: 20 },
      },
    }
    expect(progressOf(invocation, poll, accepted)).toBe(
      `Waiting for the job to end, next poll at 12:00:20 UTC${detail}`,
    )
  })

  it('names the decision and the deadline, with the date if it is another day', () => {
    const callback: HistoryEvent = {
      ...{ EventType: 'CallbackStarted', Id: '2', Name: 'decision', EventTimestamp: at('12:00:00') },
    }
    const posted: HistoryEvent = { ...accepted, Id: '3', Name: 'start' }
    expect(progressOf(posted, callback, accepted)).toBe('Waiting for a decision until 2026-11-29 12:00:00 UTC')
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
    const cut: HistoryEvent = {
      ...{ EventType: 'StepSucceeded', Id: '4', Name: 'poll', EventTimestamp: at('12:00:00') },
      StepSucceededDetails: { Result: { Payload: '{"status":"que' }, RetryDetails: { NextAttemptDelaySeconds: 20 } },
    }
    expect(progressOf(cut)).toBe('Waiting for the job to end, next poll at 12:00:20 UTC')
  })
})
