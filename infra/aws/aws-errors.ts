import { messageOf, toSentence } from '../../shared/errors.ts'

/** AWS rejected a request or could not be reached. */
class AwsRefusedError extends Error {
  override readonly name = 'AwsRefusedError'
}

/** No region or no credentials are configured. */
export class NoAwsError extends Error {
  override readonly name = 'NoAwsError'
}

const INVALID_CREDENTIALS =
  /^(ExpiredToken|ExpiredTokenException|RequestExpired|UnrecognizedClientException|InvalidClientTokenId|InvalidSignatureException|SignatureDoesNotMatch)$/

/**
 * Converts an error of the AWS SDK into an error that says what to do.
 *
 * @param subject the operation or resource, as the subject of a sentence
 * @param alternative the end of the advice for a user without AWS: `, or pass --local`
 */
export function explainAws(error: unknown, subject: string, alternative = ''): Error {
  const { name, code, cause } = error as { name?: string; code?: string; cause?: unknown }
  const message = messageOf(error)
  // An empty variable is not set.
  if (message === 'Region is missing' || message.startsWith('Region not accepted: region=""'))
    return new NoAwsError(`No AWS region is configured. Set AWS_REGION${alternative}.`, { cause: error })
  if (name === 'CredentialsProviderError' || name === 'TokenProviderError')
    return new NoAwsError(
      `No AWS credentials are configured (${firstLine(message)}). Set AWS_PROFILE or log in${alternative}.`,
      { cause: error },
    )
  if (INVALID_CREDENTIALS.test(name ?? ''))
    return new AwsRefusedError(`AWS rejected the credentials (${name}). Log in again.`, { cause: error })
  if (isNotPermitted({ name }))
    return new AwsRefusedError(`${subject} is not permitted: ${toSentence(message)}${adviceFor(message)}`, {
      cause: error,
    })
  if (code !== undefined || cause !== undefined || name === 'TimeoutError')
    return new AwsRefusedError(`Cannot reach AWS: ${firstLine(message || String(code))}.`, { cause: error })
  return new AwsRefusedError(`${subject} failed (${name}): ${toSentence(message)}`, { cause: error })
}

/** Returns whether AWS rejected a request because of the permissions of the user. */
export function isNotPermitted({ name }: { name?: string }): boolean {
  return /AccessDenied/.test(name ?? '')
}

/** Names the missing permission, if AWS does. A policy that denies it must be changed, too. */
function adviceFor(message: string): string {
  const [, permission] = /not authorized to perform: ([\w-]+:\w+)/.exec(message) ?? []
  return permission === undefined ? '' : ` Let an administrator allow ${permission}, and try again.`
}

function firstLine(text: string): string {
  return (text.split('\n', 1)[0] ?? '').replace(/\.$/, '')
}
