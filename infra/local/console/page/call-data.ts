import { batch, effect, signal } from '@preact/signals'
import type { CallGroup, CallList } from '../call-list.ts'
import type { CallSummary } from '../call-summary.ts'
import { get, messageOf } from './api.ts'
import { filterQuery } from './filters.tsx'
import { type CallChange, isPaused, throttle } from './live.ts'
import { route } from './route.ts'

/** Rows that one request reads. */
const PAGE = 100
const RELOAD_MS = 400

/** The newest part of the list with its counts. */
export const list = signal<CallList | undefined>(undefined)
export const groups = signal<CallGroup[] | undefined>(undefined)
/** Calls by their number in the list, as far as they were read. */
export const rows = signal(new Map<number, CallSummary>())
export const problem = signal('')
/** Calls that arrived while the list did not move. */
export const fresh = signal(0)
/** While the list must not move, it shows the calls until this time. */
const anchor = signal<number | undefined>(undefined)

const pending = new Set<number>()
/** Number of the first visible row. */
let firstVisible = 0

function path(more: Record<string, string>): string {
  const query = filterQuery(route.value.query)
  for (const [name, value] of Object.entries(more)) query.set(name, value)
  if (anchor.value !== undefined) query.set('until', String(anchor.value))
  return `/console/calls?${query}`
}

/** Reads the list again from the part that is visible. */
export async function reload(): Promise<void> {
  if (route.value.page !== 'calls') return
  try {
    if (route.value.query.get('group') === 'sequence') {
      const read = await get<{ groups: CallGroup[] }>(path({ group: 'sequence' }))
      const counts = await get<CallList>(path({ group: '', limit: '0' }))
      batch(() => {
        groups.value = read.groups
        list.value = counts
        problem.value = ''
      })
      return
    }
    const offset = Math.max(0, Math.floor(firstVisible / PAGE) * PAGE)
    const read = await get<CallList>(path({ offset: String(offset), limit: String(PAGE) }))
    batch(() => {
      groups.value = undefined
      list.value = read
      rows.value = new Map(read.calls.map((call, index) => [offset + index, call]))
      problem.value = ''
    })
  } catch (error) {
    problem.value = messageOf(error)
  }
}

/** Reads the parts of the list that contain these rows, unless they are known. */
export function readRows(numbers: readonly number[]): void {
  const missing = numbers.filter((number) => !rows.value.has(number))
  for (const page of new Set(missing.map((number) => Math.floor(number / PAGE)))) void readPage(page)
}

async function readPage(number: number): Promise<void> {
  if (pending.has(number)) return
  pending.add(number)
  try {
    const offset = number * PAGE
    const { calls } = await get<CallList>(path({ offset: String(offset), limit: String(PAGE) }))
    const next = new Map(rows.value)
    for (const [index, call] of calls.entries()) next.set(offset + index, call)
    rows.value = next
  } catch (error) {
    problem.value = messageOf(error)
  } finally {
    pending.delete(number)
  }
}

/** Counts the calls that arrived since the list stopped moving. */
async function countFresh(): Promise<void> {
  if (anchor.value === undefined) return
  const query = filterQuery(route.value.query)
  query.set('limit', '0')
  try {
    const { total } = await get<CallList>(`/console/calls?${query}`)
    fresh.value = Math.max(0, total - (list.value?.total ?? total))
  } catch {
    // The next change counts again, and the page shows that it is offline.
  }
}

const reloadSoon = throttle(() => void reload(), RELOAD_MS)
const countSoon = throttle(() => void countFresh(), RELOAD_MS)

/** Updates the rows of changed calls in place, and reads or counts new ones. */
export function onCalls({ changed, removed }: CallChange): void {
  const byId = new Map(changed.map((call) => [call.id, call]))
  const next = new Map(rows.value)
  let known = 0
  for (const [number, { id }] of rows.value) {
    const call = byId.get(id)
    if (!call) continue
    next.set(number, call)
    known += 1
  }
  if (known > 0) rows.value = next
  if (anchor.value !== undefined) {
    countSoon()
    return
  }
  if (changed.length > known || removed.length > 0 || groups.value) reloadSoon()
}

/** Starts at the newest call, for other filters. */
export function restart(): void {
  batch(() => {
    anchor.value = isPaused.value ? Date.now() : undefined
    fresh.value = 0
    firstVisible = 0
  })
  void reload()
}

/** Shows the calls that have arrived. */
export function showFresh(): void {
  anchor.value = undefined
  restart()
}

/** Stops the list, so that nothing moves while people read it. */
function hold(): void {
  anchor.value ??= list.value?.at
}

/** Moves with new calls only while the newest one is visible. @param first number of the first visible row */
export function onScroll(first: number): void {
  firstVisible = first
  if (first > 0) hold()
  else if (!isPaused.value && fresh.value === 0) anchor.value = undefined
}

effect(() => {
  if (isPaused.value) hold()
  else if (firstVisible === 0 && fresh.peek() === 0) anchor.value = undefined
})
