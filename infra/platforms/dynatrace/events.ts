import { randomBytes } from 'node:crypto'
import { type Answer, type Call, isObject, json, jsonObject, MAX_BODY_BYTES, mediaType } from '../sandbox/http.ts'
import type { Store } from '../sandbox/store.ts'
import { criteriaOf, entitiesIn, timeOf } from './input.ts'
import { errorResponse, violated } from './responses.ts'

/** An event as it was reported for one entity, as `/sandbox/reports` lists it too. */
export interface EventReport {
  at: string
  correlationId: string
  eventType: string
  title: string
  /** The service that it is about; null for the environment as a whole. */
  entity: string | null
  /** Epoch milliseconds. */
  startTime: number
  endTime: number
  properties: Record<string, string>
}

/** The events that were ingested, in the sandbox's database. */
export interface Events {
  /** Oldest first. */
  all(): EventReport[]
  /** Answers `POST /api/v2/events/ingest`. */
  ingest(call: Call): Answer
  /** Answers `GET /api/v2/events`, newest first. */
  list(call: Call): Answer
}

const eventTypes = [
  'AVAILABILITY_EVENT',
  'CUSTOM_ALERT',
  'CUSTOM_ANNOTATION',
  'CUSTOM_CONFIGURATION',
  'CUSTOM_DEPLOYMENT',
  'CUSTOM_INFO',
  'ERROR_EVENT',
  'MARKED_FOR_TERMINATION',
  'PERFORMANCE_EVENT',
  'RESOURCE_CONTENTION_EVENT',
]

const minute = 60_000

/** @param services that there are, by their names: what an entity selector can mean */
export function createEvents(store: Store, services: () => string[]): Events {
  const all = () =>
    store
      .all<{ report: string }>('SELECT report FROM reports ORDER BY seq')
      .map(({ report }): EventReport => JSON.parse(report))

  return {
    all,

    ingest(call) {
      if (mediaType(call.headers) !== 'application/json') return errorResponse(415, 'HTTP 415 Unsupported Media Type')
      const event = call.size <= MAX_BODY_BYTES ? jsonObject(call.body) : undefined
      if (!event) return errorResponse(400, 'Could not map JSON: the body must be a JSON object of at most 1 MB')
      const violations = violationsOf(event)
      if (violations.length > 0) return errorResponse(400, 'Constraints violated.', violations)
      const { entitySelector, ...given } = event as unknown as EventReport & { entitySelector?: string }
      // Without a selector, the event belongs to the environment. A selector without matches creates no report.
      const entities = entitySelector ? entitiesIn(entitySelector, services()) : [null]
      if (typeof entities === 'string') return violated('entitySelector', entities, 'PAYLOAD_BODY')
      const { eventType, title, startTime = Date.now(), endTime = startTime + 15 * minute, properties = {} } = given
      const at = new Date().toISOString()
      const results = entities.map((entity) => {
        const correlationId = randomBytes(8).toString('hex')
        const report: EventReport = { at, correlationId, eventType, title, entity, startTime, endTime, properties }
        store.run('INSERT INTO reports (report) VALUES (?)', JSON.stringify(report))
        return { correlationId, status: 'OK' }
      })
      const note = results.length > 0 ? title : 'no entity fits'
      return json(201, { reportCount: results.length, eventIngestResults: results }, {}, note)
    },

    list({ query }) {
      const [from, to] = [timeOf(query.get('from') ?? 'now-2h'), timeOf(query.get('to') ?? 'now')]
      if (from === undefined) return violated('from', 'must be a time')
      if (to === undefined) return violated('to', 'must be a time')
      const pageSize = Number(query.get('pageSize') ?? 100)
      if (!Number.isInteger(pageSize) || pageSize < 1 || pageSize > 1_000) {
        return violated('pageSize', 'must be a whole number from 1 to 1000')
      }
      const criteria = criteriaOf(query.get('eventSelector') ?? '')
      if (typeof criteria === 'string') return violated('eventSelector', criteria)
      const unknown = criteria.find(({ name }) => name !== 'eventType')
      if (unknown) return violated('eventSelector', `has ${unknown.name}: the sandbox knows eventType`)
      const selector = query.get('entitySelector')
      const entities = selector ? entitiesIn(selector, services()) : undefined
      if (typeof entities === 'string') return violated('entitySelector', entities)
      const found = all()
        .filter(({ startTime, endTime }) => startTime <= to && endTime >= from)
        .filter(({ eventType }) => criteria.every(({ texts }) => texts.includes(eventType)))
        .filter(({ entity }) => !entities || (entity !== null && entities.includes(entity)))
        .toReversed()
      const events = found.slice(0, pageSize).map(eventResponse)
      return json(200, { totalCount: found.length, pageSize, events })
    },
  }
}

function violationsOf(event: Record<string, unknown>) {
  const { eventType, title, entitySelector = '', properties = {}, startTime = 0, endTime = 0, timeout = 0 } = event
  const areTexts = isObject(properties) && Object.values(properties).every((value) => typeof value === 'string')
  const rules: [holds: boolean, path: string, message: string][] = [
    [eventTypes.includes(String(eventType)), 'eventType', `must be one of ${eventTypes.join(', ')}`],
    [typeof title === 'string' && title !== '', 'title', 'must not be empty'],
    [typeof entitySelector === 'string', 'entitySelector', 'must be a text'],
    [areTexts, 'properties', 'must be texts'],
    [Number.isInteger(startTime), 'startTime', 'must be a whole number'],
    [Number.isInteger(endTime), 'endTime', 'must be a whole number'],
    [Number.isInteger(timeout), 'timeout', 'must be a whole number'],
  ]
  return rules
    .filter(([holds]) => !holds)
    .map(([, path, message]) => ({ path, message, parameterLocation: 'PAYLOAD_BODY' as const }))
}

/** @see https://docs.dynatrace.com/docs/dynatrace-api/environment-api/events-v2/get-events */
function eventResponse({ correlationId, eventType, title, entity, startTime, endTime, properties }: EventReport) {
  const type = entity === null ? 'ENVIRONMENT' : 'SERVICE'
  const id = `${type}-${Buffer.from(entity ?? 'sandbox')
    .toString('hex')
    .slice(0, 16)
    .padEnd(16, '0')
    .toUpperCase()}`
  return {
    eventId: `${correlationId}_${startTime}`,
    correlationId,
    eventType,
    title,
    startTime,
    endTime,
    status: endTime > Date.now() ? 'OPEN' : 'CLOSED',
    entityId: { entityId: { id, type }, name: entity ?? 'sandbox' },
    properties: Object.entries(properties).map(([key, value]) => ({ key, value })),
    entityTags: [],
    managementZones: [],
    underMaintenance: false,
    suppressAlert: false,
    suppressProblem: false,
    frequentEvent: false,
  }
}
