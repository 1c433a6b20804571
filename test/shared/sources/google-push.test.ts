import { createSign, generateKeyPairSync } from 'node:crypto'
import { describe, expect, test } from '@jest/globals'
import { NOW, read, TOKEN } from './read-request.ts'

describe('A push of Google', () => {
  const url = 'https://www.googleapis.com/oauth2/v3/certs'
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2_048 })
  const other = generateKeyPairSync('rsa', { modulusLength: 2_048 })
  const published = {
    [url]: JSON.stringify({
      keys: [
        { kid: 'k0', kty: 'EC', crv: 'P-256', x: 'x', y: 'y' },
        { ...publicKey.export({ format: 'jwk' }), kid: 'k1', alg: 'RS256' },
      ],
    }),
  }
  const secret = { serviceAccount: 'wake@acme.iam.gserviceaccount.com', audience: 'https://api.example.com/events' }
  const seconds = NOW / 1_000
  const claims = {
    iss: 'https://accounts.google.com',
    aud: secret.audience,
    email: secret.serviceAccount,
    email_verified: true,
    iat: seconds - 10,
    exp: seconds + 3_590,
  }
  const body = '{"message":{"messageId":"1","attributes":{"buildId":"b","status":"SUCCESS"}}}'

  function push(changes: object = {}, { header = {}, key = privateKey } = {}) {
    const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
    const text = `${part({ alg: 'RS256', kid: 'k1', ...header })}.${part({ ...claims, ...changes })}`
    const signature = createSign('RSA-SHA256').update(text).sign(key, 'base64url')
    const headers = { authorization: `Bearer ${text}.${signature}` }
    return read('google-cloud-build', { body, headers }, secret, published)
  }

  test('is accepted with a token of the service account', async () => {
    expect(await push()).toEqual({ kind: 'ended', fetched: [url] })
    expect(await push({ iss: 'accounts.google.com' })).toEqual({ kind: 'ended', fetched: [url] })
  })

  test.each([
    ['issuer', { iss: 'https://accounts.example.com' }, 'not a valid token of Google'],
    ['audience', { aud: 'https://other.example.com' }, 'another audience'],
    ['service account', { email: 'other@other.iam.gserviceaccount.com' }, 'another service account'],
    ['unverified address', { email_verified: false }, 'not a valid token of Google'],
    ['end', { exp: seconds - 61 }, 'it expired at'],
    ['start', { iat: seconds + 61 }, 'it is not valid before'],
  ])('with another %s is refused without a request', async (_name, changes, error) => {
    expect(await push(changes)).toMatchObject({ error: expect.stringContaining(error), fetched: [] })
  })

  test.each([
    ['no signature algorithm', { header: { alg: 'none' } }, [url]],
    ['a symmetric algorithm', { header: { alg: 'HS256' } }, [url]],
    ['an unknown key', { header: { kid: 'k2' } }, [url, `${url} again`]],
    ['a key of another algorithm', { header: { kid: 'k0' } }, [url, `${url} again`]],
    ['the signature of another key', { key: other.privateKey }, [url]],
  ])('with %s is refused', async (_name, options, fetched) => {
    expect(await push({}, options)).toMatchObject({
      error: expect.stringContaining('unauthenticated: The token is not a valid token of Google'),
      fetched,
    })
  })

  test('without a token is refused', async () => {
    for (const headers of [{}, { authorization: 'Bearer a.b' }, { authorization: `Bearer ${TOKEN}` }])
      expect(await read('google-cloud-build', { body, headers }, secret)).toMatchObject({
        error: expect.stringContaining('The request has no token of Google'),
      })
  })

  test('cannot be verified without usable keys', async () => {
    const broken = { [url]: '{}' }
    const headers = { authorization: '' }
    const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
    headers.authorization = `Bearer ${part({ alg: 'RS256', kid: 'k1' })}.${part(claims)}.c2ln`
    expect(await read('google-cloud-build', { body, headers }, secret, broken)).toMatchObject({
      error: `unavailable: The response of ${url} is not usable to verify a token.`,
    })
  })
})
