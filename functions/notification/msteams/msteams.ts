import * as z from 'zod/mini'
import { secret } from '../../../shared/fields.ts'
import { defineMessageProvider, type Message } from '../../../shared/providers/message.ts'
import type { Client } from '../../../shared/providers/provider.ts'
import { teamsMessage } from './message.ts'

const hostOf = (url: string) => URL.parse(url)?.hostname ?? ''
/** Allows HTTP on the loopback interface, for tests. */
const isSecure = (url: string) =>
  url.startsWith('https://') || (url.startsWith('http://') && ['127.0.0.1', '[::1]', 'localhost'].includes(hostOf(url)))
const isRetired = (url: string) => /(?:^|\.)webhook\.office\.com$|^outlook\.office(?:365)?\.com$/.test(hostOf(url))
const isSigned = (url: string) =>
  !/\.(?:logic\.azure\.com|api\.powerplatform\.com)$/.test(hostOf(url)) || URL.parse(url)?.searchParams.has('sig')

const connection = z.strictObject({
  webhookUrl: secret('Complete URL of the workflow. Anyone who has it can post, so only its host is ever shown').check(
    z.refine((url: string) => hostOf(url) !== '' && isSecure(url), { message: 'must be an https URL' }),
    z.refine((url: string) => !isRetired(url), {
      message:
        'is the URL of an Office 365 connector, which Microsoft has retired. Create a workflow from the template "Send webhook alerts to a channel" in Teams and use its URL',
    }),
    z.refine((url: string) => isSigned(url), {
      message: 'has no "sig", so it requires a sign-in. Let anyone trigger the workflow and use its new URL',
    }),
  ),
})
type Teams = Client<z.output<typeof connection>>

/**
 * Microsoft Teams, through a Power Automate workflow. The workflow responds before it posts and returns no id, so messages
 * cannot be found or changed.
 *
 * @see https://learn.microsoft.com/en-us/microsoftteams/platform/webhooks-and-connectors/how-to/connectors-using
 */
export const msteams = defineMessageProvider({
  title: 'Microsoft Teams',
  connection,
  baseUrl: ({ webhookUrl }) => new URL(webhookUrl).origin,
  // There is no read request. Only a card in the channel proves that the workflow works.
  check: (client) => send(client, { mood: 'neutral', title: 'This connection works', fields: [], links: [] }),
  channel: undefined,
  maxRequest: 6_000,

  async post(client, _channel, message) {
    await send(client, message)
    return {}
  },

  reply: (client, _posted, message) => send(client, message),
})

async function send({ http, connection }: Teams, message: Message): Promise<void> {
  await http.post(connection.webhookUrl, teamsMessage(message), { urlAlias: 'the webhook' })
}
