import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { MAX_MESSAGE_BYTES, teamsMessage } from '../../../functions/notification/msteams-message.ts'
import type { Card } from '../../../infra/platforms/msteams.ts'
import type { Message } from '../../../shared/providers/message.ts'
import { anyMessage } from './any-message.ts'
import { decided, evaluation, hostile, question } from './messages.ts'

const cardOf = (message: Message) => teamsMessage(message).attachments[0].content as Card
const sizeOf = (message: Message) => Buffer.byteLength(JSON.stringify(teamsMessage(message)))
const plainMessage: Message = { mood: 'neutral', title: 'Deployed', fields: [], links: [] }

type Element = { type: string; text?: string; items?: Element[]; inlines?: Element[] } & Record<string, unknown>
/** Returns the elements of a card from top to bottom. */
function elementsOf(part: unknown): Element[] {
  if (Array.isArray(part)) return part.flatMap(elementsOf)
  if (part === null || typeof part !== 'object') return []
  const inner = Object.values(part).flatMap(elementsOf)
  return 'type' in part ? [part as Element, ...inner] : inner
}
/** Returns the visible texts of a card. */
const textsOf = (message: Message) =>
  elementsOf(cardOf(message).body).flatMap(({ type, text = '' }) =>
    type === 'TextRun' ? [text.replaceAll('\u200b', '')] : [],
  )

describe('teamsMessage', () => {
  test('contains a coloured title, text, fields and table', () => {
    const card = cardOf(evaluation)
    expect(card).toMatchObject({
      type: 'AdaptiveCard',
      version: '1.5',
      fallbackText: '⚠️ Evaluation of checkout in production: warning',
      msteams: { width: 'Full' },
    })
    const expected = ['Container', 'RichTextBlock', 'RichTextBlock', 'Table', 'Table']
    expect(card.body.map((element) => (element as Element).type)).toEqual(expected)
    expect(textsOf(evaluation)).toEqual([
      '⚠️ Evaluation of checkout in production: warning',
      ...['The release is slower than the last one.', 'The release may continue.'],
      ...['Project', 'shop', 'Score', '75 of 100'],
      ...['Objective', 'Value', 'Target'],
      ...['✅ error_rate', '0.1 %', '<= 1 %'],
      ...['❌ response_time_p95', '812 ms', '<= 400 ms'],
    ])
    expect(card.body.at(-1)).toMatchObject({ firstRowAsHeader: true, columns: [{}, {}, {}] })
    expect(card.actions).toEqual([
      { type: 'Action.OpenUrl', title: 'Bridge', url: evaluation.links[0]?.url },
      { type: 'Action.OpenUrl', title: 'Dashboard', url: 'https://dashboards.example.com/d/1' },
    ])
  })

  test.each([
    ['good', 'good', '✅'],
    ['warning', 'warning', '⚠️'],
    ['bad', 'attention', '❌'],
    ['neutral', 'emphasis', 'ℹ️'],
    ['waiting', 'accent', '⏳'],
  ] as const)('maps the mood %s to the style %s and the emoji %s', (mood, style, emoji) => {
    const card = cardOf({ ...plainMessage, mood })
    expect(card.body).toMatchObject([{ type: 'Container', style, bleed: true }])
    expect(card.fallbackText).toBe(`${emoji} Deployed`)
  })

  test('links an open approval to the approval page first', () => {
    const expected = [{ type: 'Action.OpenUrl', title: 'Decide', url: question.buttons?.[0]?.url }, { title: 'Bridge' }]
    expect(cardOf(question).actions).toMatchObject(expected)
    expect(cardOf(decided).actions).toMatchObject([{ title: 'Bridge' }])
  })

  test('puts further buttons into the menu', () => {
    const links = Array.from({ length: 8 }, (_, at) => ({ label: `Page ${at}`, url: `https://example.com/${at}` }))
    const { actions } = cardOf({ ...question, links })
    expect(actions.map(({ mode }) => mode)).toEqual([...Array(6).fill(undefined), ...Array(3).fill('secondary')])
  })

  test('contains only http links', () => {
    const links = ['javascript:alert(1)', 'file:///etc/passwd', 'no URL', 'HTTPS://example.com/"a b"'].map((url) => ({
      label: '',
      url,
    }))
    expect(cardOf({ ...plainMessage, links }).actions).toEqual([
      { type: 'Action.OpenUrl', title: 'Link', url: 'https://example.com/%22a%20b%22' },
    ])
  })

  test('replaces empty texts', () => {
    const empty: Message = {
      ...plainMessage,
      fields: [{ name: '', value: ' ' }],
      table: { columns: ['a', ''], rows: [{ mood: 'good', cells: [] }] },
    }
    expect(textsOf(empty)).toEqual(['ℹ️ Deployed', '–', '–', 'a', '–', '✅ ', '–'])
  })

  test('has no more cells than columns', () => {
    const columns = Array.from({ length: 30 }, (_, at) => `column ${at}`)
    const table = { columns, rows: [{ mood: 'good' as const, cells: columns }] }
    const shown = cardOf({ ...plainMessage, table }).body.at(-1) as { columns: []; rows: { cells: [] }[] }
    expect([shown.columns.length, ...shown.rows.map(({ cells }) => cells.length)]).toEqual([8, 8, 8])
  })
})

describe('teamsMessage: limits', () => {
  test('cuts texts and counts omitted parts until it fits, and keeps the buttons', () => {
    const long = 'Ü🚀'.repeat(30_000)
    const rows = Array.from({ length: 200 }, () => ({ mood: 'bad' as const, cells: [long, long] }))
    const fields = Array.from({ length: 50 }, () => ({ name: long, value: long }))
    const message = { ...question, title: long, text: long, fields, table: { columns: ['a', 'b'], rows } }
    expect(sizeOf(message)).toBeLessThanOrEqual(MAX_MESSAGE_BYTES)
    expect(sizeOf(message)).toBeGreaterThan(MAX_MESSAGE_BYTES * 0.6)
    expect(cardOf(message).actions).toMatchObject([{ title: 'Decide' }, { title: 'Bridge' }])
    const texts = textsOf(message)
    const [moreFields = 0, moreRows = 0] = texts.flatMap((text) => /^and (\d+) more$/.exec(text)?.[1] ?? []).map(Number)
    const bold = elementsOf(cardOf(message).body).filter(({ weight }) => weight === 'bolder').length
    expect(bold - 3).toBe(50 - moreFields)
    expect(texts.filter((text) => text.startsWith('❌'))).toHaveLength(200 - moreRows)
    for (const text of texts) expect(text.isWellFormed()).toBe(true)
    expect(texts[0]).toMatch(/…$/)
  })

  test('uses the available room', () => {
    const text = 'All of this is read. '.repeat(400).trim()
    expect(textsOf({ ...evaluation, text })).toContain(text)
  })

  test('omits links without room, but never the approval link', () => {
    const links = Array.from({ length: 30 }, (_, at) => ({
      label: 'x'.repeat(500),
      url: `https://example.com/${at}/${'y'.repeat(2_000)}`,
    }))
    const message = { ...question, text: 'z'.repeat(100_000), links }
    expect(sizeOf(message)).toBeLessThanOrEqual(MAX_MESSAGE_BYTES)
    expect(cardOf(message).actions).toHaveLength(6)
    expect(cardOf(message).actions[0]?.title).toBe('Decide')
  })
})

describe('teamsMessage: text', () => {
  test.each(hostile.map((text) => [text.slice(0, 40), text]))('is plain text: %j', (_short, text) => {
    const message = { ...question, title: text, text, fields: [{ name: text, value: text }] }
    const shown = elementsOf(cardOf(message).body)
    // A TextBlock, or a FactSet, would read Markdown.
    const expected = new Set(['Container', 'RichTextBlock', 'TextRun', 'Table', 'TableRow', 'TableCell'])
    expect(new Set(shown.map(({ type }) => type))).toEqual(expected)
    expect(cardOf(message).actions).toHaveLength(2)
    for (const { text = '' } of shown) expect(text).not.toMatch(/\]\(|[\u202a-\u202e\u2066-\u2069]/)
  })

  test('is preserved', () => {
    const text = '<at>all</at> **bold** _x_ [your bank](https://evil.example) `code` {{DATE(2026-01-01T00:00:00Z)}}'
    const message = { ...plainMessage, title: text, text, fields: [{ name: 'a', value: text }] }
    expect(textsOf(message)).toEqual([`ℹ️ ${text}`, text, 'a', text])
  })

  test.each([
    '{{DATE(2026-11-24T12:00:00Z, SHORT)}}',
    '{{TIME(2026-11-24T12:00:00Z)}}',
    '{{{date(2026-11-24T12:00:00Z)}}}',
  ])('contains no function: %s', (text) => {
    const card = JSON.stringify(cardOf({ ...plainMessage, title: text, text, fields: [{ name: text, value: text }] }))
    expect(card).not.toMatch(/\{\{(?:DATE|TIME)\(/i)
  })

  test('keeps text that resembles a function', () => {
    expect(JSON.stringify(cardOf({ ...plainMessage, text: '{{ .Values.image }} a[0] (b)' }))).toContain(
      '{{ .Values.image }} a[0] (b)',
    )
  })

  test('keeps lines within a paragraph', () => {
    expect(textsOf({ ...plainMessage, text: '\r\na\r\nb\r\n \r\n\r\nc\n' })).toEqual(['ℹ️ Deployed', 'a\nb', 'c'])
  })
})

test('teamsMessage: any message fits, with all buttons', () => {
  fc.assert(
    fc.property(anyMessage, (message) => {
      const card = cardOf(message)
      expect(sizeOf(message)).toBeLessThanOrEqual(MAX_MESSAGE_BYTES)
      const links = message.links.filter(({ url }) => url.startsWith('http'))
      expect(card.actions).toHaveLength(links.length + (message.buttons ? 1 : 0))
      for (const { url } of card.actions) expect(url).toMatch(/^https?:\/\//)
      for (const { type, text = '' } of elementsOf(card.body)) {
        expect(type).not.toMatch(/^(?:TextBlock|FactSet|Fact)$/)
        expect(text.isWellFormed()).toBe(true)
        expect(text).not.toMatch(/\]\(|\{\{(?:DATE|TIME)\(|[\u202a-\u202e\u2066-\u2069]/i)
        if (type === 'TextRun') expect(text).not.toBe('')
      }
    }),
    { numRuns: 300 },
  )
})
