import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from '@jest/globals'
import { ensureKeys, readKeys } from '../../../infra/local/generated-keys.ts'

let state: string
beforeEach(() => {
  state = mkdtempSync(join(tmpdir(), 'webhooks-keys-'))
})
afterEach(() => {
  rmSync(state, { recursive: true })
})

test('the local keys are generated once for a state folder', () => {
  expect(readKeys(state)).toEqual({ identity: undefined, callbacks: undefined })
  const keys = ensureKeys(state)
  const key = expect.stringMatching(/^[0-9a-f]{64}$/)
  expect(keys).toEqual({ identity: key, callbacks: key })
  expect(keys.identity).not.toBe(keys.callbacks)
  expect([ensureKeys(state), readKeys(state)]).toEqual([keys, keys])
})

test('the files of the local keys are readable only by their owner', () => {
  ensureKeys(state)
  expect(readdirSync(state)).toEqual(['callbacks.key', 'identity.key'])
  for (const file of readdirSync(state)) expect(statSync(join(state, file)).mode & 0o777).toBe(0o600)
})
