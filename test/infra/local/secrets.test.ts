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

test('an optional file overrides the secrets of the sandbox as long as it exists', () => {
  const secrets = localSecrets('http://127.0.0.1:1', file, { optional: true })
  expect(providerIn(secrets)).toBe('github')
  writeFileSync(file, JSON.stringify({ [name]: { provider: 'jira' }, other: 'x' }))
  expect([providerIn(secrets), secrets.get('other')]).toEqual(['jira', 'x'])
  rmSync(file)
  expect([providerIn(secrets), secrets.get('other')]).toEqual(['github', undefined])
})

test('an invalid edit of the file does not change the secrets', () => {
  const logged = jest.spyOn(console, 'error').mockReturnValue()
  writeFileSync(file, JSON.stringify({ [name]: { provider: 'jira' } }))
  const secrets = localSecrets('http://127.0.0.1:1', file, { optional: true })
  writeFileSync(file, '{"half')
  expect(providerIn(secrets)).toBe('jira')
  expect(logged).toHaveBeenCalledWith(expect.stringContaining('is not JSON'))
})
