import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { type AdfNode, toAdf } from '../../../shared/vendors/adf.ts'
import { adfErrors, adfText } from '../../platforms/adf.ts'
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
  const bullets = (...content: AdfNode[]): AdfNode => ({ type: 'bulletList', content })
  const [a, b] = [item(paragraph(words('a'))), item(paragraph(words('b')))]
  const numbered = [item(paragraph(words('a')), bullets(b)), item(paragraph(words('c')))]
  const tasks = bullets(item(paragraph(words('[ ] a'))), item(paragraph(words('[x] b'))))
  const both = [words('bold ', 'strong'), words('both', 'strong', 'em'), words(' ')]
  const linkedCode = {
    ...words('y'),
    marks: [{ type: 'link', attrs: { href: 'https://example.com/' } }, { type: 'code' }],
  }
  test.each<[string, string, AdfNode[]]>([
    [
      'plain text to paragraphs with line breaks',
      'Disk full\non web-1\n\nSince 14:03',
      [paragraph(words('Disk full'), { type: 'hardBreak' }, words('on web-1')), paragraph(words('Since 14:03'))],
    ],
    ...['', ' \n\n ', '\0'].map((text): [string, string, AdfNode[]] => ['empty text', text, [paragraph()]]),
    [
      'bold, italic, struck and code',
      '**bold _both_** ~~gone~~ `a*b*`',
      [paragraph(...both, words('gone', 'strike'), words(' '), words('a*b*', 'code'))],
    ],
    [
      'code without other marks than a link',
      '**`x`** [`y`](https://example.com/)',
      [paragraph(words('x', 'code'), words(' '), linkedCode as AdfNode)],
    ],
    [
      'headings, rules and code blocks',
      '## What\n\n---\n\n```js title\na < b\n```\n\n```\n```',
      [
        { type: 'heading', attrs: { level: 2 }, content: [words('What')] },
        { type: 'rule' },
        { type: 'codeBlock', attrs: { language: 'js' }, content: [words('a < b')] },
        { type: 'codeBlock' },
      ],
    ],
    ['nested lists', '3. a\n   - b\n4. c', [{ type: 'orderedList', attrs: { order: 3 }, content: numbered }]],
    ['the boxes of tasks', '- [ ] a\n- [x] b', [tasks]],
    ['the boxes of separate tasks', '- [ ] a\n\n- [x] b', [tasks]],
    ['separate lists of one kind', '- a\n\n- b', [bullets(a, b)]],
  ])('converts %s: %j', (_what, markdown, nodes) => {
    expect(toAdf(markdown)).toEqual({ type: 'doc', version: 1, content: nodes })
  })

  test('puts only allowed nodes into lists and quotes', () => {
    const document = toAdf(
      '- # h\n- > q\n- | a | b |\n  |---|---|\n  | 1 | 2 |\n- - x\n\n> # h\n> > deep\n> ***\n> ```\n> c\n> ```',
    )
    expect(adfErrors(document)).toEqual([])
    expect(document.content).toEqual([
      bullets(
        item(paragraph(words('h', 'strong'))),
        item(paragraph(words('q'))),
        item(paragraph(words('a | b')), paragraph(words('1 | 2'))),
        item(paragraph(), bullets(item(paragraph(words('x'))))),
      ),
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
    const site = link('https://b.example', 'https://b.example/')
    const mail = link('ops@example.com', 'mailto:ops@example.com')
    expect(content('[a](https://example.com/x?y=1) https://b.example ops@example.com')).toEqual([
      paragraph(link('a', 'https://example.com/x?y=1'), words(' '), site, words(' '), mail),
    ])
  })

  const unsafe = ['[a](javascript:alert(1))', '[a](./b.md)', '![a](data:image/png;base64,xx)', '[a](file:///etc/x)']
  test.each(unsafe)('converts the link %s to text', (text) => expect(content(text)).toEqual([paragraph(words(text))]))

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

  const check = (text: string) => expect(adfErrors(toAdf(text))).toEqual([])
  test('returns a valid document for any text', () => {
    const codes = fc.array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 50 })
    const half = codes.map((units) => String.fromCharCode(...units))
    for (const any of [fc.string({ unit: anyCharacter, maxLength: 300 }), half]) fc.assert(fc.property(any, check))
  })

  test('returns a valid document for any Markdown', () => {
    const pieces = '# |> |- |1. |  |    |**|_|~~|`|[x](|http://e.x|)|![|]|<b>|</b>|[ ] |\\|&amp;|word|\t|😀'.split('|')
    const more = ['\n', '\n\n', '```\n', '| a | b |\n|---|---|\n', '| c', '---\n']
    const text = fc.array(fc.constantFrom(...pieces, ...more), { maxLength: 40 }).map((parts) => parts.join(''))
    fc.assert(fc.property(text, check), { numRuns: 500 })
  })
})
