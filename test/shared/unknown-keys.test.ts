import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from '@jest/globals'

const root = join(import.meta.dirname, '../..')
/** The key of an object, or the name of a schema, whose value may be anything, but may not be absent. */
const REQUIRED = /[\w'\])]+(?::| =)\s*z\.(?:unknown|any)\(\)/g
/** Keys that must be present. */
const PRESENT = ['shared/core/task-schema.ts input: z.unknown()']

// A missing key would be an unexpected response, which is polled again until the deadline.
test('no schema requires a key whose value may be anything: write z.optional(z.unknown())', () => {
  const files = globSync('{functions,shared}/**/*.ts', { cwd: root })
  const found = files.flatMap((file) =>
    (readFileSync(join(root, file), 'utf8').match(REQUIRED) ?? []).map((key) => `${file} ${key}`),
  )
  expect(found).toEqual(PRESENT)
})
