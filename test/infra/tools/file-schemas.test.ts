import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from '@jest/globals'
import { Ajv } from 'ajv'
import { parse } from 'yaml'
import { fileSchemas } from '../../../infra/tools/docs/file-schemas.ts'
import { isRecord } from '../../../shared/record.ts'

const root = join(import.meta.dirname, '../../..')
const read = (path: string) => readFileSync(join(root, path), 'utf8')
const examplesIn = (page: string): unknown[] =>
  [...read(page).matchAll(/^ *```yaml\n([\s\S]*?)```$/gm)].map(([, text = '']) => parse(text))
/** The page also has a file of cases for a policy, which has no rules. */
const policies = examplesIn('docs/policy.md')
  .filter((loaded) => !isRecord(loaded) || !('cases' in loaded))
  .map((loaded) => (Array.isArray(loaded) ? { rules: loaded } : loaded))
const events = examplesIn('docs/sources.md')
const deny = (more: object) => ({ rules: [{ name: 'a', deny: 'No', ...more }] })
const source = (declared: object) => ({ sources: { a: declared } })

describe.each<[schema: string, page: string, examples: unknown[], wrong: unknown[]]>([
  [
    'docs/policy.schema.json',
    'docs/policy.md',
    policies,
    [
      [],
      { rule: [] },
      { rules: [{ deny: 'No name' }] },
      deny({ denny: 'No' }),
      deny({ when: { action: ['ci-cd/*'] } }),
      deny({ when: { actions: 'ci-cd/*' } }),
      { rules: [{ name: 'a', only: { from: 8 } }] },
      { rules: [{ name: 'a', only: { days: 'monday' } }] },
      { rules: [{ name: 'a', freeze: [{ from: '20.12.2026', to: '2027-01-04' }] }] },
    ],
  ],
  [
    'docs/events.schema.json',
    'docs/sources.md',
    events,
    [
      { source: {} },
      source({}),
      source({ type: 'githab' }),
      source({ type: 'github', run: 'id' }),
      source({ type: 'github', wakes: ['default'] }),
      { sources: { GitHub: { type: 'github' } } },
    ],
  ],
])('%s', (path, page, examples, wrong) => {
  const text = fileSchemas()[path] ?? ''
  const isValid = new Ajv().compile(JSON.parse(text))

  it('is up to date', () => {
    expect(read(path)).toBe(text)
  })

  it('accepts every documented example', () => {
    expect(examples.length).toBeGreaterThan(1)
    for (const example of examples)
      expect({ example, valid: isValid(example), errors: isValid.errors }).toMatchObject({ valid: true })
  })

  it.each(wrong)('refuses %j', (loaded) => {
    expect(isValid(loaded)).toBe(false)
  })

  it('is named in the documentation', () => {
    expect(read(page)).toContain(`# yaml-language-server: $schema=node_modules/cloud-automation-webhooks/${path}\n`)
  })
})
