import { expect, test } from '@jest/globals'
import { parse } from 'yaml'
import { policyDigest } from '../../../shared/policy/digest.ts'
import { compilePolicy } from '../../../shared/policy/file.ts'

const digestOf = (text: string) => policyDigest(compilePolicy(parse(text)))

test('The digest of a policy depends on what it restricts, and not on how its file is written', () => {
  const digest = digestOf('rules: [{ name: a, when: { agents: true, stages: [prod] }, deny: No }]')
  expect(digest).toMatch(/^[0-9a-f]{12}$/)
  expect(
    digestOf('# A comment\nenforce: true\nrules: [{ deny: No, name: a, when: { stages: [prod], agents: true } }]'),
  ).toBe(digest)
  expect(digestOf('enforce: false\nrules: [{ name: a, when: { agents: true, stages: [prod] }, deny: No }]')).not.toBe(
    digest,
  )
  // The build writes it as JSON, which has no undefined fields.
  const compiled = compilePolicy({ rules: [{ name: 'a', approve: { connection: 'ops' } }] })
  expect(policyDigest(JSON.parse(JSON.stringify(compiled)))).toBe(policyDigest(compiled))
})
