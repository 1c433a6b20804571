import { describe } from '@jest/globals'
import type * as z from 'zod/mini'
import type { Served } from '../../infra/testing/loopback-server.ts'
import type { FlagProvider } from '../../shared/providers/flag.ts'
import { writesOf } from '../../shared/providers/once.ts'
import { flagDriver } from '../functions/feature-flags/drive.ts'
import { type ClientOptions, clientOf, startEach } from '../functions/helpers.ts'
import { commonTests } from './common.ts'
import { changeTests, unknownNameTests } from './flag/changes.ts'
import { inputTests } from './flag/inputs.ts'
import type { FlagOptions } from './flag/options.ts'
import { pendingTests } from './flag/pending.ts'
import type { FlagPlatform } from './platform.ts'

/**
 * Registers the tests that every provider of feature flags must pass: those of `commonTests`, and repeated calls and lost
 * responses change nothing.
 *
 * @returns the server of the current test, and functions that set flags with it
 * @example
 * import { flagConformance } from 'cloud-automation-webhooks/testing'
 * import { acme } from './provider.ts'
 * import { flagRow } from './fake.ts'
 *
 * // How a test starts Acme, and two of its flags. `new-provider` writes it.
 * flagConformance(acme, flagRow)
 */
export function flagConformance<C extends z.ZodMiniObject, S extends Served>(
  flagProvider: FlagProvider<C>,
  platform: FlagPlatform<S>,
  options: FlagOptions<S> = {},
) {
  type Started = Awaited<ReturnType<typeof platform.start>>
  const { flag = platform.flags.off, anyEnvironment, unknown = {}, pending } = options
  const provider = flagProvider as unknown as FlagProvider
  const { off } = platform.flags
  let first: Started | undefined
  const started = startEach(async () => {
    const ready = await platform.start()
    first = ready
    return { ...ready, close: () => ready.server.close() }
  })
  const server = new Proxy({} as S, { get: (_, field) => Reflect.get(started.server, field) })
  const driver = flagDriver(provider, () => started.connection, flag)

  describe(`${provider.title}: flag conformance`, () => {
    inputTests(server, driver, options)

    const setAt = ({ connection }: Started, input: object, client?: ClientOptions) =>
      flagDriver(provider, () => connection).set(input, client)
    const turnOnAt = (at: Started, input: object, client?: ClientOptions) =>
      setAt(at, { state: 'on', ...input }, client)
    const current = commonTests<Started>(provider, {
      ...options,
      start() {
        const ready = first
        first = undefined
        return ready ? Promise.resolve(ready) : platform.start()
      },
      operations: { 'set-flag': (at) => (client) => turnOnAt(at, { flag: off }, client) },
      ids: {
        flag: { valid: 'no-such-flag', run: (flag, at) => turnOnAt(at, { flag }) },
        ...(!anyEnvironment && {
          environment: {
            valid: 'no-such-one',
            run: (environment: string, at: Started) => turnOnAt(at, { flag: off, environment }),
          },
        }),
      },
    })
    const flags = {
      flags: platform.flags,
      platform: current,
      set: (input: object, client?: ClientOptions) => setAt(current(), input, client),
    }
    changeTests(provider, flags)
    unknownNameTests(flags, unknown, anyEnvironment)
    if ('pending change' in writesOf(provider)) {
      if (pending === undefined)
        throw new Error(`${provider.title} states that changes can wait. Add the option pending.`)
      if (pending) pendingTests(provider, platform, pending)
    }
  })
  return {
    ...driver,
    server,
    provider,
    client: (more: object = {}) => clientOf(provider, provider.connection.parse({ ...started.connection, ...more })),
    calls: (method: string) => server.calls.filter((call) => call.method === method),
  }
}
