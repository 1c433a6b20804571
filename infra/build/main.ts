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
/** Contains one folder per bundle. */
export const dist = join(root, 'dist')

/** The bundle of the function that finishes the tasks that Lambda ended. */
export const finisher = 'finisher'
/** The bundle of the function that asks GitHub to send failed deliveries again. */
const redeliver = 'redeliver'

/** In the folder of each category: the bundle of its webhook, without the extension. */
export const webhookBundle = 'webhook-bundle'
/** In the folder of each category: the file of its webhook that Lambda loads. */
export const webhookFile = 'webhook.mjs'
/** Waits for the preload during init. Only ES modules can, and only this file is one, because Node.js loads them more slowly. */
const WEBHOOK = `import { createRequire } from 'node:module'

export const { handler } = createRequire(import.meta.url)('./${webhookBundle}.js')
await handler.preload()
`

/** In the folder of each bundle: the licenses of its packages. */
export const licensesFile = 'THIRD-PARTY-LICENSES.txt'
/** In `dist/`: the packages of all bundles, in CycloneDX. */
export const bomFile = 'sbom.cdx.json'

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
    const packages = new ThirdPartyReader(root)
    const bundles = await Promise.all([
      ...categories.map(({ name }) =>
        buildBundle(
          draft,
          name,
          { [webhookBundle]: `functions/${name}/webhook.ts`, task: `functions/${name}/task.ts` },
          [...categoryCore, `./functions/${name}/index.ts`],
          packages,
          { [webhookFile]: WEBHOOK },
        ),
      ),
      buildBundle(draft, finisher, { finisher: 'functions/finisher.ts' }, ['./shared/log.ts'], packages),
      buildBundle(draft, redeliver, { redeliver: 'functions/redeliver.ts' }, ['./shared/log.ts'], packages),
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
  absWorkingDir: root,
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
  entryPoints: Record<string, string>,
  core: readonly string[],
  packages: ThirdPartyReader,
  more: Record<string, string> = {},
): Promise<Bundle> {
  const folder = join(outdir, name)
  const plugins = [oneCore(core, Object.values(entryPoints))]
  const { outputFiles, metafile } = await build({ ...options, entryPoints, outdir: folder, plugins })
  await mkdir(folder, { recursive: true })
  // This package is ESM; its bundles are not.
  await writeFile(join(folder, 'package.json'), '{"type":"commonjs"}\n')
  // Most licenses require that their text is distributed with the code.
  await writeFile(join(folder, licensesFile), licenseText(await packages.packagesIn(metafile)))
  const inputsOf = ({ path }: { path: string }) => Object.keys(metafile.outputs[relative(root, path)]?.inputs ?? {})
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

/**
 * Puts the modules that are loaded at start into one file. esbuild writes a file for each set of entry points that share
 * modules, and every dynamic import is an entry point. So each of them imports the complete core.
 */
function oneCore(core: readonly string[], entryPoints: readonly string[]): Plugin {
  return {
    name: 'one core',
    setup({ onResolve, onLoad }) {
      const importers = new Set([...entryPoints.map((path) => join(root, path)), ...dynamicImports()])
      onResolve({ filter: /^core:$/ }, ({ path }) => ({ path, namespace: 'core' }))
      onLoad({ filter: /.*/, namespace: 'core' }, () => ({
        contents: core.map((path) => `import '${path}'`).join('\n'),
        resolveDir: root,
      }))
      onLoad({ filter: /(?:shared|functions)\/.*\.ts$/ }, async ({ path }) =>
        importers.has(path) ? { contents: `import 'core:';${await readFile(path, 'utf8')}`, loader: 'ts' } : undefined,
      )
    },
  }
}

/** Returns the modules that a source file loads with `import()`. */
function dynamicImports(): string[] {
  return globSync('{shared,functions}/**/*.ts', { cwd: root }).flatMap((file) =>
    [...readFileSync(join(root, file), 'utf8').matchAll(/\bimport\('(\.{1,2}\/[^']+)'\)/g)].map(([, path = '']) =>
      join(root, dirname(file), path),
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
const READS_NAMES = /node_modules\/(@aws|@aws-sdk|@smithy)\/|shared\/aws\/(aws|clients)\.ts/

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

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  helpIfAsked(`npm run build: bundles each category and the other functions into dist/, for AWS and for npm start.
Builds only if a source has changed. Each bundle contains the licenses of its packages; dist/sbom.cdx.json lists the
packages of all bundles (CycloneDX).

Options
  --force  build even if nothing has changed
  --help   print this text`)
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
