import { type Schedule, secondsToNextPoll } from '../core/task/poll-interval.ts'
import { pollWithSource } from '../core/task/poll-with-source.ts'
import { type WaitState, waitUntilDone } from '../core/task/wait.ts'
import { Failure, isTransient, messageOf, refused, toSentence } from '../errors.ts'
import { log } from '../log.ts'
import { errored } from '../outcome.ts'
import { type ApprovalTask, type Completed, completed, type Delegated } from '../providers/action.ts'
import type { MessageProvider, PlatformDecision, PostedMessage } from '../providers/message.ts'
import { redact, redactDeep } from '../redact.ts'
import { describeDecision } from '../state/approval-decision.ts'
import { secondsToAlarm, warnOverdue } from './overdue.ts'
import type { ApprovalInput } from './request/input.ts'
import { outcomeOf, type StepTask, updateMessage } from './task.ts'

type Task = ApprovalTask<MessageProvider, ApprovalInput>

/** State that is checkpointed between two polls. */
interface DecisionState extends WaitState {
  startedAt: number
  /** The id by which notifications name the process. */
  wakeId?: string | undefined
  consecutiveRefusals: number
  /** No one has decided for so long that an alarm was raised. */
  isOverdue?: true | undefined
  /** Why the last poll was refused. */
  lastError?: string
  decision?: PlatformDecision
  isCanceledByCaller?: true
  /** With `isCanceledByCaller`. Missing in states that earlier versions have saved. */
  operator?: string | undefined
}

const MAX_CONSECUTIVE_REFUSALS = 5
const REFUSAL_RETRY_SECONDS = 30

/**
 * Starts an approval process of the platform, and polls it until it has decided, the deadline passes or the caller cancels the
 * task. Then withdraws a request that is still open.
 */
export async function runApprovalProcess(task: Task): Promise<Completed | Delegated> {
  const started = await task.start(task.input)
  // A dry run, or the process could not be started.
  if (started.type !== 'started') return started
  const posted = started.job as PostedMessage
  const { decision, isCanceledByCaller, operator, lastError } = await pollDecision(task, posted, started.wakeId)
  const isOpen = decision === undefined || isCanceledByCaller
  if (isOpen) {
    const reason = describeDecision(decision)
    await updateMessage(task, 'withdraw-approval', async ({ process }, client) => {
      await process?.withdraw(client, posted, reason)
    })
  }
  if (!decision && lastError !== undefined)
    return completed(redactDeep({ ...errored(refused(lastError)), data: started.outcome.data }))
  const outcome = outcomeOf(started.outcome, decision)
  const message = [outcome.message, decision?.note].filter((text) => text !== undefined).map(toSentence)
  const ended = decision?.note === undefined ? outcome : { ...outcome, message: message.join(' ') }
  const canceler = decision && isCanceledByCaller ? { by: decision.by, operator } : undefined
  return redactDeep({ ...completed(ended), canceler })
}

function pollDecision(task: Task, posted: PostedMessage, wakeId: string | undefined): Promise<DecisionState> {
  const { context, source, deadline } = task
  const initialState = { startedAt: 0, consecutiveRefusals: 0, wakeId }
  const poll = (state: DecisionState, schedule: Schedule) => pollOnce(state, task, posted, schedule)
  if (source === undefined)
    return waitUntilDone<DecisionState>(context, 'poll-decision', {
      initialState,
      check: (state) => poll(state, secondsToNextPoll),
    })
  return pollWithSource<DecisionState>(context, 'poll-decision', {
    task: { category: task.category, id: task.taskId },
    source,
    until: deadline.at,
    initialState,
    poll,
    memoryOf: () => ({}),
    hasEnded: ({ decision, isCanceledByCaller }) => decision !== undefined && !isCanceledByCaller,
  })
}

/** Must not throw: an error would end the loop. */
async function pollOnce(
  previous: DecisionState,
  task: StepTask,
  posted: PostedMessage,
  schedule: Schedule,
): Promise<DecisionState> {
  const { deadline, withClient } = task
  const startedAt = previous.startedAt || Date.now()
  const { wakeId, isOverdue } = previous
  const state: DecisionState = { startedAt, wakeId, isOverdue, consecutiveRefusals: 0 }
  const canceler = previous.startedAt === 0 ? undefined : await task.readCanceler()
  if (canceler) {
    const decision = { decision: 'cancel', by: canceler.by, at: new Date().toISOString() } as const
    return { ...state, decision, isCanceledByCaller: true, operator: canceler.operator }
  }
  const pollAgain = (minSeconds?: number) => {
    const [elapsed, remaining] = [Date.now() - startedAt, deadline.at - Date.now()]
    return schedule(elapsed / 1_000, remaining / 1_000, minSeconds)
  }
  try {
    const decision = await withClient(deadline.at, async ({ process }, client) => process?.getDecision(client, posted))
    if (decision) return { ...state, decision }
    if (!isOverdue && Date.now() - startedAt >= secondsToAlarm() * 1_000) {
      warnOverdue(deadline.at)
      state.isOverdue = true
    }
    return { ...state, nextPollIn: pollAgain() }
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
