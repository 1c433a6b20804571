import { describe, expect, test } from '@jest/globals'
import { googleChat } from '../../../functions/notification/providers/google-chat.ts'
import { type GoogleChatServer, space, startGoogleChat } from '../../../infra/platforms/google-chat.ts'
import type { Message } from '../../../shared/providers/message.ts'
import { messageConformance } from '../../conformance/message.ts'
import { clientOf, expectFailure, startEach } from '../helpers.ts'
import { decided, evaluation, question } from './messages.ts'

const server = startEach(startGoogleChat)

const client = (fields: object = {}) =>
  clientOf(googleChat, googleChat.connection.parse({ baseUrl: server.url, token: server.login.token, ...fields }))
const post = (message: Message, to = space) => googleChat.post(client(), to, message)
const widgetsOf = (at: number) => server.messages[at]?.cardsV2[0]?.card.sections?.[0]?.widgets

describe('Google Chat', () => {
  test('posts a card with fields and links, and returns its link', async () => {
    expect(await post(evaluation)).toMatchObject({
      id: 'UBHHVc_AAA0.UBHHVc_AAA0',
      url: 'https://chat.google.com/room/AAAAtN0IHSw/UBHHVc_AAA0',
    })
    expect(server.messages[0]?.cardsV2[0]?.card.header.title).toBe('⚠️ Evaluation of checkout in production: warning')
    expect(widgetsOf(0)).toMatchObject([
      { textParagraph: { text: expect.stringContaining('Target &lt;= 1 %') } },
      { decoratedText: { topLabel: 'Project', text: 'shop' } },
      { decoratedText: { topLabel: 'Score' } },
      { buttonList: { buttons: [{ text: 'Bridge' }, { text: 'Dashboard' }] } },
    ])
  })

  test('links an approval to its page, and shows the decision instead', async () => {
    const posted = JSON.parse(JSON.stringify(await post(question)))
    const url = question.buttons?.[0]?.url
    expect(widgetsOf(0)?.at(-1)).toMatchObject({
      buttonList: { buttons: [{ text: 'Decide', onClick: { openLink: { url } } }, { text: 'Bridge' }] },
    })
    await googleChat.reply(client(), posted, { ...question, title: 'Still open', buttons: undefined })
    await googleChat.replace(client(), posted, decided)
    expect(server.messages[1]?.thread).toEqual(server.messages[0]?.thread)
    expect(widgetsOf(0)?.[0]).toMatchObject({ textParagraph: { text: expect.stringContaining('Approved by Jane') } })
    expect(widgetsOf(0)?.at(-1)).toMatchObject({ buttonList: { buttons: [{ text: 'Bridge' }] } })
  })

  test('signs in with the key of a service account and the scope of Chat apps', async () => {
    const { serviceAccount, privateKey } = server.login
    await googleChat.check(
      client({ token: undefined, serviceAccount, privateKey, loginUrl: server.url, channel: space }),
    )
    expect(server.login.granted).toHaveLength(1)
    await googleChat.check(client())
    await expectFailure(googleChat.check(client({ channel: 'spaces/BBBB' })), 'refused', 'The app is not in the space.')
  })

  test('reports the message of Google for a refused card', async () => {
    server.failNext(400, { error: { code: 400, status: 'INVALID_ARGUMENT', message: 'Invalid JSON payload.' } })
    await expectFailure(post(evaluation), 'refused', 'Invalid JSON payload.')
  })
})

messageConformance<GoogleChatServer>(googleChat, {
  start: startGoogleChat,
  connection: ({ url, login }) => ({ baseUrl: url, token: login.token }),
  channel: space,
  visible: ({ messages }) => messages.length,
  refusal: (message) => ({ error: { code: 400, status: 'INVALID_ARGUMENT', message } }),
  channels: {
    accepted: [space, 'AAAAtN0IHSw'],
    refused: ['', 'spaces/', 'spaces/a/b', '../users', 'a room', 'spaces/..'],
    words: 'input.channel must be the id of a space',
  },
  verify: ({ messages }) => {
    for (const { cardsV2 } of messages)
      for (const { textParagraph, decoratedText } of cardsV2[0]?.card.sections?.[0]?.widgets ?? [])
        expect(`${textParagraph?.text}${decoratedText?.text}`).not.toMatch(/[<>]|&(?!amp;|lt;|gt;|quot;|#39;)/)
  },
})
