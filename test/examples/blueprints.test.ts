import { existsSync, globSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect, it } from '@jest/globals'
import { FOLDER, read } from './runners/files.ts'
import { EXAMPLES } from './runners/index.ts'

const ROOT = join(FOLDER, '..')
const rows = [...read('README.md').matchAll(/^\| \[([\w-]+)\]\(\1\/README\.md\) \|(.*)\|$/gm)].map(
  ([, name = '', cells = '']) => ({ name, cells: cells.split('|').map((cell) => cell.trim()) }),
)

/** Returns whether a command runs a script of a package.json, or a file or a folder of the examples. */
function exists(command: string): boolean {
  const [, folder = '.', script] = /^npm (?:--prefix (\S+) )?run (\S+)/.exec(command) ?? []
  if (script === undefined) return existsSync(join(ROOT, /examples\/[\w./-]+/.exec(command)?.[0] ?? 'none'))
  return script in JSON.parse(readFileSync(join(ROOT, folder, 'package.json'), 'utf8')).scripts
}

it('examples/README.md has each example, with its audience and its purpose', () => {
  const examples = globSync('*/README.md', { cwd: FOLDER }).map(dirname)
  expect(rows.map(({ name }) => name).sort()).toEqual(examples.sort())
  for (const { cells } of rows) expect(cells).toEqual(Array(4).fill(expect.stringMatching(/./)))
})

it.each(rows)('examples/README.md has one command that runs $name, and one that deploys it', ({ name, cells }) => {
  const commands = cells.slice(2).map((cell) => /^`([^`]+)`$/.exec(cell)?.[1] ?? '')
  expect(commands).toEqual([expect.stringMatching(/./), expect.stringMatching(/./)])
  expect(commands.flatMap((command) => command.split(' && ')).filter((command) => !exists(command))).toEqual([])
  const [run = '', deploy] = commands
  expect(deploy).toContain(`examples/${name}`)
  if (name in EXAMPLES) expect(run).toBe(`npm run example -- ${name}`)
})
