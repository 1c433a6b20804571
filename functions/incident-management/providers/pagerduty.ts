import * as z from 'zod/mini'
import { Failure } from '../../../shared/errors.ts'
import { optional, word } from '../../../shared/fields.ts'
import type { Http } from '../../../shared/http/client.ts'
import { segment } from '../../../shared/http/segment.ts'
import { type Levels, platformLevel } from '../../../shared/providers/priority-level.ts'
import { defineTicketProvider, type OpenTicket, type Ticket, type TicketRef } from '../../../shared/providers/ticket.ts'
import { clipSingleLine, singleLine } from '../../../shared/text/single-line.ts'
import { isLevel, pagerdutyApi, pagerdutyConnection, priorityOf, userOf } from '../../../shared/vendors/pagerduty.ts'

const connection = z.strictObject({
  ...pagerdutyConnection,
  project: optional(word('Default service, by its id')),
})

const incident = z.object({
  id: z.string(),
  incident_number: z.int(),
  incident_key: z.nullish(z.string()),
  html_url: z.string(),
  status: z.string(),
})
type Incident = z.output<typeof incident>
const oneIncident = z.object({ incident })
const someIncidents = z.object({ incidents: z.array(incident) })
const notes = z.object({ notes: z.array(z.object({ content: z.string() })) })

const longestTitle = 1_024

/**
 * PagerDuty incidents, through its REST API. An incident carries the key of its call as `incident_key`, of which PagerDuty
 * lets no two be open at a service; a note carries it as its last line, `Ref: caw-<key>`.
 *
 * @see https://developer.pagerduty.com/api-reference/a7d81b0e9200f-create-an-incident
 */
export const pagerduty = defineTicketProvider({
  title: 'PagerDuty',
  noun: 'incident',
  connection,
  ...pagerdutyApi,
  /** A service. */
  project: { pattern: /^[A-Z0-9]{5,20}$/, example: 'PIJ90N7' },

  checkRef({ id }) {
    if (/^[A-Z0-9]{1,20}$/.test(id)) return
    throw invalid('id', 'no incident: write it like Q02JTSNZWHSEKV, or as its number')
  },

  checkInput({ labels, severity }) {
    if (labels?.length) throw invalid('labels', 'of no use, since PagerDuty keeps none with an incident: leave it out')
    if (severity && !isLevel(severity)) {
      throw invalid('severity', 'none of PagerDuty, which has urgencies: write critical, high, medium or low')
    }
  },

  reservedFields: [{ path: ['incident_key'], instead: 'leave it out, since it contains the key of the call' }],

  async find({ http, idempotencyKey: key }) {
    return findByKey(http, key)
  },

  async open({ http, idempotencyKey: key }, input) {
    const { project, title, description = '', fields } = input
    const line = clipSingleLine(title, longestTitle)
    const details = line === singleLine(title) ? description : `${title}\n\n${description}`
    const content = {
      type: 'incident',
      title: line,
      service: { id: project, type: 'service_reference' },
      ...(details ? { body: { type: 'incident_body', details } } : {}),
      ...(await commonFields(http, input)),
      ...fields,
      ...(key === undefined ? {} : { incident_key: key }),
    }
    try {
      const { body } = await http.post('incidents', { incident: content }, { schema: oneIncident })
      return ticketOf(body.incident)
    } catch (error) {
      if (key === undefined || !(error instanceof Failure) || !isDuplicate(error)) throw error
      const found = await findByKey(http, key)
      if (found) return found
      throw new Failure('platform', 'PagerDuty has an incident of this call already, and does not list it yet.')
    }
  },

  async get({ http }, ref) {
    return ticketOf(await read(http, ref))
  },

  async update({ http, idempotencyKey: key }, ref, { title, description, state, fields, ...changes }) {
    const before = await read(http, ref)
    const status = state ? statusFor(before, state) : undefined
    const asked = {
      ...(title === undefined ? {} : { title: clipSingleLine(title, longestTitle) }),
      ...(await commonFields(http, changes)),
      ...(status ? { status } : {}),
      ...fields,
    }
    // What an incident was opened with can not be written anew.
    if (description) await noteOnce(http, before.id, description, key && `${refOf(key)}-description`)
    if (Object.keys(asked).length > 0) await put(http, before.id, asked)
  },

  async comment({ http, idempotencyKey: key }, ref, comment) {
    await noteOnce(http, await idOf(http, ref), comment, key && refOf(key))
  },

  async hasComment({ http, idempotencyKey: key }, ref) {
    return isNoted(http, await idOf(http, ref), refOf(key))
  },

  async close({ http }, ref, { resolution }) {
    await put(http, await idOf(http, ref), { status: 'resolved', ...(resolution ? { resolution } : {}) })
  },
})

async function findByKey(http: Http, key: string): Promise<Ticket | undefined> {
  // Without a range only those of the last 30 days are listed.
  const query = { incident_key: key, date_range: 'all' }
  const { incidents } = (await http.get('incidents', { query, schema: someIncidents })).body
  const found = incidents.find(({ incident_key }) => incident_key === key)
  return found && ticketOf(found)
}

async function commonFields(http: Http, input: Partial<OpenTicket>) {
  const { type, priority, assignee } = input
  const urgency = urgencyOf(input)
  const found = priority ? await priorityOf(http, priority) : undefined
  return {
    ...(type ? { incident_type: { name: type } } : {}),
    ...(urgency ? { urgency } : {}),
    ...(found ? { priority: found } : {}),
    ...(assignee ? { assignments: [{ assignee: await userOf(http, assignee) }] } : {}),
  }
}

const urgencies: Levels = { critical: 'high', high: 'high', medium: 'low', low: 'low' }

/** The urgency, else what the other levels say of it: a priority of the account's own says nothing. */
function urgencyOf({ urgency, severity, priority }: Partial<OpenTicket>): string | undefined {
  const said = urgency || [severity, priority].find((value) => value && isLevel(value))
  return said && platformLevel(urgencies, said)
}

/**
 * The status to set; undefined if the incident is already in that state. Setting `triggered` or `acknowledged` reopens a
 * resolved incident.
 *
 * @see https://github.com/PagerDuty/api-schema/blob/main/reference/REST/openapiv3.json (updateIncident)
 */
function statusFor({ incident_number: number, status }: Incident, state: string): string | undefined {
  const asked = state.toLowerCase()
  const wanted = asked === 'closed' ? 'resolved' : asked === 'open' ? 'triggered' : asked
  const possible = status === 'resolved' ? ['triggered', 'acknowledged'] : ['acknowledged', 'resolved']
  if (wanted === status || (asked === 'open' && status !== 'resolved')) return undefined
  if (possible.includes(wanted)) return wanted
  throw new Failure(
    'refused',
    `PagerDuty cannot change incident ${number} from ${status} to ${state}, only to ${possible.join(' or ')}.`,
  )
}

function isDuplicate({ kind, message }: Failure): boolean {
  return kind === 'refused' && message.includes('matching dedup key')
}

/** @param ref the last line, by which it is found again; undefined where nothing can be */
async function noteOnce(http: Http, id: string, text: string, ref: string | undefined): Promise<void> {
  if (ref && (await isNoted(http, id, ref))) return
  await http.post(`${pathOf(id)}/notes`, { note: { content: ref ? `${text}\n\n${ref}` : text } })
}

async function isNoted(http: Http, id: string, ref: string): Promise<boolean> {
  const { body } = await http.get(`${pathOf(id)}/notes`, { schema: notes })
  return body.notes.some(({ content }) => content.trimEnd().endsWith(ref))
}

function refOf(key: string): string {
  return `Ref: caw-${key}`
}

async function put(http: Http, id: string, changes: object): Promise<void> {
  await http.put(pathOf(id), { incident: { type: 'incident_reference', ...changes } })
}

/** PagerDuty reads by the number too, but writes by the id alone. */
async function idOf(http: Http, ref: TicketRef): Promise<string> {
  return /^\d+$/.test(ref.id) ? (await read(http, ref)).id : ref.id
}

async function read(http: Http, { id }: TicketRef): Promise<Incident> {
  return (await http.get(pathOf(id), { schema: oneIncident })).body.incident
}

function pathOf(id: string): string {
  return `incidents/${segment(id)}`
}

function invalid(field: 'id' | 'labels' | 'severity', message: string): Failure {
  return new Failure('invalid', `input.${field} is ${message}`, { errors: [{ path: `input.${field}`, message }] })
}

function ticketOf({ id, incident_number, html_url, status }: Incident): Ticket {
  return { id, number: String(incident_number), url: html_url, state: status, isClosed: status === 'resolved' }
}
