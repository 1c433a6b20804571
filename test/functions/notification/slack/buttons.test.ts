import { describe, expect, jest, test } from '@jest/globals'
import fc from 'fast-check'
import { slack } from '../../../../functions/notification/slack/slack.ts'
import { newestOf } from '../../../../infra/testing/loopback-server.ts'
import { bareName, refusalFor } from '../../../../shared/approvals/may-decide.ts'
import { Failure } from '../../../../shared/errors.ts'
import type { ButtonResponse } from '../../../../shared/providers/message.ts'
import { clientOf, expectFailure, failureOf, startEach } from '../../helpers.ts'
import { question } from '../messages.ts'
import { type SentButtonPress, slackServer } from './fake.ts'

const channel = 'C0RELEASES'
const token = question.buttons?.[0]?.token
const ben = { id: 'U0BEN', name: 'ben', realName: 'Ben Roe', email: 'ben@example.com' }

const server = startEach(slackServer)
const connection = (more: object = {}) =>
  slack.connection.parse({ baseUrl: server.url, token: server.token, signingSecret: server.signingSecret, ...more })
const client = () => clientOf(slack, connection())
const replying = (error: string) => [200, { ok: false, error }] as const

describe('Slack: buttons', () => {
  const { buttons } = slack
  const pressed = async (action = 'approve', user?: string) => {
    await slack.post(client(), channel, question)
    return server.pressButton(newestOf(server.posts), action, user)
  }
  const read = (sent: SentButtonPress, now = Date.now(), fields: object = {}) =>
    buttons.verify(connection(fields), { ...sent, now })
  const readToken = (sent: SentButtonPress) => buttons.readToken({ ...sent, now: Date.now() })
  const payloadOf = (payload: object) => `payload=${encodeURIComponent(JSON.stringify(payload))}`

  test.each(['approve', 'reject'] as const)('return token and decision: %s', async (decision) => {
    const sent = await pressed(decision)
    expect(readToken(sent)).toBe(token)
    const responder = { user: 'U0JANE', username: 'jane', team: 'T0SANDBOX', channel }
    expect(await read(sent)).toEqual({ decision, responder })
  })

  test('verify the signature over the exact body', async () => {
    const payload = {
      type: 'block_actions',
      user: { id: 'U0JANE', name: 'Jürgen 🚀' },
      channel: { id: channel },
      actions: [{ action_id: 'reject', value: token }],
    }
    const { headers, body } = server.sign(payloadOf(payload))
    expect(await read({ headers, body })).toMatchObject({ decision: 'reject' })
    const other = new URLSearchParams({ payload: JSON.stringify(payload) }).toString()
    for (const sent of [{ headers, body: other }, server.sign(body, { secret: 'another-signing-secret' })])
      await expectFailure(read(sent), 'unauthenticated')
  })

  test('verify the documented example', async () => {
    const body = [
      'token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V',
      '&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=',
      '&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN',
      '&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c',
    ].join('')
    const signature = 'v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503'
    const headers = { 'x-slack-request-timestamp': '1531420618', 'x-slack-signature': signature }
    // The example is signed, but a command and not a button.
    await expectFailure(read({ headers, body }, 1_531_420_618_000), 'invalid')
  })

  // test/security/signatures.test.ts changes each byte of a request, and its time.
  test.each<[string, (sent: SentButtonPress) => SentButtonPress]>([
    ['unsigned', withHeader('x-slack-signature', () => undefined)],
    ['without a time', withHeader('x-slack-request-timestamp', () => undefined)],
    ['with an empty signature', withHeader('x-slack-signature', () => '')],
    ['with a signature of another form', withHeader('x-slack-signature', () => 'v0=abc')],
    ['with a signature of another version', withHeader('x-slack-signature', (value) => value.replace('v0', 'v1'))],
    ['with an upper-case signature', withHeader('x-slack-signature', (value) => value.toUpperCase())],
    ['without a valid time', ({ body }) => server.sign(body, { at: Number.NaN })],
    ['with a time out of range', ({ body }) => server.sign(body, { at: 1e20 })],
    ['too old', ({ body }) => server.sign(body, { at: 1_000 })],
  ])('reject a request that is %s, before parsing it and without showing its values', async (_how, change) => {
    const sent = change(await pressed())
    const failure = await failureOf(read(sent))
    expect(failure).toMatchObject({ kind: 'unauthenticated', status: 401 })
    for (const value of [...Object.values(sent.headers), token, server.signingSecret].filter(Boolean))
      expect(failure.message).not.toContain(value)
    const parse = jest.spyOn(JSON, 'parse')
    expect(() => readToken(sent)).toThrow(Failure)
    expect(parse).not.toHaveBeenCalled()
    parse.mockRestore()
    expect(server.calls.filter(({ path }) => path === '/api/users.info')).toEqual([])
  })

  test.each([-299_000, 0, 299_000])('accept a request from %i milliseconds ago', async (after) => {
    expect(await read(await pressed(), Date.now() + after)).toMatchObject({ decision: 'approve' })
  })

  test('reject requests if the connection has no signing secret', async () => {
    const sent = await pressed()
    await expectFailure(read(sent, Date.now(), { signingSecret: undefined }), 'unauthenticated', 'no signingSecret')
  })

  const withActions = (...actions: object[]) =>
    payloadOf({ type: 'block_actions', user: { id: 'U1' }, channel: { id: 'C1' }, actions })
  test.each([
    ['nothing', ''],
    ['JSON instead of a form', '{"type":"block_actions"}'],
    ['invalid JSON', 'payload=%7B'],
    ['null', 'payload=null'],
    ['another event', `payload=${JSON.stringify({ type: 'view_submission', user: { id: 'U1' } })}`],
    ['no action', withActions()],
    ['another button', withActions({ action_id: 'x', value: 'a' })],
    ['a strange value', withActions({ action_id: 'approve', value: 'a/../b' })],
    ['a long value', withActions({ action_id: 'approve', value: 'a'.repeat(301) })],
  ])('reject a body with %s', async (_what, body) => {
    expect(readToken(server.sign(body))).toBeUndefined()
    await expectFailure(read(server.sign(body)), 'invalid')
  })

  test('accept any body without an exception', () => {
    const payloads = fc.json().map((json) => `payload=${encodeURIComponent(json)}`)
    fc.assert(
      fc.property(fc.oneof(fc.string(), payloads), (body) => expect(readToken(server.sign(body))).toBeUndefined()),
    )
  })

  const person = async (user?: string, change: object = {}) => {
    Object.assign(server.people.find(({ id }) => id === (user ?? 'U0JANE')) ?? {}, change)
    const known: ButtonResponse = await read(await pressed('approve', user))
    return buttons.getPerson(client(), JSON.parse(JSON.stringify(known)))
  }
  const jane = { name: 'Jane Doe', names: ['U0JANE', 'jane', 'jane@example.com'] }
  const byId = { ...jane, names: ['U0JANE', 'jane@example.com'] }

  test.each([
    ['with id, user name and e-mail address', {}, jane],
    // A user name with the form of an id counts only in its exact spelling.
    ['with a name like an id', { name: 'u0ben7777' }, { ...byId, exactName: 'u0ben7777' }],
    ['without an unconfirmed e-mail address', { isEmailConfirmed: false }, { ...jane, names: ['U0JANE', 'jane'] }],
    ['without a name that is an address', { name: 'ben@example.com' }, byId],
  ])('return the person %s', async (_what, change, expected) => {
    expect(await person(undefined, change)).toEqual(expected)
  })

  test.each([
    ['users:read.email', 'U0JANE', { name: 'Jane Doe', names: ['U0JANE', 'jane'] }],
    ['users:read', 'U0JANE', { name: 'jane', names: ['U0JANE', 'jane'] }],
    // A person of another organization.
    ['unused', 'U0GUEST', { name: 'Jane Doe', names: ['U0GUEST'] }],
    ['users:read', 'U0GUEST', { name: 'mallory', names: ['U0GUEST'] }],
  ])('return fewer names without the scope %s: %s', async (scope, user, expected) => {
    server.scopes.delete(scope)
    expect(await person(user)).toEqual(expected)
  })

  test('return all names of a person of another workspace of the organization', async () => {
    expect(await person('U0GUEST', { enterprise: 'E0SHOP' })).toMatchObject({ names: ['U0GUEST'] })
    server.workspace.enterprise = 'E0SHOP'
    expect(await person('U0GUEST')).toMatchObject({ names: ['U0GUEST', 'mallory', 'jane@example.com'] })
  })

  describe('and the requester as approver', () => {
    const refused = async (requester: string) => {
      const name = bareName(requester)
      if (!buttons.isMemberName(name)) return 'rejected before the approval is requested'
      return refusalFor({ excluded: requester }, await person(), [await buttons.findMemberId(client(), name)])
    }

    test.each([
      'U0JANE',
      'jane',
      '@jane',
      ' Jane ',
      'JANE',
      'jane@example.com',
      'Jane@Example.com',
      'Jane Doe',
      '<@U0JANE>',
      '<@U0JANE|jane>',
      'slack:U0JANE',
      'jane+x@example.com',
      'jane@other.example',
      'ja\u200bne',
      'jan\u0435',
      'jane.',
      'U0NOBODY',
      'jane@example.com\u200b',
      '',
    ])('reject the requester by any name: %j', async (requester) => {
      expect(await refused(requester)).toBeTruthy()
    })

    test.each(['U0BEN', '<@U0BEN>', 'ben@example.com', 'slack:ben@example.com'])(
      'accept another person: %j',
      async (requester) => {
        server.people.push(ben)
        expect(await refused(requester)).toBeUndefined()
      },
    )

    test.each([
      ['users:read', 'U0BEN'],
      ['users:read.email', 'ben@example.com'],
    ])('reject a person who cannot be looked up without the scope %s', async (scope, requester) => {
      server.people.push(ben)
      server.scopes.delete(scope)
      expect(await refused(requester)).toContain('is not known here')
    })
  })

  test.each([
    ['ratelimited', 'platform'],
    ['internal_error', 'platform'],
    ['invalid_auth', 'credentials'],
  ] as const)('fail if the person cannot be read temporarily (%s)', async (error, kind) => {
    const response = await read(await pressed())
    server.failNext(...replying(error), { on: 'GET', times: 2 })
    await expectFailure(buttons.getPerson(client(), response), kind)
  })

  test('respond only to the person who pressed the button', async () => {
    const response = await read(await pressed())
    expect(await buttons.replyTo(client(), response, 'Only <!channel> & @jane may decide this.')).toBeUndefined()
    const text = 'Only &lt;!channel&gt; &amp; @jane may decide this.'
    expect(server.ephemerals).toMatchObject([{ channel, onlyFor: 'U0JANE', text }])
    expect([server.mentions.length, server.posts.length]).toEqual([0, 1])
  })
})

/** Returns a change of one header of a request; undefined removes the header. */
function withHeader(name: string, change: (value: string) => string | undefined) {
  return ({ headers, body }: SentButtonPress): SentButtonPress => {
    const { [name]: value = '', ...others } = headers
    const changed = change(value)
    return { headers: changed === undefined ? others : { ...others, [name]: changed }, body }
  }
}
