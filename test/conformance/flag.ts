import { describe, expect, test } from '@jest/globals'
import type { FlagProvider } from '../../shared/providers/flag.ts'
import { setFlag, setFlags } from '../../shared/providers/set-flags.ts'
import type { FlagPlatform, Played } from '../e2e/platforms.ts'
import { type ClientOptions, clientOf, failureOf } from '../functions/helpers.ts'
import { type CommonOptions, commonTests } from './common.ts'

interface FlagOptions extends CommonOptions {
  /** The platform does not know its environments. */
  anyEnvironment?: true
}

/**
 * Registers the tests that every provider of feature flags must pass: those of `commonTests`, and repeated calls and lost
 * responses change nothing.
 *
 * @example flagConformance(unleash, flagPlatforms['unleash'])
 */
export function flagConformance(
  provider: FlagProvider,
  platform: FlagPlatform | undefined,
  { anyEnvironment, ...options }: FlagOptions = {},
): void {
  if (!platform) throw new Error(`No fake platform for ${provider.title}`)
  const { off, on } = platform.flags

  describe(`${provider.title}: flag conformance`, () => {
    type Flags = Played & { complete?: () => void }
    const valuesOf = ({ connection }: Flags) => provider.connection.parse(connection)
    const from = (at: Flags) => ({ event: { data: {} } as never, connection: valuesOf(at), provider })
    const turnOnAt = async (at: Flags, input: { flag: string; environment?: string }, options?: ClientOptions) => {
      const completed = setFlag.complete({ state: 'on', ...input }, from(at))
      return (await setFlag.run(provider, clientOf(provider, valuesOf(at), options), completed)).outcome
    }

    const at = commonTests<Flags>(provider, {
      ...options,
      start: platform.start,
      operations: { 'set-flag': (at) => (options) => turnOnAt(at, { flag: off }, options) },
      ids: {
        flag: { valid: 'no-such-flag', run: (flag, at) => turnOnAt(at, { flag }) },
        ...(anyEnvironment
          ? {}
          : {
              environment: { valid: 'no-such-one', run: (environment, at) => turnOnAt(at, { flag: off, environment }) },
            }),
      },
    })
    const turnOn = (flag: string, options?: ClientOptions) => turnOnAt(at(), { flag }, options)
    const writes = () => at().server.calls.filter(({ method }) => method !== 'GET')

    test('writes nothing if the flag is already in the requested state', async () => {
      expect(await turnOn(on)).toMatchObject({ result: 'pass', message: expect.stringContaining('already') })
      expect(writes()).toEqual([])
    })

    test('changes the flag once if the response is lost', async () => {
      at().server.loseNext(({ method }) => method !== 'GET')
      expect(await failureOf(turnOn(off))).toMatchObject({ transient: true, mayHaveWritten: true })
      await turnOn(off, { isRetry: true })
      at().complete?.()
      expect(await turnOn(off, { isRetry: true })).toMatchObject({ result: 'pass' })
      const sent = writes().map(({ path, text }) => `${path} ${text}`)
      expect(sent).toEqual([...new Set(sent)])
    })

    test('refuses an unknown flag and an unknown environment without a write', async () => {
      const elsewhere = anyEnvironment ? [] : [{ flag: off, environment: 'no-such-one' }]
      for (const input of [{ flag: 'no-such-flag' }, ...elsewhere])
        expect(await failureOf(turnOnAt(at(), input))).toMatchObject({ kind: 'refused', transient: false })
      expect(writes()).toEqual([])
    })

    test('sets several flags in one call', async () => {
      const input = setFlags.complete({ flags: [{ flag: off }, { flag: on }], state: 'on' }, from(at()))
      const client = clientOf(provider, valuesOf(at()))
      const { outcome } = await setFlags.run(provider, client, input)
      expect(outcome).toMatchObject({ status: 'succeeded', data: { flags: [{ flag: off }, { flag: on }] } })
    })
  })
}
