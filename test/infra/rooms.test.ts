import { globSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from '@jest/globals'
import { cyclesIn, importsOf } from '../imports.ts'

const root = join(import.meta.dirname, '../..')
const files = globSync('infra/**/*.{ts,tsx}', {
  cwd: root,
  exclude: ['**/node_modules/**', 'infra/tools/create/template/**'],
})
/** The table of commands loads a command when it runs. The console lists the commands, and one of them starts it. */
const PROGRAM = 'infra/cli/program.ts'
const imports = new Map(files.filter((file) => file !== PROGRAM).map((file) => [file, importsOf(file)]))

/** The rooms that a room may import, besides its own files. */
const BELOW = ['project', 'openapi', 'build']
const ROOMS: Record<string, string[]> = {
  project: [],
  openapi: ['project'],
  build: ['project', 'openapi'],
  aws: BELOW,
  sandbox: [...BELOW, 'local'],
  local: [...BELOW, 'aws', 'sandbox', 'cli'],
  cli: [...BELOW, 'aws', 'sandbox', 'local'],
  tools: [...BELOW, 'aws', 'sandbox', 'local', 'cli'],
}

const roomOf = (file: string) => file.split('/')[1] ?? ''

describe('infra/', () => {
  test('has no room without a rule', () => {
    expect([...new Set(files.map(roomOf))].sort()).toEqual(Object.keys(ROOMS).sort())
  })

  test('has no import of another room than those that a room builds on', () => {
    const pairs = [...imports].flatMap(([file, targets]) => targets.map((target) => [file, target] as const))
    const others = pairs.filter(([, target]) => files.includes(target))
    const wrong = others.filter(
      ([file, target]) => ![roomOf(file), ...(ROOMS[roomOf(file)] ?? [])].includes(roomOf(target)),
    )
    expect(wrong.map((pair) => pair.join(' -> '))).toEqual([])
  })

  test('has no import cycle', () => {
    expect(cyclesIn(imports)).toEqual([])
  })
})
