import { expect, it } from '@jest/globals'
import { plainHttpOrigins } from '../../../infra/cli/plain-http.ts'
import { webhooks } from './webhooks.ts'

it.each([
  [{ baseUrl: 'https://jira.example' }, []],
  [{ baseUrl: 'http://jira.example:8080/rest' }, ['http://jira.example:8080']],
  [{ baseUrl: 'HTTP://10.0.0.7' }, ['http://10.0.0.7']],
  [{ oauth: { tokenUrl: 'http://sso.example/token' }, more: ['http://sso.example/other'] }, ['http://sso.example']],
  [{ baseUrl: 'http://localhost:8080' }, []],
  [{ baseUrl: 'http://127.0.0.1:8080' }, []],
  [{ baseUrl: 'http://[::1]:8080' }, []],
  [{ token: 'about http://x.example' }, []],
  [undefined, []],
])('finds the plain HTTP origins of %j', (secret, origins) => {
  expect(plainHttpOrigins(secret)).toEqual(origins)
})

it('connect warns that credentials are sent over plain HTTP', async () => {
  const connection = { provider: 'github', baseUrl: 'http://github.invalid', token: 'a-github-token', project: 'o/r' }
  const { code, err } = await webhooks(
    ['connect', 'issue-ticketing/default', '--from-file', '-', '--no-check', '--dry-run'],
    { stdin: JSON.stringify(connection), env: { AWS_REGION: 'eu-west-1' } },
  )
  expect(err).toContain('Warning: http://github.invalid uses plain HTTP.')
  expect(code).toBe(0)
})
