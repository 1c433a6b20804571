import { isDecisionWait, isPolicyStep, isPollWakeUp, isWakeUp, SEND_FINISHED } from '../../../shared/core/task/steps.ts'
import type { Requirement } from '../../../shared/policy/kinds/index.ts'
import type { OperationSummary } from '../cloud/index.ts'
import { type AxisPart, axisOf } from './axis.ts'
import type { CallRecord, Outgoing } from './call-record.ts'
import type { CallSummary } from './call-summary.ts'
import { requirementRows } from './requirement-rows.ts'
import { stepName } from './step-name.ts'
import { withoutRaces } from './wake-ups.ts'
import { type Row, rowOf } from './waterfall-row.ts'

/** The course of a call as rows on a common time axis. Times are milliseconds since 1970. */
export interface Waterfall {
  rows: Row[]
  parts: AxisPart[]
}

interface Source {
  record: CallRecord
  operations: readonly OperationSummary[]
  /** The operations of the executions that follow the task. */
  later?: readonly OperationSummary[]
  summary: CallSummary
  startedAt?: number
  /** The requirements of the policy. */
  requirements?: readonly Requirement[] | undefined
}

interface NumberedRequest {
  request: Outgoing
  index: number
}

/** Returns the rows of a call: its request, each step with its attempts and requests, its answer and its deadline. */
export function waterfallOf(source: Source): Waterfall {
  const { record, later = [], summary, startedAt, requirements = [] } = source
  const { endedAt } = summary
  const operations = withoutRaces(source.operations, endedAt)
  const now = Date.now()
  const requests = requestsByStep(record.outgoing, [...operations, ...later])
  const blocks = [
    ...inboundRows(record).map((row) => [row]),
    ...(startedAt === undefined
      ? record.outgoing.map((request, index) => [requestRow({ request, index }, 0)])
      : stepBlocks(operations, summary, requests, now)),
    ...requirementRows(requirements, operations, endedAt, now).map((row) => [row]),
    ...finalRows(summary, now).map((row) => [row]),
    ...stepBlocks(later, summary, requests, now),
  ]
  const rows = blocks.sort((one, other) => timeOf(one) - timeOf(other)).flat()
  return { rows, parts: axisOf(rows, now, endedAt === undefined) }
}

/** A moment is drawn at its end: `Accepted` is the time of the response. */
function timeOf([first]: readonly Row[]): number {
  if (!first) return 0
  return first.kind === 'moment' ? first.to : first.from
}

/** Whether a step that succeeded is an attempt that failed: its result is the wait until the next one. */
export function isFailedAttempt({ type, result }: OperationSummary): boolean {
  if (type !== 'STEP' || result === undefined) return false
  const { retryIn } = (JSON.parse(result) ?? {}) as { retryIn?: unknown }
  return typeof retryIn === 'number'
}

function inboundRows({ requests }: CallRecord): Row[] {
  return requests.flatMap(({ at, response }, index): Row[] => {
    const received = rowOf(`in-${index}`, 'moment', index === 0 ? 'Received' : 'Received again', '', at)
    if (!response) return [received]
    const { status } = response
    const name = status === 202 ? 'Accepted' : 'Responded'
    const tone = status >= 400 ? 'bad' : 'plain'
    return [received, { ...rowOf(`out-${index}`, 'moment', name, String(status), at), tone, to: response.at }]
  })
}

/** Assigns each request to the operation during which it was sent. */
function requestsByStep(
  outgoing: readonly Outgoing[],
  operations: readonly OperationSummary[],
): Map<string, NumberedRequest[]> {
  const steps = operations.filter(({ type }) => type === 'STEP')
  const found = new Map<string, NumberedRequest[]>()
  outgoing.forEach((request, index) => {
    if (request.step === undefined) return
    // Lambda records the start of a step late, so the end decides.
    const sentAt = request.at - request.ms
    const open = steps.filter(({ endedAt }) => endedAt === undefined || endedAt >= sentAt)
    const step = open.find(({ name }) => name === request.step) ?? open[0] ?? steps.at(-1)
    if (step) found.set(step.id, [...(found.get(step.id) ?? []), { request, index }])
  })
  return found
}

/** Returns each step with the rows below it. */
function stepBlocks(
  operations: readonly OperationSummary[],
  summary: CallSummary,
  requests: Map<string, NumberedRequest[]>,
  now: number,
): Row[][] {
  const shown = operations.filter(
    ({ type, name }) =>
      (type === 'STEP' && name !== SEND_FINISHED && !isPolicyStep(name)) ||
      (type === 'CALLBACK' && (isDecisionWait(name) || isPollWakeUp(name))),
  )
  return consecutive(shown).map((group): Row[] => {
    const [first] = group
    if (!first) return []
    const own = group.flatMap(({ id }) => requests.get(id) ?? [])
    if (first.subType === 'WaitForCondition') return pollRows(first, own, now)
    if (isWakeUp(first.name))
      return [rowOf(`woken-${first.id}`, 'moment', 'Woken before the next poll', '', first.endedAt ?? now)]
    if (first.type === 'CALLBACK') return [callbackRow(first, operations, now)]
    const hasAttempts = group.length > 1 || isFailedAttempt(first)
    const below = hasAttempts
      ? attemptRows(group, requests, summary, now)
      : own.map((request) => requestRow(request, 1))
    return [stepRow(group, own, summary, now), ...below]
  })
}

/** Groups consecutive operations with the same name: the attempts of one step. */
function consecutive(operations: readonly OperationSummary[]): OperationSummary[][] {
  const groups: OperationSummary[][] = []
  for (const operation of operations) {
    const last = groups.at(-1)
    if (last?.[0]?.name === operation.name) last?.push(operation)
    else groups.push([operation])
  }
  return groups
}

function stepRow(
  group: readonly OperationSummary[],
  own: readonly NumberedRequest[],
  { engine }: CallSummary,
  now: number,
): Row {
  const [first] = group
  const last = group.at(-1)
  const failed = group.filter(isFailedAttempt).length
  const isFailed = last?.status === 'FAILED' || last?.status === 'TIMED_OUT'
  const note = failed > 0 ? `${failed} ${failed === 1 ? 'attempt' : 'attempts'} failed` : ''
  const status = own.length === 1 ? statusOf(own[0]?.request) : ''
  return {
    ...rowOf(`step-${first?.id}`, 'step', stepName(first?.name, engine), note || status, startOf(first, own, now)),
    tone: isFailed ? 'bad' : failed > 0 ? 'warn' : 'plain',
    to: last?.endedAt ?? now,
  }
}

function startOf(operation: OperationSummary | undefined, own: readonly NumberedRequest[], now: number): number {
  const [first] = own
  const sent = first ? first.request.at - first.request.ms : now
  return Math.min(operation?.startedAt ?? now, sent)
}

/** One row for each attempt with its requests. All but the newest are folded. */
function attemptRows(
  group: readonly OperationSummary[],
  requests: Map<string, NumberedRequest[]>,
  summary: CallSummary,
  now: number,
): Row[] {
  return group.flatMap((operation, index): Row[] => {
    const own = requests.get(operation.id) ?? []
    const isBad = isFailedAttempt(operation) || operation.status === 'FAILED'
    const isNewest = index === group.length - 1
    const end = operation.endedAt ?? now
    const failure = own.findLast(({ request }) => isBadRequest(request))?.request
    const note = isBad ? statusOf(failure) || 'failed' : ''
    const attempt: Row = {
      ...rowOf(`attempt-${operation.id}`, 'attempt', `Attempt ${index + 1}`, note, startOf(operation, own, now), 1),
      tone: isBad ? 'bad' : 'plain',
      to: end,
      waitUntil: isBad ? (group[index + 1]?.startedAt ?? summary.until) : undefined,
      isFolded: !isNewest,
    }
    const rows = [attempt, ...own.map((request) => requestRow(request, 2))]
    if (!isNewest || summary.verdict !== 'retrying' || summary.until === undefined) return rows
    const next = rowOf('next', 'next', `Attempt ${index + 2}`, '', end, 1)
    return [...rows, { ...next, tone: 'busy', to: summary.until }]
  })
}

function pollRows(operation: OperationSummary, own: readonly NumberedRequest[], now: number): Row[] {
  const polls = operation.attempts ?? own.length
  const isOpen = operation.endedAt === undefined
  const note = `${polls} ${polls === 1 ? 'poll' : 'polls'}`
  const start = startOf(operation, own, now)
  const poll: Row = {
    ...rowOf(`poll-${operation.id}`, 'polls', stepName(operation.name, ''), note, start),
    tone: isOpen ? 'busy' : 'plain',
    to: operation.endedAt ?? now,
    ticks: own.map(({ request }) => ({ at: request.at, bad: isBadRequest(request) })),
    isFolded: true,
  }
  return [poll, ...own.map((request) => requestRow(request, 1))]
}

/** A callback is created before people are asked. The wait starts when the steps that ask them, or remind them, have ended. */
function callbackRow(callback: OperationSummary, operations: readonly OperationSummary[], now: number): Row {
  const { id, startedAt, endedAt, status } = callback
  const to = endedAt ?? now
  const asking = operations.filter(
    (operation) => operation.type === 'STEP' && operation.startedAt >= startedAt && operation.startedAt < to,
  )
  const from = Math.min(to, Math.max(startedAt, ...asking.map((step) => step.endedAt ?? to)))
  const note = endedAt === undefined ? '' : status === 'SUCCEEDED' ? 'decided' : 'expired'
  return {
    ...rowOf(`wait-${id}`, 'wait', stepName('decision', ''), note, from),
    tone: endedAt === undefined ? 'busy' : 'plain',
    to,
  }
}

function requestRow({ request, index }: NumberedRequest, level: Row['level']): Row {
  const { method, path, at, ms } = request
  const name = path === undefined ? method : `${method} ${path}`
  return {
    ...rowOf(`request-${index}`, 'request', name, statusOf(request), at - ms, level),
    tone: isBadRequest(request) ? 'bad' : 'plain',
    to: at,
    request: index,
  }
}

function statusOf(request: Outgoing | undefined): string {
  if (!request) return ''
  return request.status === undefined ? 'no response' : String(request.status)
}

function isBadRequest({ status }: Outgoing): boolean {
  return status === undefined || status >= 400
}

/** The answer of an ended task, or the deadline of a running one. */
function finalRows(summary: CallSummary, now: number): Row[] {
  const { answer, engine, endedAt, deadlineAt, verdict, policyWait } = summary
  if (deadlineAt === undefined) return []
  if (policyWait)
    return [rowOf('deadline', 'deadline', 'Waits at most', 'then failed', Math.max(policyWait.until, now))]
  const atDeadline = verdict === 'waiting' ? 'then rejected' : 'then errored'
  if (endedAt === undefined) return [rowOf('deadline', 'deadline', 'Deadline', atDeadline, Math.max(deadlineAt, now))]
  const isLost = answer === 'lost' || answer === 'unwanted'
  const name = answer === 'none' ? 'Ended' : `Answer to ${engine}`
  const note = isLost ? `not delivered: ${answer}` : verdict
  return [{ ...rowOf('answer', 'answer', name, note, endedAt), tone: isLost ? 'bad' : verdict }]
}
