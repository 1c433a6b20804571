import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from '@jest/globals'

const root = join(import.meta.dirname, '../../..')
const engines = /keptn|cloud automation|step.?functions|github|azure|dynatrace|flagger|argo|spinnaker|n8n|jenkins/i

test('the core names no engine: orchestrators know theirs', () => {
  const files = globSync('shared/core/**/*.ts', { cwd: root })
  expect(files.length).toBeGreaterThan(20)
  expect(files.filter((file) => engines.test(readFileSync(join(root, file), 'utf8')))).toEqual([])
})
