import * as z from 'zod/mini'
import { Failure } from '../../../shared/errors.ts'
import { oneOf, optional, secret, text, url, withDescription, word } from '../../../shared/fields.ts'
import { type Levels, platformLevel } from '../../../shared/providers/priority-level.ts'
import type { Client } from '../../../shared/providers/provider.ts'
import {
  defineTicketProvider,
  type OpenTicket,
  type Ticket,
  type TicketChanges,
  type TicketRef,
} from '../../../shared/providers/ticket.ts'
import { sleep } from '../../../shared/sleep.ts'
import { clipSingleLine, singleLine } from '../../../shared/text/single-line.ts'
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

const connection = z.strictObject({
  baseUrl: url('The instance: https://<instance>.service-now.com'),
  username: optional(word('A user who may read and write incidents (role sn_incident_write or itil)')),
  password: optional(secret('The password of the user')),
  token: optional(secret('An OAuth 2.0 access token, in place of username and password')),
  table: z._default(
    withDescription(
      z.string().check(z.regex(/^[a-z0-9_]{1,80}$/)),
      'The table that incidents are kept in, which must extend task',
    ),
    'incident',
  ),
  project: optional(word('Default assignment group, by its name or sys_id')),
  type: optional(word('Default category')),
  callerId: optional(word('The caller of what is opened, where one is needed: sys_id, user name, e-mail or name')),
  comments: z._default(
    oneOf(['work_notes', 'comments'], 'Where comments go: work_notes, which only staff sees, or comments'),
    'work_notes',
  ),
  states: z._default(
    withDescription(
      z.record(z.string(), z.string()),
      "Numbers of states by name, where they are others than ServiceNow's own",
    ),
    {},
  ),
  resolution: z._default(word('The resolution code of what is closed, where the call names none'), 'Solution provided'),
  closeNotes: z._default(
    text('The resolution notes of what is closed, where the call has no comment'),
    'Closed by cloud-automation-webhooks',
  ),
})
type ServiceNow = Client<z.output<typeof connection>>

/** With references as plain ids, every column is text. */
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
const fields = 'sys_id,number,state,active,correlation_id'
const shown = { sysparm_fields: fields, sysparm_exclude_reference_link: true }
const longestTitle = 160
/**
 * Milliseconds before each look for an incident that an earlier try may have made: an instance may still be at it, with
 * its rules and flows, when nobody waits for its answer any more.
 */
const looks = [0, 1_000, 2_000]

/**
 * ServiceNow, through its Table API. An incident carries the key of its call as `correlation_id`, a comment as its last
 * line, `Ref: caw-<key>`.
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
  /** An assignment group. */
  project: { pattern: /^[^^\p{Cc}]{1,100}$/u, example: 'Service Desk', optional: true },
  confirmsState: true as const,

  checkRef({ id }) {
    if (isSysId(id) || /^[a-z]{2,10}\d{3,20}$/i.test(id)) return
    throw invalid('id', 'no incident: write it like INC0010002, or as the sys_id that open-ticket answered')
  },

  checkInput({ labels, priority }) {
    if (labels?.length) throw invalid('labels', 'of no use, since ServiceNow keeps none with an incident: leave it out')
    if (priority) pairOf(priority)
  },

  reservedFields: [
    { path: ['correlation_id'], instead: 'leave it out, since it contains the key of the call' },
    { path: ['correlation_display'], instead: 'leave it out' },
    { path: ['comments'], instead: 'write input.comment' },
    { path: ['work_notes'], instead: 'write input.comment' },
  ],

  async find(client) {
    for (const pause of client.isRetry ? looks : [0]) {
      await sleep(pause)
      const found = await findByKey(client)
      if (found) return ticketOf(client, found)
    }
    return undefined
  },

  async open(client, input) {
    const { http, idempotencyKey: key, connection } = client
    const title = clipSingleLine(input.title, longestTitle)
    const { description = '' } = input
    const content = {
      ...(await columnsOf(client, { ...input, type: input.type || connection.type })),
      short_description: title,
      description: title === singleLine(input.title) ? description : `${input.title}\n\n${description}`,
      ...(connection.callerId ? { caller_id: await userOf(client.http, connection.callerId) } : {}),
      ...input.fields,
      ...(key === undefined ? {} : { correlation_id: key, correlation_display: 'cloud-automation-webhooks' }),
    }
    const { body } = await http.post(tablePath(connection.table), content, { query: shown, schema: oneIncident })
    return ticketOf(client, body.result)
  },

  async get(client, ref) {
    return ticketOf(client, await read(client, ref))
  },

  async update(client, ref, { title, description, state, fields, ...changes }) {
    const before = await read(client, ref)
    const asked = {
      ...(await columnsOf(client, changes)),
      ...(title === undefined ? {} : { short_description: clipSingleLine(title, longestTitle) }),
      ...(description === undefined ? {} : { description }),
      ...(state ? moved(client, before, state) : {}),
      ...fields,
    }
    if (Object.keys(asked).length > 0) await patch(client, before.sys_id, asked)
  },

  async comment(client, ref, comment) {
    const { idempotencyKey: key, connection } = client
    const note = key === undefined ? comment : `${comment}\n\n${refOf(key)}`
    await patch(client, await sysIdOf(client, ref), { [connection.comments]: note })
  },

  /**
   * Read as it is shown, the journal of an incident is one text with all that was written. The table of single entries
   * has rights of its own, and answers nothing to whom it does not know.
   */
  async hasComment(client, ref) {
    const { http, idempotencyKey: key, connection } = client
    const query = { sysparm_fields: connection.comments, sysparm_display_value: 'true' }
    const path = recordPath(connection.table, await sysIdOf(client, ref))
    const { result } = (await http.get(path, { query, schema: journals })).body
    return result[connection.comments]?.includes(refOf(key)) ?? false
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
  const query = { ...shown, sysparm_query: `correlation_id=${idempotencyKey}`, sysparm_limit: 2 }
  const { result } = (await http.get(tablePath(connection.table), { query, schema: someIncidents })).body
  const found = result.find(({ correlation_id }) => correlation_id === idempotencyKey)
  // A condition that it does not understand, ServiceNow leaves out: what is opened there would never be found again.
  if (!found && result.length > 0) {
    throw new Failure('refused', `ServiceNow does not search ${connection.table} by correlation_id.`)
  }
  return found
}

/**
 * The columns that a ticket's fields go to.
 *
 * @throws Failure `refused` for a group or a user that is not there
 */
async function columnsOf(
  client: ServiceNow,
  { type, assignee, project, priority, urgency, severity }: Partial<OpenTicket>,
): Promise<Record<string, string>> {
  return {
    ...(type ? { category: type } : {}),
    ...(project ? { assignment_group: await groupOf(client.http, project) } : {}),
    ...(assignee ? { assigned_to: await userOf(client.http, assignee) } : {}),
    ...(priority ? pairOf(priority) : {}),
    ...(urgency ? { urgency: platformLevel(scale, urgency) } : {}),
    ...(severity ? { severity: platformLevel(scale, severity) } : {}),
  }
}

/** Of urgency and severity. */
const scale: Levels = { critical: '1', high: '1', medium: '2', low: '3' }
const priorities: Levels = { critical: '1', high: '2', medium: '3', low: '5' }
/**
 * A priority can not be set: ServiceNow looks it up by impact and urgency. These are the pairs of the table that every
 * instance begins with.
 *
 * @see https://www.servicenow.com/docs/r/it-service-management/incident-management/def-prio-lookup-rules.html
 */
const pairs = new Map([
  ['1', { impact: '1', urgency: '1' }],
  ['2', { impact: '1', urgency: '2' }],
  ['3', { impact: '2', urgency: '2' }],
  ['4', { impact: '2', urgency: '3' }],
  ['5', { impact: '3', urgency: '3' }],
])

function pairOf(priority: string): { impact: string; urgency: string } {
  const pair = pairs.get(platformLevel(priorities, priority))
  if (pair) return pair
  throw invalid('priority', 'none of ServiceNow: write critical, high, medium or low, or a number from 1 to 5')
}

const ownStates = { New: '1', 'In Progress': '2', 'On Hold': '3', Resolved: '6', Closed: '7', Canceled: '8' }

function statesOf({ connection }: Pick<ServiceNow, 'connection'>): typeof ownStates & Record<string, string> {
  return { ...ownStates, ...connection.states }
}

function isClosed(client: Pick<ServiceNow, 'connection'>, { state, active }: Incident): boolean {
  const { Resolved, Closed, Canceled } = statesOf(client)
  return active === 'false' || [Resolved, Closed, Canceled].includes(state)
}

/** What brings an incident to a state; nothing where it is there. */
function moved(client: ServiceNow, before: Incident, asked: string): Record<string, string> {
  const states = statesOf(client)
  const closed = isClosed(client, before)
  if (is(asked, 'open')) return closed ? { state: states['In Progress'] } : {}
  if (is(asked, 'closed')) return closed ? {} : closing(client, states.Resolved)
  const found = Object.entries(states).find(([name, number]) => is(name, asked) || number === asked)
  if (!found && !/^-?\d+$/.test(asked)) {
    const known = Object.keys(states).join(', ')
    throw new Failure('refused', `The connection names no state "${asked}" of ServiceNow, only: ${known}.`)
  }
  const state = found?.[1] ?? asked
  if (state === before.state) return {}
  return isClosed(client, { ...before, state, active: 'true' }) ? closing(client, state) : { state }
}

/** ServiceNow lets nothing be resolved without a code and notes. */
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
    return (await http.get(recordPath(connection.table, id), { query: shown, schema: oneIncident })).body.result
  }
  const query = { ...shown, sysparm_query: `number=${term(id.toUpperCase())}`, sysparm_limit: 1 }
  const { result } = (await http.get(tablePath(connection.table), { query, schema: someIncidents })).body
  const found = result.find(({ number }) => is(number, id))
  if (found) return found
  throw new Failure('refused', `ServiceNow has no ${id} in ${connection.table} that its user may see.`)
}

async function sysIdOf(client: ServiceNow, ref: TicketRef): Promise<string> {
  return isSysId(ref.id) ? ref.id : (await read(client, ref)).sys_id
}

async function patch(client: ServiceNow, id: string, asked: Record<string, unknown>): Promise<void> {
  const { http, connection } = client
  const path = recordPath(connection.table, id)
  const { result } = (await http.patch(path, asked, { query: shown, schema: oneIncident })).body
  // A column that its user may not write, ServiceNow leaves as it is, and answers 200 all the same.
  if (asked['state'] === undefined || result.state === String(asked['state'])) return
  const { number, state } = ticketOf(client, result)
  throw new Failure(
    'refused',
    `ServiceNow took the call, but did not set the state of ${number}: it is still ${state}.`,
  )
}

function refOf(key: string): string {
  return `Ref: caw-${key}`
}

function invalid(field: keyof TicketChanges | 'id', message: string): Failure {
  return new Failure('invalid', `input.${field} is ${message}`, { errors: [{ path: `input.${field}`, message }] })
}

function ticketOf(client: Pick<ServiceNow, 'http' | 'connection'>, incident: Incident): Ticket {
  const { sys_id: id, number, state } = incident
  const { http, connection } = client
  const uri = encodeURIComponent(`${connection.table}.do?sys_id=${id}`)
  const named = Object.entries(statesOf(client)).find(([, one]) => one === state)?.[0]
  const url = `${http.baseUrl}/nav_to.do?uri=${uri}`
  return { id, number, url, state: named ?? state, isClosed: isClosed(client, incident) }
}
