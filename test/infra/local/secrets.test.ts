import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, jest, test } from '@jest/globals'
import { categories } from '../../../functions/index.ts'
import { demoCredentials } from '../../../infra/local/credentials.ts'
import { localSecrets } from '../../../infra/local/secrets.ts'
import type { Category } from '../../../shared/providers/category.ts'
import { temporaryFolder } from '../../temporary-folder.ts'

const file = join(temporaryFolder(), 'secrets.json')

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

test('every action of the sandbox has a connection that supports it without naming one', async () => {
  const secrets = localSecrets('http://127.0.0.1:1')
  const read = (path: string) => JSON.parse(secrets.get(`cloud-automation-webhooks/${path}`) ?? '{}')
  const unsupported: string[] = []
  for (const [caller, { connections = {} }] of Object.entries<{ connections?: Record<string, string> }>(
    read('callers'),
  ))
    for (const category of categories as readonly Category[])
      for (const [name, { kind }] of Object.entries(category.actions)) {
        const connection = connections[`${category.name}/${name}`] ?? 'default'
        const { provider: providerName } = read(`connections/${category.name}/${connection}`)
        const provider = await category.providers[providerName]?.()
        const can = provider?.kind === kind && (name !== 'rollback' || 'rollback' in provider)
        if (!can) unsupported.push(`${caller}: ${category.name}/${name} with ${connection}`)
      }
  expect(unsupported).toEqual([])
})

test.each([
  ['http://localhost:8943/sandbox/github', false, 'http://127.0.0.1:1/sandbox/github'],
  ['http://127.0.0.1:1/sandbox/github', false, 'http://127.0.0.1:1/sandbox/github'],
  ['https://127.0.0.1:8943/sandbox/github', true, 'https://127.0.0.1:8943/sandbox/github'],
  ['http://127.0.0.1:8943/github', true, 'http://127.0.0.1:8943/github'],
  ['https://github.example.com/sandbox/', true, 'https://github.example.com/sandbox/'],
])('the connection to %s leads to a real platform: %s', (baseUrl, isReal, used) => {
  writeFileSync(file, JSON.stringify({ [name]: { provider: 'github', baseUrl } }))
  const credentials = jest.fn((_hasRealPlatform: boolean) => demoCredentials)
  const secrets = localSecrets('http://127.0.0.1:1', file, { credentials })
  expect(JSON.parse(secrets.get(name) ?? '{}').baseUrl).toBe(used)
  expect(credentials.mock.lastCall).toEqual([isReal])
})

test('an invalid edit of the file does not change the secrets', () => {
  const logged = jest.spyOn(console, 'error').mockReturnValue()
  writeFileSync(file, JSON.stringify({ [name]: { provider: 'jira' } }))
  const secrets = localSecrets('http://127.0.0.1:1', file, { optional: true })
  writeFileSync(file, '{"half')
  expect(providerIn(secrets)).toBe('jira')
  expect(logged).toHaveBeenCalledWith(expect.stringContaining('is not JSON'))
})

test('published tokens that are copied to the file become invalid if the credentials are private', () => {
  const callers = 'cloud-automation-webhooks/callers'
  const url = 'http://127.0.0.1:1'
  const published = localSecrets(url).get(callers) ?? ''
  writeFileSync(file, JSON.stringify({ [callers]: published }))
  const hashesIn = (text: string): string[] => text.match(/sha256:[0-9a-f]{64}/g) ?? []
  const credentials = () => ({ callerToken: 'private', approvalsKey: 'private' })
  const own = hashesIn(localSecrets(url, file, { credentials }).get(callers) ?? '')
  expect(own.length).toBeGreaterThan(5)
  expect(own.filter((hash) => hashesIn(published).includes(hash))).toEqual([])
  expect(own).toEqual(hashesIn(localSecrets(url, undefined, { credentials }).get(callers) ?? ''))
})
