import { retriedStep } from '../core/retried-step.ts'
import { Failure, invalidInput, isTransient } from '../errors.ts'
import { log } from '../log.ts'
import { errored, type Outcome } from '../outcome.ts'
import { readPeople } from '../people/secret.ts'
import {
  type ApprovalTask,
  type Completed,
  completed,
  type Delegated,
  type WaitingForApproval,
} from '../providers/action.ts'
import type { MessageProvider } from '../providers/message.ts'
import { resolveChannel } from '../providers/push-update.ts'
import { redact } from '../redact.ts'
import { endApproval, readApprovalState } from '../state/approvals.ts'
import type { Canceler } from '../state/save-cancellation.ts'
import { wakeTask } from '../state/wake.ts'
import { missingIn } from '../text/details.ts'
import type { ApprovalInput } from './request/input.ts'
import { approvalCancelerIn, type StepTask } from './task.ts'
import { findUnidentified, needsSignIn } from './unidentified.ts'

type Task = ApprovalTask<MessageProvider, ApprovalInput>

const MAX_ACCEPT_ATTEMPTS = 20
const MAX_REPORT_ATTEMPTS = 100

/**
 * Asks people for a task whose action the policy lets start only after an approval. That task has composed the message, and reads the
 * decision from the table. However this one ends, the other one learns it.
 *
 * @param run asks people, and waits for their decision
 */
export async function askForTask(
  task: Task,
  waiting: WaitingForApproval,
  run: (task: Task) => Promise<Completed | Delegated>,
): Promise<Completed | Delegated> {
  const accepted = await acceptRequest(task, waiting)
  const readCanceler = () => cancelerOf(task, waiting)
  const result =
    'error' in accepted ? completed(accepted.error) : await run({ ...task, input: accepted.input, readCanceler })
  await reportEnd(task, waiting, result.outcome)
  return result
}

/** Completes and checks the input with the connection, which the other task cannot read. */
function acceptRequest(
  { context, input, deadline, withClient }: Task,
  { count }: WaitingForApproval,
): Promise<{ input: ApprovalInput } | { error: Outcome }> {
  return retriedStep<{ input: ApprovalInput } | { error: Outcome }>(
    context,
    'accept-request',
    () =>
      withClient(deadline.at, async (provider, { connection }) => {
        await checkDeciders(provider, input, count)
        const channel = resolveChannel(input.channel, connection, provider, true)
        return { input: { ...input, channel, ...(provider.process ? { isPolled: true as const } : {}) } }
      }),
    {
      maxAttempts: MAX_ACCEPT_ATTEMPTS,
      backoff: { min: 1, max: 60 },
      isRetryable: (error) => isTransient(error) || (error instanceof Failure && error.kind === 'credentials'),
      giveUp: (error) => ({ error: errored(error) }),
    },
  )
}

/**
 * Refuses to ask if the people who decide are not identified, by the platform or by a sign-in, and the rule depends on it.
 *
 * @throws Failure `invalid`, `misconfigured`, `unavailable`
 */
async function checkDeciders(provider: MessageProvider, input: ApprovalInput, count: number): Promise<void> {
  const { title, process } = provider
  const buttons = input.onPage ? undefined : provider.buttons
  if (input.onPage) checkPage(provider, input)
  const people = needsSignIn({ buttons, process }, input, count) ? await readPeople() : undefined
  // The platform looks up the owners of the caller when someone decides.
  const excluded = buttons ? undefined : input.excluded
  const unidentified = findUnidentified({ buttons, process }, people, { approvers: input.approvers, excluded }, count)
  if (unidentified === undefined) return
  if (unidentified.type === 'everyone' && input.onPage)
    throw invalidInput(
      'approve',
      'with complete, and with by, notRequester or count, needs a sign-in on the page of approvals: add the secret people',
    )
  if (unidentified.type === 'everyone')
    throw invalidInput(
      'approve',
      `with by, notRequester or count needs a platform that identifies people, and ${title} does not: use a connection of Slack, Mattermost, Discord or Telegram${process ? '' : ', or let people sign in'}`,
    )
  const { type, name, format = 'ids or e-mail addresses' } = unidentified
  const place = people ? 'the page of approvals' : title
  if (type === 'approver') throw invalidInput('by', `must be ${format} for ${place}, but has "${name}"`)
  throw invalidInput('owners', `of the caller must be ${format} with notRequester for ${place}, but has "${name}"`)
}

/**
 * Refuses to ask if people cannot decide on the page, or if it does not show the complete request.
 *
 * @throws Failure `invalid`
 */
function checkPage({ title, process }: MessageProvider, { details }: ApprovalInput): void {
  if (process)
    throw invalidInput('approve', `with complete needs the page of approvals, but ${title} decides by its own process`)
  const missing = details && missingIn(details.parts)
  if (missing !== undefined)
    throw invalidInput(
      'approve',
      `with complete needs the complete request, which is too large for the page: ${missing}`,
    )
}

/** Returns who has canceled the task, or has ended the one that waits. Does not throw: the next poll reads it again. */
async function cancelerOf(
  { taskId, readCanceler }: StepTask,
  { until }: WaitingForApproval,
): Promise<Canceler | undefined> {
  const canceler = await readCanceler()
  if (canceler) return canceler
  try {
    const { decision } = await readApprovalState(taskId, until)
    return approvalCancelerIn(decision)
  } catch (error) {
    log.warn('end of the other task not read', error as Error)
    return undefined
  }
}

/**
 * Saves how the request has ended, unless people have decided, and wakes the other task. Gives up after some hours: that task ends at
 * its own time.
 */
async function reportEnd(
  { taskId, context }: Task,
  { until, ...waiting }: WaitingForApproval,
  outcome: Outcome,
): Promise<void> {
  await retriedStep<null>(
    context,
    'report-end',
    async () => {
      const { decision, isExpired } = await readApprovalState(taskId, until)
      if (!decision && !isExpired) await endApproval(taskId, until, endOf(outcome))
      await wakeTask(waiting)
      return null
    },
    { maxAttempts: MAX_REPORT_ATTEMPTS, backoff: { min: 1, max: 300 }, giveUp: () => null },
  )
}

/** Returns how a request ended that people did not decide with our buttons: by the platform's process, or by no one. */
function endOf({ status, result, message, data }: Outcome): Parameters<typeof endApproval>[2] {
  const { decision, by, at, reason } = data
  if (decision === 'expired') return undefined
  if (typeof by !== 'string' || typeof at !== 'string') return { failure: redact(message) }
  const isApproved = status === 'succeeded' && result === 'pass' && decision === 'approved'
  const decided = isApproved ? 'approve' : decision === 'canceled' ? 'cancel' : 'reject'
  return { decision: { decision: decided, by, at, ...(typeof reason === 'string' ? { reason } : {}) } }
}
