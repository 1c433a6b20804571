import type { Entry } from './call-records.ts'
import type { Effect } from './calls.ts'
import type { Span } from './child.ts'
import type { Books, PlatformRequest } from './platform-records.ts'

/** Something that must not be. */
export interface Violation {
  /** The claim that it breaks. */
  claim: Claim
  /** The id of the event, where it is about one. */
  id?: string
  detail: string
}

/** What is claimed, in the words of the report. */
export const claims = {
  finished: 'each accepted call has exactly one finished, with the project, stage, service and context of its event',
  started: 'it has exactly one started where that was asked for, else none',
  once: 'there is at most one issue, comment, ticket, note, run, message or report for one event, but for a run that its platform had forgotten before',
  done: 'what ended as a pass is there at its platform, once',
  refused: 'a call that was only ever refused has no event; a silent one never has',
  wrong: 'what is wrong is refused, with the status that says why',
  aborted: 'no task is said to be aborted: nobody has aborted any',
  deadline: 'no task goes past its deadline by more than a poll',
  stray: 'no event answers a trigger that was not sent',
  left: 'no fault that was injected is left behind, and no task is left running',
  leak: 'no piece of a secret is in any byte that was written, answered or sent',
} as const
type Claim = keyof typeof claims

/** What a task may need after its deadline, in milliseconds: a poll, a request that was under way, and the start of its function after a kill. */
export const grace = 10_000
/** How long Keptn's refusal keeps a task from sending its event: the time of a request, and the pause before the next. */
const afterKeptnFault = { hang: 15_000, pause: 10_000 }

/** All that is held against each other. */
export interface Evidence {
  entries: Iterable<Entry>
  books: Books
  downs: Span[]
  backSteps: { at: number; by: number }[]
  /** The time by a clock that nobody steps. */
  unstepped(at: number): number
}

export interface Verdict {
  violations: Violation[]
  /** How many tasks ended after their deadline, and the most that one needed, in milliseconds: as seen, and without what was not its fault. */
  late: { tasks: number; most: number; mostOwn: number }
  /** Tasks by how they ended: `succeeded pass`. */
  ends: Record<string, number>
  /** Events from us. */
  events: number
}

/** Holds what callers were told against the platforms' own books. */
export function verify({ entries, books, downs, backSteps, unstepped }: Evidence): Verdict {
  const violations: Violation[] = []
  const events = books.events()
  const byTrigger = Map.groupBy(events, ({ triggeredid }) => triggeredid)
  const made = new Map<Effect, Map<string, number>>()
  const madeOf = ({ call: { effect, id } }: Entry) => {
    if (!effect) return undefined
    const counts = made.get(effect) ?? books.made(effect)
    made.set(effect, counts)
    return counts.get(id) ?? 0
  }
  const away = unite([...downs, ...keptnFaults(books.requests(), unstepped)])
  const late = { tasks: 0, most: 0, mostOwn: 0 }
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
    const inDoubt = deliveries.some(({ status }) => status === undefined)
    if (count !== undefined && count > 1) wrong('once', `${count} ${call.effect} name it`)
    const statuses = deliveries.map(({ status }) => status ?? 'no answer').join(', ')

    if (call.refused !== undefined) {
      const answers = deliveries.flatMap(({ status }) => status ?? [])
      // A token that was just added may not be known yet, and something of ours may be out of order.
      const strange = answers.find((status) => status !== call.refused && status !== 401 && status < 500)
      if (strange !== undefined) wrong('wrong', `answered ${strange} instead of ${call.refused}`)
    }
    if (!accepted) {
      const isSilent = call.mode === 'silent'
      if (mine.length > 0 && (isSilent || !inDoubt))
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

    const deadlineAt = accepted.at + call.deadline * 1_000
    const endedAt = unstepped(end.at)
    if (endedAt <= deadlineAt) continue
    const back = backSteps.reduce((sum, { at, by }) => sum + (at > accepted.at && at < endedAt ? by : 0), 0)
    const own = endedAt - deadlineAt - back - overlap(away, deadlineAt, endedAt)
    late.tasks += 1
    late.most = Math.max(late.most, endedAt - deadlineAt)
    late.mostOwn = Math.max(late.mostOwn, own)
    if (own > grace)
      wrong(
        'deadline',
        `ended ${endedAt - deadlineAt} ms after its deadline, of which ${Math.round(own)} ms are its own`,
      )
  }

  for (const { type, triggeredid } of events) {
    if (!known.has(triggeredid)) violations.push({ claim: 'stray', id: triggeredid, detail: `${type}` })
  }
  const toxics = books.toxics()
  if (toxics > 0) violations.push({ claim: 'left', detail: `${toxics} toxics` })
  return { violations, late, ends, events: events.length }
}

/** When Keptn kept events from being sent. */
function keptnFaults(requests: PlatformRequest[], unstepped: (at: number) => number): Span[] {
  return requests
    .filter(({ target, fault, status }) => target === 'keptn' && (fault !== null || status === null || status >= 400))
    .map(({ at, fault }) => {
      const begin = unstepped(at)
      return { begin, end: begin + (fault === 'hang' ? afterKeptnFault.hang : 0) + afterKeptnFault.pause }
    })
}

function unite(spans: Span[]): Span[] {
  const united: Span[] = []
  for (const { begin, end } of spans.toSorted((a, b) => a.begin - b.begin)) {
    const last = united.at(-1)
    if (last && begin <= last.end) last.end = Math.max(last.end, end)
    else united.push({ begin, end })
  }
  return united
}

function overlap(spans: Span[], from: number, to: number): number {
  return spans.reduce((sum, { begin, end }) => sum + Math.max(0, Math.min(end, to) - Math.max(begin, from)), 0)
}
