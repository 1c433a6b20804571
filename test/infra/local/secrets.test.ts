import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, jest, test } from '@jest/globals'
import { localSecrets } from '../../../infra/local/secrets.ts'

let folder: string
let file: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'webhooks-secrets-'))
  file = join(folder, 'secrets.json')
})
afterEach(() => {
  jest.restoreAllMocks()
  rmSync(folder, { recursive: true })
})

const name = 'cloud-automation-webhooks/connections/issue-ticketing/default'
const providerIn = (secrets: ReturnType<typeof localSecrets>) => JSON.parse(secrets.get(name) ?? '{}').provider

test('A file that may be missing is laid over what the sandbox has, as it stands, and no more when it is gone.', () => {
  const secrets = localSecrets('http://127.0.0.1:1', file, { optional: true })
  expect(providerIn(secrets)).toBe('github')
  writeFileSync(file, JSON.stringify({ [name]: { provider: 'jira' }, other: 'x' }))
  expect([providerIn(secrets), secrets.get('other')]).toEqual(['jira', 'x'])
  rmSync(file)
  expect([providerIn(secrets), secrets.get('other')]).toEqual(['github', undefined])
})

test('An edit that is half written leaves what was read before.', () => {
  const told = jest.spyOn(console, 'error').mockReturnValue()
  writeFileSync(file, JSON.stringify({ [name]: { provider: 'jira' } }))
  const secrets = localSecrets('http://127.0.0.1:1', file, { optional: true })
  writeFileSync(file, '{"half')
  expect(providerIn(secrets)).toBe('jira')
  expect(told).toHaveBeenCalledWith(expect.stringContaining('is not JSON'))
})
