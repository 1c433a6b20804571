import type { DurableContext } from '@aws/durable-execution-sdk-js'
import { formatDuration } from '../../duration.ts'
import { Failure, isTransient, kindOf, messageOf, toSentence } from '../../errors.ts'
import { log } from '../../log.ts'
import type { Outcome } from '../../outcome.ts'
import type { JobProgress, StartedJob } from '../../providers/action.ts'
import type { Category } from '../../providers/category.ts'
import { redact } from '../../redact.ts'
import { backoffSeconds } from '../backoff.ts'
import { type ActionRequest, getJobStatus, stopJob } from '../run-action.ts'

/** When a task gives up: seconds from its beginning, and epoch milliseconds. */
export interface Deadline {
  deadline: number
  deadlineAt: number
}

/** What is kept from one look to the next. */
interface PollState {
  beganAt: number
  pending: unknown
  /** The platform's word for the state that was seen last. */
  state: string | undefined
  /** What was told last of how far it is, and when. */
  told: { message: string; at: number } | undefined
  /** Refusals in a row, and why the last look failed. */
  refusals: number
  trouble: string | undefined
  /** Seconds until the next look; undefined: there is none. */
  next: number | undefined
  ended: Outcome | undefined
}

/** Tells whoever waits how far it is; must not throw. */
type ReportProgress = ((message: string) => Promise<void>) | undefined

/** The shortest time between two looks, and the longest unless the deadline is more than a day away, in seconds. */
const shortest = 2
const longest = 60
/** An execution may have 3,000 operations: this leaves as many for the tries to begin and to answer. */
const mostLooks = 1_500
/** A platform that refuses to show what has begun is asked again this often, and this many seconds apart. */
const mostRefusals = 5
const afterRefusal = 30
/** How often it is told how far something is, in milliseconds. */
const tellEvery = 60_000
/** How long we wait for what was stopped to end, in seconds. */
const timeToStop = 600
/** The deadline is over, but a stop must still get through: how long one may take, in milliseconds, and how many there are. */
const timeToAsk = 60_000
const mostStops = 10
/** What must not go on is asked for more than an hour. */
const mostStopsWhereItMust = 80

/**
 * Looks after what an action has begun until it ends or the deadline passes; then it is stopped or left, as its action
 * says.
 *
 * A look never ends the task because of a fault that may go away by itself. Looks come at a tenth of the time that has
 * passed, so that short things are seen soon and long ones cost little.
 *
 * @returns how it ended; errored where it can not be known
 */
export async function pollUntilDone(
  category: Category,
  work: ActionRequest,
  begun: StartedJob,
  context: DurableContext,
  { deadline, deadlineAt }: Deadline,
  tell: ReportProgress,
): Promise<Outcome> {
  const watched = { category, work, tell }
  const seen = await poll(context, 'follow', watched, begun.job, deadlineAt)
  if (seen.ended) return seen.ended
  const isLost = seen.refusals >= mostRefusals
  const why = isLost
    ? 'The platform does not show any more what was begun'
    : `The deadline of ${formatDuration(deadline)} passed`
  const action = category.actions[work.action]
  if (action?.type !== 'job' || action.job.onDeadline(work.input) !== 'stop')
    return unfinished(begun, seen, isLost ? why : `${why}, and it was left as it is`)
  const asked = await requestStop(context, category, work, seen.pending)
  if (asked.until === undefined) return unfinished(begun, seen, `${why}. ${asked.why}`)
  const stopped = await poll(context, 'stopping', watched, seen.pending, asked.until)
  if (!stopped.ended) {
    const since =
      stopped.refusals >= mostRefusals ? 'whether it has is not shown' : `has not within ${formatDuration(timeToStop)}`
    const last = { ...stopped, state: stopped.state ?? seen.state }
    return unfinished(begun, last, `${why}. It was asked to stop, and ${since}`)
  }
  const { ended } = stopped
  if (ended.status === 'aborted')
    return { ...ended, status: 'errored', message: `${why}, and it was stopped. ${ended.message}` }
  // It may have ended by itself in the meantime, or the platform does not report a stop as one: its own result counts.
  return { ...ended, message: `${why}, and a stop was requested. ${ended.message}` }
}

/** What is watched, and who is told. */
interface Watched {
  category: Category
  work: ActionRequest
  tell: ReportProgress
}

/** One durable operation with a checkpoint for each look. */
async function poll(
  context: DurableContext,
  name: string,
  watched: Watched,
  pending: unknown,
  until: number,
): Promise<PollState> {
  return context.waitForCondition<PollState>(name, (before) => pollOnce(before, watched, until), {
    initialState: {
      beganAt: 0,
      pending,
      state: undefined,
      told: undefined,
      refusals: 0,
      trouble: undefined,
      next: undefined,
      ended: undefined,
    },
    waitStrategy: ({ next }) =>
      next === undefined ? { shouldContinue: false } : { shouldContinue: true, delay: { seconds: next } },
  })
}

/** Must not throw: that would end the wait at once. */
async function pollOnce(before: PollState, { category, work, tell }: Watched, until: number): Promise<PollState> {
  const beganAt = before.beganAt || Date.now()
  const now: PollState = { ...before, beganAt, refusals: 0, trouble: undefined, next: undefined, ended: undefined }
  try {
    const seen = await getJobStatus(category, work, before.pending, until)
    if ('outcome' in seen) return { ...now, ended: seen.outcome }
    const {
      status: state,
      job: pending = before.pending,
      pollImmediately: soon,
      maxSeconds: within,
      minSeconds: after = shortest,
    } = seen
    const told = await reportOnChange(tell, before.told, seen)
    const next = soon ? soonest(until) : secondsToNext(beganAt, until, after, within)
    return { ...now, pending, state, told, next }
  } catch (error) {
    log.warn('what was begun could not be looked at', error as Error, { failure: kindOf(error) })
    const trouble = redact(messageOf(error))
    // Whoever rotates a key has until the deadline to tell us the new one.
    if (isTransient(error) || (error instanceof Failure && error.kind === 'credentials')) {
      const wish = backoffSeconds(error as Failure, 1, shortest, shortest)
      return { ...now, trouble, next: secondsToNext(beganAt, until, wish) }
    }
    const refusals = before.refusals + 1
    const next = refusals < mostRefusals ? secondsToNext(beganAt, until, afterRefusal) : undefined
    return { ...now, trouble, refusals, next }
  }
}

/** Tells what is new, and not too often; answers what was told last. */
async function reportOnChange(
  tell: ReportProgress,
  before: PollState['told'],
  { status, progress }: JobProgress,
): Promise<PollState['told']> {
  const message = progress ?? status
  if (!tell || message === before?.message || Date.now() - (before?.at ?? 0) < tellEvery) return before
  await tell(message)
  return { message, at: Date.now() }
}

/** Undefined when the deadline has passed. */
function soonest(until: number): number | undefined {
  return Date.now() + 1_000 < until ? 1 : undefined
}

/** Undefined when the deadline has passed; the last look is just before it. */
function secondsToNext(beganAt: number, until: number, least: number, most = Number.POSITIVE_INFINITY) {
  const now = Date.now()
  return secondsToNextPoll((now - beganAt) / 1_000, (until - now) / 1_000, least, most)
}

/**
 * The schedule of the looks, in seconds.
 *
 * @param passed since the first look
 * @param left until the deadline
 * @param least the shortest delay, unless the deadline comes first
 * @param most the longest delay
 * @returns undefined when the deadline has passed
 */
export function secondsToNextPoll(
  passed: number,
  left: number,
  least = shortest,
  most = Number.POSITIVE_INFINITY,
): number | undefined {
  if (left <= 1) return undefined
  const spread = Math.max(longest, (passed + left) / mostLooks)
  const due = Math.max(least, Math.min(spread, passed / 10))
  return Math.max(1, Math.floor(Math.min(due, most, left - 1)))
}

/** @returns until when it is waited for, in epoch milliseconds; or why it goes on */
async function requestStop(
  context: DurableContext,
  category: Category,
  work: ActionRequest,
  pending: unknown,
): Promise<{ until?: number; why?: string }> {
  const most = work.needsCleanup ? mostStopsWhereItMust : mostStops
  return context.step(
    'stop',
    async ({ attempt }) => {
      try {
        const asked = await stopJob(category, work, pending, Date.now() + timeToAsk)
        if (asked) return { until: Date.now() + timeToStop * 1_000 }
        return { why: 'The platform has no way to stop it: it goes on' }
      } catch (error) {
        log.warn('what was begun could not be stopped', { attempt, failure: kindOf(error), reason: messageOf(error) })
        // Whoever rotates a key has until then to tell us the new one.
        if ((work.needsCleanup || isTransient(error)) && attempt < most) throw error
        return { why: redact(`It could not be stopped, and may go on: ${messageOf(error)}`) }
      }
    },
    {
      retryStrategy: (error, attempt) => ({
        shouldRetry: attempt < most,
        delay: { seconds: backoffSeconds(error, attempt, 2, 60) },
      }),
    },
  )
}

/** It may end later, and nobody will hear of it: so this is no verdict. */
function unfinished({ outcome }: StartedJob, { state, trouble }: PollState, why: string): Outcome {
  const last = state === undefined ? 'Its state was never seen' : `It was last seen as ${state}`
  const message = [why, trouble ? `${last}; the last look failed: ${trouble}` : last].map(toSentence).join(' ')
  return {
    ...outcome,
    status: 'errored',
    result: 'fail',
    message,
    data: { ...outcome.data, ...(state ? { state } : {}) },
  }
}
