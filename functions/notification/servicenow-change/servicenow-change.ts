import * as z from 'zod/mini'
import { Failure, invalidInput, refused } from '../../../shared/errors.ts'
import { integer, optional, secret, url, word } from '../../../shared/fields.ts'
import { segment } from '../../../shared/http/segment.ts'
import {
  type ApprovedWork,
  defineMessageProvider,
  type PlatformDecision,
  type PostedMessage,
} from '../../../shared/providers/message.ts'
import type { Client } from '../../../shared/providers/provider.ts'
import { clip, plainSingleLine, plainTextBody, webLinks } from '../../../shared/text/plain-text.ts'
import { authorization, groupOf, isSysId, tablePath } from '../../../shared/vendors/servicenow.ts'
import { approvers, type Change, change, changes, conflictCheck, conflicts, nextStates, tasks } from './responses.ts'

const connection = z.strictObject({
  baseUrl: url('The instance: https://<instance>.service-now.com'),
  username: optional(word('User with the roles sn_change_read and sn_change_write')),
  password: optional(secret('Password of the user')),
  token: optional(secret('OAuth 2.0 access token, instead of username and password')),
  group: optional(word('Assignment group of the changes, by name or sys_id. It often decides who approves')),
  item: optional(word('sys_id of the configuration item of the changes. Required to report conflicts')),
  windowHours: z._default(integer(1, 720, 'Planned duration of a change, from the request. Defaults to 24'), 24),
  plan: optional(word('Implementation plan of the changes')),
  backoutPlan: optional(word('Backout plan of the changes')),
})
type ServiceNow = Client<z.output<typeof connection>>

/** The states of a normal change, in their order. */
const STATES = { new: -5, assess: -4, authorize: -3, scheduled: -2, implement: -1, review: 0, closed: 3, canceled: 4 }
const CLOSE_CODES = { pass: 'successful', warning: 'successful_issues', fail: 'unsuccessful' } as const
const MAX_TITLE = 160
const MAX_TEXT = 4_000
const API = 'api/sn_chg_rest/v1/change'

/**
 * Change requests of ServiceNow as approvals: a normal change is created and sent to its approvers, who decide in ServiceNow. The
 * idempotency key is the `correlation_id`.
 *
 * @see https://www.servicenow.com/docs/r/api-reference/rest-apis/change-management-api.html
 */
export const servicenowChange = defineMessageProvider({
  title: 'ServiceNow change',
  connection,
  headers: ({ username, password, token }) => ({ authorization: authorization(username, password, token) }),
  check: ({ http }) =>
    http.get(tablePath('change_request'), { query: { ...READ_QUERY, sysparm_query: 'active=true' }, schema: changes }),
  channel: undefined,

  checkMessage({ needsApproval }) {
    if (!needsApproval) throw invalidInput('input', 'is not supported: ServiceNow changes are only for approvals')
  },

  lookUp: { newest: 'all' },

  async find(client) {
    const query = { ...READ_QUERY, sysparm_query: `correlation_id=${client.idempotencyKey}` }
    const [found] = (await client.http.get(tablePath('change_request'), { query, schema: changes })).body.result
    return found && postedOf(client, found)
  },

  async post(client, _channel, message) {
    const { http, idempotencyKey, connection } = client
    const created = await http.post(
      `${API}/normal`,
      {
        short_description: plainSingleLine(message.title, MAX_TITLE),
        description: plainTextBody(message, webLinks(message.links), MAX_TEXT),
        ...(idempotencyKey === undefined ? {} : { correlation_id: idempotencyKey }),
        ...(connection.group === undefined ? {} : { assignment_group: await groupOf(http, connection.group) }),
        ...(connection.plan === undefined ? {} : { implementation_plan: connection.plan }),
        ...(connection.backoutPlan === undefined ? {} : { backout_plan: connection.backoutPlan }),
        ...(connection.item === undefined ? {} : { cmdb_ci: connection.item, ...windowOf(connection.windowHours) }),
      },
      { schema: change },
    )
    const { number, __meta, sys_id } = created.body.result
    const ignored = __meta?.ignoredFields ?? []
    if (ignored.length > 0) {
      await http.patch(pathOf(sys_id), { state: String(STATES.canceled), work_notes: 'Fields could not be set.' })
      throw refused(`ServiceNow did not set ${ignored.join(', ')} of ${number}, which was canceled.`)
    }
    await move(client, created.body.result, STATES.assess)
    if (connection.item !== undefined)
      await http.post(`${pathOf(sys_id)}/conflict`, undefined, { schema: conflictCheck })
    return postedOf(client, created.body.result)
  },

  notifiedBy: { type: 'servicenow', wakeId: ({ id }) => id },

  process: {
    async getDecision(client, { id = '' }) {
      const current = await read(client, id)
      const approval = current.approval.toLowerCase()
      if (Number(current.state) === STATES.canceled) return decisionOf(client, id, 'cancel', 'cancelled')
      if (approval === 'approved') return decisionOf(client, id, 'approve', approval)
      if (approval === 'rejected') return decisionOf(client, id, 'reject', approval)
      // A crash can separate the creation from the request for approval.
      if (approval === 'not requested' && Number(current.state) === STATES.new)
        await move(client, current, STATES.assess)
      return undefined
    },

    async withdraw(client, { id = '' }, reason) {
      const current = await read(client, id)
      if (isOver(current)) return
      await client.http.patch(pathOf(id), { state: String(STATES.canceled), work_notes: reason }, { schema: change })
    },

    async close(client, id, work) {
      if (!isSysId(id)) throw new Failure('invalid', 'input.id must be the sys_id that ask-approval returned')
      const current = await read(client, id)
      if (!isOver(current)) await closeChange(client, current, work)
      const { state, number } = await read(client, id)
      if (Number(state) === STATES.closed) return `${number} closed`
      throw refused(`ServiceNow did not close ${number}: it is ${labelOf(state)}.`)
    },
  },
})

const READ_QUERY = { sysparm_fields: 'sys_id,number,state,approval', sysparm_limit: 1 }

function postedOf({ http }: ServiceNow, { sys_id, number }: Change): PostedMessage {
  const uri = encodeURIComponent(`change_request.do?sys_id=${sys_id}`)
  return { id: sys_id, url: `${http.baseUrl}/nav_to.do?uri=${uri}`, providerState: { number } }
}

function pathOf(id: string): string {
  return `${API}/${segment(id)}`
}

async function read({ http }: ServiceNow, id: string): Promise<Change> {
  return (await http.get(pathOf(id), { schema: change })).body.result
}

/** ServiceNow's times are in UTC, without a zone. */
function windowOf(hours: number): { start_date: string; end_date: string } {
  const text = (time: number) => new Date(time).toISOString().slice(0, 19).replace('T', ' ')
  return { start_date: text(Date.now()), end_date: text(Date.now() + hours * 3_600_000) }
}

function isOver({ state }: Change): boolean {
  return [STATES.closed, STATES.canceled].includes(Number(state))
}

function labelOf(state: string): string {
  return Object.entries(STATES).find(([, number]) => number === Number(state))?.[0] ?? state
}

/** Moves a change to a state, and reports the conditions that ServiceNow names if it stays where it is. */
async function move(client: ServiceNow, { sys_id, number }: Change, to: number, fields: object = {}): Promise<void> {
  const { http } = client
  const { body } = await http.patch(pathOf(sys_id), { state: String(to), ...fields }, { schema: change })
  const reached = Number(body.result.state)
  // Some transitions are automatic, so the change may be further already.
  if (reached >= to && reached !== STATES.canceled) return
  const { result } = (await http.get(`${pathOf(sys_id)}/nextstates`, { schema: nextStates })).body
  const wanted = (result.state_transitions ?? []).flat().filter(({ to_state }) => Number(to_state) === to)
  const missing = wanted.flatMap(({ conditions = [] }) => conditions.filter(({ passed }) => !passed))
  const names = missing.map(({ condition }) => condition.name).join(', ') || 'ServiceNow names no reason'
  throw refused(`ServiceNow did not move ${number} to ${labelOf(String(to))}: ${names}.`)
}

async function decisionOf(
  { http, connection: { item } }: ServiceNow,
  id: string,
  decision: PlatformDecision['decision'],
  state: string,
): Promise<PlatformDecision> {
  const query = {
    sysparm_query: `sysapproval=${id}^state=${state}^ORDERBYDESCsys_updated_on`,
    sysparm_fields: 'approver.name,comments,sys_updated_on',
    sysparm_limit: 20,
  }
  const { result } = (await http.get(tablePath('sysapproval_approver'), { query, schema: approvers })).body
  const names = result.map((row) => row['approver.name']).filter(Boolean)
  const [last] = result
  const time = Date.parse(`${last?.sys_updated_on?.replace(' ', 'T')}Z`)
  const found =
    item === undefined
      ? []
      : ((await http.get(`${pathOf(id)}/conflict`, { schema: conflicts })).body.result.conflicts ?? [])
  const types = [...new Set(found.map(({ type }) => type ?? 'unknown'))].join(', ')
  return {
    decision,
    by: decision === 'cancel' || names.length === 0 ? 'ServiceNow' : names.join(', '),
    at: new Date(Number.isNaN(time) ? Date.now() : time).toISOString(),
    ...(last?.comments ? { reason: clip(last.comments, MAX_TEXT) } : {}),
    ...(found.length > 0 ? { note: `ServiceNow reports ${found.length} conflicts: ${types}` } : {}),
  }
}

/** Moves an approved change through its last states. Open tasks would keep it out of review. */
async function closeChange(client: ServiceNow, current: Change, { result, comment }: ApprovedWork): Promise<void> {
  const closing = { close_code: CLOSE_CODES[result], close_notes: comment ?? `Closed with the result ${result}` }
  const state = Number(current.state)
  if (state < STATES.implement) await move(client, current, STATES.implement)
  const { http } = client
  for (const task of (await http.get(`${pathOf(current.sys_id)}/task`, { schema: tasks })).body.result) {
    if (Number(task.state) >= STATES.closed) continue
    await http.patch(`${pathOf(current.sys_id)}/task/${segment(task.sys_id)}`, {
      state: String(STATES.closed),
      ...closing,
    })
  }
  if (state < STATES.review) await move(client, current, STATES.review)
  await move(client, current, STATES.closed, closing)
}
