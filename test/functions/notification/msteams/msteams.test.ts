import { describe, expect, test } from '@jest/globals'
import { MAX_MESSAGE_BYTES, teamsMessage } from '../../../../functions/notification/msteams/message.ts'
import { msteams } from '../../../../functions/notification/msteams/msteams.ts'
import type { Message } from '../../../../shared/providers/message.ts'
import { MOOD_TITLES, moods, testMessages } from '../../messages.ts'
import { decided, evaluation, question } from '../messages.ts'
import { type Card, teamsServer } from './fake.ts'

type Element = { type: string; text?: string } & Record<string, unknown>

/** The secret parts of the URL. */
const secretParts = /8f14e45f|paths\/invoke|Zm9yLWEt|AAAALWEt/
/** A TextBlock, or a FactSet, would read Markdown. */
const SHOWN = ['Container', 'RichTextBlock', 'TextRun', 'Table', 'TableRow', 'TableCell']
const titles = (...titles: string[]) => titles.map((title) => ({ title }))

const { server, post } = testMessages(msteams, {
  start: teamsServer,
  connection: ({ webhookUrl }) => ({ webhookUrl }),
  refusal: (message) => ({ error: { code: 'x', message } }),
  visible: ({ cards }) => cards.length,
  hidden: secretParts,
  checkWrites: true,
  unexpectedBodies: { page: 'success', text: 'success' },
  verify({ failedRuns, cards, calls }, { links, buttons }) {
    expect(failedRuns).toEqual([])
    const { body = [], actions = [] } = cards.at(-1) ?? {}
    expect(Buffer.byteLength(calls.at(-1)?.text ?? '')).toBeLessThanOrEqual(MAX_MESSAGE_BYTES)
    const web = links.filter(({ url }) => url.startsWith('http'))
    expect(actions).toHaveLength(web.length + (buttons ? 1 : 0))
    for (const { url } of actions) expect(url).toMatch(/^https?:\/\//)
    for (const { type, text = '' } of elementsOf(body)) {
      expect(SHOWN).toContain(type)
      expect(text.isWellFormed()).toBe(true)
      expect(text).not.toMatch(/\]\(|\{\{(?:DATE|TIME)\(|[\u202a-\u202e\u2066-\u2069]/i)
      if (type === 'TextRun') expect(text).not.toBe('')
    }
  },
  newest: ({ cards }) => cards.at(-1),
  posted: () => ({}),
  shows: {
    evaluation: {
      type: 'AdaptiveCard',
      version: '1.5',
      msteams: { width: 'Full' },
      fallbackText: '⚠️ Evaluation of checkout in production: warning',
      body: [
        ...['Container', 'RichTextBlock', 'RichTextBlock', 'Table'].map((type) => ({ type })),
        { type: 'Table', firstRowAsHeader: true, columns: [{}, {}, {}] },
      ],
      actions: [
        { type: 'Action.OpenUrl', title: 'Bridge', url: evaluation.links[0]?.url },
        { type: 'Action.OpenUrl', title: 'Dashboard', url: 'https://dashboards.example.com/d/1' },
      ],
    },
    question: {
      actions: [{ type: 'Action.OpenUrl', title: 'Decide', url: question.buttons?.[0]?.url }, { title: 'Bridge' }],
    },
    reminder: { fallbackText: '⏳ Still open', actions: [] },
  },
  posts: [
    ...moods(
      ...['good', 'warning', 'attention', 'emphasis', 'accent'].map((style, at) => ({
        fallbackText: MOOD_TITLES[at],
        body: [{ type: 'Container', style, bleed: true }],
      })),
    ),
    { name: 'a decided approval', message: decided, shown: { actions: titles('Bridge') } },
  ],
  checks: [{ requests: [{ text: expect.stringContaining('This connection works') }] }],
  failedChecks: [
    {
      reason: 'could not be found',
      connection: ({ webhookUrl: url }) => ({ webhookUrl: url.replace('dedd4bea2543', '000000000000') }),
    },
    {
      reason: 'authorization signature is not valid.',
      connection: ({ webhookUrl: url }) => ({ webhookUrl: url.replace('sig=Zm9y', 'sig=AAAA') }),
      kind: 'credentials',
    },
  ],
  refused: [
    {
      name: 'a disabled workflow',
      change: (server) => server.turnOff(),
      reason: "Microsoft Teams answered 400 to POST the webhook: Could not execute workflow '***'",
    },
    {
      name: 'a workflow whose trigger is disabled',
      change: (server) => server.turnOff(),
      reason: 'trigger is not enabled',
    },
  ],
})

describe('Microsoft Teams', () => {
  test('accepts any response of the workflow', async () => {
    server.failNext(200, { done: true }, { done: true })
    expect(await post(evaluation)).toEqual({})
    expect(server.cards).toHaveLength(1)
    expect(msteams).not.toHaveProperty('replace')
    expect(msteams).not.toHaveProperty('find')
  })

  const rest = ':443/workflows/8f14e45f/triggers/manual/paths/invoke?api-version=1&sp=%2Fx&sv=1.0&sig=a-b_c'
  test.each([
    `https://prod-12.westeurope.logic.azure.com${rest}`,
    `https://default0f.f0.environment.api.powerplatform.com${rest.replace('/workflows', '/powerautomate/automations/direct/workflows')}`,
    `https://prod-01.usgovtexas.logic.azure.us${rest}`,
    'https://gateway.example.com/teams',
    'http://127.0.0.1:8080/teams',
  ])('accepts %s', (webhookUrl) => {
    expect(msteams.connection.safeParse({ webhookUrl }).success).toBe(true)
  })

  test.each([
    ['http://prod-12.westeurope.logic.azure.com/workflows/x?sig=abc', 'must be an https URL'],
    ['http://localhost:1@evil.example/x', 'must be an https URL'],
    ['ftp://example.com/teams', 'must be an https URL'],
    ['https://', 'must be an https URL'],
    ['https://shop.webhook.office.com/webhookb2/1@2/IncomingWebhook/3/4', 'which Microsoft has retired'],
    ['https://outlook.office.com/webhook/1@2/IncomingWebhook/3/4', 'which Microsoft has retired'],
    ['https://prod-12.westeurope.logic.azure.com/workflows/x/triggers/manual/paths/invoke?api-version=1', 'no "sig"'],
    ['https://0f.environment.api.powerplatform.com/powerautomate/x?api-version=1', 'no "sig"'],
  ])('refuses %s', (webhookUrl, words) => {
    const { error } = msteams.connection.safeParse({ webhookUrl })
    const messages = error?.issues.map(({ message }) => message).join()
    expect(messages).toContain(words)
    expect(messages).not.toContain(webhookUrl)
  })
})

const plainMessage: Message = { mood: 'neutral', title: 'Deployed', fields: [], links: [] }
const cardOf = (message: Partial<Message>) =>
  teamsMessage({ ...plainMessage, ...message }).attachments[0].content as Card
const sizeOf = (message: Message) => Buffer.byteLength(JSON.stringify(teamsMessage(message)))
/** Returns the visible texts of a card. */
const textsOf = (message: Partial<Message>) =>
  elementsOf(cardOf(message).body).flatMap(({ type, text = '' }) =>
    type === 'TextRun' ? [text.replaceAll('\u200b', '')] : [],
  )

describe('teamsMessage', () => {
  const marked = '<at>all</at> **bold** _x_ [your bank](https://evil.example) `code` {{DATE(2026-01-01T00:00:00Z)}}'
  const read = 'All of this is read. '.repeat(400).trim()
  const table = { columns: ['a', ''], rows: [{ mood: 'good' as const, cells: [] }] }
  test.each<[string, Partial<Message>, string[]]>([
    [
      'text, fields and table',
      evaluation,
      [
        '⚠️ Evaluation of checkout in production: warning',
        'The release is slower than the last one.',
        'The release may continue.',
        'Project',
        'shop',
        'Score',
        '75 of 100',
        'Objective',
        'Value',
        'Target',
        '✅ error_rate',
        '0.1 %',
        '<= 1 %',
        '❌ response_time_p95',
        '812 ms',
        '<= 400 ms',
      ],
    ],
    [
      'a dash for an empty text',
      { fields: [{ name: '', value: ' ' }], table },
      ['ℹ️ Deployed', '–', '–', 'a', '–', '✅ ', '–'],
    ],
    [
      'markup unchanged',
      { title: marked, text: marked, fields: [{ name: 'a', value: marked }] },
      [`ℹ️ ${marked}`, marked, 'a', marked],
    ],
    ['lines within a paragraph', { text: '\r\na\r\nb\r\n \r\n\r\nc\n' }, ['ℹ️ Deployed', 'a\nb', 'c']],
    ['as much text as fits', { text: read }, ['ℹ️ Deployed', read]],
  ])('contains %s', (_what, message, texts) => {
    expect(textsOf(message)).toEqual(texts)
  })

  test('puts further buttons into the menu', () => {
    const links = Array.from({ length: 8 }, (_, at) => ({ label: `Page ${at}`, url: `https://example.com/${at}` }))
    const { actions } = cardOf({ ...question, links })
    expect(actions.map(({ mode }) => mode)).toEqual([...Array(6).fill(undefined), ...Array(3).fill('secondary')])
  })

  test('contains only http links', () => {
    const urls = ['javascript:alert(1)', 'file:///etc/passwd', 'no URL', 'HTTPS://example.com/"a b"']
    expect(cardOf({ links: urls.map((url) => ({ label: '', url })) }).actions).toEqual([
      { type: 'Action.OpenUrl', title: 'Link', url: 'https://example.com/%22a%20b%22' },
    ])
  })

  test('has no more cells than columns', () => {
    const columns = Array.from({ length: 30 }, (_, at) => `column ${at}`)
    const shown = cardOf({ table: { columns, rows: [{ mood: 'good', cells: columns }] } }).body.at(-1)
    const { columns: shownColumns, rows } = shown as { columns: []; rows: { cells: [] }[] }
    expect([shownColumns.length, ...rows.map(({ cells }) => cells.length)]).toEqual([8, 8, 8])
  })

  test('cuts texts and counts omitted parts until it fits, and keeps the buttons', () => {
    const long = 'Ü🚀'.repeat(1_000)
    const rows = Array.from({ length: 200 }, () => ({ mood: 'bad' as const, cells: [long, long] }))
    const fields = Array.from({ length: 50 }, () => ({ name: long, value: long }))
    const text = long.repeat(30)
    const message = { ...question, title: text, text, fields, table: { columns: ['a', 'b'], rows } }
    expect(sizeOf(message)).toBeLessThanOrEqual(MAX_MESSAGE_BYTES)
    expect(sizeOf(message)).toBeGreaterThan(MAX_MESSAGE_BYTES * 0.6)
    expect(cardOf(message).actions).toMatchObject(titles('Decide', 'Bridge'))
    const texts = textsOf(message)
    const [moreFields = 0, moreRows = 0] = texts.flatMap((text) => /^and (\d+) more$/.exec(text)?.[1] ?? []).map(Number)
    const bold = elementsOf(cardOf(message).body).filter(({ weight }) => weight === 'bolder').length
    expect(bold - 3).toBe(50 - moreFields)
    expect(texts.filter((text) => text.startsWith('❌'))).toHaveLength(200 - moreRows)
    for (const text of texts) expect(text.isWellFormed()).toBe(true)
    expect(texts[0]).toMatch(/…$/)
  })

  test('omits links without room, but never the approval link', () => {
    const url = `https://example.com/${'y'.repeat(2_000)}`
    const links = Array.from({ length: 30 }, (_, at) => ({ label: 'x'.repeat(500), url: `${url}${at}` }))
    const message = { ...question, text: 'z'.repeat(100_000), links }
    expect(sizeOf(message)).toBeLessThanOrEqual(MAX_MESSAGE_BYTES)
    expect(cardOf(message).actions).toHaveLength(6)
    expect(cardOf(message).actions[0]?.title).toBe('Decide')
  })

  test.each([
    '{{DATE(2026-11-24T12:00:00Z, SHORT)}}',
    '{{TIME(2026-11-24T12:00:00Z)}}',
    '{{{date(2026-11-24T12:00:00Z)}}}',
  ])('contains no function: %s', (text) => {
    const card = JSON.stringify(cardOf({ title: text, text, fields: [{ name: text, value: text }] }))
    expect(card).not.toMatch(/\{\{(?:DATE|TIME)\(/i)
  })

  test('keeps text that resembles a function', () => {
    const text = '{{ .Values.image }} a[0] (b)'
    expect(JSON.stringify(cardOf({ text }))).toContain(text)
  })
})

/** Returns the elements of a card from top to bottom. */
function elementsOf(part: unknown): Element[] {
  if (Array.isArray(part)) return part.flatMap(elementsOf)
  if (part === null || typeof part !== 'object') return []
  const inner = Object.values(part).flatMap(elementsOf)
  return 'type' in part ? [part as Element, ...inner] : inner
}
