import { Failure, type FailureKind, toSentence } from '../errors.ts'
import { isUnsent, networkReason } from '../http/network.ts'
import { retryAfterSeconds } from '../http/retry-after.ts'
import { redact } from '../redact.ts'
import type { AwsAccount, AwsError } from './clients.ts'

interface FailedCall {
  platform: string
  operation: string
  timeoutMs: number
  account: AwsAccount
  /** Names of further errors that are transient. */
  transientErrors: readonly string[]
}

const THROTTLING_ERROR = /Throttl|TooManyRequests|RequestLimitExceeded|SlowDown/i
const CREDENTIALS_ERROR =
  /^(?:UnrecognizedClientException|InvalidClientTokenId|ExpiredToken(?:Exception)?|CredentialsProviderError)$/

/** Returns the failure for an error of the SDK, which becomes its cause. */
export function toFailure(
  error: AwsError,
  { platform, operation, timeoutMs, account, transientErrors }: FailedCall,
): Failure {
  const { name, message, code, $metadata, $response } = error
  const status = $metadata?.httpStatusCode
  const fail = (kind: FailureKind, text: string, retryAfter?: number) =>
    new Failure(kind, redact(text), { cause: error, retryAfter })
  // A broken connection is named like a timeout, too, but has a code.
  if ((name === 'AbortError' || name === 'TimeoutError') && typeof code !== 'string')
    return fail('timeout', `${platform} did not respond within ${Math.round(timeoutMs / 1_000)} s (${operation}).`)
  const reason = `${platform} answered ${name} to ${operation}: ${message || 'no reason given'}`
  if (CREDENTIALS_ERROR.test(name)) return fail('credentials', reason)
  // Errors of the SDK itself: the region is missing, or a field cannot be serialized.
  if (status === undefined && (error instanceof TypeError || message === 'Region is missing'))
    return fail('misconfigured', `${operation} could not be sent to ${platform}: ${message}`)
  if (status === undefined)
    return fail('platform', `${platform} could not be reached: ${networkReason(error)} (${operation}).`)
  if (error instanceof SyntaxError)
    return fail('platform', `${platform} answered ${status} to ${operation} with a body that is not JSON.`)
  // The SDK's message would name a field of its own error.
  if (isSuccess(status))
    return fail('platform', `${platform} answered ${status} to ${operation} with a body that cannot be read.`)
  if (status >= 500 || status === 429 || THROTTLING_ERROR.test(name) || transientErrors.includes(name))
    return fail('platform', reason, retryAfterSeconds($response?.headers ?? {}, Date.now()))
  return fail(
    'refused',
    /AccessDenied/.test(name) ? `${toSentence(reason)} ${permissionHint(account, message)}` : reason,
  )
}

/** Returns the SDK's error behind a failure. Its name identifies the error, and some errors have more fields. */
export function awsErrorOf(error: unknown): AwsError | undefined {
  return error instanceof Failure && error.cause instanceof Error ? (error.cause as AwsError) : undefined
}

/** Returns whether a failed write may have succeeded. */
export function mayHaveSucceeded(failure: Failure): boolean {
  if (failure.kind === 'timeout') return true
  const { name, unsent, $metadata } = (awsErrorOf(failure) ?? {}) as AwsError
  if (unsent || CREDENTIALS_ERROR.test(name) || isUnsent(failure.cause) || failure.kind === 'misconfigured')
    return false
  const status = $metadata?.httpStatusCode
  return status === undefined || status >= 500 || status < 400
}

export function isSuccess(status: number | undefined): boolean {
  return status !== undefined && status < 400
}

function permissionHint({ roleArn }: AwsAccount, message: string): string {
  return roleArn && !message.includes('sts:AssumeRole')
    ? `Allow it in the policy of ${roleArn}.`
    : 'Allow it under awsProviders in cdk.json, and deploy.'
}
