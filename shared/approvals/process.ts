import { secondsToNextPoll } from '../core/task/poll-interval.ts'
import { Failure, isTransient, messageOf, refused, toSentence } from '../errors.ts'
import { log } from '../log.ts'
import { errored, type Outcome } from '../outcome.ts'
import type { ApprovalTask } from '../providers/action.ts'
import type { MessageProvider, PlatformDecision, PostedMessage } from '../providers/message.ts'
import { redact, redactDeep } from '../redact.ts'
import { describeDecision } from './decision.ts'
import type { ApprovalInput } from './input.ts'
import { outcomeOf, updateMessage } from './task.ts'

type Task = ApprovalTask<MessageProvider, ApprovalInput>

/** State that is checkpointed between two polls. */
interface DecisionState {
  startedAt: number
  consecutiveRefusals: number
  /** Why the last poll was refused. */
  lastError?: string
  decision?: PlatformDecision
  isCanceledByCaller?: true
  /** Seconds until the next poll. Undefined ends the loop. */
  nextPollIn?: number | undefined
}

const MAX_CONSECUTIVE_REFUSALS = 5
const REFUSAL_RETRY_SECONDS = 30

/**
 * Starts an approval process of the platform, and polls it until it has decided, the deadline passes or the caller cancels the
 * task. Then withdraws a request that is still open.
 */
export async function runApprovalProcess(task: Task): Promise<Outcome> {
  const started = await task.start()
  // A dry run, or the process could not be started.
  if (started.type !== 'started') return started.outcome
  const posted = started.job as PostedMessage
  const { decision, isCanceledByCaller, lastError } = await pollDecision(task, posted)
  const isOpen = decision === undefined || isCanceledByCaller
  if (isOpen) {
    const reason = describeDecision(decision)
    await updateMessage(task, 'withdraw-approval', async ({ process }, client) => {
      await process?.withdraw(client, posted, reason)
    })
  }
  if (!decision && lastError !== undefined)
    return redactDeep({ ...errored(refused(lastError)), data: started.outcome.data })
  const outcome = outcomeOf(started.outcome, decision)
  const message = [outcome.message, decision?.note].filter((text) => text !== undefined).map(toSentence)
  return redactDeep(decision?.note === undefined ? outcome : { ...outcome, message: message.join(' ') })
}

function pollDecision(task: Task, posted: PostedMessage): Promise<DecisionState> {
  return task.context.waitForCondition<DecisionState>('poll-decision', (state) => pollOnce(state, task, posted), {
    initialState: { startedAt: 0, consecutiveRefusals: 0 },
    waitStrategy: ({ nextPollIn }) =>
      nextPollIn === undefined ? { shouldContinue: false } : { shouldContinue: true, delay: { seconds: nextPollIn } },
  })
}

/** Must not throw: an error would end the loop. */
async function pollOnce(previous: DecisionState, task: Task, posted: PostedMessage): Promise<DecisionState> {
  const { deadline, withClient } = task
  const startedAt = previous.startedAt || Date.now()
  const state: DecisionState = { startedAt, consecutiveRefusals: 0 }
  const by = previous.startedAt === 0 ? undefined : await task.canceledBy()
  if (by !== undefined) {
    const decision = { decision: 'cancel', by, at: new Date().toISOString() } as const
    return { ...state, decision, isCanceledByCaller: true }
  }
  const pollAgain = (minSeconds?: number) => {
    const [elapsed, remaining] = [Date.now() - startedAt, deadline.at - Date.now()]
    return secondsToNextPoll(elapsed / 1_000, remaining / 1_000, minSeconds)
  }
  try {
    const decision = await withClient(deadline.at, async ({ process }, client) => process?.getDecision(client, posted))
    return decision ? { ...state, decision } : { ...state, nextPollIn: pollAgain() }
  } catch (error) {
    log.warn('poll failed', error as Error, { reason: messageOf(error) })
    // Credentials can be rotated until the deadline.
    if (isTransient(error) || (error instanceof Failure && error.kind === 'credentials'))
      return { ...state, nextPollIn: pollAgain() }
    const consecutiveRefusals = previous.consecutiveRefusals + 1
    const isLast = consecutiveRefusals >= MAX_CONSECUTIVE_REFUSALS
    const lastError = redact(messageOf(error))
    return {
      ...state,
      consecutiveRefusals,
      lastError,
      nextPollIn: isLast ? undefined : pollAgain(REFUSAL_RETRY_SECONDS),
    }
  }
}
