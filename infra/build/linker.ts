import { globSync, readFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { dirname, extname, join } from 'node:path'
import { type BuildContext, type BuildOptions, type BuildResult, context, type Plugin } from 'esbuild'
import { APPLICATION, EXTENSION, PACKAGE } from '../project/roots.ts'
import { withDirectImports } from './direct-imports.ts'
import type { Module } from './entry-points.ts'

/** The modules of a bundle. */
export interface BundleSource {
  /** The entry points by their file names without the extension. */
  modules: Record<string, Module>
  /** Modules that all entry points load at start. */
  core: readonly string[]
}

const options = {
  absWorkingDir: APPLICATION,
  bundle: true,
  platform: 'node',
  target: 'node24',
  mainFields: ['module', 'main'],
  keepNames: true,
  format: 'esm',
  splitting: true,
  sourcemap: 'inline',
  sourcesContent: false,
  write: false,
  metafile: true,
  logLevel: 'warning',
  // The core imports modules only to place them.
  logOverride: { 'ignored-bare-import': 'silent' },
} satisfies BuildOptions

export type Linked = BuildResult<typeof options>

/** Links bundles with the same names of entry points one after the other. esbuild then parses each module once for all of them. */
export class Linker {
  readonly #names: readonly string[]
  #context: Promise<BuildContext<typeof options>> | undefined
  #current: BundleSource = { modules: {}, core: [] }
  #last: Promise<unknown> = Promise.resolve()

  /** @param names of the entry points */
  constructor(names: readonly string[]) {
    this.#names = names
  }

  /** Returns the output in memory. */
  async link(source: BundleSource): Promise<Linked> {
    const linked = this.#last.then(async () => {
      this.#current = source
      this.#context ??= this.#createContext()
      return (await this.#context).rebuild()
    })
    this.#last = linked
    return linked
  }

  async dispose(): Promise<void> {
    await (await this.#context)?.dispose()
  }

  #createContext() {
    return context({
      ...options,
      entryPoints: this.#names.map((out) => ({ out, in: `entry:${out}` })),
      // Nothing is written there. The source maps contain paths from a folder of a bundle.
      outdir: join(APPLICATION, 'dist/bundle'),
      plugins: [oneCore(() => this.#current)],
    })
  }
}

/**
 * Puts the modules that are loaded at start into one file. esbuild writes a file for each set of entry points that share
 * modules, and every dynamic import is an entry point. So each of them imports the complete core.
 */
function oneCore(current: () => BundleSource): Plugin {
  return {
    name: 'one core',
    setup({ onResolve, onLoad }) {
      const imported = new Set(dynamicImports())
      const importsCore = (path: string) =>
        imported.has(path) ||
        Object.values(current().modules).some((module) => 'path' in module && module.path === path)
      onResolve({ filter: /^core:$/ }, ({ path }) => ({ path, namespace: 'core' }))
      onLoad({ filter: /.*/, namespace: 'core' }, () => ({
        contents: current()
          .core.map((path) => `import ${JSON.stringify(path.replace(/\.ts$/, EXTENSION))}`)
          .join('\n'),
        resolveDir: PACKAGE,
      }))
      onResolve({ filter: /^entry:/ }, ({ path }) => {
        const name = path.slice('entry:'.length)
        const module = current().modules[name]
        return module && 'path' in module ? { path: module.path } : { path: name, namespace: 'entry' }
      })
      onLoad({ filter: /.*/, namespace: 'entry' }, ({ path }) => {
        const module = current().modules[path]
        const text = module && 'text' in module ? module.text : ''
        return { contents: `import 'core:';${text}`, resolveDir: APPLICATION }
      })
      onLoad({ filter: /(?:shared|functions)\/.*\.[jt]s$/ }, async ({ path }) => {
        const isOwn = APPLICATION !== PACKAGE && !path.includes('/node_modules/')
        const isImporter = importsCore(path)
        if (!isOwn && !isImporter) return undefined
        const text = await readFile(path, 'utf8')
        const loader = extname(path) === '.ts' ? 'ts' : 'js'
        return {
          contents: `${isImporter ? "import 'core:';" : ''}${isOwn ? withDirectImports(text) : text}`,
          loader,
        }
      })
    },
  }
}

/** Returns the modules that a source file loads with `import()`. */
function dynamicImports(): string[] {
  const sources = (root: string, extension: string) =>
    globSync(`{shared,functions}/**/*${extension}`, { cwd: root }).map((file) => join(root, file))
  const files = [...sources(PACKAGE, EXTENSION), ...(APPLICATION === PACKAGE ? [] : sources(APPLICATION, '.ts'))]
  return files.flatMap((file) =>
    [...readFileSync(file, 'utf8').matchAll(/\bimport\('(\.{1,2}\/[^']+)'\)/g)].map(([, path = '']) =>
      join(dirname(file), path),
    ),
  )
}
