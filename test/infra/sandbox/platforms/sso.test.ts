import { afterEach, expect, test } from '@jest/globals'
import { demo } from '../../../../infra/sandbox/platforms/sandbox/demo.ts'
import { finished } from './start.ts'
import { advanceClock, stopClock, useSandbox } from './use.ts'

const started = useSandbox()
const write = 'cloudautomation:events:write'
const read = 'cloudautomation:events:read'
const event = finished('08735340-6f9e-4b32-97ff-3b6c292bc509')

const ask = (changes: Record<string, string> = {}) => {
  const { clientId, clientSecret } = demo.oauth
  const form = { grant_type: 'client_credentials', client_id: clientId, client_secret: clientSecret, scope: write }
  const headers = { 'content-type': 'application/x-www-form-urlencoded' }
  return started.call('POST', '/sso/oauth2/token', new URLSearchParams({ ...form, ...changes }).toString(), headers)
}
const send = (token: string) => started.call('POST', '/keptn/api/v1/event', event, { authorization: `Bearer ${token}` })

afterEach(() => {
  started.sandbox.sso.tokenSeconds = 300
})

test('The SSO issues a token for Keptn that is valid for five minutes', async () => {
  const { status, json, headers } = await ask({ scope: `${write} ${read}` })
  expect(status).toBe(200)
  expect(headers.get('cache-control')).toBe('no-store')
  expect(json).toMatchObject({ token_type: 'Bearer', expires_in: 300, scope: `${write} ${read}` })
  expect((await send(json.access_token)).status).toBe(200)
  const headersOfRead = { authorization: `Bearer ${json.access_token}` }
  expect((await started.call('GET', '/keptn/api/mongodb-datastore/event', undefined, headersOfRead)).status).toBe(200)
})

test('A token without the read scope can only write', async () => {
  const { access_token } = (await ask()).json
  expect((await send(access_token)).status).toBe(200)
  const headers = { authorization: `Bearer ${access_token}` }
  const refused = await started.call('GET', '/keptn/api/mongodb-datastore/event', undefined, headers)
  expect(refused.json).toMatchObject({ code: 403, message: expect.stringContaining(read) })
})

test.each([
  ['a wrong secret', { client_secret: 'wrong' }, 401, 'invalid_client'],
  ['an unknown client', { client_id: 'wrong' }, 401, 'invalid_client'],
  ['no scope', { scope: '' }, 400, 'invalid_scope'],
  ['only the scope to read', { scope: read }, 400, 'invalid_scope'],
  ['an unknown scope', { scope: `${write} storage:read` }, 400, 'invalid_scope'],
  ['another grant', { grant_type: 'password' }, 400, 'unsupported_grant_type'],
])('The SSO returns an OAuth error for a request with %s', async (_, changes, status, error) => {
  const answer = await ask(changes)
  expect(answer.status).toBe(status)
  expect(answer.json).toEqual({ error, error_description: expect.any(String) })
})

test('The SSO accepts only a POST of a form', async () => {
  expect((await started.call('POST', '/sso/oauth2/token', { grant_type: 'client_credentials' })).json.error).toBe(
    'invalid_request',
  )
  expect((await started.call('GET', '/sso/oauth2/token')).status).toBe(405)
  expect((await started.call('GET', '/sso/other')).status).toBe(404)
})

test('Keptn rejects an expired token', async () => {
  stopClock()
  started.sandbox.sso.tokenSeconds = 1
  const { access_token } = (await ask()).json
  expect((await send(access_token)).status).toBe(200)
  advanceClock(1_001)
  expect((await send(access_token)).json).toMatchObject({ code: 401 })
})

test('Keptn rejects a revoked token and accepts a new one', async () => {
  const { access_token } = (await ask()).json
  started.sandbox.sso.revokeTokens()
  expect((await send(access_token)).status).toBe(401)
  expect((await send((await ask()).json.access_token)).status).toBe(200)
})
