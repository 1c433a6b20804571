import { Lexer, type Token, type Tokens } from 'marked'
import { clip } from '../text/plain-text.ts'

/** A node of the Atlassian Document Format. */
export interface AdfNode {
  type: string
  attrs?: Record<string, string | number>
  content?: AdfNode[]
  text?: string
  marks?: AdfMark[]
}

interface AdfMark {
  type: 'strong' | 'em' | 'strike' | 'code' | 'link'
  attrs?: { href: string }
}

export interface AdfDocument extends AdfNode {
  type: 'doc'
  version: 1
  content: AdfNode[]
}

/** Jira takes 32,767 characters, and the lexer's time grows with the square of some texts. */
const mostMarkdown = 32_000
/** Deeper lists and quotes than this are shown as text. */
const deepest = 12
const linkable = ['http:', 'https:', 'mailto:']

/**
 * Plain text or Markdown as a document that Jira takes: what ADF can not hold (HTML, links with other schemes) is shown as
 * text, and a line break stays one, since alerts are written so. What Jira has no room for is cut.
 *
 * @see https://developer.atlassian.com/cloud/jira/platform/apis/document/structure/
 */
export function toAdf(text: string): AdfDocument {
  const clean = text
    .toWellFormed()
    .replace(/\r\n?/g, '\n')
    .replace(/(?![\n\t])\p{Cc}/gu, '')
  return { type: 'doc', version: 1, content: filled(parsed(clip(clean, mostMarkdown))) }
}

function parsed(text: string): AdfNode[] {
  try {
    return blocks(new Lexer({ gfm: true, breaks: true }).lex(text), 0)
  } catch {
    // Thousands of nested quotes are too deep for the lexer's stack; a ticket with bare text is better than none.
    return plain(text)
  }
}

function plain(text: string): AdfNode[] {
  return text.split(/\n{2,}/).flatMap((part) => paragraph(words(part.trim(), [])))
}

/**
 * @param depth of lists and quotes around; inside of them ADF allows only paragraphs, lists and code, so the rest becomes
 *   the nearest of these
 */
function blocks(tokens: Token[], depth: number): AdfNode[] {
  return tokens.flatMap((token) => block(token, depth))
}

function block(token: Token, depth: number): AdfNode[] {
  const nested = depth > 0
  switch (token.type) {
    case 'space':
      return []
    case 'paragraph':
    case 'text':
      return paragraph(inlines(token.tokens ?? [token], []))
    case 'heading': {
      if (nested) return paragraph(inlines(token.tokens ?? [], [{ type: 'strong' }]))
      return [{ type: 'heading', attrs: { level: token.depth }, content: inlines(token.tokens ?? [], []) }]
    }
    case 'code':
      return [codeBlock(token as Tokens.Code)]
    case 'hr':
      return nested ? [] : [{ type: 'rule' }]
    case 'blockquote': {
      if (depth >= deepest) return plain(token.text)
      const content = filled(blocks(token.tokens ?? [], depth + 1))
      return nested ? content : [{ type: 'blockquote', content }]
    }
    case 'list':
      return depth >= deepest ? plain(token.raw.trim()) : [list(token as Tokens.List, depth)]
    case 'table':
      return nested ? rowsAsText(token as Tokens.Table) : [table(token as Tokens.Table)]
    default:
      return plain(token.raw.trim())
  }
}

function list({ ordered, start, items }: Tokens.List, depth: number): AdfNode {
  const content = items.map((item) => {
    const held = blocks(withBox(item.tokens), depth + 1)
    // An item must not begin with a list.
    const first = held[0]?.type
    const content = first === 'paragraph' || first === 'codeBlock' ? held : [emptyParagraph(), ...held]
    return { type: 'listItem', content }
  })
  if (!ordered) return { type: 'bulletList', content }
  return { type: 'orderedList', attrs: { order: Number(start) || (start === 0 ? 0 : 1) }, content }
}

/** The box of a task is a block of its own in a tight list: it goes in front of the text. */
function withBox([box, text, ...rest]: Token[]): Token[] {
  if (box?.type !== 'checkbox' || text?.type !== 'text')
    return [box, text, ...rest].filter((token) => token !== undefined)
  return [{ ...text, tokens: [box, ...(text.tokens ?? [])] }, ...rest]
}

function codeBlock({ text, lang }: Tokens.Code): AdfNode {
  const language = /^[\w+#.-]+/.exec(lang ?? '')?.[0]
  return {
    type: 'codeBlock',
    ...(language ? { attrs: { language } } : {}),
    ...(text ? { content: [{ type: 'text', text }] } : {}),
  }
}

function table({ header, rows }: Tokens.Table): AdfNode {
  const row = (cells: Tokens.TableCell[], type: string): AdfNode => ({
    type: 'tableRow',
    content: cells.map((cell) => ({ type, content: filled(paragraph(inlines(cell.tokens, []))) })),
  })
  return {
    type: 'table',
    content: [row(header, 'tableHeader'), ...rows.map((cells) => row(cells, 'tableCell'))],
  }
}

function rowsAsText({ header, rows }: Tokens.Table): AdfNode[] {
  return [header, ...rows].flatMap((cells) =>
    paragraph(joined(cells.flatMap((cell, at) => [...(at > 0 ? words(' | ', []) : []), ...inlines(cell.tokens, [])]))),
  )
}

function inlines(tokens: Token[], marks: AdfMark[]): AdfNode[] {
  return joined(tokens.flatMap((token) => inline(token, marks)))
}

function inline(token: Token, marks: AdfMark[]): AdfNode[] {
  switch (token.type) {
    case 'text':
    case 'escape':
      return token.type === 'text' && token.tokens ? inlines(token.tokens, marks) : words(token.text, marks)
    case 'strong':
      return inlines(token.tokens ?? [], withMark(marks, { type: 'strong' }))
    case 'em':
      return inlines(token.tokens ?? [], withMark(marks, { type: 'em' }))
    case 'del':
      return inlines(token.tokens ?? [], withMark(marks, { type: 'strike' }))
    case 'codespan':
      // Code goes with a link, with nothing else.
      return words(token.text, [...marks.filter(({ type }) => type === 'link'), { type: 'code' }])
    case 'br':
      return [{ type: 'hardBreak' }]
    case 'link': {
      const href = address(token.href)
      return href
        ? inlines(token.tokens ?? [], withMark(marks, { type: 'link', attrs: { href } }))
        : words(token.raw, marks)
    }
    case 'image': {
      const href = address(token.href)
      return href
        ? words(token.text || href, withMark(marks, { type: 'link', attrs: { href } }))
        : words(token.raw, marks)
    }
    default:
      return words(token.raw, marks)
  }
}

/** Each mark once: the outer of two links counts. */
function withMark(marks: AdfMark[], mark: AdfMark): AdfMark[] {
  return marks.some(({ type }) => type === mark.type) ? marks : [...marks, mark]
}

function address(href: string): string | undefined {
  const url = URL.parse(href)
  return url && linkable.includes(url.protocol) ? url.href : undefined
}

function words(text: string, marks: AdfMark[]): AdfNode[] {
  return text
    .split('\n')
    .flatMap((line, at): AdfNode[] => [
      ...(at > 0 ? [{ type: 'hardBreak' }] : []),
      ...(line ? [{ type: 'text', text: line, ...(marks.length > 0 ? { marks } : {}) }] : []),
    ])
}

/** The lexer cuts text where HTML begins; it is one text here. */
function joined(nodes: AdfNode[]): AdfNode[] {
  const result: AdfNode[] = []
  for (const node of nodes) {
    const last = result.at(-1)
    if (last?.type === 'text' && node.type === 'text' && JSON.stringify(last.marks) === JSON.stringify(node.marks)) {
      result[result.length - 1] = { ...last, text: `${last.text}${node.text}` }
    } else result.push(node)
  }
  return result
}

function paragraph(content: AdfNode[]): AdfNode[] {
  return content.length > 0 ? [{ type: 'paragraph', content }] : []
}

function emptyParagraph(): AdfNode {
  return { type: 'paragraph', content: [] }
}

/** Nothing may be empty but a paragraph. */
function filled(content: AdfNode[]): AdfNode[] {
  return content.length > 0 ? content : [emptyParagraph()]
}
