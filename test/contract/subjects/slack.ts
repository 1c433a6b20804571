import { slack as provider } from '../../../functions/notification/providers/slack.ts'
import { connect } from '../../../shared/providers/connect.ts'
import type { Provider } from '../../../shared/providers/provider.ts'
import { casesOf, key, type Subject } from '../cases.ts'
import { driveProvider } from './drive.ts'

const post = 'POST /chat.postMessage'
const history = 'GET /api/conversations.history'
const fields = { token: 'a-token-of-a-bot', signingSecret: 'a-signing-secret', channel: 'C123' }
const input = { text: 'The release is *out*, <!channel> & all' }
const pushes = casesOf('push-update', input)
const refused = (error: string, says: string, more: object = {}) =>
  pushes.fails(`refused with ${error}`, says, { answers: { [post]: [{ body: { ok: false, error, ...more } }] } })
const metadata = { event_type: 'cloud_automation_webhooks', event_payload: { key } }
const found = { ok: true, messages: [{ type: 'message', ts: '1503435956.000247', text: 'Released', metadata }] }

const drive = driveProvider('notification', 'slack', fields)

const ask = casesOf('ask-approval')

export const slack: Subject = {
  name: 'slack',
  contract: 'slack-messaging',
  cases: [
    { action: 'check', how: 'the token' },
    pushes.passes('a text', 'Sent'),
    pushes.passes('a template', 'Sent', { input: { text: undefined } }),
    pushes.passes('to another channel', 'to C456', { input: { channel: 'C456' } }),
    pushes.passes('without an event id', 'Sent', { noKey: true }),
    pushes.passes('again, after it got through', 'Sent', { isRetry: true, answers: { [history]: [{ body: found }] } }),
    pushes.passes('again, after it did not', 'Sent', { isRetry: true }),
    refused('not_in_channel', 'not_in_channel: invite the app to the channel'),
    refused('invalid_blocks', 'must be less than 3001 characters', {
      response_metadata: { messages: ['[ERROR] must be less than 3001 characters [json-pointer:/blocks/0]'] },
    }),
    refused('invalid_auth', 'invalid_auth'),
    ask.passes('with buttons, reminded of and decided', 'Asked', { input: { question: 'Release?' } }),
    { action: 'press-button', how: 'by a user without permission', says: 'Jane Doe' },
  ],
  run: (url, row) => (row.action === 'press-button' ? pressButton(url) : drive(url, row)),
}

/** Handles a button press. The contract does not describe its signature and body. */
async function pressButton(url: string): Promise<string> {
  const values = provider.connection.parse({ baseUrl: url, ...fields })
  const connection = { name: 'contract', provider: provider as unknown as Provider, values }
  const client = connect(connection, {
    idempotencyKey: undefined,
    isRetry: false,
    deadlineAt: Date.now() + 20_000,
  }) as Parameters<typeof provider.buttons.getPerson>[0]
  const response = { decision: 'approve' as const, responder: { user: 'U123', username: 'jane', channel: 'C123' } }
  const { name } = await provider.buttons.getPerson(client, response)
  await provider.buttons.findMemberId(client, 'U123')
  await provider.buttons.findMemberId(client, 'jane@example.com')
  await provider.buttons.replyTo(client, response, 'Only others may decide this.')
  return name
}
