import { type Served, servePlatform } from '../../../infra/sandbox/platforms/loopback-server.ts'
import type { ChangeRequest, Person } from '../../../infra/sandbox/platforms/unleash/changes.ts'
import { type Flag, gradualRollout, type Strategy } from '../../../infra/sandbox/platforms/unleash/flags.ts'
import { unleashRoutes } from '../../../infra/sandbox/platforms/unleash/routes.ts'
import { type FlagRow, play, withToken } from '../../conformance/rows/row.ts'

interface State {
  flags: Record<string, Flag>
  requests: ChangeRequest[]
  /** Environments that require change requests. */
  guarded: string[]
  /** Whether the robot may apply approved change requests. */
  mayApply: boolean
}

export interface UnleashServer extends Served {
  token: string
  /** The token of a user without permission to write. */
  viewerToken: string
  state: State
  /** Gives the flag `checkout-v2` these strategies in production. */
  setStrategies(...strategies: Strategy[]): void
}

/** Starts an Unleash whose state the test can change directly. */
async function startUnleash(): Promise<UnleashServer> {
  const token = 'user:robot-0123456789abcdef'
  const viewerToken = 'user:viewer-0123456789abcdef'
  const state: State = {
    flags: {
      'checkout-v2': flagOf('checkout-v2', '25', false),
      'slow-recommendations': flagOf('slow-recommendations', '100', true),
      bare: flagOf('bare', undefined, false),
      archived: { ...flagOf('archived', undefined, false), archived: true },
    },
    requests: [],
    guarded: [],
    mayApply: true,
  }
  const people: Record<string, Person> = {
    [token]: { id: 2, username: 'robot', imageUrl: null },
    [viewerToken]: { id: 3, username: 'viewer', imageUrl: null, isReadOnly: true },
  }
  const served = await servePlatform(
    unleashRoutes({
      flags: {
        all: () => Object.values(state.flags),
        save(flag) {
          state.flags[flag.name] = flag
        },
      },
      requests: {
        all: () => state.requests,
        save(request) {
          if (!state.requests.includes(request)) state.requests.push(request)
        },
      },
      environments: [
        { name: 'development', type: 'development', sortOrder: 2 },
        { name: 'production', type: 'production', sortOrder: 3 },
      ],
      isGuarded: (environment) => state.guarded.includes(environment),
      mayApply: () => state.mayApply,
      people,
    }),
  )
  const setStrategies = (...strategies: Strategy[]) => {
    Object.assign(state.flags['checkout-v2']?.environments['production'] ?? {}, { strategies })
  }
  return { ...served, token, viewerToken, state, setStrategies }
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

export const unleashFlags = {
  start: play(startUnleash, (server) => ({ connection: { ...withToken(server), environment: 'production' } })),
  flags: { off: 'checkout-v2', on: 'slow-recommendations' },
} satisfies FlagRow
