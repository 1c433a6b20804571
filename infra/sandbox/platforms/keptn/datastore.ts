import { type Answer, json } from '../sandbox/http.ts'
import type { Store } from '../sandbox/store.ts'
import type { KeptnEvent, RecordedEvent } from './recorded-event.ts'

/** Stores Keptn's events, with the two queries of its mongodb-datastore. */
export interface Datastore {
  /**
   * @param delayMs the time until queries return the event
   * @returns the recorded event, or undefined if an event with this id exists
   */
  insert(event: KeptnEvent, via: RecordedEvent['via'], delayMs: number): RecordedEvent | undefined
  /** Everything, oldest first, at once and with no delay. */
  all(): RecordedEvent[]
  /** Answers `GET /event`: newest first, page by page. */
  find(query: URLSearchParams): Answer
  /** Responds to `GET /event/type/{type}`: newest first, with a filter, without invalidated events on request. */
  findByType(type: string, query: URLSearchParams): Answer
}

/** An error of Keptn's API. */
export function keptnError(status: number, message: string): Answer {
  return json(status, { code: status, message }, {}, message)
}

/** The columns of the query parameters. */
const parameters: Record<string, string> = {
  keptnContext: 'context',
  type: 'type',
  source: 'source',
  project: 'project',
  stage: 'stage',
  service: 'service',
  eventID: 'id',
}

/** The columns of the names in a filter. */
const terms: Record<string, string> = {
  'data.project': 'project',
  'data.stage': 'stage',
  'data.service': 'service',
  'data.result': "json_extract(event, '$.data.result')",
  'data.status': "json_extract(event, '$.data.status')",
  shkeptncontext: 'context',
  source: 'source',
  id: 'id',
  triggeredid: "json_extract(event, '$.triggeredid')",
}

/** An invalidated event and the events that it invalidates have the same trigger. */
const notInvalidated = `AND NOT EXISTS (
  SELECT 1 FROM events AS taking WHERE taking.type LIKE '%.invalidated' AND taking.project = events.project
  AND json_extract(taking.event, '$.triggeredid') = json_extract(events.event, '$.triggeredid'))`

/** The first event of a sequence. */
const isRoot = 'AND seq = (SELECT min(seq) FROM events AS first WHERE first.context = events.context)'

/** @see https://github.com/keptn/keptn/blob/master/mongodb-datastore/db/mongodb_event_repo.go */
export function createDatastore(store: Store): Datastore {
  const read = (rows: { event: string }[]) => rows.map(({ event }): KeptnEvent => JSON.parse(event))

  return {
    insert(event, via, delayMs) {
      if (store.get('SELECT seq FROM events WHERE id = ?', event.id)) return undefined
      const at = new Date()
      const data = (event.data ?? {}) as Record<string, unknown>
      const text = (value: unknown) => (typeof value === 'string' ? value : null)
      store.run(
        `INSERT INTO events (id, at, via, visible_at, time, context, type, source, project, stage, service, event)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
        event.id,
        at.toISOString(),
        via,
        at.getTime() + delayMs,
        Date.parse(event.time) || at.getTime(),
        text(event.shkeptncontext),
        event.type,
        text(event.source),
        text(data.project),
        text(data.stage),
        text(data.service),
        JSON.stringify(event),
      )
      return { at: at.toISOString(), via, event }
    },

    all: () =>
      store
        .all<{ at: string; via: RecordedEvent['via']; event: string }>('SELECT at, via, event FROM events ORDER BY seq')
        .map(({ event, ...rest }) => ({ ...rest, event: JSON.parse(event) })),

    find(query) {
      const pageSize = Number(query.get('pageSize') || 20)
      const offset = Number(query.get('nextPageKey') || 0)
      if (!Number.isInteger(pageSize) || pageSize < 1 || pageSize > 100) {
        return keptnError(422, 'pageSize in query should be an integer from 1 to 100')
      }
      if (!Number.isInteger(offset) || offset < 0) return keptnError(400, 'nextPageKey in query should be an offset')
      const where: string[] = []
      const values: string[] = []
      for (const [name, value] of query) {
        if (name === 'pageSize' || name === 'nextPageKey' || value === '') continue
        if (name === 'root') {
          if (value === 'true') where.push(isRoot)
          continue
        }
        // A filter that is not applied would answer with the wrong events, which is worse than a refusal.
        if (!parameters[name]) return keptnError(400, `the sandbox does not know the filter ${name}`)
        where.push(`AND ${parameters[name]} = ?`)
        values.push(value)
      }
      const from = `FROM events WHERE visible_at <= ? ${where.join(' ')}`
      const now = Date.now()
      const { total = 0 } = store.get<{ total: number }>(`SELECT count(*) AS total ${from}`, now, ...values) ?? {}
      const newest = `SELECT event ${from} ORDER BY time DESC, seq DESC LIMIT ? OFFSET ?`
      const events = read(store.all<{ event: string }>(newest, now, ...values, pageSize, offset))
      const end = offset + events.length
      return json(200, { events, nextPageKey: end < total ? String(end) : '0', totalCount: total, pageSize })
    },

    findByType(type, query) {
      const unknown = [...query.keys()].find((name) => !['filter', 'excludeInvalidated', 'limit'].includes(name))
      if (unknown !== undefined) return keptnError(400, `the sandbox does not know the parameter ${unknown}`)
      const limit = Number(query.get('limit') || 20)
      if (!Number.isInteger(limit) || limit < 0) return keptnError(422, 'limit in query should be a whole number')
      const exclude = query.get('excludeInvalidated') ?? ''
      if (!['', 'true', 'false'].includes(exclude)) {
        return keptnError(422, `excludeInvalidated in query must be of type bool: "${exclude}"`)
      }
      const filter = filterOf(query.get('filter') ?? '')
      if ('refusal' in filter) return keptnError(400, filter.refusal)
      const newest = `SELECT event FROM events WHERE visible_at <= ? AND type = ? ${filter.where}
        ${exclude === 'true' ? notInvalidated : ''} ORDER BY time DESC, seq DESC LIMIT ?`
      // In MongoDB, 0 means no limit.
      const rows = store.all<{ event: string }>(newest, Date.now(), type, ...filter.values, limit || -1)
      return json(200, { events: read(rows) })
    },
  }
}

/** `data.project:shop AND data.result:pass,warning`: every term must hold, by one of its values. */
function filterOf(text: string): { where: string; values: string[] } | { refusal: string } {
  if (text === '') return { refusal: 'event filter must not be empty: invalid event filter' }
  const given = text.split(' AND ').map((term) => term.split(':'))
  // Keptn ignores conditions that it cannot parse, and so returns more events.
  const wrong = given.find(([name = '', value, ...more]) => !columnOf(name) || !value || more.length > 0)
  if (wrong) return { refusal: `the sandbox does not know the filter term "${wrong.join(':')}"` }
  if (!given.some(([name]) => name === 'data.project' || name === 'shkeptncontext')) {
    return { refusal: "invalid event filter: either 'shkeptncontext' or 'data.project' must be set" }
  }
  const parts = given.map(([name = '', value = '']) => ({ column: columnOf(name), values: value.split(',') }))
  return {
    where: parts.map(({ column, values }) => `AND ${column} IN (${values.map(() => '?').join(', ')})`).join(' '),
    values: parts.flatMap(({ values }) => values),
  }
}

function columnOf(term: string): string | undefined {
  const label = /^data\.labels\.(\w+)$/.exec(term)?.[1]
  if (label !== undefined) return `json_extract(event, '$.data.labels.${label}')`
  return Object.hasOwn(terms, term) ? terms[term] : undefined
}
