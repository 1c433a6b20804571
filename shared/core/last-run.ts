import type { Caller } from '../auth/callers.ts'
import { canonicalJson } from '../canonical-json.ts'
import { Failure, invalidInput } from '../errors.ts'
import { LAST_RUN } from '../fields.ts'
import type { CallEvent } from '../orchestrators/event/event.ts'
import { itemKeys } from '../state/item-keys.ts'

/**
 * Returns the key of the item that names the newest run of a caller, in a context, at a connection.
 *
 * @returns undefined if the event has no context
 */
export async function lastRunKey(
  category: string,
  caller: Caller,
  connection: string,
  { context }: CallEvent,
): Promise<string | undefined> {
  if (context === undefined) return undefined
  const { createHash } = await import('node:crypto')
  const names = canonicalJson({ caller: caller.name, connection, context })
  return itemKeys.lastRun(category, createHash('sha256').update(names).digest('hex').slice(0, 40))
}

/**
 * Replaces `last` in `input.id` with the id of the newest run.
 *
 * @throws Failure `invalid` if the event has no context, `unknown` if nothing was started in it
 */
export async function withLastRun<Input extends object>(
  input: Input,
  category: string,
  caller: Caller,
  connection: string,
  event: CallEvent,
): Promise<Input> {
  if (!('id' in input) || input.id !== LAST_RUN) return input
  const key = await lastRunKey(category, caller, connection, event)
  if (key === undefined)
    throw invalidInput('input.id', `is ${LAST_RUN}, which means the newest run of a context: send the context`)
  const { readLastRun } = await import('../state/read-last-run.ts')
  const id = await readLastRun(key)
  if (id !== undefined) return { ...input, id }
  throw new Failure(
    'unknown',
    `input.id is ${LAST_RUN}, but ${caller.name} has not started anything with the connection ${connection} in the context ${event.context}. Send the id of the run instead.`,
  )
}
