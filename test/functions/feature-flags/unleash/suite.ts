import { describe, expect, test } from '@jest/globals'
import { unleash } from '../../../../functions/feature-flags/unleash/unleash.ts'
import type { Flag, Strategy } from '../../../../infra/sandbox/platforms/unleash/flags.ts'
import type { Served } from '../../../../infra/testing/loopback-server.ts'
import { isWrite } from '../../../conformance/common/requests.ts'
import type { FlagOptions } from '../../../conformance/flag/options.ts'
import { flagConformance } from '../../../conformance/flag.ts'
import type { FlagPlatform } from '../../../conformance/platform.ts'
import { gradual } from './fake.ts'

/** An Unleash, real or fake. */
interface AnyUnleash extends Served {
  /** The token of a user without permission to write. */
  viewerToken: string
  state: { flags: Record<string, Pick<Flag, 'environments'>> }
  /** Gives the flag `checkout-v2` these strategies in production. */
  setStrategies(...strategies: Strategy[]): unknown
}

/** Returns a function that gives the flag `checkout-v2` these strategies. */
const withStrategies =
  (...strategies: Strategy[]) =>
  (server: AnyUnleash) =>
    server.setStrategies(...strategies)
const europe = gradual('checkout-v2', '25', { title: 'Europe' })
const several = withStrategies(europe, gradual('checkout-v2', '50'))
const everybody = withStrategies(gradual('checkout-v2', '0', { name: 'default', title: 'Everybody', parameters: {} }))

/**
 * Registers the tests that pass with a real Unleash and with the fake.
 *
 * @param options rows for the fake, and whether changes can wait
 */
export function testUnleash<S extends AnyUnleash>(
  platform: FlagPlatform<S>,
  { refused = [], pending }: Pick<FlagOptions<S>, 'refused'> & Required<Pick<FlagOptions<S>, 'pending'>>,
) {
  const suite = flagConformance(unleash, platform, {
    refusal: (message) => ({ name: 'BadDataError', message: 'Request validation failed', details: [{ message }] }),
    defaults: { project: 'default' },
    unknown: {
      flag: `404 to GET /api/admin/projects/default/features/no-such-flag: There's no feature named "no-such-flag"`,
      environment: 'has no environment "no-such-one" in Unleash. Environments: development, production.',
    },
    refused: [
      {
        input: { state: 'off', percentage: 5 },
        reason:
          'checkout-v2 has these strategies: Europe (25 %), flexibleRollout (50 %). A percentage can only be set for a flag with exactly one gradual rollout. Its state can still be set.',
        change: several,
      },
      { input: { percentage: 5 }, reason: 'strategies: Everybody. A percentage', change: everybody },
      { input: { state: 'on', project: 'shop' }, reason: `but there's a feature with that name in project "default"` },
      { input: { state: 'on', flag: 'archived' }, reason: 'Could not find feature flag with name archived' },
      {
        input: { state: 'on' },
        reason: `403 to POST /api/admin/projects/default/features/checkout-v2/environments/production/on: You don't have the required permissions to perform this operation. To perform this action, you need the "UPDATE_FEATURE_ENVIRONMENT" permission.`,
        connection: ({ viewerToken: token }) => ({ token }),
      },
      ...refused,
    ],
    sets: [
      {
        input: { state: 'on' },
        outcome: { message: 'checkout-v2 in production is on (25 %), and was off (25 %)' },
      },
      {
        input: { state: 'on' },
        outcome: { message: 'checkout-v2 in production is on, and was off' },
        change: everybody,
      },
      {
        input: { percentage: 25 },
        outcome: { message: expect.stringContaining('(25 %) already') },
        change: withStrategies(europe, gradual('checkout-v2', '25')),
      },
    ],
    projects: { accepted: ['default', 'Shop_1.x~y-z'], refused: ['', '../x', 'a b'] },
    pending,
  })
  const { server, set } = suite
  const flag = (key = 'checkout-v2', environment = 'production') => {
    const found = server.state.flags[key]?.environments[environment]
    if (!found) throw new Error(`No flag ${key} in ${environment}`)
    return found
  }
  const writes = () => server.calls.filter(isWrite).map(({ method, path }) => `${method} ${path.split('/').at(-1)}`)

  describe('Unleash: set-flag', () => {
    test('turns a flag off in one environment and links to it', async () => {
      const key = 'slow-recommendations'
      const data = { url: `${server.url}/projects/default/features/${key}` }
      expect(await set({ flag: key, state: 'off' })).toMatchObject({ result: 'pass', data })
      expect([flag(key).enabled, flag(key, 'development').enabled]).toEqual([false, true])
      expect(writes()).toEqual(['POST off'])
    })

    test('changes only the rollout of the strategy', async () => {
      const unchanged = {
        title: 'Europe',
        sortOrder: 3,
        segments: [1, 2],
        variants: [{ name: 'blue', weight: 1_000, weightType: 'variable', stickiness: 'default' }],
        constraints: [{ contextName: 'country', operator: 'IN', values: ['NO'] }],
      }
      const parameters = { groupId: 'of-its-own', rollout: '25', stickiness: 'userId' }
      await server.setStrategies(gradual('checkout-v2', '25', { ...unchanged, parameters }))
      const [before] = flag().strategies
      expect(await set({ percentage: 50 })).toMatchObject({ data: { after: { state: 'off', percentage: 50 } } })
      expect(flag().strategies).toEqual([{ ...before, ...unchanged, parameters: { ...parameters, rollout: '50' } }])
    })

    test('rolls out before turning on, and turns off before rolling out', async () => {
      await set({ state: 'on', percentage: 5 })
      await set({ state: 'off', percentage: 100 })
      const { id } = flag().strategies[0] ?? {}
      expect(writes()).toEqual([`PUT ${id}`, 'POST on', 'POST off', `PUT ${id}`])
    })

    test('adds a gradual rollout to a flag without strategies', async () => {
      const expected = { data: { before: { state: 'off' }, after: { state: 'on', percentage: 10 } } }
      expect(await set({ flag: 'bare', state: 'on', percentage: 10 })).toMatchObject(expected)
      expect(flag('bare').strategies).toMatchObject([
        { name: 'flexibleRollout', parameters: { rollout: '10', stickiness: 'default', groupId: 'bare' } },
      ])
    })

    test('turns a flag without strategies on for everyone', async () => {
      const message = expect.stringMatching(/is on \(100 %\), and was off$/)
      expect(await set({ flag: 'bare', state: 'on' })).toMatchObject({ result: 'pass', message })
    })

    test('adds a gradual rollout if all strategies are disabled', async () => {
      await server.setStrategies(gradual('checkout-v2', '25', { disabled: true }))
      expect(await set({ percentage: 10 })).toMatchObject({ result: 'pass', data: { after: { percentage: 10 } } })
      expect(flag().strategies).toHaveLength(2)
    })
  })
  return { ...suite, flag }
}
