import crypto, { createHash, createHmac } from 'node:crypto'
import { syncBuiltinESMExports } from 'node:module'
import { afterAll, expect, it, jest } from '@jest/globals'
import { authenticate as authenticateRequest } from '../../../shared/auth/authenticate.ts'
import { callerNamed, readCallers } from '../../../shared/auth/callers.ts'
import { startOnce } from '../../functions/helpers.ts'
import { startSecrets } from '../../functions/secrets.ts'

const secrets = new Map<string, unknown>()
startOnce(() => startSecrets(secrets))

const compare = jest.spyOn(crypto, 'timingSafeEqual')
syncBuiltinESMExports()
afterAll(() => {
  compare.mockRestore()
  syncBuiltinESMExports()
})

const authenticate = (headers: Record<string, string>) =>
  authenticateRequest({ headers, rawBody: () => Buffer.from('{}') })

const hash = (token: string) => `sha256:${createHash('sha256').update(token).digest('hex')}`
const caller = (...tokens: string[]) => ({ tokens: tokens.map(hash), categories: ['*'] })

it('Callers: a token is compared in constant time with every hash of every caller', async () => {
  secrets.set('callers', {
    a: caller('token-a1', 'token-a2'),
    b: caller('token-b1', 'token-b2'),
    c: caller('token-c1'),
  })
  for (const [token, name] of Object.entries({ 'token-a1': 'a', 'token-b2': 'b', 'token-c1': 'c' })) {
    compare.mockClear()
    expect((await authenticate({ authorization: `Bearer ${token}` })).caller.name).toBe(name)
    expect(compare).toHaveBeenCalledTimes(5)
  }
  compare.mockClear()
  await expect(authenticate({ 'x-token': 'wrong-token' })).rejects.toMatchObject({ kind: 'unauthenticated' })
  // Twice, because the callers are read again before a token is refused.
  expect(compare).toHaveBeenCalledTimes(10)
})

it('Callers: a token that is wrong, the hash of a token and the token of another name are refused', async () => {
  secrets.set('callers', { a: caller('token-a1'), b: caller('token-b1') })
  await readCallers(true)
  const basic = (text: string) => `Basic ${Buffer.from(text).toString('base64')}`
  for (const authorization of ['Bearer token-a2', `Bearer ${hash('token-a1')}`, basic('a:token-b1'), basic('a:')])
    await expect(authenticate({ authorization })).rejects.toMatchObject({ kind: 'unauthenticated' })
  expect((await authenticate({ authorization: basic('a:token-a1') })).caller.name).toBe('a')
})

it('Callers: an entry with an invalid name locks out only itself', async () => {
  secrets.set('callers', { a: caller('token-a1'), 'Release Bot': caller('token-b1') })
  await readCallers(true)
  expect((await authenticate({ 'x-token': 'token-a1' })).caller.name).toBe('a')
  const refusal = {
    kind: 'misconfigured',
    message: expect.stringContaining('name is not valid: Release Bot. Rename it'),
  }
  await expect(authenticate({ 'x-token': 'token-b1' })).rejects.toMatchObject(refusal)
  await expect(callerNamed('Release Bot')).rejects.toMatchObject(refusal)
  await expect(authenticate({ 'x-token': 'wrong-token' })).rejects.toMatchObject({ kind: 'unauthenticated' })
})

it('Callers: the header of a signature that was added a moment ago is known', async () => {
  const now = jest.spyOn(Date, 'now').mockReturnValue(Date.now() + 60_000)
  secrets.set('callers', { a: caller('token-a1') })
  await readCallers(true)
  const hmac = { header: 'x-my-signature', keys: ['a-signing-key-of-the-tests-0123456789'], prefix: 'sha256=' }
  secrets.set('callers', { a: caller('token-a1'), b: { ...caller(), hmac } })
  const [key = ''] = hmac.keys
  const signature = createHmac('sha256', key).update('{}').digest('hex')
  expect((await authenticate({ 'x-my-signature': `sha256=${signature}` })).caller.name).toBe('b')
  now.mockRestore()
})
