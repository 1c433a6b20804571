import { CallbackTimeoutError } from '@aws/durable-execution-sdk-js'
import { retriedStep } from '../core/retried-step.ts'
import { Failure, isTransient, messageOf, toSentence } from '../errors.ts'
import { errored, type Outcome } from '../outcome.ts'
import type { ApprovalTask } from '../providers/action.ts'
import type { Message, MessageProvider, Mood, PostedMessage } from '../providers/message.ts'
import type { Client } from '../providers/provider.ts'
import { redact, redactDeep } from '../redact.ts'
import { type Decision, decisionSchema, describeDecision } from './decision.ts'
import type { ApprovalInput } from './input.ts'
import { changeCallback, saveApproval, saveDecision } from './store.ts'

type Task = ApprovalTask<MessageProvider, ApprovalInput>

/** The decision does not depend on a reminder or on the closed message. */
const MESSAGE_TIMEOUT_MS = 20_000
const MAX_MESSAGE_ATTEMPTS = 5
const MAX_SAVE_ATTEMPTS = 60
const DAY_SECONDS = 86_400
const MIN_REMINDER_SECONDS = 60

/**
 * Requests an approval, sends a reminder, and waits for the decision for up to weeks. A decision completes the task's
 * callback, which works once, so there is one decision even if people decide at the same time.
 */
export async function runApprovalTask(task: Task): Promise<Outcome> {
  const { context, deadline, input } = task
  const { seconds } = deadline
  const { remindBefore = defaultReminder(seconds) } = input
  const reminderIn = remindBefore > 0 && remindBefore < seconds ? seconds - remindBefore : seconds
  const [response, callbackId] = await context.createCallback('decision', { timeout: { seconds: reminderIn } })
  const saveError = await save(task, 'save-approval', () => saveRequest(task, callbackId))
  if (saveError) return errored(new Failure('unavailable', `${toSentence(saveError)} The approval was not requested.`))
  const started = await task.start()
  // A dry run, or the request could not be posted.
  if (started.type !== 'started') return started.outcome
  const posted = started.job as PostedMessage
  let decision = await decisionOf(response)
  if (!decision && reminderIn < seconds) {
    const [lateResponse, nextCallbackId] = await context.createCallback('decision-after-reminder', {
      timeout: { seconds: seconds - reminderIn },
    })
    await save(task, 'save-callback', () => changeCallback(task.taskId, nextCallbackId))
    await updateMessage(task, 'remind', (provider, client) => remind(provider, client, input, posted))
    decision = await decisionOf(lateResponse)
  }
  await updateMessage(task, 'close-approval', async (provider, client) => {
    if (decision) await saveDecision(task.taskId, decision)
    await close(provider, client, input, posted, decision)
  })
  return redactDeep(outcomeOf(started.outcome, decision))
}

/** A tenth of the deadline, at most a day. Zero if that is less than a minute. */
function defaultReminder(deadline: number): number {
  const before = Math.min(DAY_SECONDS, Math.floor(deadline / 10))
  return before < MIN_REMINDER_SECONDS ? 0 : before
}

/** @returns why it could not be saved */
function save({ context }: Task, step: string, write: () => Promise<void>): Promise<string | null> {
  return retriedStep<string | null>(
    context,
    step,
    async () => {
      await write()
      return null
    },
    {
      maxAttempts: MAX_SAVE_ATTEMPTS,
      backoff: { min: 1, max: 60 },
      isRetryable: isTransient,
      giveUp: (error) => redact(messageOf(error)),
    },
  )
}

async function saveRequest({ taskId, connection, input, deadline, withClient }: Task, callbackId: string) {
  const { message, approvers, excluded } = input
  await withClient(deadline.at, async ({ buttons }) => {
    const hasButtons = buttons !== undefined
    await saveApproval(
      taskId,
      { connection, message, approvers, excluded, hasButtons, deadlineAt: deadline.at },
      callbackId,
    )
  })
}

/** @returns undefined if no one decided in time */
async function decisionOf(response: Promise<string>): Promise<Decision | undefined> {
  try {
    return decisionSchema.parse(JSON.parse(await response))
  } catch (error) {
    if (error instanceof CallbackTimeoutError) return undefined
    throw error
  }
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
      isRetryable: isTransient,
      giveUp: () => null,
    },
  )
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
