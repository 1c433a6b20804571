import type { DurableContext } from '@aws/durable-execution-sdk-js'
import { readIdentityKey, readIdentityKeys } from '../../auth/identity-key.ts'
import { canonicalJson } from '../../canonical-json.ts'
import { Failure, isTransient, serviceUnavailable } from '../../errors.ts'
import { hmacHex, isSame } from '../../hmac.ts'
import { log } from '../../log.ts'
import type { Task } from '../call.ts'
import { retriedStep } from '../retried-step.ts'
import { firstOperationOf, isNewExecution } from './start-time.ts'

/** The error of a task whose payload has no valid seal. The finisher answers for no such task. */
export const NOT_SEALED = 'The payload of this execution is not from a webhook of this deployment.'

/** Only an execution whose seal could not be checked at its start has this step, and it is the first one. */
const STEP = 'check-seal'
/** About seven hours. */
const MAX_ATTEMPTS = 100

/**
 * Returns the payload of an execution: the record of a call, sealed with the key of the secret `identity`. A principal that may
 * invoke a task can call it as any caller, within the rights of that caller. Without a seal, it could send a record of its own, to
 * which no check applies.
 *
 * @throws Failure `misconfigured`, `unavailable`
 */
export async function payloadOf(task: Task): Promise<string> {
  return canonicalJson({ ...task, seal: sealOf(task, await readIdentityKey()) })
}

/**
 * Checks the payload of a new execution. A running one, which may be of a version without seals, was checked when it started.
 * If the secret cannot be read, the check is repeated as a step: the call was accepted, so it must not end here, and nothing runs before.
 *
 * @throws Error `NOT_SEALED`
 */
export async function checkSeal(payload: { seal?: unknown }, context: DurableContext): Promise<void> {
  if (isNewExecution(context)) {
    if (await isChecked(payload)) return
  } else if (firstOperationOf(context) !== STEP) return
  await retriedStep<null>(
    context,
    'check-seal',
    async () => {
      if (await isChecked(payload)) return null
      throw serviceUnavailable('The secret identity cannot be read, so the payload of the task cannot be checked.')
    },
    { maxAttempts: MAX_ATTEMPTS, backoff: { min: 1, max: 300 }, isRetryable: isTransient },
  )
}

/** @returns false if the secret cannot be read now */
async function isChecked(payload: { seal?: unknown }): Promise<boolean> {
  try {
    // The cached secret may be older than the key that sealed the payload.
    for (const fresh of [false, true]) {
      const seals = (await readIdentityKeys(fresh)).map((key) => sealOf(payload, key))
      if (seals.some((seal) => isSame(String(payload.seal), seal))) return true
    }
  } catch (error) {
    if (!(error instanceof Failure)) throw error
    log.error('seal of the payload not checked', { kind: error.kind, reason: error.message })
    return false
  }
  throw new Error(NOT_SEALED)
}

function sealOf(payload: object, key: string): string {
  const { seal: _, ...task }: Record<string, unknown> = { ...payload }
  return hmacHex(key, `task ${canonicalJson(task)}`)
}
