import type { Task as TaskRecord } from '../../../shared/core/call.ts'
import type { Unanswered } from '../../../shared/core/task/answer.ts'
import { describeWaiting, findWaiting, PROGRESS_EVENTS, type Waiting } from '../../../shared/core/task/progress.ts'
import type { Outcome } from '../../../shared/outcome.ts'
import type { RecordedEvent } from '../../platforms/keptn/index.ts'
import type { ExecutionDetail, LocalCloud, OperationSummary } from '../cloud/index.ts'
import type { CallRecord, LogLine, Outgoing } from './call-record.ts'
import type { Inbound } from './inbound.ts'
import { isFailedAttempt, type Waterfall, waterfallOf } from './waterfall.ts'

/** How a call stands. `refused`: it was never accepted. */
export type Verdict =
  | 'running'
  | 'retrying'
  | 'waiting'
  | 'pass'
  | 'warning'
  | 'fail'
  | 'errored'
  | 'aborted'
  | 'refused'

/** A call in the list. Times are milliseconds since 1970. Texts are empty if they are unknown. */
export interface CallSummary {
  id: string
  at: number
  endedAt?: number | undefined
  verdict: Verdict
  category: string
  action: string
  provider: string
  /** Title of the provider, once it was called. */
  platform: string
  connection: string
  mode: string
  caller: string
  /** Name of the orchestrator that gets the answer. */
  orchestrator: string
  /** Title of its engine: `Keptn`. */
  engine: string
  context: string
  /** `shop/production/checkout` */
  place: string
  /** The task of Keptn's event. */
  task: string
  /** Its outcome, or what it waits for. */
  text: string
  /** The end of its current wait. */
  until?: number | undefined
  /** Attempts of its action. */
  attempts: number
  failedAttempts: number
  deadlineAt?: number | undefined
  /** Whether its orchestrator has its one answer. `none`: no orchestrator waits for it. */
  answer: 'none' | 'pending' | 'sent' | Unanswered
}

/** A call with all of its details. */
export interface CallDetail extends CallSummary {
  waiting?: Waiting | undefined
  outcome?: Partial<Outcome> | undefined
  /** When the orchestrator accepted the answer. */
  answeredAt?: number | undefined
  /** Notes of the validation, such as a text that was cut. */
  notes: readonly string[]
  /** The input after validation. */
  input?: unknown
  requests: Inbound[]
  outgoing: Outgoing[]
  /** Number of older requests that were dropped. */
  droppedCalls: number
  /** Events that Keptn received. */
  events: { at: string; event: object }[]
  log: LogLine[]
  waterfall: Waterfall
}

type Cloud = Pick<LocalCloud, 'execution' | 'newestEvents' | 'operations'>

/** Sources of the views besides the record of a call. */
export interface ViewContext {
  cloud: Cloud
  /** Returns the provider of a connection. Empty if it does not exist. */
  providerOf(category: string, connection: string): string
  /** Returns the title of the engine of an orchestrator. */
  engineOf(orchestrator: string): string
}

/** The task of a record. */
interface Task {
  execution: ExecutionDetail
  payload: Payload
  operations: OperationSummary[]
  deadlineAt: number
  waiting: Waiting | undefined
}

export function summaryOf(record: CallRecord, context: ViewContext): CallSummary {
  const task = taskOf(record, context.cloud)
  return task ? taskSummary(record, task, context) : requestSummary(record, context)
}

/** @param events of all calls that were sent to Keptn */
export function detailOf(record: CallRecord, context: ViewContext, events: readonly RecordedEvent[]): CallDetail {
  const task = taskOf(record, context.cloud)
  const { requests, outgoing, droppedCalls, log } = record
  const parts = { requests, outgoing, droppedCalls, log }
  if (!task) {
    const summary = requestSummary(record, context)
    const waterfall = waterfallOf({ record, operations: [], summary })
    return { ...summary, ...parts, outcome: bodyOf(requests.at(-1)), notes: [], events: [], waterfall }
  }
  const { execution, payload, operations, waiting } = task
  const summary = taskSummary(record, task, context)
  const finisher = record.finisher === undefined ? [] : context.cloud.operations(record.finisher)
  const all = [...operations, ...finisher]
  return {
    ...summary,
    ...parts,
    waiting,
    outcome: outcomeOf(execution),
    answeredAt: all.findLast(({ name, status }) => name === 'send-finished' && status === 'SUCCEEDED')?.endedAt,
    notes: payload.notes ?? [],
    input: payload.input,
    events: events
      .filter(({ via, event }) => via === 'api' && isAbout(event, payload))
      .map(({ at, event }) => ({ at, event })),
    waterfall: waterfallOf({ record, operations: all, summary, startedAt: execution.startedAt }),
  }
}

function taskOf({ arn }: CallRecord, cloud: Cloud): Task | undefined {
  const execution = arn === undefined ? undefined : cloud.execution(arn)
  if (!execution) return undefined
  const all = cloud.operations(execution.arn)
  const payload = payloadOf(execution, all)
  const deadlineAt = execution.startedAt + payload.deadline * 1_000
  const isRunning = execution.status === 'RUNNING'
  return {
    execution,
    payload,
    operations: all.map((operation) => withDeadline(operation, deadlineAt)),
    deadlineAt,
    waiting: isRunning ? findWaiting(cloud.newestEvents(execution.arn, PROGRESS_EVENTS), deadlineAt) : undefined,
  }
}

type Payload = Pick<
  TaskRecord,
  'category' | 'action' | 'connection' | 'provider' | 'caller' | 'orchestrator' | 'deadline'
> &
  Partial<Pick<TaskRecord, 'mappedName' | 'notes' | 'input'>> & { event: Partial<TaskRecord['event']> }

/** Returns the record of a call that a webhook has accepted, or that the task itself accepts from another function. */
function payloadOf({ input, functionName }: ExecutionDetail, operations: readonly OperationSummary[]): Payload {
  const accepted = operations.find(({ name }) => name === 'accept-invocation')?.result
  const known: Partial<Payload> =
    (parse(accepted) as { task?: Payload } | undefined)?.task ?? (parse(input) as Partial<Payload> | undefined) ?? {}
  return {
    category: functionName.replace(/-task$/, ''),
    action: '',
    connection: '',
    provider: '',
    caller: '',
    // An invoking function gets the outcome as the result of the execution.
    orchestrator: 'poll',
    deadline: 0,
    ...known,
    event: known.event ?? {},
  }
}

/** An approval has two callbacks. The first one ends when the reminder is sent. */
function withDeadline(operation: OperationSummary, deadlineAt: number): OperationSummary {
  return operation.type === 'CALLBACK' && operation.nextAt !== undefined
    ? { ...operation, nextAt: deadlineAt }
    : operation
}

function taskSummary(record: CallRecord, task: Task, { engineOf }: ViewContext): CallSummary {
  const { execution, payload, operations, waiting, deadlineAt } = task
  const { category, action, mappedName, connection, provider, caller, orchestrator, event } = payload
  const starts = operations.filter(({ name, type }) => name === 'start' && type === 'STEP')
  return {
    id: record.id,
    at: record.at,
    endedAt: execution.endedAt,
    category,
    action: mappedName ? `${action} (${mappedName})` : action,
    provider,
    platform: platformOf(record),
    connection,
    mode: record.requests.some(({ query }) => query.includes('mode=gate')) ? 'gate' : 'interactive',
    caller,
    orchestrator,
    engine: engineOf(orchestrator),
    context: event.context ?? '',
    place: placeOf(event),
    task: event.task ?? '',
    until: waiting?.until,
    attempts: Math.max(1, starts.length),
    failedAttempts: starts.filter(isFailedAttempt).length,
    deadlineAt,
    answer: answerOf(task),
    ...(execution.status === 'RUNNING' ? stateOfRunning(waiting) : endOf(execution)),
  }
}

function stateOfRunning(waiting: Waiting | undefined): Pick<CallSummary, 'verdict' | 'text'> {
  if (!waiting) return { verdict: 'running', text: '' }
  const verdict = waiting.people ? 'waiting' : waiting.for.startsWith('the next attempt') ? 'retrying' : 'running'
  return { verdict, text: describeWaiting(waiting) }
}

function endOf(execution: ExecutionDetail): Pick<CallSummary, 'verdict' | 'text'> {
  const outcome = outcomeOf(execution)
  if (outcome)
    return { verdict: outcome.status === 'succeeded' ? outcome.result : outcome.status, text: outcome.message }
  const reason = execution.error?.ErrorMessage ?? 'no reason'
  return { verdict: 'errored', text: `Lambda ended the execution as ${execution.status}: ${reason}` }
}

function answerOf({ execution, payload }: Task): CallSummary['answer'] {
  if (payload.orchestrator === 'poll') return 'none'
  if (execution.status === 'RUNNING') return 'pending'
  const { unanswered } = JSON.parse(execution.result ?? '{}') as { unanswered?: Unanswered }
  // The finisher answers for a task that Lambda ended.
  return unanswered ?? 'sent'
}

function outcomeOf({ result }: ExecutionDetail): Outcome | undefined {
  return result === undefined ? undefined : (JSON.parse(result) as { outcome?: Outcome }).outcome
}

/** Returns the title of the platform that a call has used. The other requests send answers. */
function platformOf({ outgoing }: CallRecord): string {
  return outgoing.find(({ step }) => !step?.startsWith('send-'))?.platform ?? ''
}

/** A caller may send values of any type. */
function placeOf({ project, stage, service }: { project?: unknown; stage?: unknown; service?: unknown }): string {
  return [project, stage, service].map(text).filter(Boolean).join('/')
}

/** Summarizes a call without a task: a silent call, a rejected call, or a click. */
function requestSummary(record: CallRecord, { providerOf }: ViewContext): CallSummary {
  const { id, at, requests, fields } = record
  const request = requests.at(-1)
  const [, , category = '', action = ''] = request?.path.split('/') ?? []
  const query = new URLSearchParams(request?.query)
  const sent = sentEvent(request)
  const body = bodyOf(request)
  const connection = fields?.connection ?? query.get('connection') ?? ''
  return {
    id,
    at,
    endedAt: request?.response?.at,
    category,
    action,
    provider: fields?.provider ?? providerOf(category, connection || 'default'),
    platform: platformOf(record),
    connection: connection || (fields ? 'default' : ''),
    mode: query.get('mode') ?? 'silent',
    caller: fields?.caller ?? '',
    orchestrator: '',
    engine: '',
    context: sent.context,
    place: sent.place,
    task: '',
    attempts: 1,
    failedAttempts: 0,
    answer: 'none',
    verdict: stateOf(request, body),
    text: text(body?.['message']) || text(body?.['detail']),
  }
}

/** Returns the context and the place in the event that a request sends. */
function sentEvent(request: Inbound | undefined): { context: string; place: string } {
  const { shkeptncontext, context, data } = parse(request?.body) ?? {}
  const place = data !== null && typeof data === 'object' ? placeOf(data) : ''
  return { context: text(shkeptncontext) || text(context), place }
}

function stateOf(request: Inbound | undefined, body: Record<string, unknown> | undefined): Verdict {
  const status = request?.response?.status
  if (status === undefined) return 'running'
  if (status >= 500) return 'errored'
  if (status === 422) return 'fail'
  if (status >= 400) return 'refused'
  return body?.['result'] === 'warning' ? 'warning' : 'pass'
}

function bodyOf(request: Inbound | undefined): Record<string, unknown> | undefined {
  return parse(request?.response?.body)
}

function parse(json: string | undefined): Record<string, unknown> | undefined {
  try {
    const body: unknown = JSON.parse(json ?? '')
    return body !== null && typeof body === 'object' ? (body as Record<string, unknown>) : undefined
  } catch {
    // A form, a web page, or a text that was clipped.
    return undefined
  }
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : ''
}

/** Several categories may respond to one trigger. */
function isAbout(event: Record<string, unknown>, { event: trigger, category }: Payload): boolean {
  return event['triggeredid'] === trigger.id && event['source'] === `cloud-automation-webhooks/${category}`
}
