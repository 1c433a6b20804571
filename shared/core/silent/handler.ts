import { setTimeout as sleep } from 'node:timers/promises'
import { audit } from '../../audit.ts'
import { Failure, kindOf, messageOf, serviceUnavailable, toSentence } from '../../errors.ts'
import { log } from '../../log.ts'
import type { Outcome } from '../../outcome.ts'
import type { ActionResult, StartedJob } from '../../providers/action.ts'
import type { Category } from '../../providers/category.ts'
import { redact } from '../../redact.ts'
import { itemKeys } from '../../state/item-keys.ts'
import { type Call, hasTask } from '../call.ts'
import { finalOutcome, skippedOutcome } from '../final-outcome.ts'
import { getJobStatus, type PreviousWrite, runAction } from '../run-action.ts'
import { NotStarted, type StartCheck, startCheckOf } from '../start-gate.ts'

/** Shorter than API Gateway's 29 s, so that the response can say why the call failed. */
const MAX_DURATION_MS = 24_000
/** Left of Lambda's time for the response. */
const RESPONSE_MS = 2_000
const RETRY_PAUSES_MS = [500, 2_000]
const FIRST_POLL_MS = 500
const POLL_TIMEOUT_MS = 3_000
/** How long a repeat gets the recorded response. */
const TTL_SECONDS = 24 * 3_600

/** The part of Lambda's context that a silent call needs. */
interface LambdaContext {
  awsRequestId: string
  getRemainingTimeInMillis(): number
}

/** The possible effects of the attempts of a call. */
interface Attempts {
  /** One may have written. */
  mayHaveWritten: boolean
  /** One ended with an unknown outcome: nothing may be written after it. */
  outcomeUnknown: boolean
  /** Names the start of the action. Undefined for a call without an id. */
  startId?: string | undefined
}

/**
 * Runs a silent call and returns its outcome. A call with an event id runs once: a repeat gets the recorded outcome. If the
 * outcome of an earlier call is unknown, the repeat looks for what that call created. A job that needs a task gets one, and the
 * outcome is that of its start.
 *
 * @throws Failure; `running` while the same call is in progress
 */
export async function runSilently(category: Category, call: Call, context: LambdaContext): Promise<Outcome> {
  const { id, skip, refusal, repeatRefusal } = call
  const isRecorded = id !== undefined && !call.dryRun && !skip
  if (refusal && !isRecorded) throw refusal
  if (skip) return skippedOutcome(skip)
  if (hasTask(call)) {
    // Loaded when used: few platforms need a task.
    const { startInTask } = await import('./start-in-task.ts')
    const timeLeft = () => context.getRemainingTimeInMillis()
    return finalOutcome(await startInTask(call, waitsForEnd(category, call), timeLeft), call)
  }
  const deadlineAt = Date.now() + Math.min(MAX_DURATION_MS, context.getRemainingTimeInMillis() - RESPONSE_MS)
  let isRepeat = true
  const run = async (attempts: Attempts, auditId: string) => {
    isRepeat = false
    if (refusal) throw refusal
    audit.add({ auditId })
    return finalOutcome(await runToOutcome(category, call, deadlineAt, attempts), call)
  }
  if (!isRecorded) return run({ mayHaveWritten: false, outcomeUnknown: false }, crypto.randomUUID())
  // The refusal replaces the recorded outcome, and the error that the first call is still running.
  return runOnce(category.name, id, run, context).finally(() => {
    if (isRepeat && repeatRefusal) throw repeatRefusal
  })
}

/** Runs the action, and waits for the end of a started job if the action says so and there is time. */
async function runToOutcome(category: Category, call: Call, deadlineAt: number, attempts: Attempts): Promise<Outcome> {
  const result = await runWithRetries(category, call, deadlineAt, attempts)
  if (result.type !== 'started' || !waitsForEnd(category, call)) return result.outcome
  return pollUntil(category, call, result, deadlineAt, startCheckOf(category, call, undefined, attempts.startId))
}

function waitsForEnd({ actions }: Category, call: Call): boolean {
  const action = actions[call.action]
  return action?.type === 'job' && action.job.silent === 'waits'
}

/** Retries transient failures while there is time, if a repeat is safe. Records in `attempts` what may have been written. */
async function runWithRetries(
  category: Category,
  call: Call,
  deadlineAt: number,
  attempts: Attempts,
): Promise<ActionResult> {
  const mayStart = startCheckOf(category, call, undefined, attempts.startId)
  for (let failures = 0; ; failures++) {
    try {
      return await runAction(category, call, deadlineAt, previousWrite(attempts), { mayStart })
    } catch (thrown) {
      const error = thrown instanceof NotStarted ? thrown.failureAfter(attempts.mayHaveWritten) : thrown
      attempts.outcomeUnknown ||= kindOf(error) === 'unconfirmed'
      attempts.mayHaveWritten ||= attempts.outcomeUnknown || !(error instanceof Failure) || error.mayHaveWritten
      if (!(error instanceof Failure)) throw error
      if (error.transient && error.mayHaveWritten && call.id === undefined) {
        throw new Failure(
          error.kind,
          `${toSentence(error.message)} The request may still have succeeded. Check the platform before you repeat the call, or send the id of the event.`,
          { cause: error },
        )
      }
      const pause = Math.max(RETRY_PAUSES_MS[failures] ?? Number.POSITIVE_INFINITY, (error.retryAfter ?? 0) * 1_000)
      if (!error.transient || Date.now() + pause >= deadlineAt) throw error
      log.info('attempt failed, retrying', { attempt: failures + 1, kind: error.kind, reason: error.message })
      await sleep(pause)
    }
  }
}

function previousWrite({ mayHaveWritten, outcomeUnknown }: Attempts): PreviousWrite {
  if (outcomeUnknown) return 'accepted'
  return mayHaveWritten ? 'possible' : 'nothing'
}

/** Polls a started job. If it does not end in time, returns the outcome of its start, and why the last poll failed. */
async function pollUntil(
  category: Category,
  call: Call,
  { outcome, job }: StartedJob,
  deadlineAt: number,
  mayStart: StartCheck | undefined,
): Promise<Outcome> {
  let lastError: string | undefined
  for (let pause = FIRST_POLL_MS; Date.now() + pause < deadlineAt - POLL_TIMEOUT_MS; ) {
    await sleep(pause)
    pause *= 1.3
    try {
      const status = await getJobStatus(category, call, job, deadlineAt, mayStart)
      if ('outcome' in status) return status.outcome
      lastError = undefined
      pause = Math.max(pause, (status.minSeconds ?? 0) * 1_000)
    } catch (error) {
      // The job has started, which is what the response says.
      log.warn('poll failed', error as Error, { kind: kindOf(error), reason: messageOf(error) })
      lastError = redact(messageOf(error))
      // The next poll would fail in the same way.
      if (kindOf(error) === 'misconfigured') break
    }
  }
  if (lastError === undefined) return outcome
  return { ...outcome, message: `${toSentence(outcome.message)} The last poll failed: ${lastError}` }
}

/** Runs a function once per key, with Powertools' idempotency on the state table. */
async function runOnce(
  category: string,
  key: string,
  run: (attempts: Attempts, auditId: string) => Promise<Outcome>,
  context: LambdaContext,
): Promise<Outcome> {
  // Loaded when used: interactive calls do not need it.
  const { SilentCallRecord, IdempotencyConfig, makeIdempotent } = await import('../../state/silent-call-record.ts')
  const config = new IdempotencyConfig({ expiresAfterSeconds: TTL_SECONDS })
  config.registerLambdaContext(context as Parameters<typeof config.registerLambdaContext>[0])
  const persistenceStore = new SilentCallRecord(() => context.getRemainingTimeInMillis())
  // Powertools wraps the errors of its table. The action's own error is thrown unchanged.
  let thrown: unknown
  const guarded = makeIdempotent(
    async (_key: string) => {
      try {
        return { ...(await run(persistenceStore, persistenceStore.owner)) }
      } catch (error) {
        thrown = error
        throw error
      }
    },
    { persistenceStore, config, keyPrefix: itemKeys.callPrefix(category) },
  )
  try {
    const outcome = (await guarded(key)) as Outcome
    // The line of a repeat is the record of the first call: that one may have ended before it wrote its line.
    audit.add({ auditId: persistenceStore.owner })
    return outcome
  } catch (error) {
    if (thrown !== undefined) throw thrown
    if (error instanceof Error && error.name === 'IdempotencyAlreadyInProgressError') {
      throw new Failure('running', 'The same call is still running. Send it again in a minute to get its response.')
    }
    throw serviceUnavailable(
      'The state table is not available, so the call was not started, or its response was not recorded. Send it again.',
      { cause: error },
    )
  }
}
