import { readIdentityKey } from '../auth/identity-key.ts'
import { DEFAULT_ORCHESTRATOR } from '../orchestrators/index.ts'
import { settings } from '../settings.ts'
import type { Call, Task } from './call.ts'
import { identify } from './call-id.ts'

/** Called like an action of each category. */
export const VERIFICATION = 'verify'
const DEADLINE_SECONDS = 300

/**
 * Returns a call that takes the way of any other call, but calls no platform and no orchestrator. It shows whether a deployment
 * works before it has connections.
 *
 * @param key identifies the call, as the id of an event
 * @throws Failure `misconfigured`, `unavailable`
 */
export async function verificationCall(
  category: string,
  caller: string,
  mode: 'silent' | 'interactive',
  key: string,
): Promise<Call> {
  const identity = {
    deployment: settings.stateTable,
    caller,
    eventId: key,
    category,
    mode,
    action: VERIFICATION,
    connection: 'loopback',
    dryRun: true,
    input: {},
  }
  return { ...verificationTask(category, caller, identify(identity, await readIdentityKey()), key), mode }
}

/** Returns the payload of the task of an interactive call. */
export function verificationTask(category: string, caller: string, id: string, key: string): Task {
  return {
    version: 1,
    id,
    category,
    caller,
    orchestrator: DEFAULT_ORCHESTRATOR,
    mode: 'interactive',
    event: { id: key, labels: {} },
    action: VERIFICATION,
    connection: 'loopback',
    provider: 'loopback',
    input: {},
    dryRun: true,
    deadline: DEADLINE_SECONDS,
    sendStarted: false,
    progress: false,
    labels: false,
    skip: { message: 'The call was handled. No platform was called', result: 'pass', isAutomatic: false },
  }
}
