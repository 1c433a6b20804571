import { mkdtempSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { installPackages } from '../../../project/install.mjs'
import { markdownTable } from '../../../project/markdown-table.ts'
import { PACKAGE as ROOT } from '../../../project/roots.ts'
import { EXPORTS } from '../../pack/manifest.ts'
import { writeDeclarations } from './declarations.ts'
import { apiPage } from './page.ts'
import { shortReport } from './report.ts'

/** Texts by the path of their file. */
type Files = Record<string, string>

export const FOLDER = 'docs/api'
const PACKAGE = 'cloud-automation-webhooks'
/** The pages of the entry points, by the name that an application imports. */
const ENTRIES: Record<string, { page: string; purpose: string }> = {
  '.': { page: 'framework', purpose: 'write providers, actions, categories and orchestrators' },
  './categories': { page: 'categories', purpose: 'extend and deploy the categories that the package contains' },
  './testing': { page: 'testing', purpose: 'test a provider with the suite of its kind' },
  './cdk': { page: 'cdk', purpose: 'deploy the functions with CDK' },
}

/**
 * Documents the exported types of the package, with their comments.
 *
 * @returns by path, the files to review, and the pages that only the site has
 */
export async function documentApi(): Promise<{ reports: Files; pages: Files }> {
  await installPackages(join(ROOT, 'infra/tools/release'))
  const { extract } = await import('./extract.mjs')
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'webhooks-api-')))
  try {
    writeDeclarations(ROOT, Object.values(EXPORTS), folder)
    const reports: Files = { [`${FOLDER}/README.md`]: overview() }
    const pages: Files = {}
    const listed = new Set<string>()
    const documented = new Set<string>()
    for (const [entry, { page }] of Object.entries(ENTRIES)) {
      const { report, model } = extract(folder, `${EXPORTS[entry]}.d.ts`, page)
      reports[`${FOLDER}/${page}.api.md`] = shortReport(report, listed)
      pages[`${FOLDER}/${page}.md`] = apiPage(model, importOf(entry), documented)
    }
    return { reports, pages }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function overview(): string {
  const missing = Object.keys(EXPORTS).filter((entry) => !(entry in ENTRIES))
  if (missing.length > 0)
    throw new Error(`Add ${missing.join(', ')} to ENTRIES in infra/tools/release/api/document.ts.`)
  const rows = Object.entries(ENTRIES).map(([entry, { page, purpose }]) => [
    `[\`${importOf(entry)}\`](${page}.api.md)`,
    purpose,
  ])
  const text = `The package \`${PACKAGE}\` exports ${rows.length} modules. [support.md](../support.md#versions) describes how they change.
A report omits the types that a report above it lists.`
  return `# API\n\n${text}\n\n${markdownTable(['Module', 'Use it to'], rows)}`
}

/** Returns what an application imports: `./cdk` is `cloud-automation-webhooks/cdk`. */
function importOf(entry: string): string {
  return entry.replace('.', PACKAGE)
}
