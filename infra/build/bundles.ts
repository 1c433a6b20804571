import { existsSync } from 'node:fs'
import { cp, mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { basename, join, relative } from 'node:path'
import { transform } from 'esbuild'
import { categories } from '../project/categories.ts'
import { APPLICATION, EXTENSION, PACKAGE } from '../project/roots.ts'
import { CommonJsConverter } from './common-js.ts'
import { refuseCommonJsNames } from './common-js-imports.ts'
import { categoryModules, isPrebuilt, sharedModule } from './entry-points.ts'
import {
  bomFile,
  dispatch,
  dist,
  events,
  finisher,
  licensesFile,
  mcp,
  policy,
  redeliver,
  stops,
  toolsFile,
  verify,
  webhookBundle,
  webhookFile,
} from './files.ts'
import { type BundleSource, type Linked, Linker } from './linker.ts'
import { bom, licenseText, ThirdPartyReader } from './third-party.ts'
import { catalogueOf } from './tool-schemas.ts'

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
  // esbuild is a Go program: it collects garbage less often, which saves a quarter of its processor time.
  process.env['GOGC'] ??= '400'
  const tools = { packages: new ThirdPartyReader(APPLICATION), converter: new CommonJsConverter() }
  const linkers = new Map<string, Linker>()
  const bundle = async (name: string, source: BundleSource, more = {}) => {
    const names = Object.keys(source.modules)
    const linker = linkers.get(names.join()) ?? new Linker(names)
    linkers.set(names.join(), linker)
    return writeBundle(join(draft, name), name, await linker.link(source), more, tools)
  }
  try {
    const bundles = await Promise.all([
      ...categories.map(async (category) => {
        if (isPrebuilt(category)) return copyBundle(draft, category.name)
        const { webhook, task, core } = await categoryModules(category)
        const source = { modules: { [webhookBundle]: webhook, task }, core: [...categoryCore, ...core] }
        return bundle(category.name, source, { [webhookFile]: WEBHOOK })
      }),
      ...[dispatch, events, finisher, mcp, policy, redeliver, stops, verify].map((name) =>
        isPrebuilt()
          ? copyBundle(draft, name)
          : bundle(name, { modules: { [name]: sharedModule(name) }, core: ['./shared/log.ts'] }),
      ),
    ])
    // For the categories of the application, even if it uses the bundle of the package.
    await writeFile(join(draft, mcp, toolsFile), JSON.stringify(catalogueOf(categories)))
    const { name, version } = JSON.parse(await readFile(join(APPLICATION, 'package.json'), 'utf8'))
    const all =
      EXTENSION === '.js' ? await tools.packages.allWith(join(PACKAGE, 'dist', bomFile)) : await tools.packages.all()
    await writeFile(join(draft, bomFile), `${JSON.stringify(bom({ name, version }, all), null, 2)}\n`)
    if (existsSync(outdir)) await rename(outdir, old)
    await rename(draft, outdir)
    return bundles
  } finally {
    const disposed = [...linkers.values()].map((linker) => linker.dispose())
    await Promise.all([...disposed, ...[draft, old].map((folder) => rm(folder, { recursive: true, force: true }))])
  }
}

/** Modules that webhook and task both load at start, and small modules that would otherwise become files. */
const categoryCore = [
  './shared/audit.ts',
  './shared/core/audit-event.ts',
  './shared/hmac.ts',
  './shared/core/call.ts',
  './shared/core/final-outcome.ts',
  './shared/core/log-cause.ts',
  './shared/core/call-id.ts',
  './shared/core/retried-step.ts',
  './shared/core/run-action.ts',
  './shared/core/direct/read-direct-call.ts',
  './shared/core/webhook/forwarded.ts',
  './shared/core/webhook/responses.ts',
  './shared/core/task/start-execution.ts',
  './shared/core/task/steps.ts',
  './shared/orchestrators/index.ts',
  './shared/state/item-keys.ts',
  './shared/orchestrators/event/event.ts',
  './shared/record.ts',
  './shared/log.ts',
  './shared/sleep.ts',
  './shared/aws/dynamodb.ts',
  './shared/aws/lambda.ts',
  './shared/aws/secret-value.ts',
  './shared/state/table.ts',
  '@middy/core',
]

async function writeBundle(
  folder: string,
  name: string,
  { outputFiles, metafile }: Linked,
  more: Record<string, string>,
  { packages, converter }: { packages: ThirdPartyReader; converter: CommonJsConverter },
): Promise<Bundle> {
  await refuseCommonJsNames(metafile, APPLICATION)
  await mkdir(folder, { recursive: true })
  // This package is ESM; its bundles are not.
  await writeFile(join(folder, 'package.json'), '{"type":"commonjs"}\n')
  // Most licenses require that their text is distributed with the code.
  await writeFile(join(folder, licensesFile), licenseText(await packages.packagesIn(metafile)))
  const inputsOf = ({ path }: { path: string }) =>
    Object.keys(metafile.outputs[relative(APPLICATION, path)]?.inputs ?? {})
  const withHelpers = outputFiles.filter(({ text }) => /^var __name = /m.test(text))
  // If all files load the core, it contains them.
  const helperFile = withHelpers.find((output) => inputsOf(output).length === 0)
  if (withHelpers.length === 0) throw new Error('esbuild wrote no file with its helpers')
  const helpers = helperFile && (await helpersIn(helperFile.text))
  const files = await Promise.all(
    outputFiles
      .filter((output) => output !== helperFile)
      .map(async (output): Promise<[string, number]> => {
        const file = basename(output.path)
        const text = helperFile ? `${helpers}${withoutImport(output.text, basename(helperFile.path))}` : output.text
        const needsNames = inputsOf(output).some((input) => READS_NAMES.test(input))
        const { code, map } = await converter.convert(text, file, needsNames)
        const bytes = Buffer.from(`${code}//# sourceMappingURL=${file}.map\n`)
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
