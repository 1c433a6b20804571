import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from '@jest/globals'
import { parseSync } from '@swc/core'

// In this process, and with nothing but JavaScript, so that it says the same on every machine.
process.env['RECHECK_BACKEND'] = 'pure'
const { checkSync } = await import('recheck')

const root = join(import.meta.dirname, '../..')
/** Milliseconds for one of them. */
const timeout = 30_000

/** Those that take the square of their text's length, and why that is never long. */
const bounded: Record<string, string> = {
  '/[\\ufffd_:]+$/': 'a tag of at most 200 characters',
  '/-+$/': 'a name of at most 63 characters',
  '/: (?:\\w*Parameter\\w*|Validation\\w*): /': "a failure's message, in which a platform has 500 characters",
  '/([\\d.]+)([a-zµ]+)/g': 'a duration that was found to be one, of at most seven short parts',
}

/** Every literal of what is shipped, with the file that it is first in. */
function literals(): Map<string, string> {
  const found = new Map<string, string>()
  const visit = (node: unknown, file: string): void => {
    if (node === null || typeof node !== 'object') return
    const { type, pattern, flags } = node as { type?: string; pattern?: string; flags?: string }
    if (type === 'RegExpLiteral') {
      const literal = `/${pattern}/${flags}`
      if (!found.has(literal)) found.set(literal, file)
    }
    for (const held of Object.values(node)) visit(held, file)
  }
  for (const file of globSync('{shared,functions}/**/*.ts', { cwd: root }))
    visit(parseSync(readFileSync(join(root, file), 'utf8'), { syntax: 'typescript', target: 'es2024' }), file)
  return found
}

/** What repeats nothing without end takes no longer than its length allows. */
function repeats(literal: string): boolean {
  return /[*+]|\{\d+,\}/.test(literal)
}

it('no text can make a regular expression of the functions take long', () => {
  const all = literals()
  expect(all.size).toBeGreaterThan(100)
  const slow = [...all].flatMap(([literal, file]) => {
    if (!repeats(literal) || Object.hasOwn(bounded, literal)) return []
    const end = literal.lastIndexOf('/')
    const found = checkSync(literal.slice(1, end), literal.slice(end + 1), { timeout })
    if (found.status === 'safe') return []
    const why = found.status === 'vulnerable' ? found.complexity.summary : found.error.kind
    return [`${file}: ${literal} is ${found.status}: ${why}`]
  })
  expect(slow).toEqual([])
  expect(Object.keys(bounded).filter((literal) => !all.has(literal))).toEqual([])
})
