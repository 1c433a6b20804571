import { globSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect, it } from '@jest/globals'

const folder = join(import.meta.dirname, '../../examples')
const rows = [
  ...readFileSync(join(folder, 'README.md'), 'utf8').matchAll(/^\| \[([\w-]+)\]\(\1\/README\.md\) \|(.*)\|$/gm),
].map(([, name = '', cells = '']) => ({ name, cells: cells.split('|').map((cell) => cell.trim()) }))

it('examples/README.md has each example, with what runs it and what deploys it', () => {
  const examples = globSync('*/README.md', { cwd: folder }).map(dirname)
  expect(rows.map(({ name }) => name).sort()).toEqual(examples.sort())
  for (const { name, cells } of rows) {
    const [audience, purpose, run, deploy] = cells
    expect([name, audience, purpose, run, deploy]).not.toContain('')
    expect(cells).toHaveLength(4)
  }
})

it('the tests that examples/README.md names exist', () => {
  const tests = readFileSync(join(import.meta.dirname, 'examples.test.ts'), 'utf8')
  const named = rows.flatMap(({ cells }) => /-t ([\w-]+)/.exec(cells[2] ?? '')?.[1] ?? [])
  expect(named.length).toBeGreaterThan(3)
  for (const name of named) expect(tests).toContain(`describe('${name}', `)
})
