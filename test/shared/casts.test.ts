import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from '@jest/globals'

const root = join(import.meta.dirname, '../..')

test('no source or template casts through unknown, which hides every type error', () => {
  const files = globSync(['{functions,shared,infra}/**/*.ts', 'test/templates/**/*.ts'], {
    cwd: root,
    exclude: ['**/node_modules'],
  })
  expect(files.length).toBeGreaterThan(100)
  expect(files.filter((file) => readFileSync(join(root, file), 'utf8').includes('as unknown as'))).toEqual([])
})
