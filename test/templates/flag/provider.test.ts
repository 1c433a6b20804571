import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import type { FlagProvider } from '../../../shared/providers/flag.ts'
import { setFlag, setFlags } from '../../../shared/providers/set-flags.ts'
import { clientOf, failureOf } from '../../functions/helpers.ts'
import { acme } from './provider.ts'
import { type AcmeServer, startAcme } from './server.ts'

let server: AcmeServer
beforeEach(async () => {
  server = await startAcme()
})
afterEach(() => server.close())

const provider: FlagProvider = acme
const client = (options: Parameters<typeof clientOf>[2] = {}, token = server.token) =>
  clientOf(provider, acme.connection.parse({ baseUrl: server.url, token }), options)
const change = (flag: string, on?: boolean, percentage?: number) => ({ flag, on, percentage })
const set = async (
  changes: ReturnType<typeof change>[],
  { environment = 'production', ...options }: Parameters<typeof clientOf>[2] & { environment?: string } = {},
) => {
  const single = changes.length === 1
  const action = single ? setFlag : setFlags
  const input = { changes, environment, project: undefined, comment: undefined, isSingle: single }
  return (await action.run(provider, client(options), input)).outcome
}
const writes = () => server.calls.filter(({ method }) => method === 'PATCH')

describe('A flag of Acme', () => {
  test('is set and returns its state before and after', async () => {
    expect(await set([change('checkout', true, 25)])).toMatchObject({
      result: 'pass',
      data: {
        ...{ before: { state: 'off' }, after: { state: 'on', percentage: 25 }, changed: true },
        url: 'https://acme.example.com/flags/checkout',
      },
    })
    expect(writes().map(({ body }) => body)).toEqual([{ enabled: true, rollout: 25 }])
  })

  test('that already has the state is not written', async () => {
    expect(await set([change('checkout', false)])).toMatchObject({ result: 'pass', data: { changed: false } })
    expect(writes()).toEqual([])
  })

  test('is set once: a retry reads the new state', async () => {
    server.loseNext('PATCH')
    expect(await failureOf(set([change('checkout', true)]))).toMatchObject({ transient: true })
    expect(await set([change('checkout', true)], { isRetry: true })).toMatchObject({ result: 'pass' })
    expect(writes()).toHaveLength(1)
  })

  test('is set together with others, one after the other', async () => {
    await set([change('checkout', true), change('search', true)])
    expect(server.flags).toMatchObject({
      'production/checkout': { enabled: true },
      'production/search': { enabled: true },
    })
  })

  test('that does not keep the new state fails', async () => {
    server.ignoreChanges()
    expect(await set([change('checkout', true)])).toMatchObject({ result: 'fail' })
  })

  test('that does not exist, or in an unknown environment, is rejected with the reason of Acme', async () => {
    for (const place of [set([change('not/there', true)]), set([change('checkout', true)], { environment: 'test' })])
      expect(await failureOf(place as Promise<unknown>)).toMatchObject({
        kind: 'refused',
        message: expect.stringContaining('there is no flag'),
      })
  })
})

describe('Acme', () => {
  const ask = () => set([change('checkout', true)]) as Promise<unknown>

  test.each([
    [422, 'refused'],
    [401, 'credentials'],
    [503, 'platform'],
  ])('reports the status %s as a failure of kind %s with its reason', async (status, kind) => {
    server.failNext(status, { message: 'not today' }, { on: 'PATCH' })
    expect(await failureOf(ask())).toMatchObject({ kind, message: expect.stringContaining('not today') })
  })

  test('is retried if it is down or its response does not match', async () => {
    server.failNext(200, '<html>')
    expect(await failureOf(ask())).toMatchObject({ transient: true })
    server.down()
    expect(await failureOf(ask())).toMatchObject({ transient: true })
  })

  test('masks its token in messages', async () => {
    server.failNext(422, { message: `no ${server.token}` }, { on: 'PATCH' })
    expect((await failureOf(ask())).message).toContain('no ***')
  })

  test('has a connection test that checks its credentials', async () => {
    await provider.check(client())
    const wrong = client({}, 'another-token-0123456789')
    expect(await failureOf(Promise.resolve(provider.check(wrong)))).toMatchObject({ kind: 'credentials' })
  })
})
