import { Failure } from '../../errors.ts'
import { log } from '../../log.ts'
import { type CallEvent, identifyingFields } from '../../orchestrators/event.ts'
import { containsSecret } from '../../redact.ts'

/** After this many calls with a credential in an hour, the caller's dry runs are refused. */
const MAX_GUESSES = 3
const HOUR_MS = 3_600_000

/** Until when a caller's dry runs are refused, in epoch milliseconds. */
const blockedUntil = new Map<string, number>()

/** The parts of a call that reach a platform, an event or a task. */
export interface CheckedCall {
  category: string
  caller: string
  event: CallEvent
  /** The input that the caller sent. */
  input: object
  /** The same, with its defaults. */
  completed: unknown
  dryRun: boolean
}

/**
 * Refuses a call that contains a stored credential, which would otherwise reach a ticket, an event or the history of a task.
 * Masking it instead would show a caller who tries many texts which of them is the credential. For the same reason the
 * response names only the field, and dry runs, which leave no trace at the platform, are limited.
 *
 * @throws Failure `invalid`; `limited` for dry runs of a caller who has sent credentials several times
 */
export async function refuseStoredCredentials(call: CheckedCall): Promise<void> {
  const { category, caller, dryRun } = call
  const until = blockedUntil.get(caller) ?? 0
  if (dryRun && until > Date.now()) {
    throw new Failure(
      'limited',
      `The calls of ${caller} contained stored credentials ${MAX_GUESSES} times, so its dry runs are refused until ${new Date(until).toISOString()}.`,
      { retryAfter: Math.ceil((until - Date.now()) / 1_000) },
    )
  }
  const paths = pathsWithCredentials(call)
  if (paths.length === 0) return
  // An alarm counts these lines.
  log.warn('call contains a stored credential', { secretInInput: true, caller, fields: paths })
  if ((await countGuess(category, caller)) >= MAX_GUESSES)
    blockedUntil.set(caller, (Math.floor(Date.now() / HOUR_MS) + 1) * HOUR_MS)
  const message = 'contains a stored credential. Remove it, and change the credential if it has leaked'
  throw new Failure('invalid', paths.map((path) => `${path} ${message}`).join('. '), {
    errors: paths.map((path) => ({ path, message })),
  })
}

function pathsWithCredentials({ event, input, completed }: CheckedCall): string[] {
  const fields: Record<string, unknown> = {
    ...identifyingFields(event),
    ...Object.fromEntries(Object.entries(input).map(([name, value]) => [`input.${name}`, value])),
  }
  const paths = Object.keys(fields).filter((path) => containsSecret(fields[path]))
  return paths.length === 0 && containsSecret(completed) ? ['data'] : paths
}

/** Does not throw: the call is refused in any case, and only the limit depends on the table. */
async function countGuess(category: string, caller: string): Promise<number> {
  try {
    const { countGuess: count } = await import('../../state/secret-guesses.ts')
    return await count(category, caller)
  } catch (error) {
    log.warn('call with a stored credential not counted', error as Error)
    return 0
  }
}
