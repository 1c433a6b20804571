import nodeCrypto, { createHash, createHmac } from 'node:crypto'
import { expect, it, jest } from '@jest/globals'

let compared = 0
const secrets: Record<string, unknown> = {}
const cached = new Map<string, string>()
jest.unstable_mockModule('node:crypto', () => ({
  ...nodeCrypto,
  timingSafeEqual: (a: Buffer, b: Buffer) => {
    compared++
    return nodeCrypto.timingSafeEqual(a, b)
  },
}))
jest.unstable_mockModule('../../../shared/aws/secret-value.ts', () => ({
  getSecret: async (name: string, { fresh }: { fresh: boolean }) => {
    if (fresh || !cached.has(name)) cached.set(name, JSON.stringify(secrets[name]))
    return cached.get(name)
  },
}))
const { authenticate: authenticateRequest } = await import('../../../shared/auth/authenticate.ts')
const { readCallers } = await import('../../../shared/auth/callers.ts')
const authenticate = (headers: Record<string, string>) =>
  authenticateRequest({ headers, rawBody: () => Buffer.from('{}') })

const hash = (token: string) => `sha256:${createHash('sha256').update(token).digest('hex')}`
const caller = (...tokens: string[]) => ({ tokens: tokens.map(hash), categories: ['*'] })

it('Callers: a token is compared in constant time with every hash of every caller', async () => {
  secrets['cloud-automation-webhooks/callers'] = {
    a: caller('token-a1', 'token-a2'),
    b: caller('token-b1', 'token-b2'),
    c: caller('token-c1'),
  }
  for (const [token, name] of Object.entries({ 'token-a1': 'a', 'token-b2': 'b', 'token-c1': 'c' })) {
    compared = 0
    expect((await authenticate({ authorization: `Bearer ${token}` })).caller.name).toBe(name)
    expect(compared).toBe(5)
  }
  compared = 0
  await expect(authenticate({ 'x-token': 'wrong-token' })).rejects.toMatchObject({ kind: 'unauthenticated' })
  // Twice, because the callers are read again before a token is refused.
  expect(compared).toBe(10)
})

it('Callers: the header of a signature that was added a moment ago is known', async () => {
  const now = jest.spyOn(Date, 'now').mockReturnValue(Date.now() + 60_000)
  secrets['cloud-automation-webhooks/callers'] = { a: caller('token-a1') }
  await readCallers(true)
  const hmac = { header: 'x-my-signature', keys: ['a-signing-key-of-the-tests-0123456789'], prefix: 'sha256=' }
  secrets['cloud-automation-webhooks/callers'] = { a: caller('token-a1'), b: { ...caller(), hmac } }
  const [key = ''] = hmac.keys
  const signature = createHmac('sha256', key).update('{}').digest('hex')
  expect((await authenticate({ 'x-my-signature': `sha256=${signature}` })).caller.name).toBe('b')
  now.mockRestore()
})
