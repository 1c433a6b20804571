import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { marked } from 'marked'
import { mattermostMessage, type PostContent, verbatim } from '../../../functions/notification/mattermost-message.ts'
import type { Message } from '../../../shared/providers/message.ts'
import { toPlainText } from '../../../shared/text/plain-text.ts'
import { anyMessage } from './any-message.ts'
import { evaluation, hostile, question } from './messages.ts'

const integration = { url: 'https://webhooks.example.com/notification/mattermost', context: {} }
const attachmentOf = (message: Message): PostContent['props']['attachments'][0] =>
  mattermostMessage(message, () => integration).props.attachments[0]

const html = (markdown: string) => marked.parse(markdown, { async: false, gfm: true, breaks: true })
/** Returns the text that Mattermost shows for Markdown. */
const read = (markdown: string) =>
  html(markdown)
    .replace(/<\/?p>|\u200b/g, '')
    .replace(/<br ?\/?>/g, '\n')
    .replace(/&(?:#(\d+)|(\w+));/g, (all, code, name) => (code ? String.fromCharCode(code) : (named[name] ?? all)))
const named: Record<string, string> = { lt: '<', gt: '>', amp: '&', quot: '"' }
const spaced = (text: string) => text.replace(/[\s\u2424]+/g, ' ').trim()

/** Text that the server, the Markdown parser or the text formatter of Mattermost interprets. */
const interpreted = [
  /@[\p{L}\d._-]/u,
  /\B~[a-z0-9]/i,
  /#\p{L}/u,
  /:[\w+-]+:/,
  /[a-z][a-z\d.+-]*:\/?\S/i,
  /www\d{0,3}\./i,
  /[\p{L}\d.-]+\.\p{L}{2,4}\//u,
  /[`*_[\]<>|\\$]/,
  /&(?!#\d+;)/,
  /\u2424/,
]

describe('verbatim', () => {
  test.each(hostile.filter(({ length }) => length < 2_000).map((text) => [text.slice(0, 60), text]))(
    'preserves the text: %j',
    (_short, text) => {
      const written = toPlainText(text)
      const shown = verbatim(written)
      expect(html(shown).replace(/<\/?p>|<br>/g, '')).not.toMatch(/<\w/)
      expect(spaced(read(shown))).toBe(spaced(written))
      for (const pattern of interpreted) expect(shown).not.toMatch(pattern)
    },
  )

  test('preserves any text', () => {
    const text = fc.oneof(
      fc
        .array(fc.constantFrom(...hostile.filter(({ length }) => length < 300)), { maxLength: 5 })
        .map((all) => all.join('')),
      fc.string({ unit: 'binary' }),
      fc.string({ unit: 'grapheme-ascii', maxLength: 40 }),
    )
    fc.assert(
      fc.property(text, (given) => {
        const written = toPlainText(given)
        const shown = verbatim(written)
        expect(html(shown).replace(/<\/?p>|<br>/g, '')).not.toMatch(/<\w/)
        expect(spaced(read(shown))).toBe(spaced(written))
        for (const pattern of interpreted) expect(shown).not.toMatch(pattern)
      }),
      { numRuns: 500 },
    )
  })

  test('removes control and direction characters', () => {
    expect(toPlainText('a\u0000\u001b[31mb\u202ec\u2066d\ud83d\r\ne\u2028f')).toBe('a[31mbcd\ufffd\ne\nf')
  })
})

describe('mattermostMessage', () => {
  test('returns an attachment with colour, fields, table and links', () => {
    const { text = '', ...attachment } = attachmentOf(evaluation)
    expect(attachment).toEqual({
      fallback: '⚠️ Evaluation of checkout in production: warning',
      color: 'warning',
      title: '⚠️ Evaluation of checkout in production&#58; warning',
      fields: [
        { title: 'Project', value: 'shop', short: true },
        { title: 'Score', value: '75 of 100', short: true },
      ],
    })
    expect(text.split('\n\n')).toEqual([
      'The release is slower than the last one.',
      'The release may continue.',
      [
        '| Objective | Value | Target |',
        '| --- | --- | --- |',
        '| ✅ error&#95;rate | 0.1 % | &#60;= 1 % |',
        '| ❌ response&#95;time&#95;p95 | 812 ms | &#60;= 400 ms |',
      ].join('\n'),
      '[Bridge](https://keptn.example.com/bridge/project/shop?x=1&y=%282%29) · [Dashboard](https://dashboards.example.com/d/1)',
    ])
    expect(read(text)).toContain('<td>✅ error_rate</td>')
    expect(html(text)).toContain('<a href="https://keptn.example.com/bridge/project/shop?x=1&amp;y=%282%29">Bridge</a>')
  })

  test.each([
    ['good', 'good', '✅'],
    ['warning', 'warning', '⚠️'],
    ['bad', 'danger', '❌'],
    ['neutral', '#8b8fa7', 'ℹ️'],
    ['waiting', '#1c58d9', '⏳'],
  ] as const)('maps the mood %s to the colour %s', (mood, color, emoji) => {
    const attachment = attachmentOf({ mood, title: 'Deployed', fields: [], links: [] })
    expect(attachment).toEqual({ fallback: `${emoji} Deployed`, color, title: `${emoji} Deployed` })
  })

  test('adds a button for each decision', () => {
    expect(attachmentOf(question).actions).toEqual([
      { id: 'approve', type: 'button', name: 'Approve', style: 'good', integration },
      { id: 'reject', type: 'button', name: 'Reject', style: 'danger', integration },
    ])
  })

  test('counts omitted fields, rows and links', () => {
    const row = { mood: 'good' as const, cells: ['a', 'b'] }
    const fields = Array.from({ length: 37 }, (_, at) => ({ name: `Field ${at}`, value: 'x' }))
    const table = { columns: ['A', 'B'], rows: Array.from({ length: 62 }, () => row) }
    const attachment = attachmentOf({ ...evaluation, fields, table })
    expect(attachment.fields).toHaveLength(26)
    expect(attachment.fields?.at(-1)).toEqual({ title: '', value: 'and 12 more', short: false })
    expect(attachment.text).toMatch(/\| ✅ a \| b \|\n\nand 12 more\n\n\[Bridge\]/)
  })

  test('cuts long texts, never within a character', () => {
    const long = `x${'😀'.repeat(50_000)}`
    const attachment = attachmentOf({ ...evaluation, title: long, text: long, fields: [{ name: long, value: long }] })
    expect(attachment.title).toMatch(/^⚠️ x(?:😀){149}…$/)
    expect(attachment.text).toMatch(/^x(?:😀){3999}…\n/)
    expect(attachment.fields).toEqual([
      { title: expect.stringMatching(/^x(?:😀){49}…$/), value: expect.stringMatching(/^x(?:😀){499}…$/), short: false },
    ])
  })

  test('fills each row of the table to the same width', () => {
    const rows = [
      { mood: 'good' as const, cells: ['a'] },
      { mood: 'bad' as const, cells: ['b | c', 'd', 'e'] },
    ]
    const { text } = attachmentOf({ ...evaluation, text: undefined, links: [], table: { columns: ['A'], rows } })
    expect(text).toBe(['| A |  |  |', '| --- | --- | --- |', '| ✅ a |  |  |', '| ❌ b &#124; c | d | e |'].join('\n'))
  })

  test('fits the limits for any message, with links and buttons and without mentions', () => {
    fc.assert(
      fc.property(anyMessage, (message) => {
        const shown = mattermostMessage(message, () => integration)
        const attachment = shown.props.attachments[0]
        expect([...JSON.stringify(shown.props)].length).toBeLessThan(800_000)
        expect(JSON.stringify(shown).replace(/\]\(\S+?\)/g, '')).not.toMatch(/@(?!\u200b)[\p{L}\d]/u)
        // Half of a character.
        expect(JSON.stringify(shown)).not.toMatch(/\\ud[89a-f]/)
        expect(attachment.actions ?? []).toHaveLength(message.buttons?.length ?? 0)
        const links = message.links.filter(({ url }) => url.startsWith('http'))
        expect(html(attachment.text ?? '').match(/<a href/g) ?? []).toHaveLength(links.length)
        expect(html(attachment.text ?? '')).not.toMatch(
          /<(?:img|script|h\d|ul|ol|pre|code|em|strong|del|hr|blockquote)/,
        )
      }),
      { numRuns: 150 },
    )
  })
})
