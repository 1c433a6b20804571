import type { ApprovalInput } from '../../../shared/approvals/input.ts'
import { ANSWER_SUFFIX, type Task as TaskRecord } from '../../../shared/core/call.ts'
import type { Unanswered } from '../../../shared/core/task/answer.ts'
import { describeWaiting, findWaiting, PROGRESS_EVENTS, type Waiting } from '../../../shared/core/task/progress.ts'
import type { Outcome } from '../../../shared/outcome.ts'
import type { ExecutionDetail, OperationSummary } from '../cloud/index.ts'
import type { CallRecord } from './call-record.ts'
import type { Approval, CallSummary, Executions, ViewContext } from './call-summary.ts'
import { withoutKeys } from './inbound.ts'
import { parseObject, placeOf } from './json-text.ts'
import { isFailedAttempt } from './waterfall.ts'

/** The task of a record. */
export interface Task {
  execution: ExecutionDetail
  payload: Payload
  operations: OperationSummary[]
  deadlineAt: number
  waiting: Waiting | undefined
}

type Payload = Pick<
  TaskRecord,
  'category' | 'action' | 'connection' | 'provider' | 'caller' | 'orchestrator' | 'deadline'
> &
  Partial<Pick<TaskRecord, 'mappedName' | 'notes' | 'input' | 'rerunOf'>> & { event: Partial<TaskRecord['event']> }

export function taskOf({ arn }: CallRecord, cloud: Executions): Task | undefined {
  const execution = arn === undefined ? undefined : cloud.execution(arn)
  if (!execution) return undefined
  const operations = cloud.operations(execution.arn)
  const payload = payloadOf(execution, operations)
  const deadlineAt = execution.startedAt + payload.deadline * 1_000
  const isRunning = execution.status === 'RUNNING'
  return {
    execution,
    payload,
    operations,
    deadlineAt,
    waiting: isRunning ? findWaiting(cloud.newestEvents(execution.arn, PROGRESS_EVENTS), deadlineAt) : undefined,
  }
}

/** Returns the record of a call that a webhook has accepted, or that the task itself accepts from another function. */
function payloadOf({ input, functionName }: ExecutionDetail, operations: readonly OperationSummary[]): Payload {
  const accepted = operations.find(({ name }) => name === 'accept-invocation')?.result
  const known: Partial<Payload> =
    (parseObject(accepted) as { task?: Payload } | undefined)?.task ??
    (parseObject(input) as Partial<Payload> | undefined) ??
    {}
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

export function taskSummary(record: CallRecord, task: Task, { cloud, engineOf, titleOf }: ViewContext): CallSummary {
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
    platform: platformOf(record) || (titleOf?.(category, provider) ?? ''),
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
    answer: answerOf(task, record, cloud),
    ...(execution.status === 'RUNNING' ? stateOfRunning(waiting, approvalOf(task)) : endOf(execution)),
  }
}

/** Returns what an approval asks, where, and who may decide. Undefined for other actions. */
export function approvalOf({ payload, operations, deadlineAt }: Task): Approval | undefined {
  const { message, approvers, excluded, channel } = (payload.input ?? {}) as Partial<ApprovalInput>
  if (message?.title === undefined) return undefined
  const question = [message.title, message.text].filter(Boolean).join(' ')
  const started = parseObject(operations.find(({ name }) => name === 'start')?.result)
  const { url } = (started?.['outcome'] as Outcome | undefined)?.data ?? {}
  // The first callback ends when people are reminded. The provider http cannot remind them.
  const first = operations.find(({ name, endedAt }) => name === 'decision-wake-0' && endedAt === undefined)
  const reminderAt = payload.provider === 'http' ? undefined : first?.nextAt
  return {
    question,
    approvers,
    excluded,
    channel,
    // Never the approval page, whose link only the message may contain.
    messageUrl: typeof url === 'string' && withoutKeys(url) === url ? url : undefined,
    reminderAt: reminderAt !== undefined && reminderAt < deadlineAt ? reminderAt : undefined,
  }
}

function stateOfRunning(
  waiting: Waiting | undefined,
  approval: Approval | undefined,
): Pick<CallSummary, 'verdict' | 'text'> {
  if (!waiting) return { verdict: 'running', text: '' }
  if (waiting.people && approval) return { verdict: 'waiting', text: approval.question }
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

function answerOf({ execution, payload }: Task, { later = [] }: CallRecord, cloud: Executions): CallSummary['answer'] {
  if (payload.orchestrator === 'poll') return 'none'
  if (execution.status === 'RUNNING') return 'pending'
  // The finisher answers for a task that Lambda ended.
  const reason = unansweredIn(execution)
  const wasSentAgain = later.some((arn) => {
    const again = cloud.execution(arn)
    return again?.name.includes(ANSWER_SUFFIX) && again.status === 'SUCCEEDED' && unansweredIn(again) === undefined
  })
  return wasSentAgain ? 'sent' : (reason ?? 'sent')
}

function unansweredIn({ result }: ExecutionDetail): Unanswered | undefined {
  return (JSON.parse(result ?? '{}') as { unanswered?: Unanswered }).unanswered
}

export function outcomeOf({ result }: ExecutionDetail): Outcome | undefined {
  return result === undefined ? undefined : (JSON.parse(result) as { outcome?: Outcome }).outcome
}

/** Returns the title of the platform that a call has used. The other requests send answers. */
export function platformOf({ outgoing }: CallRecord): string {
  return outgoing.find(({ step }) => !step?.startsWith('send-'))?.platform ?? ''
}

/** Several categories may respond to one trigger. */
export function isAbout(event: Record<string, unknown>, { event: trigger, category }: Payload): boolean {
  return event['triggeredid'] === trigger.id && event['source'] === `cloud-automation-webhooks/${category}`
}
