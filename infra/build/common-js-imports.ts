import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Metafile } from 'esbuild'

/**
 * Refuses a dynamic import that reads a named export of a CommonJS package. Node.js finds such names, so the sources and their
 * tests work, but the file that esbuild writes for the package exports only `default`.
 *
 * @param root base of the paths in the metafile
 * @throws Error with the import to write instead
 * @example `const { default: yaml } = await import('yaml')`
 */
export async function refuseCommonJsNames({ inputs }: Pick<Metafile, 'inputs'>, root: string): Promise<void> {
  const found = Object.entries(inputs).flatMap(([file, { imports }]) =>
    imports
      .filter(({ kind, path }) => kind === 'dynamic-import' && inputs[path]?.format === 'cjs')
      .map(({ original = '' }) => ({ file, specifier: original })),
  )
  for (const { file, specifier } of found) {
    const text = await readFile(join(root, file), 'utf8')
    const all = text.split(`import('${specifier}')`).length
    const allowed = text.split(new RegExp(`\\{ default: \\w+ \\} = await import\\('${specifier}'\\)`)).length
    if (allowed === all) continue
    throw new Error(
      `${file} imports names from ${specifier}, a CommonJS package whose bundle exports only "default". Write const { default: name } = await import('${specifier}').`,
    )
  }
}
