import { messageOf, toSentence } from '../../shared/errors.ts'

/** What AWS, or its SDK before it asked AWS, says no to. */
class AwsRefusedError extends Error {
  override readonly name = 'AwsRefusedError'
}

/** There is nothing to ask AWS with: no region or no credentials. */
export class NoAwsError extends Error {
  override readonly name = 'NoAwsError'
}

const ended =
  /^(ExpiredToken|ExpiredTokenException|RequestExpired|UnrecognizedClientException|InvalidClientTokenId|InvalidSignatureException|SignatureDoesNotMatch)$/

/**
 * An error of the AWS SDK as one sentence that says what to do.
 *
 * @param what was asked for, as the subject of a sentence
 */
export function explainAws(error: unknown, what: string): Error {
  const { name, code, cause } = error as { name?: string; code?: string; cause?: unknown }
  const message = messageOf(error)
  const tell = (text: string) => new NoAwsError(text, { cause: error })
  if (message === 'Region is missing')
    return tell('There is no AWS region: set AWS_REGION, or give --local for the local runtime.')
  if (name === 'CredentialsProviderError' || name === 'TokenProviderError')
    return tell(
      `There are no AWS credentials (${firstLine(message)}): set AWS_PROFILE or log in, or give --local for the local runtime.`,
    )
  if (ended.test(name ?? ''))
    return new AwsRefusedError(`AWS does not accept the credentials (${name}): log in again.`, { cause: error })
  if (/AccessDenied/.test(name ?? ''))
    return new AwsRefusedError(`${what} is not for these credentials: ${toSentence(message)}`, { cause: error })
  if (code !== undefined || cause !== undefined || name === 'TimeoutError')
    return new AwsRefusedError(`AWS could not be reached: ${firstLine(message || String(code))}.`, { cause: error })
  return new AwsRefusedError(`${what} was refused by AWS (${name}): ${toSentence(message)}`, { cause: error })
}

function firstLine(text: string): string {
  return (text.split('\n', 1)[0] ?? '').replace(/\.$/, '')
}
