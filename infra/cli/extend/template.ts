import { readFileSync } from 'node:fs'
import { dirname, join, posix, relative } from 'node:path'
import { PACKAGE } from '../../project/roots.ts'
import { UsageError } from '../../project/usage-error.ts'
import type { Name } from './names.ts'
import { withPackageImports } from './package-imports.ts'

/** Every template is built and tested. */
const FOLDER = 'test/templates'

/** A file of a template and its destination, relative to the root. */
export type Move = readonly [template: string, to: string]

/** Returns the path of a file of a template. */
export function templateFile(kind: string, file: string): string {
  return `${FOLDER}/${kind}/${file}`
}

/** Returns the files of a provider: a folder with what is shipped, and a folder with what proves it. */
export function filesOfProvider(kind: string, category: string, { kebab }: Name): Move[] {
  const tests = `test/functions/${category}/${kebab}`
  return [
    [templateFile(kind, 'provider.ts'), `functions/${category}/${kebab}/${kebab}.ts`],
    [templateFile(kind, 'fake.ts'), `${tests}/fake.ts`],
    [templateFile(kind, 'provider.test.ts'), `${tests}/${kebab}.test.ts`],
  ]
}

/**
 * Returns the files of a template with another name and adapted imports.
 *
 * @param place an application imports from the package
 * @returns the texts by their destinations
 * @throws UsageError if the code already uses the name
 */
export function instantiate(
  moves: readonly Move[],
  name: Name,
  place: 'checkout' | 'application' = 'checkout',
): [path: string, text: string][] {
  const goes = new Map<string, string>(moves)
  return moves.map(([from, to]) => {
    const text = readFileSync(join(PACKAGE, from), 'utf8')
    if (name.camel !== 'acme' && new RegExp(`\\b${name.camel}\\b`).test(text))
      throw new UsageError(
        `The code already uses the name ${name.kebab}. Choose another name, such as ${name.kebab}-cloud.`,
      )
    if (to.endsWith('.md')) return [to, renamed(text, name, true)]
    const code = renamed(text, name, false)
    return [to, relocated(place === 'application' ? withPackageImports(code, from) : code, from, to, goes)]
  })
}

/** Adapts the imports to the new folder. Other files of the template move along. */
function relocated(text: string, from: string, to: string, goes: ReadonlyMap<string, string>): string {
  return text.replace(/(from |import\()'(\.[^']+)'/g, (_, how: string, path: string) => {
    const target = posix.join(dirname(from), path)
    const there = relative(dirname(to), goes.get(target) ?? target)
    return `${how}'${there.startsWith('.') ? there : `./${there}`}'`
  })
}

/** One expression for all spellings, because a new name may contain the old one. */
const PLACEHOLDERS = /(?<=[a-z])Acme|\b[Aa]cme(?=[A-Z])|\b[Aa]cme\b(?:\.example\b)?|'sample'|\bconst sample\b/g

/** Replaces the name in the spelling of its place: prose, hosts, constants or types. */
function renamed(text: string, { kebab, camel, pascal, title }: Name, prose: boolean): string {
  return text.replace(PLACEHOLDERS, (found, at: number) => {
    if (found === "'sample'") return `'${kebab}'`
    if (found === 'const sample') return `const ${camel}`
    if (found === 'acme.example') return `${kebab}.example`
    if (found === 'acme') return prose || text.charAt(at + found.length) === '-' ? kebab : camel
    return /\w/.test(text.charAt(at - 1) + text.charAt(at + found.length)) ? pascal : title
  })
}
