import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { messageOf } from '../../../../shared/errors.ts'
import { table } from '../../docs/table.ts'
import { helpIfAsked } from '../../help.ts'
import { installPackages } from '../../install.mjs'
import { EXPORTS } from '../../pack/manifest.ts'
import { writeDeclarations } from './declarations.ts'
import { apiPage } from './page.ts'

const ROOT = join(import.meta.dirname, '../../../..')
const FOLDER = 'docs/api'
const PACKAGE = 'cloud-automation-webhooks'
/** The pages of the entry points, by the name that an application imports. */
const ENTRIES: Record<string, { page: string; purpose: string }> = {
  '.': { page: 'framework', purpose: 'write providers, actions, categories and orchestrators' },
  './categories': { page: 'categories', purpose: 'extend and deploy the categories that the package contains' },
  './testing': { page: 'testing', purpose: 'test a provider with the suite of its kind' },
  './cdk': { page: 'cdk', purpose: 'deploy the functions with CDK' },
}

helpIfAsked(`npm run api: documents the public API of the package from the types and comments of the sources. For each entry point, it
writes the report ${FOLDER}/<entry>.api.md, which shows in reviews what changes, and the page ${FOLDER}/<entry>.md.

Options
  --check  write nothing; exit with 1 if a file is outdated
  --help   print this text

Example
  npm run api -- --check`)

try {
  const { check } = parseArgs({ options: { check: { type: 'boolean' } } }).values
  const files = await documentApi()
  if (check) checkFiles(files)
  else writeFiles(files)
} catch (error) {
  console.error(messageOf(error))
  process.exitCode = 1
}

/** Returns the text of each file. */
async function documentApi(): Promise<Record<string, string>> {
  await installPackages(join(ROOT, 'infra/tools/release'))
  const { extract } = await import('./extract.mjs')
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'webhooks-api-')))
  try {
    writeDeclarations(ROOT, Object.values(EXPORTS), folder)
    const files: Record<string, string> = { [`${FOLDER}/README.md`]: overview() }
    const documented = new Set<string>()
    for (const [entry, { page }] of Object.entries(ENTRIES)) {
      const { report, model } = extract(folder, `${EXPORTS[entry]}.d.ts`, page)
      files[`${FOLDER}/${page}.api.md`] = report
      files[`${FOLDER}/${page}.md`] = apiPage(model, importOf(entry), documented)
    }
    return files
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function overview(): string {
  const missing = Object.keys(EXPORTS).filter((entry) => !(entry in ENTRIES))
  if (missing.length > 0) throw new Error(`Add ${missing.join(', ')} to ENTRIES in infra/tools/release/api/main.ts.`)
  const rows = Object.entries(ENTRIES).map(([entry, { page, purpose }]) => [
    `[\`${importOf(entry)}\`](${page}.md)`,
    purpose,
  ])
  const text = `The package \`${PACKAGE}\` exports ${rows.length} modules. [support.md](../support.md#versions) describes how they change.`
  return `# API\n\n${text}\n\n${table(['Module', 'Use it to'], rows)}`
}

/** Returns what an application imports: `./cdk` is `cloud-automation-webhooks/cdk`. */
function importOf(entry: string): string {
  return entry.replace('.', PACKAGE)
}

function checkFiles(files: Record<string, string>): void {
  const outdated = Object.entries(files).filter(([path, text]) => readIfExists(path) !== text)
  if (outdated.length === 0) {
    console.log('The API report is up to date')
    return
  }
  for (const [path] of outdated) console.error(`${path} is outdated.`)
  const hasNewReport = outdated.some(([path]) => path.endsWith('.api.md'))
  console.error(
    hasNewReport
      ? 'The public API has changed. Run npm run api and add a changeset (npm run changeset).'
      : 'The comments of the public API have changed. Run npm run api.',
  )
  process.exitCode = 1
}

function writeFiles(files: Record<string, string>): void {
  mkdirSync(join(ROOT, FOLDER), { recursive: true })
  for (const [path, text] of Object.entries(files)) {
    if (readIfExists(path) === text) continue
    writeFileSync(join(ROOT, path), text)
    console.log(`wrote ${path}`)
  }
}

function readIfExists(path: string): string | undefined {
  try {
    return readFileSync(join(ROOT, path), 'utf8')
  } catch {
    return undefined
  }
}
