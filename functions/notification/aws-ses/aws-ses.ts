import * as z from 'zod/mini'
import { awsAccountFields } from '../../../shared/aws/aws.ts'
import * as rest from '../../../shared/aws/rest.ts'
import { sigV4Authorization } from '../../../shared/aws/sign.ts'
import { Failure, invalidInput } from '../../../shared/errors.ts'
import { name, optional, word } from '../../../shared/fields.ts'
import { segment } from '../../../shared/http/segment.ts'
import { defineMessageProvider, type Message, type PostedMessage } from '../../../shared/providers/message.ts'
import type { Client } from '../../../shared/providers/provider.ts'
import { approvalLink } from '../../../shared/text/plain-text.ts'
import { mailOf } from './mail.ts'

const ADDRESS = /^[\w!#$%&'*+/=?^`{|}~.-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63})+$/

const connection = z.strictObject({
  ...awsAccountFields,
  from: name('Sender: an address of a verified identity, such as deployments@example.com').check(
    z.regex(ADDRESS, { message: 'must be an e-mail address' }),
  ),
  identity: optional(name('Verified domain or address that sends. Defaults to the domain of from')),
  configurationSet: optional(word('Configuration set, for example for events about bounces')),
  channel: optional(name('Default recipients: up to 50 addresses, separated by commas')),
})
type Connection = z.output<typeof connection>
type Ses = Client<Connection>

const platform = 'AWS SES'
const service = 'ses'
const MAX_RECIPIENTS = 50

const identityStatus = z.object({ VerifiedForSendingStatus: z.boolean() })
const sent = z.object({ MessageId: z.string() })

/** Saved with a mail, for replies. */
interface SesState {
  to: string
  /** The approval page. */
  approvalUrl: string | undefined
}

/**
 * Amazon SES. Approvals link to the approval page.
 *
 * @see https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_SendEmail.html
 */
export const awsSes = defineMessageProvider({
  title: platform,
  effect: 'irreversible',
  connection,
  baseUrl: (account) => rest.serviceUrl(account, { service: 'email', platform }),
  authorization: (account: Connection) =>
    sigV4Authorization({ service, platform, account: { ...account, region: rest.accountRegion(account, platform) } }),
  errorReason: rest.errorReason,
  isCredentialsError: rest.isCredentialsError,
  channel: 'recipient',
  maxRequest: 18_000,

  async check({ http, connection: { from, identity = from.slice(from.indexOf('@') + 1) } }) {
    const { body } = await http.get(`v2/email/identities/${segment(identity)}`, { schema: identityStatus })
    if (!body.VerifiedForSendingStatus)
      throw new Failure(
        'misconfigured',
        `The identity ${identity} may not send: SES has not verified it in this region.`,
      )
  },

  checkMessage({ channel = '' }) {
    const addresses = recipientsIn(channel)
    if (addresses.length > MAX_RECIPIENTS || !addresses.every((address) => ADDRESS.test(address)))
      throw invalidInput('input.channel', `must be up to ${MAX_RECIPIENTS} e-mail addresses, separated by commas`)
  },

  post: (client, to = '', message) => send(client, to, message, approvalLink(message)[0]?.url),

  async reply(client, { providerState }, message) {
    const { to, approvalUrl } = providerState as SesState
    await send(client, to, message, message.mood === 'waiting' ? approvalUrl : undefined)
  },
})

async function send(
  { http, connection: { from, configurationSet } }: Ses,
  to: string,
  message: Message,
  approvalUrl: string | undefined,
): Promise<PostedMessage> {
  const { subject, text, html } = mailOf(
    message,
    approvalUrl === undefined ? [] : [{ label: 'Decide', url: approvalUrl }],
  )
  const utf8 = (Data: string) => ({ Data, Charset: 'UTF-8' })
  const mail = {
    FromEmailAddress: from,
    Destination: { ToAddresses: recipientsIn(to) },
    Content: { Simple: { Subject: utf8(subject), Body: { Text: utf8(text), Html: utf8(html) } } },
    ...(configurationSet === undefined ? {} : { ConfigurationSetName: configurationSet }),
  }
  const { body } = await http.post('v2/email/outbound-emails', mail, { schema: sent })
  return { id: body.MessageId, providerState: { to, approvalUrl } satisfies SesState }
}

function recipientsIn(channel: string): string[] {
  return channel.split(',').map((address) => address.trim())
}
