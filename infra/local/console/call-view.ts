import type { Task as TaskRecord } from '../../../shared/core/call.ts'
import { describeWaiting, findWaiting, PROGRESS_EVENTS, type Waiting } from '../../../shared/core/task/progress.ts'
import type { Outcome } from '../../../shared/outcome.ts'
import type { RecordedEvent } from '../../platforms/keptn/index.ts'
import type { ExecutionDetail, LocalCloud, OperationSummary } from '../cloud/index.ts'
import type { Inbound } from './inbound.ts'
import type { Entry } from './journal.ts'
import type { Outgoing } from './parse-log-line.ts'
import { type Moment, timelineOf } from './timeline.ts'

/** State of a call. `refused` means that it was rejected before it started. */
type CallState = 'running' | 'waiting' | 'pass' | 'warning' | 'fail' | 'errored' | 'aborted' | 'refused'

/** A call in the list. Times are milliseconds since 1970. */
export interface CallSummary {
  id: string
  at: number
  endedAt?: number | undefined
  category: string
  action: string
  connection?: string | undefined
  mode: 'interactive' | 'silent'
  state: CallState
  /** Its outcome, or what it waits for. */
  text: string
  waiting?: Waiting | undefined
}

/** A durable operation. */
interface Step extends OperationSummary {
  /** Whether the attempt failed although Lambda reports that the step succeeded. */
  isFailedAttempt: boolean
}

/** A call with its requests, outgoing calls, events and steps. */
interface CallDetail extends CallSummary {
  /** Project, stage, service and task of its event. */
  event?: Record<string, string | undefined> | undefined
  deadlineAt?: number | undefined
  outcome?: Partial<Outcome> | undefined
  timeline: Moment[]
  requests: Inbound[]
  outgoing: Outgoing[]
  /** Number of older outgoing calls that were dropped. */
  droppedCalls: number
  events: { at: string; event: object }[]
  steps: Step[]
}

type Cloud = Pick<LocalCloud, 'execution' | 'newestEvents' | 'operations'>

/** The task of an entry. */
interface Task {
  execution: ExecutionDetail
  payload: TaskRecord
  operations: OperationSummary[]
  deadlineAt: number
  waiting: Waiting | undefined
}

export function summaryOf(entry: Entry, cloud: Cloud): CallSummary {
  const task = taskOf(entry, cloud)
  return task ? taskSummary(entry, task) : requestSummary(entry)
}

/** @param events of all calls that were sent to the orchestrator */
export function detailOf(entry: Entry, cloud: Cloud, events: readonly RecordedEvent[]): CallDetail {
  const task = taskOf(entry, cloud)
  const { requests, outgoing, droppedCalls } = entry
  if (!task) {
    const summary = requestSummary(entry)
    const timeline = timelineOf({ entry, operations: [], events: [], summary })
    const outcome = bodyOf(requests.at(-1))
    return { ...summary, outcome, timeline, requests, outgoing, droppedCalls, events: [], steps: [] }
  }
  const { execution, payload, operations, deadlineAt } = task
  const summary = taskSummary(entry, task)
  const sent = events.filter(({ via, event }) => via === 'api' && isAbout(event, payload))
  const { project, stage, service, task: name } = payload.event
  return {
    ...summary,
    event: { task: name, project, stage, service },
    deadlineAt,
    outcome: outcomeOf(execution),
    timeline: timelineOf({ entry, operations, events: sent, summary, startedAt: execution.startedAt }),
    requests,
    outgoing,
    droppedCalls,
    events: sent.map(({ at, event }) => ({ at, event })),
    steps: [...operations, ...(entry.finisher ? cloud.operations(entry.finisher) : [])].map(stepOf),
  }
}

function taskOf({ arn }: Entry, cloud: Cloud): Task | undefined {
  const execution = arn === undefined ? undefined : cloud.execution(arn)
  if (!execution) return undefined
  const isRunning = execution.status === 'RUNNING'
  const payload: TaskRecord = JSON.parse(execution.input)
  const operations = cloud.operations(execution.arn)
  const deadlineAt = execution.startedAt + payload.deadline * 1_000
  return {
    execution,
    payload,
    operations: operations.map((operation) => withDeadline(operation, deadlineAt)),
    deadlineAt,
    waiting: isRunning ? findWaiting(cloud.newestEvents(execution.arn, PROGRESS_EVENTS), deadlineAt) : undefined,
  }
}

/** An approval has two callbacks. The first one ends when the reminder is sent. */
function withDeadline(operation: OperationSummary, deadlineAt: number): OperationSummary {
  return operation.type === 'CALLBACK' && operation.nextAt !== undefined
    ? { ...operation, nextAt: deadlineAt }
    : operation
}

function taskSummary({ id, at }: Entry, { execution, payload, waiting }: Task): CallSummary {
  const { category, action, mappedName, connection } = payload
  const about = { id, at, category, action: mappedName ? `${action} (${mappedName})` : action, connection }
  return {
    ...about,
    endedAt: execution.endedAt,
    mode: 'interactive',
    waiting,
    ...(execution.status === 'RUNNING'
      ? { state: waiting ? 'waiting' : 'running', text: waiting ? describeWaiting(waiting) : '' }
      : endOf(execution)),
  }
}

function endOf(execution: ExecutionDetail): Pick<CallSummary, 'state' | 'text'> {
  const outcome = outcomeOf(execution)
  if (outcome) return { state: outcome.status === 'succeeded' ? outcome.result : outcome.status, text: outcome.message }
  const reason = execution.error?.ErrorMessage ?? 'no reason'
  return { state: 'errored', text: `Lambda ended the execution as ${execution.status}: ${reason}` }
}

function outcomeOf({ result }: ExecutionDetail): Outcome | undefined {
  return result === undefined ? undefined : (JSON.parse(result) as { outcome?: Outcome }).outcome
}

/** Summarizes a call without a task: a silent call, a rejected call, or a click. */
function requestSummary({ id, at, requests }: Entry): CallSummary {
  const request = requests.at(-1)
  const [, , category = '', action = ''] = request?.path.split('/') ?? []
  const query = new URLSearchParams(request?.query)
  const body = bodyOf(request)
  return {
    id,
    at,
    endedAt: request?.response?.at,
    category,
    action,
    connection: query.get('connection') ?? undefined,
    mode: query.get('mode') === 'interactive' ? 'interactive' : 'silent',
    state: stateOf(request, body),
    text: text(body?.['message']) ?? text(body?.['detail']) ?? '',
  }
}

function stateOf(request: Inbound | undefined, body: Record<string, unknown> | undefined): CallState {
  const status = request?.response?.status
  if (status === undefined) return 'running'
  if (status >= 500) return 'errored'
  if (status === 422) return 'fail'
  if (status >= 400) return 'refused'
  return body?.['result'] === 'warning' ? 'warning' : 'pass'
}

function bodyOf(request: Inbound | undefined): Record<string, unknown> | undefined {
  try {
    const body: unknown = JSON.parse(request?.response?.body ?? '')
    return body !== null && typeof body === 'object' ? (body as Record<string, unknown>) : undefined
  } catch {
    // A web page, or a response that was clipped.
    return undefined
  }
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}

/** Several categories may respond to one trigger. */
function isAbout(event: Record<string, unknown>, { event: trigger, category }: TaskRecord): boolean {
  return event['triggeredid'] === trigger.id && event['source'] === `cloud-automation-webhooks/${category}`
}

/** Characters of a result. */
const MAX_RESULT_LENGTH = 4_000

function stepOf(operation: OperationSummary): Step {
  const { result } = operation
  const step = { ...operation, isFailedAttempt: isFailedAttempt(operation) }
  if (result === undefined || result.length <= MAX_RESULT_LENGTH) return step
  return { ...step, result: `${result.slice(0, MAX_RESULT_LENGTH)}...` }
}

/** Whether a step that succeeded is an attempt that failed: its result is the wait until the next one. */
function isFailedAttempt({ type, result }: OperationSummary): boolean {
  if (type !== 'STEP' || result === undefined) return false
  const { retryIn } = (JSON.parse(result) ?? {}) as { retryIn?: unknown }
  return typeof retryIn === 'number'
}
