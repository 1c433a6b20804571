import { readIdentityKey } from '../auth/identity-key.ts'
import { canonicalJson } from '../canonical-json.ts'
import { Failure } from '../errors.ts'
import { hmacHex } from '../hmac.ts'
import { log } from '../log.ts'
import type { Category } from '../providers/category.ts'
import { settings } from '../settings.ts'
import type { ResolvedCall } from './webhook/resolve.ts'

/** The parts of a request that make it the same call. Times, request ids and headers differ between deliveries, so they are not part. */
export interface CallIdentity {
  /** The name of the state table: two deployments in one account never share an id. */
  deployment: string
  caller: string
  eventId: string
  category: string
  action: string
  connection: string
  mode: 'silent' | 'interactive' | 'gate'
  /** A dry run is not the same call as the real one. */
  dryRun: boolean
  input: unknown
}

/**
 * Returns the id of a call. It is equal for a second delivery of the same subscription, and differs for another subscription
 * of the same event, such as one with another connection. It is an HMAC, so it takes the key to compute the id of
 * another caller's call. 40 hex digits fit into every platform's fields and into the name of an execution.
 *
 * @param key of the secret `identity`
 */
export function identify(identity: CallIdentity, key: string): string {
  return hmacHex(key, canonicalJson(identity)).slice(0, 40)
}

/**
 * Returns the id of a call. Undefined if its event has none.
 *
 * @throws Failure `misconfigured`, `unavailable`
 */
export async function identifyCall(category: Category, resolved: ResolvedCall): Promise<string | undefined> {
  const { actionName, caller, connection, event, input, options, answerable } = resolved
  const eventId = answerable?.id ?? event.id
  if (eventId === undefined) return undefined
  return identify(
    {
      deployment: settings.stateTable,
      caller: caller.name,
      eventId,
      category: category.name,
      action: actionName,
      connection: connection.name,
      mode: options.mode,
      dryRun: options.dryRun,
      input,
    },
    await readIdentityKey(),
  )
}

/**
 * Returns the id of a task that follows another one. Like every id, it takes the key to compute it: a platform shows ids, and an
 * object that someone else has marked with a later id would be taken for the one that the task has created.
 *
 * @param purpose distinguishes the tasks that follow
 * @param key of the secret `identity`
 */
export function identifyFollowing(id: string, purpose: string, key: string): string {
  return hmacHex(key, `${purpose} ${id}`).slice(0, 40)
}

/**
 * Returns the digest of a completed input, for the audit record: equal inputs have equal digests. It is an HMAC: from a plain
 * hash, a reader of the log could guess a short secret in the input.
 *
 * Does not throw: a call without an id needs the key for nothing else, and runs without it.
 */
export async function digestInput(input: unknown): Promise<string | undefined> {
  try {
    return hmacHex(await readIdentityKey(), `input ${canonicalJson(input)}`)
  } catch (error) {
    if (!(error instanceof Failure)) throw error
    log.warn('input not digested', { kind: error.kind, reason: error.message })
    return undefined
  }
}
