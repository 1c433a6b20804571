import { describe, expect, jest, test } from '@jest/globals'
import fc from 'fast-check'
import { slack } from '../../../functions/notification/providers/slack.ts'
import { type SentButtonPress, slackServer } from '../../../infra/platforms/slack/server.ts'
import { bareName, refusalFor } from '../../../shared/approvals/person.ts'
import { Failure } from '../../../shared/errors.ts'
import type { ButtonResponse, Message } from '../../../shared/providers/message.ts'
import { messageConformance } from '../../conformance/message.ts'
import { clientOf, expectFailure, failureOf, keyOf, startEach } from '../helpers.ts'
import { decided, evaluation, question } from './messages.ts'

type Options = Parameters<typeof clientOf>[2]

const server = startEach(slackServer)

const channel = 'C0RELEASES'
const ben = { name: 'ben', real_name: 'Ben Roe', team_id: 'T0SANDBOX', email: 'ben@example.com' }
const connected = (fields: object = {}) =>
  slack.connection.parse({
    baseUrl: server.url,
    token: server.token,
    signingSecret: server.signingSecret,
    ...fields,
  })
const client = (options: Options = {}, fields: object = {}) => clientOf(slack, connected(fields), options)
const post = (message: Message, options: Options = {}, where = channel) => slack.post(client(options), where, message)
const find = (options: Options = {}, where = channel) => slack.find(client({ isRetry: true, ...options }), where)
/** Copies a posted message as a task stores it. */
const saved = <T>(value: T): T => JSON.parse(JSON.stringify(value))
const calls = (method: string) => server.calls.filter(({ path }) => path === `/api/${method}`)
const first = () => {
  const [one] = server.posts
  if (!one) throw new Error('Nothing was posted')
  return one
}
const link = (ts: string) => `https://shop.slack.com/archives/${channel}/p${ts.replace('.', '')}`

describe('Slack: post', () => {
  test('posts the message and returns its link', async () => {
    const posted = await post(evaluation)
    const { ts, text, blocks, unfurled } = first()
    expect(posted).toEqual({ id: ts, url: link(ts), providerState: { channel, ts } })
    expect(text).toContain('Evaluation of checkout in production: warning')
    expect(blocks.map(({ type }) => type)).toEqual(['header', 'rich_text', 'rich_text', 'rich_text', 'rich_text'])
    expect(unfurled).toBe(false)
    expect(server.warnings).toEqual([])
    expect(server.mentions).toEqual([])
  })

  test('accepts the name of a channel and saves its id', async () => {
    const posted = await post(question, {}, '#releases')
    expect(posted.providerState).toMatchObject({ channel })
    await slack.replace(client(), saved(posted), decided)
  })

  test('stores the idempotency key in the metadata', async () => {
    await post(evaluation)
    expect(first().metadata).toEqual({
      event_type: 'cloud_automation_webhooks',
      event_payload: { key: keyOf(1) },
    })
    await post(evaluation, { key: undefined })
    expect(server.posts[1]?.metadata).toBeUndefined()
  })

  test.each([
    ['is refused', () => server.failNext(200, { ok: false, error: 'message_not_found' }, { on: 'GET' })],
    ['fails', () => server.failNext(503, '', { on: 'GET' })],
    ['is something else', () => server.failNext(200, { ok: true, permalink: 'javascript:alert(1)' }, { on: 'GET' })],
  ])('posts once if reading the link %s', async (_how, injectFault) => {
    injectFault()
    expect(await post(evaluation)).toMatchObject({ id: first().ts, url: undefined })
    expect(server.posts).toHaveLength(1)
  })

  test('an approval requires the signing secret', async () => {
    const failure = await failureOf(slack.post(client({}, { signingSecret: undefined }), channel, question))
    expect(failure).toMatchObject({ kind: 'misconfigured', message: expect.stringContaining('signingSecret') })
    expect(server.calls).toEqual([])
    await slack.post(client({}, { signingSecret: undefined }), channel, evaluation)
  })

  test.each([
    ['channel_not_found', 404, 'C0NOWHERE', 'check the id, and invite the app to the channel'],
    ['not_in_channel', 403, 'C0OTHERS', 'invite the app to the channel'],
    ['is_archived', 403, 'C0OLD', 'the channel is archived'],
  ])('adds advice to the error %s', async (error, status, where, hint) => {
    expect(await failureOf(post(evaluation, {}, where))).toMatchObject({
      kind: 'refused',
      message: `Slack answered ${status} to POST /api/chat.postMessage: ${error}: ${hint}`,
      mayHaveWritten: false,
    })
  })

  test('reports the missing scope', async () => {
    server.scopes.delete('chat:write')
    await expectFailure(post(evaluation), 'refused', 'missing_scope: the app needs the scope chat:write')
  })

  test('reports the invalid part of the request', async () => {
    const messages = ['[ERROR] no more than 50 items allowed [json-pointer:/blocks]']
    server.failNext(200, { ok: false, error: 'invalid_blocks', response_metadata: { messages } })
    const words = 'invalid_blocks: [ERROR] no more than 50 items allowed [json-pointer:/blocks]'
    await expectFailure(post(evaluation), 'refused', words)
  })

  test.each([
    ['invalid_auth', 'credentials'],
    ['token_revoked', 'credentials'],
    ['token_expired', 'credentials'],
    ['account_inactive', 'credentials'],
    ['not_authed', 'credentials'],
    ['restricted_action', 'refused'],
    ['msg_too_long', 'refused'],
    ['something_new', 'refused'],
    ['ratelimited', 'platform'],
    ['internal_error', 'platform'],
    ['fatal_error', 'platform'],
    ['service_unavailable', 'platform'],
    ['team_added_to_org', 'platform'],
  ])('maps the error %s to the failure %s', async (error, kind) => {
    server.failNext(200, { ok: false, error })
    const failure = await failureOf(post(evaluation))
    expect(failure).toMatchObject({ kind, message: expect.stringContaining(error) })
    expect(server.calls).toHaveLength(1)
  })
})

describe('Slack: find', () => {
  test('finds the message after a lost response', async () => {
    await post(evaluation, { key: keyOf(2) })
    server.loseNext('POST')
    expect(await failureOf(post(question))).toMatchObject({ transient: true, mayHaveWritten: true })
    const found = await find()
    const { ts } = server.posts[1] ?? {}
    expect(found).toEqual({ id: ts, url: link(String(ts)), providerState: { channel, ts } })
    expect(await find({ key: keyOf(3) })).toBeUndefined()
  })

  test('ignores the metadata of other apps', async () => {
    await post(evaluation)
    const key = keyOf(1)
    const metadata = first()
    metadata.metadata = { event_type: 'task_created', event_payload: { key } }
    expect(await find()).toBeUndefined()
    metadata.metadata = { event_type: 'cloud_automation_webhooks', event_payload: { key: [key] } }
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

  test.each([
    [200, { ok: false, error: 'ratelimited' }, 'platform'],
    [200, { ok: false, error: 'invalid_auth' }, 'credentials'],
    [500, '', 'platform'],
    [200, '<html></html>', 'platform'],
  ])('fails after the status %s with %j', async (status, body, kind) => {
    server.failNext(status, body)
    expect(await failureOf(find())).toMatchObject({ kind })
  })
})

describe('Slack: reply', () => {
  test('is in the thread and in the channel', async () => {
    const posted = await post(question)
    await slack.reply(client(), saved(posted), { mood: 'waiting', title: 'Still open', fields: [], links: [] })
    const [, reply] = server.posts
    expect(reply).toMatchObject({ channel, thread_ts: posted.id, reply_broadcast: true, text: '⏳ Still open' })
    expect(reply?.metadata).toBeUndefined()
    expect(await find()).toMatchObject({ id: posted.id })
  })

  test('reports a deleted message', async () => {
    const posted = await post(question)
    server.posts.length = 0
    await expectFailure(slack.reply(client(), posted, evaluation), 'refused', 'message_not_found')
  })
})

describe('Slack: update', () => {
  test('removes the buttons and keeps the metadata', async () => {
    const posted = await post(question)
    await slack.replace(client(), saved(posted), decided)
    expect(first()).toMatchObject({
      ts: posted.id,
      edited: true,
      text: expect.stringContaining('Approved by Jane Doe'),
    })
    expect(JSON.stringify(first().blocks)).not.toContain('button')
    expect(await find()).toMatchObject({ id: posted.id })
    expect(server.posts).toHaveLength(1)
  })

  test.each([
    ['message_not_found', () => void server.posts.splice(0)],
    ['cant_update_message', () => server.failNext(200, { ok: false, error: 'cant_update_message' })],
  ])('reports the error %s', async (error, change) => {
    const posted = await post(question)
    change()
    await expectFailure(slack.replace(client(), posted, decided), 'refused', error)
  })
})

describe('Slack: buttons', () => {
  const pressed = async (action = 'approve', user?: string) => {
    await post(question)
    return server.pressButton(first(), action, user)
  }
  const read = (sent: SentButtonPress, now = Date.now(), fields: object = {}) =>
    slack.buttons.verify(connected(fields), { ...sent, now })
  const token = question.buttons?.[0]?.token

  test.each(['approve', 'reject'] as const)('return token and decision: %s', async (decision) => {
    const sent = await pressed(decision)
    expect(slack.buttons.readToken({ ...sent, now: Date.now() })).toBe(token)
    expect(await read(sent)).toEqual({
      decision,
      responder: { user: 'U0JANE', username: 'jane', team: 'T0SANDBOX', channel },
    })
  })

  test('verify the signature over the exact body', async () => {
    const payload = JSON.stringify({
      type: 'block_actions',
      user: { id: 'U0JANE', name: 'Jürgen 🚀' },
      channel: { id: channel },
      actions: [{ action_id: 'reject', value: token }],
    })
    const spaced = `payload=${encodeURIComponent(payload)}`
    expect(await read(server.sign(spaced))).toMatchObject({ decision: 'reject' })
    const { headers } = server.sign(spaced)
    const failure = await failureOf(read({ headers, body: new URLSearchParams({ payload }).toString() }))
    expect(failure.kind).toBe('unauthenticated')
  })

  test('verify the documented example', async () => {
    const body = [
      'token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V',
      '&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=',
      '&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN',
      '&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c',
    ].join('')
    const headers = {
      'x-slack-request-timestamp': '1531420618',
      'x-slack-signature': 'v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503',
    }
    // The example is signed, but a command and not a button.
    expect(await failureOf(read({ headers, body }, 1_531_420_618_000))).toMatchObject({ kind: 'invalid' })
  })

  test.each<[string, (sent: SentButtonPress) => SentButtonPress, number?]>([
    ['forged', ({ body }) => server.sign(body, { secret: 'another-signing-secret' })],
    ['unsigned', ({ headers, body }) => ({ headers: without(headers, 'x-slack-signature'), body })],
    ['without a time', ({ headers, body }) => ({ headers: without(headers, 'x-slack-request-timestamp'), body })],
    ['with an empty signature', ({ headers, body }) => ({ headers: { ...headers, 'x-slack-signature': '' }, body })],
    [
      'with a signature of another version',
      ({ headers, body }) => ({
        headers: { ...headers, 'x-slack-signature': String(headers['x-slack-signature']).replace('v0', 'v1') },
        body,
      }),
    ],
    [
      'with an upper-case signature',
      ({ headers, body }) => ({
        headers: { ...headers, 'x-slack-signature': String(headers['x-slack-signature']).toUpperCase() },
        body,
      }),
    ],
    ['altered', ({ headers, body }) => ({ headers, body: body.replace('approve', 'reject') })],
    ['with an appended field', ({ headers, body }) => ({ headers, body: `${body}&x=1` })],
    [
      'with a time that was not signed',
      ({ headers, body }) => ({
        headers: {
          ...headers,
          'x-slack-request-timestamp': String(Number(headers['x-slack-request-timestamp']) + 1),
        },
        body,
      }),
    ],
    ['replayed after five minutes', (sent) => sent, 301_500],
    ['from the future', (sent) => sent, -301_500],
    ['without a valid time', ({ body }) => server.sign(body, { at: Number.NaN })],
    ['with a time out of range', ({ body }) => server.sign(body, { at: 1e20 })],
  ])('reject a request that is %s, without showing its values', async (_how, change, after = 0) => {
    const sent = change(await pressed())
    const failure = await failureOf(read(sent, Date.now() + after))
    expect(failure).toMatchObject({ kind: 'unauthenticated', status: 401 })
    for (const value of [...Object.values(sent.headers), token, server.signingSecret].filter(Boolean)) {
      expect(failure.message).not.toContain(value)
    }
    expect(calls('users.info')).toEqual([])
  })

  test.each([-299_000, 0, 299_000])('accept a request from %i milliseconds ago', async (after) => {
    expect(await read(await pressed(), Date.now() + after)).toMatchObject({ decision: 'approve' })
  })

  test('reject requests if the connection has no signing secret', async () => {
    const failure = await failureOf(read(await pressed(), Date.now(), { signingSecret: undefined }))
    expect(failure).toMatchObject({ kind: 'unauthenticated', message: expect.stringContaining('no signingSecret') })
  })

  test.each([
    ['nothing', ''],
    ['JSON instead of a form', '{"type":"block_actions"}'],
    ['invalid JSON', 'payload=%7B'],
    ['null', 'payload=null'],
    ['another event', `payload=${JSON.stringify({ type: 'view_submission', user: { id: 'U1' } })}`],
    ['no action', `payload=${encodeURIComponent(JSON.stringify(anAction([])))}`],
    ['another button', `payload=${encodeURIComponent(JSON.stringify(anAction([{ action_id: 'x', value: 'a' }])))}`],
    [
      'a strange value',
      `payload=${encodeURIComponent(JSON.stringify(anAction([{ action_id: 'approve', value: 'a/../b' }])))}`,
    ],
    [
      'a long value',
      `payload=${encodeURIComponent(JSON.stringify(anAction([{ action_id: 'approve', value: 'a'.repeat(301) }])))}`,
    ],
  ])('reject a body with %s', async (_what, body) => {
    expect(slack.buttons.readToken({ ...server.sign(body), now: Date.now() })).toBeUndefined()
    expect(await failureOf(read(server.sign(body)))).toMatchObject({ kind: 'invalid' })
  })

  test.each([
    ['has no signature', {}, 0],
    ['has a signature of another form', { 'x-slack-signature': 'v0=abc' }, 0],
    ['has no time stamp', { 'x-slack-signature': `v0=${'0'.repeat(64)}` }, 0],
    [
      'is too old',
      { 'x-slack-signature': `v0=${'0'.repeat(64)}`, 'x-slack-request-timestamp': '1000' },
      (1_000 + 301) * 1_000,
    ],
  ])('reject a request that %s before parsing it', (_what, headers, now) => {
    const parse = jest.spyOn(JSON, 'parse')
    expect(() => slack.buttons.readToken({ headers, body: 'payload=[[[[', now })).toThrow(Failure)
    expect(parse).not.toHaveBeenCalled()
    parse.mockRestore()
  })

  test('accept any body without an exception', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.json().map((json) => `payload=${encodeURIComponent(json)}`),
        ),
        (body) => {
          expect(slack.buttons.readToken({ ...server.sign(body), now: Date.now() })).toBeUndefined()
        },
      ),
    )
  })

  const person = async (fields?: Partial<Record<'user' | 'team', string>>) => {
    const known: ButtonResponse = await read(await pressed('approve', fields?.user))
    return slack.buttons.getPerson(client(), saved(known))
  }

  test('return the person with id, user name and e-mail address', async () => {
    expect(await person()).toEqual({ name: 'Jane Doe', names: ['U0JANE', 'jane', 'jane@example.com'] })
  })

  test.each([
    ['users:read.email', { name: 'Jane Doe', names: ['U0JANE', 'jane'] }],
    ['users:read', { name: 'jane', names: ['U0JANE', 'jane'] }],
  ])('return fewer names without the scope %s', async (scope, expected) => {
    server.scopes.delete(scope)
    expect(await person()).toEqual(expected)
  })

  test('accept a user name with the form of an id only in its exact spelling', async () => {
    const member = server.members['U0JANE']
    if (member) member.name = 'u0ben7777'
    expect(await person()).toEqual({
      name: 'Jane Doe',
      names: ['U0JANE', 'jane@example.com'],
      exactName: 'u0ben7777',
    })
  })

  test('return only the id of a person of another organization', async () => {
    expect(await person({ user: 'U0GUEST' })).toEqual({ name: 'Jane Doe', names: ['U0GUEST'] })
    server.scopes.delete('users:read')
    expect(await person({ user: 'U0GUEST' })).toEqual({ name: 'mallory', names: ['U0GUEST'] })
  })

  test('return all names of a person of another workspace of the organization', async () => {
    const guest = server.members['U0GUEST']
    if (guest) guest.enterprise = 'E0SHOP'
    expect(await person({ user: 'U0GUEST' })).toMatchObject({ names: ['U0GUEST'] })
    server.workspace.enterprise = 'E0SHOP'
    expect(await person({ user: 'U0GUEST' })).toMatchObject({ names: ['U0GUEST', 'mallory', 'jane@example.com'] })
  })

  test('ignore an unconfirmed e-mail address', async () => {
    const jane = server.members['U0JANE']
    if (jane) jane.is_email_confirmed = false
    expect(await person()).toMatchObject({ names: ['U0JANE', 'jane'] })
  })

  test('ignore a user name that is an e-mail address', async () => {
    const member = server.members['U0JANE']
    if (member) member.name = 'ben@example.com'
    expect(await person()).toMatchObject({ names: ['U0JANE', 'jane@example.com'] })
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

    test.each(['users:read', 'users:read.email'])(
      'reject a person who cannot be looked up without the scope %s',
      async (scope) => {
        server.members['U0BEN'] = ben
        server.scopes.delete(scope)
        expect(await refused(scope === 'users:read' ? 'U0BEN' : 'ben@example.com')).toContain('is not known here')
      },
    )
  })

  test.each([
    [{ ok: false, error: 'ratelimited' }, 'platform'],
    [{ ok: false, error: 'internal_error' }, 'platform'],
    [{ ok: false, error: 'invalid_auth' }, 'credentials'],
  ])('fail if the person cannot be read temporarily (%j)', async (body, kind) => {
    const response = await read(await pressed())
    server.failNext(200, body, { on: 'GET', times: 2 })
    expect(await failureOf(slack.buttons.getPerson(client(), response))).toMatchObject({ kind })
  })

  test('respond only to the person who pressed the button', async () => {
    const response = saved(await read(await pressed()))
    const answer = await slack.buttons.replyTo(client(), response, 'Only <!channel> & @jane may decide this.')
    expect(answer).toBeUndefined()
    expect(server.ephemerals).toEqual([
      { channel, user: 'U0JANE', text: 'Only &lt;!channel&gt; &amp; @jane may decide this.' },
    ])
    expect(server.mentions).toEqual([])
    expect(server.posts).toHaveLength(1)
  })

  test('report that a person has left the channel', async () => {
    const response = await read(await pressed())
    server.failNext(200, { ok: false, error: 'user_not_in_channel' }, { on: 'POST' })
    expect(await failureOf(slack.buttons.replyTo(client(), response, 'No'))).toMatchObject({
      message: expect.stringContaining('user_not_in_channel'),
    })
  })
})

describe('Slack: connection', () => {
  test('defaults to slack.com', () => {
    const { baseUrl } = slack.connection.parse({ token: server.token })
    expect(baseUrl).toBe('https://slack.com')
  })

  test('the connection test calls auth.test', async () => {
    await slack.check(client())
    expect(server.calls.map(({ method, path }) => `${method} ${path}`)).toEqual(['GET /api/auth.test'])
    const failure = await failureOf(slack.check(client({}, { token: 'another-token' })) as Promise<unknown>)
    expect(failure).toMatchObject({ kind: 'credentials', message: expect.stringContaining('invalid_auth') })
  })
})

function anAction(actions: object[]) {
  return { type: 'block_actions', user: { id: 'U1' }, channel: { id: 'C1' }, actions }
}

function without(headers: Record<string, string>, name: string): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).filter(([one]) => one !== name))
}

messageConformance(slack, {
  start: slackServer,
  connection: ({ url, token, signingSecret }) => ({ baseUrl: url, token, signingSecret }),
  channel,
  refusal: (reason) => ({ ok: false, error: reason }),
  visible: ({ posts }) => posts.length,
  verify({ mentions, posts }, { buttons = [] }) {
    expect(mentions).toEqual([])
    const elements = JSON.stringify(posts.at(-1)?.blocks).match(/"action_id"/g) ?? []
    expect(elements).toHaveLength(buttons.length)
  },
})
