import { randomUUID } from 'node:crypto'
import { definePlatform } from '../../../../infra/testing/define-platform.ts'
import type { Reply } from '../../../../infra/testing/loopback-server.ts'
import { type FlagRow, startWith, withToken } from '../../../conformance/row.ts'

interface FeatureState {
  id: number
  feature: number
  enabled: boolean
  value: string | null
  /** The segment of an override. */
  segment: number | null
}

interface Version {
  uuid: string
  description: string | undefined
  published: boolean
  states: FeatureState[]
}

interface Environment {
  id: number
  approvals: number | null
  versioned: boolean
  states: FeatureState[]
  versions: Version[]
}

export type FlagsmithServer = Awaited<ReturnType<typeof startFlagsmith>>

type State = ReturnType<typeof initial>

/** The API key of the organisation. */
const TOKEN = 'organisation-key-0123456789abcdef'
/** The token of a user without permission to write. */
const USER_TOKEN = 'user-token-0123456789abcdef'

const initial = () => ({
  features: { 'checkout-v2': 83_755, 'slow-recommendations': 83_756 } as Record<string, number>,
  environments: {
    Prod1key: initialEnvironment(23, false),
    Versioned1key: initialEnvironment(24, true),
  } as Record<string, Environment>,
})

/**
 * Flagsmith's admin API, from its source: routes, permissions, and versioned environments, which accept no change in place.
 *
 * @see https://github.com/Flagsmith/flagsmith/blob/main/api/features/views.py
 * @see https://github.com/Flagsmith/flagsmith/blob/main/api/features/versioning/views.py
 */
const startFlagsmith = definePlatform({
  base: '/api/v1',
  state: initial,
  refuses({ method, path, headers: { authorization } }, { environments }) {
    if (authorization === undefined) return refusal(401, 'Authentication credentials were not provided.')
    if (![`Api-Key ${TOKEN}`, `Token ${USER_TOKEN}`].includes(authorization)) return refusal(401, 'Invalid token.')
    if (method !== 'GET' && authorization.startsWith('Token')) return forbidden
    const [, , , kind, key = '', list] = path.split('/')
    const isUnknown = kind === 'environments' && list === 'featurestates' && !(key in environments)
    return isUnknown ? forbidden : undefined
  },
  routes: {
    'GET /projects/': () => [{ id: 12, name: 'Shop' }],
    'GET /environments/{key}/': ({ state, params: { key } }) => {
      const environment = state.environments[key]
      if (!environment) return refusal(404, 'No Environment matches the given query.')
      return {
        id: environment.id,
        name: 'Production',
        api_key: key,
        project: 12,
        minimum_change_request_approvals: environment.approvals,
        use_v2_feature_versioning: environment.versioned,
        is_creating: false,
      }
    },
    'GET /environments/{key}/featurestates/': ({ state, params, query }) => {
      // Flagsmith ignores the case of a name.
      const wanted = (query.get('feature_name') ?? '').toLowerCase()
      const feature = Object.entries(state.features).find(([name]) => name.toLowerCase() === wanted)?.[1]
      const results = state.environments[params.key]?.states
        .filter((flag) => flag.feature === feature && flag.segment === null)
        .map(toState)
      return results && { count: results.length, next: null, previous: null, results }
    },
    'PATCH /environments/{key}/featurestates/{id}/': ({ state, params, body }) => {
      const environment = state.environments[params.key]
      const flag = environment?.states.find(({ id }) => String(id) === params.id)
      if (!flag) return undefined
      if (environment?.versioned)
        return refusal(400, 'Feature states of an environment with feature versioning cannot be changed in place.')
      return toState(Object.assign(flag, body))
    },
    'POST /environments/{id}/features/{feature}/versions/': ({ state, params, body: { description } }) => {
      const environment = withId(state, params.id)
      const own = environment?.states.filter(({ feature }) => String(feature) === params.feature) ?? []
      const [first] = own
      if (!environment || !first) return refusal(404, 'No Feature matches the given query.')
      const copies = own.map((flag) => ({ ...flag, id: flag.id + 1_000 }))
      const states = [{ ...first, id: 900, segment: 7 }, ...copies]
      const version = { uuid: randomUUID(), description, published: false, states }
      environment.versions.push(version)
      return { status: 201, body: toVersion(version) }
    },
    'POST /environments/{id}/features/{feature}/versions/{uuid}/publish/': ({ state, params }) => {
      const environment = withId(state, params.id)
      const version = environment?.versions.find(({ uuid }) => uuid === params.uuid)
      if (!environment || !version) return unknownVersion
      version.published = true
      const live = version.states.filter(({ segment }) => segment === null)
      const others = environment.states.filter(({ feature }) => String(feature) !== params.feature)
      environment.states = [...others, ...live]
      return { live_from: '2026-11-24T15:01:48Z' }
    },
    'GET /environments/{id}/features/{feature}/versions/{uuid}/featurestates/': ({ state, params }) => {
      const version = withId(state, params.id)?.versions.find(({ uuid }) => uuid === params.uuid)
      return version ? version.states.map(toState) : unknownVersion
    },
    'PATCH /environments/{id}/features/{feature}/versions/{uuid}/featurestates/{flag}/': ({ state, params, body }) => {
      const version = withId(state, params.id)?.versions.find(({ uuid }) => uuid === params.uuid)
      if (!version) return unknownVersion
      if (version.published) return refusal(400, 'Cannot modify published version.')
      const flag = version.states.find(({ id }) => String(id) === params.flag)
      return flag && toState(Object.assign(flag, body))
    },
  },
  notFound: refusal(404, 'No FeatureState matches the given query.'),
  members: () => ({ token: TOKEN, userToken: USER_TOKEN }),
})

const forbidden = refusal(403, 'You do not have permission to perform this action.')
const unknownVersion = refusal(404, 'No EnvironmentFeatureVersion matches the given query.')

function refusal(status: number, detail: string): Reply {
  return { status, body: { detail } }
}

function initialEnvironment(id: number, versioned: boolean): Environment {
  return {
    id,
    approvals: null,
    versioned,
    states: [
      { id: id * 10 + 1, feature: 83_755, enabled: false, value: null, segment: null },
      { id: id * 10 + 2, feature: 83_756, enabled: true, value: 'slow', segment: null },
    ],
    versions: [],
  }
}

function withId({ environments }: State, id: string): Environment | undefined {
  return Object.values(environments).find((environment) => String(environment.id) === id)
}

function toState({ id, feature, enabled, value, segment }: FeatureState) {
  return {
    id,
    feature,
    enabled,
    feature_state_value: value,
    feature_segment: segment,
    identity: null,
    environment: 23,
    multivariate_feature_state_values: [],
  }
}

function toVersion({ uuid, description, published }: Version) {
  return { uuid, description: description ?? null, published, is_live: published, live_from: null }
}

export const flagRow = {
  start: startWith(startFlagsmith, (server) => ({ connection: { ...withToken(server), environment: 'Prod1key' } })),
  flags: { off: 'checkout-v2', on: 'slow-recommendations' },
} satisfies FlagRow
