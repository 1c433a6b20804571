import '../../functions/aws.ts'
import { describe, expect, test } from '@jest/globals'
import { ok, requestLine, serve } from '../../../infra/testing/loopback-server.ts'
import { Http } from '../../../shared/http/client.ts'
import { redact } from '../../../shared/redact.ts'
import { googleAuthorization } from '../../../shared/vendors/google.ts'
import { expectFailure, startEach } from '../../functions/helpers.ts'
import { type GoogleLogin, googleLogin } from '../../platforms/google-login.ts'

const login: GoogleLogin = googleLogin()
const server = startEach(() => {
  Object.assign(login, { granted: [], expiresIn: 3_599 })
  return serve((call) => login.answer(call) ?? ok({}))
})

type Fields = Parameters<typeof googleAuthorization>[0]
const withKey = (): Fields => ({ serviceAccount: login.serviceAccount, privateKey: login.privateKey })
const withRole = (): Fields => {
  const { serviceAccount, workloadIdentityProvider } = login
  return { serviceAccount, workloadIdentityProvider }
}
const client = (fields: Fields) => {
  const authorization = googleAuthorization({ loginUrl: server.url, ...fields }, undefined)
  return new Http({ platform: 'Google', baseUrl: server.url, authorization })
}
const sent = () => server.calls.map(requestLine)

describe('Google', () => {
  test('signs in with the key of a service account', async () => {
    await client(withKey()).get('v1/things')
    await client(withKey()).get('v1/things')
    expect(sent()).toEqual(['POST /token', 'GET /v1/things', 'GET /v1/things'])
    const assertion = new URLSearchParams(server.calls[0]?.text).get('assertion')
    expect(redact(`${assertion} ${login.granted[0]}`)).toBe('*** ***')
  })

  test('signs in with the AWS role of the function, and impersonates a service account', async () => {
    await client(withRole()).get('v1/things')
    const impersonation = `POST /v1/projects/-/serviceAccounts/${login.serviceAccount}:generateAccessToken`
    expect(sent()).toEqual(['POST /v1/token', impersonation, 'GET /v1/things'])
    const proof = new URLSearchParams(server.calls[0]?.text).get('subject_token')
    expect(redact(String(proof))).toBe('***')
    expect(redact(String(server.calls[1]?.headers['authorization']))).toBe('Bearer ***')
  })

  test('proves the AWS role to the AWS STS of its partition', async () => {
    const region = process.env['AWS_REGION']
    process.env['AWS_REGION'] = 'eusc-de-east-1'
    await client(withRole())
      .get('v1/things')
      .finally(() => {
        process.env['AWS_REGION'] = region
      })
    const proof = new URLSearchParams(server.calls[0]?.text).get('subject_token')
    expect(decodeURIComponent(String(proof))).toContain('https://sts.eusc-de-east-1.amazonaws.eu/')
  })

  test('uses the federated token itself without a service account', async () => {
    const { workloadIdentityProvider } = login
    await expectFailure(client({ workloadIdentityProvider }).get('v1/things'), 'credentials')
    // The token was refused, so a second one was requested.
    expect(sent()).toEqual(['POST /v1/token', 'GET /v1/things', 'POST /v1/token', 'GET /v1/things'])
    expect(server.calls[1]?.headers['authorization']).toContain('ya29.a-token-of-google-federation-')
  })

  test('replaces a token that was refused, or is about to expire', async () => {
    login.expiresIn = 200
    await client(withKey()).get('v1/things')
    login.expiresIn = 3_599
    await client(withKey()).get('v1/things')
    expect(login.granted).toHaveLength(2)
    login.granted.splice(0)
    await client(withKey()).get('v1/things')
    expect(login.granted).toHaveLength(1)
  })

  test.each<[string, () => Fields, string, string]>([
    ['another account', () => ({ ...withKey(), serviceAccount: 'x@acme.example' }), 'credentials', 'Invalid JWT'],
    ['no account', () => ({ privateKey: login.privateKey }), 'misconfigured', 'needs serviceAccount and privateKey'],
    ['an invalid key', () => ({ ...withKey(), privateKey: 'a-secret-key' }), 'misconfigured', 'a PEM file'],
    ['another provider', () => ({ workloadIdentityProvider: 'projects/1' }), 'credentials', 'audience'],
    ['a role without the account', () => ({ ...withRole(), serviceAccount: 'x@y.z' }), 'credentials', 'denied'],
  ])('reports %s', async (_what, fields, kind, words) => {
    await expectFailure(client(fields()).get('v1/things'), { kind }, words)
    expect(sent()).not.toContain('GET /v1/things')
  })

  test('requires credentials', () => {
    expect(() => client({})).toThrow('The connection to Google has no credentials')
  })
})
