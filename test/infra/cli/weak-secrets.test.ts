import { expect, it } from '@jest/globals'
import { weakSecrets } from '../../../infra/cli/weak-secrets.ts'
import { keptnConnection } from '../../../shared/orchestrators/keptn/keptn.ts'
import { httpTicket } from '../../../shared/vendors/http/ticket.ts'
import { webhooks } from './webhooks.ts'

it.each<[Record<string, unknown>, string[]]>([
  [{ token: 'hunter22' }, ['token has fewer than 16 characters']],
  [{ token: 'production-of-tomorrow' }, ['token consists of plain words']],
  [{ token: 'Correct horse battery Staple' }, ['token consists of plain words']],
  [{ token: 'glpat-AbCdEf0123456789' }, []],
  [{ headers: { 'X-Env': 'production', 'X-Api-Key': 'short1' } }, ['headers.X-Api-Key has fewer than 16 characters']],
  [{ secretHeaders: { 'X-Team': 'checkout' } }, ['secretHeaders.X-Team has fewer than 16 characters']],
])('finds the weak secrets of %j', (values, expected) => {
  expect(weakSecrets(httpTicket.connection, values)).toEqual(expected)
})

it('reports the path of a weak secret in an object', () => {
  const oauth = { tokenUrl: 'https://sso.example', clientId: 'c', clientSecret: 'a-secret' }
  expect(weakSecrets(keptnConnection, { oauth })).toEqual(['oauth.clientSecret has fewer than 16 characters'])
})

it('connect warns about a weak secret without showing it', async () => {
  const connection = { provider: 'github', baseUrl: 'https://github.invalid', token: 'hunter22', project: 'o/r' }
  const { code, err, out } = await webhooks(
    ['connect', 'issue-ticketing/default', '--from-file', '-', '--no-check', '--dry-run'],
    { stdin: JSON.stringify(connection), env: { AWS_REGION: 'eu-west-1' } },
  )
  expect(err).toContain('Warning: token has fewer than 16 characters. Use a random value')
  expect(`${err}${out}`).not.toContain('hunter22')
  expect(code).toBe(0)
})
