import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, it } from '@jest/globals'
import { refuseCommonJsNames } from '../../../infra/build/common-js-imports.ts'
import { hashSources, isUpToDate, recordBuild } from '../../../infra/build/up-to-date.ts'
import { temporaryFolder } from '../../temporary-folder.ts'
import { copyOfProject } from '../cli/copy.ts'

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

it('the bundles can be built in a folder whose name contains quotes, spaces and other special characters', async () => {
  const copy = copyOfProject()
  expect(copy.folder).toMatch(/'.* .*\$.*ü.*#.*%/)
  const link = `
    const { categories } = await import('./functions/index.ts')
    const { categoryModules } = await import('./infra/build/entry-points.ts')
    const { Linker } = await import('./infra/build/linker.ts')
    const { webhook, task, core } = await categoryModules(categories[0])
    const linker = new Linker(['webhook', 'task'])
    const { outputFiles } = await linker.link({ modules: { webhook, task }, core })
    console.log(outputFiles.length)
    await linker.dispose()`
  const files = Number(await copy.node('--input-type=module', '--eval', link))
  expect(files).toBeGreaterThan(2)
})

describe('A dynamic import of a CommonJS package', () => {
  const check = (text: string, format: 'cjs' | 'esm' = 'cjs') => {
    write('shared/file.ts', text)
    const yaml = { path: 'node_modules/yaml/index.js', kind: 'dynamic-import' as const, original: 'yaml' }
    const inputs = {
      'shared/file.ts': { bytes: 1, imports: [yaml], format: 'esm' as const },
      'node_modules/yaml/index.js': { bytes: 1, imports: [], format },
    }
    return refuseCommonJsNames({ inputs }, root)
  }
  const byName = "const { parse } = await import('yaml')"

  it('is refused if it reads a name, which the bundle does not export', async () => {
    for (const text of [byName, "import('yaml').then(({ parse }) => parse(''))"])
      await expect(check(text)).rejects.toThrow(
        `shared/file.ts imports names from yaml, a CommonJS package whose bundle exports only "default". Write const { default: name } = await import('yaml').`,
      )
  })

  it('is allowed if it reads only default, or if the package has an ES module', async () => {
    await check("const { default: yaml } = await import('yaml')")
    await check(byName, 'esm')
  })
})
