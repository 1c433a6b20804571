import { log } from '../../log.ts'
import { type Completed, completed } from '../../providers/action.ts'
import type { Canceler } from '../../state/save-cancellation.ts'
import type { Call } from '../call.ts'

/** Says who canceled a task, in the state of the wait that notices it. The outcome of the task needs nothing else. */
export interface CanceledState {
  /** The name that messages show. */
  canceledBy?: string | undefined
  /** The ARN of an operator. Missing in states that earlier versions have saved. */
  operator?: string | undefined
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

/** Returns the state of a wait that ends because the task was canceled. */
export function canceledState({ by, operator }: Canceler): CanceledState {
  return { canceledBy: by, operator }
}

/** Returns who canceled a task, from the state of its last wait. */
export function cancelerIn({ canceledBy: by, operator }: CanceledState): Canceler | undefined {
  return by === undefined ? undefined : { by, operator }
}

/** Returns the result of a task that was canceled. */
export function aborted(canceler: Canceler, message: string): Completed {
  return { ...completed({ status: 'aborted', result: 'fail', message, data: {}, links: {} }), canceler }
}
