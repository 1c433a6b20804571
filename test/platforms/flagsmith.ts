import { randomUUID } from 'node:crypto'
import { type Call, ok, type Reply, type Served, serve } from '../../infra/sandbox/platforms/loopback-server.ts'

interface FeatureState {
  id: number
  feature: number
  enabled: boolean
  value: string | null
  /** Of an override of a segment. */
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

interface FlagsmithState {
  features: Record<string, number>
  environments: Record<string, Environment>
}

export interface FlagsmithServer extends Served {
  /** The API key of the organisation. */
  token: string
  /** Of a user who may look, and change nothing. */
  userToken: string
  state: FlagsmithState
}

/**
 * Flagsmith's admin API as its source has it: routes, permissions, and that versioned environments take no change in place.
 *
 * @see https://github.com/Flagsmith/flagsmith/blob/main/api/features/views.py
 * @see https://github.com/Flagsmith/flagsmith/blob/main/api/features/versioning/views.py
 */
export async function startFlagsmith(): Promise<FlagsmithServer> {
  const token = 'organisation-key-0123456789abcdef'
  const userToken = 'user-token-0123456789abcdef'
  const features = { 'checkout-v2': 83_755, 'slow-recommendations': 83_756 }
  const environment = (id: number, versioned: boolean): Environment => ({
    id,
    approvals: null,
    versioned,
    states: [
      { id: id * 10 + 1, feature: 83_755, enabled: false, value: null, segment: null },
      { id: id * 10 + 2, feature: 83_756, enabled: true, value: 'slow', segment: null },
    ],
    versions: [],
  })
  const state = { features, environments: { Prod1key: environment(23, false), Versioned1key: environment(24, true) } }
  const served = await serve((call) => {
    const given = call.headers['authorization']
    if (given === undefined) return refusal(401, 'Authentication credentials were not provided.')
    if (given !== `Api-Key ${token}` && given !== `Token ${userToken}`) return refusal(401, 'Invalid token.')
    return createFlagsmith(state).answer(call, given.startsWith('Token'))
  })
  return { ...served, token, userToken, state }
}

function refusal(status: number, detail: string): Reply {
  return { status, body: { detail } }
}

const forbidden = refusal(403, 'You do not have permission to perform this action.')

function createFlagsmith(state: FlagsmithState) {
  function answer({ method, path, query, body }: Call, readsOnly: boolean): Reply {
    if (path === '/api/v1/projects/') return ok([{ id: 12, name: 'Shop' }])
    const [, key = '', rest = ''] = /^\/api\/v1\/environments\/([^/]+)\/(.*)$/.exec(path) ?? []
    if (method !== 'GET' && readsOnly) return forbidden
    const byId = Object.values(state.environments).find(({ id }) => String(id) === key)
    if (byId) return answerVersions(byId, method, rest.split('/').filter(Boolean), body)
    const environment = state.environments[key]
    if (rest === '' && method === 'GET') {
      return environment ? toResponse(key, environment) : refusal(404, 'No Environment matches the given query.')
    }
    const [kind, id] = rest.split('/')
    if (!environment || kind !== 'featurestates') return forbidden
    if (method === 'GET') return list(environment, query.get('feature_name') ?? '')
    const flagState = environment.states.find((one) => String(one.id) === id)
    if (!flagState || method !== 'PATCH') return refusal(404, 'No FeatureState matches the given query.')
    if (environment.versioned) {
      return refusal(400, 'Feature states of an environment with feature versioning cannot be changed in place.')
    }
    Object.assign(flagState, body)
    return ok(shownState(flagState))
  }

  function toResponse(api_key: string, { id, approvals, versioned }: Environment): Reply {
    const settings = { minimum_change_request_approvals: approvals, use_v2_feature_versioning: versioned }
    return ok({ id, name: 'Production', api_key, project: 12, ...settings, is_creating: false })
  }

  /** Names are compared without case. */
  function list({ states }: Environment, asked: string): Reply {
    const [, feature] =
      Object.entries(state.features).find(([name]) => name.toLowerCase() === asked.toLowerCase()) ?? []
    const results = states.filter((one) => one.feature === feature && one.segment === null).map(shownState)
    return ok({ count: results.length, next: null, previous: null, results })
  }

  function answerVersions(environment: Environment, method: string, parts: string[], body: unknown): Reply {
    const [, feature, , uuid, what, id] = parts
    const own = environment.states.filter((one) => String(one.feature) === feature)
    if (own.length === 0) return refusal(404, 'No Feature matches the given query.')
    if (uuid === undefined) {
      const { description } = (body ?? {}) as { description?: string }
      const override = { ...(own[0] as FeatureState), id: 900, segment: 7 }
      const states = [override, ...own.map((state) => ({ ...state, id: state.id + 1_000 }))]
      const version = { uuid: randomUUID(), description, published: false, states }
      environment.versions.push(version)
      return { status: 201, body: shownVersion(version) }
    }
    const version = environment.versions.find((one) => one.uuid === uuid)
    if (!version) return refusal(404, 'No EnvironmentFeatureVersion matches the given query.')
    if (what === 'publish' && method === 'POST') {
      version.published = true
      const live = version.states.filter(({ segment }) => segment === null)
      environment.states = [...environment.states.filter((one) => String(one.feature) !== feature), ...live]
      return ok({ live_from: '2026-11-24T15:01:48Z' })
    }
    if (method === 'GET') return ok(version.states.map(shownState))
    const state = version.states.find((one) => String(one.id) === id)
    if (version.published) return refusal(400, 'Cannot modify published version.')
    if (!state) return refusal(404, 'No FeatureState matches the given query.')
    Object.assign(state, body)
    return ok(shownState(state))
  }

  return { answer }
}

function shownState({ id, feature, enabled, value, segment }: FeatureState) {
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

function shownVersion({ uuid, description, published }: Version) {
  return { uuid, description: description ?? null, published, is_live: published, live_from: null }
}
