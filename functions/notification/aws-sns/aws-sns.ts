import * as z from 'zod/mini'
import { awsAccountFields } from '../../../shared/aws/aws.ts'
import * as rest from '../../../shared/aws/rest.ts'
import { sigV4Authorization } from '../../../shared/aws/sign.ts'
import { Failure, invalidInput, retryLater } from '../../../shared/errors.ts'
import { name, optional } from '../../../shared/fields.ts'
import { hmacHex } from '../../../shared/hmac.ts'
import type { Http } from '../../../shared/http/client.ts'
import { refusalBody } from '../../../shared/http/refusal.ts'
import { defineMessageProvider, type Message, type PostedMessage } from '../../../shared/providers/message.ts'
import type { Client } from '../../../shared/providers/provider.ts'
import {
  approvalLink,
  byteLength,
  clipBytes,
  MOOD_ICONS,
  plainSingleLine,
  plainTextBody,
  webLinks,
} from '../../../shared/text/plain-text.ts'

const connection = z.strictObject({
  ...awsAccountFields,
  channel: optional(name('ARN of the default topic')),
})
type Connection = z.output<typeof connection>
type Sns = Client<Connection>

const platform = 'AWS SNS'
const service = 'sns'
const UNKNOWN_TOPIC = 'arn:aws:sns:us-east-1:000000000000:none'
/** All messages to a FIFO topic are in one group. */
const MESSAGE_GROUP = 'cloud-automation-webhooks'

/** Bytes of UTF-8. A message can have 262,144 including its attributes. */
const MAX_TEXT = 250_000
const MAX_ATTRIBUTE = 1_000
const MAX_SUBJECT = 99
/** Fields by which subscriptions can filter. */
const FILTER_FIELDS = ['project', 'stage', 'service', 'task', 'result']

/** Saved with a message, for replies. */
interface SnsState {
  topic: string
  /** The approval page. */
  approvalUrl: string | undefined
}

/**
 * Amazon SNS. Publishes a text to a topic. Approvals link to the approval page.
 *
 * @see https://docs.aws.amazon.com/sns/latest/api/API_Publish.html
 * @see https://docs.aws.amazon.com/sns/latest/dg/fifo-message-dedup.html
 */
export const awsSns = defineMessageProvider({
  title: platform,
  effect: 'irreversible',
  connection,
  baseUrl: (account) => rest.serviceUrl(account, { service, platform }),
  authorization: (account: Connection) =>
    sigV4Authorization({ service, platform, account: { ...account, region: rest.accountRegion(account, platform) } }),
  errorReason: reason,
  isCredentialsError: (status, body) => rest.isCredentialsError(status, errorIn(body)),
  channel: 'topic',
  maxRequest: 100_000,

  async check({ http, connection: { channel } }) {
    try {
      await send(http, 'GetTopicAttributes', { TopicArn: channel ?? UNKNOWN_TOPIC }, { isRead: true })
    } catch (error) {
      // Permissions are per topic. Without a topic, a refusal still proves that the credentials are valid.
      if (channel !== undefined || !(error instanceof Failure) || error.kind !== 'refused') throw error
    }
  },

  checkMessage({ channel = '' }, account) {
    const [, region] = /^arn:[a-z-]+:sns:([a-z0-9-]+):\d{12}:[\w-]{1,251}(?:\.fifo)?$/.exec(channel) ?? []
    if (region === undefined)
      throw invalidInput(
        'input.channel',
        'must be the ARN of a topic, such as arn:aws:sns:eu-west-1:123456789012:deploys',
      )
    const expected = rest.accountRegion(account, platform)
    if (region !== expected) throw invalidInput('input.channel', `is in ${region}, but the connection uses ${expected}`)
  },

  showsOnce: '5 minutes',
  keyNeeds: 'a FIFO topic',

  post: (client, topic = '', message) => publish(client, message, { topic, key: client.idempotencyKey }),

  async reply(client, { providerState }, message) {
    const { topic, approvalUrl } = providerState as SnsState
    const isOpen = message.mood === 'waiting' && approvalUrl !== undefined
    const links = isOpen ? [...message.links, { label: 'Decide', url: approvalUrl }] : message.links
    // Each reply gets its own key: the decision must not be deduplicated with the reminder.
    const key =
      client.idempotencyKey === undefined
        ? undefined
        : `${client.idempotencyKey}-${hmacHex(client.idempotencyKey, JSON.stringify(message)).slice(0, 16)}`
    await publish(client, { ...message, links }, { topic, key })
  },
})

async function publish(
  { http }: Sns,
  message: Message,
  { topic, key }: { topic: string; key: string | undefined },
): Promise<PostedMessage> {
  const approvalLinks = approvalLink(message)
  const title = `${MOOD_ICONS[message.mood]} ${plainSingleLine(message.title)}`
  const body = plainTextBody(message, [...approvalLinks, ...webLinks(message.links)], MAX_TEXT - byteLength(title))
  const subject = subjectOf(message.title)
  const parameters = {
    TopicArn: topic,
    Message: [title, body].filter(Boolean).join('\n\n'),
    ...(subject === '' ? {} : { Subject: subject }),
    ...attributesOf(message),
    // SNS delivers one of the messages with the same id within five minutes.
    ...(topic.endsWith('.fifo')
      ? { MessageGroupId: MESSAGE_GROUP, MessageDeduplicationId: key ?? crypto.randomUUID() }
      : {}),
  }
  const response = await send(http, 'Publish', parameters)
  const id = /<MessageId>([^<]+)<\/MessageId>/.exec(response)?.[1]
  return { id, providerState: { topic, approvalUrl: approvalLinks[0]?.url } satisfies SnsState }
}

/**
 * Sends a request in the Query protocol, whose responses are XML.
 *
 * @see https://docs.aws.amazon.com/sns/latest/dg/sns-making-api-requests.html
 */
async function send(
  http: Http,
  Action: 'Publish' | 'GetTopicAttributes',
  parameters: Record<string, string>,
  options: { isRead?: boolean } = {},
): Promise<string> {
  const form = new URLSearchParams({ Action, Version: '2010-03-31', ...parameters }).toString()
  const headers = { 'content-type': 'application/x-www-form-urlencoded', accept: 'application/xml' }
  const schema = z.string().check(z.regex(/<(?:Publish|GetTopicAttributes)Response/))
  try {
    return (await http.post('', form, { ...options, headers, schema })).body
  } catch (error) {
    if (!(error instanceof Failure) || !/^(?:KMS)?Throttl/.test(errorIn(refusalBody(error)).code ?? '')) throw error
    // SNS returns 400 for its own rate limits and for those of the KMS key.
    throw retryLater(error.message)
  }
}

/** Returns the reason, such as `InvalidParameter: Invalid parameter: TopicArn`, with advice for a missing permission. */
function reason(body: unknown): string | undefined {
  const { code, message } = errorIn(body)
  return message === undefined ? undefined : [code, rest.errorReason({ message })].filter(Boolean).join(': ')
}

function errorIn(body: unknown): { code?: string | undefined; message?: string | undefined } {
  if (typeof body !== 'string') return {}
  const [code, message] = ['Code', 'Message'].map((name) =>
    new RegExp(`<${name}>([^<]*)</${name}>`)
      .exec(body)?.[1]
      ?.replace(/&(\w+|#39);/g, (all, name) => ENTITIES[name] ?? all),
  )
  return { code, message }
}

const ENTITIES: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'", '#39': "'" }

/** Returns the title in ASCII, which e-mail subjects require. */
function subjectOf(title: string): string {
  const ascii = plainSingleLine(title, 1_000)
    .normalize('NFKD')
    .replace(/[\u0300-\u036f]/g, '')
    .replace(/[^\x20-\x7e]+/g, '?')
    .trim()
  return ascii.length > MAX_SUBJECT ? `${ascii.slice(0, MAX_SUBJECT - 3)}...` : ascii
}

/** Returns the message attributes, by which subscriptions can filter. */
function attributesOf({ mood, title, fields }: Message): Record<string, string> {
  const namedFields = fields.map(({ name, value }) => [name.toLowerCase(), value] as const)
  const values = new Map([
    ['mood', mood],
    ['title', title],
    ...namedFields.filter(([name]) => FILTER_FIELDS.includes(name)),
  ])
  const entries = [...values]
    .map(([name, value]) => [name, clipBytes(plainSingleLine(value), MAX_ATTRIBUTE)] as const)
    .filter(([, value]) => value !== '')
  return Object.fromEntries(
    entries.flatMap(([name, value], index) => {
      const entry = `MessageAttributes.entry.${index + 1}`
      return [
        [`${entry}.Name`, name],
        [`${entry}.Value.DataType`, 'String'],
        [`${entry}.Value.StringValue`, value],
      ]
    }),
  )
}
