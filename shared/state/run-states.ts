import { serviceUnavailable } from '../errors.ts'
import { itemKeys } from './item-keys.ts'
import { expiresIn, get, putIfAbsent, update } from './table.ts'

/**
 * The states of runs that a task executes itself, instead of a platform: other calls read them here, and request a stop.
 */

/** Longer than the maximum deadline. */
const TTL_SECONDS = 31 * 86_400

/**
 * Saves a new run. An existing run keeps its state.
 *
 * @throws Failure `unavailable`
 */
export async function saveRun(id: string, state: string): Promise<void> {
  await orUnavailable(putIfAbsent(itemKeys.run(id), { state, ...expiresIn(TTL_SECONDS) }))
}

/**
 * Reads the state of a run.
 *
 * @returns undefined if there is no such run, or if it has expired
 * @throws Failure `unavailable`
 */
export async function readRunState(id: string): Promise<string | undefined> {
  const item = await orUnavailable(get(itemKeys.run(id)))
  return item?.['state'] as string | undefined
}

/**
 * Changes the state of a run if its current state is one of `from`.
 *
 * @throws Failure `unavailable`
 */
export async function changeRunState(id: string, from: readonly string[], to: string): Promise<void> {
  const states = from.map((state, index) => [`from${index}`, state])
  await orUnavailable(
    update(itemKeys.run(id), 'SET #state = :to', {
      condition: `#state IN (${states.map(([name]) => `:${name}`).join(', ')})`,
      values: { to, ...Object.fromEntries(states) },
    }),
  )
}

async function orUnavailable<T>(sent: Promise<T>): Promise<T> {
  try {
    return await sent
  } catch (cause) {
    throw serviceUnavailable('The states of runs cannot be read from the table now.', { cause })
  }
}
