import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from '@jest/globals'
import { loadOrchestratorType } from '../../../shared/orchestrators/index.ts'

const root = join(import.meta.dirname, '../../..')
const index = readFileSync(join(root, 'shared/orchestrators/index.ts'), 'utf8')
const types = [...index.matchAll(/^ {2}'?([a-z-]+)'?: async \(\) =>/gm)].map(([, name = '']) => name)
const tests = globSync('test/shared/orchestrators/**/*.test.ts', { cwd: root }).map((file) =>
  readFileSync(join(root, file), 'utf8'),
)

test('the index lists the types of orchestrators', () => {
  expect(types).toEqual(expect.arrayContaining(['keptn', 'poll']))
})

test.each(types)('%s exists and passes the conformance tests', async (type) => {
  expect(await loadOrchestratorType(type)).toMatchObject({ connect: expect.any(Function) })
  expect(tests.filter((text) => text.includes(`orchestratorConformance('${type}'`))).toHaveLength(1)
})

test('an unknown type is refused with the known ones', async () => {
  await expect(loadOrchestratorType('kepn')).rejects.toThrow('Did you mean "keptn"?')
})
