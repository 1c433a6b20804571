import * as z from 'zod/mini'
import { Failure, refused } from '../../../shared/errors.ts'
import { name, onOff, optional, secret, url } from '../../../shared/fields.ts'
import { segment } from '../../../shared/http/segment.ts'
import { defineFlagProvider, type FlagChange, type PendingChange } from '../../../shared/providers/flag.ts'
import type { Client } from '../../../shared/providers/provider.ts'

const connection = z.strictObject({
  baseUrl: z._default(
    url('https://api.growthbook.io/api, or the URL of the API of a self-hosted server'),
    'https://api.growthbook.io/api',
  ),
  token: secret('Secret API key with the role admin; a readonly key cannot change features'),
  environment: optional(name('Id of the default environment')),
  appUrl: z._default(url('URL of the app, for links'), 'https://app.growthbook.io'),
  review: z._default(
    onOff('Whether changes become drafts that are published when they are approved. Required with approval flows'),
    'off',
  ),
  ignoreWarnings: z._default(
    onOff(
      'Whether a change is made in spite of warnings of GrowthBook, such as for a feature in a running experiment, which otherwise prevent it',
    ),
    'off',
  ),
})
type GrowthBook = Client<z.output<typeof connection>>

const rule = z.object({
  id: z.string(),
  type: z.nullish(z.string()),
  enabled: z.nullish(z.boolean()),
  coverage: z.nullish(z.number()),
  condition: z.nullish(z.string()),
  allEnvironments: z.boolean(),
  environments: z.nullish(z.array(z.string())),
})
type Rule = z.output<typeof rule>
const feature = z.object({
  rules: z.array(rule),
  environments: z.record(z.string(), z.object({ enabled: z.boolean() })),
})
const revision = z.object({
  version: z.int(),
  comment: z.string(),
  status: z.string(),
  reviews: z.nullish(z.array(z.object({ userId: z.string(), status: z.string() }))),
})
type Revision = z.output<typeof revision>
const oneFeature = z.object({ feature })
const oneRevision = z.object({ revision })
const revisionList = z.object({ feature: z.object({ revisions: z.array(revision) }) })

const REFUSALS = [400, 403, 404, 409, 422]
/** Statuses of a draft that waits for people. */
const OPEN = ['draft', 'pending-review', 'approved']

/**
 * GrowthBook, API v2. A change of the state alone is made directly; a percentage needs a draft, which is published at once. With `review`,
 * every change is a draft that is published after its approval.
 *
 * @see https://docs.growthbook.io/api/
 */
export const growthbook = defineFlagProvider({
  title: 'GrowthBook',
  connection,
  headers: ({ token }) => ({ authorization: `Bearer ${token}` }),
  check: ({ http }) => http.get('v1/environments', { schema: z.object({ environments: z.array(z.unknown()) }) }),
  // The key of a feature is unique across projects.
  project: undefined,

  async get(client, { environment }, flag) {
    const { enabled, rollouts } = await readFeature(client, environment, flag)
    const [rollout, ...others] = rollouts
    const coverage = others.length === 0 ? rollout?.coverage : undefined
    const link = `${client.connection.appUrl.replace(/\/$/, '')}/features/${segment(flag)}`
    return { on: enabled, ...(coverage == null ? {} : { percentage: percentOf(coverage) }), url: link }
  },

  async set(client, { environment }, [change], comment) {
    // Without setsAllAtOnce, each call has one change.
    if (!change) return undefined
    const { http, connection } = client
    const { flag, on, percentage } = change
    if (connection.review === 'off' && percentage === undefined) {
      const body = { environments: { [environment]: on }, ...(comment ? { reason: comment } : {}) }
      await http.post(`${pathOf(flag)}/toggle`, body, writeOptions(client))
      return undefined
    }
    const rollout = percentage === undefined ? undefined : await rolloutIn(client, environment, flag)
    const found = await findDraft(client, flag)
    const draft = found ?? (await createDraft(client, flag, comment))
    if (draft.status === 'draft') await changeDraft(client, environment, change, draft, rollout)
    const path = revisionPath(flag, draft.version)
    if (connection.review === 'on') {
      if (draft.status === 'draft') await http.post(`${path}/request-review`, {}, writeOptions(client))
      return { id: String(draft.version), noun: 'revision', providerState: flag } satisfies PendingChange
    }
    await publishOrDiscard(client, path, comment)
    return undefined
  },

  async getChangeStatus(client, _location, { id, providerState }) {
    const flag = String(providerState)
    const current = (await revisionsOf(client, flag)).find(({ version }) => String(version) === id)
    if (!current) return { state: 'deleted', ended: true, declined: 'the revision no longer exists' }
    const { status } = current
    if (status === 'approved') return publishApproved(client, flag, current)
    if (status === 'published') return { state: status, ended: true }
    if (status === 'discarded') return { state: status, ended: true, declined: 'the draft was discarded' }
    if (status === 'changes-requested') return { state: status, ended: true, declined: reviewersOf(current) }
    return { state: status, ended: false }
  },
})

function pathOf(flag: string): string {
  return `v2/features/${segment(flag)}`
}

function revisionPath(flag: string, version: number): string {
  return `${pathOf(flag)}/revisions/${version}`
}

function writeOptions({ connection: { ignoreWarnings } }: GrowthBook) {
  return ignoreWarnings === 'on' ? { query: { ignoreWarnings: true } } : {}
}

function percentOf(coverage: number): number {
  return Math.round(coverage * 10_000) / 100
}

async function readFeature({ http }: GrowthBook, environment: string, flag: string) {
  const { rules, environments } = (await http.get(pathOf(flag), { schema: oneFeature })).body.feature
  const found = Object.hasOwn(environments, environment) ? environments[environment] : undefined
  if (!found) {
    const known = Object.keys(environments).join(', ')
    throw refused(`${flag} has no environment "${environment}" in GrowthBook. Environments: ${known}.`)
  }
  const isHere = ({ allEnvironments, environments: own }: Rule) => allEnvironments || own?.includes(environment)
  const rollouts = rules.filter((rule) => rule.type === 'rollout' && rule.enabled !== false && isHere(rule))
  return { enabled: found.enabled, rollouts }
}

async function revisionsOf({ http }: GrowthBook, flag: string): Promise<Revision[]> {
  const query = { withRevisions: 'all' }
  return (await http.get(pathOf(flag), { query, schema: revisionList })).body.feature.revisions
}

/** The comment of a draft holds the idempotency key, by which a retry finds it. */
async function findDraft(client: GrowthBook, flag: string): Promise<Revision | undefined> {
  const { idempotencyKey } = client
  if (idempotencyKey === undefined) return undefined
  const all = await revisionsOf(client, flag)
  return all.find(({ comment, status }) => comment.includes(`caw-${idempotencyKey}`) && OPEN.includes(status))
}

async function createDraft(client: GrowthBook, flag: string, reason: string | undefined): Promise<Revision> {
  const { http, idempotencyKey } = client
  const comment = [reason, idempotencyKey && `(Ref: caw-${idempotencyKey})`].filter(Boolean).join(' ')
  const path = `${pathOf(flag)}/revisions`
  return (await http.post(path, comment ? { comment } : {}, { ...writeOptions(client), schema: oneRevision })).body
    .revision
}

/** A repeat sets the draft to the same values. */
async function changeDraft(
  client: GrowthBook,
  environment: string,
  { flag, on, percentage = 0 }: FlagChange,
  draft: Revision,
  rollout: Rule | undefined,
) {
  const { http } = client
  const path = revisionPath(flag, draft.version)
  if (rollout)
    await http.put(
      `${path}/rules/${segment(rollout.id)}`,
      { rule: { coverage: percentage / 100 } },
      writeOptions(client),
    )
  if (on !== undefined) await http.post(`${path}/toggle`, { environment, enabled: on }, writeOptions(client))
}

/** A rule with several environments cannot be changed in one alone. */
async function rolloutIn(client: GrowthBook, environment: string, flag: string): Promise<Rule> {
  const { rollouts } = await readFeature(client, environment, flag)
  const [rollout, ...others] = rollouts
  if (rollout && others.length === 0 && !rollout.allEnvironments && rollout.environments?.length === 1) return rollout
  const reason =
    rollout && others.length === 0
      ? 'its rollout also applies to other environments'
      : `it has ${rollouts.length} rollouts in this environment`
  throw refused(
    `A percentage of ${flag} cannot be set: ${reason}. It needs exactly one percentage rollout, for this environment alone.`,
  )
}

/** Publishes a draft. If GrowthBook refuses, discards it, so that refused calls leave no drafts behind. */
async function publishOrDiscard(client: GrowthBook, path: string, comment: string | undefined): Promise<void> {
  const { http } = client
  try {
    await http.post(`${path}/publish`, comment ? { comment } : {}, writeOptions(client))
  } catch (error) {
    if (!(error instanceof Failure) || error.kind !== 'refused') throw error
    // The reason of the first refusal says more than that of the second.
    await http.post(`${path}/discard`, {}, { ...writeOptions(client), accept: REFUSALS })
    throw error
  }
}

/** Publishes an approved draft. Without the permission to publish it, waits until a person does. */
async function publishApproved(client: GrowthBook, flag: string, { version }: Revision) {
  try {
    await client.http.post(`${revisionPath(flag, version)}/publish`, {}, writeOptions(client))
    return { state: 'published', ended: true } as const
  } catch (error) {
    if (!(error instanceof Failure) || error.kind !== 'refused') throw error
    return { state: `approved, waiting for a person to publish it: ${error.message}`, ended: false } as const
  }
}

function reviewersOf({ reviews }: Revision): string {
  const who = (reviews ?? []).filter(({ status }) => status === 'changes-requested').map(({ userId }) => userId)
  return who.length > 0 ? `changes were requested by ${who.join(', ')}` : 'changes were requested'
}
