import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseSync } from '@swc/core'

const root = join(import.meta.dirname, '../..')

/** Returns the test files to which the cell of a table links, without `.test.ts`. */
export function filesIn(cell: string): string[] {
  return [...cell.matchAll(/\.\.\/test\/([\w/-]+)\.test\.ts/g)].map(([, file = '']) => file)
}

/** Returns the file, the groups and the name of each test. A line with more indentation continues the one before. */
export function pathsOf(tests: string): string[][] {
  const lines = tests.trim().split(/\n {4}(?=\S)/)
  return lines.map((line) => line.replaceAll(/\s+/g, ' ').split(' > '))
}

/** Returns the files of the tests. */
export function filesOf(tests: string): string[] {
  return [...new Set(pathsOf(tests).map(([file = '']) => file))]
}

type Node = { type?: string; callee?: unknown; arguments?: { expression: unknown }[]; value?: unknown }

/** Returns the name in a call of `test`, `it`, `itInBrowser` or `describe`, including `test.each(..)(..)`. */
function nameOf({ type, callee, arguments: args }: Node): string | undefined {
  if (type !== 'CallExpression' || !['test', 'it', 'itInBrowser', 'describe'].includes(rootOf(callee))) return undefined
  const { type: kind, value } = (args?.[0]?.expression ?? {}) as Node
  return kind === 'StringLiteral' ? String(value) : undefined
}

function rootOf(callee: unknown): string {
  const { type, value, object, callee: inner } = callee as Node & { object?: unknown }
  if (type === 'Identifier') return String(value)
  return type === 'MemberExpression' ? rootOf(object) : type === 'CallExpression' ? rootOf(inner) : ''
}

/** Whether a call of a test or a group has `.skip` or `.todo`. */
function isSkipped(callee: unknown): boolean {
  const { type, object, property, callee: inner } = callee as Node & { object?: unknown; property?: Node }
  if (type === 'MemberExpression') return ['skip', 'todo'].includes(String(property?.value)) || isSkipped(object)
  return type === 'CallExpression' && isSkipped(inner)
}

/** Returns the names of all tests and groups in a file that run, each after those of its groups. */
export function namesIn(file: string): string[][] {
  return namesOf(readFileSync(join(root, file), 'utf8'))
}

/** Returns these names for the source of a file. */
export function namesOf(source: string): string[][] {
  const found: string[][] = []
  const visit = (node: unknown, groups: string[]): void => {
    if (node === null || typeof node !== 'object') return
    const name = nameOf(node as Node)
    if (name !== undefined && isSkipped((node as Node).callee)) return
    const path = name === undefined ? groups : [...groups, name]
    if (name !== undefined) found.push(path)
    for (const child of Object.values(node)) visit(child, path)
  }
  visit(parseSync(source, { syntax: 'typescript', target: 'es2024' }), [])
  return found
}
