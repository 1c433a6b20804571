import { describe, expect, test } from '@jest/globals'
import { telegram } from '../../../functions/notification/providers/telegram.ts'
import { lisa, migrated, startTelegram, supergroup, type TelegramServer } from '../../../infra/platforms/telegram.ts'
import { refusalFor } from '../../../shared/approvals/person.ts'
import type { Message } from '../../../shared/providers/message.ts'
import { messageConformance } from '../../conformance/message.ts'
import { clientOf, expectFailure, failureOf, startEach } from '../helpers.ts'
import { decided, evaluation, question } from './messages.ts'

const server = startEach(startTelegram)

const connection = (fields: object = {}) =>
  telegram.connection.parse({
    ...{ baseUrl: server.url, token: server.token, webhookSecret: server.webhookSecret },
    ...fields,
  })
const client = (fields: object = {}) => clientOf(telegram, connection(fields))
const post = (message: Message, chat = String(supergroup)) => telegram.post(client(), chat, message)
const now = Date.now()
const { buttons } = telegram

describe('Telegram: messages', () => {
  test('are texts with links, and have a link themselves', async () => {
    expect(await post(evaluation)).toMatchObject({ id: '1', url: 'https://t.me/c/1234567890/1' })
    expect(await post(evaluation, '@deployments')).toMatchObject({ url: 'https://t.me/deployments/2' })
    const [{ text = '', entities = [] } = {}] = server.messages
    expect(text).toMatch(/^⚠️ Evaluation of checkout in production: warning\n\nThe release is slower/)
    const links = entities.filter(({ type }) => type === 'text_link')
    expect(links.map(({ offset, length, url }) => [text.slice(offset, offset + length), url])).toEqual([
      ['Bridge', 'https://keptn.example.com/bridge/project/shop?x=1&y=(2)'],
      ['Dashboard', 'https://dashboards.example.com/d/1'],
    ])
  })

  test('are replaced after the decision, without buttons, and a repeat changes nothing', async () => {
    const posted = JSON.parse(JSON.stringify(await post(question)))
    for (let time = 0; time < 2; time++) await telegram.replace(client(), posted, decided)
    expect(server.messages).toMatchObject([{ text: expect.stringContaining('Approved by Jane Doe') }])
    expect(server.messages[0]).not.toHaveProperty('reply_markup')
    await telegram.reply(client(), posted, { ...question, title: 'Still open', buttons: undefined })
    expect(server.messages[1]).toMatchObject({ reply_parameters: { message_id: 1 } })
  })

  test('follow a group that has become a supergroup', async () => {
    const at = client()
    await telegram.post(at, String(migrated), evaluation)
    expect(server.messages).toMatchObject([{ chat: { id: supergroup } }])
    expect([...at.notes]).toEqual([`The chat ${migrated} is now ${supergroup}. Change the channel.`])
  })

  test('wait as long as the body of a 429 says', async () => {
    const description = 'Too Many Requests: retry after 17'
    server.failNext(429, { ok: false, error_code: 429, description, parameters: { retry_after: 17 } })
    expect(await failureOf(post(evaluation))).toMatchObject({ kind: 'platform', retryAfter: 17 })
  })

  test.each([
    ['an unknown chat', 400, 'Bad Request: chat not found', 'refused'],
    ['a group without the bot', 403, 'Forbidden: bot was kicked from the group chat', 'refused'],
    ['an unknown bot', 404, 'Not Found', 'credentials'],
  ] as const)('to %s end with the description of Telegram', async (_what, status, description, kind) => {
    server.failNext(status, { ok: false, error_code: status, description })
    const words = `Telegram answered ${status} to POST sendMessage: ${description}`
    await expectFailure(post(evaluation), kind, words)
  })
})

describe('Telegram: buttons', () => {
  const pressed = async (label = 'Approve') => {
    await post(question)
    return { ...server.press(label, lisa), now }
  }

  test.each([
    ['Approve', 'approve'],
    ['Reject', 'reject'],
  ])('return decision, token and person: %s', async (label, decision) => {
    const request = await pressed(label)
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
    expect(await buttons.replyTo(client(), response, 'x'.repeat(500))).toMatchObject({
      ...{ text: expect.stringMatching(/^x{199}…$/), show_alert: true },
    })
  })

  test('know the requester by id', async () => {
    expect([buttons.isMemberName('lisa'), buttons.isMemberName(String(lisa))]).toEqual([false, true])
    expect(await buttons.findMemberId(client(), String(lisa))).toBe(String(lisa))
  })
})

describe('Telegram: connection', () => {
  test('the test reports a bot whose webhook is not set, and an unknown chat', async () => {
    await telegram.check(client({ channel: String(supergroup) }))
    await expectFailure(telegram.check(client({ channel: '-1' })), 'refused', 'chat not found')
    server.webhook.url = ''
    await telegram.check(client({ webhookSecret: undefined }))
    await expectFailure(telegram.check(client()), 'misconfigured', 'Call setWebhook with the URL')
  })

  test('approvals need the secret token of the webhook', () => {
    const check = (needsApproval: boolean) => () =>
      telegram.checkMessage({ channel: '-1', needsApproval }, connection({ webhookSecret: undefined }))
    expect(check(false)).not.toThrow()
    expect(check(true)).toThrow('Add webhookSecret to the connection.')
  })
})

messageConformance<TelegramServer>(telegram, {
  start: startTelegram,
  connection: ({ url, token, webhookSecret }) => ({ baseUrl: url, token, webhookSecret }),
  channel: String(supergroup),
  visible: ({ messages }) => messages.length,
  repeats: true,
  refusal: (description) => ({ ok: false, error_code: 400, description }),
  invalid: [{ token: '../getMe' }, { token: '1:a/b' }, { webhookSecret: 'a secret with blanks' }],
  channels: {
    accepted: [String(supergroup), '123', '@deployments'],
    refused: ['', 'deployments', '@a b', '-', '1.5', '../getMe'],
    words: 'input.channel must be the id of a chat',
  },
  verify: ({ messages }) => {
    // Telegram finds these in any text.
    for (const { text } of messages) expect(text).not.toMatch(/[@#$/][\p{L}\p{N}_]|\.\p{L}/u)
  },
})
