import { readFileSync } from 'node:fs'
import { dirname, join, posix, relative } from 'node:path'
import { UsageError } from '../usage-error.ts'
import { root } from './changes.ts'
import type { Name } from './names.ts'

/** Where the templates are: each is built and tested as it stands. */
const templates = 'test/templates'

/** A file of a template, and where it goes; both below the root. */
export type Move = readonly [template: string, to: string]

/** The path of a file of a template. */
export function templateFile(shape: string, file: string): string {
  return `${templates}/${shape}/${file}`
}

/**
 * The files of a template with another name, each with its imports as they are from where it goes.
 *
 * @returns the texts, by where they go
 * @throws UsageError where their code uses the name for something else
 */
export function instantiate(moves: readonly Move[], name: Name): [path: string, text: string][] {
  const goes = new Map<string, string>(moves)
  return moves.map(([from, to]) => {
    const text = readFileSync(join(root, from), 'utf8')
    if (name.camel !== 'acme' && new RegExp(`\\b${name.camel}\\b`).test(text))
      throw new UsageError(`${name.kebab} is a word of the code: choose another name, such as ${name.kebab}-cloud.`)
    return [to, to.endsWith('.md') ? renamed(text, name, true) : relocated(renamed(text, name, false), from, to, goes)]
  })
}

/** Imports of files that come along lead to where they go, all others to where they were. */
function relocated(text: string, from: string, to: string, goes: ReadonlyMap<string, string>): string {
  return text.replace(/(from |import\()'(\.[^']+)'/g, (_, how: string, path: string) => {
    const target = posix.join(dirname(from), path)
    const there = relative(dirname(to), goes.get(target) ?? target)
    return `${how}'${there.startsWith('.') ? there : `./${there}`}'`
  })
}

/** In one go: what a name becomes may hold the name that it replaces. */
const places = /(?<=[a-z])Acme|\bAcme(?=[A-Z])|\b[Aa]cme\b(?:\.example\b)?|'sample'|\bconst sample\b/g

/** In prose, in texts and in hosts a name is written otherwise than as a constant or in a type. */
function renamed(text: string, { kebab, camel, pascal, title }: Name, prose: boolean): string {
  return text.replace(places, (found, at: number) => {
    if (found === "'sample'") return `'${kebab}'`
    if (found === 'const sample') return `const ${camel}`
    if (found === 'acme.example') return `${kebab}.example`
    if (found === 'acme') return prose || text.charAt(at + found.length) === '-' ? kebab : camel
    return /\w/.test(text.charAt(at - 1) + text.charAt(at + found.length)) ? pascal : title
  })
}
