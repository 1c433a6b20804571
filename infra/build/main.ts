import { existsSync, globSync, readFileSync } from 'node:fs'
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { basename, dirname, join, relative } from 'node:path'
import { pathToFileURL } from 'node:url'
import { type BuildOptions, build, type Plugin, transform } from 'esbuild'
import { categories } from '../../functions/index.ts'
import { helpIfAsked } from '../help.ts'
import { bom, licenseText, ThirdPartyReader } from './third-party.ts'
import { hashSources, isUpToDate, recordBuild } from './up-to-date.ts'

const root = join(import.meta.dirname, '../..')
/** Where the bundles are: one folder per Lambda asset. */
export const dist = join(root, 'dist')

/** The folder of the function that finishes what Lambda ended. */
export const finisher = 'finisher'

/** In the folder of each bundle: the licences of the packages in it. */
export const licensesFile = 'THIRD-PARTY-LICENSES.txt'
/** In `dist/`: the packages of all bundles, in CycloneDX. */
export const bomFile = 'sbom.cdx.json'

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
 * CommonJS, since that starts faster on Lambda, and minified. What is loaded when used (a provider, the AWS SDK) is a file of
 * its own, so that a cold start neither reads nor compiles it: compiling is most of the time that a bundle takes to start.
 *
 * @param outdir another folder than `dist/`
 */
export async function buildBundles(outdir = dist): Promise<Bundle[]> {
  // Next to it, and renamed at the end: a runtime that starts meanwhile finds all bundles or the old ones.
  const [draft, old] = [`${outdir}.new-${process.pid}`, `${outdir}.old-${process.pid}`]
  try {
    const packages = new ThirdPartyReader(root)
    const bundles = await Promise.all([
      ...categories.map(({ name }) =>
        buildBundle(draft, name, { webhook: `${name}/webhook`, task: `${name}/task` }, packages),
      ),
      buildBundle(draft, finisher, { finisher }, packages),
    ])
    const { name, version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'))
    await writeFile(join(draft, bomFile), `${JSON.stringify(bom({ name, version }, await packages.all()), null, 2)}\n`)
    if (existsSync(outdir)) await rename(outdir, old)
    await rename(draft, outdir)
    return bundles
  } finally {
    await Promise.all([draft, old].map((folder) => rm(folder, { recursive: true, force: true })))
  }
}

const options = {
  absWorkingDir: root,
  bundle: true,
  platform: 'node',
  target: 'node24',
  mainFields: ['module', 'main'],
  keepNames: true,
  logLevel: 'warning',
  // The core names what is used elsewhere, for its place alone.
  logOverride: { 'ignored-bare-import': 'silent' },
} satisfies BuildOptions

/**
 * What is loaded when used: left alone, it would go through the ESM loader; and as esbuild would write it, each use would make
 * a new copy of all that the file exports, with every call of a webhook.
 */
const imports = /\bimport\("((?:\.\/|node:)[^"]+)"\)/g
const required = 'Promise.resolve().then(() => require("$1"))'

/**
 * Who asks for the names of classes: the AWS SDK and the durable execution SDK for those of their own, and our client of AWS
 * for the name of a command.
 */
const readsNames = /node_modules\/(@aws|@aws-sdk|@smithy)\/|shared\/aws\//

/**
 * A file as esbuild first writes it, less its calls that give each function and class its name back: where nobody reads the
 * names they are a sixth of a cold start. What is part of an expression stays, and does nothing. No line comes or goes, for
 * the source map.
 */
function withoutNames(text: string, helpers: string): string {
  const nameless = helpers.replace(/\bvar __name=.*?;/, 'var __name=(value)=>value;')
  return `${nameless}${text.replaceAll(/^ *__name\((?:[\w$]+|this), ".*"\);$/gm, '')}`
}

/**
 * What esbuild puts into a file of its own for all others: its helpers, in one line that each gets in front instead. A file is
 * half a millisecond of each cold start.
 */
async function helpersIn(text: string): Promise<string> {
  const { code } = await transform(text.replace(/^export \{[^}]*\};$/m, ''), {
    minifyWhitespace: true,
    target: 'node24',
  })
  return code.trim()
}

/** A file less what it imports from another one; the lines stay. */
function withoutImport(text: string, file: string): string {
  const statement = new RegExp(`^import (?:\\{[^}]*\\} from )?"\\./${file}";$`, 'm')
  return text.replace(statement, (lines) => lines.replaceAll(/.+/g, ''))
}

/** A file as it is shipped: esbuild can only split its ESM output, and only CommonJS starts fast. */
function toCommonJs(text: string, file: string) {
  return transform(text.replaceAll(imports, required), {
    format: 'cjs',
    platform: 'node',
    target: 'node24',
    minify: true,
    keepNames: false,
    // Of the helpers only those that it uses.
    treeShaking: true,
    sourcemap: true,
    sourcefile: file,
    sourcesContent: false,
  })
}

async function buildBundle(
  outdir: string,
  name: string,
  entries: Record<string, string>,
  packages: ThirdPartyReader,
): Promise<Bundle> {
  const { outputFiles, metafile } = await build({
    ...options,
    entryPoints: Object.fromEntries(Object.entries(entries).map(([file, entry]) => [file, `entry:${entry}`])),
    outdir: join(outdir, name),
    format: 'esm',
    splitting: true,
    sourcemap: 'inline',
    sourcesContent: false,
    write: false,
    metafile: true,
    plugins: [entryPoints, oneCore(name)],
  })
  const folder = join(outdir, name)
  await mkdir(folder, { recursive: true })
  // This package is ESM; its bundles are not.
  await writeFile(join(folder, 'package.json'), '{"type":"commonjs"}\n')
  // Most licences ask that their text goes with the code.
  await writeFile(join(folder, licensesFile), licenseText(await packages.packagesIn(metafile)))
  const inputsOf = ({ path }: { path: string }) => Object.keys(metafile.outputs[relative(root, path)]?.inputs ?? {})
  const helperFile = outputFiles.find((output) => inputsOf(output).length === 0 && /^var __name = /m.test(output.text))
  if (!helperFile) throw new Error('esbuild has made no file of its helpers')
  const helpers = await helpersIn(helperFile.text)
  const files = await Promise.all(
    outputFiles
      .filter((output) => output !== helperFile)
      .map(async (output): Promise<[string, number]> => {
        const file = basename(output.path)
        const text = withoutImport(output.text, basename(helperFile.path))
        const isRead = inputsOf(output).some((input) => readsNames.test(input))
        const { code, map } = await toCommonJs(isRead ? `${helpers}${text}` : withoutNames(text, helpers), file)
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

/** What webhook and task both load at once, and what of that is small enough not to be a file of its own. */
const core = [
  './shared/core/run-action.ts',
  './shared/core/http/responses.ts',
  './shared/core/task/status.ts',
  './shared/orchestrators/orchestrator.ts',
  './shared/state/item-keys.ts',
  './shared/orchestrators/keptn/task-type.ts',
  './shared/record.ts',
  './shared/log.ts',
  './shared/sleep.ts',
  '@middy/core',
]

/**
 * esbuild makes a file for each set of entry points that share modules, and each provider is one: what is loaded at once
 * would be ten files. So whatever is loaded when used is said to use all of it, and it becomes one.
 */
function oneCore(name: string): Plugin {
  return {
    name: 'one core',
    setup({ onResolve, onLoad }) {
      const whenUsed = loadedWhenUsed()
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

/** What any source loads when used. Looked up before, since a file may come to be read before the one that says so. */
function loadedWhenUsed(): Set<string> {
  const found = new Set<string>()
  for (const file of globSync('{shared,functions}/**/*.ts', { cwd: root })) {
    const text = readFileSync(join(root, file), 'utf8')
    for (const [, path = ''] of text.matchAll(/\bimport\('(\.{1,2}\/[^']+)'\)/g))
      found.add(join(root, dirname(file), path))
  }
  return found
}

function categoryEntry(name: string, entry: string): string {
  const identifier = name.replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase())
  return `
    import 'core:'
    import { ${identifier} } from './functions/${name}/index.ts'
    import { ${entry}Handler } from './shared/core/${entry === 'webhook' ? 'http' : 'task'}/handler.ts'
    export const handler = ${entry}Handler(${identifier})`
}

const finisherEntry = `
    import { finisherHandler } from './shared/core/task/finisher.ts'
    export const handler = finisherHandler()`

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  helpIfAsked(`npm run build: bundles each category and the finisher into dist/, as they are deployed and as npm start runs them.
Builds only if a source has changed. Each bundle has the licenses of the packages in it; dist/sbom.cdx.json lists the
packages of all bundles (CycloneDX).

Options
  --force  build even if nothing has changed
  --help   this text`)
  const startedAt = performance.now()
  const hash = hashSources(root)
  if (!process.argv.includes('--force') && isUpToDate(dist, hash)) {
    console.log('dist/ is up to date')
  } else {
    const bundles = await buildBundles()
    recordBuild(dist, {
      hash,
      files: bundles.flatMap(({ name, files }) => Object.keys(files).map((file) => join(name, file))),
    })
    for (const { name, files } of bundles) {
      const entries = Object.entries(files).filter(([file]) => !file.includes('-'))
      const total = Object.values(files).reduce((sum, bytes) => sum + bytes, 0)
      const sizes = entries.map(([file, bytes]) => `${file} ${kilobytes(bytes)}`).join(', ')
      console.log(`dist/${name}: ${sizes}, ${kilobytes(total)} with all files that load on first use`)
    }
    console.log(`built in ${((performance.now() - startedAt) / 1000).toFixed(1)} s`)
  }
}

function kilobytes(bytes: number): string {
  return `${(bytes / 1024).toFixed(0)} KB`
}
