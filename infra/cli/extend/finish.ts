import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { APPLICATION } from '../../project/roots.ts'
import { show } from '../terminal/output.ts'
import { IN_APPLICATION } from './application.ts'
import type { Changes } from './changes.ts'

export interface FinishOptions {
  dryRun?: boolean
  json?: boolean
}

/** Lists providers and categories. Written by `npm run docs`. */
const GENERATED = ['README.md', 'docs/reference.md', 'docs/reference']

/**
 * Writes the changes, sorts imports, generates the documents, and prints the next steps.
 *
 * @param next commands
 * @param then manual steps, as sentences
 * @param generated documents that list what the changes add
 */
export function finish(
  changes: Changes,
  next: string[],
  then: string[],
  options: FinishOptions,
  generated: readonly string[] = GENERATED,
): void {
  const { created, changed } = changes.list()
  if (!options.dryRun) {
    changes.write()
    if (!IN_APPLICATION) updateCheckout([...created, ...changed], generated)
  }
  const all = [...changed, ...(IN_APPLICATION ? [] : generated)]
  const text = [
    options.dryRun ? 'Would write' : 'Wrote',
    ...created.map((path) => `  ${path}`),
    ...(all.length > 0 ? [options.dryRun ? 'Would change' : 'Changed', ...all.map((path) => `  ${path}`)] : []),
    'Next',
    ...next.map((command) => `  ${command}`),
    ...then,
  ].join('\n')
  show({ created, changed: all, next }, text, options)
}

function updateCheckout(paths: string[], generated: readonly string[]): void {
  const sources = paths.filter((path) => path.endsWith('.ts'))
  run('node_modules/@biomejs/biome/bin/biome', ['check', '--write', ...sources])
  if (generated.length > 0) run('infra/tools/docs/main.ts', [])
}

/** @throws Error with the output of the script */
function run(script: string, args: string[]): void {
  const command = ['--no-warnings', join(APPLICATION, script), ...args]
  const { status, stdout, stderr } = spawnSync(process.execPath, command, { cwd: APPLICATION, encoding: 'utf8' })
  if (status !== 0) throw new Error(`${script} ${args[0] ?? ''} failed:\n${stdout}${stderr}`)
}
