import * as z from 'zod/mini'
import { Failure } from '../errors.ts'
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
export async function askForChange(
  { http, idempotencyKey }: Client,
  place: FlagLocation,
  actions: ChangeAction[],
  comment: string | undefined,
): Promise<PendingChange> {
  const mark = idempotencyKey === undefined ? undefined : `(caw-${idempotencyKey})`
  const path = `api/admin/projects/${segment(place.project ?? '')}`
  const { body: mine } = await http.get(`${path}/change-requests/pending`, { schema: z.array(changeRequest) })
  const open = mine.find(({ environment, state }) => environment === place.environment && OPEN_STATES.includes(state))
  const ours = open !== undefined && (hasMark(open, mark) || isLeftBehind(open, actions))
  if (open && !ours) throw busy(open)
  const add = `${path}/environments/${segment(place.environment)}/change-requests`
  const request = open && holds(open, actions) ? open : (await http.post(add, actions, { schema: changeRequest })).body
  const one = `${path}/change-requests/${request.id}`
  if (mark && !hasMark(request, mark)) {
    await http.put(`${one}/title`, { title: `${clipSingleLine(comment ?? 'Set feature flags', MAX_TITLE)} ${mark}` })
  }
  if (request.state === 'Draft') {
    await http.put(`${one}/state`, { state: 'In review', ...(comment ? { comment } : {}) })
  }
  return { id: String(request.id), noun: 'change request', url: linkTo(http, place, request.id) }
}

/** Returns the status of a change request. Applies it when it is approved, because Unleash does not. */
export async function lookAtChange(http: Http, place: FlagLocation, id: string): Promise<ChangeStatus> {
  const path = `api/admin/projects/${segment(place.project ?? '')}/change-requests/${segment(id)}`
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

/** Applies a change request. Without the permission, waits until a person does. */
async function apply(http: Http, path: string): Promise<ChangeStatus> {
  const { status, body } = await http.put(`${path}/state`, { state: 'Applied' }, { accept: [403] })
  if (status !== 403) return { state: 'Applied', ended: true }
  return { state: `Approved, to be applied by somebody else, since Unleash says: ${errorReasonIn(body)}`, ended: false }
}

function hasMark({ title }: ChangeRequest, mark: string | undefined): boolean {
  return mark !== undefined && title?.includes(mark) === true
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
function isSame(kept: unknown, sent: unknown): boolean {
  if (kept === null || typeof kept !== 'object' || sent === null || typeof sent !== 'object') return kept === sent
  return Object.entries(sent).every(([name, value]) => isSame((kept as Record<string, unknown>)[name], value))
}

function busy({ id, title, environment, state }: ChangeRequest): Failure {
  const named = title ? `${id} "${title}"` : String(id)
  return new Failure(
    'platform',
    `Unleash adds to change request ${named} whatever else this user changes in ${environment}: it is ${state}, and must be applied or cancelled before.`,
  )
}

function whyDeclined({ rejections = [], comments = [] }: ChangeRequest): string {
  const by = rejections.flatMap(({ createdBy }) => createdBy.username ?? [])
  const last = comments.at(-1)
  const said = last ? `${last.createdBy.username ?? 'somebody'} says: ${last.text}` : ''
  return [by.length > 0 ? `by ${by.join(', ')}` : '', said].filter(Boolean).join('; ')
}

function linkTo({ baseUrl }: Http, { project = '' }: FlagLocation, id: number): string {
  return `${baseUrl}/projects/${segment(project)}/change-requests/${id}`
}
