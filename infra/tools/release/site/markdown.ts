import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { addressOf } from './addresses.ts'
import { siteLink } from './links.ts'
import { type Section, titleOf } from './navigation.ts'

const CODE_BLOCK = /^(?:```|~~~)[\s\S]*?^(?:```|~~~)$/gm

/** Settings of the build that links depend on. */
export interface SiteSettings {
  /** Folder with the sources. */
  root: string
  /** Path of the site on its server, with slashes at both ends. */
  base: string
  /** URL of the repository, for links to files that are not pages; undefined if it is unknown. */
  repository?: string | undefined
}

/** Returns the pages of the site as Markdown for programs that read, and `llms.txt`, which lists them, by path. */
export function markdownPages(sections: readonly Section[], settings: SiteSettings): Map<string, string> {
  const index = llmsText(sections, settings)
  const pages = sections.flatMap(({ sources }) => sources.map((source) => [pathOf(source), pageOf(source, settings)]))
  return new Map([['llms.txt', index], ['index.md', index], ...(pages as [string, string][])])
}

/** Returns the list of the pages in the form of llmstxt.org. */
function llmsText(sections: readonly Section[], { root, base }: SiteSettings): string {
  const [intro = ''] = paragraphsOf(root, 'README.md')
  const lists = sections.map(({ title, sources }) => {
    const items = sources.map((source) => {
      const [first = ''] = paragraphsOf(root, source)
      const description = first.split(/(?<=\.)\s/, 1)[0]?.replace(/:$/, '.')
      return `- [${titleOf(root, source)}](${base}${pathOf(source)})${description ? `: ${description}` : ''}`
    })
    return `## ${title}\n\n${items.join('\n')}\n`
  })
  return `# cloud-automation-webhooks\n\n> ${intro}\n\n${lists.join('\n')}`
}

/** Returns the source of a page, in which links lead to the Markdown of other pages. */
function pageOf(source: string, settings: SiteSettings): string {
  const text = readFileSync(join(settings.root, source), 'utf8')
  return eachProse(text, (prose) =>
    prose.replaceAll(/(!?)\[((?:[^[\]]|\[[^\]]*\])*)\]\(([^)\s]+)\)/g, (all, image, label, target) => {
      const link = siteLink(settings.root, source, target, settings.repository)
      if (link === undefined) return label
      if (!link.startsWith('/')) return all.replace(`(${target})`, `(${link})`)
      const [path = '', hash] = link.slice(1).split('#')
      const file = path === '' || path.endsWith('/') ? `${path}index.md` : `${path}.md`
      return `${image}[${label}](${settings.base}${file}${hash === undefined ? '' : `#${hash}`})`
    }),
  )
}

/** Changes the parts of a text that are not code. */
function eachProse(text: string, change: (prose: string) => string): string {
  const code = text.match(CODE_BLOCK) ?? []
  return text
    .split(CODE_BLOCK)
    .map((prose, index) => change(prose) + (code[index] ?? ''))
    .join('')
}

/** Returns the paragraphs of a page below its title, without links and line breaks. */
function paragraphsOf(root: string, source: string): string[] {
  const [, text = ''] = /^# .*\n([\s\S]*)/m.exec(readFileSync(join(root, source), 'utf8')) ?? []
  return text
    .replaceAll(CODE_BLOCK, '')
    .split(/\n{2,}/)
    .map((paragraph) => paragraph.trim())
    .filter((paragraph) => /^[\p{L}*`[]/u.test(paragraph))
    .map((paragraph) => paragraph.replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1').replaceAll(/\s+/g, ' '))
}

/** Returns the path of the Markdown of a page. */
function pathOf(source: string): string {
  return `${addressOf(source)}.md`
}
