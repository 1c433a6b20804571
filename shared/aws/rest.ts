import { Failure, toSentence } from '../errors.ts'
import type { AwsAccount } from './aws.ts'

/** A service of AWS with a REST API that the SDK is not used for: it is called through `Http`, with signed requests. */
interface RestService {
  /** As in host names: `fis`. */
  service: string
  /** Who is called, in messages. */
  platform: string
}

/**
 * The region that is called: the connection's, or the function's own.
 *
 * @throws Failure `misconfigured`
 */
export function regionOf({ region = process.env['AWS_REGION'] }: AwsAccount, platform: string): string {
  if (region) return region
  throw new Failure('misconfigured', `The connection to ${platform} needs a region, since there is none of our own.`)
}

/**
 * Where a service is called, in whatever partition its region is.
 *
 * @see https://docs.aws.amazon.com/general/latest/gr/rande.html
 * @throws Failure `misconfigured`
 */
export function endpointOf(account: AwsAccount, { service, platform }: RestService): string {
  const region = regionOf(account, platform)
  const suffix = region.startsWith('cn-') ? 'amazonaws.com.cn' : 'amazonaws.com'
  return account.endpoint ?? `https://${service}.${region}.${suffix}`
}

/** AWS's words for a refusal, and what is to be done about a permission that is missing. */
export function reason(body: unknown): string | undefined {
  // IAM writes its own refusals with a capital.
  const { message, Message = message } = (body ?? {}) as { message?: unknown; Message?: unknown }
  if (typeof Message !== 'string') return undefined
  if (!Message.includes('is not authorized to perform: ')) return Message
  return `${toSentence(Message)} Allow it under awsProviders in cdk.json, and deploy; or to the role that roleArn names.`
}

/**
 * Whether it is the credentials that were refused: those of a role end, and may be withdrawn before.
 *
 * @see https://docs.aws.amazon.com/fis/latest/APIReference/CommonErrors.html
 */
export function refusesCredentials(_status: number, body: unknown): boolean {
  return /security token included in the request is (?:expired|invalid)/.test(reason(body) ?? '')
}
