import { setTimeout as sleep } from 'node:timers/promises'
import { Failure, kindOf, toSentence } from '../../errors.ts'
import { log } from '../../log.ts'
import { type Outcome, passed, sanitizeOutcome, withMappedName, withNotes } from '../../outcome.ts'
import type { Delegated, StartedJob } from '../../providers/action.ts'
import type { Category } from '../../providers/category.ts'
import { itemKeys } from '../../state/item-keys.ts'
import type { Call } from '../http/parse.ts'
import { type ActionRequest, getJobStatus, type PreviousWrite, runAction } from '../run-action.ts'

/** API Gateway gives up after 29 s; we want to be the ones who say why. */
const longest = 24_000
const pauses = [500, 2_000]
/** Before the first look at what was begun, and what a look may take, in milliseconds. */
const shortestPause = 500
const timeForLook = 3_000
/** How long a repeat gets the recorded answer, in seconds. */
const remembered = 24 * 3_600

/** The part of Lambda's context that matters here. */
interface LambdaContext {
  awsRequestId: string
  getRemainingTimeInMillis(): number
}

/** What is known of the tries of a call. */
interface Tries {
  /** Whether one may have got further than we know. */
  doubtful: boolean
  /** Whether one ended with an unknown outcome: then nothing is written any more. */
  outcomeUnknown: boolean
}

/**
 * Does a silent call and answers its outcome. A call with an event id is done once: a repeat gets the recorded outcome, or
 * `running` while the first is under way. Where it is not known how far the first has got, the repeat looks for what it made.
 *
 * @throws Failure
 */
export async function runSilently(category: Category, call: Call, context: LambdaContext): Promise<Outcome> {
  const { request, skip } = call
  if (skip) return { ...passed(skip.message), result: skip.result }
  const deadlineAt = Date.now() + Math.min(longest, context.getRemainingTimeInMillis() - 2_000)
  const act = async (tries: Tries) =>
    withNotes(
      sanitizeOutcome(
        withMappedName(await actSoon(category, request, deadlineAt, tries), request.mappedName, request.action),
      ),
      request.notes,
    )
  if (request.idempotencyKey === undefined || request.dryRun) return act({ doubtful: false, outcomeUnknown: false })
  return once(category.name, request.idempotencyKey, act, context)
}

/** Does it, and waits for the end of what that begins, where its action says so and there is time. */
async function actSoon(category: Category, work: ActionRequest, deadlineAt: number, tries: Tries): Promise<Outcome> {
  const result = await performSoon(category, work, deadlineAt, tries)
  if (!('outcome' in result)) return result
  if (!('job' in result)) return result.outcome
  const action = category.actions[work.action]
  const ended =
    action?.type === 'job' && action.job.silent === 'waits'
      ? await watch(category, work, result.job, deadlineAt)
      : undefined
  return ended ?? result.outcome
}

/** Tries again while there is time, where a repeat can do no harm; notes what is in doubt. */
async function performSoon(
  category: Category,
  work: ActionRequest,
  deadlineAt: number,
  tries: Tries,
): Promise<Outcome | StartedJob | Delegated> {
  for (let failed = 0; ; failed++) {
    try {
      return await runAction(category, work, deadlineAt, earlierOf(tries))
    } catch (error) {
      tries.outcomeUnknown ||= kindOf(error) === 'doubtful'
      tries.doubtful ||= tries.outcomeUnknown || !(error instanceof Failure) || error.afterWrite
      if (!(error instanceof Failure)) throw error
      if (error.transient && error.afterWrite && work.idempotencyKey === undefined) {
        throw new Failure(
          error.kind,
          `${toSentence(error.message)} It may have been done all the same: look before you repeat it, or send the event's id.`,
          { cause: error },
        )
      }
      const pause = Math.max(pauses[failed] ?? Number.POSITIVE_INFINITY, (error.retryAfter ?? 0) * 1_000)
      if (!error.transient || Date.now() + pause >= deadlineAt) throw error
      log.info('trying again', { action: work.action, failure: error.kind, reason: error.message })
      await sleep(pause)
    }
  }
}

function earlierOf({ doubtful, outcomeUnknown }: Tries): PreviousWrite {
  if (outcomeUnknown) return 'accepted'
  return doubtful ? 'possible' : 'nothing'
}

/** Looks every now and then; undefined where time is over before it has ended. */
async function watch(
  category: Category,
  work: ActionRequest,
  pending: unknown,
  deadlineAt: number,
): Promise<Outcome | undefined> {
  for (let pause = shortestPause; Date.now() + pause < deadlineAt - timeForLook; ) {
    await sleep(pause)
    pause *= 1.3
    try {
      const seen = await getJobStatus(category, work, pending, deadlineAt)
      if ('outcome' in seen) return seen.outcome
      pause = Math.max(pause, (seen.minSeconds ?? 0) * 1_000)
    } catch (error) {
      // It has begun, and that is what is answered; why it can not be seen is for the log.
      log.warn('what was begun could not be looked at', error as Error, { failure: kindOf(error) })
    }
  }
  return undefined
}

/** One answer for one key, by Powertools' idempotency on DynamoDB. */
async function once(
  category: string,
  key: string,
  act: (tries: Tries) => Promise<Outcome>,
  context: LambdaContext,
): Promise<Outcome> {
  // Loaded when first used: an interactive call does without.
  const { CallRecord, IdempotencyConfig, makeIdempotent } = await import('../../state/idempotency.ts')
  const config = new IdempotencyConfig({ expiresAfterSeconds: remembered })
  config.registerLambdaContext(context as Parameters<typeof config.registerLambdaContext>[0])
  const persistenceStore = new CallRecord()
  // What the action throws is kept aside: Powertools wraps what its own table throws, and the two must not be mixed up.
  let thrown: unknown
  const guarded = makeIdempotent(
    async (_key: string) => {
      try {
        return { ...(await act(persistenceStore)) }
      } catch (error) {
        thrown = error
        throw error
      }
    },
    { persistenceStore, config, keyPrefix: itemKeys.callPrefix(category) },
  )
  try {
    return (await guarded(key)) as Outcome
  } catch (error) {
    if (thrown !== undefined) throw thrown
    if (error instanceof Error && error.name === 'IdempotencyAlreadyInProgressError') {
      throw new Failure(
        'running',
        'The same event was sent before and is still being worked on: send it again in a minute to get its answer.',
      )
    }
    throw new Failure(
      'unavailable',
      'The table of earlier answers can not be used, so the call was not begun, or its answer could not be kept: send it again.',
      { cause: error },
    )
  }
}
