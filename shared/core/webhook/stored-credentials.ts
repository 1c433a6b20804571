import { Failure, invalidFields } from '../../errors.ts'
import { log } from '../../log.ts'
import { isRecord } from '../../record.ts'
import { containsSecret, countMasks } from '../../redact.ts'

/** After this many calls with a credential in an hour, the caller may only send calls that start something. */
const MAX_GUESSES = 3
const HOUR_MS = 3_600_000
/** Deeper fields are named by the field that contains them. */
const MAX_PATH_DEPTH = 4

/** Until when calls of a caller that start nothing are refused, in epoch milliseconds. */
const blockedUntil = new Map<string, number>()

/** The caller of a call, and the category that it calls. */
interface Sender {
  category: string
  caller: string
}

/**
 * Refuses a body that contains a stored credential, which would otherwise reach a ticket, an event or the history of a task.
 * Masking it instead would show a caller who tries many texts which of them is the credential. So this comes before any message
 * repeats a part of the body.
 *
 * @throws Failure `invalid`, which names the fields
 */
export async function refuseStoredCredentials(sender: Sender, body: Record<string, unknown>): Promise<void> {
  const paths = pathsIn(body, '')
  if (paths.length > 0) throw await refuse(sender, paths)
}

/**
 * Completes the input of a call. Refuses the call if one of its texts becomes a stored credential, because invisible characters
 * are removed or the text is joined with another one.
 *
 * @param complete returns the input with its defaults
 * @throws Failure `invalid`, and what `complete` throws
 */
export async function completeWithoutCredentials<T>(sender: Sender, complete: () => Promise<T>): Promise<T> {
  const masks = countMasks()
  const completed = await complete()
  if (countMasks() > masks || containsSecret(completed)) throw await refuse(sender, ['data'])
  return completed
}

/**
 * Returns why a call that starts nothing is refused, such as a dry run, a skipped call, a repeat, a call that is not valid or not allowed, or a
 * cancel: its caller has sent stored credentials several times, and guesses with such calls leave no trace at the platform.
 */
export function guessRefusal(caller: string): Failure | undefined {
  const until = blockedUntil.get(caller) ?? 0
  if (until <= Date.now()) return undefined
  return new Failure(
    'limited',
    `The calls of ${caller} contained stored credentials ${MAX_GUESSES} times, so its calls that start nothing are refused until ${new Date(until).toISOString()}.`,
    { retryAfter: Math.ceil((until - Date.now()) / 1_000) },
  )
}

async function refuse({ category, caller }: Sender, paths: string[]): Promise<Failure> {
  // An alarm counts these lines.
  log.warn('call contains a stored credential', { secretInInput: true, caller, fields: paths })
  if ((await countGuess(category, caller)) >= MAX_GUESSES)
    blockedUntil.set(caller, (Math.floor(Date.now() / HOUR_MS) + 1) * HOUR_MS)
  const message = 'contains a stored credential. Remove it, and change the credential if it has leaked'
  return invalidFields(paths.map((path) => ({ path, message })))
}

/** Returns the paths of the fields that contain a credential. A field whose name is one is shown as the field around it. */
function pathsIn(value: unknown, path: string, depth = 0): string[] {
  if (!containsSecret(value)) return []
  if (!isRecord(value) || depth >= MAX_PATH_DEPTH || Object.keys(value).some(containsSecret)) return [path || 'body']
  return Object.entries(value).flatMap(([name, field]) => pathsIn(field, path ? `${path}.${name}` : name, depth + 1))
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
