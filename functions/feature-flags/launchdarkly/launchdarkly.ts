import * as z from 'zod/mini'
import { Failure, refused, retryLater } from '../../../shared/errors.ts'
import { name, optional, secret, url, word, words } from '../../../shared/fields.ts'
import { errorReasonIn } from '../../../shared/http/error-reason.ts'
import { segment } from '../../../shared/http/segment.ts'
import {
  defineFlagProvider,
  type FlagChange,
  type FlagLocation,
  type PendingChange,
} from '../../../shared/providers/flag.ts'
import type { Client } from '../../../shared/providers/provider.ts'
import { redact } from '../../../shared/redact.ts'

const rollout = z.object({
  variations: z.array(z.object({ variation: z.int(), weight: z.int() })),
  contextKind: z.optional(z.string()),
  bucketBy: z.optional(z.string()),
})
const inEnvironment = z.object({
  on: z.boolean(),
  fallthrough: z.optional(z.object({ variation: z.optional(z.int()), rollout: z.optional(rollout) })),
  _site: z.optional(z.object({ href: z.string() })),
})
const flag = z.object({
  variations: z.array(z.object({ _id: z.string(), value: z.optional(z.unknown()) })),
  environments: z.optional(z.record(z.string(), inEnvironment)),
})
type Flag = z.output<typeof flag>
type InEnvironment = z.output<typeof inEnvironment>

const approvalRequest = z.object({
  _id: z.string(),
  description: z.optional(z.string()),
  reviewStatus: z.string(),
  status: z.string(),
  allReviews: z.optional(
    z.array(
      z.object({
        kind: z.string(),
        comment: z.optional(z.string()),
        memberId: z.optional(z.string()),
        serviceTokenId: z.optional(z.string()),
      }),
    ),
  ),
})
type ApprovalRequest = z.output<typeof approvalRequest>
const approvalRequests = z.object({ items: z.array(approvalRequest) })

const connection = z.strictObject({
  baseUrl: z._default(
    url('https://app.launchdarkly.com, https://app.eu.launchdarkly.com or https://app.launchdarkly.us'),
    'https://app.launchdarkly.com',
  ),
  token: secret(
    'Access token, preferably of a service, whose role can change the targeting of flags, and create and apply approval requests',
  ),
  project: optional(word('Key of the default project')),
  environment: optional(name('Key of the default environment')),
  contextKind: optional(
    word('Context kind for percentage rollouts: user, organization, ..; defaults to the one of the flag, else user'),
  ),
  reviewers: optional(words('Ids of the members to notify of an approval request')),
  reviewerTeams: optional(words('Keys of the teams to notify of an approval request')),
})
type LaunchDarkly = Client<z.output<typeof connection>>

/** LaunchDarkly stores weights in thousandths of a percent. */
const WEIGHT_PER_PERCENT = 1_000
const SEMANTIC_PATCH = 'application/json; domain-model=launchdarkly.semanticpatch'

/**
 * LaunchDarkly. If an environment requires approvals, creates an approval request and applies it after approval.
 *
 * @see https://launchdarkly.com/docs/api/feature-flags/patch-feature-flag
 * @see https://launchdarkly.com/docs/api/approvals
 */
export const launchdarkly = defineFlagProvider({
  title: 'LaunchDarkly',
  connection,
  headers: ({ token }) => ({ authorization: token, 'ld-api-version': '20240415' }),
  // Needs no permission.
  check: ({ http }) => http.get('api/v2/caller-identity'),
  project: { pattern: /^[A-Za-z0-9][A-Za-z0-9._-]{0,255}$/, example: 'shop' },

  async get(client, location, key) {
    const { variations, config } = await readFlag(client, location, key)
    const href = config._site?.href
    return {
      on: config.on,
      percentage: percentageOf(variations, config),
      ...(href ? { url: new URL(href, client.http.baseUrl).href } : {}),
    }
  },

  async set(client, location, changes, comment) {
    // Without setsAllAtOnce, each call has one change.
    const [change] = changes
    if (!change) return undefined
    const instructions = await instructionsFor(client, location, change)
    const { status, body } = await client.http.patch(
      flagPath(location, change.flag),
      { environmentKey: location.environment, instructions, ...(comment ? { comment } : {}) },
      { headers: { 'content-type': SEMANTIC_PATCH }, accept: [405, 409] },
    )
    if (status === 409) throw conflict(change.flag, body)
    return status === 405 ? requestApproval(client, location, change, instructions, comment) : undefined
  },

  async getChangeStatus(client, location, { id, providerState: handle }) {
    const path = `${approvalsPath(location, String(handle))}/${segment(id)}`
    const request = (await client.http.get(path, { schema: approvalRequest })).body
    const { status, reviewStatus } = request
    if (status === 'completed') return { state: status, ended: true }
    if (status === 'failed') return { state: status, ended: true, declined: 'LaunchDarkly could not apply it' }
    if (reviewStatus === 'declined') return { state: reviewStatus, ended: true, declined: describeReviews(request) }
    if (status !== 'pending' || reviewStatus !== 'approved') {
      return { state: status === 'pending' ? `${reviewStatus} review` : status, ended: false }
    }
    return applyApproved(client, path, String(handle))
  },
})

function flagPath({ project = '' }: FlagLocation, key: string): string {
  return `api/v2/flags/${segment(project)}/${segment(key)}`
}

function approvalsPath({ project = '', environment }: FlagLocation, key: string): string {
  const flag = `api/v2/projects/${segment(project)}/flags/${segment(key)}`
  return `${flag}/environments/${segment(environment)}/approval-requests`
}

async function readFlag(
  { http }: LaunchDarkly,
  location: FlagLocation,
  key: string,
): Promise<{ variations: Flag['variations']; config: InEnvironment }> {
  const { environment, project } = location
  const { body } = await http.get(flagPath(location, key), { query: { env: environment }, schema: flag })
  const config = body.environments?.[environment]
  if (!config) throw refused(`LaunchDarkly has no environment "${environment}" in the project ${project}.`)
  return { variations: body.variations, config }
}

/** Finds the variations of a boolean flag. A percentage is only defined between true and false. */
function booleanVariations(variations: Flag['variations']): { yes: number; no: number } | undefined {
  const yes = variations.findIndex(({ value }) => value === true)
  const no = variations.findIndex(({ value }) => value === false)
  return variations.length === 2 && yes >= 0 && no >= 0 ? { yes, no } : undefined
}

function percentageOf(variations: Flag['variations'], { fallthrough }: InEnvironment): number | undefined {
  const indexes = booleanVariations(variations)
  if (!indexes || !fallthrough) return undefined
  const { variation, rollout } = fallthrough
  if (!rollout) return variation === undefined ? undefined : variation === indexes.yes ? 100 : 0
  const weights = rollout.variations.filter(({ variation: index }) => index === indexes.yes).map(({ weight }) => weight)
  return weights.reduce((sum, weight) => sum + weight, 0) / WEIGHT_PER_PERCENT
}

async function instructionsFor(client: LaunchDarkly, location: FlagLocation, { flag, on, percentage }: FlagChange) {
  return [
    ...(percentage === undefined ? [] : [await rolloutInstruction(client, location, flag, percentage)]),
    ...(on === undefined ? [] : [{ kind: on ? 'turnFlagOn' : 'turnFlagOff' }]),
  ]
}

async function rolloutInstruction(client: LaunchDarkly, location: FlagLocation, key: string, percentage: number) {
  const { variations, config } = await readFlag(client, location, key)
  const indexes = booleanVariations(variations)
  const [yes, no] = [variations[indexes?.yes ?? -1], variations[indexes?.no ?? -1]]
  if (!yes || !no) {
    const names = variations.map(({ value }) => JSON.stringify(value)).join(', ')
    throw refused(
      `${key} serves ${names}. A percentage can only be set for a boolean flag. Its state can still be set.`,
    )
  }
  const before = config.fallthrough?.rollout
  const contextKind = client.connection.contextKind ?? before?.contextKind ?? 'user'
  // Another attribute would assign users to other buckets.
  const bucketBy = contextKind === (before?.contextKind ?? 'user') ? before?.bucketBy : undefined
  return {
    kind: 'updateFallthroughVariationOrRollout',
    rolloutContextKind: contextKind,
    ...(bucketBy ? { rolloutBucketBy: bucketBy } : {}),
    rolloutWeights: { [yes._id]: percentage * WEIGHT_PER_PERCENT, [no._id]: (100 - percentage) * WEIGHT_PER_PERCENT },
  }
}

/** Creates an approval request. Its description holds the idempotency key, by which a retry finds it. */
async function requestApproval(
  client: LaunchDarkly,
  location: FlagLocation,
  { flag, on, percentage }: FlagChange,
  instructions: object[],
  comment: string | undefined,
): Promise<PendingChange> {
  const { http, idempotencyKey, connection } = client
  const path = approvalsPath(location, flag)
  const ref = idempotencyKey === undefined ? '' : ` (Ref: caw-${idempotencyKey})`
  const { items } = (await http.get(path, { schema: approvalRequests })).body
  const found = ref ? items.find(({ description }) => description?.includes(ref)) : undefined
  const wanted = [
    ...(on === undefined ? [] : [on ? 'on' : 'off']),
    ...(percentage === undefined ? [] : [`to ${percentage} %`]),
  ].join(' and ')
  const content = {
    description: `Set ${flag} ${wanted}${ref}`,
    instructions,
    ...(comment ? { comment } : {}),
    ...(connection.reviewers ? { notifyMemberIds: connection.reviewers } : {}),
    ...(connection.reviewerTeams ? { notifyTeamKeys: connection.reviewerTeams } : {}),
  }
  const request = found ?? (await http.post(path, content, { schema: approvalRequest })).body
  return { id: request._id, noun: 'approval request', providerState: flag }
}

/** Applies an approved request. Without the permission to apply it, waits until a person does. */
async function applyApproved({ http }: LaunchDarkly, path: string, key: string) {
  try {
    const { status, body } = await http.post(`${path}/apply`, {}, { accept: [409] })
    if (status === 409) throw conflict(key, body)
    return { state: 'completed', ended: true } as const
  } catch (error) {
    if (!(error instanceof Failure) || error.kind !== 'refused') throw error
    return { state: `approved, waiting for a person to apply it: ${error.message}`, ended: false } as const
  }
}

function describeReviews({ allReviews = [] }: ApprovalRequest): string {
  const declined = allReviews.filter(({ kind }) => kind === 'decline')
  const who = declined.map(({ memberId, serviceTokenId, comment }) => {
    const by = memberId ? ` by member ${memberId}` : serviceTokenId ? ` by service token ${serviceTokenId}` : ''
    return `declined${by}${comment ? `: ${comment}` : ''}`
  })
  return who.join('; ')
}

/**
 * Usually another change of the flag was made at the same time: a retry reads the flag again and may succeed. LaunchDarkly
 * also returns 409 for a change that conflicts with a scheduled change or an approval request, so the reason is included.
 */
function conflict(key: string, body: unknown): Failure {
  const reason = redact(errorReasonIn(body)) || 'no reason given'
  return retryLater(`LaunchDarkly answered 409: the change of ${key} conflicts with another: ${reason}`)
}
