import { secondsToReminder } from '../../../shared/approvals/reminder.ts'
import type { ApprovalInput } from '../../../shared/approvals/request/input.ts'
import { ANSWER_SUFFIX, type Task } from '../../../shared/core/call.ts'
import type { Unanswered } from '../../../shared/core/task/answer.ts'
import { deadlineAfter, policyProgressIn } from '../../../shared/core/task/policy-progress.ts'
import {
  describeWaiting,
  findWaiting,
  type HistoryEvent,
  PROGRESS_EVENTS,
  type Waiting,
} from '../../../shared/core/task/progress.ts'
import {
  ACCEPT_INVOCATION,
  FIRST_DECISION_WAIT,
  isDecisionRead,
  isSend,
  mayEndDecisionWait,
  REMIND,
  START,
} from '../../../shared/core/task/steps.ts'
import type { Outcome } from '../../../shared/outcome.ts'
import type { Decision } from '../../../shared/state/approval-decision.ts'
import type { ExecutionDetail, OperationSummary } from '../cloud/index.ts'
import type { CallRecord } from './call-record.ts'
import type { ApprovalQuestion, CallSummary, Executions, ViewContext } from './call-summary.ts'
import { withoutKeys } from './inbound.ts'
import { parseObject, placeOf } from './json-text.ts'
import { type PolicyWait, policyWaitOf, undecidedTasksOf } from './requirements.ts'
import { isFailedAttempt } from './waterfall.ts'

/** The task of a record. */
export interface RecordedTask {
  execution: ExecutionDetail
  payload: Payload
  operations: OperationSummary[]
  deadlineAt: number
  waiting: Waiting | undefined
  policyWait: PolicyWait | undefined
}

type Payload = Pick<Task, 'category' | 'action' | 'connection' | 'provider' | 'caller' | 'orchestrator' | 'deadline'> &
  Partial<Pick<Task, 'mappedName' | 'notes' | 'input' | 'rerunOf' | 'requirements' | 'waitAtMost' | 'approvalOf'>> & {
    event: Partial<Task['event']>
  }

export function recordedTaskOf({ arn }: CallRecord, cloud: Executions): RecordedTask | undefined {
  const execution = arn === undefined ? undefined : cloud.execution(arn)
  if (!execution) return undefined
  const operations = cloud.operations(execution.arn)
  const payload = payloadOf(execution, operations)
  const { startedAt } = execution
  const { requirements, waitAtMost = 0 } = payload
  const waitUntil = startedAt + waitAtMost * 1_000
  const progress = policyProgressIn(operations)
  const { at: deadlineAt } = deadlineAfter(payload, startedAt, progress)
  const isRunning = execution.status === 'RUNNING'
  const waiting = isRunning
    ? waitingOf(cloud.newestEvents(execution.arn, PROGRESS_EVENTS), operations, deadlineAt)
    : undefined
  return {
    execution,
    payload,
    operations,
    deadlineAt,
    waiting,
    policyWait: requirements && waiting?.policy ? policyWaitOf(requirements, progress, waitUntil) : undefined,
  }
}

/**
 * Returns what a running task waits for. A task that asks people waits for them from its message until their decision, even
 * while it works, such as to show a vote in the message.
 */
function waitingOf(
  events: readonly HistoryEvent[],
  operations: readonly OperationSummary[],
  deadlineAt: number,
): Waiting | undefined {
  if (isUndecided(operations)) return { for: 'a decision', until: deadlineAt, timeWord: ' until', people: true }
  const waiting = findWaiting(events, deadlineAt)
  return waiting?.people ? undefined : waiting
}

/** Whether people were asked, and have not decided. */
function isUndecided(operations: readonly OperationSummary[]): boolean {
  if (startedJob(operations) === undefined || !operations.some(({ name }) => name === FIRST_DECISION_WAIT)) return false
  // The task also stops waiting for people if it cannot read their decision.
  const reads = operations.filter(({ name }) => mayEndDecisionWait(name))
  return reads.map(({ result }) => parseObject(result)).every((read) => !read?.['decision'] && !read?.['error'])
}

/** Returns the result of the attempt that started the job, or posted the message. */
function startedJob(operations: readonly OperationSummary[]): Record<string, unknown> | undefined {
  const starts = operations.filter(({ name }) => name === START).map(({ result }) => parseObject(result))
  return starts.find((start) => start?.['type'] === 'started')
}

/** Returns the record of a call that a webhook has accepted, or that the task itself accepts from another function. */
function payloadOf({ input, functionName }: ExecutionDetail, operations: readonly OperationSummary[]): Payload {
  const accepted = operations.find(({ name }) => name === ACCEPT_INVOCATION)?.result
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

export function taskSummary(
  record: CallRecord,
  task: RecordedTask,
  { cloud, engineOf, titleOf }: ViewContext,
): CallSummary {
  const { execution, payload, operations, waiting, deadlineAt } = task
  const { category, action, mappedName, connection, provider, caller, orchestrator, event } = payload
  const approval = waiting?.people ? approvalOf(task) : undefined
  const starts = operations.filter(({ name, type }) => name === START && type === 'STEP')
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
    policyWait: task.policyWait,
    approval,
    ...(execution.status === 'RUNNING' ? stateOfRunning(task, approval) : endOf(execution)),
  }
}

/** Returns what an approval asks, where, and who may decide. Undefined for other actions. */
function approvalOf({ payload, operations, deadlineAt }: RecordedTask): ApprovalQuestion | undefined {
  const { message, approvers, excluded, channel, remindBefore } = (payload.input ?? {}) as Partial<ApprovalInput>
  if (message?.title === undefined) return undefined
  const question = [message.title, message.text].filter(Boolean).join(' ')
  const { url } = (startedJob(operations)?.['outcome'] as Outcome | undefined)?.data ?? {}
  const { count = 1, category, taskId } = payload.approvalOf ?? {}
  return {
    question,
    approvers,
    excluded: excluded === undefined ? [] : [excluded].flat(),
    channel,
    count,
    votes: count > 1 ? votesIn(operations).map(({ by }) => by) : [],
    neededBy: taskId === undefined ? undefined : { category: category ?? '', id: taskId },
    // Never the approval page, whose link only the message may contain.
    messageUrl: typeof url === 'string' && withoutKeys(url) === url ? url : undefined,
    reminderAt: reminderAtOf(payload, remindBefore, operations, deadlineAt),
  }
}

/** Returns when people are reminded, unless they were. The provider http cannot remind them, and other platforms decide themselves. */
function reminderAtOf(
  { provider, deadline }: Payload,
  remindBefore: number | undefined,
  operations: readonly OperationSummary[],
  deadlineAt: number,
): number | undefined {
  const names = operations.map(({ name }) => name)
  if (provider === 'http' || !names.includes(FIRST_DECISION_WAIT) || names.includes(REMIND)) return undefined
  const reminderAt = deadlineAt - (deadline - secondsToReminder(deadline, remindBefore)) * 1_000
  return reminderAt < deadlineAt ? reminderAt : undefined
}

/** Returns the people who have approved so far. */
function votesIn(operations: readonly OperationSummary[]): Decision[] {
  const reads = operations.filter(({ name }) => isDecisionRead(name))
  const votes = reads.map(({ result }) => parseObject(result)?.['votes'])
  return (votes.findLast(Array.isArray) as Decision[] | undefined) ?? []
}

function stateOfRunning(
  { waiting, policyWait }: RecordedTask,
  approval: ApprovalQuestion | undefined,
): Pick<CallSummary, 'verdict' | 'text' | 'reason'> {
  if (!waiting) return { verdict: 'running', text: '' }
  if (waiting.people && approval) return { verdict: approval.neededBy ? 'asking' : 'waiting', text: approval.question }
  if (waiting.policy && waiting.detail !== undefined) {
    const asksPeople = undecidedTasksOf(policyWait).length > 0
    return { verdict: asksPeople ? 'waiting' : 'running', text: waiting.detail }
  }
  const text = describeWaiting(waiting)
  if (waiting.isRetry) return { verdict: 'retrying', text, reason: waiting.detail }
  return { verdict: waiting.people ? 'waiting' : 'running', text }
}

function endOf(execution: ExecutionDetail): Pick<CallSummary, 'verdict' | 'text'> {
  const outcome = outcomeOf(execution)
  if (outcome)
    return { verdict: outcome.status === 'succeeded' ? outcome.result : outcome.status, text: outcome.message }
  const reason = execution.error?.ErrorMessage ?? 'no reason'
  return { verdict: 'errored', text: `Lambda ended the execution as ${execution.status}: ${reason}` }
}

function answerOf(
  { execution, payload }: RecordedTask,
  { later = [] }: CallRecord,
  cloud: Executions,
): CallSummary['answer'] {
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
  return outgoing.find(({ step }) => !isSend(step))?.platform ?? ''
}

/** Several categories may respond to one trigger. */
export function isAbout(event: Record<string, unknown>, { event: trigger, category }: Payload): boolean {
  return event['triggeredid'] === trigger.id && event['source'] === `cloud-automation-webhooks/${category}`
}
