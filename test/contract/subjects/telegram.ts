import { casesOf, type Subject } from '../cases.ts'
import { driveProvider } from './drive.ts'

const send = 'POST /bot{token}/sendMessage'
const pushes = casesOf('push-update', { text: 'The release is **out**, @all' })
const refused = (how: string, status: number, description: string, parameters?: object) =>
  pushes.fails(how, description, {
    answers: { [send]: [{ status, body: { ok: false, error_code: status, description, parameters } }] },
  })
const result = (value: object) => ({ body: { ok: true, result: value } })
const message = { message_id: 1365, date: 1795744000, chat: { id: -1001234567890, type: 'supergroup' } }
const moved = {
  ok: false,
  error_code: 400,
  description: 'Bad Request: group chat was upgraded to a supergroup chat',
  parameters: { migrate_to_chat_id: -1001234567890 },
}

export const telegram: Subject = {
  name: 'telegram',
  contract: 'telegram',
  answers: {
    'POST /bot{token}/getMe': result({ id: 110201543, is_bot: true, first_name: 'Deployments' }),
    'POST /bot{token}/getChat': result({ id: -1001234567890, type: 'supergroup' }),
    'POST /bot{token}/getWebhookInfo': result({
      url: 'https://webhooks.example.com/v1/notification/telegram',
      has_custom_certificate: false,
      pending_update_count: 0,
    }),
    [send]: result(message),
    'POST /bot{token}/editMessageText': result(message),
  },
  cases: [
    { action: 'check', how: 'the token, the chat and the webhook' },
    pushes.passes('a text', 'Sent'),
    pushes.passes('a template', 'Sent', { input: { text: undefined } }),
    pushes.passes('without an event id', 'Sent', { noKey: true }),
    pushes.passes('to a group that is a supergroup now', 'Sent', {
      answers: { [send]: [{ status: 400, body: moved }] },
    }),
    refused('refused', 403, 'Forbidden: bot was kicked from the group chat'),
    refused('refused for now', 429, 'Too Many Requests: retry after 17', { retry_after: 17 }),
    { action: 'ask-approval', how: 'with buttons', input: { question: 'Release?' }, says: 'Asked' },
  ],
  run: driveProvider('notification', 'telegram', {
    ...{ token: '110201543:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw', channel: '-1001234567890' },
    webhookSecret: 'a-secret-token-of-the-webhook',
  }),
}
