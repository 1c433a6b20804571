import { describe, expect, test } from '@jest/globals'
import { telegram } from '../../../../functions/notification/telegram/telegram.ts'
import { refusalFor } from '../../../../shared/approvals/may-decide.ts'
import { expectFailure } from '../../helpers.ts'
import { testMessages } from '../../messages.ts'
import { evaluation, question } from '../messages.ts'
import { lisa, migrated, startTelegram, supergroup, type TelegramServer } from './fake.ts'

const now = Date.now()
const { buttons } = telegram
const chat = String(supergroup)
const failing =
  (status: number, description: string, parameters = {}) =>
  ({ failNext }: TelegramServer) =>
    failNext(status, { ok: false, error_code: status, description, parameters })
const answered = (status: number, description: string) =>
  `Telegram answered ${status} to POST sendMessage: ${description}`

const calling = (method: string) => ({ path: expect.stringMatching(new RegExp(`/${method}$`)) })

const { server, connection, client, post } = testMessages(telegram, {
  start: startTelegram,
  connection: ({ url, token, webhookSecret }) => ({ baseUrl: url, token, webhookSecret }),
  channel: chat,
  visible: ({ messages }) => messages.length,
  refusal: (description) => ({ ok: false, error_code: 400, description }),
  invalid: [{ token: '../getMe' }, { token: '1:a/b' }, { webhookSecret: 'a secret with blanks' }],
  channels: {
    accepted: [chat, '123', '@deployments'],
    refused: ['', 'deployments', '@a b', '-', '1.5', '../getMe'],
    message: 'input.channel must be the id of a chat',
  },
  checks: [
    { connection: { channel: chat }, requests: ['getMe', 'getChat', 'getWebhookInfo'].map(calling) },
    {
      connection: { webhookSecret: undefined },
      requests: [calling('getMe')],
      change: ({ webhook }) => Object.assign(webhook, { url: '' }),
    },
  ],
  failedChecks: [
    { reason: 'chat not found', connection: { channel: '-1' } },
    {
      reason: 'Call setWebhook with the URL',
      change: ({ webhook }) => Object.assign(webhook, { url: '' }),
      kind: 'misconfigured',
    },
  ],
  // Telegram finds these in any text.
  verify: ({ messages }) => expect(messages.at(-1)?.text).not.toMatch(/[@#$/][\p{L}\p{N}_]|\.\p{L}/u),
  newest({ messages }) {
    const { text = '', entities = [], ...others } = messages.at(-1) ?? {}
    const linksOf = entities.filter(({ type }) => type === 'text_link')
    const links = linksOf.map(({ offset, length, url }) => [text.slice(offset, offset + length), url])
    return { reply_markup: undefined, ...others, text, links }
  },
  posted: () => ({ id: '1', url: 'https://t.me/c/1234567890/1' }),
  shows: {
    evaluation: {
      text: expect.stringMatching(/^⚠️ Evaluation of checkout in production: warning\n\nThe release is slower/),
      links: [
        ['Bridge', 'https://keptn.example.com/bridge/project/shop?x=1&y=(2)'],
        ['Dashboard', 'https://dashboards.example.com/d/1'],
      ],
    },
    question: { reply_markup: { inline_keyboard: [[{ text: 'Approve' }, { text: 'Reject' }]] } },
    decided: { text: expect.stringContaining('Approved by Jane Doe'), reply_markup: undefined },
    reminder: { reply_parameters: { message_id: 1 } },
  },
  refused: [
    {
      name: 'an unknown chat',
      change: failing(400, 'Bad Request: chat not found'),
      reason: answered(400, 'Bad Request: chat not found'),
    },
    {
      name: 'a group without the bot',
      change: failing(403, 'Forbidden: bot was kicked'),
      reason: answered(403, 'Forbidden: bot was kicked'),
    },
    {
      name: 'an unknown bot',
      change: failing(404, 'Not Found'),
      reason: answered(404, 'Not Found'),
      kind: 'credentials',
    },
  ],
  approvalsNeed: { field: 'webhookSecret', message: 'Add webhookSecret to the connection.' },
})

describe('Telegram: messages', () => {
  test('in a public channel have its name in their link', async () => {
    expect(await post(evaluation, { channel: '@deployments' })).toMatchObject({ url: 'https://t.me/deployments/1' })
  })

  test('follow a group that has become a supergroup', async () => {
    const at = client()
    await telegram.post(at, String(migrated), evaluation)
    expect(server.messages).toMatchObject([{ chat: { id: supergroup } }])
    expect([...at.notes]).toEqual([`The chat ${migrated} is now ${supergroup}. Change the channel.`])
  })

  test('wait as long as the body of a 429 says', async () => {
    failing(429, 'Too Many Requests: retry after 17', { retry_after: 17 })(server)
    await expectFailure(post(evaluation), { kind: 'platform', retryAfter: 17 })
  })
})

describe('Telegram: buttons', () => {
  const pressed = async (label = 'Approve') => {
    await post(question)
    return { ...server.press(label, lisa), now }
  }

  test.each(['approve', 'reject'])('return decision, token and person: %s', async (decision) => {
    const request = await pressed(decision === 'approve' ? 'Approve' : 'Reject')
    const { data } = JSON.parse(request.body).callback_query
    expect(buttons.readToken(request)).toBe(data.slice(1))
    const response = await buttons.verify(connection(), request)
    expect(response.decision).toBe(decision)
    const person = await buttons.getPerson(client(), response)
    expect(person).toEqual({ name: 'Lisa Roe', names: [String(lisa)], ambiguousName: 'lisa' })
    expect(refusalFor({ approvers: [String(lisa)] }, person, undefined)).toBeUndefined()
    expect(refusalFor({ approvers: ['lisa'] }, person, undefined)).toMatch(/^Only lisa may/)
    expect(refusalFor({ excluded: '@lisa' }, person, undefined)).toMatch(/^You requested/)
  })

  test('are rejected without the secret token, and with another', async () => {
    const request = await pressed()
    const name = 'x-telegram-bot-api-secret-token'
    for (const headers of [{}, { [name]: '' }, { [name]: 'a-secret-token-of-another-webhook' }])
      await expectFailure(buttons.verify(connection(), { ...request, headers }), 'unauthenticated')
    await expectFailure(buttons.verify(connection({ webhookSecret: undefined }), request), 'unauthenticated')
  })

  test.each(['', '{', '{}', '{"message":{"text":"/start"}}', '{"callback_query":{"id":"1","data":"x"}}'])(
    'return no token for %j',
    async (body) => {
      const { headers } = await pressed()
      expect(buttons.readToken({ headers, body, now })).toBeUndefined()
      await expectFailure(buttons.verify(connection(), { headers, body, now }), 'invalid')
    },
  )

  test('answer the press, with an alert if it did not decide', async () => {
    const response = await buttons.verify(connection(), await pressed())
    const answer = { method: 'answerCallbackQuery', callback_query_id: '4382bfdwdsb323b2d9', text: 'Approved' }
    expect(buttons.confirm?.(response, 'Approved')).toEqual(answer)
    const alert = { text: expect.stringMatching(/^x{199}…$/), show_alert: true }
    expect(await buttons.replyTo(client(), response, 'x'.repeat(500))).toMatchObject(alert)
  })

  test('know the requester by id', async () => {
    expect([buttons.isMemberName('lisa'), buttons.isMemberName(String(lisa))]).toEqual([false, true])
    expect(await buttons.findMemberId(client(), String(lisa))).toBe(String(lisa))
  })
})
