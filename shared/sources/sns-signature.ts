import { verify, X509Certificate } from 'node:crypto'
import * as z from 'zod/mini'
import { Failure } from '../errors.ts'
import { parseBody } from '../http/parse-body.ts'
import type { FetchPublished } from './published.ts'

/** Load this module with `import()`: only sources of SNS need it. */

/** SNS repeats a delivery for at most an hour. */
const MAX_AGE_MS = 7_200_000

const optionalText = z.optional(z.string())
const signedMessage = z.object({
  Type: z.enum(['Notification', 'SubscriptionConfirmation', 'UnsubscribeConfirmation']),
  Message: z.string(),
  MessageId: z.string(),
  TopicArn: z.string(),
  Timestamp: z.string(),
  Subject: optionalText,
  SubscribeURL: optionalText,
  Token: optionalText,
  SignatureVersion: z.enum(['1', '2']),
  Signature: z.string(),
  SigningCertURL: z.string(),
})
type SignedMessage = z.output<typeof signedMessage>

/**
 * Verifies a message of SNS. A valid signature only says that it is of some topic, so the topic is compared, too.
 *
 * @returns the problem, for the sender; undefined if the message is valid
 * @throws Failure `unavailable`
 * @see https://docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message.html
 */
export async function findSnsProblem(
  rawBody: Uint8Array,
  topics: readonly string[],
  now: number,
  fetchPublished: FetchPublished,
): Promise<string | undefined> {
  const parsed = z.safeParse(signedMessage, parseBody(Buffer.from(rawBody).toString('utf8')))
  if (!parsed.success)
    return 'The request is not a signed message of SNS. Disable raw message delivery of the subscription.'
  const message = parsed.data
  if (!topics.includes(message.TopicArn))
    return 'The message is of a topic that the secret of the source does not list.'
  if (!isSnsUrl(message.SigningCertURL, message.TopicArn) || !isCertificateUrl(message.SigningCertURL))
    return 'The certificate of the message is not at a URL of SNS in the region of the topic.'
  const algorithm = message.SignatureVersion === '2' ? 'RSA-SHA256' : 'RSA-SHA1'
  const { publicKey, validFrom, validTo } = certificateIn(await fetchPublished(message.SigningCertURL))
  if (now < Date.parse(validFrom) || now > Date.parse(validTo))
    return 'The certificate of the message is not valid now.'
  if (!verify(algorithm, Buffer.from(textOf(message)), publicKey, Buffer.from(message.Signature, 'base64')))
    return 'The signature of the message is not valid.'
  return Math.abs(now - Date.parse(message.Timestamp)) <= MAX_AGE_MS
    ? undefined
    : 'The message was not signed within the last two hours. A recorded message cannot be sent again.'
}

/** Returns whether a URL is one of SNS in the region of a topic. No other URL of a message is ever fetched. */
export function isSnsUrl(text: string, topic: string): boolean {
  const [, partition, , region] = topic.split(':')
  const domain = partition === 'aws-cn' ? 'amazonaws.com.cn' : 'amazonaws.com'
  const url = URL.parse(text)
  return url !== null && url.origin === `https://sns.${region}.${domain}` && `${url.username}${url.password}` === ''
}

/** The API of SNS answers at the same host, so only the path of its certificates is fetched. */
function isCertificateUrl(text: string): boolean {
  const { pathname = '', search, hash } = URL.parse(text) ?? {}
  return /^\/SimpleNotificationService-[\da-f]{8,64}\.pem$/.test(pathname) && `${search}${hash}` === ''
}

function textOf(message: SignedMessage): string {
  const names =
    message.Type === 'Notification'
      ? (['Message', 'MessageId', 'Subject', 'Timestamp', 'TopicArn', 'Type'] as const)
      : (['Message', 'MessageId', 'SubscribeURL', 'Timestamp', 'Token', 'TopicArn', 'Type'] as const)
  return names.map((name) => (message[name] === undefined ? '' : `${name}\n${message[name]}\n`)).join('')
}

function certificateIn(pem: string): X509Certificate {
  try {
    return new X509Certificate(pem)
  } catch (cause) {
    throw new Failure('unavailable', 'AWS returned no certificate for the message.', { cause })
  }
}
