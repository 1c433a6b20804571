import { definePlatform } from '../../../../infra/testing/define-platform.ts'
import type { Call, Reply } from '../../../../infra/testing/loopback-server.ts'
import { requireHeader } from '../../../../infra/testing/require-header.ts'
import { type FlagRow, startWith, withToken } from '../../../conformance/row.ts'

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

export type GrowthBookServer = Awaited<ReturnType<typeof startGrowthBook>>
type State = ReturnType<typeof initial>

const TOKEN = 'secret_admin_a-key-of-growthbook'
const ENVIRONMENTS = ['production', 'dev']
const ROLLOUT: Rule = { id: 'fr_1', type: 'rollout', enabled: true, coverage: 0.25, allEnvironments: false }
const checkToken = requireHeader('authorization', `Bearer ${TOKEN}`, refusal(401, 'Invalid API key'))

const initial = () => ({
  features: {
    'checkout-v2': { rules: [], enabled: { production: false, dev: true } },
    'slow-recommendations': {
      rules: [
        { id: 'fr_0', type: 'force', enabled: true, allEnvironments: true },
        { ...ROLLOUT, environments: ['production'] },
      ],
      enabled: { production: true, dev: true },
    },
    'shared-rollout': { rules: [{ ...ROLLOUT, allEnvironments: true }], enabled: { production: true, dev: true } },
  } as Record<string, Feature>,
  revisions: [] as Revision[],
  /** Changes need an approval. */
  guarded: false,
  /** The key can publish approved drafts. */
  mayPublish: true,
  /** A warning that refuses changes, unless they ignore it. */
  warning: undefined as string | undefined,
})

/**
 * A fake of the API v2 of GrowthBook.
 *
 * @see https://docs.growthbook.io/api/
 */
const startGrowthBook = definePlatform({
  state: initial,
  refuses: (call, state) => checkToken(call) ?? warn(call, state),
  routes: {
    'GET /v1/environments': () => ({ environments: ENVIRONMENTS.map((id) => ({ id, description: '' })) }),
    'GET /v2/features/{id}': ({ state, params, query }) =>
      withFeature(state, params, (feature) => {
        const revisions = state.revisions.filter(({ featureId }) => featureId === params.id)
        const fields = toResponse(params.id, feature)
        return { feature: query.get('withRevisions') === 'all' ? { ...fields, revisions } : fields }
      }),
    'POST /v2/features/{id}/toggle': ({ state, params, body }) =>
      withFeature(state, params, (feature) => {
        if (state.guarded) return refusal(403, 'This feature requires approval before changes can be published.')
        Object.assign(feature.enabled, body.environments)
        return { feature: toResponse(params.id, feature) }
      }),
    'POST /v2/features/{id}/revisions': ({ state, params, body }) =>
      withFeature(state, params, () => {
        const version = state.revisions.length + 2
        const content = { status: 'draft', reviews: [], enabled: {}, coverage: {} }
        const revision = { version, featureId: params.id, comment: String(body.comment ?? ''), ...content }
        state.revisions.push(revision)
        return { revision }
      }),
    'PUT /v2/features/{id}/revisions/{version}/rules/{rule}': ({ state, params, body }) =>
      change(state, params, ({ coverage }) => ({ coverage: { ...coverage, [params.rule]: body.rule.coverage } })),
    'POST /v2/features/{id}/revisions/{version}/toggle': ({ state, params, body }) =>
      change(state, params, ({ enabled }) => ({ enabled: { ...enabled, [body.environment]: body.enabled === true } })),
    'POST /v2/features/{id}/revisions/{version}/request-review': ({ state, params }) =>
      change(state, params, () => ({ status: 'pending-review' })),
    'POST /v2/features/{id}/revisions/{version}/discard': ({ state, params }) =>
      change(state, params, () => ({ status: 'discarded' })),
    'POST /v2/features/{id}/revisions/{version}/publish': ({ state, params }) =>
      withFeature(state, params, (feature) => {
        const isApproved = state.revisions.some(
          ({ version, status }) => version === Number(params.version) && status === 'approved',
        )
        if (state.guarded && !isApproved) return refusal(403, 'This revision requires approval.')
        if (state.guarded && !state.mayPublish) return refusal(403, 'You do not have permission to publish.')
        return change(state, params, (revision) => publish(feature, revision))
      }),
  },
  notFound: refusal(404, 'Not found'),
  members: () => ({ token: TOKEN }),
})

function refusal(status: number, message: string): Reply {
  return { status, body: { message } }
}

function warn({ method, query }: Call, { warning }: State): Reply | undefined {
  return method !== 'GET' && warning && query.get('ignoreWarnings') !== 'true' ? refusal(422, warning) : undefined
}

function withFeature({ features }: State, { id }: { id: string }, respond: (feature: Feature) => object): object {
  const feature = features[id]
  return feature ? respond(feature) : refusal(404, `Could not find a feature with the id "${id}"`)
}

/** Changes a revision and returns it. */
function change(
  { revisions }: State,
  params: { version: string },
  changes: (revision: Revision) => Partial<Revision>,
): object {
  const revision = revisions.find(({ version }) => version === Number(params.version))
  if (!revision) return refusal(404, 'Could not find that revision')
  return { revision: Object.assign(revision, changes(revision)) }
}

function toResponse(id: string, { rules, enabled }: Feature) {
  const environments = Object.entries(enabled).map(([name, on]) => [name, { enabled: on, defaultValue: 'true' }])
  return { id, rules, environments: Object.fromEntries(environments) }
}

/** Applies a draft to its feature, and returns the changes of the revision. */
function publish({ rules, enabled }: Feature, revision: Revision): Partial<Revision> {
  Object.assign(enabled, revision.enabled)
  for (const rule of rules) rule.coverage = revision.coverage[rule.id] ?? rule.coverage ?? 1
  return { status: 'published' }
}

export const flagRow = {
  start: startWith(startGrowthBook, (server) => ({ connection: { ...withToken(server), environment: 'production' } })),
  flags: { off: 'checkout-v2', on: 'slow-recommendations' },
} satisfies FlagRow
