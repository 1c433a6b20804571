import { readdirSync, readFileSync, statSync } from 'node:fs'
import { basename, join } from 'node:path'
import { EXTENSION, PACKAGE } from '../../project/roots.ts'

/** The first versions of the browsers that have light-dark(). docs/support.md lists them. */
export const BROWSERS = ['chrome123', 'firefox120', 'safari17.5']

const folder = join(import.meta.dirname, 'page')

let bundled: { at: number; files: Promise<Map<string, Uint8Array>> } | undefined

/** `chunk.js` has what the other two scripts share. */
const BUNDLED_FILES = ['main.js', 'chunk.js', 'later-views.js', 'main.css']

/**
 * Returns the script and the styles of the page, by name. The package contains them. A checkout bundles them when they are
 * first used, and after each edit.
 */
export async function pageFiles(): Promise<Map<string, Uint8Array>> {
  if (EXTENSION === '.js') return new Map(BUNDLED_FILES.map((name) => [name, readFileSync(join(folder, name))]))
  const edited = Math.max(...readdirSync(folder).map((name) => statSync(join(folder, name)).mtimeMs))
  if (bundled === undefined || edited > bundled.at) bundled = { at: edited, files: bundledFiles() }
  return bundled.files
}

async function bundledFiles(): Promise<Map<string, Uint8Array>> {
  const { outputFiles } = await bundlePage()
  return new Map(outputFiles.map(({ path, contents }) => [basename(path), contents]))
}

/** Bundles the script and the styles of the page. */
export async function bundlePage() {
  const { build } = await import('esbuild')
  return build({
    absWorkingDir: PACKAGE,
    entryPoints: [join(folder, 'main.tsx')],
    outdir: folder,
    bundle: true,
    splitting: true,
    chunkNames: '[name]',
    minify: true,
    write: false,
    metafile: true,
    format: 'esm',
    target: BROWSERS,
    jsx: 'automatic',
    jsxImportSource: 'preact',
    logLevel: 'silent',
  })
}
