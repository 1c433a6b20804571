import { CallbackError, type DurablePromise } from '@aws/durable-execution-sdk-js'
import { retriedStep } from '../core/retried-step.ts'
import { Failure, isTransient, messageOf, serviceUnavailable, toSentence } from '../errors.ts'
import { errored, type Outcome, passed } from '../outcome.ts'
import { type ApprovalTask, type Completed, completed, type Delegated } from '../providers/action.ts'
import type { Message, MessageProvider, Mood, PostedMessage } from '../providers/message.ts'
import type { Client } from '../providers/provider.ts'
import { redact, redactDeep } from '../redact.ts'
import { type Decision, describeDecision, describeVotes } from '../state/approval-decision.ts'
import {
  expireApproval,
  readApproval,
  readApprovalState,
  type StoredApproval,
  saveApproval,
  saveCallback,
} from '../state/approvals.ts'
import type { Canceler } from '../state/save-cancellation.ts'
import { secondsToAlarm, warnOverdue } from './overdue.ts'
import { secondsToReminder } from './reminder.ts'
import { type ApprovalInput, dependsOnPeople } from './request/input.ts'
import { requestMessage } from './request/message.ts'

type Task = ApprovalTask<MessageProvider, ApprovalInput>
/** The task for the functions that its steps run. */
export type StepTask = Omit<Task, 'context'>

/** The decision does not depend on a reminder or on the closed message. */
const MESSAGE_TIMEOUT_MS = 20_000
const MAX_MESSAGE_ATTEMPTS = 5
const MAX_TABLE_ATTEMPTS = 60
/** An execution may have 3,000 operations. A task that was woken so often without a decision reads the table every hour. */
const MAX_WAKE_UPS = 50
const HOUR_SECONDS = 3_600

/** The result of a step that reads or writes the approval. */
interface TableResult {
  /** Epoch milliseconds. */
  at: number
  decision?: Decision | undefined
  /** The people who have approved so far, if several have to. */
  votes?: Decision[] | undefined
  /** Why the table could not be used. */
  error?: string
}

/**
 * Requests an approval, sends a reminder, and waits for the decision for up to weeks. The decision is in the table, which accepts one. A
 * callback only wakes the task, and times out when the task has to do something.
 */
export async function runApprovalTask(task: Task): Promise<Completed | Delegated> {
  const { context, deadline, input } = task
  const { seconds } = deadline
  const reminderIn = secondsToReminder(seconds, input.remindBefore)
  const timeout = { seconds: Math.min(reminderIn, secondsToAlarm()) }
  const [woken, callbackId] = await context.createCallback('decision-wake-0', { timeout })
  const saved = await tableStep(task, 'save-approval', () => saveRequest(task, callbackId))
  if (saved.error)
    return completed(errored(serviceUnavailable(`${toSentence(saved.error)} The approval was not requested.`)))
  // The task that needs the approval has ended in the meantime.
  if (saved.decision) return resultOf(passed('The approval was not requested'), saved.decision)
  const started = await task.start(input)
  // A dry run, or the request could not be posted.
  if (started.type !== 'started') return started
  const posted = started.job as PostedMessage
  const reminderAt = deadline.at - (seconds - reminderIn) * 1_000
  const { decision, error } = await waitForDecision(task, posted, reminderAt, woken)
  if (error) {
    const unknown = serviceUnavailable(`It is not known whether the approval was decided. ${error}`)
    return completed(redactDeep({ ...errored(unknown), data: started.outcome.data }))
  }
  await updateMessage(task, 'close-approval', (provider, client) => close(provider, client, input, posted, decision))
  return resultOf(started.outcome, decision)
}

/** Reads the table when the task is woken, when people have to be reminded, when no one has decided for a long time, and at the deadline. */
async function waitForDecision(
  task: Task,
  posted: PostedMessage,
  reminderAt: number,
  firstWakeUp: DurablePromise<string>,
): Promise<TableResult> {
  const { context, deadline, input, taskId } = task
  let wakeUp = firstWakeUp
  let nextAt = reminderAt
  let alarmAt = deadline.at - (deadline.seconds - secondsToAlarm()) * 1_000
  let shownVotes = 0
  for (let round = 0; ; round++) {
    await untilWoken(wakeUp)
    const seen = await tableStep(task, `read-decision-${round}`, (now) => readOrExpire(task, now, alarmAt))
    if (seen.decision || seen.at >= deadline.at) return seen
    const { votes = [] } = seen
    const hasNewVotes = votes.length > shownVotes
    shownVotes = votes.length
    const isReminderDue = seen.at >= nextAt
    if (isReminderDue) nextAt = deadline.at
    if (seen.at >= alarmAt) alarmAt = Number.POSITIVE_INFINITY
    const seconds = Math.ceil((Math.min(nextAt, alarmAt) - seen.at) / 1_000)
    const isWakeable = round < MAX_WAKE_UPS
    const timeout = { seconds: isWakeable ? seconds : Math.min(seconds, HOUR_SECONDS) }
    const [next, callbackId] = await context.createCallback(`decision-wake-${round + 1}`, { timeout })
    wakeUp = next
    if (isWakeable) {
      const saved = await tableStep(task, `save-wake-up-${round + 1}`, () => saveCallback(taskId, callbackId))
      if (saved.decision) return saved
    }
    if (hasNewVotes)
      await updateMessage(task, `show-votes-${round}`, (provider, client) =>
        showVotes(task, provider, client, posted, votes),
      )
    if (isReminderDue)
      await updateMessage(task, 'remind', (provider, client) => remind(provider, client, input, posted))
  }
}

/** How the callback ends does not matter: it is completed or failed, or it times out. */
async function untilWoken(wakeUp: DurablePromise<string>): Promise<void> {
  try {
    await wakeUp
  } catch (error) {
    if (!(error instanceof CallbackError)) throw error
  }
}

/** Reads the approval. From the deadline, ends it unless it has been decided: the last decision and the end cannot both win. */
async function readOrExpire(
  { taskId, deadline }: StepTask,
  now: number,
  alarmAt: number,
): Promise<StoredApproval | undefined> {
  if (now >= deadline.at) return (await expireApproval(taskId)) ?? readApproval(taskId)
  const approval = await readApproval(taskId)
  if (now >= alarmAt && !approval?.decision) warnOverdue(deadline.at)
  return approval
}

/** Reads or writes the approval, and returns its decision. Gives up after about an hour. */
function tableStep(
  { context }: Task,
  step: string,
  access: (now: number) => Promise<Pick<StoredApproval, 'decision' | 'votes'> | undefined>,
): Promise<TableResult> {
  return retriedStep<TableResult>(
    context,
    step,
    async () => {
      const at = Date.now()
      const { decision, votes } = (await access(at)) ?? {}
      return { at, decision, ...(votes && votes.length > 0 ? { votes } : {}) }
    },
    {
      maxAttempts: MAX_TABLE_ATTEMPTS,
      backoff: { min: 1, max: 60 },
      isRetryable: isTransient,
      giveUp: (error) => ({ at: Date.now(), error: redact(messageOf(error)) }),
    },
  )
}

async function saveRequest(
  { taskId, connection, input, approvalOf, deadline, withClient }: StepTask,
  callbackId: string,
): Promise<Pick<StoredApproval, 'decision' | 'votes'> | undefined> {
  const { message, details, approvers, excluded, onPage } = input
  const { category, taskId: waitingTask, count } = approvalOf ?? {}
  const waiting = category === undefined || waitingTask === undefined ? undefined : { category, taskId: waitingTask }
  await withClient(deadline.at, async (provider) => {
    const buttons = onPage ? undefined : provider.buttons
    const needsSignIn = buttons === undefined && dependsOnPeople(input, count)
    const decidedBy = { approvers, excluded, count, hasButtons: buttons !== undefined || needsSignIn, needsSignIn }
    await saveApproval(
      taskId,
      { connection, message, details, ...decidedBy, deadlineAt: deadline.at, waiting },
      callbackId,
    )
  })
  return waiting && endedBefore(taskId, deadline.at)
}

/** Returns the end of an approval whose task ended before people were asked. It has no message. */
async function endedBefore(taskId: string, deadlineAt: number): Promise<Pick<StoredApproval, 'decision' | 'votes'>> {
  const { decision, isExpired, votes } = await readApprovalState(taskId, deadlineAt)
  const expired: Decision = { decision: 'cancel', by: 'the task', at: new Date(deadlineAt).toISOString() }
  return { decision: decision ?? (isExpired ? expired : undefined), votes }
}

/** Changes or adds to the posted message. Gives up after some attempts: people know what they have decided. */
export async function updateMessage(
  { context, withClient }: Task,
  step: string,
  update: (provider: MessageProvider, client: Client) => Promise<void>,
): Promise<void> {
  await retriedStep<null>(
    context,
    step,
    async () => {
      await withClient(Date.now() + MESSAGE_TIMEOUT_MS, update)
      return null
    },
    {
      maxAttempts: MAX_MESSAGE_ATTEMPTS,
      backoff: { min: 2, max: 30 },
      // Credentials may be changed at this moment.
      isRetryable: (error) => isTransient(error) || (error instanceof Failure && error.kind === 'credentials'),
      giveUp: () => null,
    },
  )
}

/** Shows who has approved, with the buttons for the others. Platforms that cannot change a message get a reply. */
async function showVotes(
  task: StepTask,
  provider: MessageProvider,
  client: Client,
  posted: PostedMessage,
  votes: readonly Decision[],
): Promise<void> {
  const { input, approvalOf } = task
  const soFar = describeVotes(votes, approvalOf?.count ?? 1)
  if (provider.replace) {
    await provider.replace(client, posted, requestMessage(input, provider, await task.signedLink(), soFar))
  } else await provider.reply?.(client, posted, { mood: 'waiting', title: soFar, fields: [], links: [] })
}

/** Reminds people of an approval that is still open. */
export async function remind(
  provider: MessageProvider,
  client: Client,
  { message }: ApprovalInput,
  posted: PostedMessage,
): Promise<void> {
  const reminder: Message = { mood: 'waiting', title: `Still open: ${message.title}`, fields: [], links: [] }
  await provider.reply?.(client, posted, reminder)
}

const MOODS: Record<Decision['decision'], Mood> = { approve: 'good', reject: 'bad', cancel: 'neutral' }
const DECISIONS = { approve: 'approved', reject: 'rejected', cancel: 'canceled' } as const

/** Shows the decision instead of the buttons, or that no one decided in time. */
export async function close(
  provider: MessageProvider,
  client: Client,
  { message }: ApprovalInput,
  posted: PostedMessage,
  decision: Decision | undefined,
): Promise<void> {
  const decidedAt = decision && { name: 'Decided at', value: `${decision.at.slice(0, 16).replace('T', ' ')} UTC` }
  const show = provider.replace ?? provider.reply
  await show?.(client, posted, {
    ...message,
    mood: decision ? MOODS[decision.decision] : 'neutral',
    text: [message.text, describeDecision(decision)].filter(Boolean).join('\n\n'),
    fields: [...message.fields, ...(decidedAt ? [decidedAt] : [])],
  })
}

/** Returns the result of a task with a decision of our own table. There, `cancel` is always that of a caller, an operator or a task. */
function resultOf(requested: Outcome, decision: Decision | undefined): Completed {
  return redactDeep({ ...completed(outcomeOf(requested, decision)), canceler: approvalCancelerIn(decision) })
}

/** Returns who canceled a task, or ended the one that waits for it. */
export function approvalCancelerIn(decision: Decision | undefined): Canceler | undefined {
  return decision?.decision === 'cancel' ? { by: decision.by, operator: decision.operator } : undefined
}

export function outcomeOf(requested: Outcome, decision: Decision | undefined): Outcome {
  const data = decision
    ? {
        decision: DECISIONS[decision.decision],
        by: decision.by,
        at: decision.at,
        ...(decision.reason ? { reason: decision.reason } : {}),
      }
    : { decision: 'expired' }
  return {
    ...requested,
    ...(decision?.decision === 'cancel' ? { status: 'aborted' as const } : {}),
    result: decision?.decision === 'approve' ? 'pass' : 'fail',
    message: describeDecision(decision),
    data: { ...requested.data, ...data },
  }
}
