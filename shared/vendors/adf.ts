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

/** Jira accepts 32,767 characters. For some texts, the time of the lexer grows with the square of the length. */
const MAX_MARKDOWN = 32_000
/** Deeper lists and quotes become text. */
const MAX_DEPTH = 12
const LINK_PROTOCOLS = ['http:', 'https:', 'mailto:']

/**
 * Returns plain text or Markdown as a document. HTML and links with other schemes, which ADF does not support, become text. Line
 * breaks are preserved, because alerts rely on them. Text above Jira's limit is cut.
 *
 * @see https://developer.atlassian.com/cloud/jira/platform/apis/document/structure/
 */
export function toAdf(text: string): AdfDocument {
  const clean = text
    .toWellFormed()
    .replace(/\r\n?/g, '\n')
    .replace(/(?![\n\t])\p{Cc}/gu, '')
  return { type: 'doc', version: 1, content: nonEmpty(parse(clip(clean, MAX_MARKDOWN))) }
}

function parse(text: string): AdfNode[] {
  try {
    return blocks(new Lexer({ gfm: true, breaks: true }).lex(text), 0)
  } catch {
    // Thousands of nested quotes overflow the stack of the lexer.
    return plain(text)
  }
}

function plain(text: string): AdfNode[] {
  return text.split(/\n{2,}/).flatMap((part) => paragraph(words(part.trim(), [])))
}

/**
 * Returns the nodes of block tokens. ADF allows only paragraphs, lists and code in lists and quotes, so other blocks are converted
 * to these.
 *
 * @param depth number of surrounding lists and quotes
 */
function blocks(tokens: Token[], depth: number): AdfNode[] {
  return tokens.flatMap((token) => block(token, depth))
}

function block(token: Token, depth: number): AdfNode[] {
  const isNested = depth > 0
  switch (token.type) {
    case 'space':
      return []
    case 'paragraph':
    case 'text':
      return paragraph(inlines(token.tokens ?? [token], []))
    case 'heading': {
      if (isNested) return paragraph(inlines(token.tokens ?? [], [{ type: 'strong' }]))
      return [{ type: 'heading', attrs: { level: token.depth }, content: inlines(token.tokens ?? [], []) }]
    }
    case 'code':
      return [codeBlock(token as Tokens.Code)]
    case 'hr':
      return isNested ? [] : [{ type: 'rule' }]
    case 'blockquote': {
      if (depth >= MAX_DEPTH) return plain(token.text)
      const content = nonEmpty(blocks(token.tokens ?? [], depth + 1))
      return isNested ? content : [{ type: 'blockquote', content }]
    }
    case 'list':
      return depth >= MAX_DEPTH ? plain(token.raw.trim()) : [list(token as Tokens.List, depth)]
    case 'table':
      return isNested ? rowsAsText(token as Tokens.Table) : [table(token as Tokens.Table)]
    default:
      return plain(token.raw.trim())
  }
}

function list({ ordered, start, items }: Tokens.List, depth: number): AdfNode {
  const content = items.map((item) => {
    const nodes = blocks(withBox(item.tokens), depth + 1)
    // An item must not start with a list.
    const first = nodes[0]?.type
    const content = first === 'paragraph' || first === 'codeBlock' ? nodes : [emptyParagraph(), ...nodes]
    return { type: 'listItem', content }
  })
  if (!ordered) return { type: 'bulletList', content }
  return { type: 'orderedList', attrs: { order: Number(start) || (start === 0 ? 0 : 1) }, content }
}

/** Moves the checkbox of a task, which is a separate block in a tight list, into the text. */
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
    content: cells.map((cell) => ({ type, content: nonEmpty(paragraph(inlines(cell.tokens, []))) })),
  })
  return {
    type: 'table',
    content: [row(header, 'tableHeader'), ...rows.map((cells) => row(cells, 'tableCell'))],
  }
}

function rowsAsText({ header, rows }: Tokens.Table): AdfNode[] {
  return [header, ...rows].flatMap((cells) =>
    paragraph(
      joinTexts(cells.flatMap((cell, index) => [...(index > 0 ? words(' | ', []) : []), ...inlines(cell.tokens, [])])),
    ),
  )
}

function inlines(tokens: Token[], marks: AdfMark[]): AdfNode[] {
  return joinTexts(tokens.flatMap((token) => inline(token, marks)))
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
      // ADF allows code to be combined only with a link.
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

/** Adds a text mark unless its type is present, so the outer of two links wins. */
function withMark(marks: AdfMark[], mark: AdfMark): AdfMark[] {
  return marks.some(({ type }) => type === mark.type) ? marks : [...marks, mark]
}

function address(href: string): string | undefined {
  const url = URL.parse(href)
  return url && LINK_PROTOCOLS.includes(url.protocol) ? url.href : undefined
}

function words(text: string, marks: AdfMark[]): AdfNode[] {
  return text
    .split('\n')
    .flatMap((line, index): AdfNode[] => [
      ...(index > 0 ? [{ type: 'hardBreak' }] : []),
      ...(line ? [{ type: 'text', text: line, ...(marks.length > 0 ? { marks } : {}) }] : []),
    ])
}

/** Joins adjacent texts, which the lexer splits at HTML. */
function joinTexts(nodes: AdfNode[]): AdfNode[] {
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

/** Only paragraphs may be empty. */
function nonEmpty(content: AdfNode[]): AdfNode[] {
  return content.length > 0 ? content : [emptyParagraph()]
}
