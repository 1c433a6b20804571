import { demo } from '../../../../infra/sandbox/platforms/sandbox/demo.ts'
import { type FakeCall, type FakeReply, json, jsonObject } from '../../../../infra/sandbox/platforms/sandbox/http.ts'
import { openStore } from '../../../../infra/sandbox/platforms/sandbox/store.ts'
import type { ServiceNowRecord } from '../../../../infra/sandbox/platforms/servicenow/columns.ts'
import { createIncidents } from '../../../../infra/sandbox/platforms/servicenow/incidents.ts'
import { createServiceNow } from '../../../../infra/sandbox/platforms/servicenow/index.ts'
import type { Served } from '../../../../infra/testing/loopback-server.ts'
import { startWith, type TicketRow, ticketInputs } from '../../../conformance/row.ts'
import { servePlatform } from '../../../platforms/serve-platform.ts'

interface Settings {
  /** Columns that the user cannot write. ServiceNow ignores them silently. */
  readOnly: string[]
  /** Columns that queries cannot use. ServiceNow ignores their conditions silently. */
  unsearchable: string[]
  mayWrite: boolean
  /** The number of queries that do not return any incidents yet. */
  listsLate: number
  /** Adds the headers of a rate limit rule to every response. */
  hasLimitRule: boolean
}

interface Incident {
  columns: ServiceNowRecord
  /** Newest first. */
  journal: { element: string; value: string }[]
}

export interface ServiceNowServer extends Served {
  username: string
  password: string
  token: string
  state: Settings & { readonly incidents: Incident[] }
  /** Changes an incident without the business rules. */
  setColumns(sysId: string | undefined, columns: ServiceNowRecord): void
}

/** Starts an instance whose user can lose permissions. */
export async function startServiceNow(): Promise<ServiceNowServer> {
  const store = openStore()
  const serviceNow = createServiceNow(store)
  const incidents = createIncidents(store)
  const state: ServiceNowServer['state'] = {
    readOnly: [],
    unsearchable: [],
    mayWrite: true,
    listsLate: 0,
    hasLimitRule: false,
    get incidents() {
      return incidents.all().map((columns) => ({
        columns,
        journal: incidents
          .journal(columns['sys_id'])
          .toReversed()
          .map(({ element, value }) => ({ element, value })),
      }))
    },
  }
  const answer = (call: FakeCall): FakeReply => {
    if (call.method === 'GET' && call.path.endsWith('/incident') && state.listsLate-- > 0) {
      return json(200, { result: [] })
    }
    if (call.method !== 'GET' && !state.mayWrite) {
      const detail = 'ACL Exception Insert Failed due to security constraints'
      return json(403, { error: { message: 'Operation Failed', detail }, status: 'failure' })
    }
    const fields = Object.entries(jsonObject(call.body) ?? {}).filter(([column]) => !state.readOnly.includes(column))
    const conditions = (call.query.get('sysparm_query') ?? '').split('^')
    const query = new URLSearchParams(call.query)
    if (query.has('sysparm_query')) {
      const searchable = conditions.filter((condition) => !state.unsearchable.some((one) => condition.startsWith(one)))
      query.set('sysparm_query', searchable.join('^'))
    }
    return serviceNow.answer({ ...call, query, body: call.body && JSON.stringify(Object.fromEntries(fields)) })
  }
  const served = await servePlatform({
    ...serviceNow,
    answer(call) {
      const response = answer(call)
      const limits = state.hasLimitRule ? serviceNow.limitHeaders?.(1_900_000_000) : {}
      return { ...response, headers: { ...response.headers, ...limits } }
    },
  })
  return {
    ...served,
    ...demo.serviceNow,
    state,
    setColumns(sysId = '', columns) {
      store.collection<ServiceNowRecord>('servicenow.incidents').change(sysId, columns)
    },
  }
}

export const ticketRow = {
  writes: /^POST /,
  start: startWith(startServiceNow, ({ url: baseUrl, username, password, state }) => ({
    connection: { baseUrl, username, password },
    made: () => state.incidents.length,
  })),
  unknownId: 'INC0424242',
  ...ticketInputs,
  open: { priority: 'high', severity: 'critical' },
  update: { comment: 'Now 5 s', urgency: 'critical' },
} satisfies TicketRow
