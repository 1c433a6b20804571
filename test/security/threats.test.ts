import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from '@jest/globals'
import { parseSync } from '@swc/core'

const root = join(import.meta.dirname, '../..')
const document = readFileSync(join(root, 'docs/security.md'), 'utf8')
const section = /^## Threats\n(.*?)^## /ms.exec(document)?.[1] ?? ''

/** Each row: the threat, what stops it, and its tests as a file and the names that lead to it. */
const rows = section
  .split('\n')
  .filter((line) => line.startsWith('| **'))
  .map((line) => {
    const [, threat = '', , tests = ''] = line.split(/(?<!\\)\|/).map((cell) => cell.trim())
    return { threat: /\*\*(.+?)\*\*/.exec(threat)?.[1] ?? '', tests: tests.split('<br>').map(read) }
  })

function read(text: string): { file: string; names: string[] } {
  const [, file = '', names = ''] = /^`(test\/[\w./-]+\.test\.ts)`: (.+)$/.exec(text) ?? []
  return { file, names: names.split(' › ') }
}

type Node = { type?: string; callee?: unknown; arguments?: { expression: unknown }[]; value?: unknown }

/** What a call of `test`, `it` or `describe` is named, also of `test.each(..)(..)`. */
function nameOf({ type, callee, arguments: given }: Node): string | undefined {
  if (type !== 'CallExpression' || !['test', 'it', 'describe'].includes(rootOf(callee))) return undefined
  const { type: kind, value } = (given?.[0]?.expression ?? {}) as Node
  return kind === 'StringLiteral' ? String(value) : undefined
}

function rootOf(callee: unknown): string {
  const { type, value, object, callee: inner } = callee as Node & { object?: unknown }
  if (type === 'Identifier') return String(value)
  return type === 'MemberExpression' ? rootOf(object) : type === 'CallExpression' ? rootOf(inner) : ''
}

/** The names of all tests and groups of a file, each with those of the groups around it. */
function namesIn(file: string): string[][] {
  const found: string[][] = []
  const visit = (node: unknown, around: string[]): void => {
    if (node === null || typeof node !== 'object') return
    const name = nameOf(node as Node)
    const here = name === undefined ? around : [...around, name]
    if (name !== undefined) found.push(here)
    for (const held of Object.values(node)) visit(held, here)
  }
  visit(parseSync(readFileSync(join(root, file), 'utf8'), { syntax: 'typescript', target: 'es2024' }), [])
  return found
}

test('every threat that is known has a row', () => {
  const known = [
    ...[
      'Forged token',
      'Timing',
      'Forged click or link',
      'Guessing the id of a call',
      'Reading the tasks of another caller',
      'Replay',
      'SSRF through an input',
      'Path traversal in ids',
    ],
    ...[
      'Header injection',
      'Code through a variable',
      'Prototype pollution',
      'ReDoS',
      'JSON bombs',
      'HTML injection',
      'Log injection',
    ],
    ...['Secret in an error', 'Over-wide role', 'Link scanner', 'Callback theft', 'Another user of the machine'],
    'Whatever nobody has thought of',
  ]
  expect(rows.map(({ threat }) => threat)).toEqual(known)
})

test.each(rows)('every test that the table names for "$threat" is there', ({ tests }) => {
  expect(tests.length).toBeGreaterThan(0)
  for (const { file, names } of tests) {
    expect({ file, there: existsSync(join(root, file)) }).toEqual({ file, there: true })
    expect(namesIn(file)).toContainEqual(names)
  }
})
