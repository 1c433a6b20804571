import { join } from 'node:path'
import { helpIfAsked } from '../project/help.ts'
import { needing } from '../project/missing-package.ts'
import { APPLICATION } from '../project/roots.ts'
import { dist } from './files.ts'
import { hashSources, isUpToDate, recordBuild } from './up-to-date.ts'

/**
 * Bundles all functions, if a source has changed.
 *
 * @param force builds even if nothing has changed
 */
export async function build({ force = false } = {}): Promise<void> {
  const startedAt = performance.now()
  const hash = hashSources(APPLICATION)
  if (!force && isUpToDate(dist, hash)) return console.log('dist/ is up to date')
  const { buildBundles } = await needing('esbuild', import('./bundles.ts'))
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

function kilobytes(bytes: number): string {
  return `${(bytes / 1024).toFixed(0)} KB`
}

if (import.meta.filename === process.argv[1]) {
  helpIfAsked(`npm run build: bundles each category and the other functions into dist/, for AWS and for npm start.
Builds only if a source has changed. Each bundle contains the licenses of its packages; dist/sbom.cdx.json lists the
packages of all bundles (CycloneDX).

Options
  --force  build even if nothing has changed
  --help   print this text`)
  await build({ force: process.argv.includes('--force') })
}
