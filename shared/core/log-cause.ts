import { Failure } from '../errors.ts'
import { log } from '../log.ts'

/**
 * Logs what the response to a call does not say: a bug, or the error of a service of AWS that is not available, or of a host that
 * publishes keys.
 */
export function logCause(error: unknown): void {
  if (!(error instanceof Failure)) log.error('internal error', error as Error)
  else if (error.kind !== 'unavailable') return
  else if (error.cause instanceof Failure) log.warn('host unavailable', error.cause, { reason: error.message })
  else if (error.cause instanceof Error) log.warn('AWS unavailable', error.cause)
}
