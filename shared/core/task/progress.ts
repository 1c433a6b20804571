/** The parts of an event of GetDurableExecutionHistory that say what an execution waits for. */
export interface HistoryEvent {
  EventType?: string | undefined
  /** Of the operation. */
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

/** What a running task waits for. */
export interface Waiting {
  /** What follows "Waiting for": `the decision of people`. */
  for: string
  /** When the wait ends at the latest, in milliseconds since 1970. */
  until?: number | undefined
  /** What stands between the two: `at`. */
  timeWord: ' at' | ', next poll at' | ' until'
  /** What went wrong before, or what was seen last. */
  detail?: string | undefined
  /** Whether people have to do something. */
  people?: true
}

/** How many of the newest events are enough: an attempt and the pause after it have fewer. */
export const PROGRESS_EVENTS = 30

/**
 * Returns what a running task waits for; undefined while it works.
 *
 * @param events of its history, newest first; the oldest ones may be missing
 * @param deadlineAt when the task gives up, in milliseconds since 1970
 */
export function findWaiting(events: readonly HistoryEvent[], deadlineAt: number): Waiting | undefined {
  const seen = new Set<string | undefined>()
  for (const [index, event] of events.entries()) {
    const { EventType: type = '', Id: id } = event
    // Only the newest event of an operation says how the operation is now.
    if (!/^(Step|Wait|Callback)/.test(type) || seen.has(id)) continue
    seen.add(id)
    if (type === 'StepStarted') return undefined
    if (type === 'WaitStarted') {
      const until = timeOf(event.WaitStartedDetails?.ScheduledEndTimestamp)
      return { for: 'the next attempt', until, timeWord: ' at', detail: reasonBefore(events.slice(index + 1)) }
    }
    if (type === 'CallbackStarted') {
      // Not until the callback times out: then people are reminded, and have the rest of the time.
      return { for: 'the decision of people', until: deadlineAt, timeWord: ' until', people: true }
    }
    const pending = findPendingStep(event)
    if (pending) return pending
  }
  return undefined
}

/** Returns a sentence for people: `Waiting for the next attempt at 12:03:10 UTC: connect ECONNREFUSED`; empty while it works. */
export function describeProgress(events: readonly HistoryEvent[], now: number, deadlineAt: number): string {
  const waiting = findWaiting(events, deadlineAt)
  if (!waiting) return ''
  const { until, timeWord } = waiting
  return describeWaiting(waiting, until === undefined ? '' : `${timeWord} ${formatTime(until, now)}`)
}

/** Returns the same sentence, without the time unless it is given. */
export function describeWaiting(waiting: Waiting, time = ''): string {
  const { detail } = waiting
  return `Waiting for ${waiting.for}${time}${detail === undefined ? '' : `: ${detail}`}`
}

/** A step that is tried again, or a poll that is repeated: Lambda reports both as the end of an attempt, with a delay. */
function findPendingStep(event: HistoryEvent): Waiting | undefined {
  const { Name: name = 'a step', StepFailedDetails: failed, StepSucceededDetails: succeeded } = event
  const delay = (failed ?? succeeded)?.RetryDetails?.NextAttemptDelaySeconds
  if (delay === undefined) return undefined
  const until = later(event, delay)
  if (failed) {
    const { ErrorMessage: detail } = failed.Error?.Payload ?? {}
    return { for: `the next attempt of ${name}`, until, timeWord: ' at', detail }
  }
  const { state, trouble } = parse(succeeded?.Result?.Payload)
  const what = name === 'stopping' ? 'the end of what was stopped' : 'the end of what was started'
  const facts = [
    ...(typeof state === 'string' ? [`last seen as ${state}`] : []),
    ...(typeof trouble === 'string' ? [`the last poll failed: ${trouble}`] : []),
  ]
  return { for: what, until, timeWord: ', next poll at', detail: facts.length > 0 ? facts.join('; ') : undefined }
}

/** The attempt before a pause has noted why it failed. */
function reasonBefore(events: readonly HistoryEvent[]): string | undefined {
  const attempt = events.find(({ EventType }) => EventType === 'StepSucceeded')
  const { reason } = parse(attempt?.StepSucceededDetails?.Result?.Payload)
  return typeof reason === 'string' ? reason : undefined
}

function parse(payload: string | undefined): Record<string, unknown> {
  try {
    return (JSON.parse(payload ?? '{}') ?? {}) as Record<string, unknown>
  } catch {
    // Lambda cuts long payloads.
    return {}
  }
}

function later({ EventTimestamp }: HistoryEvent, seconds: number | undefined): number | undefined {
  const at = timeOf(EventTimestamp)
  return at === undefined || seconds === undefined ? undefined : at + seconds * 1_000
}

function timeOf(value: Date | string | undefined): number | undefined {
  return value === undefined ? undefined : new Date(value).getTime()
}

function formatTime(at: number, now: number): string {
  const [date = '', time = ''] = new Date(at).toISOString().split('T')
  const isToday = date === new Date(now).toISOString().slice(0, 10)
  return `${isToday ? '' : `${date} `}${time.slice(0, 8)} UTC`
}
