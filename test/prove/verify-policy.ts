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
export interface PolicyFigures {
  calls: number
  messages: number
  approved: number
  rejected: number
  expired: number
  /** The task no longer needed the approval. */
  canceled: number
  /** Accepted while the window was closed, and run after it opened. */
  delayed: number
  refused: number
  ran: number
  auditRecords: number
}

/** A message that asks people, as it is after the run. */
interface Message {
  ts: string
  rule: string
  isOpen: boolean
  end: 'Approved' | 'Rejected' | 'Expired' | 'Canceled' | undefined
}

interface AuditLine {
  auditId: string
  taskId: string | null
  outcome: string
  decisions: { rule: string | null; decision: string; by: string }[]
}

/** Records of platforms have whole seconds. */
const SECOND_MS = 1_000
/** The names in decisions. */
const NAMES = { jane: 'Jane Doe', ben: 'Ben Roe' }

/** Compares the writes of the platforms with the button presses and messages in the chat, the windows, and the audit records. */
export function verifyPolicy(evidence: PolicyEvidence): { violations: Violation[]; figures: PolicyFigures } {
  const { entries, records, presses, auditLines } = evidence
  const violations: Violation[] = []
  const audited = Map.groupBy(auditLines.map(parseAuditLine), ({ taskId }) => taskId)
  const messages = messagesByCall(records)
  const pressesOf = Map.groupBy(presses, ({ ts }) => ts)
  const messageAt = new Map(records.events().map(({ triggeredid, data }) => [triggeredid, data.message]))
  const writes = new Map<Effect, Map<string, number[]>>()
  const writesOf = ({ call: { effect, id } }: Entry) => {
    if (!effect) return []
    const all = writes.get(effect) ?? records.writes(effect)
    writes.set(effect, all)
    return all.get(id) ?? []
  }
  const figures: PolicyFigures = {
    calls: 0,
    messages: 0,
    approved: 0,
    rejected: 0,
    expired: 0,
    canceled: 0,
    delayed: 0,
    refused: 0,
    ran: 0,
    auditRecords: 0,
  }

  for (const entry of entries) {
    const { call, accepted, deliveries } = entry
    const wrong = (claim: Claim, detail: string) => void violations.push({ claim, id: call.id, detail })
    const refusal = accepted && deliveries.find(({ at, status }) => at > accepted.at && (status === 403 || status === 422))
    if (refusal) wrong('repeated', `accepted, and a repeat was answered ${refusal.status}`)
    const asked = messages.get(call.id) ?? []
    const { asks = [], window, isDenied }: Partial<Restriction> = call.restriction ?? {}
    const byRule = Map.groupBy(asked, ({ rule }) => rule)
    for (const [rule, same] of byRule) {
      if (!asks.includes(rule)) wrong('asked', `people were asked for the rule "${rule}", which does not match`)
      if (same.length > 1) wrong('asked', `people were asked ${same.length} times for the rule "${rule}"`)
    }
    for (const { rule, isOpen } of asked) if (isOpen) wrong('closes', `the message for the rule "${rule}" is open`)
    const lines = accepted && call.acts ? (audited.get(accepted.taskId) ?? []) : undefined
    if (lines) {
      figures.auditRecords += new Set(lines.map(({ auditId }) => auditId)).size
      checkAudit(lines, asked, (detail) => wrong('audited', detail))
    }
    if (!call.restriction) continue

    const isRefused = !accepted && deliveries.some(({ status }) => status === 403 || status === 422)
    const times = writesOf(entry)
    const sentAt = Math.min(...deliveries.map(({ at }) => at))
    const wroteAt = times.length > 0 ? evidence.unstepped(Math.min(...times)) + SECOND_MS : undefined
    figures.calls += 1
    figures.messages += asked.length
    for (const { end } of asked) if (end) figures[FIGURES[end]] += 1
    if (isRefused) figures.refused += 1
    if (wroteAt !== undefined) figures.ran += 1

    if (isDenied && (accepted || wroteAt !== undefined))
      wrong('denied', accepted ? 'it was accepted' : `there are ${times.length} ${call.effect}`)
    const votes = asks.map((rule) => votesOn(byRule.get(rule) ?? [], rule))
    const wasOpenBy = (end: number) => window !== undefined && wasOpen({ start: sentAt, end }, evidence)
    const isOpened = (end: number) => window === 'approve' && wasOpenBy(end)
    if (wroteAt !== undefined) {
      for (const { rule, approvedAt, rejectedAt } of votes) {
        const isFree = isOpened(wroteAt)
        if (approvedAt > wroteAt && !isFree) wrong('approved', `it ran before enough people had approved "${rule}"`)
        if (rejectedAt < approvedAt && !isOpened(rejectedAt)) wrong('rejected', `it ran although "${rule}" was rejected`)
      }
      const ended = asked.find(({ end }) => end === 'Rejected' || end === 'Expired')
      if (ended && !isOpened(wroteAt)) wrong('rejected', `it ran, and the message for "${ended.rule}" says ${ended.end}`)
      const isApproved = window === 'approve' && votes.some(({ approvedAt }) => approvedAt <= wroteAt)
      if (window && !isApproved && !wasOpenBy(wroteAt)) wrong('closed', 'it ran while the window was closed')
      const wasClosed = window && accepted && !wasOpenBy(accepted.at)
      if (wasClosed && !isApproved) figures.delayed += 1
    }
    if (window === 'refuse' && accepted && !wasOpenBy(accepted.at))
      wrong('closed', 'it was accepted while the window was closed')
    const isApproved = asks.length > 0 && asks.every((rule) => byRule.get(rule)?.every(({ end }) => end === 'Approved'))
    const message = entry.status?.outcome?.message ?? messageAt.get(call.id) ?? ''
    if (isApproved && window !== 'wait' && /^Nothing was started|since people were asked/.test(message))
      wrong('runs', `people approved it, and the task says: ${message}`)
  }
  return { violations, figures }

  /** Returns when enough people had approved a rule at the earliest, and when it was rejected at the latest. Infinity if never. */
  function votesOn(asked: readonly Message[], rule: string) {
    const { count = 1, people = [] } = APPROVALS[rule] ?? {}
    const sent = asked
      .flatMap(({ ts }) => pressesOf.get(ts) ?? [])
      // 404 and 409 are those of Slack: the message had no button any more.
      .filter(({ user, status }) => people.includes(user) && status !== 404 && status !== 409)
    const approvals = Map.groupBy(
      sent.filter(({ action }) => action === 'approve'),
      ({ user }) => user,
    )
    const first = [...approvals.values()].map((all) => Math.min(...all.map(({ sentAt }) => sentAt))).sort((a, b) => a - b)
    const rejections = sent.filter(({ action, status }) => action === 'reject' && status === 303)
    return {
      rule,
      approvedAt: first[count - 1] ?? Number.POSITIVE_INFINITY,
      rejectedAt: Math.min(Number.POSITIVE_INFINITY, ...rejections.map(({ answeredAt }) => answeredAt)),
    }
  }

  /** A record that was written again has the same id, and the same contents. */
  function checkAudit(lines: readonly AuditLine[], asked: readonly Message[], wrong: (detail: string) => void): void {
    const ids = new Set(lines.map(({ auditId }) => auditId))
    if (ids.size !== 1) wrong(`it has ${ids.size} audit records`)
    if (new Set(lines.map(({ outcome }) => outcome)).size > 1) wrong('its audit record has two outcomes')
    for (const { rule, decision, by } of lines.flatMap(({ decisions }) => decisions)) {
      const sent = asked.filter((message) => message.rule === rule).flatMap(({ ts }) => pressesOf.get(ts) ?? [])
      const isTrue = sent.some(({ user, action }) => action === decision && by.includes(NAMES[user]))
      if (decision !== 'cancel' && !isTrue) wrong(`${by} has not pressed ${decision} for the rule "${rule}"`)
    }
  }
}

const FIGURES = { Approved: 'approved', Rejected: 'rejected', Expired: 'expired', Canceled: 'canceled' } as const

/** Returns whether the window was open at some moment of a span of the true time. */
function wasOpen(span: Span, { closed, functionTimes }: PolicyEvidence): boolean {
  const { start, end } = functionTimes(span)
  return overlap([...closed], start, end) < end - start
}

/** Returns the messages that ask people for each call. */
function messagesByCall(records: PlatformRecords): Map<string, Message[]> {
  const found = new Map<string, Message[]>()
  for (const { ts, text, ids } of records.messages()) {
    const rule = /The rule \\"([^"\\]+)\\" of the policy requires/.exec(text)?.[1]
    if (rule === undefined) continue
    const end = /\b(Approved|Rejected|Expired|Canceled)(?: by |: no one)/.exec(text)?.[1] as Message['end']
    const message = { ts, rule, isOpen: text.includes('action_id'), end }
    for (const id of new Set(ids)) found.set(id, [...(found.get(id) ?? []), message])
  }
  return found
}

function parseAuditLine(line: string): AuditLine {
  return JSON.parse(line)
}
