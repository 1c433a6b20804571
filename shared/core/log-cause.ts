import { Failure } from '../errors.ts'
import { log } from '../log.ts'

/** Logs what the response to a call does not say: a bug, or the error of a service of AWS that is not available. */
export function logCause(error: unknown): void {
  if (!(error instanceof Failure)) log.error('internal error', error as Error)
  else if (error.kind === 'unavailable' && error.cause instanceof Error) log.warn('AWS unavailable', error.cause)
}
