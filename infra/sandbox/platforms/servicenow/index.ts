import { randomUUID } from 'node:crypto'
import { routeTable } from '../../../testing/route-table.ts'
import { demo } from '../sandbox/demo.ts'
import {
  bearer,
  type FakeCall,
  type FakeReply,
  json,
  jsonObject,
  MAX_BODY_BYTES,
  mediaType,
  type Platform,
} from '../sandbox/http.ts'
import { missingPage } from '../sandbox/page.ts'
import type { Store } from '../sandbox/store.ts'
import { columns, type ServiceNowRecord } from './columns.ts'
import { directory } from './directory.ts'
import { type IncidentSummary, SUMMARY_COLUMNS } from './incident-summary.ts'
import { createIncidents, DataPolicyError } from './incidents.ts'
import { incidentPage } from './page.ts'
import { select } from './query.ts'
import { displayOf, incidentResponse, plainResponse, viewOf } from './responses.ts'

export interface ServiceNow extends Platform {
  incidents(root: string): IncidentSummary[]
}

interface Table {
  records: ServiceNowRecord[]
  columns: readonly string[]
}

/** Returns the response of a record. */
type Show = (record: ServiceNowRecord) => unknown
type TableCall = FakeCall & { params: { table: string } }
type RecordCall = FakeCall & { params: { table: string; id: string } }

const directoryColumns = ['sys_id', 'name', 'user_name', 'email', 'active']

/**
 * Fakes the Table API of a ServiceNow instance: reads and writes incidents, and reads users and groups.
 *
 * @see https://www.servicenow.com/docs/bundle/xanadu-api-reference/page/integrate/inbound-rest/concept/c_TableAPI.html
 */
export function createServiceNow(store: Store): ServiceNow {
  const incidents = createIncidents(store)

  const serviceNow: ServiceNow = {
    error: (status, message) => (status === 401 ? notAuthenticated() : failure(status, message)),

    limitHeaders: (reset) => ({
      'x-ratelimit-limit': '1000',
      'x-ratelimit-reset': String(reset),
      'x-ratelimit-rule': '63cb53f3c3333300d4f4f1c1b9d3ae1e',
    }),

    answer(call) {
      const answer = isAuthenticated(call) ? answerCall(call) : notAuthenticated()
      return { ...answer, headers: { 'x-transaction-id': randomUUID().slice(0, 12), ...answer.headers } }
    },

    page({ path, query, root }) {
      if (path !== '/nav_to.do' && path !== '/incident.do') return undefined
      const inner = path === '/incident.do' ? query : new URLSearchParams(query.get('uri')?.split('?')[1])
      const incident = incidents.get(inner.get('sys_id') ?? '')
      return incident ? incidentPage(summaryOf(root, incident)) : missingPage('incident')
    },

    incidents: (root) => incidents.all().map((incident) => summaryOf(root, incident)),
  }

  /** The version in the path is optional. */
  const route = routeTable<FakeCall, FakeReply>()({
    'GET /api/now/table/{table}': (call) => withTable(call, (table, show) => list(call, table, show)),
    'POST /api/now/table/incident': (call) => create(call),
    'GET /api/now/table/{table}/{id}': (call) =>
      withRecord(call, (record, show) => json(200, { result: show(record) })),
    'PATCH /api/now/table/incident/{id}': (call) => withRecord(incidentOf(call), (record) => update(call, record)),
    'PUT /api/now/table/incident/{id}': (call) => withRecord(incidentOf(call), (record) => update(call, record)),
    '{method} /api/now/table/{table}': (call) => withTable(call, () => notSupported(call)),
    '{method} /api/now/table/{table}/{id}': (call) => withRecord(call, () => notSupported(call)),
  })

  function answerCall(call: FakeCall): FakeReply {
    const path = call.path.replace(/^(\/api\/now)\/v\d\//, '$1/')
    const isTooLarge = call.size > MAX_BODY_BYTES && path.startsWith('/api/now/table/')
    const detail = `Rejected large REST payload with content-length = ${call.size} bytes. Max allowed: ${MAX_BODY_BYTES} bytes.`
    if (isTooLarge) return failure(413, 'Exception while reading request', detail)
    return route(`${call.method} ${path}`, call) ?? failure(400, 'Requested URI does not represent any resource')
  }

  function withTable(call: TableCall, then: (table: Table, show: Show) => FakeReply): FakeReply {
    const { table } = call.params
    const readable = readTable(table)
    if (!readable) return failure(400, `Invalid table ${table}`)
    return then(readable, table === 'incident' ? responseFor(call) : plainResponseFor(call))
  }

  function withRecord(call: RecordCall, then: (record: ServiceNowRecord, show: Show) => FakeReply): FakeReply {
    return withTable(call, ({ records }, show) => {
      const record = records.find(({ sys_id }) => sys_id === call.params.id)
      return record
        ? then(record, show)
        : failure(404, 'No Record found', "Record doesn't exist or ACL restricts the record retrieval")
    })
  }

  function readTable(name: string): Table | undefined {
    if (name === 'incident') return { records: incidents.all(), columns }
    const records = Object.hasOwn(directory, name) ? directory[name] : undefined
    return records && { records, columns: directoryColumns }
  }

  function create(call: FakeCall): FakeReply {
    return write(call, (body) => {
      const incident = incidents.create(body, isDisplayValue(call))
      const location = `${call.root}/api/now/table/incident/${incident['sys_id']}`
      return json(201, { result: responseFor(call)(incident) }, { location }, `opened ${incident['number']}`)
    })
  }

  function update(call: FakeCall, before: ServiceNowRecord): FakeReply {
    return write(call, (body) => {
      const incident = incidents.update(before, body, isDisplayValue(call))
      const note = `${incident['number']} is ${displayOf('state', incident['state'] ?? '')}`
      return json(200, { result: responseFor(call)(incident) }, {}, note)
    })
  }

  function responseFor({ root, query }: FakeCall): Show {
    const view = viewOf(query)
    return (incident) => incidentResponse(root, incidents, incident, view)
  }

  function summaryOf(root: string, incident: ServiceNowRecord): IncidentSummary {
    const shown = Object.fromEntries(
      SUMMARY_COLUMNS.map((column) => [column, displayOf(column, incident[column] ?? '')]),
    ) as Record<(typeof SUMMARY_COLUMNS)[number], string>
    const entries = incidents.journal(incident['sys_id'])
    const entriesOf = (column: string) =>
      entries.filter(({ element }) => element === column).map(({ sys_created_on: at, value }) => ({ at, value }))
    const uri = encodeURIComponent(`incident.do?sys_id=${incident['sys_id']}`)
    const url = `${root}/nav_to.do?uri=${uri}`
    return { ...shown, url, comments: entriesOf('comments'), work_notes: entriesOf('work_notes') }
  }

  return serviceNow
}

function plainResponseFor({ query }: FakeCall): Show {
  const view = viewOf(query)
  return (record) => plainResponse(record, view)
}

function incidentOf({ params: { id }, ...call }: FakeCall & { params: { id: string } }): RecordCall {
  return { ...call, params: { table: 'incident', id } }
}

function isAuthenticated({ headers }: FakeCall): boolean {
  const { username, password, token } = demo.serviceNow
  const basic = `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`
  return headers.authorization === basic || bearer(headers) === token
}

function isDisplayValue({ query }: FakeCall): boolean {
  return query.get('sysparm_input_display_value') === 'true'
}

/** Returns a page of the matching records and their total number. */
function list({ query }: FakeCall, { records, columns }: Table, toResponse: Show): FakeReply {
  const found = select(records, query.get('sysparm_query') ?? '', columns)
  const number = (name: string, defaultValue: number) =>
    /^\d+$/.test(query.get(name) ?? '') ? Number(query.get(name)) : defaultValue
  const from = number('sysparm_offset', 0)
  const result = found.slice(from, from + number('sysparm_limit', 10_000)).map(toResponse)
  return json(200, { result }, { 'x-total-count': String(found.length) })
}

/** Writes the body, or returns why ServiceNow rejects it. */
function write(call: FakeCall, then: (body: Record<string, unknown>) => FakeReply): FakeReply {
  if (call.body !== '' && mediaType(call.headers) !== 'application/json') return failure(415, 'Unsupported media type')
  const body = call.body === '' ? {} : jsonObject(call.body)
  if (!body) return failure(400, 'Exception while reading request', 'Cannot decode: java.io.StringReader@1f0b1c2d')
  try {
    return then(body)
  } catch (error) {
    if (!(error instanceof DataPolicyError)) throw error
    return failure(403, 'Operation Failed', `Data Policy Exception: ${error.message}`)
  }
}

function notAuthenticated(): FakeReply {
  const answer = failure(401, 'User Not Authenticated', 'Required to provide Auth information')
  return { ...answer, headers: { ...answer.headers, 'www-authenticate': 'BASIC realm="Service-now"' } }
}

function notSupported({ method }: FakeCall): FakeReply {
  return failure(405, 'Method not supported', `${method} is not supported here`)
}

function failure(status: number, message: string, detail: string | null = null): FakeReply {
  return json(status, { error: { message, detail }, status: 'failure' }, {}, detail ?? message)
}
