import { type CallFilter, filterFields, filterFrom } from './call-filter.ts'
import type { CallStore, FacetValue } from './call-store.ts'
import type { CallSummary } from './call-summary.ts'

/** A part of the list of calls. */
export interface CallList {
  /** The calls that match the filter. */
  total: number
  calls: CallSummary[]
  /** Number of the first one. */
  offset: number
  /** Calls of the period that need attention, regardless of the other filters. */
  running: number
  waiting: number
  failed: number
  stored: number
  oldestAt?: number | undefined
  /** When it was read: a later request with `until` returns the same list. */
  at: number
  /** The progress of reading a deployed stack, or the reason of a failure. */
  notice?: string
}

/** Calls with one context, such as those of a sequence. */
export interface CallGroup {
  context: string
  /** All of them, of which the newest ones are listed. */
  total: number
  calls: CallSummary[]
}

const MAX_LIMIT = 500
const GROUPS = 30
const MAX_CALLS_OF_GROUP = 100

/** Answers `GET /console/calls`: a part of the list, the list by context (`group=sequence`), or a facet (`facet=verdict`). */
export function callList(
  store: CallStore,
  query: URLSearchParams,
  now: number,
): CallList | { groups: CallGroup[]; total: number; at: number } | { values: FacetValue[] } {
  const filter = filterFrom(query, now)
  const facet = filterFields.find((field) => field === query.get('facet'))
  if (facet) return { values: store.facet(facet, filter) }
  const offset = numberIn(query, 'offset', 0, Number.MAX_SAFE_INTEGER)
  if (query.get('group') === 'sequence')
    return { groups: groupsOf(store, filter, offset), total: store.count(filter), at: now }
  const period = { since: filter.since, until: filter.until }
  const count = (verdict: string[]) => store.count({ ...period, fields: { verdict } })
  return {
    total: store.count(filter),
    calls: store.list(filter, offset, numberIn(query, 'limit', 100, MAX_LIMIT)),
    offset,
    running: count(['running', 'retrying']),
    waiting: count(['waiting']),
    failed: count(['fail', 'errored']),
    ...store.extent(),
    at: now,
  }
}

function groupsOf(store: CallStore, filter: CallFilter, offset: number): CallGroup[] {
  return store.contexts(filter, offset, GROUPS).map((context) => ({
    context,
    total: store.count({ ...filter, fields: { ...filter.fields, context: [context] } }),
    calls: store.listOfContext(context, filter, MAX_CALLS_OF_GROUP),
  }))
}

function numberIn(query: URLSearchParams, name: string, fallback: number, max: number): number {
  const value = Number(query.get(name) ?? fallback)
  return Number.isInteger(value) && value >= 0 ? Math.min(value, max) : fallback
}
