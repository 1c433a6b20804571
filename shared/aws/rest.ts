import { Failure, toSentence } from '../errors.ts'
import type { AwsAccount } from './clients.ts'
import { domainOf } from './endpoint.ts'

/** An AWS service with a REST API that is called through `Http` with signed requests instead of the SDK. */
interface RestService {
  /** The service's name in host names: `fis`. */
  service: string
  /** The service's name in messages. */
  platform: string
}

/**
 * Returns the region of the connection. Defaults to the function's region.
 *
 * @throws Failure `misconfigured`
 */
export function accountRegion({ region = process.env['AWS_REGION'] }: AwsAccount, platform: string): string {
  if (region) return region
  throw new Failure('misconfigured', `The connection to ${platform} needs a region: AWS_REGION is not set here.`)
}

/**
 * Returns the URL of a service, in the partition of its region.
 *
 * @see https://docs.aws.amazon.com/general/latest/gr/rande.html
 * @throws Failure `misconfigured`
 */
export function serviceUrl(account: AwsAccount, { service, platform }: RestService): string {
  const region = accountRegion(account, platform)
  return account.endpoint ?? `https://${service}.${region}.${domainOf(region)}`
}

/** Returns AWS's reason for a refusal, with a hint about a missing permission. */
export function errorReason(body: unknown): string | undefined {
  // IAM capitalizes the field in its own refusals.
  const { message, Message = message } = (body ?? {}) as { message?: unknown; Message?: unknown }
  if (typeof Message !== 'string') return undefined
  if (!Message.includes('is not authorized to perform: ')) return Message
  return `${toSentence(Message)} Allow it under awsProviders in cdk.json and deploy, or in the policy of roleArn.`
}

/**
 * Returns whether the credentials were refused. Those of a role expire, and may be revoked before.
 *
 * @see https://docs.aws.amazon.com/fis/latest/APIReference/CommonErrors.html
 */
export function isCredentialsError(_status: number, body: unknown): boolean {
  return /security token included in the request is (?:expired|invalid)/.test(errorReason(body) ?? '')
}
