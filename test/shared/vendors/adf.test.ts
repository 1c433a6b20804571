import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { adfErrors, adfText } from '../../../infra/platforms/adf.ts'
import { type AdfNode, toAdf } from '../../../shared/vendors/adf.ts'
import { anyCharacter } from '../text/any-character.ts'

const content = (text: string) => toAdf(text).content
const words = (text: string, ...marks: string[]): AdfNode => ({
  type: 'text',
  text,
  ...(marks.length > 0 ? { marks: marks.map((type) => ({ type })) as AdfNode['marks'] & object } : {}),
})
const paragraph = (...nodes: AdfNode[]): AdfNode => ({ type: 'paragraph', content: nodes })
const item = (...nodes: AdfNode[]): AdfNode => ({ type: 'listItem', content: nodes })
const link = (text: string, href: string): AdfNode => ({
  type: 'text',
  text,
  marks: [{ type: 'link', attrs: { href } }],
})

describe('toAdf', () => {
  test('converts plain text to paragraphs with line breaks', () => {
    expect(content('Disk full\non web-1\n\nSince 14:03')).toEqual([
      paragraph(words('Disk full'), { type: 'hardBreak' }, words('on web-1')),
      paragraph(words('Since 14:03')),
    ])
  })

  test('converts empty text to an empty paragraph', () => {
    for (const text of ['', ' \n\n ', '\0'])
      expect(toAdf(text)).toEqual({ type: 'doc', version: 1, content: [paragraph()] })
  })

  test('marks bold, italic, struck and code', () => {
    const both = [words('bold ', 'strong'), words('both', 'strong', 'em'), words(' ')]
    const expected = [paragraph(...both, words('gone', 'strike'), words(' '), words('a*b*', 'code'))]
    expect(content('**bold _both_** ~~gone~~ `a*b*`')).toEqual(expected)
  })

  test('removes other marks from code, which ADF only allows with a link', () => {
    expect(content('**`x`** [`y`](https://example.com/)')).toEqual([
      paragraph(words('x', 'code'), words(' '), {
        type: 'text',
        text: 'y',
        marks: [{ type: 'link', attrs: { href: 'https://example.com/' } }, { type: 'code' }],
      }),
    ])
  })

  test('converts headings, rules and code blocks', () => {
    expect(content('## What\n\n---\n\n```js title\na < b\n```\n\n```\n```')).toEqual([
      { type: 'heading', attrs: { level: 2 }, content: [words('What')] },
      { type: 'rule' },
      { type: 'codeBlock', attrs: { language: 'js' }, content: [words('a < b')] },
      { type: 'codeBlock' },
    ])
  })

  test('nests lists and keeps the start of a numbered one', () => {
    expect(content('3. a\n   - b\n4. c')).toEqual([
      {
        type: 'orderedList',
        attrs: { order: 3 },
        content: [
          item(paragraph(words('a')), { type: 'bulletList', content: [item(paragraph(words('b')))] }),
          item(paragraph(words('c'))),
        ],
      },
    ])
  })

  test('converts the boxes of tasks', () => {
    for (const gap of ['\n', '\n\n']) {
      expect(content(`- [ ] a${gap}- [x] b`)).toEqual([
        { type: 'bulletList', content: [item(paragraph(words('[ ] a'))), item(paragraph(words('[x] b')))] },
      ])
    }
  })

  test('puts only allowed nodes into lists and quotes', () => {
    const document = toAdf(
      '- # h\n- > q\n- | a | b |\n  |---|---|\n  | 1 | 2 |\n- - x\n\n> # h\n> > deep\n> ***\n> ```\n> c\n> ```',
    )
    expect(adfErrors(document)).toEqual([])
    expect(document.content).toEqual([
      {
        type: 'bulletList',
        content: [
          item(paragraph(words('h', 'strong'))),
          item(paragraph(words('q'))),
          item(paragraph(words('a | b')), paragraph(words('1 | 2'))),
          item(paragraph(), { type: 'bulletList', content: [item(paragraph(words('x')))] }),
        ],
      },
      {
        type: 'blockquote',
        content: [
          paragraph(words('h', 'strong')),
          paragraph(words('deep')),
          { type: 'codeBlock', content: [words('c')] },
        ],
      },
    ])
  })

  test('converts tables', () => {
    const cell = (type: string, ...nodes: AdfNode[]): AdfNode => ({ type, content: [paragraph(...nodes)] })
    expect(content('| a | b |\n|---|--:|\n| **c** |  |')).toEqual([
      {
        type: 'table',
        content: [
          { type: 'tableRow', content: [cell('tableHeader', words('a')), cell('tableHeader', words('b'))] },
          { type: 'tableRow', content: [cell('tableCell', words('c', 'strong')), cell('tableCell')] },
        ],
      },
    ])
  })

  test('links only to http, https and mailto', () => {
    const [site, mail] = [
      link('https://b.example', 'https://b.example/'),
      link('ops@example.com', 'mailto:ops@example.com'),
    ]
    expect(content('[a](https://example.com/x?y=1) https://b.example ops@example.com')).toEqual([
      paragraph(link('a', 'https://example.com/x?y=1'), words(' '), site, words(' '), mail),
    ])
  })

  test.each(['[a](javascript:alert(1))', '[a](./b.md)', '![a](data:image/png;base64,xx)', '[a](file:///etc/x)'])(
    'converts the link %s to text',
    (text) => expect(content(text)).toEqual([paragraph(words(text))]),
  )

  test('converts images to links', () => {
    expect(content('![graph](https://example.com/g.png) ![](https://example.com/h.png)')).toEqual([
      paragraph(
        link('graph', 'https://example.com/g.png'),
        words(' '),
        link('https://example.com/h.png', 'https://example.com/h.png'),
      ),
    ])
    expect(content('[![graph](https://example.com/g.png)](https://example.com/)')).toEqual([
      paragraph(link('graph', 'https://example.com/')),
    ])
  })

  test('converts HTML to text', () => {
    const html = '<script>alert(1)</script>'
    expect(adfText(toAdf(`a <b>b</b>\n\n${html}`))).toBe(`a <b>b</b>\n${html}`)
    expect(content('a <b>b</b>')).toEqual([paragraph(words('a <b>b</b>'))])
  })

  test('keeps a line that resembles a link definition', () => {
    expect(adfText(toAdf('[2026]: outage'))).toBe('[2026]: outage')
  })

  test('converts deeply nested Markdown to plain text', () => {
    const deep = `${'> '.repeat(5_000)}x`
    expect(adfText(toAdf(deep))).toBe(deep)
    expect(adfErrors(toAdf(`${'- '.repeat(40)}x`))).toEqual([])
    expect(adfText(toAdf(`${'- '.repeat(40)}x`))).toContain('x')
  })

  test('cuts a text that exceeds the limit of Jira', () => {
    const long = 'ab'.repeat(16_000)
    expect(adfText(toAdf(long))).toBe(long)
    expect(adfText(toAdf(`${long}ab`))).toBe(`${long.slice(0, -1)}…`)
  })

  test('returns a valid document for any text', () => {
    fc.assert(
      fc.property(fc.string({ unit: anyCharacter, maxLength: 300 }), (text) => {
        expect(adfErrors(toAdf(text))).toEqual([])
      }),
    )
    const half = fc
      .array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 50 })
      .map((codes) => String.fromCharCode(...codes))
    fc.assert(fc.property(half, (text) => expect(adfErrors(toAdf(text))).toEqual([])))
  })

  test('returns a valid document for any Markdown', () => {
    const pieces = '# |> |- |1. |  |    |**|_|~~|`|[x](|http://e.x|)|![|]|<b>|</b>|[ ] |\\|&amp;|word|\t|😀'.split('|')
    const more = ['\n', '\n\n', '```\n', '| a | b |\n|---|---|\n', '| c', '---\n']
    const text = fc.array(fc.constantFrom(...pieces, ...more), { maxLength: 40 }).map((parts) => parts.join(''))
    fc.assert(
      fc.property(text, (text) => {
        expect(adfErrors(toAdf(text))).toEqual([])
      }),
      { numRuns: 500 },
    )
  })
})
