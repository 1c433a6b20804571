import { log } from '../../log.ts'
import type { Outcome } from '../../outcome.ts'
import type { Canceler } from '../../state/save-cancellation.ts'
import type { Call } from '../call.ts'

/** Returns the name of who canceled the task of a call, for messages. Does not throw. */
export async function canceledBy(call: Call): Promise<string | undefined> {
  return (await cancelerOf(call))?.by
}

/** Returns who canceled the task of a call. Does not throw: a task that cannot read the table continues. */
export async function cancelerOf({ category, id }: Call): Promise<Canceler | undefined> {
  if (id === undefined) return undefined
  try {
    const { readCancellation } = await import('../../state/read-cancellation.ts')
    return await readCancellation(category, id)
  } catch (error) {
    log.warn('cancellation not read', error as Error)
    return undefined
  }
}

/** Returns the outcome of a task that was canceled. */
export function aborted(message: string): Outcome {
  return { status: 'aborted', result: 'fail', message, data: {}, links: {} }
}
