import { existsSync, globSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect, it } from '@jest/globals'
import { parseSync } from '@swc/core'

// The JavaScript backend runs on all machines.
process.env['RECHECK_BACKEND'] = 'pure'
const { checkSync } = await import('recheck')

const root = join(import.meta.dirname, '../..')
/**
 * Limits the steps of an analysis, not its time: recheck takes an attack that is slow on a busy machine for a vulnerability.
 */
const DETERMINISTIC = {
  randomSeed: 0,
  timeout: null,
  attackTimeout: null,
  incubationTimeout: null,
  seedingTimeout: null,
} as const
/** Expressions that this version of recheck found safe. The analysis of all takes half a minute. */
const { version } = JSON.parse(readFileSync(join(root, 'node_modules/recheck/package.json'), 'utf8'))
const cacheFile = join(root, `node_modules/.cache/recheck-${version}.json`)
const safe = new Set<string>(existsSync(cacheFile) ? JSON.parse(readFileSync(cacheFile, 'utf8')) : [])

/** Expressions with quadratic time, and why their input is short. */
const bounded: Record<string, string> = {
  '/[\\ufffd_:]+$/': 'a tag of at most 200 characters',
  '/-+$/': 'a name of at most 63 characters',
  '/([\\d.]+)([a-zµ]+)/g': 'a valid duration of at most seven short parts',
  '/\\B(?=(?:\\d{3})+$)/g': 'the digits of one number',
}

/** Returns all regular expressions of the functions, each with its first file. */
function literals(): Map<string, string> {
  const found = new Map<string, string>()
  const visit = (node: unknown, file: string): void => {
    if (node === null || typeof node !== 'object') return
    const { type, pattern, flags } = node as { type?: string; pattern?: string; flags?: string }
    if (type === 'RegExpLiteral') {
      const literal = `/${pattern}/${flags}`
      if (!found.has(literal)) found.set(literal, file)
    }
    for (const child of Object.values(node)) visit(child, file)
  }
  for (const file of globSync('{shared,functions}/**/*.ts', { cwd: root }))
    visit(parseSync(readFileSync(join(root, file), 'utf8'), { syntax: 'typescript', target: 'es2024' }), file)
  return found
}

/** Expressions without unlimited repetition take linear time. */
function hasRepetition(literal: string): boolean {
  return /[*+]|\{\d+,\}/.test(literal)
}

it('regular expressions take linear time', () => {
  const all = literals()
  expect(all.size).toBeGreaterThan(100)
  const slow = [...all].flatMap(([literal, file]) => {
    if (!hasRepetition(literal) || Object.hasOwn(bounded, literal) || safe.has(literal)) return []
    const end = literal.lastIndexOf('/')
    const found = checkSync(literal.slice(1, end), literal.slice(end + 1), DETERMINISTIC)
    if (found.status === 'safe') {
      safe.add(literal)
      return []
    }
    const why = found.status === 'vulnerable' ? found.complexity.summary : found.error.kind
    return [`${file}: ${literal} is ${found.status}: ${why}`]
  })
  mkdirSync(dirname(cacheFile), { recursive: true })
  writeFileSync(cacheFile, JSON.stringify([...safe].filter((literal) => all.has(literal))))
  expect(slow).toEqual([])
  expect(Object.keys(bounded).filter((literal) => !all.has(literal))).toEqual([])
})
