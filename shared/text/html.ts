import { Marked, type Tokens } from 'marked'

/** Longer texts are not parsed: the lexer takes quadratic time for some of them. */
const MAX_MARKDOWN = 32_767
const LINK_PROTOCOLS = ['http:', 'https:', 'mailto:']

const markdown = new Marked({
  gfm: true,
  breaks: true,
  renderer: {
    html({ text, block }: Tokens.HTML | Tokens.Tag) {
      return block ? plain(text) : escaped(text)
    },
    // The renderer of marked does not escape text between tags that the lexer considers raw HTML.
    text(token: Tokens.Text | Tokens.Escape) {
      return 'tokens' in token && token.tokens ? this.parser.parseInline(token.tokens) : escaped(token.text)
    },
    link({ href, raw, tokens }: Tokens.Link) {
      return linked(href, this.parser.parseInline(tokens)) ?? escaped(raw)
    },
    // Viewers would fetch an image.
    image({ href, raw, text }: Tokens.Image) {
      return linked(href, escaped(text || href)) ?? escaped(raw)
    },
    checkbox({ checked }: Tokens.Checkbox) {
      return checked ? '[x] ' : '[ ] '
    },
  },
})

/**
 * Converts plain text or Markdown to safe HTML: escapes HTML, allows links to the web and to mail addresses, and keeps line
 * breaks, which alerts rely on.
 */
export function markdownToHtml(text: string): string {
  const clean = text
    .toWellFormed()
    .replace(/\r\n?/g, '\n')
    .replace(/(?![\n\t])\p{Cc}/gu, '')
  if (clean.length > MAX_MARKDOWN) return plain(clean)
  try {
    return String(markdown.parse(clean, { async: false })).trim()
  } catch {
    // Thousands of nested quotes exhaust the lexer's stack. A ticket with plain text is better than none.
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
  return url && LINK_PROTOCOLS.includes(url.protocol) ? `<a href="${escaped(url.href)}">${content}</a>` : undefined
}

const entities: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' }

/** Escapes text for HTML, but keeps entities of Markdown. */
function escaped(text: string): string {
  return text.replace(/[<>"']|&(?!(?:#\d{1,7}|#x[\da-f]{1,6}|\w{1,31});)/gi, (sign) => entities[sign] ?? sign)
}
