import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { build, type Plugin } from 'esbuild'
import { categories } from '../functions/index.ts'

const root = join(import.meta.dirname, '..')
/** Where the bundles are: `dist/<category>/webhook.js` and `task.js`, one folder per Lambda asset. */
export const dist = join(root, 'dist')

/** The two entry points of a function; both export `handler`. */
export const entries = ['webhook', 'task'] as const

/**
 * Bundles every category, for AWS and for the local runtime alike: CommonJS, since that starts faster on Lambda; names are
 * kept, since errors and Powertools' keys are read by name.
 *
 * @param outdir another folder than `dist/`
 * @returns the bundles' sizes in bytes, by their path below the folder
 */
export async function buildBundles(outdir = dist): Promise<Record<string, number>> {
  await rm(outdir, { recursive: true, force: true })
  const { metafile } = await build({
    absWorkingDir: root,
    entryPoints: Object.fromEntries(
      categories.flatMap(({ name }) => entries.map((entry) => [`${name}/${entry}`, `entry:${name}/${entry}`])),
    ),
    outdir,
    bundle: true,
    platform: 'node',
    target: 'node24',
    format: 'cjs',
    mainFields: ['module', 'main'],
    keepNames: true,
    minify: true,
    sourcemap: true,
    sourcesContent: false,
    metafile: true,
    logLevel: 'warning',
    plugins: [entryPoints],
  })
  for (const { name } of categories) {
    await mkdir(join(outdir, name), { recursive: true })
    // This package is ESM; its bundles are not.
    await writeFile(join(outdir, name, 'package.json'), '{"type":"commonjs"}\n')
  }
  return Object.fromEntries(
    Object.entries(metafile.outputs)
      .filter(([path]) => path.endsWith('.js'))
      .map(([path, { bytes }]) => [path.replace(/^.*?([^/]+\/[^/]+)$/, '$1'), bytes]),
  )
}

/** The entry point of a bundle is two lines that differ in the category's name only, so they are made here. */
const entryPoints: Plugin = {
  name: 'entry points',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^entry:/ }, ({ path }) => ({ path: path.slice('entry:'.length), namespace: 'entry' }))
    onLoad({ filter: /.*/, namespace: 'entry' }, ({ path }) => {
      const [name = '', entry = ''] = path.split('/')
      const identifier = name.replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase())
      return {
        contents: `
          import { ${identifier} } from './functions/${name}/index.ts'
          import { ${entry}Handler } from './shared/function/${entry}.ts'
          export const handler = ${entry}Handler(${identifier})`,
        resolveDir: root,
        loader: 'ts',
      }
    })
  },
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const began = performance.now()
  const sizes = await buildBundles()
  for (const [path, bytes] of Object.entries(sizes))
    console.log(`dist/${path.padEnd(32)} ${(bytes / 1024).toFixed(0).padStart(5)} KB`)
  console.log(`built in ${((performance.now() - began) / 1000).toFixed(1)} s`)
}
