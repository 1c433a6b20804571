import { type FakeReply, isObject, json } from '../sandbox/http.ts'
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
  find(query: URLSearchParams): FakeReply
  /** Responds to `GET /event/type/{type}`: newest first, with a filter, without invalidated events on request. */
  findByType(type: string, query: URLSearchParams): FakeReply
}

/** An error of Keptn's API. */
export function keptnError(status: number, message: string): FakeReply {
  return json(status, { code: status, message }, {}, message)
}

interface StoredEvent extends RecordedEvent {
  /** Epoch milliseconds. */
  time: number
  visibleAt: number
}

type Condition = (event: KeptnEvent) => boolean

/** The paths of the query parameters. */
const PARAMETERS: Record<string, string> = {
  keptnContext: 'shkeptncontext',
  type: 'type',
  source: 'source',
  project: 'data.project',
  stage: 'data.stage',
  service: 'data.service',
  eventID: 'id',
}

/** The paths that a filter can use. */
const TERM = /^(?:data\.(?:project|stage|service|result|status|labels\.\w+)|shkeptncontext|source|id|triggeredid)$/

/** @see https://github.com/keptn/keptn/blob/master/mongodb-datastore/db/mongodb_event_repo.go */
export function createDatastore(store: Store): Datastore {
  const stored = store.collection<StoredEvent>('keptn.events')

  /** Returns the visible events that fulfill all conditions, newest first. */
  function select(context: string | undefined, conditions: Condition[]): KeptnEvent[] {
    const now = Date.now()
    return stored
      .list(context)
      .filter(({ visibleAt, event }) => visibleAt <= now && conditions.every((holds) => holds(event)))
      .reverse()
      .sort((a, b) => b.time - a.time)
      .map(({ event }) => event)
  }

  /** Returns the condition that an event is the first one of its sequence. */
  function root(): Condition {
    const roots = new Map<unknown, string>()
    for (const { event } of stored.list().reverse()) roots.set(event['shkeptncontext'], event.id)
    return (event) => roots.get(event['shkeptncontext']) === event.id
  }

  /** Returns the condition that no event invalidates an event. It would have the same trigger. */
  function notInvalidated(): Condition {
    const triggerOf = (event: KeptnEvent) => `${valueAt(event, 'data.project')} ${event['triggeredid']}`
    const invalidating = stored.list().filter(({ event }) => event.type.endsWith('.invalidated'))
    const invalid = new Set(invalidating.map(({ event }) => triggerOf(event)))
    return (event) => !invalid.has(triggerOf(event))
  }

  return {
    insert(event, via, delayMs) {
      if (stored.get(event.id)) return undefined
      const now = Date.now()
      const recorded = { at: new Date(now).toISOString(), via, event }
      const time = Date.parse(event.time) || now
      stored.put(event.id, { ...recorded, time, visibleAt: now + delayMs }, String(event['shkeptncontext']))
      return recorded
    },

    all: () => stored.list().map(({ at, via, event }) => ({ at, via, event })),

    find(query) {
      const pageSize = Number(query.get('pageSize') || 20)
      const offset = Number(query.get('nextPageKey') || 0)
      if (!Number.isInteger(pageSize) || pageSize < 1 || pageSize > 100) {
        return keptnError(422, 'pageSize in query should be an integer from 1 to 100')
      }
      if (!Number.isInteger(offset) || offset < 0) return keptnError(400, 'nextPageKey in query should be an offset')
      const conditions: Condition[] = []
      for (const [name, value] of query) {
        if (name === 'pageSize' || name === 'nextPageKey' || value === '') continue
        if (name === 'root') {
          if (value === 'true') conditions.push(root())
          continue
        }
        const path = PARAMETERS[name]
        // A filter that is not applied would answer with the wrong events, which is worse than a refusal.
        if (!path) return keptnError(400, `the sandbox does not know the filter ${name}`)
        conditions.push((event) => valueAt(event, path) === value)
      }
      const found = select(query.get('keptnContext') || undefined, conditions)
      const events = found.slice(offset, offset + pageSize)
      const end = offset + events.length
      const nextPageKey = end < found.length ? String(end) : '0'
      return json(200, { events, nextPageKey, totalCount: found.length, pageSize })
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
      if (typeof filter === 'string') return keptnError(400, filter)
      const conditions = [(event: KeptnEvent) => event.type === type, ...filter]
      if (exclude === 'true') conditions.push(notInvalidated())
      // In MongoDB, 0 means no limit.
      return json(200, { events: select(undefined, conditions).slice(0, limit || undefined) })
    },
  }
}

/**
 * Parses a filter, such as `data.project:shop AND data.result:pass,warning`: every term must hold, by one of its values.
 *
 * @returns the conditions, or why the filter is refused
 */
function filterOf(text: string): Condition[] | string {
  if (text === '') return 'event filter must not be empty: invalid event filter'
  const given = text.split(' AND ').map((term) => term.split(':'))
  // Keptn ignores conditions that it cannot parse, and so returns more events.
  const wrong = given.find(([path = '', value, ...more]) => !TERM.test(path) || !value || more.length > 0)
  if (wrong) return `the sandbox does not know the filter term "${wrong.join(':')}"`
  if (!given.some(([path]) => path === 'data.project' || path === 'shkeptncontext'))
    return "invalid event filter: either 'shkeptncontext' or 'data.project' must be set"
  return given.map(([path = '', value = '']) => {
    const values: unknown[] = value.split(',')
    return (event) => values.includes(valueAt(event, path))
  })
}

/** Returns the value at a path, such as `data.project`. */
function valueAt(event: KeptnEvent, path: string): unknown {
  return path.split('.').reduce<unknown>((value, name) => (isObject(value) ? value[name] : undefined), event)
}
