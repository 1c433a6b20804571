import { type Collection, openStore } from '../../../../infra/sandbox/platforms/sandbox/store.ts'
import type { ChangeRequest } from '../../../../infra/sandbox/platforms/unleash/changes.ts'
import { type Flag, gradualRollout, type Strategy } from '../../../../infra/sandbox/platforms/unleash/flags.ts'
import { createUnleash } from '../../../../infra/sandbox/platforms/unleash/index.ts'
import type { Served } from '../../../../infra/testing/loopback-server.ts'
import { type FlagRow, startWith, withToken } from '../../../conformance/row.ts'
import { servePlatform } from '../../../platforms/serve-platform.ts'

export interface UnleashServer extends Served {
  token: string
  /** The token of a user without permission to write. */
  viewerToken: string
  state: {
    /** Environments that require change requests. */
    guarded: string[]
    /** Whether the robot may apply approved change requests. */
    mayApply: boolean
    readonly flags: Record<string, Flag>
  }
  requests: Collection<ChangeRequest>
  /** Gives the flag `checkout-v2` these strategies in production. */
  setStrategies(...strategies: Strategy[]): void
}

/** Starts an Unleash whose permissions the test can change. */
async function startUnleash(): Promise<UnleashServer> {
  const token = 'user:robot-0123456789abcdef'
  const viewerToken = 'user:viewer-0123456789abcdef'
  const store = openStore()
  const flags = store.collection<Flag>('unleash.flags')
  const requests = store.collection<ChangeRequest>('unleash.change-requests')
  const state: UnleashServer['state'] = {
    guarded: [],
    mayApply: true,
    get flags() {
      return Object.fromEntries(flags.list().map((flag) => [flag.name, flag]))
    },
  }
  const unleash = createUnleash(store, {
    flags: [
      flagOf('checkout-v2', '25', false),
      flagOf('slow-recommendations', '100', true),
      flagOf('bare', undefined, false),
      { ...flagOf('archived', undefined, false), archived: true },
    ],
    environments: [
      { name: 'development', type: 'development', sortOrder: 2 },
      { name: 'production', type: 'production', sortOrder: 3 },
    ],
    isGuarded: (environment) => state.guarded.includes(environment),
    mayApply: () => state.mayApply,
    people: {
      [token]: { id: 2, username: 'robot', imageUrl: null },
      [viewerToken]: { id: 3, username: 'viewer', imageUrl: null, isReadOnly: true },
    },
  })
  return {
    ...(await servePlatform(unleash)),
    token,
    viewerToken,
    state,
    requests,
    setStrategies(...strategies) {
      const { environments = {} } = flags.get('checkout-v2') ?? {}
      flags.change('checkout-v2', { environments: { ...environments, production: { enabled: false, strategies } } })
    },
  }
}

export function gradual(flag: string, rollout: string, fields: Partial<Strategy> = {}): Strategy {
  return { ...gradualRollout(flag, rollout), ...fields }
}

function flagOf(name: string, rollout: string | undefined, isOn: boolean): Flag {
  const strategies = () => (rollout === undefined ? [] : [gradual(name, rollout)])
  return {
    name,
    type: 'release',
    description: null,
    createdAt: '2026-11-24T18:24:52.948Z',
    environments: {
      development: { enabled: rollout !== undefined, strategies: strategies() },
      production: { enabled: isOn, strategies: strategies() },
    },
  }
}

export const flagRow = {
  start: startWith(startUnleash, (server) => ({ connection: { ...withToken(server), environment: 'production' } })),
  flags: { off: 'checkout-v2', on: 'slow-recommendations' },
} satisfies FlagRow
