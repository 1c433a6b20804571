import { Failure } from '../errors.ts'
import { errorReasonIn } from './error-reason.ts'

/** Returns the body with which the platform refused a request, or undefined for any other error. */
export function refusalBody(error: unknown): unknown {
  return error instanceof Failure && error.kind === 'refused' ? error.response?.body : undefined
}

/**
 * Returns whether the platform refused a request with a reason that contains a text. Only for platforms that have no error
 * code.
 *
 * @example if (isRefusedBecause(error, 'already exists')) return
 */
export function isRefusedBecause(error: unknown, reason: string): error is Failure {
  return errorReasonIn(refusalBody(error)).includes(reason)
}
