import * as z from 'zod/mini'
import { type Failure, retryLater } from '../errors.ts'
import type { Http } from '../http/client.ts'
import { errorReasonIn } from '../http/error-reason.ts'
import { segment } from '../http/segment.ts'
import type { ChangeStatus, FlagLocation, PendingChange } from '../providers/flag.ts'
import type { Client } from '../providers/provider.ts'
import { clipSingleLine } from '../text/single-line.ts'

/** One change in a change request. */
export interface ChangeAction {
  feature: string
  action: string
  payload: object
}

const person = z.object({ username: z.nullish(z.string()) })
const changeRequest = z.object({
  id: z.number(),
  title: z.nullish(z.string()),
  environment: z.string(),
  state: z.string(),
  features: z.array(
    z.object({
      name: z.string(),
      changes: z.array(z.object({ action: z.string(), payload: z.optional(z.unknown()) })),
    }),
  ),
  rejections: z.optional(z.array(z.object({ createdBy: person }))),
  comments: z.optional(z.array(z.object({ text: z.string(), createdBy: person }))),
  schedule: z.optional(z.object({ scheduledAt: z.string(), status: z.string(), reason: z.nullish(z.string()) })),
})
type ChangeRequest = z.output<typeof changeRequest>

/** Changes are added to a change request in these states. */
const OPEN_STATES = ['Draft', 'In review', 'Approved']
const MAX_TITLE = 100

/**
 * Requests changes and sends them to review. A retry finds the change request of an earlier attempt by the idempotency key
 * in its title.
 *
 * Unleash has one open change request per user and environment. It adds new changes of the user to it, which revokes its
 * approvals. So a call must wait while that of another call is open.
 *
 * @see https://docs.getunleash.io/concepts/change-requests
 * @throws Failure `platform` while another change request is open
 */
export async function requestChange(
  { http, idempotencyKey }: Client,
  location: FlagLocation,
  actions: ChangeAction[],
  comment: string | undefined,
): Promise<PendingChange> {
  const marker = idempotencyKey === undefined ? undefined : `(caw-${idempotencyKey})`
  const path = `api/admin/projects/${segment(location.project ?? '')}`
  const { body: mine } = await http.get(`${path}/change-requests/pending`, { schema: z.array(changeRequest) })
  const open = mine.find(
    ({ environment, state }) => environment === location.environment && OPEN_STATES.includes(state),
  )
  const ours = open !== undefined && (hasMarker(open, marker) || isLeftBehind(open, actions))
  if (open && !ours) throw busy(open)
  const add = `${path}/environments/${segment(location.environment)}/change-requests`
  const request = open && holds(open, actions) ? open : (await http.post(add, actions, { schema: changeRequest })).body
  const changeRequestPath = `${path}/change-requests/${request.id}`
  if (marker && !hasMarker(request, marker)) {
    await http.put(`${changeRequestPath}/title`, {
      title: `${clipSingleLine(comment ?? 'Set feature flags', MAX_TITLE)} ${marker}`,
    })
  }
  if (request.state === 'Draft') {
    await http.put(`${changeRequestPath}/state`, { state: 'In review', ...(comment ? { comment } : {}) })
  }
  return { id: String(request.id), noun: 'change request', url: linkTo(http, location, request.id) }
}

/** Returns the status of a change request. Applies it when it is approved, because Unleash does not. */
export async function getChangeStatus(http: Http, location: FlagLocation, id: string): Promise<ChangeStatus> {
  const path = `api/admin/projects/${segment(location.project ?? '')}/change-requests/${segment(id)}`
  const request = (await http.get(path, { schema: changeRequest })).body
  const { state, schedule } = request
  if (state === 'Applied') return { state, ended: true }
  if (state === 'Rejected' || state === 'Cancelled') return { state, ended: true, declined: whyDeclined(request) }
  if (state === 'Approved') return apply(http, path)
  const when = schedule
    ? ` for ${schedule.scheduledAt}, ${[schedule.status, schedule.reason].filter(Boolean).join(': ')}`
    : ''
  return { state: `${state}${when}`, ended: false }
}

/** Applies a change request. Without the permission, waits until someone else does. */
async function apply(http: Http, path: string): Promise<ChangeStatus> {
  const { status, body } = await http.put(`${path}/state`, { state: 'Applied' }, { accept: [403] })
  if (status !== 403) return { state: 'Applied', ended: true }
  return {
    state: `Approved, but must be applied by someone else, because Unleash refused it: ${errorReasonIn(body)}`,
    ended: false,
  }
}

function hasMarker({ title }: ChangeRequest, marker: string | undefined): boolean {
  return marker !== undefined && title?.includes(marker) === true
}

/** Returns whether a change request contains all changes. */
function holds({ features }: ChangeRequest, actions: ChangeAction[]): boolean {
  return actions.every(({ feature, action, payload }) =>
    features.some(
      ({ name, changes }) =>
        name === feature && changes.some((change) => change.action === action && isSame(change.payload, payload)),
    ),
  )
}

/** Returns the draft of an interrupted attempt: it has exactly these changes, but no key in its title. */
function isLeftBehind(request: ChangeRequest, actions: ChangeAction[]): boolean {
  const changes = request.features.flatMap((feature) => feature.changes)
  return request.state === 'Draft' && changes.length === actions.length && holds(request, actions)
}

/** Returns whether a stored value contains the sent one. It may have more fields, in another order. */
function isSame(stored: unknown, sent: unknown): boolean {
  if (stored === null || typeof stored !== 'object' || sent === null || typeof sent !== 'object') return stored === sent
  return Object.entries(sent).every(([name, value]) => isSame((stored as Record<string, unknown>)[name], value))
}

function busy({ id, title, environment, state }: ChangeRequest): Failure {
  const named = title ? `${id} "${title}"` : String(id)
  return retryLater(
    `Unleash has the open change request ${named} of this user in ${environment}, and would add this change to it. It is ${state}: apply or cancel it first.`,
  )
}

function whyDeclined({ rejections = [], comments = [] }: ChangeRequest): string {
  const by = rejections.flatMap(({ createdBy }) => createdBy.username ?? [])
  const last = comments.at(-1)
  const comment = last ? `${last.createdBy.username ?? 'someone'} says: ${last.text}` : ''
  return [by.length > 0 ? `by ${by.join(', ')}` : '', comment].filter(Boolean).join('; ')
}

function linkTo({ baseUrl }: Http, { project = '' }: FlagLocation, id: number): string {
  return `${baseUrl}/projects/${segment(project)}/change-requests/${id}`
}
