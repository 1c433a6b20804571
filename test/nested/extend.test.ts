import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { templateKinds } from '../../infra/cli/extend/kinds.ts'
import { type Copy, copyOfProject } from '../infra/cli/copy.ts'

/** The commands write into their own project. */
let copy: Copy
beforeAll(() => {
  copy = copyOfProject()
})
afterAll(() => copy.remove())
const cli = (...args: string[]) => copy.node('infra/cli/main.ts', ...args)

describe('new-category, new-provider and new-orchestrator', () => {
  const read = (path: string) => readFileSync(join(copy.folder, path), 'utf8')
  const bin = (name: string) => `node_modules/${name}`

  beforeAll(async () => {
    // A category and a provider of each kind, and providers of existing categories.
    for (const kind of templateKinds)
      await cli('new-category', `new-${kind}s`, '--kind', kind, '--provider', `acme-${kind}`)
    await cli('new-provider', 'notification', 'pigeon')
    await cli('new-provider', 'incident-management', 'acme-runs', '--kind', 'job', '--title', 'ACME Runs 2.0')
    await cli('new-orchestrator', 'acme-flows', '--title', 'ACME Flows')
  })

  it('register what they write in the lists, the tables and the reference', async () => {
    for (const kind of templateKinds) {
      expect(read('README.md')).toContain(`[new-${kind}s](functions/new-${kind}s/README.md)`)
      expect(read(`docs/reference/new-${kind}s.md`)).toContain(`## Connection of \`new-${kind}s\` to \`acme-${kind}\``)
    }
    expect(read('functions/incident-management/README.md')).toContain('## ACME Runs 2.0 (`acme-runs`)')
    expect(read('test/functions/incident-management/acme-runs/contract.ts')).toContain(
      'The fake of ACME Runs 2.0 names',
    )
    expect(read('shared/orchestrators/index.ts')).toContain("(await import('./acme-flows.ts')).acmeFlowsType")
    expect(read('docs/acme-flows.md')).toMatch(/^# ACME Flows\n[\s\S]*"type": "acme-flows"/)
    await copy.node('infra/tools/docs/main.ts', '--check')
  })

  it('write code that compiles', async () => {
    expect(await copy.node(bin('typescript/bin/tsc'), '--noEmit')).toBe('')
  })

  it('write formatted code without lint errors', async () => {
    const paths = ['functions', 'shared', 'test/functions', 'test/shared']
    const output = await copy.node(bin('@biomejs/biome/bin/biome'), 'check', '--error-on-warnings', ...paths)
    expect(output).toMatch(/No fixes applied/)
  })

  it('write tests that pass and READMEs with working webhooks', async () => {
    // One suite per provider, one for the orchestrator, one for the types and one for the states of all jobs.
    const suites = templateKinds.length + 2 + 3
    await copy.node('infra/build/main.ts')
    const jest = [bin('jest/bin/jest.js'), '--maxWorkers=1']
    const output = await Promise.all([
      copy.node(
        ...jest,
        'test/functions/.*/(acme|pigeon)',
        'test/contract/states',
        'test/shared/orchestrators/(acme-flows|types)',
      ),
      copy.node(...jest, 'test/docs.test.ts', '--testNamePattern', ' new-|list every field|names every category'),
    ])
    expect(output[0]).toMatch(new RegExp(`Test Suites: ${suites} passed, ${suites} total`))
    expect(output[1]).toMatch(/run without changes: \S+ to new-tickets\/close-ticket\?mode=interactive/)
  })
})
