import type { DurableContext } from '@aws/durable-execution-sdk-js'
import { formatDuration } from '../../duration.ts'
import { toSentence } from '../../errors.ts'
import type { Outcome } from '../../outcome.ts'
import { type Completed, completed, type Deadline, type StartedJob } from '../../providers/action.ts'
import type { Category } from '../../providers/category.ts'
import type { Task } from '../call.ts'
import { cancelerIn } from './cancellation.ts'
import { isLost, type PollState, type PollTarget, poll, pollOnce, stateBefore } from './poll.ts'
import { pollWithSource } from './poll-with-source.ts'
import { stopAndWait } from './stop.ts'

/**
 * Polls a started job until it ends, the deadline passes or the task is canceled. At the deadline, the job is stopped or left
 * running, depending on its action. The job of a canceled task is stopped.
 *
 * @returns the outcome, and whether the job may still be running; `errored` if it cannot be determined
 */
export async function pollUntilDone(
  category: Category,
  call: Task,
  started: StartedJob,
  context: DurableContext,
  deadline: Deadline,
  { reports, mayStart }: Pick<PollTarget, 'reports' | 'mayStart'>,
): Promise<Completed> {
  const target = { category, call, reports, isCancelable: true, mayStart }
  const last =
    call.source === undefined
      ? await poll(context, 'poll', target, started.job, deadline.at)
      : await pollJobWithSource(context, target, started, deadline.at, call.source)
  if (last.outcome) return completed(last.outcome)

  const isCanceled = last.canceledBy !== undefined
  const reason = reasonOf(last, deadline)
  const action = category.actions[call.action]
  if (action?.type !== 'job' || (!isCanceled && action.job.onDeadline(call.input) !== 'stop'))
    return unfinished(started, last, isLost(last) ? reason : `${reason}, and the job was left running`)

  const stopped = await stopAndWait(context, target, last)
  if (!stopped.outcome) return unfinished(started, stopped.state, `${reason}. ${stopped.reason}`)
  return { ...completed(afterStop(stopped.outcome, reason, isCanceled)), canceler: cancelerIn(last) }
}

/** Heartbeats and progress are sent with a poll. */
const MAX_REPORT_SECONDS = 60

function pollJobWithSource(
  context: DurableContext,
  target: PollTarget,
  { job, wakeId }: StartedJob,
  until: number,
  source: string,
): Promise<PollState> {
  const { heartbeat, progress } = target.reports
  return pollWithSource<PollState>(context, 'poll', {
    task: target.call,
    source,
    until,
    initialState: { ...stateBefore(job), wakeId },
    poll: (state, schedule) => pollOnce(state, target, until, schedule),
    maxSeconds: heartbeat || progress ? MAX_REPORT_SECONDS : undefined,
    memoryOf: ({ job, lastProgress }) => ({ job, lastProgress }),
    hasEnded: ({ outcome }) => outcome !== undefined,
  })
}

/** Returns the outcome of a job that has ended after a stop was requested. */
function afterStop(outcome: Outcome, reason: string, isCanceled: boolean): Outcome {
  if (isCanceled && outcome.result === 'fail')
    return { ...outcome, status: 'aborted', message: `${reason}, and the job was stopped. ${outcome.message}` }
  if (outcome.status === 'aborted')
    return { ...outcome, status: 'errored', message: `${reason}, and the job was stopped. ${outcome.message}` }
  // A job that ended by itself in the meantime keeps its own result. So does one whose platform does not report a stop.
  return { ...outcome, message: `${reason}, and a stop was requested. ${outcome.message}` }
}

/** Returns why a job is no longer polled. */
function reasonOf(state: PollState, { seconds }: Deadline): string {
  if (state.canceledBy !== undefined) return `Canceled by ${state.canceledBy}`
  if (isLost(state))
    return state.isMisconfigured
      ? 'The connection cannot read the status of this job'
      : 'The platform no longer reports this job'
  return `The deadline of ${formatDuration(seconds)} passed`
}

/** The job may still end later without anybody noticing, so this is not a verdict about it. */
function unfinished({ outcome }: StartedJob, state: PollState, reason: string): Completed {
  const { status, lastError } = state
  const canceler = cancelerIn(state)
  const lastStatus = status === undefined ? 'Its status was never reported' : `Its last reported status was ${status}`
  const details = lastError ? `${lastStatus}; the last poll failed: ${lastError}` : lastStatus
  const result: Outcome = {
    ...outcome,
    status: canceler === undefined ? 'errored' : 'aborted',
    result: 'fail',
    message: [reason, details].map(toSentence).join(' '),
    data: { ...outcome.data, ...(status ? { state: status } : {}) },
  }
  return { ...completed(result), mayStillRun: true, canceler }
}
