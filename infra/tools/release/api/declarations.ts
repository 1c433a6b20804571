import { spawnSync } from 'node:child_process'
import { copyFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/**
 * Writes the declarations of sources, and what API Extractor needs next to them, to an empty folder.
 *
 * @param sources paths in the project, without extensions
 */
export function writeDeclarations(root: string, sources: readonly string[], folder: string): void {
  const modules = join(root, 'node_modules')
  symlinkSync(modules, join(folder, 'node_modules'))
  copyFileSync(join(root, 'package.json'), join(folder, 'package.json'))
  const settings = {
    extends: join(root, 'infra/tools/pack/tsconfig.json'),
    compilerOptions: {
      emitDeclarationOnly: true,
      rootDir: root,
      outDir: folder,
      typeRoots: [join(modules, '@types')],
    },
    include: [],
    files: sources.map((source) => join(root, `${source}.ts`)),
  }
  const project = join(folder, 'tsconfig.json')
  writeFileSync(project, JSON.stringify(settings))
  const compiler = join(modules, 'typescript/bin/tsc')
  const { status, stdout } = spawnSync(process.execPath, [compiler, '-p', project], { encoding: 'utf8' })
  if (status !== 0) throw new Error(`The declarations cannot be written:\n${stdout}`)
}
