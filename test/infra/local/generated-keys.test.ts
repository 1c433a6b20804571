import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from '@jest/globals'
import { ensureKeys, readKeys } from '../../../infra/local/generated-keys.ts'
import { temporaryFolder } from '../../temporary-folder.ts'

const state = temporaryFolder()

test('the local keys are generated once for a state folder', () => {
  expect(readKeys(state)).toEqual({ identity: undefined, callbacks: undefined })
  const keys = ensureKeys(state)
  const key = expect.stringMatching(/^[0-9a-f]{64}$/)
  expect(keys).toEqual({ identity: key, callbacks: key })
  expect(keys.identity).not.toBe(keys.callbacks)
  expect([ensureKeys(state), readKeys(state)]).toEqual([keys, keys])
})

test('the files of the local keys are readable only by their owner', () => {
  expect(readdirSync(state)).toEqual(['callbacks.key', 'identity.key'])
  for (const file of readdirSync(state)) expect(statSync(join(state, file)).mode & 0o777).toBe(0o600)
})
