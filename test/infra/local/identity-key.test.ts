import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from '@jest/globals'
import { ensureIdentityKey, readIdentityKey } from '../../../infra/local/identity-key.ts'

let state: string
beforeEach(() => {
  state = mkdtempSync(join(tmpdir(), 'webhooks-identity-'))
})
afterEach(() => {
  rmSync(state, { recursive: true })
})

test('the local identity key is generated once for a state folder', () => {
  expect(readIdentityKey(state)).toBeUndefined()
  const key = ensureIdentityKey(state)
  expect(key).toMatch(/^[0-9a-f]{64}$/)
  expect([ensureIdentityKey(state), readIdentityKey(state)]).toEqual([key, key])
})

test('the file of the local identity key is readable only by its owner', () => {
  ensureIdentityKey(state)
  const [file = '', ...others] = readdirSync(state)
  expect(others).toEqual([])
  expect(statSync(join(state, file)).mode & 0o777).toBe(0o600)
})
