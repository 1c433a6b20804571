import * as z from 'zod/mini'
import { invalidInput, refused, retryLater } from '../../../shared/errors.ts'
import { optional, word } from '../../../shared/fields.ts'
import type { Http } from '../../../shared/http/client.ts'
import { isRefusedBecause } from '../../../shared/http/refusal.ts'
import { segment } from '../../../shared/http/segment.ts'
import { type Levels, platformLevel } from '../../../shared/providers/priority-level.ts'
import { defineTicketProvider, type OpenTicket, type Ticket, type TicketRef } from '../../../shared/providers/ticket.ts'
import { clipSingleLine, clipTitle } from '../../../shared/text/single-line.ts'
import { isLevel, pagerdutyApi, pagerdutyConnection, priorityOf, userOf } from '../../../shared/vendors/pagerduty.ts'

const connection = z.strictObject({
  ...pagerdutyConnection,
  project: optional(word('Id of the default service')),
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

const MAX_TITLE = 1_024

/**
 * PagerDuty incidents, through the REST API. The idempotency key is the `incident_key`, which is unique among the open incidents
 * of a service, and the last line of a note, `Ref: caw-<key>`.
 *
 * @see https://developer.pagerduty.com/api-reference/a7d81b0e9200f-create-an-incident
 */
export const pagerduty = defineTicketProvider({
  title: 'PagerDuty',
  noun: 'incident',
  connection,
  ...pagerdutyApi,
  // A project is a service.
  project: { pattern: /^[A-Z0-9]{5,20}$/, example: 'PIJ90N7' },

  checkRef({ id }) {
    if (/^[A-Z0-9]{1,20}$/.test(id)) return
    throw invalidInput('input.id', 'must be an incident id such as Q02JTSNZWHSEKV, or an incident number')
  },

  checkInput({ labels, severity }) {
    if (labels?.length) throw invalidInput('input.labels', 'are not supported by PagerDuty incidents. Omit them')
    if (severity && !isLevel(severity)) {
      throw invalidInput('input.severity', 'must be critical, high, medium or low: PagerDuty only has urgencies')
    }
  },

  reservedFields: [{ path: ['incident_key'], instead: 'omit it, because it holds the idempotency key' }],

  lookUp: { newest: 'all' },

  find: ({ http, idempotencyKey }) => findByKey(http, idempotencyKey),

  async open({ http, idempotencyKey }, input) {
    const { project, fields } = input
    const { title, description: details } = clipTitle(input, MAX_TITLE)
    const content = {
      type: 'incident',
      title,
      service: { id: project, type: 'service_reference' },
      ...(details ? { body: { type: 'incident_body', details } } : {}),
      ...(await commonFields(http, input)),
      ...fields,
      ...(idempotencyKey === undefined ? {} : { incident_key: idempotencyKey }),
    }
    try {
      const { body } = await http.post('incidents', { incident: content }, { schema: oneIncident })
      return ticketOf(body.incident)
    } catch (error) {
      if (idempotencyKey === undefined || !isRefusedBecause(error, 'matching dedup key')) throw error
      const found = await findByKey(http, idempotencyKey)
      if (found) return found
      throw retryLater('PagerDuty already has an incident for this call but does not list it yet.')
    }
  },

  async get({ http }, ref) {
    return ticketOf(await read(http, ref))
  },

  async update({ http, idempotencyKey }, ref, { title, description, state, fields, ...changes }) {
    const before = await read(http, ref)
    const status = state ? statusFor(before, state) : undefined
    const fieldsToSet = {
      ...(title === undefined ? {} : { title: clipSingleLine(title, MAX_TITLE) }),
      ...(await commonFields(http, changes)),
      ...(status ? { status } : {}),
      ...fields,
    }
    // PagerDuty cannot change the description of an incident, so add a note.
    if (description)
      await noteOnce(http, before.id, description, idempotencyKey && `${refLine(idempotencyKey)}-description`)
    if (Object.keys(fieldsToSet).length > 0) await put(http, before.id, fieldsToSet)
  },

  async comment({ http, idempotencyKey }, ref, comment) {
    await noteOnce(http, await idOf(http, ref), comment, idempotencyKey && refLine(idempotencyKey))
  },

  async hasComment({ http, idempotencyKey }, ref) {
    return hasNote(http, await idOf(http, ref), refLine(idempotencyKey))
  },

  async close({ http }, ref, { resolution }) {
    await put(http, await idOf(http, ref), { status: 'resolved', ...(resolution ? { resolution } : {}) })
  },
})

async function findByKey(http: Http, key: string): Promise<Ticket | undefined> {
  // The default range is the last 30 days.
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

const URGENCIES: Levels = { critical: 'high', high: 'high', medium: 'low', low: 'low' }

/** Returns the urgency, else derives it from a neutral severity or priority. */
function urgencyOf({ urgency, severity, priority }: Partial<OpenTicket>): string | undefined {
  const level = urgency || [severity, priority].find((value) => value && isLevel(value))
  return level && platformLevel(URGENCIES, level)
}

/**
 * The status to set; undefined if the incident is already in that state. Setting `triggered` or `acknowledged` reopens a
 * resolved incident.
 *
 * @see https://github.com/PagerDuty/api-schema/blob/main/reference/REST/openapiv3.json (updateIncident)
 */
function statusFor({ incident_number: number, status }: Incident, state: string): string | undefined {
  const wanted = state.toLowerCase()
  const target = wanted === 'closed' ? 'resolved' : wanted === 'open' ? 'triggered' : wanted
  const possible = status === 'resolved' ? ['triggered', 'acknowledged'] : ['acknowledged', 'resolved']
  if (target === status || (wanted === 'open' && status !== 'resolved')) return undefined
  if (possible.includes(target)) return target
  throw refused(
    `PagerDuty cannot change incident ${number} from ${status} to ${state}, only to ${possible.join(' or ')}.`,
  )
}

/** @param ref the last line, by which a retry finds the note; undefined without an idempotency key */
async function noteOnce(http: Http, id: string, text: string, ref: string | undefined): Promise<void> {
  if (ref && (await hasNote(http, id, ref))) return
  await http.post(`${pathOf(id)}/notes`, { note: { content: ref ? `${text}\n\n${ref}` : text } })
}

async function hasNote(http: Http, id: string, ref: string): Promise<boolean> {
  const { body } = await http.get(`${pathOf(id)}/notes`, { schema: notes })
  return body.notes.some(({ content }) => content.trimEnd().endsWith(ref))
}

function refLine(key: string): string {
  return `Ref: caw-${key}`
}

async function put(http: Http, id: string, changes: object): Promise<void> {
  await http.put(pathOf(id), { incident: { type: 'incident_reference', ...changes } })
}

/** PagerDuty reads by id or number, but writes only by id. */
async function idOf(http: Http, ref: TicketRef): Promise<string> {
  return /^\d+$/.test(ref.id) ? (await read(http, ref)).id : ref.id
}

async function read(http: Http, { id }: TicketRef): Promise<Incident> {
  return (await http.get(pathOf(id), { schema: oneIncident })).body.incident
}

function pathOf(id: string): string {
  return `incidents/${segment(id)}`
}

function ticketOf({ id, incident_number, html_url, status }: Incident): Ticket {
  return { id, number: String(incident_number), url: html_url, state: status, isClosed: status === 'resolved' }
}
