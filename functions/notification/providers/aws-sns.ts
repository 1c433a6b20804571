import * as z from 'zod/mini'
import { hmacHex } from '../../../shared/auth/hmac.ts'
import { awsAccountFields } from '../../../shared/aws/aws.ts'
import * as rest from '../../../shared/aws/rest.ts'
import { sigV4Authorization } from '../../../shared/aws/sign.ts'
import { Failure } from '../../../shared/errors.ts'
import { name, optional } from '../../../shared/fields.ts'
import type { Http } from '../../../shared/http/client.ts'
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
  channel: optional(name('Default topic, by its ARN')),
})
type Connection = z.output<typeof connection>
type Sns = Client<Connection>

const platform = 'AWS SNS'
const service = 'sns'
const noTopic = 'arn:aws:sns:us-east-1:000000000000:none'
/** In a topic that keeps an order, all that comes from here does so in one. */
const group = 'cloud-automation-webhooks'

/** Bytes of UTF-8: a message may have 262,144 with its attributes. */
const longestText = 250_000
const longestAttribute = 1_000
const longestSubject = 99
/** Fields of a message that subscriptions may filter by. */
const filters = ['project', 'stage', 'service', 'task', 'result']

/** What it takes to publish something about an earlier message. */
interface Handle {
  topic: string
  /** Where it is decided. */
  decide: string | undefined
}

/**
 * Amazon SNS: a text to a topic, for whoever has subscribed to it. What can be decided is decided on our page.
 *
 * @see https://docs.aws.amazon.com/sns/latest/api/API_Publish.html
 * @see https://docs.aws.amazon.com/sns/latest/dg/fifo-message-dedup.html
 */
export const awsSns = defineMessageProvider({
  title: platform,
  connection,
  baseUrl: (account) => rest.endpointOf(account, { service, platform }),
  authorization: (account: Connection) =>
    sigV4Authorization({ service, platform, account: { ...account, region: rest.regionOf(account, platform) } }),
  errorReason: reason,
  isCredentialsError: (status, body) => rest.isCredentialsError(status, errorIn(body)),
  channel: 'topic',

  async check({ http, connection: { channel } }) {
    try {
      await ask(http, 'GetTopicAttributes', { TopicArn: channel ?? noTopic }, { isRead: true })
    } catch (error) {
      // What is allowed is allowed for topics: without one, a refusal says at least that AWS knows who asks.
      if (channel !== undefined || !(error instanceof Failure) || error.kind !== 'refused') throw error
    }
  },

  checkMessage({ channel = '' }, account) {
    const [, region] = /^arn:[a-z-]+:sns:([a-z0-9-]+):\d{12}:[\w-]{1,251}(?:\.fifo)?$/.exec(channel) ?? []
    if (region === undefined)
      throw invalid('is no topic: write its ARN, like arn:aws:sns:eu-west-1:123456789012:deploys')
    const called = rest.regionOf(account, platform)
    if (region !== called) throw invalid(`is a topic of ${region}, and the connection is one to ${called}`)
  },

  post: (client, topic = '', message) => publish(client, message, { topic, key: client.idempotencyKey }),

  async reply(client, { providerState: handle }, message) {
    const { topic, decide } = handle as Handle
    const isOpen = message.mood === 'waiting' && decide !== undefined
    const links = isOpen ? [...message.links, { label: 'Decide', url: decide }] : message.links
    // Each thing that is said is one of its own: the decision is no repeat of the reminder.
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
  const decide = approvalLink(message)
  const title = `${MOOD_ICONS[message.mood]} ${plainSingleLine(message.title)}`
  const body = plainTextBody(message, [...decide, ...webLinks(message.links)], longestText - byteLength(title))
  const subject = subjectOf(message.title)
  const parameters = {
    TopicArn: topic,
    Message: [title, body].filter(Boolean).join('\n\n'),
    ...(subject === '' ? {} : { Subject: subject }),
    ...attributesOf(message),
    // Of those with one id, which come within five minutes, one is delivered.
    ...(topic.endsWith('.fifo') ? { MessageGroupId: group, MessageDeduplicationId: key ?? crypto.randomUUID() } : {}),
  }
  const answer = await ask(http, 'Publish', parameters)
  const id = /<MessageId>([^<]+)<\/MessageId>/.exec(answer)?.[1]
  return { id, providerState: { topic, decide: decide[0]?.url } satisfies Handle }
}

/**
 * Asks in the Query protocol, which answers XML.
 *
 * @see https://docs.aws.amazon.com/sns/latest/dg/sns-making-api-requests.html
 */
async function ask(
  http: Http,
  Action: 'Publish' | 'GetTopicAttributes',
  parameters: Record<string, string>,
  options: { isRead?: boolean } = {},
): Promise<string> {
  const form = new URLSearchParams({ Action, Version: '2010-03-31', ...parameters }).toString()
  const headers = { 'content-type': 'application/x-www-form-urlencoded', accept: 'application/xml' }
  const answer = z.string().check(z.regex(/<(?:Publish|GetTopicAttributes)Response/))
  try {
    return (await http.post('', form, { ...options, headers, schema: answer })).body
  } catch (error) {
    if (!(error instanceof Failure) || error.kind !== 'refused' || !/ (?:KMS)?Throttl/.test(error.message)) throw error
    // A limit is a 400 here, of AWS as of the key that a topic is encrypted with.
    throw new Failure('platform', error.message)
  }
}

/** `InvalidParameter: Invalid parameter: TopicArn`, with what is to be done about a permission that is missing. */
function reason(body: unknown): string | undefined {
  const { code, message } = errorIn(body)
  return message === undefined ? undefined : [code, rest.errorReason({ message })].filter(Boolean).join(': ')
}

function errorIn(body: unknown): { code?: string | undefined; message?: string | undefined } {
  if (typeof body !== 'string') return {}
  const [code, message] = ['Code', 'Message'].map((name) =>
    new RegExp(`<${name}>([^<]*)</${name}>`)
      .exec(body)?.[1]
      ?.replace(/&(\w+|#39);/g, (all, name) => entities[name] ?? all),
  )
  return { code, message }
}

const entities: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'", '#39': "'" }

/** ASCII, as e-mails have it. */
function subjectOf(title: string): string {
  const ascii = plainSingleLine(title, 1_000)
    .normalize('NFKD')
    .replace(/[\u0300-\u036f]/g, '')
    .replace(/[^\x20-\x7e]+/g, '?')
  return ascii.length > longestSubject ? `${ascii.slice(0, longestSubject - 3)}...` : ascii
}

/** What subscriptions may filter by. */
function attributesOf({ mood, title, fields }: Message): Record<string, string> {
  const named = fields.map(({ name, value }) => [name.toLowerCase(), value] as const)
  const values = new Map([['mood', mood], ['title', title], ...named.filter(([name]) => filters.includes(name))])
  const kept = [...values]
    .map(([name, value]) => [name, clipBytes(plainSingleLine(value), longestAttribute)] as const)
    .filter(([, value]) => value !== '')
  return Object.fromEntries(
    kept.flatMap(([name, value], at) => {
      const entry = `MessageAttributes.entry.${at + 1}`
      return [
        [`${entry}.Name`, name],
        [`${entry}.Value.DataType`, 'String'],
        [`${entry}.Value.StringValue`, value],
      ]
    }),
  )
}

function invalid(message: string): Failure {
  return new Failure('invalid', `input.channel ${message}`, { errors: [{ path: 'input.channel', message }] })
}
