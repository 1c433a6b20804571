import { expect, test } from '@jest/globals'
import { googleChat } from '../../../../functions/notification/google-chat/google-chat.ts'
import { reminder, testMessages } from '../../messages.ts'
import { question } from '../messages.ts'
import { type GoogleChatServer, space, startGoogleChat } from './fake.ts'

const widgetsOf = (message: GoogleChatServer['messages'][0] | undefined) =>
  message?.cardsV2[0]?.card.sections?.[0]?.widgets ?? []
const buttons = (...titles: string[]) => ({ buttonList: { buttons: titles.map((text) => ({ text })) } })
const error = (message: string) => ({ error: { code: 400, status: 'INVALID_ARGUMENT', message } })
const decide = { text: 'Decide', onClick: { openLink: { url: question.buttons?.[0]?.url } } }

const { server, client, save } = testMessages(googleChat, {
  start: startGoogleChat,
  connection: ({ url, login }) => ({ baseUrl: url, token: login.token }),
  channel: space,
  visible: ({ messages }) => messages.length,
  refusal: error,
  checks: [
    {
      connection: ({ login: { serviceAccount, privateKey }, url: loginUrl }) => ({
        token: undefined,
        serviceAccount,
        privateKey,
        loginUrl,
        channel: space,
      }),
      requests: ['POST /token', `GET /v1/${space}`],
    },
  ],
  failedChecks: [{ reason: 'The app is not in the space.', connection: { channel: 'spaces/BBBB' } }],
  channels: {
    accepted: [space, 'AAAAtN0IHSw'],
    refused: ['', 'spaces/', 'spaces/a/b', '../users', 'a room', 'spaces/..'],
    message: 'input.channel must be the id of a space',
  },
  verify({ messages }) {
    for (const { textParagraph, decoratedText } of widgetsOf(messages.at(-1)))
      expect(`${textParagraph?.text}${decoratedText?.text}`).not.toMatch(/[<>]|&(?!amp;|lt;|gt;|quot;|#39;)/)
  },
  newest: ({ messages }) => [messages.at(-1)?.cardsV2[0]?.card.header.title, ...widgetsOf(messages.at(-1))],
  posted: () => ({
    id: 'UBHHVc_AAA0.UBHHVc_AAA0',
    url: 'https://chat.google.com/room/AAAAtN0IHSw/UBHHVc_AAA0',
  }),
  shows: {
    evaluation: [
      '⚠️ Evaluation of checkout in production: warning',
      { textParagraph: { text: expect.stringContaining('Target &lt;= 1 %') } },
      { decoratedText: { topLabel: 'Project', text: 'shop' } },
      { decoratedText: { topLabel: 'Score' } },
      buttons('Bridge', 'Dashboard'),
    ],
    question: [expect.any(String), {}, { buttonList: { buttons: [decide, { text: 'Bridge' }] } }],
    decided: [
      expect.any(String),
      { textParagraph: { text: expect.stringContaining('Approved by Jane') } },
      { decoratedText: {} },
      buttons('Bridge'),
    ],
    reminder: ['⏳ Still open'],
  },
  refused: [
    {
      name: 'a space that refuses the card',
      change: ({ failNext }) => failNext(400, error('Invalid JSON payload.')),
      reason: 'Invalid JSON',
    },
  ],
})

test('Google Chat: a reminder is in the thread of the approval', async () => {
  await googleChat.reply(client(), await save(question), reminder)
  expect(server.messages[1]?.thread).toEqual(server.messages[0]?.thread)
})
