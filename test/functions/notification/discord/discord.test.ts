import { describe, expect, test } from '@jest/globals'
import { discord } from '../../../../functions/notification/discord/discord.ts'
import { refusalFor } from '../../../../shared/approvals/may-decide.ts'
import { expectFailure } from '../../helpers.ts'
import { testMessages } from '../../messages.ts'
import { question } from '../messages.ts'
import { approverRole, channel, hidden, jane, startDiscord } from './fake.ts'

const now = Date.now()
const { buttons } = discord
const stranger = '80351110224678999'
const tooLong = { embeds: { 0: { title: { _errors: [{ code: 'X', message: 'Must be shorter.' }] } } } }

const { server, connection, client, post } = testMessages(discord, {
  start: startDiscord,
  connection: ({ url, token, publicKey }) => ({ baseUrl: url, token, publicKey }),
  channel,
  visible: ({ messages }) => messages.length,
  refusal: (message) => ({ code: 50035, message }),
  checks: [{ connection: { channel }, requests: ['GET /applications/@me', `GET /channels/${channel}`] }],
  failedChecks: [
    { reason: 'General Information', connection: { publicKey: 'f'.repeat(64) }, kind: 'misconfigured' },
    { reason: 'let the bot view the channel', connection: { channel: hidden } },
  ],
  // The link is not necessary.
  ignored: /\/channels\/\d+$/,
  channels: {
    accepted: [channel],
    refused: ['', 'deploys', '#deploys', '<#41771983423143937>', '../users/@me', '4177198342314393x'],
    message: 'input.channel must be the id of a channel',
  },
  verify({ messages }) {
    for (const { title = '', description = '', fields = [] } of messages.at(-1)?.embeds ?? [])
      for (const text of [title, description, ...fields.flatMap(({ name, value }) => [name, value])])
        expect(withoutLinksAndEscapes(text)).not.toMatch(/[*_~`|<>[\]@]|:\/\/|^\s*(?:[#+]|-\s|\d+\.)/m)
  },
  newest: ({ messages }) => messages.at(-1),
  posted: ({ messages: [message] }) => ({
    id: message?.id,
    url: `https://discord.com/channels/197038439483310086/${channel}/${message?.id}`,
  }),
  shows: {
    evaluation: {
      embeds: [
        {
          title: '⚠️ Evaluation of checkout in production: warning',
          description: expect.stringContaining('error\\_rate, Value 0.1 %, Target \\<= 1 %'),
          fields: [{ name: 'Project', value: 'shop', inline: true }, { name: 'Score' }],
        },
      ],
      allowed_mentions: { parse: [] },
      components: [],
    },
    question: { components: [{ components: [{ label: 'Approve' }, { label: 'Reject' }] }] },
    decided: { components: [], embeds: [{ description: expect.stringContaining('Approved by Jane Doe') }] },
    reminder: { embeds: [{ title: '⏳ Still open' }], message_reference: { message_id: expect.stringMatching(/./) } },
  },
  refused: [
    { name: 'a hidden channel', channel: hidden, reason: 'Missing Access: let the bot view the channel' },
    {
      name: 'an unknown channel',
      channel: '41771983423143999',
      reason: 'Unknown Channel: check the id of the channel',
    },
    {
      name: 'a channel that finds an error in a field',
      change: ({ failNext }) => failNext(400, { code: 50035, message: 'Invalid Form Body', errors: tooLong }),
      reason: 'Invalid Form Body: Must be shorter.',
    },
  ],
  approvalsNeed: { field: 'publicKey', message: 'Add publicKey to the connection.' },
})

describe('Discord: buttons', () => {
  const pressed = async (label = 'Approve') => {
    await post(question)
    return { ...server.press(label, jane), now }
  }
  const response = async () => buttons.verify(connection(), await pressed())

  test.each(['approve', 'reject'])('return decision, token and person: %s', async (decision) => {
    const request = await pressed(decision === 'approve' ? 'Approve' : 'Reject')
    const { custom_id } = JSON.parse(request.body).data
    expect(custom_id).toHaveLength(61)
    expect(buttons.readToken(request)).toBe(custom_id.slice(1))
    const response = await buttons.verify(connection(), request)
    expect(response.decision).toBe(decision)
    const person = { name: 'Jane Doe', names: [jane, approverRole], ambiguousName: 'jane' }
    expect(await buttons.getPerson(client(), response)).toEqual(person)
  })

  test('of a nameless user in a direct message return the person', async () => {
    const { member, ...request } = JSON.parse((await pressed()).body)
    const signed = server.sign({ ...request, user: { ...member.user, global_name: null } })
    const response = await buttons.verify(connection(), { ...signed, now })
    expect(await buttons.getPerson(client(), response)).toMatchObject({ name: 'jane', names: [jane] })
  })

  // test/security/signatures.test.ts changes each signed byte.
  test('are not verified without a public key, or with that of another application', async () => {
    const request = await pressed()
    const other = await startDiscord()
    await other.close()
    for (const publicKey of [undefined, other.publicKey, 'f'.repeat(64)])
      await expectFailure(buttons.verify(connection({ publicKey }), request), 'unauthenticated')
  })

  const unknown: object[] = [
    { type: 2 },
    { type: 3 },
    { type: 3, data: { custom_id: `a${'A'.repeat(60)}` } },
    { type: 3, data: { custom_id: 'x' }, user: { id: jane, username: 'jane' } },
    [],
  ]
  test.each(unknown)('return no token for %j', async (request) => {
    const signed = { ...server.sign(request), now }
    expect(buttons.readToken(signed)).toBeUndefined()
    await expectFailure(buttons.verify(connection(), signed), 'invalid')
  })

  test.each([jane, approverRole])('accept the approver %s', async (approver) => {
    const person = await buttons.getPerson(client(), await response())
    expect(buttons.approverIds?.pattern.test(approver)).toBe(true)
    expect(refusalFor({ approvers: [approver] }, person, undefined)).toBeUndefined()
    // A user name can have the form of an id.
    for (const other of [stranger, 'jane'])
      expect(refusalFor({ approvers: [other] }, person, undefined)).toMatch(`Only ${other} may`)
  })

  test('look the requester up by id', async () => {
    expect(await buttons.findMemberId(client(), jane)).toBe(jane)
    expect(await buttons.findMemberId(client(), stranger)).toBeUndefined()
    expect(buttons.isMemberName('jane')).toBe(false)
  })

  test('reply to the person only, as text, and lose their buttons after the decision', async () => {
    const pressed = await response()
    expect(await buttons.replyTo(client(), pressed, 'Only **you**, @everyone')).toEqual({
      type: 4,
      data: { content: 'Only \\*\\*you\\*\\*, \\@everyone', flags: 64, allowed_mentions: { parse: [] } },
    })
    expect(buttons.confirm?.(pressed, 'Approved')).toEqual({ type: 7, data: { components: [] } })
  })

  const ping = (at?: number) => server.sign({ type: 1, version: 1 }, at)
  test('answer a signed PING, if the URL contains the public key', async () => {
    expect(buttons.acceptTest?.({ ...ping(), now }, [server.publicKey])).toEqual({ type: 1 })
    expect(buttons.acceptTest?.(await pressed(), [server.publicKey])).toBeUndefined()
  })

  test.each([
    ['another body', () => ({ ...ping(), body: '{"type":1}' }), () => server.publicKey, 'Invalid Discord signature'],
    ['no public key in the URL', ping, () => '', 'must end with its public key'],
    ['another public key in the URL', ping, () => 'f'.repeat(64), 'Invalid Discord signature'],
    ['an old timestamp', () => ping(now - 301_000), () => server.publicKey, '5-minute window'],
    ['no signature', () => ({ ...ping(), headers: {} }), () => server.publicKey, 'Invalid Discord signature'],
  ])('reject a PING with %s', (_what, request, publicKey, words) => {
    expect(() => buttons.acceptTest?.({ ...request(), now }, [publicKey()])).toThrow(words)
  })
})

/** Removes what Discord shows as a link or as an escaped character. */
function withoutLinksAndEscapes(text: string): string {
  return text.replace(/\[(?:\\.|[^\]\\])*\]\(https?:[^()\s]*\)/g, '').replace(/\\[^0-9A-Za-z\s]/g, '')
}
