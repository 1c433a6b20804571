import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { mattermostMessage, type PostContent, verbatim } from '../../../../functions/notification/mattermost/message.ts'
import type { Message } from '../../../../shared/providers/message.ts'
import { toPlainText } from '../../../../shared/text/plain-text.ts'
import { anyCharacter } from '../../../shared/text/any-character.ts'
import { evaluation, hostile } from '../messages.ts'
import { html } from './html.ts'

describe('verbatim', () => {
  const named: Record<string, string> = { lt: '<', gt: '>', amp: '&', quot: '"' }
  /** Returns the text that Mattermost shows for Markdown. */
  const read = (markdown: string) =>
    html(markdown)
      .replace(/<\/?p>|\u200b/g, '')
      .replace(/<br ?\/?>/g, '\n')
      .replace(/&(?:#(\d+)|(\w+));/g, (all, code, name) => (code ? String.fromCharCode(code) : (named[name] ?? all)))
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
  const expectPreserved = (text: string) => {
    const written = toPlainText(text)
    const shown = verbatim(written)
    expect(html(shown).replace(/<\/?p>|<br>/g, '')).not.toMatch(/<\w/)
    expect(spaced(read(shown))).toBe(spaced(written))
    for (const pattern of interpreted) expect(shown).not.toMatch(pattern)
  }

  test.each(hostile.filter(({ length }) => length < 2_000).map((text) => [text.slice(0, 60), text]))(
    'preserves the text: %j',
    (_short, text) => expectPreserved(text),
  )

  test('preserves any text', () => {
    const short = fc.constantFrom(...hostile.filter(({ length }) => length < 300))
    const text = fc.oneof(
      fc.array(short, { maxLength: 5 }).map((all) => all.join('')),
      fc.string({ unit: anyCharacter }),
      fc.string({ unit: 'grapheme-ascii', maxLength: 40 }),
    )
    fc.assert(fc.property(text, expectPreserved), { numRuns: 500 })
  })

  test('removes control and direction characters', () => {
    expect(toPlainText('a\u0000\u001b[31mb\u202ec\u2066d\ud83d\r\ne\u2028f')).toBe('a[31mbcd\ufffd\ne\nf')
  })
})

describe('mattermostMessage', () => {
  const integration = { url: 'https://webhooks.example.com/notification/mattermost', context: {} }
  const attachmentOf = (message: Partial<Message>): PostContent['props']['attachments'][0] =>
    mattermostMessage({ ...evaluation, ...message }, () => integration).props.attachments[0]

  test('counts omitted fields, rows and links', () => {
    const row = { mood: 'good' as const, cells: ['a', 'b'] }
    const fields = Array.from({ length: 37 }, (_, at) => ({ name: `Field ${at}`, value: 'x' }))
    const table = { columns: ['A', 'B'], rows: Array.from({ length: 62 }, () => row) }
    const attachment = attachmentOf({ fields, table })
    expect(attachment.fields).toHaveLength(26)
    expect(attachment.fields?.at(-1)).toEqual({ title: '', value: 'and 12 more', short: false })
    expect(attachment.text).toMatch(/\| ✅ a \| b \|\n\nand 12 more\n\n\[Bridge\]/)
  })

  test('cuts long texts, never within a character', () => {
    const long = `x${'😀'.repeat(50_000)}`
    expect(attachmentOf({ title: long, text: long, fields: [{ name: long, value: long }] })).toMatchObject({
      title: expect.stringMatching(/^⚠️ x(?:😀){149}…$/),
      text: expect.stringMatching(/^x(?:😀){3999}…\n/),
      fields: [
        {
          title: expect.stringMatching(/^x(?:😀){49}…$/),
          value: expect.stringMatching(/^x(?:😀){499}…$/),
          short: false,
        },
      ],
    })
  })

  test('fills each row of the table to the same width', () => {
    const rows = [
      { mood: 'good' as const, cells: ['a'] },
      { mood: 'bad' as const, cells: ['b | c', 'd', 'e'] },
    ]
    const { text } = attachmentOf({ text: undefined, links: [], table: { columns: ['A'], rows } })
    expect(text).toBe('| A |  |  |\n| --- | --- | --- |\n| ✅ a |  |  |\n| ❌ b &#124; c | d | e |')
  })
})
