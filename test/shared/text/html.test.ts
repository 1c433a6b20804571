import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { markdownToHtml } from '../../../shared/text/html.ts'

describe('markdownToHtml', () => {
  test.each([
    ['Since **14:03**.\nNow', '<p>Since <strong>14:03</strong>.<br>Now</p>'],
    ['- a\n- [x] `b<c`', '<ul>\n<li>a</li>\n<li>[x] <code>b&lt;c</code></li>\n</ul>'],
    ['```\n<b>\n```', '<pre><code>&lt;b&gt;\n</code></pre>'],
    ['a &amp; b & c < d', '<p>a &amp; b &amp; c &lt; d</p>'],
    ['[trace](https://example.com/?a="b)', '<p><a href="https://example.com/?a=%22b">trace</a></p>'],
    ['![pixel](https://example.com/p.png)', '<p><a href="https://example.com/p.png">pixel</a></p>'],
    ['', ''],
  ])('converts Markdown: %j', (text, html) => {
    expect(markdownToHtml(text)).toBe(html)
  })

  test.each([
    ['<script>alert(1)</script>', '&lt;script&gt;'],
    ['a <img src=x onerror=alert(1)> b', '&lt;img'],
    ['<pre><img src=x onerror=alert(1)//', '&lt;img'],
    ['x <pre> <img src=x onerror=alert(1)//\n\ny', '&lt;img'],
    ['[x](javascript:alert(1))', '[x](javascript:alert(1))'],
    ['![x](data:text/html,1)', '![x](data:text/html,1)'],
    ['<https://example.com/"onmouseover=alert(1)>', '<p>'],
  ])('escapes HTML: %j', (text, expected) => {
    expect(markdownToHtml(text)).toContain(expected)
  })

  const pieces = `< > " ' & &lt; <pre> </pre> <!-- --> <script> [x](y) ![ ](javascript:x) ](https://x) ** \``.split(' ')
  const signs = ['<a href=x>', '\n', '\n\n', '```\n', '- ', '> ', '|a|b|\n|-|-|\n', 'a ']

  test('contains only its own tags for any text', () => {
    const tags = 'p|br|strong|em|del|code|pre|ul|ol|li|blockquote|hr|h[1-6]|table|thead|tbody|tr|t[hd]|a'
    const own = new RegExp(
      `</?(?:${tags})(?: href="(?:https?|mailto):[^"<>]*"| class="language-[^"<>]*"| align="(?:left|right|center)"| start="\\d+")*>`,
      'g',
    )
    const text = fc.array(fc.oneof(fc.constantFrom(...pieces, ...signs), fc.string())).map((parts) => parts.join(''))
    const check = (text: string) => expect(markdownToHtml(text).replace(own, '')).not.toMatch(/[<>]/)
    fc.assert(fc.property(text, check), { numRuns: 2_000 })
  })

  test('returns plain text if the Markdown is too long or too deeply nested', () => {
    expect(markdownToHtml(`**a**\n\n${'<b> '.repeat(10_000)}`)).toMatch(/^<p>\*\*a\*\*<\/p>\n<p>&lt;b&gt; /)
    expect(markdownToHtml(`${'> '.repeat(15_000)}a`)).toContain('&gt; &gt;')
  })
})
