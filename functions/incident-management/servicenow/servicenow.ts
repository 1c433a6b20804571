import * as z from 'zod/mini'
import { invalidInput, refused } from '../../../shared/errors.ts'
import { oneOf, optional, secret, text, url, withDescription, word } from '../../../shared/fields.ts'
import { platformLevel } from '../../../shared/providers/priority-level.ts'
import type { Client } from '../../../shared/providers/provider.ts'
import { defineTicketProvider, type OpenTicket, type Ticket, type TicketRef } from '../../../shared/providers/ticket.ts'
import { sleep } from '../../../shared/sleep.ts'
import { clipSingleLine, clipTitle } from '../../../shared/text/single-line.ts'
import {
  authorization,
  groupOf,
  is,
  isSysId,
  recordPath,
  tablePath,
  term,
  userOf,
} from '../../../shared/vendors/servicenow.ts'
import { impactAndUrgency, SCALE } from './priority.ts'

const connection = z.strictObject({
  baseUrl: url('The instance: https://<instance>.service-now.com'),
  username: optional(word('User with the role sn_incident_write or itil')),
  password: optional(secret('Password of the user')),
  token: optional(secret('OAuth 2.0 access token, instead of username and password')),
  table: z._default(
    withDescription(z.string().check(z.regex(/^[a-z0-9_]{1,80}$/)), 'Table of the incidents, which must extend task'),
    'incident',
  ),
  project: optional(word('Name or sys_id of the default assignment group')),
  type: optional(word('Default category')),
  callerId: optional(word('Caller of opened incidents, if required: sys_id, user name, e-mail or name')),
  comments: z._default(
    oneOf(['work_notes', 'comments'], 'Field for comments: work_notes, which only staff can see, or comments'),
    'work_notes',
  ),
  states: z._default(
    withDescription(
      z.record(z.string(), z.string()),
      'Numbers of states by name, if the instance has other states than the default ones',
    ),
    {},
  ),
  resolution: z._default(word('Default resolution code'), 'Solution provided'),
  closeNotes: z._default(text('Resolution notes of calls without a comment'), 'Closed by cloud-automation-webhooks'),
})
type ServiceNow = Client<z.output<typeof connection>>

/** Every column is text, because references are read as plain ids. */
const incident = z.object({
  sys_id: z.string(),
  number: z.string(),
  state: z.string(),
  active: z.optional(z.string()),
  correlation_id: z.optional(z.string()),
})
type Incident = z.output<typeof incident>
const oneIncident = z.object({ result: incident })
const someIncidents = z.object({ result: z.array(incident) })
const journals = z.object({
  result: z.object({ work_notes: z.optional(z.string()), comments: z.optional(z.string()) }),
})
const READ_QUERY = {
  sysparm_fields: 'sys_id,number,state,active,correlation_id',
  sysparm_exclude_reference_link: true,
}
const MAX_TITLE = 160
/** Delays before each search of a retry: business rules and flows may still be creating the incident of the first attempt. */
const FIND_DELAYS_MS = [0, 1_000, 2_000]

/**
 * ServiceNow, through the Table API. The idempotency key is the `correlation_id` of an incident and the last line of a comment,
 * `Ref: caw-<key>`.
 *
 * @see https://www.servicenow.com/docs/r/api-reference/rest-apis/c_TableAPI.html
 */
export const servicenow = defineTicketProvider({
  title: 'ServiceNow',
  noun: 'incident',
  connection,
  headers: ({ username, password, token }) => ({ authorization: authorization(username, password, token) }),
  check: ({ http, connection }) =>
    http.get(tablePath(connection.table), { query: { sysparm_limit: 1, sysparm_fields: 'sys_id' } }),
  // A project is an assignment group.
  project: { pattern: /^[^^\p{Cc}]{1,100}$/u, example: 'Service Desk', optional: true },
  confirmsState: true as const,

  checkRef({ id }) {
    if (isSysId(id) || /^[a-z]{2,10}\d{3,20}$/i.test(id)) return
    throw invalidInput(
      'input.id',
      'must be an incident number such as INC0010002, or the sys_id that open-ticket returned',
    )
  },

  checkInput({ labels, priority }) {
    if (labels?.length) throw invalidInput('input.labels', 'are not supported by ServiceNow incidents. Omit them')
    if (priority) impactAndUrgency(priority)
  },

  reservedFields: [
    { path: ['correlation_id'], instead: 'omit it, because it holds the idempotency key' },
    { path: ['correlation_display'], instead: 'omit it' },
    { path: ['comments'], instead: 'write input.comment' },
    { path: ['work_notes'], instead: 'write input.comment' },
  ],

  lookUp: { newest: 'all', delaysMs: FIND_DELAYS_MS },

  async find(client) {
    for (const delay of client.isRetry ? FIND_DELAYS_MS : [0]) {
      await sleep(delay)
      const found = await findByKey(client)
      if (found) return ticketOf(client, found)
    }
    return undefined
  },

  async open(client, input) {
    const { http, idempotencyKey, connection } = client
    const { title, description } = clipTitle(input, MAX_TITLE)
    const content = {
      ...(await columnsOf(client, { ...input, type: input.type || connection.type })),
      short_description: title,
      description,
      ...(connection.callerId ? { caller_id: await userOf(client.http, connection.callerId) } : {}),
      ...input.fields,
      ...(idempotencyKey === undefined
        ? {}
        : { correlation_id: idempotencyKey, correlation_display: 'cloud-automation-webhooks' }),
    }
    const { body } = await http.post(tablePath(connection.table), content, { query: READ_QUERY, schema: oneIncident })
    return ticketOf(client, body.result)
  },

  async get(client, ref) {
    return ticketOf(client, await read(client, ref))
  },

  async update(client, ref, { title, description, state, fields, ...changes }) {
    const before = await read(client, ref)
    const columns = {
      ...(await columnsOf(client, changes)),
      ...(title === undefined ? {} : { short_description: clipSingleLine(title, MAX_TITLE) }),
      ...(description === undefined ? {} : { description }),
      ...(state ? stateChange(client, before, state) : {}),
      ...fields,
    }
    if (Object.keys(columns).length > 0) await patch(client, before.sys_id, columns)
  },

  async comment(client, ref, comment) {
    const { idempotencyKey, connection } = client
    const note = idempotencyKey === undefined ? comment : `${comment}\n\n${refLine(idempotencyKey)}`
    await patch(client, await sysIdOf(client, ref), { [connection.comments]: note })
  },

  // The display value of a journal field contains all its entries. The table of entries needs extra permissions.
  async hasComment(client, ref) {
    const { http, idempotencyKey, connection } = client
    const query = { sysparm_fields: connection.comments, sysparm_display_value: 'true' }
    const path = recordPath(connection.table, await sysIdOf(client, ref))
    const { result } = (await http.get(path, { query, schema: journals })).body
    return result[connection.comments]?.includes(refLine(idempotencyKey)) ?? false
  },

  async close(client, ref, { resolution, comment }) {
    await patch(client, await sysIdOf(client, ref), closing(client, statesOf(client).Resolved, resolution, comment))
  },
})

async function findByKey({
  http,
  idempotencyKey,
  connection,
}: ServiceNow & { idempotencyKey: string }): Promise<Incident | undefined> {
  const query = { ...READ_QUERY, sysparm_query: `correlation_id=${idempotencyKey}`, sysparm_limit: 2 }
  const { result } = (await http.get(tablePath(connection.table), { query, schema: someIncidents })).body
  const found = result.find(({ correlation_id }) => correlation_id === idempotencyKey)
  // ServiceNow ignores conditions on unknown columns. A retry would never find the incident.
  if (!found && result.length > 0) {
    throw refused(`ServiceNow cannot search ${connection.table} by correlation_id. Use a table that extends task.`)
  }
  return found
}

/**
 * Returns the columns for the fields of a ticket.
 *
 * @throws Failure `refused` if the group or user does not exist
 */
async function columnsOf(
  client: ServiceNow,
  { type, assignee, project, priority, urgency, severity }: Partial<OpenTicket>,
): Promise<Record<string, string>> {
  return {
    ...(type ? { category: type } : {}),
    ...(project ? { assignment_group: await groupOf(client.http, project) } : {}),
    ...(assignee ? { assigned_to: await userOf(client.http, assignee) } : {}),
    ...(priority ? impactAndUrgency(priority) : {}),
    ...(urgency ? { urgency: platformLevel(SCALE, urgency) } : {}),
    ...(severity ? { severity: platformLevel(SCALE, severity) } : {}),
  }
}

const DEFAULT_STATES = { New: '1', 'In Progress': '2', 'On Hold': '3', Resolved: '6', Closed: '7', Canceled: '8' }

function statesOf({ connection }: Pick<ServiceNow, 'connection'>): typeof DEFAULT_STATES & Record<string, string> {
  return { ...DEFAULT_STATES, ...connection.states }
}

function isClosed(client: Pick<ServiceNow, 'connection'>, { state, active }: Incident): boolean {
  const { Resolved, Closed, Canceled } = statesOf(client)
  return active === 'false' || [Resolved, Closed, Canceled].includes(state)
}

/** Returns the columns that set a state, or none if the incident is already in it. */
function stateChange(client: ServiceNow, before: Incident, wanted: string): Record<string, string> {
  const states = statesOf(client)
  const closed = isClosed(client, before)
  if (is(wanted, 'open')) return closed ? { state: states['In Progress'] } : {}
  if (is(wanted, 'closed')) return closed ? {} : closing(client, states.Resolved)
  const found = Object.entries(states).find(([name, number]) => is(name, wanted) || number === wanted)
  if (!found && !/^-?\d+$/.test(wanted)) {
    const known = Object.keys(states).join(', ')
    throw refused(`Unknown state "${wanted}". States of this connection: ${known}.`)
  }
  const state = found?.[1] ?? wanted
  if (state === before.state) return {}
  return isClosed(client, { ...before, state, active: 'true' }) ? closing(client, state) : { state }
}

/** ServiceNow requires a code and notes to resolve an incident. */
function closing({ connection }: ServiceNow, state: string, resolution?: string, comment?: string) {
  return {
    state,
    close_code: resolution || connection.resolution,
    close_notes: comment || connection.closeNotes,
  }
}

async function read(client: ServiceNow, { id }: TicketRef): Promise<Incident> {
  const { http, connection } = client
  if (isSysId(id)) {
    return (await http.get(recordPath(connection.table, id), { query: READ_QUERY, schema: oneIncident })).body.result
  }
  const query = { ...READ_QUERY, sysparm_query: `number=${term(id.toUpperCase())}`, sysparm_limit: 1 }
  const { result } = (await http.get(tablePath(connection.table), { query, schema: someIncidents })).body
  const found = result.find(({ number }) => is(number, id))
  if (found) return found
  throw refused(`ServiceNow has no ${id} in ${connection.table} that the user of the connection can see.`)
}

async function sysIdOf(client: ServiceNow, ref: TicketRef): Promise<string> {
  return isSysId(ref.id) ? ref.id : (await read(client, ref)).sys_id
}

async function patch(client: ServiceNow, id: string, columns: Record<string, unknown>): Promise<void> {
  const { http, connection } = client
  const path = recordPath(connection.table, id)
  const { result } = (await http.patch(path, columns, { query: READ_QUERY, schema: oneIncident })).body
  // ServiceNow returns 200 but ignores columns that the user cannot write.
  if (columns['state'] === undefined || result.state === String(columns['state'])) return
  const { number, state } = ticketOf(client, result)
  throw refused(`ServiceNow accepted the request but did not set the state of ${number}: it is still ${state}.`)
}

function refLine(key: string): string {
  return `Ref: caw-${key}`
}

function ticketOf(client: Pick<ServiceNow, 'http' | 'connection'>, incident: Incident): Ticket {
  const { sys_id: id, number, state } = incident
  const { http, connection } = client
  const uri = encodeURIComponent(`${connection.table}.do?sys_id=${id}`)
  const name = Object.entries(statesOf(client)).find(([, stateId]) => stateId === state)?.[0]
  const url = `${http.baseUrl}/nav_to.do?uri=${uri}`
  return { id, number, url, state: name ?? state, isClosed: isClosed(client, incident) }
}
