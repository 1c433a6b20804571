import { taskSchema } from '../task-schema.ts'
import { deadlineAfter, parseResult, policyProgressIn } from './policy-progress.ts'
import { HOLD, HOLD_ENDS_WITH, isDecisionWait, isPolicyStep, POLL_AFTER_STOP, START } from './steps.ts'

/** The parts of a history event that show what an execution waits for. */
export interface HistoryEvent {
  EventType?: string | undefined
  /** The id of the operation. */
  Id?: string | undefined
  Name?: string | undefined
  SubType?: string | undefined
  EventTimestamp?: Date | string | undefined
  WaitStartedDetails?: { ScheduledEndTimestamp?: Date | string | undefined } | undefined
  StepSucceededDetails?: { Result?: { Payload?: string | undefined } | undefined; RetryDetails?: Retry } | undefined
  StepFailedDetails?:
    | { Error?: { Payload?: { ErrorMessage?: string | undefined } | undefined } | undefined; RetryDetails?: Retry }
    | undefined
}
type Retry = { NextAttemptDelaySeconds?: number | undefined } | undefined

/** The wait of a running task. */
export interface Waiting {
  /** The rest of the sentence "Waiting for ..": `a decision`. */
  for: string
  /** The latest end of the wait, in epoch milliseconds. */
  until?: number | undefined
  /** The words between the two. Undefined if what ends the wait wakes the task earlier. */
  timeWord?: ' at' | ', next poll at' | ' until'
  /** The last error or the last reported status. */
  detail?: string | undefined
  /** People have to do something. */
  people?: true
  /** The action starts when the policy allows it. */
  policy?: true
  /** The task repeats what has failed. */
  isRetry?: true
  /** Only people can end the wait: they decide, or resume what they have stopped. */
  needs?: 'decision' | 'resume' | undefined
}

/** How many of the newest events to read: an attempt and the wait after it have fewer. */
export const PROGRESS_EVENTS = 30

/**
 * Returns what a running task waits for. Undefined while it works, except for the polls of a job: one poll of the built-in load
 * generator runs a part of the job, and takes minutes.
 *
 * @param events of its history, newest first. The oldest ones may be missing
 * @param deadlineAt epoch milliseconds. Undefined if it is not known
 */
export function findWaiting(events: readonly HistoryEvent[], deadlineAt: number | undefined): Waiting | undefined {
  const seen = new Set<string | undefined>()
  for (const [index, event] of events.entries()) {
    const { EventType: type = '', Id: id } = event
    // The newest event of an operation shows its current state.
    if (!/^(Step|Wait|Callback)/.test(type) || seen.has(id)) continue
    seen.add(id)
    if (type === 'StepStarted') return event.SubType === 'WaitForCondition' ? runningPoll(events, index) : undefined
    if (type === 'WaitStarted') {
      const until = timeOf(event.WaitStartedDetails?.ScheduledEndTimestamp)
      const detail = reasonBefore(events.slice(index + 1))
      return { for: 'the next attempt', until, timeWord: ' at', detail, isRetry: true }
    }
    // Other callbacks only wake a task that polls. This one may time out before the deadline, when the task reminds people.
    if (type === 'CallbackStarted' && isDecisionWait(event.Name))
      return { for: 'a decision', until: deadlineAt, timeWord: ' until', people: true, needs: 'decision' }
    const retry = findRetry(event)
    if (retry) return retry
  }
  return undefined
}

/**
 * Describes what a running task waits for. Returns an empty string while it works.
 *
 * @example 'Waiting for the next attempt at 12:03:10 UTC: connect ECONNREFUSED'
 */
export function describeProgress(
  events: readonly HistoryEvent[],
  now: number,
  { input, startedAt }: StartedExecution,
): string {
  const waiting = findWaiting(events, deadlineIn(events, input, startedAt))
  if (!waiting) return ''
  const { until, timeWord } = waiting
  return describeWaiting(
    waiting,
    until === undefined || timeWord === undefined ? '' : `${timeWord} ${formatTime(until, now)}`,
  )
}

/** The payload of an execution, and when it was started, in epoch milliseconds. */
interface StartedExecution {
  input: string | undefined
  startedAt: number
}

/** Returns when a task gives up. Undefined while that is not known: for a call that the task itself accepts, too. */
function deadlineIn(events: readonly HistoryEvent[], input: string | undefined, startedAt: number): number | undefined {
  const { success, data: task } = taskSchema.safeParse(parseResult(input))
  if (!success) return undefined
  const operations = events.toReversed().map(({ Name: name, EventTimestamp, StepSucceededDetails: succeeded }) => ({
    name,
    result: succeeded?.Result?.Payload,
    startedAt: timeOf(EventTimestamp) ?? startedAt,
  }))
  const { at, isKnown } = deadlineAfter(task, startedAt, policyProgressIn(operations))
  return isKnown ? at : undefined
}

/** Describes a wait, with the given time. */
export function describeWaiting({ for: what, detail }: Waiting, time = ''): string {
  return `Waiting for ${what}${time}${detail === undefined ? '' : `: ${detail}`}`
}

/** Returns a retry of a step, or the next poll: Lambda reports both as the end of an attempt with a delay. */
function findRetry(event: HistoryEvent): Waiting | undefined {
  const { Name: name = 'a step', StepFailedDetails: failed, StepSucceededDetails: succeeded } = event
  const delay = (failed ?? succeeded)?.RetryDetails?.NextAttemptDelaySeconds
  if (delay === undefined) return undefined
  const at = timeOf(event.EventTimestamp)
  const until = at === undefined ? undefined : at + delay * 1_000
  if (failed) {
    const { ErrorMessage: detail } = failed.Error?.Payload ?? {}
    const what = name === START ? 'the next attempt' : `the next attempt of ${name}`
    return { for: what, until, timeWord: ' at', detail, isRetry: true }
  }
  return waitForJob(name, succeeded?.Result?.Payload, until)
}

/** Returns the wait for a job whose poll runs, with the result of the poll before it. */
function runningPoll(events: readonly HistoryEvent[], index: number): Waiting {
  const { Id: id, Name: name } = events[index] ?? {}
  const before = events.slice(index + 1).find(({ Id, EventType }) => Id === id && EventType === 'StepSucceeded')
  return waitForJob(name, before?.StepSucceededDetails?.Result?.Payload)
}

/** @param payload of the last poll: the state that the next one gets */
function waitForJob(name: string | undefined, payload: string | undefined, until?: number): Waiting {
  const { status, lastError, waitsFor, asksPeople } = parseResult(payload)
  if (isPolicyStep(name)) {
    const detail = typeof waitsFor === 'string' ? waitsFor : undefined
    const what = name === HOLD ? HOLD_ENDS_WITH : 'the policy'
    const needs = name === HOLD ? 'resume' : asksPeople === true ? 'decision' : undefined
    return { for: what, until, detail, policy: true, needs }
  }
  const facts = [
    ...(typeof status === 'string' ? [`its last status was ${status}`] : []),
    ...(typeof lastError === 'string' ? [`the last poll failed: ${lastError}`] : []),
  ]
  return {
    for: name === POLL_AFTER_STOP ? 'the job to stop' : 'the job to end',
    until,
    timeWord: ', next poll at',
    detail: facts.length > 0 ? facts.join('; ') : undefined,
  }
}

/** Returns why the attempt before a wait failed. */
function reasonBefore(events: readonly HistoryEvent[]): string | undefined {
  const attempt = events.find(({ EventType }) => EventType === 'StepSucceeded')
  const { reason } = parseResult(attempt?.StepSucceededDetails?.Result?.Payload)
  return typeof reason === 'string' ? reason : undefined
}

function timeOf(value: Date | string | undefined): number | undefined {
  return value === undefined ? undefined : new Date(value).getTime()
}

function formatTime(at: number, now: number): string {
  const [date = '', time = ''] = new Date(at).toISOString().split('T')
  const isToday = date === new Date(now).toISOString().slice(0, 10)
  return `${isToday ? '' : `${date} `}${time.slice(0, 8)} UTC`
}
