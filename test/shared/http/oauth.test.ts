import { expect, it } from '@jest/globals'
import { litmusAuthorization } from '../../../functions/chaos-testing/litmus/login.ts'
import { type Call, type Served, serve } from '../../../infra/testing/loopback-server.ts'
import { oauthAuthorization } from '../../../shared/http/oauth.ts'
import type { Authorization } from '../../../shared/http/options.ts'
import { redact } from '../../../shared/redact.ts'
import { googleAuthorization } from '../../../shared/vendors/google.ts'
import { loginAuthorization } from '../../../shared/vendors/http/login.ts'
import { startEach, timeOut } from '../../functions/helpers.ts'
import { googleLogin } from '../../platforms/google-login.ts'

let expires: number | undefined
const server: Served = startEach(() => {
  expires = 3_600
  const token = () => ({ access_token: `token-${server.calls.length}`, token_type: 'Bearer', expires_in: expires })
  return serve(() => ({ status: 200, body: token() }))
})

const client = (more: object = {}) => ({
  tokenUrl: `${server.url}/oauth/token`,
  clientId: 'a-client',
  clientSecret: 'a client & secret',
  scope: 'a b',
  ...more,
})
const request = { method: 'GET', url: 'https://acme.example/x', headers: {}, body: undefined }
const bearer = async (more?: object) =>
  (await oauthAuthorization(client(more), undefined).headers(request))['authorization']
const form = ({ body }: Call) => Object.fromEntries(new URLSearchParams(String(body)))

it('OAuth requests a token with the client credentials and caches it', async () => {
  expect([await bearer(), await bearer()]).toEqual(['Bearer token-1', 'Bearer token-1'])
  const [call, ...others] = server.calls
  expect(others).toEqual([])
  expect(call).toMatchObject({ method: 'POST', path: '/oauth/token' })
  const credentials = { client_id: 'a-client', client_secret: 'a client & secret' }
  expect(call && form(call)).toEqual({ grant_type: 'client_credentials', ...credentials, scope: 'a b' })
  expect(redact('with token-1')).toBe('with ***')
})

it('OAuth sends the credentials only in the header with usesBasicAuth', async () => {
  await bearer({ clientId: 'a:client', usesBasicAuth: true })
  const [call] = server.calls
  const sent = String(call?.headers['authorization']).replace('Basic ', '')
  expect(atob(sent).split(':').map(decodeURIComponent)).toEqual(['a:client', 'a client & secret'])
  expect(call && form(call)).toEqual({ grant_type: 'client_credentials', scope: 'a b' })
  expect(redact(`with ${sent}`)).toBe('with ***')
})

it('OAuth caches one token per client, scope and resource', async () => {
  const tokens = [await bearer(), await bearer({ scope: 'c' }), await bearer({ clientId: 'b' })]
  tokens.push(await bearer({ resource: 'urn:acme' }), await bearer({ resource: 'urn:other' }))
  expect(new Set(tokens).size).toBe(5)
})

it('OAuth keeps the query of the token URL', async () => {
  await bearer({ tokenUrl: `${server.url}/oauth/token?tenant=a%20b` })
  expect(server.calls[0]).toMatchObject({ path: '/oauth/token' })
  expect(server.calls[0]?.query.get('tenant')).toBe('a b')
})

it('OAuth sends the resource', async () => {
  await bearer({ resource: 'urn:acme' })
  expect(server.calls[0] && form(server.calls[0])).toMatchObject({ resource: 'urn:acme' })
})

it('OAuth requests another token if one is about to expire or was rejected', async () => {
  expires = 20
  expect([await bearer(), await bearer()]).toEqual(['Bearer token-1', 'Bearer token-2'])
  expires = 3_600
  await bearer()
  oauthAuthorization(client(), undefined).invalidate?.()
  expect(await bearer()).toBe('Bearer token-4')
})

it('OAuth reports an invalid response, invalid credentials and a refusal', async () => {
  for (const [status, body, kind] of [
    [200, '<html>Log in</html>', 'platform'],
    [401, { error: 'invalid_client' }, 'credentials'],
    // Servers that read the credentials from the form respond with 400.
    [400, { error: 'invalid_client' }, 'credentials'],
    [400, { error: 'invalid_scope' }, 'refused'],
  ] as const) {
    server.failNext(status, body)
    await expect(bearer()).rejects.toMatchObject({ kind })
  }
})

const user = () => ({ baseUrl: server.url, username: 'robot', password: 'a password' })
const google = () => ({ serviceAccount: login.serviceAccount, privateKey: login.privateKey, loginUrl: server.url })
const login = googleLogin()

it.each<[string, () => Authorization]>([
  ['OAuth', () => oauthAuthorization(client(), undefined)],
  ['Google', () => googleAuthorization(google(), undefined)],
  ['Litmus', () => litmusAuthorization(user(), undefined)],
  ['the login of an HTTP API', () => loginAuthorization(user(), { path: 'login', cookie: true }, undefined)],
])('the token of %s is awaited only until the deadline', async (_name, authorization) => {
  server.holdNext(() => true)
  const send = () => authorization().headers(request, Date.now() + 5_000)
  const { failure, milliseconds } = await timeOut(send, () => server.calls.length > 0)
  expect(failure).toMatchObject({ kind: 'timeout' })
  expect(milliseconds).toBeLessThanOrEqual(5_000)
})
