import { readIdentityKey, readIdentityKeys } from '../../auth/identity-key.ts'
import { canonicalJson } from '../../canonical-json.ts'
import { Failure } from '../../errors.ts'
import { hmacHex, isSame } from '../../hmac.ts'
import { log } from '../../log.ts'
import type { Task } from '../call.ts'

/** The error of a task whose payload has no valid seal. The finisher answers for no such task. */
export const NOT_SEALED = 'The payload of this execution is not from a webhook of this deployment.'

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
 *
 * @throws Error `NOT_SEALED`
 */
export async function checkSeal(payload: { seal?: unknown }): Promise<void> {
  try {
    // The cached secret may be older than the key that sealed the payload.
    for (const fresh of [false, true]) {
      const seals = (await readIdentityKeys(fresh)).map((key) => sealOf(payload, key))
      if (seals.some((seal) => isSame(String(payload.seal), seal))) return
    }
  } catch (error) {
    if (!(error instanceof Failure)) throw error
    // The call was accepted, so it must not end here. Its action cannot run either until secrets can be read again.
    log.error('seal of the payload not checked', { kind: error.kind, reason: error.message })
    return
  }
  throw new Error(NOT_SEALED)
}

function sealOf(payload: object, key: string): string {
  const { seal: _, ...task }: Record<string, unknown> = { ...payload }
  return hmacHex(key, `task ${canonicalJson(task)}`)
}
