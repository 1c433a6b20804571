import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { show } from '../output.ts'
import { type Changes, root } from './changes.ts'

export interface FinishOptions {
  dryRun?: boolean
  json?: boolean
}

/** Made by `npm run docs` of what is written. */
const generated = ['README.md', 'docs/reference.md', 'docs/openapi.json']

/**
 * Writes what was made, sorts its imports, makes the documents anew, and says what to do next.
 *
 * @param next commands as they are typed
 * @param then what is to be changed by hand, as sentences
 */
export function finish(changes: Changes, next: string[], then: string[], options: FinishOptions): void {
  const { created, changed } = changes.list()
  if (!options.dryRun) {
    changes.write()
    const sources = [...created, ...changed].filter((path) => path.endsWith('.ts'))
    run('node_modules/@biomejs/biome/bin/biome', ['check', '--write', ...sources])
    run('infra/docs/main.ts', [])
  }
  const all = [...changed, ...generated]
  const text = [
    options.dryRun ? 'Would write' : 'Wrote',
    ...created.map((path) => `  ${path}`),
    options.dryRun ? 'Would change' : 'Changed',
    ...all.map((path) => `  ${path}`),
    'Next',
    ...next.map((command) => `  ${command}`),
    ...then,
  ].join('\n')
  show({ created, changed: all, next }, text, options)
}

/** @throws Error with what it said */
function run(script: string, args: string[]): void {
  const command = ['--no-warnings', join(root, script), ...args]
  const { status, stdout, stderr } = spawnSync(process.execPath, command, { cwd: root, encoding: 'utf8' })
  if (status !== 0) throw new Error(`${script} ${args[0] ?? ''} failed:\n${stdout}${stderr}`)
}
