/** An item of the model that API Extractor writes, as far as a page shows it. */
export interface ApiItem {
  kind: string
  name?: string
  /** The comment, with its delimiters. */
  docComment?: string
  /** The parts of the declaration. */
  excerptTokens?: readonly { text: string }[]
  members?: readonly ApiItem[]
  /** Contains `!~` if the item is not exported, but used by others. */
  canonicalReference?: string
}

const SECTIONS: readonly (readonly [string, readonly string[]])[] = [
  ['Functions', ['Function']],
  ['Classes', ['Class']],
  ['Types', ['Interface', 'TypeAlias', 'Enum']],
  ['Constants', ['Variable']],
  ['Namespaces', ['Namespace']],
]

/** Items that a page shows even if they are not exported. */
const USED = ['Class', 'Interface', 'TypeAlias']

/**
 * Returns the reference page of an entry point of the package.
 *
 * @param model a package with one entry point
 * @param entry the import of an application: `cloud-automation-webhooks/testing`
 * @param documented names on the pages before. Gets those of this page
 */
export function apiPage(model: ApiItem, entry: string, documented: Set<string>): string {
  const items = model.members?.flatMap(({ members = [] }) => members) ?? []
  const exported = items.filter(({ canonicalReference = '' }) => !canonicalReference.includes('!~'))
  const sections = SECTIONS.flatMap(([title, kinds]) =>
    section(
      title,
      exported.filter(({ kind }) => kinds.includes(kind)),
    ),
  )
  const used = items.filter(
    (item) => !exported.includes(item) && USED.includes(item.kind) && !documented.has(item.name ?? ''),
  )
  for (const { name = '' } of [...exported, ...used]) documented.add(name)
  const { text } = readComment(model)
  const head = `\`npm run api\` generates this page from the sources. Everything else is internal and can change at any time.`
  return `${[`# ${entry}`, text, head, ...sections, ...section('Types that are not exported', used)].filter(Boolean).join('\n\n')}\n`
}

function section(title: string, items: readonly ApiItem[]): string[] {
  return items.length === 0 ? [] : [`## ${title}`, ...items.flatMap(describe)]
}

function describe(item: ApiItem): string[] {
  const { text, tags } = readComment(item)
  const lines = tags.map(({ tag, text }) => {
    const [, name, description] = /^(\S+)\s+(?:-\s+)?([\s\S]*)$/.exec(text) ?? []
    return tag === 'param' || tag === 'typeParam' ? `- \`${name}\`: ${description}` : `- ${TAG_TITLES[tag]} ${text}`
  })
  return [`### \`${item.name}\``, text, lines.join('\n'), `\`\`\`ts\n${declarationOf(item)}\n\`\`\``].filter(Boolean)
}

const TAG_TITLES: Record<string, string> = {
  returns: 'Returns',
  throws: 'Throws',
  see: 'See',
  deprecated: 'Deprecated:',
}

/** Returns the declaration with the comments of its members. */
function declarationOf(item: ApiItem): string {
  const text = (item.excerptTokens ?? []).map(({ text }) => text).join('')
  const head = text
    .replace(/^export /, '')
    .replace(/^declare /, '')
    .replaceAll(/import\("zod\/mini"\)\./g, 'z.')
    .replaceAll(/import\("[^"]+"\)\./g, '')
    .replaceAll(INDENTATION, halve)
    .trim()
  if (item.kind === 'Variable') return `const ${head}`
  if (!item.members) return head
  const members = item.members.map((member) => {
    const code = declarationOf(member).replaceAll(/^ {2}/gm, '')
    return [memberComment(member), code]
      .filter(Boolean)
      .join('\n')
      .replaceAll(/^(?=.)/gm, '  ')
  })
  return members.length === 0 ? `${head} {}` : `${head} {\n${members.join('\n')}\n}`
}

/** TypeScript indents by four spaces. */
const INDENTATION = /^(?: {4})+/gm
const halve = (spaces: string) => spaces.slice(spaces.length / 2)

function memberComment({ kind, docComment = '' }: ApiItem): string {
  // API Extractor writes a comment for constructors that have none.
  if (kind === 'Constructor') return ''
  const comment = docComment.trim().replaceAll(/(@\w+)\n \*\n \* /g, '$1 ')
  return comment.replace(/^\/\*\*\n \* (.*)\n \*\/$/, '/** $1 */')
}

interface Comment {
  text: string
  tags: { tag: string; text: string }[]
}

function readComment({ docComment = '' }: ApiItem): Comment {
  const plain = docComment
    .replaceAll(/^\/\*\*|\s*\*\/\s*$/g, '')
    .replaceAll(/^ \* ?/gm, '')
    .trim()
  const [text = '', ...tags] = plain.split(/^@(?=\w)/m).map((part) => inMarkdown(part.trim()))
  return {
    text,
    tags: tags.flatMap((part) => {
      const [, tag = '', rest = ''] = /^(\w+)\s*([\s\S]*)$/.exec(part) ?? []
      return tag === 'param' || tag === 'typeParam' || tag in TAG_TITLES ? [{ tag, text: singleParagraph(rest) }] : []
    }),
  }
}

/** A link becomes code, and a placeholder such as `<host>` must not become an element. */
function inMarkdown(text: string): string {
  return text
    .replaceAll(/\{@link ([^}|]+)(?:\|[^}]*)?\}/g, (_, name: string) => `\`${name.trim()}\``)
    .replaceAll(/`[^`]*`|</g, (found) => (found === '<' ? '\\<' : found))
}

function singleParagraph(text: string): string {
  return text.replaceAll(/\s*\n\s*/g, ' ').trim()
}
