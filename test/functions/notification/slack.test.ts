import { describe, expect, jest, test } from '@jest/globals'
import fc from 'fast-check'
import { slack } from '../../../functions/notification/providers/slack.ts'
import { slackMessage } from '../../../functions/notification/slack-message.ts'
import { newestOf } from '../../../infra/sandbox/platforms/loopback-server.ts'
import { bareName, refusalFor } from '../../../shared/approvals/person.ts'
import { Failure } from '../../../shared/errors.ts'
import type { ButtonResponse, Message } from '../../../shared/providers/message.ts'
import { type SentButtonPress, slackServer } from '../../platforms/slack/server.ts'
import { type ClientOptions, expectFailure, failureOf, keyOf } from '../helpers.ts'
import { MOOD_TITLES, moods, reminder, testMessages } from '../messages.ts'
import { decided, evaluation, question } from './messages.ts'

type Json = Record<string, unknown>

const channel = 'C0RELEASES'
const token = question.buttons?.[0]?.token
const ben = { id: 'U0BEN', name: 'ben', realName: 'Ben Roe', email: 'ben@example.com' }
const metadata = (key: unknown) => ({ event_type: 'cloud_automation_webhooks', event_payload: { key } })
const link = (ts: unknown) => `https://shop.slack.com/archives/${channel}/p${String(ts).replace('.', '')}`
const replying = (error: string, more = {}) => [200, { ok: false, error, ...more }] as const
/** The types of the parts of a message. None of them has markup. */
const TYPES = ['header', 'plain_text', 'rich_text', 'rich_text_section', 'text', 'link', 'actions', 'button']
const errors = ['[ERROR] no more than 50 items allowed [json-pointer:/blocks]']

const rich = (...elements: object[]) => ({ type: 'rich_text', elements: [{ type: 'rich_text_section', elements }] })
const text = (text: string) => ({ type: 'text', text })
const bold = (text: string) => ({ type: 'text', text, style: { bold: true } })
const linked = (url: string, text: string) => ({ type: 'link', url, text })
const plainText = (text: string) => ({ type: 'plain_text', text, emoji: false })
const button = (action_id: string, style: string, label: string) => ({
  type: 'button',
  value: token,
  action_id,
  style,
  text: plainText(label),
})

const { server, connection, client, post, save } = testMessages(slack, {
  start: slackServer,
  connection: ({ url, token, signingSecret }) => ({ baseUrl: url, token, signingSecret }),
  channel,
  defaults: { baseUrl: 'https://slack.com' },
  refusal: (reason) => ({ ok: false, error: reason }),
  ignored: /chat\.getPermalink$/,
  visible: ({ posts }) => posts.length,
  verify({ mentions, posts }, { links, buttons = [] }) {
    expect(mentions).toEqual([])
    const { text: said = '', blocks = [] } = posts.at(-1) ?? {}
    const json = JSON.stringify(blocks)
    const [header] = blocks as { text?: { text: string } }[]
    expect(header?.text?.text.length).toBeLessThanOrEqual(150)
    expect(blocks.length).toBeLessThanOrEqual(6)
    expect(json.replace(/[<>]/g, '1234').replaceAll('&', '12345').length).toBeLessThanOrEqual(9_000)
    expect(Buffer.byteLength(said)).toBeLessThanOrEqual(4_000)
    expect(`${said}${json}`.isWellFormed()).toBe(true)
    expect(json).not.toMatch(/[\u202a-\u202e\u2066-\u2069]|\\u(?:00|d[89a-f])|"text":""/)
    const hasLinks = links.some(({ url }) => url.startsWith('http'))
    expect(json.includes('"type":"link"')).toBe(hasLinks)
    // The first link, without a mention.
    expect(said.match(/<[^>]*>?/g) ?? []).toHaveLength(hasLinks ? 1 : 0)
    // Slack has buttons instead of the link to the page.
    expect(`${said}${json}`).not.toContain('/approvals/')
    expect(json.match(/"type":"button"/g) ?? []).toHaveLength(buttons.length)
    for (const type of typesIn(blocks)) expect(TYPES).toContain(type)
  },
  newest({ posts, calls }) {
    const sent = calls.findLast(({ path }) => /chat\.(?:postMessage|update)$/.test(path))?.body as Json
    const unfurled = sent['unfurl_links'] !== false || sent['unfurl_media'] !== false
    return { ...posts.at(-1), blocks: sent['blocks'], unfurled }
  },
  posted: ({ posts: [first] }) => ({ id: first?.ts, url: link(first?.ts), providerState: { channel, ts: first?.ts } }),
  shows: {
    evaluation: {
      unfurled: false,
      metadata: metadata(keyOf(1)),
      text: [
        '⚠️ Evaluation of checkout in production: warning',
        'The release is slower than the last one.\n\nThe release may continue.',
        'Project: shop\nScore: 75 of 100',
        '✅ error_rate · Value: 0.1 % · Target: &lt;= 1 %',
        '❌ response_time_p95 · Value: 812 ms · Target: &lt;= 400 ms',
        '<https://keptn.example.com/bridge/project/shop?x=1&amp;y=(2)|Bridge>',
      ].join('\n'),
      blocks: [
        { type: 'header', text: plainText('⚠️ Evaluation of checkout in production: warning') },
        rich(text('The release is slower than the last one.\n\nThe release may continue.')),
        rich(bold('Project: '), text('shop'), bold('\nScore: '), text('75 of 100')),
        rich(
          text('✅ '),
          bold('error_rate'),
          text(' · Value: 0.1 % · Target: <= 1 %'),
          text('\n❌ '),
          bold('response_time_p95'),
          text(' · Value: 812 ms · Target: <= 400 ms'),
        ),
        rich(
          linked('https://keptn.example.com/bridge/project/shop?x=1&y=(2)', 'Bridge'),
          text(' · '),
          linked('https://dashboards.example.com/d/1', 'Dashboard'),
        ),
      ],
    },
    question: {
      blocks: [
        {},
        {},
        {},
        { type: 'actions', elements: [button('approve', 'primary', 'Approve'), button('reject', 'danger', 'Reject')] },
      ],
    },
    decided: { edited: expect.any(String), text: expect.stringContaining('Approved by Jane Doe') },
    reminder: { channel, reply_broadcast: true, text: '⏳ Still open' },
  },
  posts: [
    ...moods(...MOOD_TITLES.map((title) => ({ blocks: [{ text: { text: title } }] }))),
    { name: 'no blank text', message: { text: ' \n' }, shown: { blocks: [{}] } },
  ],
  refused: [
    ...[
      ['channel_not_found', '404', 'C0NOWHERE', 'check the id, and invite the app to the channel'],
      ['not_in_channel', '403', 'C0OTHERS', 'invite the app to the channel'],
      ['is_archived', '403', 'C0OLD', 'the channel is archived'],
    ].map(([error, status, where = '', hint]) => ({
      name: `the channel ${where}`,
      channel: where,
      reason: `Slack answered ${status} to POST /api/chat.postMessage: ${error}: ${hint}`,
    })),
    {
      name: 'an app without a scope',
      change: ({ scopes }) => scopes.delete('chat:write'),
      reason: 'missing_scope: the app needs the scope chat:write',
    },
    {
      name: 'a channel with an invalid request',
      change: ({ failNext }) => failNext(...replying('invalid_blocks', { response_metadata: { messages: errors } })),
      reason: `invalid_blocks: ${errors[0]}`,
    },
  ],
})
const find = ({ channel: where = channel, ...options }: ClientOptions & { channel?: string } = {}) =>
  slack.find(client({ isRetry: true, ...options }), where)
const calls = (method: string) => server.calls.filter(({ path }) => path === `/api/${method}`)
const newest = () => newestOf(server.posts)

describe('Slack: post', () => {
  test('causes no warning and saves the id of a channel that is given by name', async () => {
    expect((await post(question, { channel: '#releases' })).providerState).toMatchObject({ channel })
    expect(server.warnings).toEqual([])
  })

  test.each([
    ['is refused', ...replying('message_not_found')],
    ['fails', 503, ''],
    ['is something else', 200, { ok: true, permalink: 'javascript:alert(1)' }],
  ])('posts once if reading the link %s', async (_how, status, body) => {
    server.failNext(status, body, { on: 'GET' })
    expect(await post(evaluation)).toMatchObject({ id: newest().ts, url: undefined })
    expect(server.posts).toHaveLength(1)
  })

  test('an approval requires the signing secret', async () => {
    const unsigned = { connection: { signingSecret: undefined } }
    await expectFailure(post(question, unsigned), 'misconfigured', 'signingSecret')
    expect(server.calls).toEqual([])
    await post(evaluation, unsigned)
  })

  const kinds = {
    credentials: ['invalid_auth', 'token_revoked', 'token_expired', 'account_inactive', 'not_authed'],
    refused: ['restricted_action', 'msg_too_long', 'something_new', 'channel_not_found'],
    platform: ['ratelimited', 'internal_error', 'fatal_error', 'service_unavailable', 'team_added_to_org'],
  }
  test.each(Object.entries(kinds).flatMap(([kind, errors]) => errors.map((error) => [error, kind])))(
    'maps the error %s to the failure %s',
    async (error, kind) => {
      server.failNext(...replying(error))
      await expectFailure(post(evaluation), { kind, ...(kind === 'refused' ? { mayHaveWritten: false } : {}) }, error)
      expect(server.calls).toHaveLength(1)
    },
  )
})

describe('Slack: find', () => {
  test('finds the message after a lost response, but not that of another event', async () => {
    await post(evaluation, { key: keyOf(2) })
    await post(question)
    const { ts } = server.posts[1] ?? {}
    expect(await find()).toEqual({ id: ts, url: link(ts), providerState: { channel, ts } })
    expect(await find({ key: keyOf(3) })).toBeUndefined()
  })

  test.each<[what: string, where: string, change: () => unknown]>([
    [
      'of another app',
      channel,
      () => server.changeNewest({ metadata: { ...metadata(keyOf(1)), event_type: 'task_created' } }),
    ],
    ['with other metadata', channel, () => server.changeNewest({ metadata: metadata([keyOf(1)]) })],
    ['without the scope to read', channel, () => server.scopes.delete('channels:history')],
    ['in a channel without the app', 'C0OTHERS', () => undefined],
    ['in a channel that is known by its name only', '#releases', () => undefined],
  ])('finds no message %s', async (_what, where, change) => {
    await post(evaluation)
    change()
    expect(await find({ channel: where })).toBeUndefined()
    expect(calls('conversations.history')).toHaveLength(1)
  })
})

test('Slack: replies and updates have no metadata and no buttons, and the approval is still found', async () => {
  const posted = await save(question)
  await slack.reply(client(), posted, reminder)
  expect(server.posts[1]).toMatchObject({ thread_ts: posted.id })
  expect(server.posts[1]).not.toHaveProperty('metadata')
  await slack.replace(client(), posted, decided)
  expect(JSON.stringify(server.posts[0]?.blocks)).not.toContain('button')
  expect(await find()).toMatchObject({ id: posted.id })
})

describe('Slack: buttons', () => {
  const { buttons } = slack
  const pressed = async (action = 'approve', user?: string) => {
    await post(question)
    return server.pressButton(newest(), action, user)
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
      return refusalFor({ excluded: requester }, await person(), await buttons.findMemberId(client(), name))
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

describe('slackMessage', () => {
  const titled: Message = { mood: 'good', title: 'x', fields: [], links: [] }
  const blocksOf = (message: Message) => slackMessage(message).blocks as Json[]
  /** Returns the text of a block. */
  const shownIn = (block: Json | undefined): string => {
    const elements = (block?.['elements'] ?? []) as Json[]
    return typeof block?.['text'] === 'string' ? block['text'] : elements.map(shownIn).join('')
  }

  test('counts omitted fields, rows and links', () => {
    const fields = Array.from({ length: 33 }, (_, at) => ({ name: `field ${at}`, value: 'x' }))
    const rows = Array.from({ length: 45 }, (_, at) => ({ mood: 'good' as const, cells: [`row ${at}`, '1'] }))
    const links = Array.from({ length: 13 }, (_, at) => ({ label: `link ${at}`, url: `https://example.com/${at}` }))
    const [, some, more, last] = blocksOf({ ...titled, fields, table: { columns: [], rows }, links })
    expect(shownIn(some)).toMatch(/field 19: x\nand 13 more$/)
    expect(shownIn(more)).toMatch(/row 39 · 1\nand 5 more$/)
    expect(shownIn(last)).toMatch(/link 9 · 3 more links$/)
  })

  test('omits invalid and too long links', () => {
    const links = [
      { label: 'script', url: 'javascript:alert(1)' },
      { label: 'long', url: `https://example.com/${'x'.repeat(3_000)}` },
      { label: '', url: 'https://example.com/a?b=<c>|d&e="f"' },
    ]
    expect(blocksOf({ ...titled, links: links.slice(0, 1) })).toHaveLength(1)
    const { text: said, blocks } = slackMessage({ ...titled, links })
    const url = 'https://example.com/a?b=%3Cc%3E%7Cd&e=%22f%22'
    expect(blocks.at(-1)).toEqual(rich(linked(url, 'Link'), text(' · '), text('1 more link')))
    expect(said).toBe(`✅ x\n<${url.replace('&', '&amp;')}|Link>`)
  })

  test('cuts with an ellipsis, never within a character', () => {
    const message = { ...titled, title: '😀'.repeat(200), text: `a${'😀'.repeat(5_000)}` }
    const [header, body] = blocksOf(message)
    // chat.update refuses more bytes.
    expect(Buffer.byteLength(slackMessage(message).text)).toBeLessThanOrEqual(4_000)
    expect(header).toMatchObject({ text: { text: expect.stringMatching(/^✅ (?:😀)+…$/u) } })
    expect(shownIn(body)).toMatch(/^a(?:😀)+…$/u)
    expect(shownIn(body).length).toBeLessThanOrEqual(3_000)
  })
})

function typesIn(value: unknown): string[] {
  if (Array.isArray(value)) return value.flatMap(typesIn)
  if (typeof value !== 'object' || value === null) return []
  const { type } = value as Json
  return [...(typeof type === 'string' ? [type] : []), ...Object.values(value).flatMap(typesIn)]
}

/** Returns a change of one header of a request; undefined removes the header. */
function withHeader(name: string, change: (value: string) => string | undefined) {
  return ({ headers, body }: SentButtonPress): SentButtonPress => {
    const { [name]: value = '', ...others } = headers
    const changed = change(value)
    return { headers: changed === undefined ? others : { ...others, [name]: changed }, body }
  }
}
