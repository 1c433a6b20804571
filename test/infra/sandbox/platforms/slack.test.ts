import { createServer, type IncomingHttpHeaders, type Server } from 'node:http'
import { afterAll, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals'
import { closeServer, listen } from '../../../../infra/local/port.ts'
import { waitForAll } from '../../../wait-for-all.ts'
import { statusOf } from './start.ts'
import { stopClock, useSandbox } from './use.ts'

/** The app that gets the presses. */
const app = {
  url: '',
  presses: [] as { headers: IncomingHttpHeaders; body: string }[],
  /** Called before the app responds. */
  does: async () => {},
  answers: { status: 200, body: '' } as { status: number; body: string } | undefined,
}
let server: Server
beforeAll(async () => {
  server = createServer(async (req, res) => {
    let body = ''
    for await (const chunk of req) body += chunk
    app.presses.push({ headers: req.headers, body })
    await app.does()
    if (app.answers) res.writeHead(app.answers.status).end(app.answers.body)
  })
  app.url = `${await listen(server, 0)}/presses`
})
afterAll(() => closeServer(server))
beforeEach(() => void Object.assign(app, { presses: [], does: async () => {}, answers: { status: 200, body: '' } }))
const started = useSandbox(() => app.url)

const channel = 'C0RELEASES'
const header = (text: string) => ({ type: 'header', text: { type: 'plain_text', text } })
const rich = (...elements: object[]) => ({
  type: 'rich_text',
  elements: [{ type: 'rich_text_section', elements }],
})
const button = (action_id: string, more: object = {}) => ({
  type: 'button',
  action_id,
  text: { type: 'plain_text', text: action_id.toUpperCase() },
  value: 'signed',
  ...more,
})
const question = [
  header('Release?'),
  rich({ type: 'text', text: 'To production' }),
  { type: 'actions', elements: [button('approve', { style: 'primary' }), button('reject')] },
]

/** The answer of a call that went well. */
async function ok(method: string, given?: object, verb = 'POST') {
  const { status, json } = await started.slack(verb, method, given)
  expect({ status, json }).toEqual({ status: 200, json: expect.objectContaining({ ok: true }) })
  return json
}
const get = (method: string, query: Record<string, string> = {}) =>
  ok(`${method}?${new URLSearchParams(query)}`, undefined, 'GET')
const post = (more: object = {}) => ok('chat.postMessage', { channel, text: 'Hello', ...more })
const ask = async () => (await post({ blocks: question })).ts as string
const sendEphemeral = (user = 'U0JANE') => ok('chat.postEphemeral', { channel, user, text: 'Not you' })
const history = async (query: Record<string, string> = {}) =>
  (await get('conversations.history', { channel, ...query })).messages
const page = async (path = '') => (await started.call('GET', `/slack${path}`)).text

/** A form, as the page sends it. */
const pressButton = (fields: Record<string, string>, headers: Record<string, string> = {}) =>
  started.call('POST', '/slack/click', new URLSearchParams(fields).toString(), {
    'content-type': 'application/x-www-form-urlencoded',
    ...headers,
  })

describe('Messages in Slack', () => {
  test('have unique ids even if they are posted at the same time', async () => {
    const clock = jest.spyOn(Date, 'now').mockReturnValue(Date.now())
    const answers = await waitForAll(Array.from({ length: 20 }, () => post()))
    clock.mockRestore()
    expect(new Set(answers.map(({ ts }) => ts)).size).toBe(20)
    for (const { ts } of answers) expect(ts).toMatch(/^\d{10}\.\d{6}$/)
  })

  test('have a URL that shows one message', async () => {
    const { ts } = await post({ text: 'This one' })
    await post({ text: 'Another' })
    const { permalink } = await get('chat.getPermalink', { channel, message_ts: ts })
    expect(await (await fetch(permalink)).text()).toMatch(/^(?=[\s\S]*This one)(?![\s\S]*Another)/)
    expect((await started.call('GET', `/slack/archives/${channel}/p1`)).status).toBe(404)
  })

  test('are shown only to their reader if they are ephemeral', async () => {
    const { message_ts } = await sendEphemeral('U0BEN')
    expect(await history()).toEqual([])
    expect(await page()).not.toContain('Not you')
    expect(await page('?user=ben')).toMatch(/only you see this[\s\S]*Not you/)
    const hidden = await started.slack('GET', `chat.getPermalink?channel=${channel}&message_ts=${message_ts}`)
    expect(hidden.json).toEqual({ ok: false, error: 'message_not_found' })
  })
})

describe('Slack rejects with 200', () => {
  const text = 'Hello'
  test.each([
    ['a long title', [header('x'.repeat(151))], 'must be less than 151 characters [json-pointer:/blocks/0/text/text]'],
    ['a title with markup', [{ type: 'header', text: { type: 'mrkdwn', text: 'x' } }], 'unsupported type: mrkdwn'],
    ['a block that is not shown here', [{ type: 'video' }], 'unsupported type: video [json-pointer:/blocks/0'],
    ['an element that is not shown here', [rich({ type: 'user', user_id: 'U1' })], 'unsupported type: user'],
    ['no text in it', [rich({ type: 'text', text: '' })], 'must be more than 0 characters'],
    ['a link to nowhere', [rich({ type: 'link', url: 'nowhere' })], 'invalid url'],
    ['a section of nothing', [{ type: 'section' }], 'missing required field: text'],
    ['one name twice', [{ type: 'actions', elements: [button('a'), button('a')] }], '`action_id` already exists'],
    ['a value that is too long', [{ type: 'actions', elements: [button('a', { value: 'x'.repeat(2001) })] }], '2001'],
    ['more than 50', Array(51).fill({ type: 'divider' }), 'no more than 50 items allowed [json-pointer:/blocks]'],
  ])('invalid blocks and explains why: %s', async (_, blocks, says) => {
    const { json } = await started.slack('POST', 'chat.postMessage', { channel, text, blocks })
    expect(json).toMatchObject({ ok: false, error: 'invalid_blocks' })
    expect(json.response_metadata.messages).toContainEqual(expect.stringContaining(says))
  })
})

describe('A button press in Slack', () => {
  test('belongs to Jane by default, and is complete when the app has changed the message', async () => {
    const ts = await ask()
    app.does = async () => void (await ok('chat.update', { channel, ts, text: 'Done', blocks: question.slice(0, 2) }))
    // So that only the change of the message can end the wait for it.
    stopClock()
    expect((await pressButton({ ts, action: 'reject' })).status).toBe(303)
    expect(app.presses[0]?.body).toContain('U0JANE')
    const again = await pressButton({ ts, action: 'reject' })
    expect([again.status, again.text]).toEqual([409, expect.stringContaining('no longer has this button')])
    expect(app.presses).toHaveLength(1)
  })

  test('shows an error of the app', async () => {
    const ts = await ask()
    app.answers = { status: 401, body: '{"detail":"<b>not signed</b>"}' }
    const { status, text } = await pressButton({ ts, action: 'approve' })
    expect(status).toBe(502)
    expect(text).toContain('The app returned 401: {&quot;detail&quot;:&quot;&lt;b&gt;not signed')
  })

  test('waits three seconds for the app', async () => {
    const ts = await ask()
    app.answers = undefined
    const { timeout } = AbortSignal
    const timeouts = jest.spyOn(AbortSignal, 'timeout').mockImplementation(() => timeout(50))
    const { status, text } = await pressButton({ ts, action: 'approve' })
    expect([status, text]).toEqual([502, expect.stringContaining('did not respond within 3 seconds')])
    expect(timeouts.mock.calls).toEqual([[3_000]])
    timeouts.mockRestore()
  })

  test.each([
    ['on no message', { ts: '1.0', action: 'approve' }, 404],
    ['on no button', { action: 'escalate' }, 409],
    ['of a stranger', { action: 'approve', user: 'mallory' }, 400],
  ])('does not reach the app %s', async (_, fields, status) => {
    const ts = await ask()
    expect((await pressButton({ ts, ...fields } as Record<string, string>)).status).toBe(status)
    expect(app.presses).toEqual([])
  })

  test('is rejected if a page of another site sends it', async () => {
    const ts = await ask()
    app.does = () => sendEphemeral()
    for (const origin of ['https://evil.example', 'null', started.origin.replace('127.0.0.1', 'localhost')]) {
      expect((await pressButton({ ts, action: 'approve' }, { origin })).status).toBe(403)
    }
    const headers = { host: 'evil.example', 'content-type': 'application/x-www-form-urlencoded' }
    const rebound = statusOf(`${started.origin}/sandbox/slack/click`, headers, `ts=${ts}&action=approve`)
    expect(await rebound).toBe(403)
    expect(app.presses).toEqual([])
    expect((await pressButton({ ts, action: 'approve' }, { origin: started.origin })).status).toBe(303)
    expect(app.presses).toHaveLength(1)
  })
})

describe('The page of Slack', () => {
  test('shows the messages of the channels, newest last, with buttons', async () => {
    await post({ text: 'First' })
    const ts = await ask()
    const html = await page('?user=ben')
    expect(html).toContain('You are <strong>Ben Roe</strong>')
    expect(html.indexOf('First')).toBeLessThan(html.indexOf('Release?'))
    expect(html).toContain(`<form method="post" action="${started.origin}/sandbox/slack/click">`)
    expect(html).toContain(`<input type="hidden" name="ts" value="${ts}"><input type="hidden" name="user" value="ben">`)
    expect(html).toContain('<button name="action" value="approve" class="primary">APPROVE</button>')
    expect(html).toContain(`-d &#39;ts=${ts}&amp;action=approve&amp;user=ben&#39;`)
    expect((await started.call('GET', '/slack?user=mallory')).status).toBe(404)
  })

  const section = (text: string) => ({ type: 'section', text: { type: 'mrkdwn', text } })
  test.each([
    [header('Title'), '<h3>Title</h3>'],
    [
      section('*bold* <https://a.example/?b&amp;c|a link>'),
      '<strong>bold</strong> <a href="https://a.example/?b&amp;c"',
    ],
    [section('&lt;!here&gt; <!channel> <@U0BEN>'), '&lt;!here&gt; <mark>@channel</mark> <mark>@U0BEN</mark>'],
    [{ type: 'section', fields: [{ type: 'plain_text', text: '*F*' }] }, '<div class="fields"><p>*F*</p></div>'],
    [{ type: 'divider' }, '<hr>'],
    [{ type: 'context', elements: [{ type: 'mrkdwn', text: 'Context' }] }, '<p><small>Context</small></p>'],
    [rich({ type: 'text', text: 'Bold', style: { bold: true } }), '<strong>Bold</strong>'],
    [
      rich({ type: 'link', url: 'https://b.example/', text: 'B' }),
      '<a href="https://b.example/" rel="noreferrer">B</a>',
    ],
  ])('shows the block %j', async (block, html) => {
    await post({ blocks: [block] })
    expect(await page()).toContain(html)
  })

  test('runs no scripts of a message and sends no forms elsewhere', async () => {
    const evil = `<script>alert(1)</script>"'><img src=x onerror=alert(1)>`
    await post({ text: evil })
    await post({ text: '<javascript:alert(1)|click> <https://x.example/"onclick="y|z>' })
    await post({
      blocks: [
        header(evil),
        { type: 'section', text: { type: 'mrkdwn', text: evil }, fields: [{ type: 'mrkdwn', text: evil }] },
        rich({ type: 'text', text: evil }, { type: 'link', url: 'javascript:alert(1)', text: evil }),
        { type: 'actions', elements: [button(evil, { text: { type: 'plain_text', text: evil } })] },
      ],
    })
    expect(await page()).not.toMatch(/<(script|img)|href="javascript|" ?onclick/)
  })
})

describe('A fault of Slack', () => {
  const fault = (kind: string, more: object = {}) =>
    started.call('POST', '/faults', { target: 'slack', kind, count: 1, ...more })

  test('can return any error of Slack', async () => {
    await fault('wrong-json', { body: { ok: false, error: 'not_in_channel' } })
    const { status, json } = await started.slack('POST', 'chat.postMessage', { channel, text: 'Hello' })
    expect([status, json.error]).toEqual([200, 'not_in_channel'])
  })

  test('does not affect button presses', async () => {
    const ts = await ask()
    await fault('500', { count: undefined, seconds: 30, match: { path: '/click' } })
    app.does = () => sendEphemeral()
    expect((await pressButton({ ts, action: 'approve' })).status).toBe(303)
  })
})
