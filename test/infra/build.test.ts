import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect, it } from '@jest/globals'
import { hashSources, isUpToDate, recordBuild } from '../../infra/build/up-to-date.ts'
import { temporaryFolder } from '../temporary-folder.ts'

const root = temporaryFolder()
mkdirSync(join(root, 'dist'))

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
  expect(isUpToDate(join(root, 'empty'), hashSources(root))).toBe(false)
})
