import { globSync } from 'node:fs'
import { join, relative, sep } from 'node:path'
import { describe, expect, test } from '@jest/globals'
import { cyclesIn, importsOf, importsUpward } from '../imports.ts'

const root = join(import.meta.dirname, '../..')
const files = globSync('infra/**/*.{ts,tsx,mjs}', {
  cwd: root,
  exclude: ['**/node_modules/**', 'infra/tools/create/template/**'],
})
/** The rooms of `infra/`, lowest first. A file imports files of its own room and of lower rooms only. Type imports count. */
const ROOMS = ['project', 'openapi', 'build', 'aws', 'testing', 'sandbox', 'local', 'cli', 'tools']

const imports = new Map(files.map((file) => [file, importsOf(file)]))

const roomOf = (file: string) => ROOMS.indexOf(relative('infra', file).split(sep)[0] ?? '')

describe('infra/', () => {
  test('has a room for every file', () => {
    expect(files.filter((file) => roomOf(file) < 0)).toEqual([])
  })

  test('has no import of a higher room', () => {
    expect(importsUpward(imports, roomOf)).toEqual([])
  })

  test('has no import cycle', () => {
    expect(cyclesIn(imports)).toEqual([])
  })
})
