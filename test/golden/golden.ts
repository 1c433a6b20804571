import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from '@jest/globals'

const LINE_WIDTH = 400

/**
 * Compares a value with its golden file, `test/golden/<name>.json`. With `UPDATE_GOLDEN=1`, writes the file instead.
 */
export function expectGolden(name: string, value: unknown): void {
  const file = join(import.meta.dirname, `${name}.json`)
  const actual = `${print(value)}\n`
  if (process.env['UPDATE_GOLDEN'] === '1') writeFileSync(file, actual)
  expect(actual).toBe(existsSync(file) ? readFileSync(file, 'utf8') : '')
}

/** Prints JSON with sorted keys. Most values fit on one line: one statement, parameter or response per line of a diff. */
function print(value: unknown, indent = ''): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const inner = `${indent}  `
  const isList = Array.isArray(value)
  const items = isList
    ? value.map((item) => print(item, inner))
    : sortedEntries(value).map(([key, item]) => `${JSON.stringify(key)}: ${print(item, inner)}`)
  const [open, close] = isList ? '[]' : '{}'
  const line = `${open}${items.join(', ')}${close}`
  if (items.length === 0 || (indent !== '' && line.length + indent.length <= LINE_WIDTH && !line.includes('\n')))
    return line
  return `${open}\n${items.map((item) => inner + item).join(',\n')}\n${indent}${close}`
}

function sortedEntries(value: object): [string, unknown][] {
  return Object.entries(value)
    .filter(([, item]) => item !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1))
}
