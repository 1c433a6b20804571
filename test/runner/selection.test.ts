import { globSync } from 'node:fs'
import { join, matchesGlob } from 'node:path'
import { expect, it } from '@jest/globals'
import { REST, USUAL } from './selection.ts'

const root = join(import.meta.dirname, '../..')

it.each(USUAL)('npm test: %s matches test files', (pattern) => {
  expect(globSync(pattern.replace(/^!?\*\*\//, ''), { cwd: root })).not.toEqual([])
})

it('each test file is either part of npm test or of the rest', () => {
  const files = globSync('test/**/*.test.ts', { cwd: root })
  const isSelected = (file: string, patterns: readonly string[]) =>
    patterns.findLast((pattern) => matchesGlob(file, pattern.replace(/^!/, '')))?.startsWith('!') === false
  expect(files.filter((file) => isSelected(file, USUAL) === isSelected(file, REST))).toEqual([])
})
