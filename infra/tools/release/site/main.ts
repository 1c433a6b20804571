import { spawnSync } from 'node:child_process'
import { cpSync, globSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { parseArgs } from 'node:util'
import { messageOf } from '../../../../shared/errors.ts'
import { helpIfAsked } from '../../../project/help.ts'
import { installPackages } from '../../../project/install.mjs'
import { documentApi } from '../api/document.ts'
import { findBrokenLinks } from './check.ts'
import { markdownPages } from './markdown.ts'
import { findSections } from './navigation.ts'
import { platformPages } from './platforms.ts'

const ROOT = join(import.meta.dirname, '../../../..')
const OUTPUT = join(ROOT, 'site')
const TOOLS = join(ROOT, 'infra/tools/release/node_modules')
const VITEPRESS = join(TOOLS, 'vitepress/bin/vitepress.js')

helpIfAsked(`npm run docs:site: builds the documentation site in site/, with search, the pages as Markdown, and llms.txt.
Fails on broken links.

Options
  --serve             serve the site on http://127.0.0.1:4173 after the build
  --base <path>       path of the site on its server, such as /docs/; defaults to /
  --repository <url>  for links to sources; defaults to the repository of GitHub Actions. Without it, these links are plain text
  --help              print this text

Example
  npm run docs:site -- --serve`)

try {
  await main()
} catch (error) {
  console.error(messageOf(error))
  process.exitCode = 1
}

async function main(): Promise<void> {
  const { serve, base, repository } = parseArgs({
    options: {
      serve: { type: 'boolean' },
      base: { type: 'string', default: '/' },
      repository: { type: 'string', default: repositoryOfActions() },
    },
  }).values
  await installPackages(join(ROOT, 'infra/tools/release'))
  const startedAt = performance.now()
  const { pages: apiPages } = await documentApi()
  for (const [path, page] of Object.entries({ ...apiPages, ...(await platformPages()) })) {
    mkdirSync(dirname(join(ROOT, path)), { recursive: true })
    writeFileSync(join(ROOT, path), page)
  }
  const settings = { SITE_ROOT: ROOT, SITE_OUTPUT: OUTPUT, SITE_BASE: base, SITE_REPOSITORY: repository }
  run(['build', join(import.meta.dirname)], settings)
  cpSync(join(TOOLS, '@mermaid-js/tiny/dist/mermaid.tiny.js'), join(OUTPUT, 'mermaid.js'))
  for (const [path, text] of markdownPages(findSections(ROOT), { root: ROOT, base, repository })) {
    mkdirSync(dirname(join(OUTPUT, path)), { recursive: true })
    writeFileSync(join(OUTPUT, path), text)
  }
  const pages = globSync('**/*.html', { cwd: OUTPUT })
  const broken = findBrokenLinks(new Map(pages.map((page) => [page, readFileSync(join(OUTPUT, page), 'utf8')])), base)
  if (broken.length > 0) throw new Error(`Broken links:\n${broken.map((link) => `  ${link}`).join('\n')}`)
  console.log(
    `site/: ${pages.length} pages in ${((performance.now() - startedAt) / 1000).toFixed(1)} s, no broken links`,
  )
  if (serve) run(['serve', join(import.meta.dirname), '--port', '4173'], settings, 'inherit')
}

function repositoryOfActions(): string | undefined {
  const { GITHUB_SERVER_URL, GITHUB_REPOSITORY } = process.env
  return GITHUB_SERVER_URL && GITHUB_REPOSITORY && `${GITHUB_SERVER_URL}/${GITHUB_REPOSITORY}`
}

/** Prints the output of VitePress only if it fails, because it contains warnings that do not matter. */
function run(args: string[], settings: NodeJS.ProcessEnv, stdio: 'pipe' | 'inherit' = 'pipe'): void {
  const env = { ...process.env, ...settings }
  const { status, error, stdout, stderr } = spawnSync(process.execPath, [VITEPRESS, ...args], { env, stdio })
  if (error) throw error
  if (status !== 0) throw new Error(`VitePress failed. Correct the page that it names:\n${stdout}${stderr}`)
}
