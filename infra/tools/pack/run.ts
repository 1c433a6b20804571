import { spawnSync } from 'node:child_process'
import { PACKAGE } from '../../project/roots.ts'

/**
 * Runs a command and returns its output.
 *
 * @throws Error with the output of the command
 */
export function run(command: string, args: string[], cwd = PACKAGE): string {
  const { status, stdout, stderr, error } = spawnSync(command, args, { cwd, encoding: 'utf8' })
  if (error) throw error
  if (status === 0) return stdout
  throw new Error(`${command} ${args.join(' ')} failed:\n${stdout}${stderr}`)
}
