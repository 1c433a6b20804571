import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from '@jest/globals'
import { parse } from 'yaml'
import { checkCases } from '../../../infra/cli/policy/cases.ts'
import { warningsOf } from '../../../infra/cli/policy/warnings.ts'
import { EXAMPLE } from '../../../infra/local/console/policy-view.ts'
import { categories } from '../../../infra/project/categories.ts'
import { compilePolicy } from '../../../shared/policy/file.ts'
import { temporaryFolder } from '../../temporary-folder.ts'

const page = readFileSync(join(import.meta.dirname, '../../../docs/policy.md'), 'utf8')
const blocks = [...page.matchAll(/^( *)```yaml\n([\s\S]*?)```$/gm)].map(([, indent = '', text = '']) =>
  text.replaceAll(new RegExp(`^${indent}`, 'gm'), ''),
)
const examples = blocks.filter((text) => !text.startsWith('at: '))

const withGroup = { timeZone: 'UTC', approval: { connection: 'ops' }, groups: { sre: ['jane@example.com', 'U0BEN'] } }

const folder = temporaryFolder()

describe('docs/policy.md', () => {
  it.each(examples)('has a valid example %#', (text) => {
    const loaded: unknown = parse(text)
    const policy = compilePolicy(Array.isArray(loaded) ? { ...withGroup, rules: loaded } : loaded)
    expect(policy.rules).toHaveLength(1)
    const unknown = warningsOf(policy, categories, undefined).filter(({ warning }) => warning.includes('do not exist'))
    expect(unknown).toEqual([])
  })

  it('has the file that the console suggests', () => {
    const [comment, ...lines] = examples[0]?.trim().split('\n') ?? []
    expect([comment, lines.join('\n')]).toEqual([expect.stringContaining('$schema='), EXAMPLE])
  })

  it('has cases that its first policy passes', async () => {
    const file = join(folder, 'policy-cases.yaml')
    writeFileSync(file, blocks.find((text) => text.startsWith('at: ')) ?? '')
    const cases = await checkCases(compilePolicy(parse(examples[0] ?? '')), file)
    expect(cases.map(({ passed }) => passed)).toEqual([true, true, true])
  })

  it('has three files, and 13 rules to copy', () => {
    const isRule = examples.map((text) => text.startsWith('- name: '))
    expect(isRule).toEqual([false, false, false, ...Array<boolean>(13).fill(true)])
  })
})
