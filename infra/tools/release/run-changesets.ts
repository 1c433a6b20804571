import { spawnSync } from 'node:child_process'
import { join } from 'node:path'

const ROOT = join(import.meta.dirname, '../../..')
const CHANGESETS = join(import.meta.dirname, 'node_modules/@changesets/cli/bin.js')

/** Runs the Changesets command with the terminal of this process, and returns its exit code. */
export function runChangesets(args: readonly string[]): number {
  const { status, error } = spawnSync(process.execPath, [CHANGESETS, ...args], { cwd: ROOT, stdio: 'inherit' })
  if (error) throw error
  return status ?? 1
}
