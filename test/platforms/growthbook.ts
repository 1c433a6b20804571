import { type Call, ok, type Reply, type Served, serve } from '../../infra/sandbox/platforms/loopback-server.ts'

interface Rule {
  id: string
  type: string
  enabled: boolean
  coverage?: number
  allEnvironments: boolean
  environments?: string[]
}

interface Feature {
  rules: Rule[]
  enabled: Record<string, boolean>
}

interface Revision {
  version: number
  featureId: string
  comment: string
  status: string
  reviews: { userId: string; status: string; timestamp: string }[]
  /** The changes of the draft. */
  enabled: Record<string, boolean>
  coverage: Record<string, number>
}

export interface GrowthBookServer extends Served {
  token: string
  state: {
    features: Record<string, Feature>
    revisions: Revision[]
    /** Changes need an approval. */
    guarded: boolean
    /** The key may publish approved drafts. */
    mayPublish: boolean
    /** A warning that refuses changes, unless they ignore it. */
    warning?: string
  }
}

const ENVIRONMENTS = ['production', 'dev']

/**
 * A fake of the API v2 of GrowthBook.
 *
 * @see https://docs.growthbook.io/api/
 */
export async function startGrowthBook(): Promise<GrowthBookServer> {
  const token = 'secret_admin_a-key-of-growthbook'
  const rollout: Rule = { id: 'fr_1', type: 'rollout', enabled: true, coverage: 0.25, allEnvironments: false }
  const state: GrowthBookServer['state'] = {
    features: {
      'checkout-v2': { rules: [], enabled: { production: false, dev: true } },
      'slow-recommendations': {
        rules: [
          { id: 'fr_0', type: 'force', enabled: true, allEnvironments: true },
          { ...rollout, environments: ['production'] },
        ],
        enabled: { production: true, dev: true },
      },
      'shared-rollout': { rules: [{ ...rollout, allEnvironments: true }], enabled: { production: true, dev: true } },
    },
    ...{ revisions: [], guarded: false, mayPublish: true },
  }
  const served = await serve((call) => {
    if (call.headers['authorization'] !== `Bearer ${token}`) return refusal(401, 'Invalid API key')
    return answer(state, call)
  })
  return { ...served, token, state }
}

function refusal(status: number, message: string): Reply {
  return { status, body: { message } }
}

function answer(state: GrowthBookServer['state'], { method, path, query, body }: Call): Reply {
  if (path === '/v1/environments') return ok({ environments: ENVIRONMENTS.map((id) => ({ id, description: '' })) })
  const [, id = '', rest = ''] = /^\/v2\/features\/([^/]+)(.*)$/.exec(path) ?? []
  const feature = state.features[id]
  if (!feature) return refusal(404, `Could not find a feature with the id "${id}"`)
  if (method === 'GET') return ok({ feature: toResponse(state, id, feature, query) })
  if (state.warning && query.get('ignoreWarnings') !== 'true') return refusal(422, state.warning)
  const given = (body ?? {}) as Record<string, unknown>
  if (rest === '/toggle') {
    if (state.guarded) return refusal(403, 'This feature requires approval before changes can be published.')
    Object.assign(feature.enabled, given['environments'])
    return ok({ feature: toResponse(state, id, feature, query) })
  }
  if (rest === '/revisions') return ok({ revision: create(state, id, String(given['comment'] ?? '')) })
  const [, version, action = ''] = /^\/revisions\/(\d+)\/(.+)$/.exec(rest) ?? []
  const revision = state.revisions.find((one) => one.version === Number(version))
  if (!revision) return refusal(404, 'Could not find that revision')
  return change(state, feature, revision, action, given)
}

function toResponse(state: GrowthBookServer['state'], id: string, { rules, enabled }: Feature, query: URLSearchParams) {
  const environments = Object.entries(enabled).map(([name, on]) => [name, { enabled: on, defaultValue: 'true' }])
  const revisions = state.revisions.filter(({ featureId }) => featureId === id)
  return {
    id,
    rules,
    environments: Object.fromEntries(environments),
    ...(query.get('withRevisions') === 'all' ? { revisions } : {}),
  }
}

function create({ revisions }: GrowthBookServer['state'], featureId: string, comment: string): Revision {
  const version = revisions.length + 2
  const fresh = { version, featureId, comment, status: 'draft', reviews: [], enabled: {}, coverage: {} }
  revisions.push(fresh)
  return fresh
}

function change(
  { guarded, mayPublish }: GrowthBookServer['state'],
  feature: Feature,
  revision: Revision,
  action: string,
  given: Record<string, unknown>,
): Reply {
  const [, rule] = /^rules\/(.+)$/.exec(action) ?? []
  if (rule !== undefined) revision.coverage[rule] = (given['rule'] as { coverage: number }).coverage
  else if (action === 'toggle') revision.enabled[String(given['environment'])] = given['enabled'] === true
  else if (action === 'request-review') revision.status = 'pending-review'
  else if (action === 'discard') revision.status = 'discarded'
  else if (guarded && revision.status !== 'approved') return refusal(403, 'This revision requires approval.')
  else if (guarded && !mayPublish) return refusal(403, 'You do not have permission to publish.')
  else publish(feature, revision)
  return ok({ revision })
}

function publish({ rules, enabled }: Feature, revision: Revision): void {
  revision.status = 'published'
  Object.assign(enabled, revision.enabled)
  for (const rule of rules) rule.coverage = revision.coverage[rule.id] ?? rule.coverage ?? 1
}
