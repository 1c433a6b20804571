type Node = Record<string, unknown>

const inline = ['text', 'hardBreak']
const nested = ['paragraph', 'bulletList', 'orderedList', 'codeBlock']
const block = [...nested, 'heading', 'blockquote', 'rule', 'table']

/** The allowed children of each node type. `first` lists the types that the first child must have. */
const holds: Record<string, { of: string[]; least: number; first?: string[] }> = {
  doc: { of: block, least: 0 },
  paragraph: { of: inline, least: 0 },
  heading: { of: inline, least: 0 },
  blockquote: { of: nested, least: 1 },
  bulletList: { of: ['listItem'], least: 1 },
  orderedList: { of: ['listItem'], least: 1 },
  listItem: { of: nested, least: 1, first: ['paragraph', 'codeBlock'] },
  codeBlock: { of: ['text'], least: 0 },
  table: { of: ['tableRow'], least: 1 },
  tableRow: { of: ['tableCell', 'tableHeader'], least: 1 },
  tableCell: { of: [...nested, 'heading', 'blockquote', 'rule'], least: 1 },
  tableHeader: { of: [...nested, 'heading', 'blockquote', 'rule'], least: 1 },
}

/**
 * Returns the errors that Jira reports for a document.
 *
 * @see https://developer.atlassian.com/cloud/jira/platform/apis/document/structure/
 */
export function adfErrors(document: unknown): string[] {
  if (!isNode(document) || document['type'] !== 'doc') return ['must be a doc node']
  const errors = document['version'] === 1 ? [] : ['its version is not 1']
  return [...errors, ...inside(document, 'doc', false)]
}

function inside(node: Node, path: string, inCode: boolean): string[] {
  const type = String(node['type'])
  const attrs = (node['attrs'] ?? {}) as Node
  if (type === 'text') return textErrors(node, path, inCode)
  const unknown = Object.keys(node).filter((name) => !['type', 'attrs', 'content', 'version'].includes(name))
  const errors = unknown.map((name) => `${path}.${name} is unknown`)
  if (type === 'heading' && !(Number(attrs['level']) >= 1 && Number(attrs['level']) <= 6)) errors.push(`${path}: level`)
  if (type === 'orderedList' && !(Number.isInteger(attrs['order']) && Number(attrs['order']) >= 0)) {
    errors.push(`${path}: order`)
  }
  if (type === 'codeBlock' && attrs['language'] !== undefined && typeof attrs['language'] !== 'string') {
    errors.push(`${path}: language`)
  }
  const rule = holds[type]
  const content = node['content']
  if (!rule) return [...errors, ...(content === undefined ? [] : [`${path}: ${type} holds nothing`])]
  if (content !== undefined && !Array.isArray(content)) return [...errors, `${path}.content must be a list`]
  const children = (content ?? []) as unknown[]
  if (children.length < rule.least) errors.push(`${path}: ${type} is empty`)
  return [
    ...errors,
    ...children.flatMap((child, at) => {
      const here = `${path}.${at}`
      if (!isNode(child)) return [`${here} must be a node`]
      const allowed = at === 0 && rule.first ? rule.first : rule.of
      if (!allowed.includes(String(child['type']))) return [`${here}: ${String(child['type'])} in ${type}`]
      return inside(child, `${here}(${String(child['type'])})`, type === 'codeBlock')
    }),
  ]
}

function textErrors(node: Node, path: string, inCode: boolean): string[] {
  const { text, marks = [] } = node as { text?: unknown; marks?: { type: string; attrs?: { href?: unknown } }[] }
  if (typeof text !== 'string' || text === '') return [`${path} has no text`]
  const errors: string[] = text.isWellFormed() ? [] : [`${path} holds half a character`]
  const types = marks.map(({ type }) => type)
  if (inCode && types.length > 0) errors.push(`${path}: marks in a code block`)
  if (new Set(types).size < types.length) errors.push(`${path}: the same mark twice`)
  for (const { type, attrs } of marks) {
    if (!['strong', 'em', 'strike', 'code', 'link'].includes(type)) errors.push(`${path}: mark ${type}`)
    if (type === 'link' && !/^(?:https?|mailto):/.test(String(attrs?.href)))
      errors.push(`${path}: link to ${attrs?.href}`)
  }
  if (types.includes('code') && types.some((type) => type !== 'code' && type !== 'link')) {
    errors.push(`${path}: code with ${types.join()}`)
  }
  return errors
}

function isNode(value: unknown): value is Node {
  return value !== null && typeof value === 'object' && !Array.isArray(value) && 'type' in value
}

/** The text of a document, each block on a line of its own. */
export function adfText(node: unknown): string {
  if (!isNode(node)) return ''
  if (node['type'] === 'text') return String(node['text'])
  if (node['type'] === 'hardBreak') return '\n'
  const children = Array.isArray(node['content']) ? node['content'] : []
  return children.map(adfText).join(inline.includes(String(children[0]?.type)) ? '' : '\n')
}
