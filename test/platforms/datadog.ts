import { type Call, ok, type Reply, type Served, serve } from '../../infra/sandbox/platforms/loopback-server.ts'

interface Threshold {
  timeframe: string
  target: number
  warning?: number
}

/** An SLO, and what its history comes to over any time. */
interface Slo {
  id: string
  name: string
  timeframe?: string
  thresholds: Threshold[]
  value: number | null
  /** Of the history itself. */
  errors?: { error_type: string; error_message: string }[]
  /** Of its parts. */
  failures?: { error: string }[]
  preview?: boolean
}

interface DatadogEvent {
  id: string
  title: string
  text: string
  tags: string[]
  alert_type: string
  aggregation_key?: string
  date_happened?: number
}

/** The state of the fake. Tests read and change it. */
interface DatadogState {
  apiKey: string
  /** Scopes by application key. */
  applicationKeys: Record<string, string[]>
  slos: Slo[]
  events: DatadogEvent[]
  /** The response to an accepted event. */
  status: string
}

export interface DatadogServer extends Served {
  state: DatadogState
}

export const apiKey = 'c0ffee00c0ffee00c0ffee00c0ffee00'
export const applicationKey = 'decade00decade00decade00decade00decade00'
export const availability = '9236f988e3d25ac6982fd4319912ec43'

/**
 * Datadog as its API answers, with the fields of the recorded answers of its clients.
 *
 * @see https://github.com/DataDog/datadog-api-client-go/tree/master/tests/scenarios/cassettes
 * @see https://docs.datadoghq.com/api/latest/service-level-objectives/
 */
export async function startDatadog(): Promise<DatadogServer> {
  const state: DatadogState = {
    apiKey,
    applicationKeys: { [applicationKey]: ['slos_read', 'events_read'] },
    slos: [
      {
        id: availability,
        name: 'Checkout availability',
        timeframe: '7d',
        thresholds: [{ timeframe: '7d', target: 95, warning: 98 }],
        value: 99.5,
      },
    ],
    events: [],
    status: 'ok',
  }
  return { ...(await serve((call) => answer(state, call))), state }
}

function answer(state: DatadogState, call: Call): Reply {
  if (call.headers['dd-api-key'] !== state.apiKey) return refuse(403, 'Forbidden')
  const [, version, what = '', id, part] = /^\/api\/(v[12])\/(\w+)(?:\/([^/]+))?(?:\/(\w+))?$/.exec(call.path) ?? []
  if (call.method === 'GET' && what === 'validate') return ok({ valid: true })
  if (call.method === 'POST' && what === 'events') return post(state, call.body as Record<string, unknown>)
  const rights = state.applicationKeys[String(call.headers['dd-application-key'])]
  if (!rights) return refuse(403, 'Forbidden')
  if (!rights.includes(`${what}${what === 'slo' ? 's' : ''}_read`))
    return refuse(403, 'Forbidden', 'Failed permission authorization checks')
  if (call.method !== 'GET') return refuse(404, 'Not found')
  if (version === 'v2' && what === 'events') return search(state, call.query)
  if (what !== 'slo') return refuse(404, 'Not found')
  if (id === undefined) return list(state, call.query)
  const found = state.slos.find((slo) => slo.id === id)
  if (!found) return refuse(404, `SLO not found: ${id} not found`)
  return part === 'history' ? history(found, call.query) : ok({ data: shown(found), error: null })
}

function refuse(status: number, ...errors: string[]): Reply {
  return { status, body: { errors } }
}

function shown({ id, name, thresholds, timeframe }: Slo) {
  return {
    ...{ id, name, tags: [], monitor_tags: [], type: 'metric', type_id: 1, description: '' },
    thresholds: thresholds.map((one) => ({ ...one, target_display: `${one.target}.` })),
    ...(timeframe === undefined ? {} : { timeframe }),
    creator: { name: null, handle: 'frog@example.com', email: 'frog@example.com' },
    ...{ created_at: 1_704_322_488, modified_at: 1_704_322_488 },
  }
}

/** Names are found by what they hold. */
function list({ slos }: DatadogState, query: URLSearchParams): Reply {
  const words = (query.get('query') ?? '').toLowerCase()
  const found = slos.filter(({ name }) => name.toLowerCase().includes(words))
  return ok({ data: found.slice(0, Number(query.get('limit') ?? 1_000)).map(shown), error: null })
}

function history(slo: Slo, query: URLSearchParams): Reply {
  const [from, to] = [Number(query.get('from_ts')), Number(query.get('to_ts'))]
  if (!Number.isInteger(from) || !Number.isInteger(to) || from >= to || to > 10_000_000_000)
    return refuse(400, 'Invalid query: from_ts must be before to_ts')
  const { value, thresholds, errors = null, failures = null, preview } = slo
  const target = query.has('target') ? Number(query.get('target')) : undefined
  const left = value === null || target === undefined ? {} : { custom: 100 - (100 * (100 - value)) / (100 - target) }
  const overall = {
    ...{ uptime: value, sli_value: value, errors, precision: { '7d': 0 }, corrections: [], span_precision: 2 },
    ...(value === null ? {} : { error_budget_remaining: left }),
    ...(preview === undefined ? {} : { preview }),
  }
  return ok({
    errors: failures,
    data: {
      ...{ from_ts: from, to_ts: to, type: 'metric', type_id: 1, group_by: [], overall, slo: shown(slo) },
      thresholds: Object.fromEntries(thresholds.map((one) => [one.timeframe, one])),
    },
  })
}

function post(state: DatadogState, event: Record<string, unknown>): Reply {
  const { title, text, date_happened } = event
  if (typeof title !== 'string' || title === '') return refuse(400, 'The title is missing')
  if (typeof text !== 'string' || text.length > 4_000) return refuse(400, 'The text is too long')
  if (typeof date_happened === 'number' && date_happened < Date.now() / 1_000 - 18 * 3_600)
    return refuse(400, 'Event too far in the past')
  const id = `${6_327_818_702_635_911_562n + BigInt(state.events.length)}`
  state.events.push({ tags: [], alert_type: 'info', ...event, title, text, id })
  const url = `https://app.datadoghq.com/event/event?id=${id}`
  const taken = { id: Number(id), id_str: id, title, text, handle: null, priority: null, related_event_id: null, url }
  return { status: 202, body: { status: state.status, event: taken } }
}

function search({ events }: DatadogState, query: URLSearchParams): Reply {
  const [, key] = /^@aggregation_key:(\w+)$/.exec(query.get('filter[query]') ?? '') ?? []
  const from = Number(query.get('filter[from]')) / 1_000
  const found = events.filter(
    (event) => event.aggregation_key === key && (event.date_happened ?? Date.now() / 1_000) >= from,
  )
  const data = found.slice(0, Number(query.get('page[limit]') ?? 10)).map(({ id, title, text, tags }) => ({
    ...{ id: `AAAA${id}`, type: 'event' },
    attributes: { attributes: { aggregation_key: key, evt: { id }, title }, message: text, tags },
  }))
  return ok({ data, meta: { status: 'done' } })
}
