import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { secretsIn } from '../../shared/fields.ts'
import type { Outcome } from '../../shared/outcome.ts'
import type { FlagProvider } from '../../shared/providers/flag.ts'
import { setFlag, setFlags } from '../../shared/providers/set-flags.ts'
import type { FlagPlatform, Played } from '../e2e/platforms.ts'
import { clientOf, failureOf } from '../functions/helpers.ts'
import { credentialsIn, INVALID_CREDENTIAL } from './credentials.ts'

interface FlagOptions {
  /** Returns the body of a 400 response that gives a reason, as the platform sends it. */
  refusal?: (reason: string) => object
}

type Options = Parameters<typeof clientOf>[2]

/**
 * Registers the tests that every provider of feature flags must pass: credentials stay secret, a repeated call changes nothing,
 * and temporary failures can be retried.
 *
 * @example flagConformance(unleash, flagPlatforms['unleash'])
 */
export function flagConformance(
  provider: FlagProvider,
  platform: FlagPlatform | undefined,
  { refusal = (reason) => ({ message: reason }) }: FlagOptions = {},
): void {
  if (!platform) throw new Error(`No fake platform for ${provider.title}`)
  const { off, on } = platform.flags

  describe(`${provider.title}: flag conformance`, () => {
    let played: Played & { complete?: () => void }
    beforeEach(async () => {
      played = await platform.start()
    })
    afterEach(() => played.server.close())

    const valuesOf = (connection: object) => provider.connection.parse(connection)
    const client = (options?: Options) => clientOf(provider, valuesOf(played.connection), options)
    const from = () => ({ event: { data: {} } as never, connection: valuesOf(played.connection), provider })
    const turnOn = async (flag: string, options?: Options) =>
      (await setFlag.run(provider, client(options), setFlag.complete({ flag, state: 'on' }, from()))) as Outcome
    const writes = () => played.server.calls.filter(({ method }) => method !== 'GET')

    test('declares its credentials as secrets', () => {
      const credentials = credentialsIn(played.connection).map(({ value }) => value)
      expect(secretsIn(provider.connection, valuesOf(played.connection))).toEqual(credentials)
    })

    test('the connection test reports invalid credentials without showing them', async () => {
      for (const { name } of credentialsIn(played.connection)) {
        const values = valuesOf({ ...played.connection, [name]: INVALID_CREDENTIAL })
        const failure = await failureOf(Promise.resolve(provider.check(clientOf(provider, values))))
        expect(failure.kind).toBe('credentials')
        expect(failure.message).not.toContain(INVALID_CREDENTIAL)
      }
    })

    test('writes nothing if the flag is already in the requested state', async () => {
      expect(await turnOn(on)).toMatchObject({ result: 'pass', message: expect.stringContaining('already') })
      expect(writes()).toEqual([])
    })

    test('changes the flag once if the response is lost', async () => {
      played.server.loseNext(({ method }) => method !== 'GET')
      expect(await failureOf(turnOn(off))).toMatchObject({ transient: true, mayHaveWritten: true })
      await turnOn(off, { isRetry: true })
      played.complete?.()
      expect(await turnOn(off, { isRetry: true })).toMatchObject({ result: 'pass' })
      const sent = writes().map(({ path, text }) => `${path} ${text}`)
      expect(sent).toEqual([...new Set(sent)])
    })

    test('sets several flags in one call', async () => {
      const input = setFlags.complete({ flags: [{ flag: off }, { flag: on }], state: 'on' }, from())
      const { outcome = undefined, ...ended } = (await setFlags.run(provider, client(), input)) as { outcome?: Outcome }
      expect(outcome ?? ended).toMatchObject({ status: 'succeeded', data: { flags: [{ flag: off }, { flag: on }] } })
    })

    test('can be retried after a 5xx response', async () => {
      played.server.failNext(503, '<html><title>503 Service Unavailable</title></html>', { times: 5 })
      expect(await failureOf(turnOn(off))).toMatchObject({ kind: 'platform', transient: true })
    })

    test('can be retried after a broken connection', async () => {
      played.server.down()
      expect(await failureOf(turnOn(off))).toMatchObject({ kind: 'platform', transient: true })
    })

    test('fails at the deadline if the platform does not respond', async () => {
      played.server.hang()
      expect(await failureOf(turnOn(off, { deadline: 500 }))).toMatchObject({ kind: 'timeout', transient: true })
    })

    test('reports how long to wait after a 429 response', async () => {
      const headers = { 'retry-after': '7', 'x-amzn-errortype': 'TooManyRequestsException' }
      played.server.failNext(429, refusal('Slow down'), { headers })
      expect(await failureOf(turnOn(off))).toMatchObject({ kind: 'platform', transient: true, retryAfter: 7 })
    })

    test('masks credentials in the message of a refusal', async () => {
      for (const { value } of credentialsIn(played.connection)) {
        played.server.failNext(400, refusal(`no ${value}`))
        const { message } = await failureOf(turnOn(off))
        expect(message).toContain('no ***')
        expect(message).not.toContain(value)
      }
    })
  })
}
