import { describe, expect, jest, test } from '@jest/globals'
import fc from 'fast-check'
import { slack } from '../../../functions/notification/providers/slack.ts'
import { type SentButtonPress, slackServer } from '../../../infra/platforms/slack/server.ts'
import { bareName, refusalFor } from '../../../shared/approvals/person.ts'
import { Failure } from '../../../shared/errors.ts'
import type { ButtonResponse, Message } from '../../../shared/providers/message.ts'
import { messageConformance } from '../../conformance/message.ts'
import { type ClientOptions, clientOf, expectFailure, failureOf, keyOf, startEach } from '../helpers.ts'
import { decided, evaluation, question } from './messages.ts'

const server = startEach(slackServer)
const channel = 'C0RELEASES'
const ben = { name: 'ben', real_name: 'Ben Roe', team_id: 'T0SANDBOX', email: 'ben@example.com' }
const connected = (fields: object = {}) => {
  const { url: baseUrl, token, signingSecret } = server
  return slack.connection.parse({ baseUrl, token, signingSecret, ...fields })
}
const client = (options: ClientOptions = {}, fields: object = {}) => clientOf(slack, connected(fields), options)
const post = (message: Message, options: ClientOptions = {}, where = channel) =>
  slack.post(client(options), where, message)
const find = (options: ClientOptions = {}, where = channel) => slack.find(client({ isRetry: true, ...options }), where)
/** Copies a posted message as a task stores it. */
const saved = <T>(value: T): T => JSON.parse(JSON.stringify(value))
const calls = (method: string) => server.calls.filter(({ path }) => path === `/api/${method}`)
const first = () => {
  const [one] = server.posts
  if (!one) throw new Error('Nothing was posted')
  return one
}
const link = (ts: string) => `https://shop.slack.com/archives/${channel}/p${ts.replace('.', '')}`

messageConformance(slack, {
  start: slackServer,
  connection: ({ url, token, signingSecret }) => ({ baseUrl: url, token, signingSecret }),
  channel,
  defaults: { baseUrl: 'https://slack.com' },
  refusal: (reason) => ({ ok: false, error: reason }),
  ignored: /chat\.getPermalink$/,
  visible: ({ posts }) => posts.length,
  verify({ mentions, posts }, { buttons = [] }) {
    expect(mentions).toEqual([])
    expect(JSON.stringify(posts.at(-1)?.blocks).match(/"action_id"/g) ?? []).toHaveLength(buttons.length)
  },
})

describe('Slack: post', () => {
  test('posts the message and returns its link', async () => {
    const posted = await post(evaluation)
    const { ts, text, blocks, unfurled } = first()
    expect(posted).toEqual({ id: ts, url: link(ts), providerState: { channel, ts } })
    expect(text).toContain('Evaluation of checkout in production: warning')
    expect(blocks.map(({ type }) => type)).toEqual(['header', ...Array(4).fill('rich_text')])
    expect({ unfurled, warnings: server.warnings }).toEqual({ unfurled: false, warnings: [] })
  })

  test('accepts the name of a channel and saves its id', async () => {
    const posted = await post(question, {}, '#releases')
    expect(posted.providerState).toMatchObject({ channel })
    await slack.replace(client(), saved(posted), decided)
  })

  test('stores the idempotency key in the metadata', async () => {
    await post(evaluation)
    const event_payload = { key: keyOf(1) }
    expect(first().metadata).toEqual({ event_type: 'cloud_automation_webhooks', event_payload })
  })

  test.each([
    ['is refused', 200, { ok: false, error: 'message_not_found' }],
    ['fails', 503, ''],
    ['is something else', 200, { ok: true, permalink: 'javascript:alert(1)' }],
  ])('posts once if reading the link %s', async (_how, status, body) => {
    server.failNext(status, body, { on: 'GET' })
    expect(await post(evaluation)).toMatchObject({ id: first().ts, url: undefined })
    expect(server.posts).toHaveLength(1)
  })

  test('an approval requires the signing secret', async () => {
    const unsigned = client({}, { signingSecret: undefined })
    await expectFailure(slack.post(unsigned, channel, question), 'misconfigured', 'signingSecret')
    expect(server.calls).toEqual([])
    await slack.post(unsigned, channel, evaluation)
  })

  test.each([
    ['channel_not_found', 404, 'C0NOWHERE', 'check the id, and invite the app to the channel'],
    ['not_in_channel', 403, 'C0OTHERS', 'invite the app to the channel'],
    ['is_archived', 403, 'C0OLD', 'the channel is archived'],
  ])('adds advice to the error %s', async (error, status, where, hint) => {
    const message = `Slack answered ${status} to POST /api/chat.postMessage: ${error}: ${hint}`
    const expected = { kind: 'refused', message, mayHaveWritten: false }
    expect(await failureOf(post(evaluation, {}, where))).toMatchObject(expected)
  })

  test('reports the missing scope', async () => {
    server.scopes.delete('chat:write')
    await expectFailure(post(evaluation), 'refused', 'missing_scope: the app needs the scope chat:write')
  })

  test('reports the invalid part of the request', async () => {
    const messages = ['[ERROR] no more than 50 items allowed [json-pointer:/blocks]']
    server.failNext(200, { ok: false, error: 'invalid_blocks', response_metadata: { messages } })
    await expectFailure(post(evaluation), 'refused', `invalid_blocks: ${messages[0]}`)
  })

  test.each([
    ...['invalid_auth', 'token_revoked', 'token_expired', 'account_inactive', 'not_authed'].map(
      (error) => [error, 'credentials'] as const,
    ),
    ...['restricted_action', 'msg_too_long', 'something_new'].map((error) => [error, 'refused'] as const),
    ...['ratelimited', 'internal_error', 'fatal_error', 'service_unavailable', 'team_added_to_org'].map(
      (error) => [error, 'platform'] as const,
    ),
  ])('maps the error %s to the failure %s', async (error, kind) => {
    server.failNext(200, { ok: false, error })
    await expectFailure(post(evaluation), kind, error)
    expect(server.calls).toHaveLength(1)
  })
})

describe('Slack: find', () => {
  test('finds the message after a lost response', async () => {
    await post(evaluation, { key: keyOf(2) })
    await post(question)
    const { ts } = server.posts[1] ?? {}
    expect(await find()).toEqual({ id: ts, url: link(String(ts)), providerState: { channel, ts } })
    expect(await find({ key: keyOf(3) })).toBeUndefined()
  })

  test.each([
    ['task_created', { key: keyOf(1) }],
    ['cloud_automation_webhooks', { key: [keyOf(1)] }],
  ])('ignores the metadata of other apps: %s %j', async (event_type, event_payload) => {
    await post(evaluation)
    Object.assign(first(), { metadata: { event_type, event_payload } })
    expect(await find()).toBeUndefined()
  })

  test.each([
    ['has no scope to read', channel, () => void server.scopes.delete('channels:history')],
    ['is not in the channel', 'C0OTHERS', () => undefined],
    ['knows the channel by its name only', '#releases', () => undefined],
  ])('finds nothing if the app %s', async (_why, where, change) => {
    await post(evaluation)
    change()
    expect(await find({}, where)).toBeUndefined()
    expect(calls('conversations.history')).toHaveLength(1)
  })
})

describe('Slack: replies and updates', () => {
  test('a reply is in the thread and in the channel', async () => {
    const posted = await post(question)
    await slack.reply(client(), saved(posted), { mood: 'waiting', title: 'Still open', fields: [], links: [] })
    const [, reply] = server.posts
    expect(reply).toMatchObject({ channel, thread_ts: posted.id, reply_broadcast: true, text: '⏳ Still open' })
    expect(reply?.metadata).toBeUndefined()
    expect(await find()).toMatchObject({ id: posted.id })
  })

  test('an update removes the buttons and keeps the metadata', async () => {
    const posted = await post(question)
    await slack.replace(client(), saved(posted), decided)
    const expected = { ts: posted.id, edited: true, text: expect.stringContaining('Approved by Jane Doe') }
    expect(first()).toMatchObject(expected)
    expect(JSON.stringify(first().blocks)).not.toContain('button')
    expect(await find()).toMatchObject({ id: posted.id })
    expect(server.posts).toHaveLength(1)
  })

  test('report a deleted message', async () => {
    const posted = await post(question)
    server.posts.length = 0
    await expectFailure(slack.reply(client(), posted, evaluation), 'refused', 'message_not_found')
    await expectFailure(slack.replace(client(), posted, decided), 'refused', 'message_not_found')
  })
})

describe('Slack: buttons', () => {
  const pressed = async (action = 'approve', user?: string) => {
    await post(question)
    return server.pressButton(first(), action, user)
  }
  const read = (sent: SentButtonPress, now = Date.now(), fields: object = {}) =>
    slack.buttons.verify(connected(fields), { ...sent, now })
  const readToken = (sent: SentButtonPress) => slack.buttons.readToken({ ...sent, now: Date.now() })
  const payloadOf = (payload: object) => `payload=${encodeURIComponent(JSON.stringify(payload))}`
  const token = question.buttons?.[0]?.token

  test.each(['approve', 'reject'] as const)('return token and decision: %s', async (decision) => {
    const sent = await pressed(decision)
    expect(readToken(sent)).toBe(token)
    const responder = { user: 'U0JANE', username: 'jane', team: 'T0SANDBOX', channel }
    expect(await read(sent)).toEqual({ decision, responder })
  })

  test('verify the signature over the exact body', async () => {
    const payload = {
      ...{ type: 'block_actions', user: { id: 'U0JANE', name: 'Jürgen 🚀' }, channel: { id: channel } },
      actions: [{ action_id: 'reject', value: token }],
    }
    const { headers, body } = server.sign(payloadOf(payload))
    expect(await read({ headers, body })).toMatchObject({ decision: 'reject' })
    const other = new URLSearchParams({ payload: JSON.stringify(payload) }).toString()
    await expectFailure(read({ headers, body: other }), 'unauthenticated')
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
    ['signed with another secret', ({ body }) => server.sign(body, { secret: 'another-signing-secret' })],
    ['unsigned', withHeader('x-slack-signature', () => undefined)],
    ['without a time', withHeader('x-slack-request-timestamp', () => undefined)],
    ['with an empty signature', withHeader('x-slack-signature', () => '')],
    ['with a signature of another version', withHeader('x-slack-signature', (value) => value.replace('v0', 'v1'))],
    ['with an upper-case signature', withHeader('x-slack-signature', (value) => value.toUpperCase())],
    ['without a valid time', ({ body }) => server.sign(body, { at: Number.NaN })],
    ['with a time out of range', ({ body }) => server.sign(body, { at: 1e20 })],
  ])('reject a request that is %s, without showing its values', async (_how, change) => {
    const sent = change(await pressed())
    const failure = await failureOf(read(sent))
    expect(failure).toMatchObject({ kind: 'unauthenticated', status: 401 })
    for (const value of [...Object.values(sent.headers), token, server.signingSecret].filter(Boolean))
      expect(failure.message).not.toContain(value)
    expect(calls('users.info')).toEqual([])
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

  const signature = `v0=${'0'.repeat(64)}`
  test.each([
    ['has no signature', {}, 0],
    ['has a signature of another form', { 'x-slack-signature': 'v0=abc' }, 0],
    ['has no time stamp', { 'x-slack-signature': signature }, 0],
    ['is too old', { 'x-slack-signature': signature, 'x-slack-request-timestamp': '1000' }, (1_000 + 301) * 1_000],
  ])('reject a request that %s before parsing it', (_what, headers, now) => {
    const parse = jest.spyOn(JSON, 'parse')
    expect(() => slack.buttons.readToken({ headers, body: 'payload=[[[[', now })).toThrow(Failure)
    expect(parse).not.toHaveBeenCalled()
    parse.mockRestore()
  })

  test('accept any body without an exception', () => {
    const payloads = fc.json().map((json) => `payload=${encodeURIComponent(json)}`)
    fc.assert(
      fc.property(fc.oneof(fc.string(), payloads), (body) => expect(readToken(server.sign(body))).toBeUndefined()),
    )
  })

  const person = async (user?: string, change: object = {}) => {
    Object.assign(server.members['U0JANE'] ?? {}, change)
    const known: ButtonResponse = await read(await pressed('approve', user))
    return slack.buttons.getPerson(client(), saved(known))
  }
  const jane = { name: 'Jane Doe', names: ['U0JANE', 'jane', 'jane@example.com'] }

  test.each([
    ['with id, user name and e-mail address', {}, jane],
    // A user name with the form of an id counts only in its exact spelling.
    [
      'with a name like an id',
      { name: 'u0ben7777' },
      { ...jane, names: ['U0JANE', 'jane@example.com'], exactName: 'u0ben7777' },
    ],
    ['without an unconfirmed e-mail address', { is_email_confirmed: false }, { ...jane, names: ['U0JANE', 'jane'] }],
    [
      'without a name that is an address',
      { name: 'ben@example.com' },
      { ...jane, names: ['U0JANE', 'jane@example.com'] },
    ],
  ])('return the person %s', async (_what, change, expected) => {
    expect(await person(undefined, change)).toEqual(expected)
  })

  test.each([
    ['users:read.email', { name: 'Jane Doe', names: ['U0JANE', 'jane'] }],
    ['users:read', { name: 'jane', names: ['U0JANE', 'jane'] }],
  ])('return fewer names without the scope %s', async (scope, expected) => {
    server.scopes.delete(scope)
    expect(await person()).toEqual(expected)
  })

  test('return only the id of a person of another organization', async () => {
    expect(await person('U0GUEST')).toEqual({ name: 'Jane Doe', names: ['U0GUEST'] })
    server.scopes.delete('users:read')
    expect(await person('U0GUEST')).toEqual({ name: 'mallory', names: ['U0GUEST'] })
  })

  test('return all names of a person of another workspace of the organization', async () => {
    Object.assign(server.members['U0GUEST'] ?? {}, { enterprise: 'E0SHOP' })
    expect(await person('U0GUEST')).toMatchObject({ names: ['U0GUEST'] })
    server.workspace.enterprise = 'E0SHOP'
    expect(await person('U0GUEST')).toMatchObject({ names: ['U0GUEST', 'mallory', 'jane@example.com'] })
  })

  describe('and the requester as approver', () => {
    const refused = async (requester: string) => {
      const name = bareName(requester)
      if (!slack.buttons.isMemberName(name)) return 'rejected before the approval is requested'
      return refusalFor({ excluded: requester }, await person(), await slack.buttons.findMemberId(client(), name))
    }

    test.each([
      ...['U0JANE', 'jane', '@jane', ' Jane ', 'JANE', 'jane@example.com', 'Jane@Example.com'],
      ...['Jane Doe', '<@U0JANE>', '<@U0JANE|jane>', 'slack:U0JANE', 'jane+x@example.com', 'jane@other.example'],
      ...['ja\u200bne', 'jan\u0435', 'jane.', 'U0NOBODY', 'jane@example.com\u200b', ''],
    ])('reject the requester by any name: %j', async (requester) => {
      expect(await refused(requester)).toBeTruthy()
    })

    test.each(['U0BEN', '<@U0BEN>', 'ben@example.com', 'slack:ben@example.com'])(
      'accept another person: %j',
      async (requester) => {
        server.members['U0BEN'] = ben
        expect(await refused(requester)).toBeUndefined()
      },
    )

    test.each([
      ['users:read', 'U0BEN'],
      ['users:read.email', 'ben@example.com'],
    ])('reject a person who cannot be looked up without the scope %s', async (scope, requester) => {
      server.members['U0BEN'] = ben
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
    server.failNext(200, { ok: false, error }, { on: 'GET', times: 2 })
    await expectFailure(slack.buttons.getPerson(client(), response), kind)
  })

  test('respond only to the person who pressed the button', async () => {
    const response = saved(await read(await pressed()))
    const answer = await slack.buttons.replyTo(client(), response, 'Only <!channel> & @jane may decide this.')
    expect(answer).toBeUndefined()
    const text = 'Only &lt;!channel&gt; &amp; @jane may decide this.'
    expect(server.ephemerals).toEqual([{ channel, user: 'U0JANE', text }])
    expect([server.mentions.length, server.posts.length]).toEqual([0, 1])
  })

  test('report that a person has left the channel', async () => {
    const response = await read(await pressed())
    server.failNext(200, { ok: false, error: 'user_not_in_channel' }, { on: 'POST' })
    await expectFailure(slack.buttons.replyTo(client(), response, 'No'), 'refused', 'user_not_in_channel')
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
