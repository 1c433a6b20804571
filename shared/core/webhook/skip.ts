import type { CallEvent } from '../../orchestrators/event/event.ts'
import type { Action } from '../../providers/action.ts'
import type { Call } from '../call.ts'
import type { CallOptions } from './call-options.ts'

interface SkippableCall {
  // biome-ignore lint/suspicious/noExplicitAny: as in a category.
  action: Action<any, any, any> | undefined
  event: CallEvent
  options: Pick<CallOptions, 'when'>
  acceptsSkips: boolean
}

/** Returns why the action of a call does not run: because of `when`, or because the event decides its approval. */
export function skipOf({ action, event, options: { when }, acceptsSkips }: SkippableCall): Call['skip'] {
  const { result } = event.data
  const decided = acceptsSkips && action?.type === 'approval' ? action.decideAutomatically(event) : undefined
  const isAutomatic = decided !== undefined
  if (!when || (result !== undefined && when.includes(result))) return decided && { ...decided, isAutomatic }
  const message = `Skipped: data.result is ${result ?? 'missing'}, and when is ${when.join(',')}`
  // Otherwise a warning would be a pass for the tasks that follow.
  const isWarning = result !== undefined && result !== 'pass'
  return { message, result: 'pass', ...(isWarning ? { isWarning } : {}), isAutomatic }
}
