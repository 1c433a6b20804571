import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { expect, it } from '@jest/globals'
import { runParts } from '../../../infra/tools/check.ts'

const root = join(import.meta.dirname, '../../..')
const printedOf = async (parts: { name: string; command: string }[]) => {
  const lines: string[] = []
  const failed = await runParts(parts, (text) => lines.push(text))
  return { failed, text: lines.join('\n').replaceAll(/\d+\.\d s/g, '1.0 s') }
}
const passing = (name: string) => ({ name, command: `echo output of ${name}` })
const failing = (name: string) => ({ name, command: `echo output of ${name} && echo error of ${name} >&2 && exit 1` })

it('npm run check runs the remaining parts after a failure, and reports all failures', async () => {
  const { failed, text } = await printedOf([failing('types'), passing('lint'), failing('docs'), passing('synth')])
  expect(failed.toSorted()).toEqual(['docs', 'types'])
  for (const line of [
    'types  failed   1.0 s',
    'lint   passed   1.0 s',
    'docs   failed   1.0 s',
    'synth  passed   1.0 s',
  ])
    expect(text).toContain(line)
  expect(text).toContain('output of types\nerror of types\n')
  expect(text).toContain('output of docs\nerror of docs\n')
  expect(text).not.toContain('\noutput of lint')
  expect(text).toMatch(/\n4 parts in 1\.0 s: 2 of 4 failed \((types, docs|docs, types)\)$/)
})

it('npm run check says that all parts passed', async () => {
  const { failed, text } = await printedOf([passing('types'), passing('lint')])
  expect(failed).toEqual([])
  expect(text).toMatch(/\n2 parts in 1\.0 s: all passed$/)
})

it('npm run check names the parts if --only names an unknown one', () => {
  const argv = [join(root, 'infra/tools/check.ts'), '--only', 'typos']
  const { status, stderr } = spawnSync(process.execPath, argv, { encoding: 'utf8' })
  expect(status).toBe(2)
  expect(stderr).toBe(
    'Unknown part "typos". Parts: types, page types, application types, lint, unused, docs, api, words, synth.\n',
  )
})
