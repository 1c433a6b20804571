import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { EXTENSION, PACKAGE } from '../project/roots.ts'

/** Entry points of the package that only export from other modules. */
const ENTRIES: Record<string, string> = {
  'cloud-automation-webhooks': 'shared/index',
  'cloud-automation-webhooks/categories': 'functions/index',
}

const IMPORT = /^(import|export)\s*\{([^}]*)\}\s*from\s*['"](cloud-automation-webhooks(?:\/categories)?)['"]/gm
const EXPORT = /^export\s*\{([^}]*)\}\s*from\s*['"]([^'"]+)['"]/gm

const modules = new Map<string, Map<string, string>>()

/**
 * Replaces imports and exports from an entry point of the package with imports from the modules that it exports from. esbuild writes
 * files for all dynamic imports that it can reach, including those of unused exports: here, of all providers.
 */
export function withDirectImports(text: string): string {
  return text.replace(IMPORT, (statement, keyword: string, list: string, entry: string) => {
    const names = namesIn(list)
    const targets = modulesOf(entry)
    if (!names.every(({ name }) => targets.has(name))) return statement
    const imports = names.map(({ name, as }) => {
      const path = JSON.stringify(targets.get(name))
      // esbuild drops unused members only of a namespace that it sees as one.
      return `${keyword} ${name === 'z' ? `* as ${as}` : `{ ${name} as ${as} }`} from ${path}`
    })
    // The numbers of the lines stay the same, for source maps.
    return imports.join(';') + statement.replace(/[^\n]/g, '')
  })
}

/** Returns the paths of the modules that an entry point exports from, by the names of the exports. */
function modulesOf(entry: string): Map<string, string> {
  const known = modules.get(entry)
  if (known) return known
  const file = join(PACKAGE, `${ENTRIES[entry]}${EXTENSION}`)
  const found = new Map<string, string>()
  for (const [, list = '', specifier = ''] of readFileSync(file, 'utf8').matchAll(EXPORT)) {
    const path = specifier.startsWith('.')
      ? join(dirname(file), specifier)
      : fileURLToPath(import.meta.resolve(specifier))
    for (const { name } of namesIn(list)) found.set(name, path)
  }
  modules.set(entry, found)
  return found
}

/** Parses the names of an import or export, without types. */
function namesIn(list: string): { name: string; as: string }[] {
  return list
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '' && !item.startsWith('type '))
    .map((item) => {
      const [name = '', as = name] = item.split(/\s+as\s+/)
      return { name, as }
    })
}
