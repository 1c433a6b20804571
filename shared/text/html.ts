import { Marked, type Tokens } from 'marked'

/** The lexer's time grows with the square of some texts: a longer one is shown as it is. */
const mostMarkdown = 32_767
const linkable = ['http:', 'https:', 'mailto:']

const markdown = new Marked({
  gfm: true,
  breaks: true,
  renderer: {
    html({ text, block }: Tokens.HTML | Tokens.Tag) {
      return block ? plain(text) : escaped(text)
    },
    // Between tags that the lexer takes for raw HTML, the renderer of marked would leave text as it is.
    text(token: Tokens.Text | Tokens.Escape) {
      return 'tokens' in token && token.tokens ? this.parser.parseInline(token.tokens) : escaped(token.text)
    },
    link({ href, raw, tokens }: Tokens.Link) {
      return linked(href, this.parser.parseInline(tokens)) ?? escaped(raw)
    },
    // An image would be fetched by whoever looks at it.
    image({ href, raw, text }: Tokens.Image) {
      return linked(href, escaped(text || href)) ?? escaped(raw)
    },
    checkbox({ checked }: Tokens.Checkbox) {
      return checked ? '[x] ' : '[ ] '
    },
  },
})

/**
 * Plain text or Markdown as HTML that is safe to show: HTML in the text is shown as text, links go to the web or to a mail
 * address, and a line break stays one, since alerts are written so.
 */
export function markdownToHtml(text: string): string {
  const clean = text
    .toWellFormed()
    .replace(/\r\n?/g, '\n')
    .replace(/(?![\n\t])\p{Cc}/gu, '')
  if (clean.length > mostMarkdown) return plain(clean)
  try {
    return String(markdown.parse(clean, { async: false })).trim()
  } catch {
    // Thousands of nested quotes are too deep for the lexer's stack; a ticket with bare text is better than none.
    return plain(clean)
  }
}

function plain(text: string): string {
  return text
    .split(/\n{2,}/)
    .filter((part) => part.trim() !== '')
    .map((part) => `<p>${escaped(part.trim()).replaceAll('\n', '<br>')}</p>`)
    .join('\n')
}

function linked(href: string, content: string): string | undefined {
  const url = URL.parse(href)
  return url && linkable.includes(url.protocol) ? `<a href="${escaped(url.href)}">${content}</a>` : undefined
}

const entities: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' }

/** Text as text of HTML; what is an entity of Markdown already stays one. */
function escaped(text: string): string {
  return text.replace(/[<>"']|&(?!(?:#\d{1,7}|#x[\da-f]{1,6}|\w{1,31});)/gi, (sign) => entities[sign] ?? sign)
}
