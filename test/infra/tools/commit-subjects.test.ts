import { expect, it } from '@jest/globals'
import { findSubjectProblems } from '../../../infra/tools/commit-subjects.ts'

it.each([
  'fix(task): end a job whose status can no longer be read',
  'feat(http)!: need a token for every connection',
  'test(e2e): bring back the slow start',
  'docs(adr): pass the invariants on',
  'build(npm): MCP support',
])('accepts the commit subject %j', (subject) => {
  expect(findSubjectProblems(subject)).toEqual([])
})

it.each([
  ['repair the build', 'write it as type(scope): imperative; types: feat, fix'],
  ['fix: repair the build', 'write it as type(scope): imperative'],
  ['feature(http): add retries', 'write it as type(scope): imperative'],
  ['fix(http): repaired the build', 'such as "add" instead of "repaired"'],
  ['fix(http): repairing the build', 'such as "add" instead of "repairing"'],
  ['fix(http): repairs the build', 'such as "add" instead of "repairs"'],
  ['fix(http): Repair the build', 'a lowercase verb instead of "Repair"'],
  ['fix(http): repair the build.', 'remove the period'],
  [`fix(http): repair ${'x'.repeat(60)}`, 'has 78 characters; 72 are allowed'],
])('rejects the commit subject %j', (subject, problem) => {
  expect(findSubjectProblems(subject)).toEqual([expect.stringContaining(problem)])
})
