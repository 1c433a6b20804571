import { type Call, ok, type Reply, type Served, serve } from '../../infra/sandbox/platforms/loopback-server.ts'

interface Rollout {
  variations: { variation: number; weight: number }[]
  contextKind?: string
  bucketBy?: string
}

interface InEnvironment {
  on: boolean
  fallthrough: { variation?: number; rollout?: Rollout }
}

interface Flag {
  variations: unknown[]
  environments: Record<string, InEnvironment>
}

interface Instruction {
  kind: string
  rolloutContextKind?: string
  rolloutBucketBy?: string
  rolloutWeights?: Record<string, number>
}

interface Approval {
  id: string
  flag: string
  environment: string
  description: string
  comment: string | undefined
  notify: { members: unknown; teams: unknown }
  instructions: Instruction[]
  reviewStatus: 'pending' | 'approved' | 'declined'
  status: 'pending' | 'completed' | 'failed' | 'scheduled'
  reviews: { kind: string; comment?: string; memberId?: string; serviceTokenId?: string }[]
}

interface LaunchDarklyState {
  flags: Record<string, Flag>
  approvals: Approval[]
  /** Environments in which every change must be approved. */
  guarded: string[]
  /** Whether the robot may apply what others approved. */
  mayApply: boolean
}

export interface LaunchDarklyServer extends Served {
  token: string
  /** The token of a user without permission to write. */
  readerToken: string
  state: LaunchDarklyState
}

const semanticPatch = 'application/json; domain-model=launchdarkly.semanticpatch'

/**
 * LaunchDarkly's REST API, version 20240415, as its OpenAPI document describes it. Details that the document omits (most
 * refusals) is ours, with its `code`s.
 *
 * @see https://launchdarkly.com/docs/api
 */
export async function startLaunchDarkly(): Promise<LaunchDarklyServer> {
  const token = 'api-robot-0123456789abcdef'
  const readerToken = 'api-reader-0123456789abcdef'
  const state: LaunchDarklyState = { flags: {}, approvals: [], guarded: [], mayApply: true }
  const served = await serve((call) => {
    const given = call.headers['authorization']
    if (given !== token && given !== readerToken) return refusal(401, 'unauthorized', 'Invalid access token')
    return createLaunchDarkly(state).answer(call, given === readerToken)
  })
  const everywhere = (on: boolean, fallthrough: InEnvironment['fallthrough']) => ({
    production: { on, fallthrough },
    test: { on: true, fallthrough: { variation: 0 } },
  })
  state.flags['checkout-v2'] = { variations: [true, false], environments: everywhere(false, { variation: 0 }) }
  state.flags['slow-recommendations'] = {
    // Not everybody has true first.
    variations: [false, true],
    environments: everywhere(true, {
      rollout: {
        variations: [
          { variation: 0, weight: 75_000 },
          { variation: 1, weight: 25_000 },
        ],
        contextKind: 'organization',
        bucketBy: 'region',
      },
    }),
  }
  state.flags['banner'] = { variations: ['red', 'green', 'blue'], environments: everywhere(true, { variation: 1 }) }
  return { ...served, token, readerToken, state }
}

/** As the API names the variations of a flag. */
export function idOf(flag: string, at: number): string {
  return `${flag}-variation-${at}`
}

function refusal(status: number, code: string, message: string): Reply {
  return { status, body: { code, message } }
}

function createLaunchDarkly(state: LaunchDarklyState) {
  function answer(call: Call, readsOnly: boolean): Reply {
    const { method, path } = call
    if (call.headers['ld-api-version'] !== '20240415') return refusal(400, 'invalid_request', 'Unknown API version')
    if (path === '/api/v2/caller-identity') return ok({ tokenName: 'robot', serviceToken: true })
    const [, project, name = ''] = /^\/api\/v2\/flags\/([^/]+)\/([^/]+)$/.exec(path) ?? []
    const [, inProject, of = '', environment = '', id, what] =
      /^\/api\/v2\/projects\/([^/]+)\/flags\/([^/]+)\/environments\/([^/]+)\/approval-requests(?:\/([^/]+))?(?:\/(apply))?$/.exec(
        path,
      ) ?? []
    const flag = state.flags[name || of]
    if ((project ?? inProject) !== 'shop') return refusal(404, 'not_found', 'Unknown project key')
    if (!flag) return refusal(404, 'not_found', 'Unknown feature key')
    if (method !== 'GET' && readsOnly) return refusal(403, 'forbidden', 'Access to the requested resource was denied')
    if (name && method === 'GET') return toResponse(name, flag, call.query.get('env') ?? '')
    if (name && method === 'PATCH') return patch(name, flag, call)
    if (id === undefined) return listApprovals(of, environment, call)
    return getApproval(id, method, what)
  }

  function toResponse(key: string, { variations, environments }: Flag, env: string): Reply {
    const there = environments[env]
    if (!there) return refusal(404, 'not_found', 'Unknown environment key')
    const _site = { href: `/shop/${env}/features/${key}`, type: 'text/html' }
    const body = {
      name: key,
      kind: typeof variations[0] === 'boolean' ? 'boolean' : 'multivariate',
      key,
      _version: 1,
      variations: variations.map((value, at) => ({ _id: idOf(key, at), value })),
      archived: false,
      environments: { [env]: { archived: false, version: 1, ...there, _site, _environmentName: env } },
    }
    return { status: 200, body }
  }

  function patch(key: string, flag: Flag, { headers, body }: Call): Reply {
    if (headers['content-type'] !== semanticPatch) {
      return refusal(400, 'invalid_request', 'A JSON patch must be a list of operations')
    }
    const { environmentKey = '', instructions } = body as { environmentKey?: string; instructions: Instruction[] }
    const there = flag.environments[environmentKey]
    if (!there) return refusal(404, 'not_found', 'Unknown environment key')
    if (state.guarded.includes(environmentKey)) {
      return refusal(405, 'approval_required', 'Approval is required to make this request')
    }
    return carryOut(key, flag, there, instructions) ?? toResponse(key, flag, environmentKey)
  }

  function carryOut(
    key: string,
    { variations }: Flag,
    there: InEnvironment,
    instructions: Instruction[],
  ): Reply | undefined {
    for (const { kind, rolloutContextKind, rolloutBucketBy, rolloutWeights } of instructions) {
      if (kind === 'turnFlagOn' || kind === 'turnFlagOff') there.on = kind === 'turnFlagOn'
      else if (kind === 'updateFallthroughVariationOrRollout' && rolloutWeights) {
        const weights = variations.map((_, at) => ({ variation: at, weight: rolloutWeights[idOf(key, at)] ?? 0 }))
        if (weights.reduce((sum, { weight }) => sum + weight, 0) !== 100_000) {
          return refusal(400, 'invalid_request', 'Rollout weights must add up to 100000')
        }
        const by = rolloutBucketBy ? { bucketBy: rolloutBucketBy } : {}
        const contextKind = rolloutContextKind ?? 'user'
        there.fallthrough = { rollout: { variations: weights, contextKind, ...by } }
      } else return refusal(400, 'invalid_request', `Unknown instruction kind: ${kind}`)
    }
    return undefined
  }

  function listApprovals(flag: string, environment: string, { method, body }: Call): Reply {
    const all = state.approvals
    if (method === 'GET') {
      const items = all.filter((one) => one.flag === flag && one.environment === environment)
      return ok({ items: items.map(shownApproval), _links: {} })
    }
    const asked = body as Record<string, unknown>
    if (typeof asked['description'] !== 'string' || !Array.isArray(asked['instructions'])) {
      return refusal(400, 'invalid_request', 'description and instructions are required')
    }
    const approval: Approval = {
      id: `approval-${all.length + 1}`,
      flag,
      environment,
      description: asked['description'],
      comment: asked['comment'] as string | undefined,
      notify: { members: asked['notifyMemberIds'], teams: asked['notifyTeamKeys'] },
      instructions: asked['instructions'] as Instruction[],
      reviewStatus: 'pending',
      status: 'pending',
      reviews: [],
    }
    all.push(approval)
    return { status: 201, body: shownApproval(approval) }
  }

  function getApproval(id: string, method: string, what: string | undefined): Reply {
    const approval = state.approvals.find((one) => one.id === id)
    if (!approval) return refusal(404, 'not_found', 'Unknown approval request')
    if (method === 'GET' && what === undefined) return ok(shownApproval(approval))
    if (!state.mayApply) return refusal(403, 'forbidden', 'Access to the requested resource was denied')
    if (approval.reviewStatus !== 'approved') return refusal(400, 'invalid_request', 'Not approved')
    const flag = state.flags[approval.flag]
    const there = flag?.environments[approval.environment]
    if (flag && there) carryOut(approval.flag, flag, there, approval.instructions)
    approval.status = 'completed'
    return ok(shownApproval(approval))
  }

  return { answer }
}

function shownApproval({ id, description, instructions, reviewStatus, status, reviews }: Approval) {
  return {
    _id: id,
    _version: 1,
    creationDate: 1_654_104_600_000,
    serviceKind: 'launchdarkly',
    description,
    reviewStatus,
    allReviews: reviews.map((review) => ({ _id: id, ...review })),
    notifyMemberIds: [],
    status,
    instructions,
    conflicts: [],
    _links: {},
  }
}
