import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, expect, it } from '@jest/globals'
import { hashSources, isUpToDate, recordBuild } from '../../infra/build/up-to-date.ts'

let root: string
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'build-'))
  mkdirSync(join(root, 'dist'))
})
afterEach(() => rmSync(root, { recursive: true }))

function write(path: string, text: string): void {
  mkdirSync(dirname(join(root, path)), { recursive: true })
  writeFileSync(join(root, path), text)
}

it.each(['functions/ci-cd/index.ts', 'shared/errors.ts', 'infra/build/main.ts', 'package-lock.json'])(
  'a change of %s requires a build',
  (path) => {
    write(path, 'one')
    recordBuild(join(root, 'dist'), { hash: hashSources(root), files: [] })
    write('docs/operate.md', 'a page is not a source')
    expect(isUpToDate(join(root, 'dist'), hashSources(root))).toBe(true)
    write(path, 'two')
    expect(isUpToDate(join(root, 'dist'), hashSources(root))).toBe(false)
  },
)

it('a folder without a record requires a build', () => {
  expect(isUpToDate(join(root, 'dist'), hashSources(root))).toBe(false)
})
