import type { CallEvent } from '../../orchestrators/event.ts'
import type { Action } from '../../providers/action.ts'
import type { Call } from '../call.ts'
import type { CallOptions } from './options.ts'

interface SkippableCall {
  // biome-ignore lint/suspicious/noExplicitAny: as in a category.
  action: Action<any, any, any> | undefined
  event: CallEvent
  options: Pick<CallOptions, 'when'>
}

/** Returns why the action of a call does not run: because of `when`, or because the event decides its approval. */
export function skipOf({ action, event, options: { when } }: SkippableCall): Call['skip'] {
  const { result } = event.data
  const decided = action?.type === 'approval' ? action.decideAutomatically(event) : undefined
  const isAutomatic = decided !== undefined
  if (!when || (result !== undefined && when.includes(result))) return decided && { ...decided, isAutomatic }
  const message = `Skipped: data.result is ${result ?? 'missing'}, and when is ${when.join(',')}`
  return { message, result: 'pass', isAutomatic }
}
