import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { type BuildOptions, build, type Plugin, transform } from 'esbuild'
import { categories } from '../functions/index.ts'

const root = join(import.meta.dirname, '..')
/** Where the bundles are: one folder per Lambda asset. */
export const dist = join(root, 'dist')

/** The folder of the function that finishes what Lambda ended. */
export const finisher = 'finisher'

/** The files of a bundle, with their sizes in bytes. */
export interface Bundle {
  /** Its folder below the output folder. */
  name: string
  /** The entry points, such as `webhook.js`, each with `handler`; then what they load when they need it. */
  files: Record<string, number>
}

/**
 * Bundles every function, for AWS and for the local runtime alike.
 *
 * CommonJS, since that starts faster on Lambda; minified, but with its names, since errors and Powertools' keys are read by
 * name. What is loaded when used (a provider, the AWS SDK) is a file of its own, so that a cold start neither reads nor
 * compiles it: compiling is most of the time that a bundle takes to start.
 *
 * @param outdir another folder than `dist/`
 */
export async function buildBundles(outdir = dist): Promise<Bundle[]> {
  await rm(outdir, { recursive: true, force: true })
  return Promise.all([
    ...categories.map(({ name }) => buildBundle(outdir, name, { webhook: `${name}/webhook`, task: `${name}/task` })),
    buildBundle(outdir, finisher, { finisher }),
  ])
}

const options = {
  absWorkingDir: root,
  bundle: true,
  platform: 'node',
  target: 'node24',
  mainFields: ['module', 'main'],
  keepNames: true,
  minify: true,
  logLevel: 'warning',
} satisfies BuildOptions

/** Twice through esbuild: only its ESM output can be split, and only CommonJS starts fast. */
async function buildBundle(outdir: string, name: string, entries: Record<string, string>): Promise<Bundle> {
  const { outputFiles } = await build({
    ...options,
    entryPoints: Object.fromEntries(Object.entries(entries).map(([file, entry]) => [file, `entry:${entry}`])),
    outdir: join(outdir, name),
    format: 'esm',
    splitting: true,
    sourcemap: 'inline',
    sourcesContent: false,
    write: false,
    plugins: [entryPoints, oneCore(name)],
  })
  const folder = join(outdir, name)
  await mkdir(folder, { recursive: true })
  // This package is ESM; its bundles are not.
  await writeFile(join(folder, 'package.json'), '{"type":"commonjs"}\n')
  const files = await Promise.all(
    outputFiles.map(async ({ path, text }): Promise<[string, number]> => {
      const file = basename(path)
      const { code, map } = await transform(text, {
        format: 'cjs',
        platform: 'node',
        target: 'node24',
        // import() would load these files through the ESM loader.
        supported: { 'dynamic-import': false },
        minify: true,
        keepNames: false,
        sourcemap: true,
        sourcefile: file,
        sourcesContent: false,
      })
      const bytes = Buffer.from(`${code}//# sourceMappingURL=${file}.map\n`)
      await Promise.all([writeFile(join(folder, file), bytes), writeFile(join(folder, `${file}.map`), map)])
      return [file, bytes.length]
    }),
  )
  return { name, files: Object.fromEntries(files.sort(([a], [b]) => (a < b ? -1 : 1))) }
}

/** The entry point of a bundle is three lines that differ in the category's name only, so they are made here. */
const entryPoints: Plugin = {
  name: 'entry points',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^entry:/ }, ({ path }) => ({ path: path.slice('entry:'.length), namespace: 'entry' }))
    onLoad({ filter: /.*/, namespace: 'entry' }, ({ path }) => {
      const [name = '', entry] = path.split('/')
      return { contents: entry ? categoryEntry(name, entry) : finisherEntry, resolveDir: root, loader: 'ts' }
    })
  },
}

/** What webhook and task both load at once, of which the rest is made. */
const core = ['./shared/function/perform.ts', './shared/log.ts']

/**
 * esbuild makes a file for each set of entry points that share modules, and each provider is one: what is loaded at once
 * would be ten files. So whatever is loaded when used is said to use all of it, and it becomes one.
 */
function oneCore(name: string): Plugin {
  return {
    name: 'one core',
    setup({ onResolve, onLoad }) {
      const whenUsed = new Set<string>()
      onResolve({ filter: /^\.{1,2}\// }, ({ kind, path, resolveDir }) => {
        if (kind === 'dynamic-import') whenUsed.add(join(resolveDir, path))
        return undefined
      })
      onResolve({ filter: /^core:$/ }, () => ({ path: name, namespace: 'core' }))
      onLoad({ filter: /.*/, namespace: 'core' }, () => {
        const modules = name === finisher ? ['./shared/log.ts'] : [...core, `./functions/${name}/index.ts`]
        return { contents: modules.map((path) => `import '${path}'`).join('\n'), resolveDir: root, loader: 'ts' }
      })
      onLoad({ filter: /\.ts$/ }, async ({ path }) => {
        if (!whenUsed.has(path) || path.includes('node_modules')) return undefined
        return { contents: `import 'core:';${await readFile(path, 'utf8')}`, loader: 'ts' }
      })
    },
  }
}

function categoryEntry(name: string, entry: string): string {
  const identifier = name.replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase())
  return `
    import { ${identifier} } from './functions/${name}/index.ts'
    import { ${entry}Handler } from './shared/function/${entry}.ts'
    export const handler = ${entry}Handler(${identifier})`
}

const finisherEntry = `
    import { finisherHandler } from './shared/function/finisher.ts'
    export const handler = finisherHandler()`

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const began = performance.now()
  for (const { name, files } of await buildBundles()) {
    const entries = Object.entries(files).filter(([file]) => !file.includes('-'))
    const total = Object.values(files).reduce((sum, bytes) => sum + bytes, 0)
    const sizes = entries.map(([file, bytes]) => `${file} ${kilobytes(bytes)}`).join(', ')
    console.log(`dist/${name}: ${sizes}, ${kilobytes(total)} with all that is loaded when used`)
  }
  console.log(`built in ${((performance.now() - began) / 1000).toFixed(1)} s`)
}

function kilobytes(bytes: number): string {
  return `${(bytes / 1024).toFixed(0)} KB`
}
