import { spawnSync } from 'node:child_process'
import {
  cpSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { builtinModules } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { parseArgs } from 'node:util'
import { build } from '../build/main.ts'
import { licenseText, ThirdPartyReader } from '../build/third-party.ts'
import { helpIfAsked } from '../help.ts'
import { bundlePage } from '../local/console/page-bundle.ts'
import { PACKAGE as root } from '../roots.ts'
import { EXPORTS, manifestOf } from './manifest.ts'
import { reachableFrom } from './reachable.ts'

helpIfAsked(`npm run pack: writes the package cloud-automation-webhooks into dist.npm/: compiled files, the bundles of the shipped
categories and the console. Prints the sizes of its tarball and of an installation.

Options
  --version <version>  another version than that of package.json
  --no-install         do not install the package to measure it
  --help               print this text`)

const OUTPUT = join(root, 'dist.npm')
const FOLDER = join(OUTPUT, 'package')
const PAGE = 'infra/local/console/page'

/** Files that the package reads, imports by a computed path, or runs. */
const LOADED = [
  'infra/cli/main',
  'infra/build/main',
  'infra/local/cloud/thread',
  'infra/pack/node-test',
  'functions/finisher',
  'functions/redeliver',
  'test/templates/*/index',
  '{functions,shared}/**/*.permissions',
]
const ASSETS = [
  'LICENSE',
  'README.md',
  'examples/keptn-release/{event.json,shipyard.yaml,webhook.yaml}',
  'infra/keptn/sequences/**/*.{json,yaml}',
  `${PAGE}/{index.html,icon.svg}`,
  'test/templates/**/*.{ts,md}',
]

/** A checkout runs the CLI with npm scripts. */
const COMMANDS: [RegExp, string][] = [
  [/npm run (?:--silent )?webhooks --/g, 'npx cloud-automation-webhooks'],
  [/npm run build/g, 'npx cloud-automation-webhooks build'],
  [/npm start/g, 'npx cloud-automation-webhooks start'],
]

const { values } = parseArgs({
  options: { version: { type: 'string' }, 'no-install': { type: 'boolean' }, help: { type: 'boolean' } },
})
await build()
rmSync(OUTPUT, { recursive: true, force: true })
run(process.execPath, ['node_modules/typescript/bin/tsc', '--project', 'infra/pack/tsconfig.json'])
const packages = removeUnused()
rewriteFiles()
for (const path of globSync(ASSETS, { cwd: root })) copy(path)
copyBundles()
await writePage()
const source = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
write('package.json', `${JSON.stringify(manifestOf(source, values.version ?? source.version, packages), null, 2)}\n`)
copy('infra/pack/bin.mjs', 'bin.mjs')
const tarball = join(OUTPUT, run('npm', ['pack', '--silent', '--pack-destination', OUTPUT], FOLDER).trim())
console.log(`${tarball}: ${megabytes(statSync(tarball).size)}, ${megabytes(sizeOf(FOLDER))} unpacked`)
if (!values['no-install']) console.log(`installed with its dependencies: ${megabytes(installedSize())}`)

/**
 * Deletes the compiled files that no entry point needs.
 *
 * @returns the packages that the others import
 */
function removeUnused(): Set<string> {
  const entries = (extension: string) => Object.values(EXPORTS).map((path) => join(FOLDER, path + extension))
  const loaded = globSync(
    LOADED.map((path) => `${path}.js`),
    { cwd: FOLDER },
  ).map((path) => join(FOLDER, path))
  const scripts = reachableFrom([...entries('.js'), ...loaded], '.js')
  const declarations = reachableFrom(entries('.d.ts'), '.d.ts')
  for (const path of globSync('**/*.{js,d.ts}', { cwd: FOLDER }).map((path) => join(FOLDER, path)))
    if (!scripts.files.has(path) && !declarations.files.has(path)) rmSync(path)
  const builtin = new Set(builtinModules)
  return new Set([...scripts.packages].filter((name) => !builtin.has(name) && name !== '@jest/globals'))
}

function rewriteFiles(): void {
  for (const path of globSync('**/*.{js,d.ts}', { cwd: FOLDER })) {
    let text = readFileSync(join(FOLDER, path), 'utf8').replaceAll("'@jest/globals'", "'#node-test'")
    // tsc rewrites the extensions in scripts only.
    if (path.endsWith('.d.ts')) text = text.replace(/((?:from |import\()['"]\.[^'"]*)\.ts(?=['"])/g, '$1.js')
    else for (const [command, replacement] of COMMANDS) text = text.replace(command, replacement)
    write(path, text)
  }
}

/** Copies the bundles without source maps, which are as large as they are. */
function copyBundles(): void {
  for (const path of globSync('dist/**/*.{js,mjs,json,txt}', { cwd: root })) copy(path)
}

async function writePage(): Promise<void> {
  const { outputFiles, metafile } = await bundlePage()
  for (const { path, text } of outputFiles) write(join(PAGE, path.slice(path.lastIndexOf('/') + 1)), text)
  const packages = new ThirdPartyReader(root)
  write(`${PAGE}/THIRD-PARTY-LICENSES.txt`, licenseText(await packages.packagesIn(metafile)))
}

function installedSize(): number {
  const folder = mkdtempSync(join(tmpdir(), 'webhooks-pack-'))
  try {
    run('npm', ['install', '--silent', '--no-audit', '--no-fund', '--prefix', folder, tarball], folder)
    return sizeOf(join(folder, 'node_modules'))
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function copy(path: string, to = path): void {
  mkdirSync(dirname(join(FOLDER, to)), { recursive: true })
  cpSync(join(root, path), join(FOLDER, to))
}

function write(path: string, text: string): void {
  mkdirSync(dirname(join(FOLDER, path)), { recursive: true })
  writeFileSync(join(FOLDER, path), text)
}

/** @throws Error with the output of the command */
function run(command: string, args: string[], cwd = root): string {
  const { status, stdout, stderr } = spawnSync(command, args, { cwd, encoding: 'utf8' })
  if (status === 0) return stdout
  throw new Error(`${command} ${args.join(' ')} failed:\n${stdout}${stderr}`)
}

function sizeOf(folder: string): number {
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .reduce((sum, { parentPath, name }) => sum + statSync(join(parentPath, name)).size, 0)
}

function megabytes(bytes: number): string {
  return `${(bytes / 1_048_576).toFixed(1)} MB`
}
