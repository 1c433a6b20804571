import { expect, it } from '@jest/globals'
import { literalWarnings } from '../../../infra/cli/http/credential-literals.ts'
import { plainHttpOrigins } from '../../../infra/cli/secrets/plain-http.ts'
import { weakSecrets } from '../../../infra/cli/secrets/weak-secrets.ts'
import { demo } from '../../../infra/sandbox/platforms/sandbox/demo.ts'
import { keptnSecret } from '../../../shared/orchestrators/keptn/keptn.ts'
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
  expect(weakSecrets(httpTicket.connection, values).map(({ found }) => found)).toEqual(expected)
})

it.each<[object, string[]]>([
  [{ body: "{params: ['token:aria-secret', key]}" }, ['start.body']],
  [{ body: "{routing_key: 'R0123456', queue: 'SHOP'}" }, ['start.body']],
  [{ query: { api_key: "'0a1b2c3d'", key: "'SHOP'", author: "'jane-2'" } }, ['start.query.api_key']],
  [{ headers: { 'X-Auth': "'a1b2c3d4'" }, if: "input.target != 'password'" }, ['start.headers.X-Auth']],
  [{ path: 'bot7:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw/send' }, ['start.path']],
  [{ path: 'projects/65f1c0ffee65f1c0ffee65f1/runs', body: "{id: '65f1c0ffee65f1c0ffee65f1'}" }, []],
  [{ body: "{password: secrets.password, token: input.parameters.token, at: '2026-11-30T10:00:00Z'}" }, []],
])('finds the credentials in the expressions of %j', (start, fields) => {
  const literal = (field: string) => ({ found: `${field} contains a literal that may be a credential` })
  const secrets = { password: 'a-password' }
  const found = literalWarnings({ provider: 'http', token: 'glpat-AbCdEf0123456789AbCdEf01', secrets, start })
  expect(found).toMatchObject(fields.map(literal))
  expect(found).toHaveLength(fields.length)
})

it('connect does not warn about the published credentials of the sandbox', async () => {
  const baseUrl = 'http://127.0.0.1:8941/sandbox/github'
  const stdin = JSON.stringify({ provider: 'github', baseUrl, token: demo.githubToken })
  expect(weakSecrets(httpTicket.connection, { token: demo.githubToken })).toHaveLength(1)
  const ended = await webhooks('connect issue-ticketing/x --from-file - --no-check --dry-run --local', { stdin })
  expect(ended).toMatchObject({ code: 0, err: expect.not.stringContaining('Warning') })
})

it('reports the path of a weak secret in an object', () => {
  const oauth = { tokenUrl: 'https://sso.example', clientId: 'c', clientSecret: 'a-secret' }
  const found = 'oauth.clientSecret has fewer than 16 characters'
  expect(weakSecrets(keptnSecret, { oauth })).toMatchObject([{ found }])
})

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

it.each([
  ['a weak secret', { token: 'hunter22' }, 'token has fewer than 16 characters. Use a random value'],
  ['plain HTTP', { baseUrl: 'http://github.invalid' }, 'http://github.invalid uses plain HTTP.'],
  [
    'a credential in an expression',
    {
      provider: 'http',
      open: { path: 'rpc', body: "{password: 'hunter22'}" },
      get: { path: 'x/AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw' },
      ticket: { id: 'response.id', state: 'response.state', closed: 'response.closed' },
    },
    'open.body contains a literal that may be a credential. Move it to "secrets"',
  ],
])('connect warns about %s without showing a secret', async (_, change, warning) => {
  const connection = {
    provider: 'github',
    baseUrl: 'https://github.invalid',
    token: 'glpat-AbCdEf0123456789',
    ...change,
  }
  const line = 'connect issue-ticketing/default --from-file - --no-check --dry-run'
  const ended = await webhooks(line, { stdin: JSON.stringify(connection), env: { AWS_REGION: 'eu-west-1' } })
  expect(ended).toMatchObject({ code: 0, err: expect.stringContaining(`Warning: ${warning}`) })
  expect(ended.err + ended.out).not.toMatch(/hunter22|glpat|AAHdqT/)
})
