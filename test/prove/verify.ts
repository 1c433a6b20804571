import type { Entry } from './call-records.ts'
import type { Span } from './child.ts'
import type { StopSpan } from './fault-injector.ts'
import type { Effect, PlatformRecords, PlatformRequest } from './platform-records.ts'
import { WAIT_SECONDS } from './restrictions.ts'

/** A violation of an invariant. */
export interface Violation {
  claim: Claim
  /** The id of the event, if it concerns one. */
  id?: string
  detail: string
}

/** The invariants, as in the report. */
export const claims = {
  finished: 'each accepted call has exactly one finished, with the project, stage, service and context of its event',
  started: 'it has exactly one started if requested, else none',
  once: 'each event has at most one issue, comment, ticket, note, run, message or report, except for runs that the platform had lost before; one more if it is run again',
  done: 'the platform contains the record of a pass exactly once',
  shown: 'no pass of a job is reported before the platform shows the success of its run',
  refused: 'a rejected call and a silent call have no event',
  wrong: 'an invalid call is rejected with the right status',
  aborted: 'no task is reported as aborted, because none was aborted',
  deadline: 'no task exceeds its deadline by more than a poll',
  answered: 'for each accepted call of another engine, the engine has exactly one result, which is that of the task',
  reported: 'an agent that repeats a call gets the same task, and reads its result',
  gone: 'if the engine no longer waits, the task records it',
  approved: 'no action ran before as many of the right people as its rules require had approved it in the chat',
  rejected: 'no action ran that was rejected in the chat, or whose message says that it was rejected or has expired',
  closed:
    'no action ran, and no call was accepted that is refused then, while the window of its rule was closed, unless people had approved it',
  stopped: 'no action wrote to a platform more than five seconds after people had stopped it, until they resumed it',
  denied: 'no denied call was accepted or left something at the platform',
  asked: 'people were asked at most once for each rule and call, and only for the rules that match',
  runs: 'no task whose messages all say that it was approved ends without having started its action',
  closes:
    'each message that asks people for an action is closed when its task has ended, unless Slack failed five times',
  repeated: 'no repeat of an accepted call is refused by a rule',
  audited: 'each action has exactly one audit record, and each decision in it was made by that person in the chat',
  alone:
    'no two jobs of one target ran at the same time, unless the task of the first one could not know that it still ran',
  alert:
    'an alert opens one issue, and starts one runbook if it is critical, however often and in any order it is reported',
  fires: 'the issue of an alert that fires is open',
  ended: 'the issue of an alert that has ended is closed, unless a task failed',
  rerun: 'a task that did not pass is run again once, however often that is asked, and no other task is',
  stray: 'no event belongs to a trigger that was not sent',
  left: 'no toxic and no running task remains',
  leak: 'no part of a secret is in any file, response or event',
} as const
export type Claim = keyof typeof claims

/**
 * Allowed time after the deadline: a poll, a pending request, the restart of the function after a kill, and the time until an
 * interrupted answer is sent again.
 */
export const GRACE_MS = 18_000
/** So late a task notices that a stop is lifted: a minute, divided by the factor of durable waits. */
const HOLD_CHECK_MS = 6_000
/** How long a fault of Keptn delays an event, in milliseconds: the duration of a request, and the pause before the next one. */
const afterKeptnFault = { hang: 15_000, pause: 10_000 }

/** The input of the check. */
export interface Evidence {
  entries: Iterable<Entry>
  records: PlatformRecords
  downs: Span[]
  stops: readonly StopSpan[]
  /** Converts a time of the process to the true time. */
  unstepped(at: number): number
  /** Returns by how many milliseconds, at most, the clock of the functions was behind that of the process. */
  functionLag(span: Span): number
}

export interface Verdict {
  violations: Violation[]
  /** Late tasks: their number, and the maximum delay in milliseconds with and without external causes. */
  late: { tasks: number; max: number; maxOwn: number }
  /** Number of tasks by status and result: `succeeded pass`. */
  ends: Record<string, number>
  /** Number of events. */
  events: number
}

/** Compares the responses to the callers with the records of the platforms. */
export function verify({ entries, records, downs, functionLag, stops, unstepped }: Evidence): Verdict {
  const violations: Violation[] = []
  const events = records.events()
  const byTrigger = Map.groupBy(events, ({ triggeredid }) => triggeredid)
  const made = new Map<Effect, Map<string, number>>()
  const madeOf = ({ call: { effect, id } }: Entry) => {
    if (!effect) return undefined
    const counts = made.get(effect) ?? records.effects(effect)
    made.set(effect, counts)
    return counts.get(id) ?? 0
  }
  const successes = new Map([...records.successes('runs'), ...records.successes('job runs')])
  const away = unite([...downs, ...keptnFaults(records.requests(), unstepped)])
  const late = { tasks: 0, max: 0, maxOwn: 0 }
  const ends: Record<string, number> = {}
  const known = new Set<string>()

  for (const entry of entries) {
    const { call, deliveries, accepted } = entry
    known.add(call.id)
    const wrong = (claim: Claim, detail: string) => void violations.push({ claim, id: call.id, detail })
    const mine = byTrigger.get(call.id) ?? []
    const finished = mine.filter(({ type }) => type.endsWith('.finished'))
    const started = mine.filter(({ type }) => type.endsWith('.started'))
    const count = madeOf(entry)
    if (call.engine || call.agent) {
      if (count !== undefined && count > 1) wrong('once', `${count} ${call.effect} name it`)
      if (mine.length > 0)
        wrong('refused', `Keptn got ${mine.length} events of a call of ${call.engine?.name ?? 'an agent'}`)
      if (entry.status?.verdict === 'pass' && count === 0) wrong('done', `a pass, and there is none in ${call.effect}`)
      continue
    }
    const most = entry.reruns?.some(({ taskId }) => taskId) ? 2 : 1
    const isUnknown = deliveries.some(({ status }) => status === undefined)
    if (count !== undefined && count > most) wrong('once', `${count} ${call.effect} name it`)
    const statuses = deliveries.map(({ status }) => status ?? 'no answer').join(', ')

    if (call.refused !== undefined) {
      const answers = deliveries.flatMap(({ status }) => status ?? [])
      // A new token may not be known yet, and a fault may cause a 5xx.
      const strange = answers.find((status) => status !== call.refused && status !== 401 && status < 500)
      if (strange !== undefined) wrong('wrong', `answered ${strange} instead of ${call.refused}`)
    }
    if (!accepted) {
      const isSilent = call.mode === 'silent'
      if (mine.length > 0 && (isSilent || !isUnknown))
        wrong('refused', `answered ${statuses}, and there are ${mine.length} events`)
      if (isSilent && call.acts && deliveries.some(({ status }) => status === 200) && count === 0)
        wrong('done', `answered 200, and there is none in ${call.effect}`)
      if (finished.length > 1) wrong('finished', `${finished.length} finished of a call that was answered ${statuses}`)
      continue
    }

    const [end] = finished
    if (finished.length !== 1) wrong('finished', `accepted (${statuses}), and ${finished.length} finished`)
    const asked = call.sendStarted ? 1 : 0
    if (started.length !== asked) wrong('started', `${started.length} started instead of ${asked}`)
    if (!end) continue
    const { status, result, project, stage, service } = end.data
    if (project !== 'shop' || stage !== 'production' || service !== 'checkout' || end.shkeptncontext !== call.context)
      wrong('finished', `it answers another event: ${JSON.stringify({ ...end, data: { project, stage, service } })}`)
    const kind = `${status} ${result}`
    ends[kind] = (ends[kind] ?? 0) + 1
    if (status === 'aborted') wrong('aborted', `it ended as aborted: ${end.data.message}`)
    const isDone = status === 'succeeded' && result === 'pass'
    if (isDone && call.acts && count === 0) wrong('done', `a pass, and there is none in ${call.effect}`)

    const isJob = call.effect === 'runs' || call.effect === 'job runs'
    const shownAt = successes.get(call.id) ?? Number.POSITIVE_INFINITY
    if (isDone && call.acts && isJob && end.at < shownAt)
      wrong('shown', `a pass at ${end.at}, and its run succeeds at ${shownAt}`)

    const waits = call.restriction ? WAIT_SECONDS : 0
    const endedAt = unstepped(end.at)
    const held = stops
      .filter(({ connections }) => connections.includes(call.restriction?.connection ?? ''))
      .reduce((sum, stop) => sum + overlap([{ ...stop, end: stop.end + HOLD_CHECK_MS }], accepted.at, endedAt), 0)
    const deadlineAt = accepted.at + (call.deadline + waits) * 1_000 + held
    if (endedAt <= deadlineAt) continue
    const lag = functionLag({ start: accepted.at, end: endedAt })
    const own = endedAt - deadlineAt - lag - overlap(away, deadlineAt, endedAt)
    late.tasks += 1
    late.max = Math.max(late.max, endedAt - deadlineAt)
    late.maxOwn = Math.max(late.maxOwn, own)
    if (own > GRACE_MS)
      wrong(
        'deadline',
        `ended ${endedAt - deadlineAt} ms after its deadline, of which ${Math.round(own)} ms are its own`,
      )
  }

  for (const { type, triggeredid } of events) {
    if (!known.has(triggeredid)) violations.push({ claim: 'stray', id: triggeredid, detail: `${type}` })
  }
  const toxics = records.toxics()
  if (toxics > 0) violations.push({ claim: 'left', detail: `${toxics} toxics` })
  return { violations, late, ends, events: events.length }
}

/** Returns the times in which Keptn did not accept events. */
function keptnFaults(requests: PlatformRequest[], unstepped: (at: number) => number): Span[] {
  return requests
    .filter(({ target, fault, status }) => target === 'keptn' && (fault !== null || status === null || status >= 400))
    .map(({ at, fault }) => {
      const start = unstepped(at)
      return { start, end: start + (fault === 'hang' ? afterKeptnFault.hang : 0) + afterKeptnFault.pause }
    })
}

function unite(spans: Span[]): Span[] {
  const united: Span[] = []
  for (const { start, end } of spans.toSorted((a, b) => a.start - b.start)) {
    const last = united.at(-1)
    if (last && start <= last.end) last.end = Math.max(last.end, end)
    else united.push({ start, end })
  }
  return united
}

export function overlap(spans: readonly Span[], from: number, to: number): number {
  return spans.reduce((sum, { start, end }) => sum + Math.max(0, Math.min(end, to) - Math.max(start, from)), 0)
}
