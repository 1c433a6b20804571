import { existsSync, globSync, readFileSync } from 'node:fs'
import { cp, mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { basename, dirname, extname, join, relative } from 'node:path'
import { type BuildOptions, build, type Plugin, transform } from 'esbuild'
import { categories } from '../categories.ts'
import { APPLICATION, EXTENSION, PACKAGE } from '../roots.ts'
import { withDirectImports } from './direct-imports.ts'
import { categoryModules, isPrebuilt, type Module, sharedModule } from './entry-points.ts'
import { bomFile, dist, finisher, licensesFile, redeliver, webhookBundle, webhookFile } from './files.ts'
import { bom, licenseText, ThirdPartyReader } from './third-party.ts'

/** Waits for the preload during init. Only ES modules can, and only this file is one, because Node.js loads them more slowly. */
const WEBHOOK = `import { createRequire } from 'node:module'

export const { handler } = createRequire(import.meta.url)('./${webhookBundle}.js')
await handler.preload()
`

export interface Bundle {
  /** Folder below the output folder. */
  name: string
  /** File name -> bytes: the entry points, such as `task.js`, and the files that they load later. */
  files: Record<string, number>
}

/**
 * Bundles all functions, for AWS and for the local runtime.
 *
 * The reasons for each step, with measurements, are in docs/adr/0006-post-process-bundles.md.
 */
export async function buildBundles(outdir = dist): Promise<Bundle[]> {
  // Renamed at the end, so that a runtime that starts meanwhile finds either all new or all old bundles.
  const [draft, old] = [`${outdir}.new-${process.pid}`, `${outdir}.old-${process.pid}`]
  try {
    const packages = new ThirdPartyReader(APPLICATION)
    const bundle = (name: string, entryPoints: Record<string, Module>, core: string[], more = {}) =>
      buildBundle(draft, name, entryPoints, core, packages, more)
    const bundles = await Promise.all([
      ...categories.map(async (category) => {
        if (isPrebuilt(category)) return copyBundle(draft, category.name)
        const { webhook, task, core } = await categoryModules(category)
        const entryPoints = { [webhookBundle]: webhook, task }
        return bundle(category.name, entryPoints, [...categoryCore, ...core], { [webhookFile]: WEBHOOK })
      }),
      ...[finisher, redeliver].map((name) =>
        isPrebuilt() ? copyBundle(draft, name) : bundle(name, { [name]: sharedModule(name) }, ['./shared/log.ts']),
      ),
    ])
    const { name, version } = JSON.parse(await readFile(join(APPLICATION, 'package.json'), 'utf8'))
    const all = EXTENSION === '.js' ? await packages.allWith(join(PACKAGE, 'dist', bomFile)) : await packages.all()
    await writeFile(join(draft, bomFile), `${JSON.stringify(bom({ name, version }, all), null, 2)}\n`)
    if (existsSync(outdir)) await rename(outdir, old)
    await rename(draft, outdir)
    return bundles
  } finally {
    await Promise.all([draft, old].map((folder) => rm(folder, { recursive: true, force: true })))
  }
}

/** Modules that webhook and task both load at start, and small modules that would otherwise become files. */
const categoryCore = [
  './shared/audit.ts',
  './shared/auth/hmac.ts',
  './shared/core/call.ts',
  './shared/core/final-outcome.ts',
  './shared/core/identity.ts',
  './shared/core/retried-step.ts',
  './shared/core/run-action.ts',
  './shared/core/direct/read-direct-call.ts',
  './shared/core/http/responses.ts',
  './shared/core/task/start.ts',
  './shared/core/task/status.ts',
  './shared/orchestrators/index.ts',
  './shared/state/item-keys.ts',
  './shared/orchestrators/event.ts',
  './shared/record.ts',
  './shared/log.ts',
  './shared/sleep.ts',
  './shared/aws/dynamodb.ts',
  './shared/aws/lambda.ts',
  './shared/aws/secret-value.ts',
  './shared/state/table.ts',
  '@middy/core',
]

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

async function buildBundle(
  outdir: string,
  name: string,
  modules: Record<string, Module>,
  core: readonly string[],
  packages: ThirdPartyReader,
  more: Record<string, string>,
): Promise<Bundle> {
  const folder = join(outdir, name)
  const entryPoints = Object.entries(modules).map(([out, module]) => ({
    out,
    in: 'path' in module ? module.path : `entry:${out}`,
  }))
  const plugins = [oneCore(core, modules)]
  const { outputFiles, metafile } = await build({ ...options, entryPoints, outdir: folder, plugins })
  await mkdir(folder, { recursive: true })
  // This package is ESM; its bundles are not.
  await writeFile(join(folder, 'package.json'), '{"type":"commonjs"}\n')
  // Most licenses require that their text is distributed with the code.
  await writeFile(join(folder, licensesFile), licenseText(await packages.packagesIn(metafile)))
  const inputsOf = ({ path }: { path: string }) =>
    Object.keys(metafile.outputs[relative(APPLICATION, path)]?.inputs ?? {})
  const helperFile = outputFiles.find((output) => inputsOf(output).length === 0 && /^var __name = /m.test(output.text))
  // A bundle of one file contains them itself.
  if (!helperFile && outputFiles.length > 1) throw new Error('esbuild wrote no file with its helpers')
  const helpers = helperFile && (await helpersIn(helperFile.text))
  const files = await Promise.all(
    outputFiles
      .filter((output) => output !== helperFile)
      .map(async (output): Promise<[string, number]> => {
        const file = basename(output.path)
        const text = helperFile ? `${helpers}${withoutImport(output.text, basename(helperFile.path))}` : output.text
        const needsNames = inputsOf(output).some((input) => READS_NAMES.test(input))
        const { code, map } = await toCommonJs(text, file, needsNames)
        const bytes = Buffer.from(`${needsNames ? code : withoutNames(code)}//# sourceMappingURL=${file}.map\n`)
        await Promise.all([writeFile(join(folder, file), bytes), writeFile(join(folder, `${file}.map`), map)])
        return [file, bytes.length]
      }),
  )
  for (const [file, text] of Object.entries(more)) {
    await writeFile(join(folder, file), text)
    files.push([file, Buffer.byteLength(text)])
  }
  return { name, files: Object.fromEntries(files.sort(([a], [b]) => (a < b ? -1 : 1))) }
}

/** Copies a bundle of the package. */
async function copyBundle(outdir: string, name: string): Promise<Bundle> {
  const folder = join(outdir, name)
  await cp(join(PACKAGE, 'dist', name), folder, { recursive: true })
  const scripts = (await readdir(folder)).filter((file) => /\.m?js$/.test(file))
  const files = await Promise.all(scripts.map(async (file) => [file, (await stat(join(folder, file))).size] as const))
  return { name, files: Object.fromEntries(files) }
}

/**
 * Puts the modules that are loaded at start into one file. esbuild writes a file for each set of entry points that share
 * modules, and every dynamic import is an entry point. So each of them imports the complete core.
 */
function oneCore(core: readonly string[], modules: Record<string, Module>): Plugin {
  return {
    name: 'one core',
    setup({ onResolve, onLoad }) {
      const paths = Object.values(modules).flatMap((module) => ('path' in module ? module.path : []))
      const importers = new Set([...paths, ...dynamicImports()])
      onResolve({ filter: /^core:$/ }, ({ path }) => ({ path, namespace: 'core' }))
      onLoad({ filter: /.*/, namespace: 'core' }, () => ({
        contents: core.map((path) => `import '${path.replace(/\.ts$/, EXTENSION)}'`).join('\n'),
        resolveDir: PACKAGE,
      }))
      onResolve({ filter: /^entry:/ }, ({ path }) => ({ path: path.slice('entry:'.length), namespace: 'entry' }))
      onLoad({ filter: /.*/, namespace: 'entry' }, ({ path }) => {
        const module = modules[path]
        const text = module && 'text' in module ? module.text : ''
        return { contents: `import 'core:';${text}`, resolveDir: APPLICATION }
      })
      onLoad({ filter: /(?:shared|functions)\/.*\.[jt]s$/ }, async ({ path }) => {
        const isOwn = APPLICATION !== PACKAGE && !path.includes('/node_modules/')
        if (!isOwn && !importers.has(path)) return undefined
        const text = await readFile(path, 'utf8')
        const loader = extname(path) === '.ts' ? 'ts' : 'js'
        return {
          contents: `${importers.has(path) ? "import 'core:';" : ''}${isOwn ? withDirectImports(text) : text}`,
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

/** Returns esbuild's helpers as one line. */
async function helpersIn(text: string): Promise<string> {
  const { code } = await transform(text.replace(/^export \{[^}]*\};$/m, ''), {
    minifyWhitespace: true,
    target: 'node24',
  })
  return code.trim()
}

/** Leaves an empty line, for the source map. */
function withoutImport(text: string, file: string): string {
  const statement = new RegExp(`^import (?:\\{[^}]*\\} from )?"\\./${file}";$`, 'm')
  return text.replace(statement, (lines) => lines.replaceAll(/.+/g, ''))
}

/** The SDKs read the names of their own classes; two files in `shared/aws` read the names of commands and clients. */
const READS_NAMES = /node_modules\/(@aws|@aws-sdk|@smithy)\/|shared\/aws\/(aws|clients)\.[jt]s/

/** `require` instead of esbuild's own conversion, which copies all exports of the module on each call. */
const DYNAMIC_IMPORTS = /\bimport\("((?:\.\/|node:)[^"]+)"\)/g

function toCommonJs(text: string, file: string, needsNames: boolean) {
  const code = needsNames ? text : text.replace(/\bvar __name=.*?;/, '')
  return transform(code.replaceAll(DYNAMIC_IMPORTS, 'Promise.resolve().then(() => require("$1"))'), {
    format: 'cjs',
    platform: 'node',
    target: 'node24',
    minify: true,
    keepNames: false,
    // Removes unused helpers.
    treeShaking: true,
    // Drops the calls that only set a name.
    ...(needsNames ? {} : { pure: ['__name'] }),
    sourcemap: true,
    sourcefile: file,
    sourcesContent: false,
  })
}

/** Some calls are part of an expression and stay. The function is at the end of the file, for the source map. */
function withoutNames(code: string): string {
  return code.includes('__name(') ? `${code}function __name(value){return value}\n` : code
}
