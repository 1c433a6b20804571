import { randomBytes } from 'node:crypto'
import { type Call, type Reply, type Served, serve } from '../loopback-server.ts'

interface Entry {
  element: 'work_notes' | 'comments'
  value: string
}

interface Row {
  /** Every column is text. */
  columns: Record<string, string>
  journal: Entry[]
}

interface Person {
  sys_id: string
  name: string
  user_name: string
  email: string
  active: 'true' | 'false'
}

/** What can be looked at and changed from a test. */
interface ServiceNowState {
  incidents: Row[]
  users: Person[]
  groups: { sys_id: string; name: string; active: 'true' | 'false' }[]
  /** What the user may not write: left as it is without a word. */
  readOnly: string[]
  /** What the user may not read: left out without a word. */
  unreadable: string[]
  /** Conditions on these columns are not understood, and left out of the query. */
  unsearchable: string[]
  mayWrite: boolean
  /** How many queries an incident that is being made is not there for. */
  listsLate: number
  /** Adds the headers that a rate limit rule puts on every answer. */
  hasLimitRule: boolean
}

export interface ServiceNowServer extends Served {
  username: string
  password: string
  token: string
  state: ServiceNowState
}

const table = 'incident'
const journals = ['work_notes', 'comments'] as const
const ended = ['7', '8']
const solved = ['6', '7', '8']

/**
 * ServiceNow as its Table API answers, with the incidents of a new instance: the priority follows from impact and urgency,
 * and a data policy wants a code and notes of what is resolved.
 *
 * @see https://www.servicenow.com/docs/r/api-reference/rest-apis/c_TableAPI.html
 */
export async function startServiceNow(): Promise<ServiceNowServer> {
  const username = 'integration.keptn'
  const password = 'servicenow-password-1'
  const token = 'servicenow-oauth-token'
  const state: ServiceNowState = {
    incidents: [],
    users: [
      person('681b365ec0a80164000fb0b05854a0cd', 'Mia Krystof', 'mia', 'mia@example.com'),
      person('5137153cc611227c000bbd1bd8cd2005', 'Noah Weber', 'noah', 'noah@example.com'),
      person('5137153cc611227c000bbd1bd8cd2006', 'Noah Weber', 'noah.2', 'noah.2@example.com'),
      { ...person('5137153cc611227c000bbd1bd8cd2007', 'Old Timer', 'old', 'old@example.com'), active: 'false' },
    ],
    groups: [{ sys_id: '287ebd7da9fe198100f92cc8d1d2154e', name: 'Network', active: 'true' }],
    readOnly: [],
    unreadable: [],
    unsearchable: [],
    mayWrite: true,
    listsLate: 0,
    hasLimitRule: false,
  }
  const basic = `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`
  const served = await serve((call) => {
    const known = [basic, `Bearer ${token}`].includes(String(call.headers['authorization']))
    const reply = known
      ? new ServiceNow(state).answer(call)
      : failure(401, 'User Not Authenticated', 'Required to provide Auth information')
    const limits = { 'x-ratelimit-limit': '1000', 'x-ratelimit-reset': '1900000000', 'x-ratelimit-rule': 'a1b2' }
    return state.hasLimitRule ? { ...reply, headers: limits } : reply
  })
  return { ...served, username, password, token, state }
}

function person(sys_id: string, name: string, user_name: string, email: string): Person {
  return { sys_id, name, user_name, email, active: 'true' }
}

function failure(status: number, message: string, detail: string): Reply {
  return { status, body: { error: { message, detail }, status: 'failure' } }
}

const notThere = () => failure(404, 'No Record found', "Record doesn't exist or ACL restricts the record retrieval")

class ServiceNow {
  readonly #state: ServiceNowState

  constructor(state: ServiceNowState) {
    this.#state = state
  }

  answer({ method, path, query, body }: Call): Reply {
    const [, name, id] = /^\/api\/now\/table\/(\w+)(?:\/([^/]+))?$/.exec(path) ?? []
    if (method === 'GET' && !id && name === 'sys_user') return found(this.#state.users, query)
    if (method === 'GET' && !id && name === 'sys_user_group') return found(this.#state.groups, query)
    if (name !== table) return failure(400, `Invalid table ${name}`, '')
    if (!id) return method === 'GET' ? this.#list(query) : this.#create(body, query)
    const row = this.#state.incidents.find(({ columns }) => columns['sys_id'] === id)
    if (!row) return notThere()
    if (method === 'GET') return { status: 200, body: { result: this.#shown(row, query) } }
    return method === 'PATCH' ? this.#update(row, body, query) : failure(405, 'Method not supported', '')
  }

  #list(query: URLSearchParams): Reply {
    const conditions = conditionsOf(query).filter(([column]) => !this.#state.unsearchable.includes(column))
    const there = this.#state.listsLate-- > 0 ? [] : this.#state.incidents
    const rows = there.filter(({ columns }) =>
      conditions.every(([column, value]) => columns[column]?.toLowerCase() === value.toLowerCase()),
    )
    const limit = Number(query.get('sysparm_limit') ?? 10_000)
    return { status: 200, body: { result: rows.slice(0, limit).map((row) => this.#shown(row, query)) } }
  }

  #create(body: unknown, query: URLSearchParams): Reply {
    const sys_id = randomBytes(16).toString('hex')
    const number = `INC${String(10_001 + this.#state.incidents.length).padStart(7, '0')}`
    const columns = { state: '1', impact: '3', urgency: '3', severity: '3', category: 'inquiry', sys_id, number }
    const row: Row = { columns, journal: [] }
    const refused = this.#write(row, body, 'insert')
    if (refused) return refused
    this.#state.incidents.push(row)
    return { status: 201, body: { result: this.#shown(row, query) } }
  }

  #update(row: Row, body: unknown, query: URLSearchParams): Reply {
    return this.#write(row, body, 'update') ?? { status: 200, body: { result: this.#shown(row, query) } }
  }

  #write(row: Row, body: unknown, what: 'insert' | 'update'): Reply | undefined {
    if (!this.#state.mayWrite) {
      return failure(
        403,
        'Operation Failed',
        `ACL Exception ${what === 'insert' ? 'Insert' : 'Update'} Failed due to security constraints`,
      )
    }
    const asked = Object.entries((body ?? {}) as Record<string, unknown>)
      .map(([column, value]) => [column, String(value ?? '')] as const)
      .filter(([column]) => !this.#state.readOnly.includes(column))
    const columns: Record<string, string> = { ...row.columns }
    for (const [column, value] of asked) {
      if (!journals.some((journal) => journal === column) && column !== 'priority') columns[column] = value
    }
    columns['short_description'] = (columns['short_description'] ?? '').slice(0, 160)
    columns['active'] = String(!ended.includes(columns['state'] ?? ''))
    columns['priority'] = String(Math.min(5, Number(columns['impact']) + Number(columns['urgency']) - 1))
    const missing = Object.entries({ close_code: 'Resolution code', close_notes: 'Resolution notes' })
      .filter(([column]) => solved.includes(columns['state'] ?? '') && !columns[column])
      .map(([, label]) => label)
    if (missing.length > 0) {
      const detail = `Data Policy Exception: The following fields are mandatory: ${missing.join(', ')}`
      return failure(403, 'Operation Failed', detail)
    }
    row.columns = columns
    for (const element of journals) {
      const value = asked.find(([column]) => column === element)?.[1]
      if (value) row.journal.unshift({ element, value })
    }
    return undefined
  }

  /** A journal is empty, unless what is shown of it is asked for: then it is one text, the newest first. */
  #shown({ columns, journal }: Row, query: URLSearchParams): Record<string, string> {
    const displayed = query.get('sysparm_display_value') === 'true'
    const written = Object.fromEntries(
      journals.map((element) => [
        element,
        displayed
          ? journal
              .filter((entry) => entry.element === element)
              .map(({ value }) => `2026-11-24 15:01:48 - Keptn Integration (Work notes)\n${value}\n\n`)
              .join('')
          : '',
      ]),
    )
    return pick({ ...columns, ...written }, query, this.#state.unreadable)
  }
}

function conditionsOf(query: URLSearchParams): [column: string, value: string][] {
  const encoded = query.get('sysparm_query') ?? ''
  return encoded
    .split('^')
    .filter(Boolean)
    .map((condition) => {
      const at = condition.indexOf('=')
      return [condition.slice(0, at), condition.slice(at + 1)]
    })
}

/** Columns that are joined by OR, and then those that all must fit. */
function found(rows: Record<string, string>[] | ServiceNowState['groups'] | Person[], query: URLSearchParams): Reply {
  const conditions = conditionsOf(query)
  const fits = (row: Record<string, string>, column: string, value: string) =>
    row[column]?.toLowerCase() === value.toLowerCase()
  const either = conditions.filter(([column], at) => at === 0 || column.startsWith('OR'))
  const all = conditions.filter(([column], at) => at > 0 && !column.startsWith('OR'))
  const result = (rows as Record<string, string>[])
    .filter((row) => either.some(([column, value]) => fits(row, column.replace(/^OR/, ''), value)))
    .filter((row) => all.every(([column, value]) => fits(row, column, value)))
    .map((row) => pick(row, query))
  return { status: 200, body: { result } }
}

function pick(
  columns: Record<string, string>,
  query: URLSearchParams,
  unreadable: string[] = [],
): Record<string, string> {
  const asked = query.get('sysparm_fields')?.split(',') ?? Object.keys(columns)
  return Object.fromEntries(
    asked
      .filter((column) => column in columns)
      .map((column) => [column, unreadable.includes(column) ? '' : (columns[column] ?? '')]),
  )
}
