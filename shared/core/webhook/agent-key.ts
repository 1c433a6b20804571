import { Failure, serviceUnavailable } from '../../errors.ts'
import { claimCallKey } from '../../state/call-keys.ts'
import type { Call } from '../call.ts'
import { agentTaskId } from './forwarded.ts'

/** Counted from the deadline. Lambda keeps an ended execution for as long. */
const TTL_SECONDS = 14 * 86_400

/**
 * Ensures that a key of an agent names one call. A model words a repetition differently, and another input would be another call.
 *
 * @throws Failure `invalid` if the key names another call; `unavailable`
 */
export async function requireUnusedKey(call: Call): Promise<void> {
  const { id, category, caller, action, event, deadline, waitAtMost = 0 } = call
  if (id === undefined || event.id === undefined) throw new Error('An interactive call has an id.')
  let owner: string
  try {
    const key = { category, caller, action, key: event.id }
    owner = await claimCallKey(key, id, deadline + waitAtMost + TTL_SECONDS)
  } catch (cause) {
    const text = 'It cannot be checked now whether the key was used before. Nothing was started. Send the call again.'
    throw serviceUnavailable(text, { after: 5, cause })
  }
  if (owner === id) return
  if (call.repeatRefusal) throw call.repeatRefusal
  throw new Failure(
    'invalid',
    `The key belongs to the task ${agentTaskId(category, owner)}, which was called with other arguments. Nothing was started. Read that task, or use another key for other work.`,
    { errors: [{ path: 'key', message: 'was used with other arguments' }] },
  )
}
