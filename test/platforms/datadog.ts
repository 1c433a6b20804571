import { definePlatform } from '../../infra/testing/define-platform.ts'
import type { Reply } from '../../infra/testing/loopback-server.ts'

interface Threshold {
  timeframe: string
  target: number
  warning?: number
}

/** An SLO, with the value that its history has for every time range. */
interface Slo {
  id: string
  name: string
  timeframe?: string
  thresholds: Threshold[]
  value: number | null
  /** Errors of the history itself. */
  errors?: { error_type: string; error_message: string }[]
  /** Errors of the parts of the history. */
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

type State = ReturnType<typeof initial>

export const apiKey = 'c0ffee00c0ffee00c0ffee00c0ffee00'
export const applicationKey = 'decade00decade00decade00decade00decade00'
export const availability = '9236f988e3d25ac6982fd4319912ec43'

const initial = () => ({
  apiKey,
  /** Scopes by application key. */
  applicationKeys: { [applicationKey]: ['slos_read', 'events_read'] } as Record<string, string[]>,
  slos: [
    {
      id: availability,
      name: 'Checkout availability',
      timeframe: '7d',
      thresholds: [{ timeframe: '7d', target: 95, warning: 98 }],
      value: 99.5,
    },
  ] as Slo[],
  events: [] as DatadogEvent[],
  /** The response to an accepted event. */
  status: 'ok',
})

/**
 * The API of Datadog, with the fields of the recorded responses of its clients.
 *
 * @see https://github.com/DataDog/datadog-api-client-go/tree/master/tests/scenarios/cassettes
 * @see https://docs.datadoghq.com/api/latest/service-level-objectives/
 */
export const startDatadog = definePlatform({
  base: '/api',
  state: initial,
  refuses({ method, path, headers }, state) {
    if (headers['dd-api-key'] !== state.apiKey) return refuse(403, 'Forbidden')
    // The other requests also need an application key.
    if (['GET /api/v1/validate', 'POST /api/v1/events'].includes(`${method} ${path}`)) return undefined
    const scopes = state.applicationKeys[String(headers['dd-application-key'])]
    if (!scopes) return refuse(403, 'Forbidden')
    const scope = path.startsWith('/api/v1/slo') ? 'slos_read' : 'events_read'
    return scopes.includes(scope) ? undefined : refuse(403, 'Forbidden', 'Failed permission authorization checks')
  },
  routes: {
    'GET /v1/validate': () => ({ valid: true }),
    'POST /v1/events': ({ state, body }) => post(state, body),
    'GET /v2/events': ({ state, query }) => search(state, query),
    // The query is a part of the name.
    'GET /v1/slo': ({ state, query }) => {
      const text = (query.get('query') ?? '').toLowerCase()
      const found = state.slos.filter(({ name }) => name.toLowerCase().includes(text))
      return { data: found.slice(0, Number(query.get('limit') ?? 1_000)).map(toResponse), error: null }
    },
    'GET /v1/slo/{id}': ({ state, params }) => {
      const slo = state.slos.find(({ id }) => id === params.id)
      return slo ? { data: toResponse(slo), error: null } : unknownSlo(params.id)
    },
    'GET /v1/slo/{id}/history': ({ state, params, query }) => {
      const slo = state.slos.find(({ id }) => id === params.id)
      return slo ? history(slo, query) : unknownSlo(params.id)
    },
  },
  notFound: refuse(404, 'Not found'),
})

function unknownSlo(id: string): Reply {
  return refuse(404, `SLO not found: ${id} not found`)
}

function refuse(status: number, ...errors: string[]): Reply {
  return { status, body: { errors } }
}

function toResponse({ id, name, thresholds, timeframe }: Slo) {
  return {
    id,
    name,
    tags: [],
    monitor_tags: [],
    type: 'metric',
    type_id: 1,
    description: '',
    thresholds: thresholds.map((threshold) => ({ ...threshold, target_display: `${threshold.target}.` })),
    timeframe,
    creator: { name: null, handle: 'frog@example.com', email: 'frog@example.com' },
    created_at: 1_704_322_488,
    modified_at: 1_704_322_488,
  }
}

function history(slo: Slo, query: URLSearchParams): object | Reply {
  const from = Number(query.get('from_ts'))
  const to = Number(query.get('to_ts'))
  if (!Number.isInteger(from) || !Number.isInteger(to) || from >= to || to > 10_000_000_000)
    return refuse(400, 'Invalid query: from_ts must be before to_ts')
  const { value, thresholds, errors = null, failures = null, preview } = slo
  const target = query.has('target') ? Number(query.get('target')) : undefined
  const left = value === null || target === undefined ? {} : { custom: 100 - (100 * (100 - value)) / (100 - target) }
  return {
    errors: failures,
    data: {
      from_ts: from,
      to_ts: to,
      type: 'metric',
      type_id: 1,
      group_by: [],
      overall: {
        uptime: value,
        sli_value: value,
        errors,
        precision: { '7d': 0 },
        corrections: [],
        span_precision: 2,
        error_budget_remaining: value === null ? undefined : left,
        preview,
      },
      slo: toResponse(slo),
      thresholds: Object.fromEntries(thresholds.map((threshold) => [threshold.timeframe, threshold])),
    },
  }
}

function post({ events, status }: State, event: Record<string, unknown>): Reply {
  const { title, text, date_happened } = event
  if (typeof title !== 'string' || title === '') return refuse(400, 'The title is missing')
  if (typeof text !== 'string' || text.length > 4_000) return refuse(400, 'The text is too long')
  if (typeof date_happened === 'number' && date_happened < Date.now() / 1_000 - 18 * 3_600)
    return refuse(400, 'Event too far in the past')
  const id = `${6_327_818_702_635_911_562n + BigInt(events.length)}`
  events.push({ tags: [], alert_type: 'info', ...event, title, text, id })
  const url = `https://app.datadoghq.com/event/event?id=${id}`
  const accepted = {
    id: Number(id),
    id_str: id,
    title,
    text,
    handle: null,
    priority: null,
    related_event_id: null,
    url,
  }
  return { status: 202, body: { status, event: accepted } }
}

function search({ events }: State, query: URLSearchParams): object {
  const [, key] = /^@aggregation_key:(\w+)$/.exec(query.get('filter[query]') ?? '') ?? []
  const from = Number(query.get('filter[from]')) / 1_000
  const found = events.filter(
    (event) => event.aggregation_key === key && (event.date_happened ?? Date.now() / 1_000) >= from,
  )
  const data = found.slice(0, Number(query.get('page[limit]') ?? 10)).map(({ id, title, text, tags }) => ({
    id: `AAAA${id}`,
    type: 'event',
    attributes: { attributes: { aggregation_key: key, evt: { id }, title }, message: text, tags },
  }))
  return { data, meta: { status: 'done' } }
}
