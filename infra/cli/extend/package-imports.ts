import { dirname, posix } from 'node:path'

/** Entry points of the package, by the start of the paths of their modules in the checkout. */
const ENTRIES: [path: string, entry: string][] = [
  ['shared/', 'cloud-automation-webhooks'],
  ['zod/mini', 'cloud-automation-webhooks'],
  ['functions/', 'cloud-automation-webhooks/categories'],
  ['@jest/globals', 'cloud-automation-webhooks/testing'],
  ['infra/testing/', 'cloud-automation-webhooks/testing'],
  ['test/conformance/', 'cloud-automation-webhooks/testing'],
  ['test/functions/', 'cloud-automation-webhooks/testing'],
]
const IMPORT = /^import (?:(type )?\{([^}]*)\}|\* as (z)) from '([^']+)'\n/gm
const EXPORT = /^(export \{[^}]*\} from )'([^']+)'/gm
const MAX_LINE = 120

/**
 * Replaces the imports from the checkout with imports from the package.
 *
 * @param from path of the file in the checkout
 */
export function withPackageImports(text: string, from: string): string {
  const entryAt = (path: string) => entryOf(path.startsWith('.') ? posix.join(dirname(from), path) : path)
  const names = new Map<string, Set<string>>()
  const withoutImports = text.replace(IMPORT, (statement, type = '', list = '', namespace = '', path = '') => {
    const entry = entryAt(path)
    if (entry === undefined) return statement
    const found = names.get(entry) ?? new Set()
    names.set(entry, found)
    const items: string[] = `${list}${namespace}`.split(',').map((item) => item.trim())
    for (const item of items.filter(Boolean)) found.add(type + item)
    return ''
  })
  const code = withoutImports.replace(EXPORT, (statement, start: string, path: string) => {
    const entry = entryAt(path)
    return entry === undefined ? statement : `${start}'${entry}'`
  })
  const sorted = [...names].sort(([a], [b]) => (a < b ? -1 : 1))
  return sorted.map(([entry, found]) => statementOf(entry, [...found])).join('') + code
}

function entryOf(path: string): string | undefined {
  return ENTRIES.find(([start]) => path.startsWith(start))?.[1]
}

function statementOf(entry: string, names: string[]): string {
  const bare = (name: string) => name.replace('type ', '').toLowerCase()
  names.sort((a, b) => (bare(a) < bare(b) ? -1 : 1))
  const line = `import { ${names.join(', ')} } from '${entry}'\n`
  return line.length <= MAX_LINE ? line : `import {\n${names.map((name) => `  ${name},\n`).join('')}} from '${entry}'\n`
}
