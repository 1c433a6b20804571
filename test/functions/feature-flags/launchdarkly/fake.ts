import { definePlatform } from '../../../../infra/testing/define-platform.ts'
import type { Call, Reply } from '../../../../infra/testing/loopback-server.ts'
import { requireHeader } from '../../../../infra/testing/require-header.ts'
import { type FlagRow, startWith, withToken } from '../../../conformance/row.ts'

interface Rollout {
  variations: { variation: number; weight: number }[]
  contextKind?: string
  bucketBy?: string
}

interface Environment {
  on: boolean
  fallthrough: { variation?: number; rollout?: Rollout }
}

interface Flag {
  variations: unknown[]
  environments: Record<string, Environment>
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

export type LaunchDarklyServer = Awaited<ReturnType<typeof startLaunchDarkly>>
type State = ReturnType<typeof initial>

const TOKEN = 'api-robot-0123456789abcdef'
const READER_TOKEN = 'api-reader-0123456789abcdef'
const SEMANTIC_PATCH = 'application/json; domain-model=launchdarkly.semanticpatch'
const DENIED = refusal(403, 'forbidden', 'Access to the requested resource was denied')
const PERCENTAGE_ROLLOUT: Rollout = {
  variations: [
    { variation: 0, weight: 75_000 },
    { variation: 1, weight: 25_000 },
  ],
  contextKind: 'organization',
  bucketBy: 'region',
}
const checkToken = requireHeader(
  'authorization',
  [TOKEN, READER_TOKEN],
  refusal(401, 'unauthorized', 'Invalid access token'),
)
const checkVersion = requireHeader('ld-api-version', '20240415', refusal(400, 'invalid_request', 'Unknown API version'))

const initial = () => ({
  flags: {
    'checkout-v2': newFlag([true, false], { on: false, fallthrough: { variation: 0 } }),
    // The first variation is false.
    'slow-recommendations': newFlag([false, true], { on: true, fallthrough: { rollout: PERCENTAGE_ROLLOUT } }),
    banner: newFlag(['red', 'green', 'blue'], { on: true, fallthrough: { variation: 1 } }),
  } as Record<string, Flag>,
  approvals: [] as Approval[],
  /** Environments whose changes need an approval. */
  guarded: [] as string[],
  /** The token can apply approved changes. */
  mayApply: true,
})

/**
 * A fake of LaunchDarkly's REST API, version 20240415, with the project `shop`. Its OpenAPI document omits most
 * refusals: their texts are ours, their codes are those of LaunchDarkly.
 *
 * @see https://launchdarkly.com/docs/api
 */
const startLaunchDarkly = definePlatform({
  base: '/api/v2',
  state: initial,
  refuses: (call) => checkToken(call) ?? checkVersion(call) ?? refuseWrite(call),
  routes: {
    'GET /caller-identity': () => ({ tokenName: 'robot', serviceToken: true }),
    'GET /flags/shop/{key}': ({ state, params, query }) =>
      withFlag(state, params.key, (flag) => toResponse(params.key, flag, query.get('env') ?? '')),
    'PATCH /flags/shop/{key}': ({ state, params, headers, body }) => {
      if (headers['content-type'] !== SEMANTIC_PATCH)
        return refusal(400, 'invalid_request', 'A JSON patch must be a list of operations')
      return withFlag(state, params.key, (flag) => patch(state, params.key, flag, body))
    },
    'GET /projects/shop/flags/{key}/environments/{environment}/approval-requests': ({ state, params }) => {
      const found = state.approvals.filter(
        ({ flag, environment }) => flag === params.key && environment === params.environment,
      )
      return { items: found.map(approvalResponse), _links: {} }
    },
    'POST /projects/shop/flags/{key}/environments/{environment}/approval-requests': ({ state, params, body }) =>
      withFlag(state, params.key, () => requestApproval(state, params.key, params.environment, body)),
    'GET /projects/shop/flags/{key}/environments/{environment}/approval-requests/{id}': ({ state, params }) =>
      withApproval(state, params.id, approvalResponse),
    'POST /projects/shop/flags/{key}/environments/{environment}/approval-requests/{id}/apply': ({ state, params }) =>
      withFlag(state, params.key, (flag) => withApproval(state, params.id, (approval) => apply(state, flag, approval))),
  },
  notFound: refusal(404, 'not_found', 'Unknown project key'),
  members: () => ({
    token: TOKEN,
    /** The token of a user without permission to write. */
    readerToken: READER_TOKEN,
  }),
})

function newFlag(variations: unknown[], production: Environment): Flag {
  return { variations, environments: { production, test: { on: true, fallthrough: { variation: 0 } } } }
}

/** Returns the id of a variation of a flag. */
export function idOf(flag: string, index: number): string {
  return `${flag}-variation-${index}`
}

function refusal(status: number, code: string, message: string): Reply {
  return { status, body: { code, message } }
}

function refuseWrite({ method, headers }: Call): Reply | undefined {
  return method !== 'GET' && headers['authorization'] === READER_TOKEN ? DENIED : undefined
}

function withFlag({ flags }: State, key: string, respond: (flag: Flag) => object): object {
  const flag = flags[key]
  return flag ? respond(flag) : refusal(404, 'not_found', 'Unknown feature key')
}

function withApproval({ approvals }: State, id: string, respond: (approval: Approval) => object): object {
  const approval = approvals.find((approval) => approval.id === id)
  return approval ? respond(approval) : refusal(404, 'not_found', 'Unknown approval request')
}

function toResponse(key: string, { variations, environments }: Flag, name: string): object {
  const environment = environments[name]
  if (!environment) return refusal(404, 'not_found', 'Unknown environment key')
  const _site = { href: `/shop/${name}/features/${key}`, type: 'text/html' }
  return {
    name: key,
    kind: typeof variations[0] === 'boolean' ? 'boolean' : 'multivariate',
    key,
    _version: 1,
    variations: variations.map((value, index) => ({ _id: idOf(key, index), value })),
    archived: false,
    environments: { [name]: { archived: false, version: 1, ...environment, _site, _environmentName: name } },
  }
}

function patch(
  { guarded }: State,
  key: string,
  flag: Flag,
  { environmentKey, instructions }: { environmentKey: string; instructions: Instruction[] },
): object {
  const environment = flag.environments[environmentKey]
  if (!environment) return refusal(404, 'not_found', 'Unknown environment key')
  if (guarded.includes(environmentKey))
    return refusal(405, 'approval_required', 'Approval is required to make this request')
  return carryOut(key, flag, environment, instructions) ?? toResponse(key, flag, environmentKey)
}

/** Applies instructions to a flag in an environment, or returns a refusal. */
function carryOut(
  key: string,
  { variations }: Flag,
  environment: Environment,
  instructions: Instruction[],
): Reply | undefined {
  for (const { kind, rolloutContextKind, rolloutBucketBy, rolloutWeights } of instructions) {
    if (kind === 'turnFlagOn' || kind === 'turnFlagOff') environment.on = kind === 'turnFlagOn'
    else if (kind === 'updateFallthroughVariationOrRollout' && rolloutWeights) {
      const weights = variations.map((_, variation) => ({
        variation,
        weight: rolloutWeights[idOf(key, variation)] ?? 0,
      }))
      if (weights.reduce((sum, { weight }) => sum + weight, 0) !== 100_000)
        return refusal(400, 'invalid_request', 'Rollout weights must add up to 100000')
      const bucket = rolloutBucketBy ? { bucketBy: rolloutBucketBy } : {}
      const contextKind = rolloutContextKind ?? 'user'
      environment.fallthrough = { rollout: { variations: weights, contextKind, ...bucket } }
    } else return refusal(400, 'invalid_request', `Unknown instruction kind: ${kind}`)
  }
  return undefined
}

function requestApproval(
  { approvals }: State,
  flag: string,
  environment: string,
  body: Record<string, unknown>,
): Reply {
  const { description, comment, instructions, notifyMemberIds: members, notifyTeamKeys: teams } = body
  if (typeof description !== 'string' || !Array.isArray(instructions))
    return refusal(400, 'invalid_request', 'description and instructions are required')
  const approval: Approval = {
    id: `approval-${approvals.length + 1}`,
    flag,
    environment,
    description,
    comment: comment as string | undefined,
    notify: { members, teams },
    instructions,
    reviewStatus: 'pending',
    status: 'pending',
    reviews: [],
  }
  approvals.push(approval)
  return { status: 201, body: approvalResponse(approval) }
}

function apply({ mayApply }: State, flag: Flag, approval: Approval): object {
  if (!mayApply) return DENIED
  if (approval.reviewStatus !== 'approved') return refusal(400, 'invalid_request', 'Not approved')
  const environment = flag.environments[approval.environment]
  if (environment) carryOut(approval.flag, flag, environment, approval.instructions)
  approval.status = 'completed'
  return approvalResponse(approval)
}

function approvalResponse({ id, description, instructions, reviewStatus, status, reviews }: Approval) {
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

export const flagRow = {
  start: startWith(startLaunchDarkly, (server) => ({
    connection: { ...withToken(server), project: 'shop', environment: 'production' },
  })),
  flags: { off: 'checkout-v2', on: 'slow-recommendations' },
} satisfies FlagRow
