import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

const TYPES = /^(?:import|export) type /
const IMPORT = /^(?:import|export)\s(?:[^'"`;=()]*?\sfrom\s)?['"]([^'"]+)['"]|\bimport\(['"]([^'"]+)['"]\)/gm

export interface Reachable {
  files: Set<string>
  /** Packages that they import. */
  packages: Set<string>
}

/**
 * Finds the files that some files import, directly or through others.
 *
 * @param extension `.js` or `.ts`, or `.d.ts` to follow the imports of declarations
 */
export function reachableFrom(entries: readonly string[], extension: '.js' | '.d.ts' | '.ts'): Reachable {
  const files = new Set<string>()
  const packages = new Set<string>()
  const queue = [...entries]
  for (let file = queue.pop(); file !== undefined; file = queue.pop()) {
    if (files.has(file)) continue
    files.add(file)
    for (const [statement, fixed, loaded] of readFileSync(file, 'utf8').matchAll(IMPORT)) {
      // Node.js erases it.
      if (extension !== '.d.ts' && TYPES.test(statement)) continue
      const specifier = fixed ?? loaded ?? ''
      if (!specifier.startsWith('.')) addPackage(packages, specifier)
      // An import in the template of a generated module has a placeholder as its path.
      else if (!specifier.includes('$')) {
        const target = join(dirname(file), specifier).replace(/\.[jt]s$/, extension)
        if (existsSync(target)) queue.push(target)
      }
    }
  }
  return { files, packages }
}

function addPackage(packages: Set<string>, specifier: string): void {
  const name = /^(?:@[a-z][\w.-]*\/)?[a-z][\w.-]*(?=$|\/)/.exec(specifier)?.[0]
  if (name !== undefined && !specifier.includes('$')) packages.add(name)
}
