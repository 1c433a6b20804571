import { describe, expect, test } from '@jest/globals'
import { slack } from '../../../../functions/notification/slack/slack.ts'
import { newestOf } from '../../../../infra/testing/loopback-server.ts'
import { type ClientOptions, expectFailure, keyOf } from '../../helpers.ts'
import { MOOD_TITLES, moods, reminder, testMessages } from '../../messages.ts'
import { decided, evaluation, question } from '../messages.ts'
import { bold, linked, plainText, rich, text } from './blocks.ts'
import { slackServer } from './fake.ts'

type Json = Record<string, unknown>

const channel = 'C0RELEASES'
const token = question.buttons?.[0]?.token
const metadata = (key: unknown) => ({ event_type: 'cloud_automation_webhooks', event_payload: { key } })
const link = (ts: unknown) => `https://shop.slack.com/archives/${channel}/p${String(ts).replace('.', '')}`
const replying = (error: string, more = {}) => [200, { ok: false, error, ...more }] as const
/** The types of the parts of a message. None of them has markup. */
const TYPES = ['header', 'plain_text', 'rich_text', 'rich_text_section', 'text', 'link', 'actions', 'button']
const errors = ['[ERROR] no more than 50 items allowed [json-pointer:/blocks]']

const button = (action_id: string, style: string, label: string) => ({
  type: 'button',
  value: token,
  action_id,
  style,
  text: plainText(label),
})

const { server, client, post, save } = testMessages(slack, {
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

function typesIn(value: unknown): string[] {
  if (Array.isArray(value)) return value.flatMap(typesIn)
  if (typeof value !== 'object' || value === null) return []
  const { type } = value as Json
  return [...(typeof type === 'string' ? [type] : []), ...Object.values(value).flatMap(typesIn)]
}
