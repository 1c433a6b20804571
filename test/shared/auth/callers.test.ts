import nodeCrypto, { createHash } from 'node:crypto'
import { expect, it, jest } from '@jest/globals'

let compared = 0
const secrets: Record<string, unknown> = {}
jest.unstable_mockModule('node:crypto', () => ({
  ...nodeCrypto,
  timingSafeEqual: (a: Buffer, b: Buffer) => {
    compared++
    return nodeCrypto.timingSafeEqual(a, b)
  },
}))
jest.unstable_mockModule('@aws-lambda-powertools/parameters/secrets', () => ({
  getSecret: async (name: string) => JSON.stringify(secrets[name]),
}))
const { authenticate: authenticateRequest } = await import('../../../shared/auth/authenticate.ts')
const authenticate = (headers: Record<string, string>) =>
  authenticateRequest({ headers, rawBody: () => new Uint8Array() })

const hash = (token: string) => `sha256:${createHash('sha256').update(token).digest('hex')}`
const caller = (...tokens: string[]) => ({ tokens: tokens.map(hash), categories: ['*'] })

it('Callers: a token is compared in constant time with every hash of every caller', async () => {
  secrets['cloud-automation-webhooks/callers'] = {
    a: caller('token-a1', 'token-a2'),
    b: caller('token-b1', 'token-b2'),
    c: caller('token-c1'),
  }
  for (const [token, name] of [
    ['token-a1', 'a'],
    ['token-b2', 'b'],
    ['token-c1', 'c'],
  ]) {
    compared = 0
    expect((await authenticate({ authorization: `Bearer ${token}` })).name).toBe(name)
    expect(compared).toBe(5)
  }
  compared = 0
  await expect(authenticate({ 'x-token': 'wrong-token' })).rejects.toMatchObject({ kind: 'unauthenticated' })
  // Twice, because the callers are read again before a token is refused.
  expect(compared).toBe(10)
})
