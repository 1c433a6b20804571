import '../../functions/aws.ts'
import { describe, expect, test } from '@jest/globals'
import { sigV4Authorization } from '../../../shared/aws/sign.ts'
import { expectFailure } from '../../functions/helpers.ts'
import { askedOf, assumed, failSts, startSts } from './sts.ts'

const url = 'https://abcde12345.execute-api.eu-west-1.amazonaws.com/prod/scenarios?history=false'
const request = { method: 'GET', url, headers: {}, body: undefined }
const signing = (account: object = {}) =>
  sigV4Authorization({ service: 'execute-api', platform: 'Acme', account: { region: 'eu-west-1', ...account } })

test("AWS signature: a request is signed with the function's role, for its service and region", async () => {
  const headers = await signing().headers(request)
  expect(headers).toMatchObject({
    host: 'abcde12345.execute-api.eu-west-1.amazonaws.com',
    authorization: expect.stringMatching(
      /^AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE\/\d{8}\/eu-west-1\/execute-api\/aws4_request, SignedHeaders=host;x-amz-/,
    ),
  })
  expect(headers).not.toHaveProperty('x-amz-security-token')
})

test('AWS signature: each request has another signature', async () => {
  const signatures = [
    request,
    { ...request, method: 'POST' },
    { ...request, url: url.replace('false', 'true') },
    { ...request, body: '{}' },
  ].map(async (one) => /Signature=(\w+)/.exec((await signing().headers(one))['authorization'] ?? '')?.[1])
  expect(new Set(await Promise.all(signatures)).size).toBe(4)
})

describe('AWS signature: role of another account', () => {
  const sts = startSts('AKIDOFAROLE')
  const roleOf = (name: string) => ({ roleArn: `arn:aws:iam::210987654321:role/${name}`, externalId: 'an-id' })

  test('is assumed once and its token is sent', async () => {
    const signer = signing(roleOf('tests'))
    await signer.headers(request)
    expect(await signing(roleOf('tests')).headers(request)).toMatchObject({
      authorization: expect.stringContaining('AKIDOFAROLE'),
      'x-amz-security-token': 'a-session-token',
    })
    expect(sts.calls).toHaveLength(1)
    const expected = { Action: 'AssumeRole', RoleArn: 'arn:aws:iam::210987654321:role/tests', ExternalId: 'an-id' }
    expect(askedOf(sts)).toMatchObject(expected)
  })

  test('is assumed again before its credentials expire', async () => {
    const { status, body, headers = {} } = assumed(30)
    sts.failNext(status, body, { headers })
    const signer = signing(roleOf('short'))
    await signer.headers(request)
    await signer.headers(request)
    expect(sts.calls).toHaveLength(2)
  })

  test('is assumed again after its credentials were rejected', async () => {
    const signer = signing(roleOf('withdrawn'))
    await signer.headers(request)
    signer.invalidate?.()
    await signer.headers(request)
    await signing(roleOf('withdrawn')).headers(request)
    expect(sts.calls).toHaveLength(2)
  })

  test('reports the message of AWS if it cannot be assumed', async () => {
    failSts(sts, 403, 'AccessDenied', 'User: robot is not authorized')
    const words = 'Acme answered AccessDenied to sign: User: robot is not authorized'
    await expectFailure(signing(roleOf('forbidden')).headers(request), 'refused', words)
  })
})
