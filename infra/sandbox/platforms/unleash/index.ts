import { routeTable } from '../../../testing/route-table.ts'
import { demo } from '../sandbox/demo.ts'
import type { FakeCall, FakeReply, Platform } from '../sandbox/http.ts'
import { missingPage } from '../sandbox/page.ts'
import type { Store } from '../sandbox/store.ts'
import type { ChangeRequest } from './changes.ts'
import { type Environment, type Flag, gradualRollout, project } from './flags.ts'
import type { FlagSummary } from './page.ts'
import { changeRequestPage, flagPage } from './page.ts'
import { type UnleashSettings, unleashRoutes } from './routes.ts'

export interface Unleash extends Platform {
  flags(root: string): FlagSummary[]
}

interface UnleashOptions extends UnleashSettings {
  /** The flags of an empty store. */
  flags: readonly Flag[]
}

const ENVIRONMENTS: readonly Environment[] = [
  { name: 'development', type: 'development', sortOrder: 2 },
  { name: 'production', type: 'production', sortOrder: 3 },
  { name: 'production-guarded', type: 'production', sortOrder: 4 },
]

/** The environment `production-guarded` requires change requests, which the user `reviewer` can approve. */
const SANDBOX: UnleashOptions = {
  environments: ENVIRONMENTS,
  isGuarded: (environment) => environment === 'production-guarded',
  mayApply: () => true,
  people: {
    [demo.unleash.token]: { id: 2, username: 'webhooks', imageUrl: 'https://gravatar.com/avatar/webhooks' },
    [demo.unleash.reviewerToken]: { id: 3, username: 'reviewer', imageUrl: 'https://gravatar.com/avatar/reviewer' },
  },
  flags: [
    seed('checkout-v2', 'release', 'The new checkout', false, '25'),
    seed('express-payment', 'experiment', 'Payment with one click', false, '50'),
    seed('slow-recommendations', 'kill-switch', 'Slow recommendations in the shop', true, '100'),
  ],
}

/** Fakes an Unleash with the project `default`. */
export function createUnleash(store: Store, options = SANDBOX): Unleash {
  const initial = Object.fromEntries(options.flags.map((flag) => [flag.name, flag]))
  const flags = store.collection<Flag>('unleash.flags', { initial })
  const requests = store.collection<ChangeRequest>('unleash.change-requests', { isPermanent: true })

  const page = routeTable<FakeCall, FakeReply>()({
    'GET /projects/{project}/features/{name}': ({ root, params }) => {
      const flag = params.project === project ? flags.get(params.name) : undefined
      return flag ? flagPage(summaryOf(root, flag, requests.list())) : missingPage('flag')
    },
    'GET /projects/{project}/change-requests/{id}': ({ root, params }) => {
      const request = requests.get(params.id)
      return request ? changeRequestPage(root, request) : missingPage('change request')
    },
  })

  return {
    ...unleashRoutes(flags, requests, options),
    page: (call) => page(`GET ${call.path}`, call),

    flags: (root) => flags.list().map((flag) => summaryOf(root, flag, requests.list())),
  }
}

function seed(name: string, type: string, description: string, isOn: boolean, rollout: string): Flag {
  const environments = ENVIRONMENTS.map(({ name: environment, type: kind }) => {
    const strategy = gradualRollout(name, kind === 'development' ? '100' : rollout)
    const id = `${name}-${environment}-strategy`
    return [environment, { enabled: kind === 'development' || isOn, strategies: [{ ...strategy, id }] }]
  })
  const createdAt = '2026-01-05T09:00:00.000Z'
  return { name, type, description, createdAt, environments: Object.fromEntries(environments) }
}

function summaryOf(root: string, flag: Flag, requests: ChangeRequest[]): FlagSummary {
  const projectUrl = `${root}/projects/${project}`
  return {
    name: flag.name,
    project,
    description: flag.description,
    url: `${projectUrl}/features/${flag.name}`,
    environments: Object.entries(flag.environments).map(([name, { enabled, strategies }]) => ({
      name,
      enabled,
      rollout: strategies.find(({ disabled, parameters }) => !disabled && parameters['rollout'])?.parameters['rollout'],
    })),
    changeRequests: requests
      .filter(({ features }) => features.some(({ name }) => name === flag.name))
      .map(({ id, environment, state }) => ({ id, environment, state, url: `${projectUrl}/change-requests/${id}` })),
  }
}
