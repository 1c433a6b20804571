import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { slackMessage } from '../../../functions/notification/slack-message.ts'
import type { Message } from '../../../shared/providers/message.ts'
import { anyMessage } from './any-message.ts'
import { evaluation, hostile, question } from './messages.ts'

type Json = Record<string, unknown>

const rich = (...elements: object[]) => ({
  type: 'rich_text',
  elements: [{ type: 'rich_text_section', elements }],
})
const text = (text: string) => ({ type: 'text', text })
const bold = (text: string) => ({ type: 'text', text, style: { bold: true } })
const link = (url: string, text: string) => ({ type: 'link', url, text })
const bridge = 'https://keptn.example.com/bridge/project/shop?x=1&y=(2)'

const blocksOf = (message: Message) => slackMessage(message).blocks as Json[]
/** Returns the text of a block. */
const shownIn = (block: Json | undefined): string => {
  const elements = (block?.['elements'] ?? []) as Json[]
  return typeof block?.['text'] === 'string' ? block['text'] : elements.map(shownIn).join('')
}
const bytes = (value: string) => Buffer.byteLength(value)

describe('slackMessage', () => {
  test('returns a header and rich text', () => {
    expect(slackMessage(evaluation)).toEqual({
      text: [
        '⚠️ Evaluation of checkout in production: warning',
        'The release is slower than the last one.',
        '',
        'The release may continue.',
        'Project: shop',
        'Score: 75 of 100',
        '✅ error_rate · Value: 0.1 % · Target: &lt;= 1 %',
        '❌ response_time_p95 · Value: 812 ms · Target: &lt;= 400 ms',
        '<https://keptn.example.com/bridge/project/shop?x=1&amp;y=(2)|Bridge>',
      ].join('\n'),
      blocks: [
        {
          type: 'header',
          text: { type: 'plain_text', text: '⚠️ Evaluation of checkout in production: warning', emoji: false },
        },
        rich(text('The release is slower than the last one.\n\nThe release may continue.')),
        rich(bold('Project: '), text('shop'), bold('\nScore: '), text('75 of 100')),
        rich(
          ...[text('✅ '), bold('error_rate'), text(' · Value: 0.1 % · Target: <= 1 %')],
          ...[text('\n❌ '), bold('response_time_p95'), text(' · Value: 812 ms · Target: <= 400 ms')],
        ),
        rich(link(bridge, 'Bridge'), text(' · '), link('https://dashboards.example.com/d/1', 'Dashboard')),
      ],
    })
  })

  test.each([
    ['good', '✅'],
    ['warning', '⚠️'],
    ['bad', '❌'],
    ['neutral', 'ℹ️'],
    ['waiting', '⏳'],
  ] as const)('maps the mood %s to the emoji %s', (mood, emoji) => {
    const [header] = blocksOf({ mood, title: 'Deployed', fields: [], links: [] })
    expect(header).toMatchObject({ text: { text: `${emoji} Deployed` } })
  })

  test('returns only a header for a title', () => {
    expect(blocksOf({ mood: 'good', title: 'Deployed', text: ' \n', fields: [], links: [] })).toHaveLength(1)
  })

  test('adds a button for each decision', () => {
    const token = question.buttons?.[0]?.token
    const button = { type: 'button', value: token }
    expect(blocksOf(question).at(-1)).toEqual({
      type: 'actions',
      elements: [
        {
          ...{ ...button, action_id: 'approve', style: 'primary' },
          text: { type: 'plain_text', text: 'Approve', emoji: false },
        },
        {
          ...{ ...button, action_id: 'reject', style: 'danger' },
          text: { type: 'plain_text', text: 'Reject', emoji: false },
        },
      ],
    })
    expect(JSON.stringify(slackMessage(question))).not.toContain('/approvals/')
  })

  test('counts omitted fields, rows and links', () => {
    const fields = Array.from({ length: 33 }, (_, at) => ({ name: `field ${at}`, value: 'x' }))
    const rows = Array.from({ length: 45 }, (_, at) => ({ mood: 'good' as const, cells: [`row ${at}`, '1'] }))
    const links = Array.from({ length: 13 }, (_, at) => ({ label: `link ${at}`, url: `https://example.com/${at}` }))
    const [, some, more, last] = blocksOf({
      ...evaluation,
      text: undefined,
      fields,
      table: { columns: [], rows },
      links,
    })
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
    expect(blocksOf({ mood: 'good', title: 'x', fields: [], links: links.slice(0, 1) })).toHaveLength(1)
    const { text: said, blocks } = slackMessage({ mood: 'good', title: 'x', fields: [], links })
    const url = 'https://example.com/a?b=%3Cc%3E%7Cd&e=%22f%22'
    expect(blocks.at(-1)).toEqual(rich(link(url, 'Link'), text(' · '), text('1 more link')))
    expect(said).toBe(`✅ x\n<${url.replace('&', '&amp;')}|Link>`)
  })

  test('shortens all parts if the blocks are too long', () => {
    const long = 'word '.repeat(1_000)
    const rows = Array.from({ length: 60 }, () => ({ mood: 'bad' as const, cells: [long, long, long] }))
    const fields = Array.from({ length: 30 }, () => ({ name: long, value: long }))
    const blocks = blocksOf({ ...question, text: long, fields, table: { columns: ['a', 'b', 'c'], rows } })
    expect(JSON.stringify(blocks).length).toBeLessThan(9_000)
    const expected = ['header', 'rich_text', 'rich_text', 'rich_text', 'rich_text', 'actions']
    expect(blocks.map(({ type }) => type)).toEqual(expected)
    expect(shownIn(blocks[3])).toMatch(/and \d+ more$/)
  })
})

describe('slackMessage: any text', () => {
  test.each(hostile.map((given) => [given.slice(0, 40), given]))(
    '%j causes no mention and no link',
    (_short, given) => {
      const message: Message = {
        ...{ mood: 'bad', title: given, text: given, fields: [{ name: given, value: given }] },
        table: { columns: [given, given], rows: [{ mood: 'good', cells: [given, given] }] },
        links: [{ label: given, url: 'https://example.com/' }],
        buttons: question.buttons?.map((button) => ({ ...button, label: given })),
      }
      const { text: said, blocks } = slackMessage(message)
      expect(said.match(/<[^>]*>?/g)).toHaveLength(1)
      expect(said).toMatch(/\n<https:\/\/example\.com\/\|[^<>]*>$/)
      expect(JSON.stringify(blocks)).not.toContain('"text":""')
      for (const type of typesIn(blocks)) {
        expect([
          'header',
          'plain_text',
          'rich_text',
          'rich_text_section',
          'text',
          'link',
          'actions',
          'button',
        ]).toContain(type)
      }
    },
  )

  test('fits the limits with its first link and buttons', () => {
    fc.assert(
      fc.property(anyMessage, (message) => {
        const { text: said, blocks } = slackMessage(message)
        const json = JSON.stringify(blocks)
        const [header] = blocks as { text: { text: string } }[]
        expect(header?.text.text.length).toBeLessThanOrEqual(150)
        expect(blocks.length).toBeLessThanOrEqual(6)
        expect(json.replace(/[<>]/g, '1234').replaceAll('&', '12345').length).toBeLessThanOrEqual(9_000)
        expect(bytes(said)).toBeLessThanOrEqual(4_000)
        expect(`${said}${JSON.stringify(JSON.parse(json))}`.isWellFormed()).toBe(true)
        expect(json).not.toMatch(/[\u202a-\u202e\u2066-\u2069]|\\u(?:00|d[89a-f])/)
        const web = message.links.filter(({ url }) => url.startsWith('http'))
        expect(json.includes('"type":"link"')).toBe(web.length > 0)
        expect(json.match(/"type":"button"/g)?.length ?? 0).toBe(message.buttons?.length ?? 0)
      }),
      { numRuns: 300 },
    )
  })

  test('cuts with an ellipsis, never within a character', () => {
    const [header, body] = blocksOf({
      mood: 'good',
      title: '😀'.repeat(200),
      text: `a${'😀'.repeat(5_000)}`,
      fields: [],
      links: [],
    })
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
