import { describe, expect, test } from '@jest/globals'
import { discord } from '../../../functions/notification/providers/discord.ts'
import {
  approverRole,
  channel,
  type DiscordServer,
  hidden,
  jane,
  startDiscord,
} from '../../../infra/platforms/discord.ts'
import { refusalFor } from '../../../shared/approvals/person.ts'
import type { Message } from '../../../shared/providers/message.ts'
import { messageConformance } from '../../conformance/message.ts'
import { clientOf, expectFailure, startEach } from '../helpers.ts'
import { decided, evaluation, question } from './messages.ts'

const server = startEach(startDiscord)

const connection = (fields: object = {}) =>
  discord.connection.parse({ baseUrl: server.url, token: server.token, publicKey: server.publicKey, ...fields })
const client = (fields: object = {}) => clientOf(discord, connection(fields))
const post = (message: Message, to = channel) => discord.post(client(), to, message)
const now = Date.now()
const { buttons } = discord

describe('Discord: messages', () => {
  test('are embeds with a link to the message', async () => {
    expect(await post(evaluation)).toMatchObject({
      id: server.messages[0]?.id,
      url: `https://discord.com/channels/197038439483310086/${channel}/${server.messages[0]?.id}`,
    })
    expect(server.messages[0]).toMatchObject({
      embeds: [
        {
          title: '⚠️ Evaluation of checkout in production: warning',
          description: expect.stringContaining('error\\_rate, Value 0.1 %, Target \\<= 1 %'),
          fields: [{ name: 'Project', value: 'shop', inline: true }, { name: 'Score' }],
        },
      ],
      allowed_mentions: { parse: [] },
      components: [],
    })
  })

  test('are replaced after the decision, without buttons', async () => {
    const posted = JSON.parse(JSON.stringify(await post(question)))
    await discord.replace(client(), posted, decided)
    expect(server.messages).toMatchObject([
      { components: [], embeds: [{ description: expect.stringContaining('Approved by Jane Doe') }] },
    ])
    await discord.reply(client(), posted, { ...question, title: 'Still open', buttons: undefined })
    expect(server.messages[1]).toMatchObject({ message_reference: { message_id: posted.id } })
  })

  test.each([
    [hidden, 'Missing Access: let the bot view the channel'],
    ['41771983423143999', 'Unknown Channel: check the id of the channel'],
  ])('in channel %s are refused with advice', async (to, words) => {
    await expectFailure(post(evaluation, to), 'refused', words)
  })

  test('that are invalid are refused with the errors of their fields', async () => {
    const errors = { embeds: { 0: { title: { _errors: [{ code: 'X', message: 'Must be shorter.' }] } } } }
    server.failNext(400, { code: 50035, message: 'Invalid Form Body', errors })
    await expectFailure(post(evaluation), 'refused', 'Invalid Form Body: Must be shorter.')
  })
})

describe('Discord: buttons', () => {
  const pressed = async (label: string) => {
    await post(question)
    return { ...server.press(label, jane), now }
  }

  test.each([
    ['Approve', 'approve'],
    ['Reject', 'reject'],
  ])('return decision, token and person: %s', async (label, decision) => {
    const request = await pressed(label)
    const { custom_id } = JSON.parse(request.body).data
    expect(custom_id).toHaveLength(61)
    expect(buttons.readToken(request)).toBe(custom_id.slice(1))
    const response = await buttons.verify(connection(), request)
    expect(response.decision).toBe(decision)
    const person = { name: 'Jane Doe', names: [jane, approverRole], ambiguousName: 'jane' }
    expect(await buttons.getPerson(client(), response)).toEqual(person)
  })

  test('of a nameless user in a direct message return the person', async () => {
    const { body } = await pressed('Approve')
    const { member, ...request } = JSON.parse(body)
    const signed = server.sign({ ...request, user: { ...member.user, global_name: null } })
    const response = await buttons.verify(connection(), { ...signed, now })
    expect(await buttons.getPerson(client(), response)).toMatchObject({ name: 'jane', names: [jane] })
  })

  // test/security/signatures.test.ts changes each signed byte.
  test('are not verified without a public key, or with that of another application', async () => {
    const request = await pressed('Approve')
    const other = await startDiscord()
    await other.close()
    for (const publicKey of [undefined, other.publicKey, 'f'.repeat(64)])
      await expectFailure(buttons.verify(connection({ publicKey }), request), 'unauthenticated')
  })

  const unknown: object[] = [
    { type: 2 },
    { type: 3 },
    { type: 3, data: { custom_id: 'x' }, user: { id: jane, username: 'jane' } },
    { type: 3, data: { custom_id: `a${'A'.repeat(60)}` } },
    [],
  ]
  test.each(unknown)('return no token for %j', async (request) => {
    expect(buttons.readToken({ ...server.sign(request), now })).toBeUndefined()
    await expectFailure(buttons.verify(connection(), { ...server.sign(request), now }), 'invalid')
  })

  test.each([jane, approverRole])('accept the approver %s', async (approver) => {
    const person = await buttons.getPerson(client(), await buttons.verify(connection(), await pressed('Approve')))
    expect(buttons.approverIds?.pattern.test(approver)).toBe(true)
    expect(refusalFor({ approvers: [approver] }, person, undefined)).toBeUndefined()
    expect(refusalFor({ approvers: ['80351110224678999'] }, person, undefined)).toMatch(/^Only 80351110224678999 may/)
    // A user name with the form of an id.
    expect(refusalFor({ approvers: ['jane'] }, person, undefined)).toMatch(/^Only jane may/)
  })

  test('look the requester up by id', async () => {
    expect(await buttons.findMemberId(client(), jane)).toBe(jane)
    expect(await buttons.findMemberId(client(), '80351110224678999')).toBeUndefined()
    expect(buttons.isMemberName('jane')).toBe(false)
  })

  test('reply to the person only, as text, and lose their buttons after the decision', async () => {
    const response = await buttons.verify(connection(), await pressed('Approve'))
    expect(await buttons.replyTo(client(), response, 'Only **you**, @everyone')).toEqual({
      type: 4,
      data: { content: 'Only \\*\\*you\\*\\*, \\@everyone', flags: 64, allowed_mentions: { parse: [] } },
    })
    expect(buttons.confirm?.(response, 'Approved')).toEqual({ type: 7, data: { components: [] } })
  })
})

describe('Discord: test of the URL', () => {
  const ping = (now?: number) => server.sign({ type: 1, version: 1 }, now)

  test('a signed PING is answered, if the URL contains the public key', async () => {
    expect(buttons.acceptTest?.({ ...ping(), now }, [server.publicKey])).toEqual({ type: 1 })
    expect(buttons.acceptTest?.({ ...(await pressedLater()), now }, [server.publicKey])).toBeUndefined()
  })

  test.each([
    ['another body', () => ({ ...ping(), body: '{"type":1}' }), () => server.publicKey, 'Invalid Discord signature'],
    ['no public key in the URL', ping, () => '', 'must end with its public key'],
    ['another public key in the URL', ping, () => 'f'.repeat(64), 'Invalid Discord signature'],
    ['an old timestamp', () => ping(now - 301_000), () => server.publicKey, '5-minute window'],
    ['no signature', () => ({ ...ping(), headers: {} }), () => server.publicKey, 'Invalid Discord signature'],
  ])('a PING with %s is rejected', (_what, request, publicKey, words) => {
    expect(() => buttons.acceptTest?.({ ...request(), now }, [publicKey()])).toThrow(words)
  })

  async function pressedLater() {
    await post(question)
    return server.press('Approve', jane)
  }
})

describe('Discord: connection', () => {
  test('the test reports the public key of another application, and a channel that the bot cannot view', async () => {
    await discord.check(client({ channel }))
    await expectFailure(discord.check(client({ publicKey: 'f'.repeat(64) })), 'misconfigured', 'General Information')
    await expectFailure(discord.check(client({ channel: hidden })), 'refused', 'let the bot view the channel')
  })

  test('approvals need the public key', () => {
    const check = (needsApproval: boolean) => () =>
      discord.checkMessage({ channel, needsApproval }, connection({ publicKey: undefined }))
    expect(check(false)).not.toThrow()
    expect(check(true)).toThrow('Add publicKey to the connection.')
  })
})

messageConformance<DiscordServer>(discord, {
  start: startDiscord,
  connection: ({ url, token, publicKey }) => ({ baseUrl: url, token, publicKey }),
  channel,
  visible: ({ messages }) => messages.length,
  refusal: (message) => ({ code: 50035, message }),
  // The link is not necessary.
  ignored: /\/channels\/\d+$/,
  channels: {
    accepted: [channel],
    refused: ['', 'deploys', '#deploys', '<#41771983423143937>', '../users/@me', '4177198342314393x'],
    words: 'input.channel must be the id of a channel',
  },
  verify: ({ messages }) => {
    for (const { embeds } of messages)
      for (const { title = '', description = '', fields = [] } of embeds)
        for (const text of [title, description, ...fields.flatMap(({ name, value }) => [name, value])])
          expect(withoutLinksAndEscapes(text)).not.toMatch(/[*_~`|<>[\]@]|:\/\/|^\s*(?:[#+]|-\s|\d+\.)/m)
  },
})

/** Removes what Discord shows as a link or as an escaped character. */
function withoutLinksAndEscapes(text: string): string {
  return text.replace(/\[(?:\\.|[^\]\\])*\]\(https?:[^()\s]*\)/g, '').replace(/\\[^0-9A-Za-z\s]/g, '')
}
