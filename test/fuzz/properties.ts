import { spawnSync } from 'node:child_process'
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

const root = join(import.meta.dirname, '../..')

/**
 * Runs every test file with properties, with the random values of a seed. A failure prints the values that provoke it.
 *
 * @returns whether all properties hold
 */
export function runProperties(seed: number): boolean {
  const files = globSync('test/**/*.test.ts', { cwd: root }).filter((file) =>
    readFileSync(join(root, file), 'utf8').includes("from 'fast-check'"),
  )
  const { status } = spawnSync(
    process.execPath,
    ['--no-warnings', 'node_modules/jest/bin/jest.js', '--runTestsByPath', ...files],
    { cwd: root, env: { ...process.env, PROPERTY_SEED: String(seed) }, stdio: 'inherit' },
  )
  return status === 0
}
