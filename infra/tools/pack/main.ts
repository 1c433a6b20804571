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
import { tmpdir } from 'node:os'
import { basename, dirname, join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { bomFile } from '../../build/files.ts'
import { build } from '../../build/main.ts'
import { bom, licenseText, ThirdPartyReader } from '../../build/third-party.ts'
import { bundlePage } from '../../local/console/page-bundle.ts'
import { helpIfAsked } from '../../project/help.ts'
import { PACKAGE as root } from '../../project/roots.ts'
import { packCreate } from '../create/pack.ts'
import { compile } from './compile.ts'
import { type Lockfile, lockedPackages } from './locked-packages.ts'
import { manifestOf } from './manifest.ts'
import { run } from './run.ts'

helpIfAsked(`npm run pack: writes the tarballs of cloud-automation-webhooks and create-cloud-automation-webhooks into dist.npm/.
The first contains compiled files, the bundles of the shipped categories and the console. Prints the sizes of the tarballs
and of an installation.

Options
  --version <version>  another version than that of package.json
  --output <folder>    another folder than dist.npm/. It is emptied
  --no-install         do not install the package to measure it
  --help               print this text`)

const { values } = parseArgs({
  options: {
    version: { type: 'string' },
    output: { type: 'string', default: join(root, 'dist.npm') },
    'no-install': { type: 'boolean' },
    help: { type: 'boolean' },
  },
})
const OUTPUT = resolve(values.output)
const FOLDER = join(OUTPUT, 'package')
const PAGE = 'infra/local/console/page'

const ASSETS = [
  'LICENSE',
  'README.md',
  // Without source maps, which are as large as the bundles.
  'dist/**/*.{js,mjs,json,txt}',
  'docs/*.schema.json',
  'examples/keptn-release/{event.json,shipyard.yaml,webhook.yaml}',
  'infra/project/progress.mjs',
  'infra/sandbox/keptn/sequences/**/*.{json,yaml}',
  `${PAGE}/{index.html,icon.svg}`,
  'test/templates/**/*.{ts,md}',
]

await build()
rmSync(OUTPUT, { recursive: true, force: true })
const packages = compile(FOLDER)
for (const path of globSync(ASSETS, { cwd: root })) copy(path)
copy('infra/tools/pack/bin.mjs', 'bin.mjs')
await writePage()
const checkout = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
const source = { ...checkout, version: values.version ?? checkout.version }
const manifest = manifestOf(source, packages)
writeJson('package.json', manifest)
const lockfile: Lockfile = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8'))
writeJson(bomFile, bom(manifest, lockedPackages(lockfile, Object.keys(manifest.dependencies))))
const tarball = pack(FOLDER)
if (!values['no-install']) console.log(`installed with its dependencies: ${megabytes(installedSize(tarball))}`)
packCreate(join(OUTPUT, 'create'), source)
pack(join(OUTPUT, 'create'))

async function writePage(): Promise<void> {
  const { outputFiles, metafile } = await bundlePage()
  for (const { path, text } of outputFiles) write(join(PAGE, basename(path)), text)
  const packages = new ThirdPartyReader(root)
  write(`${PAGE}/THIRD-PARTY-LICENSES.txt`, licenseText(await packages.packagesIn(metafile)))
}

/** Returns the path of the tarball. */
function pack(folder: string): string {
  const path = join(OUTPUT, run('npm', ['pack', '--silent', '--pack-destination', OUTPUT], folder).trim())
  console.log(`${path}: ${megabytes(statSync(path).size)}, ${megabytes(sizeOf(folder))} unpacked`)
  return path
}

function installedSize(tarball: string): number {
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

function writeJson(path: string, content: object): void {
  write(path, `${JSON.stringify(content, null, 2)}\n`)
}

function sizeOf(folder: string): number {
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .reduce((sum, { parentPath, name }) => sum + statSync(join(parentPath, name)).size, 0)
}

function megabytes(bytes: number): string {
  return `${(bytes / 1_048_576).toFixed(1)} MB`
}
