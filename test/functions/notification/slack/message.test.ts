import { describe, expect, test } from '@jest/globals'
import { slackMessage } from '../../../../functions/notification/slack/message.ts'
import type { Message } from '../../../../shared/providers/message.ts'
import { linked, rich, text } from './blocks.ts'

type Json = Record<string, unknown>

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
