import type { Entry } from './call-records.ts'
import type { Span } from './child.ts'
import type { Effect, PlatformRecords } from './platform-records.ts'
import type { SentPress } from './presses.ts'
import { APPROVALS, type Restriction } from './restrictions.ts'
import { type Claim, overlap, type Violation } from './verify.ts'

/** The input of the check. */
export interface PolicyEvidence {
  entries: Iterable<Entry>
  records: PlatformRecords
  /** The button presses of the people. */
  presses: readonly SentPress[]
  /** The lines of the audit records. */
  auditLines: readonly string[]
  /** The times of the process in which the windows are closed. */
  closed: readonly Span[]
  /** Converts a time of the process to the true time. */
  unstepped(at: number): number
  /** Returns all times that the clock of the functions may have shown in a span of the true time. */
  functionTimes(span: Span): Span
}

/** How the policy affected the calls. */
export type PolicyFigures = Record<(typeof FIGURES)[number], number>
const FIGURES = [
  'calls',
  'refused',
  'delayed',
  'messages',
  'approved',
  'rejected',
  'expired',
  'canceled',
  'ran',
  'auditRecords',
] as const

/** A message that asks people, as it is after the run. */
interface Message {
  ts: string
  rule: string
  isOpen: boolean
  end: keyof typeof ENDS | undefined
}
const ENDS = { Approved: 'approved', Rejected: 'rejected', Expired: 'expired', Canceled: 'canceled' } as const

interface AuditLine {
  auditId: string
  taskId: string | null
  outcome: string
  decisions: { rule: string | null; decision: string; by: string }[]
}

/** Everything that is known about a call. */
interface Facts {
  entry: Entry
  restriction: Pick<Restriction, 'asks' | 'window' | 'isDenied'>
  messages: readonly Message[]
  /** How the people decided about each rule. */
  votes: readonly Votes[]
  auditLines: readonly AuditLine[]
  /** The latest possible time of the first write at the platform, as true time. */
  wroteAt: number | undefined
  /** Whether the window was open at some moment between the call and a time. */
  wasOpenBy(end: number): boolean
  /** Whether the window was open at some moment directly before a write. */
  wasOpenAt(wroteAt: number): boolean
}

interface Votes {
  rule: string
  sent: readonly SentPress[]
  /** When as many of the right people as necessary had approved. Infinity if never. */
  approvedAt: number
  /** When one of the right people had rejected. Infinity if never. */
  rejectedAt: number
}

type Wrong = (claim: Claim, detail: string) => void

/** Times of records have no milliseconds. */
const SECOND_MS = 1_000
/** From the decision about a start until its write, with a slow platform or a busy machine. */
const WRITE_MS = 6_000
/** So often a task tries to close its message. */
const CLOSING_ATTEMPTS = 5
/** The names in decisions. */
const NAMES = { jane: 'Jane Doe', ben: 'Ben Roe' }

/** Compares the writes of the platforms with the button presses and messages in the chat, the windows, and the audit records. */
export function verifyPolicy(evidence: PolicyEvidence): { violations: Violation[]; figures: PolicyFigures } {
  const violations: Violation[] = []
  const figures = Object.fromEntries(FIGURES.map((name) => [name, 0])) as PolicyFigures
  const ends = new Map(evidence.records.events().map(({ triggeredid, data }) => [triggeredid, data.message]))
  let open = 0
  for (const facts of factsOf(evidence)) {
    const { call, status } = facts.entry
    const wrong: Wrong = (claim, detail) => void violations.push({ claim, id: call.id, detail })
    checkMessages(facts, status?.outcome?.message ?? ends.get(call.id) ?? '', wrong)
    checkStart(facts, wrong)
    checkAudit(facts, wrong)
    count(facts, figures)
    open += facts.messages.filter(({ isOpen }) => isOpen).length
  }
  const updates = evidence.records.requests().filter(({ path }) => path.endsWith('/chat.update')).length
  const failed = updates - evidence.records.messages().filter(({ text }) => text.includes('"edited":')).length
  if (open > failed / CLOSING_ATTEMPTS)
    violations.push({ claim: 'closes', detail: `${open} messages are open after ${failed} updates without effect` })
  return { violations, figures }
}

function* factsOf(evidence: PolicyEvidence): Generator<Facts> {
  const { entries, records, presses, auditLines, unstepped, functionTimes, closed } = evidence
  const messages = messagesByCall(records)
  const pressesOf = Map.groupBy(presses, ({ ts }) => ts)
  const audited = Map.groupBy(auditLines.map(parseAuditLine), ({ taskId }) => taskId)
  const writes = new Map<Effect, Map<string, number[]>>()
  for (const entry of entries) {
    const { call, accepted, deliveries } = entry
    const { effect, restriction = { asks: [] } } = call
    if (effect && !writes.has(effect)) writes.set(effect, records.writes(effect))
    const times = (effect && writes.get(effect)?.get(call.id)) ?? []
    const asked = messages.get(call.id) ?? []
    const wasOpen = (span: Span) => {
      const { start, end } = functionTimes(span)
      return overlap(closed, start, end) < end - start
    }
    const sentAt = deliveries.length > 0 ? Math.min(...deliveries.map(({ at }) => at)) : 0
    yield {
      entry,
      restriction,
      messages: asked,
      votes: restriction.asks.map((rule) => {
        const mine = asked.filter((message) => message.rule === rule)
        return votesOn(
          rule,
          mine.flatMap(({ ts }) => pressesOf.get(ts) ?? []),
        )
      }),
      auditLines: (accepted && audited.get(accepted.taskId)) ?? [],
      wroteAt: times.length > 0 ? unstepped(Math.min(...times)) + SECOND_MS : undefined,
      wasOpenBy: (end) => wasOpen({ start: sentAt, end }),
      wasOpenAt: (at) => wasOpen({ start: Math.max(sentAt, at - WRITE_MS), end: at }),
    }
  }
}

function votesOn(rule: string, sent: readonly SentPress[]): Votes {
  const { count = 1, people = [] } = APPROVALS[rule] ?? {}
  // 404 and 409 are those of Slack: the message no longer had a button.
  const valid = sent.filter(({ user, status }) => people.includes(user) && status !== 404 && status !== 409)
  const approvals = Map.groupBy(
    valid.filter(({ action }) => action === 'approve'),
    ({ user }) => user,
  )
  const first = [...approvals.values()].map((all) => Math.min(...all.map(({ sentAt }) => sentAt))).sort((a, b) => a - b)
  const rejections = valid.filter(({ action, status }) => action === 'reject' && status === 303)
  return {
    rule,
    sent,
    approvedAt: first[count - 1] ?? Number.POSITIVE_INFINITY,
    rejectedAt: Math.min(Number.POSITIVE_INFINITY, ...rejections.map(({ answeredAt }) => answeredAt)),
  }
}

/** Checks that people were asked correctly, and that their approval had an effect. */
function checkMessages({ messages, restriction: { asks, window } }: Facts, end: string, wrong: Wrong): void {
  for (const [rule, { length }] of Map.groupBy(messages, ({ rule }) => rule)) {
    if (!asks.includes(rule)) wrong('asked', `people were asked because of the rule "${rule}", which does not match`)
    if (length > 1) wrong('asked', `people were asked ${length} times for the rule "${rule}"`)
  }
  const isApproved = asks.every((rule) =>
    messages.some((message) => message.rule === rule && message.end === 'Approved'),
  )
  if (
    asks.length > 0 &&
    isApproved &&
    (window === undefined || window === 'approve') &&
    /^Nothing was started|since people were asked/.test(end)
  )
    wrong('runs', `people approved it, and the task says: ${end}`)
}

/** Checks that the action ran only when it was allowed to. */
function checkStart({ entry, restriction, messages, votes, wroteAt, wasOpenBy, wasOpenAt }: Facts, wrong: Wrong): void {
  const { accepted, deliveries } = entry
  const { window, isDenied } = restriction
  const refusal = accepted && deliveries.find(({ at, status }) => at > accepted.at && isRefusal(status))
  if (refusal) wrong('repeated', `accepted, and a repeat was answered ${refusal.status}`)
  if (isDenied && accepted) wrong('denied', 'it was accepted')
  if (window === 'refuse' && accepted && !wasOpenBy(accepted.at))
    wrong('closed', 'it was accepted while the window was closed')
  if (wroteAt === undefined) return
  if (isDenied) wrong('denied', 'it left something at the platform')
  // People do not have to break the glass of a window that is open.
  const opened = (at: number) => window === 'approve' && wasOpenBy(at)
  for (const { rule, approvedAt, rejectedAt } of votes) {
    if (approvedAt > wroteAt && !opened(wroteAt)) wrong('approved', `it ran before people had approved "${rule}"`)
    if (rejectedAt < approvedAt && !opened(rejectedAt)) wrong('rejected', `it ran although "${rule}" was rejected`)
  }
  const ended = messages.find(({ end }) => end === 'Rejected' || end === 'Expired')
  if (ended && !opened(wroteAt)) wrong('rejected', `it ran, and the message for "${ended.rule}" says ${ended.end}`)
  const isApproved = window === 'approve' && votes.some(({ approvedAt }) => approvedAt <= wroteAt)
  if (window && !isApproved && !wasOpenAt(wroteAt)) wrong('closed', 'it ran while the window was closed')
}

/** Checks the record of an action. One that was written again has the same id and contents. */
function checkAudit({ entry: { call, accepted }, auditLines: lines, votes }: Facts, wrong: Wrong): void {
  if (!accepted || !call.acts) return
  const records = new Set(lines.map(({ auditId }) => auditId)).size
  if (records !== 1) wrong('audited', `it has ${records} audit records`)
  if (new Set(lines.map(({ outcome }) => outcome)).size > 1) wrong('audited', 'its audit record has two outcomes')
  for (const { rule, decision, by } of lines.flatMap(({ decisions }) => decisions)) {
    const { sent = [] } = votes.find((one) => one.rule === rule) ?? {}
    const isTrue = sent.some(({ user, action }) => action === decision && by.includes(NAMES[user]))
    if (decision !== 'cancel' && !isTrue) wrong('audited', `${by} has not pressed ${decision} for the rule "${rule}"`)
  }
}

function count({ entry, restriction, messages, auditLines, wroteAt, wasOpenBy }: Facts, figures: PolicyFigures): void {
  const { call, accepted, deliveries } = entry
  figures.auditRecords += new Set(auditLines.map(({ auditId }) => auditId)).size
  if (!call.restriction) return
  figures.calls += 1
  figures.messages += messages.length
  for (const { end } of messages) if (end) figures[ENDS[end]] += 1
  if (!accepted && deliveries.some(({ status }) => isRefusal(status))) figures.refused += 1
  if (wroteAt === undefined) return
  figures.ran += 1
  if (restriction.window === 'wait' && accepted && !wasOpenBy(accepted.at)) figures.delayed += 1
}

function isRefusal(status: number | undefined): boolean {
  return status === 403 || status === 422
}

/** Returns the messages that ask people for each call. */
function messagesByCall(records: PlatformRecords): Map<string, Message[]> {
  const found = new Map<string, Message[]>()
  for (const { ts, text, ids } of records.messages()) {
    const rule = /The rule \\"([^"\\]+)\\" of the policy requires/.exec(text)?.[1]
    if (rule === undefined) continue
    const end = /\\n(Approved|Rejected|Expired|Canceled)(?: by |: no one)/.exec(text)?.[1] as Message['end']
    const message = { ts, rule, isOpen: text.includes('action_id'), end }
    for (const id of new Set(ids)) found.set(id, [...(found.get(id) ?? []), message])
  }
  return found
}

function parseAuditLine(line: string): AuditLine {
  return JSON.parse(line)
}
