import { signal } from '@preact/signals'
import { useEffect, useRef } from 'preact/hooks'
import { CallDetails } from './call.tsx'
import {
  fresh,
  groups,
  list,
  onCalls,
  onScroll,
  problem,
  readRows,
  reload,
  restart,
  rows,
  showFresh,
} from './call-data.ts'
import { CallRow, GroupRow } from './call-row.tsx'
import { Filters, filterQuery, hasFilters } from './filters.tsx'
import { age, count, plural, zone } from './format.ts'
import { Icon } from './icons.tsx'
import { isPaused, listen, now } from './live.ts'
import { go, linkTo, route, setQuery } from './route.ts'
import { stack } from './stack.ts'

/** Height of a row in pixels, as in calls.css. */
const rowHeights = { comfortable: 48, compact: 32, narrow: 56, phone: 96 }
/** Rows that are drawn above and below the visible ones. */
const OVERSCAN = 8

const isCompact = signal(localStorage.getItem('density') === 'compact')
/** Number of the row with the keyboard focus. */
const cursor = signal(-1)

/** Moves the focus by rows. */
export function moveCursor(step: number): void {
  const total = list.value?.total ?? 0
  if (total === 0 || groups.value) return
  const openId = route.value.parts[0]
  const open = openId === undefined ? -1 : ([...rows.value].find(([, { id }]) => id.startsWith(openId))?.[0] ?? -1)
  const from = cursor.value >= 0 ? cursor.value : open
  cursor.value = Math.min(total - 1, Math.max(0, from + step))
  requestAnimationFrame(() => {
    const row = document.querySelector<HTMLElement>(`[data-row="${cursor.value}"]`)
    row?.focus()
    row?.scrollIntoView({ block: 'nearest' })
    const id = rows.value.get(cursor.value)?.id
    if (openId !== undefined && id !== undefined) go(linkToCall(id), { replace: true })
  })
}

/** Opens the focused call. */
export function openCursor(): void {
  const id = rows.value.get(cursor.value)?.id
  if (id !== undefined) go(linkToCall(id))
}

/** Returns to the list, and to the row of the call that was open. */
export function closeCall(): void {
  const [id] = route.value.parts
  if (id === undefined) return
  go(linkTo(['calls'], filterQuery(route.value.query)))
  requestAnimationFrame(() => document.querySelector<HTMLElement>(`[data-id="${CSS.escape(id)}"]`)?.focus())
}

/** Returns the link to a call that keeps the filters. */
export function linkToCall(id: string): string {
  return linkTo(['calls', id.slice(0, 8)], filterQuery(route.value.query))
}

export function Calls() {
  const { parts, query } = route.value
  const [openId] = parts
  const filters = filterQuery(query).toString()
  useEffect(() => {
    cursor.value = -1
    restart()
  }, [filters])
  useEffect(() => {
    const stops = [listen('calls', onCalls), listen('ready', () => void reload())]
    return () => {
      for (const stop of stops) stop()
    }
  }, [])
  const isGrouped = query.get('group') === 'sequence'
  const names = ['calls', openId && 'open', isGrouped && 'grouped', isCompact.value && 'compact']
  return (
    <div class={names.filter(Boolean).join(' ')}>
      <Tools isGrouped={isGrouped} />
      <div class="split">
        {isGrouped ? <GroupedList openId={openId} /> : <VirtualList openId={openId} />}
        {openId !== undefined && <CallDetails id={openId} key={openId} />}
      </div>
      <Footer />
    </div>
  )
}

function setDensity(compact: boolean): void {
  isCompact.value = compact
  localStorage.setItem('density', compact ? 'compact' : 'comfortable')
}

function pause(): void {
  isPaused.value = !isPaused.value
  if (!isPaused.value) showFresh()
}

/** Shows the calls that have arrived. They are above the visible ones. */
function showNewest(): void {
  document.querySelector('.list')?.scrollTo({ top: 0 })
  scrollTo({ top: 0 })
  showFresh()
}

function Tools({ isGrouped }: { isGrouped: boolean }) {
  const { running = 0, waiting = 0, failed = 0 } = list.value ?? {}
  return (
    <div class="tools">
      {list.value?.notice && (
        <p class="note" role="status">
          {list.value.notice}
        </p>
      )}
      <div class="row">
        <h1 class="visually-hidden">Calls</h1>
        <div class="search">
          <label class="visually-hidden" for="q">
            Search calls
          </label>
          <Icon name="search" />
          <input
            class="field"
            id="q"
            type="search"
            placeholder="Search message, id or context"
            autocomplete="off"
            value={route.value.query.get('q') ?? ''}
            onInput={({ currentTarget }) => setQuery({ q: currentTarget.value })}
          />
          <kbd>/</kbd>
        </div>
        <fieldset class="seg">
          <legend class="visually-hidden">Arrange</legend>
          <button type="button" aria-pressed={!isGrouped} onClick={() => setQuery({ group: undefined })}>
            By time
          </button>
          <button type="button" aria-pressed={isGrouped} onClick={() => setQuery({ group: 'sequence' })}>
            By sequence
          </button>
        </fieldset>
        <fieldset class="seg desk">
          <legend class="visually-hidden">Density</legend>
          <button type="button" aria-pressed={!isCompact.value} onClick={() => setDensity(false)}>
            Comfortable
          </button>
          <button type="button" aria-pressed={isCompact.value} onClick={() => setDensity(true)}>
            Compact
          </button>
        </fieldset>
        <button type="button" class="btn quiet desk" aria-pressed={isPaused.value} onClick={pause}>
          <Icon name={isPaused.value ? 'play' : 'pause'} />
          {isPaused.value ? 'Continue' : 'Pause'}
        </button>
      </div>
      <div class="row hscroll">
        <Filters />
        <span class="grow" />
        <span class="tallies">
          <Tally verdict="running" value="running,retrying" text={`${count(running)} running`} />
          <Tally verdict="waiting" value="waiting" text={`${count(waiting)} waiting`} />
          <Tally verdict="fail" value="fail,errored" text={`${count(failed)} failed`} />
        </span>
      </div>
    </div>
  )
}

function Tally({ verdict, value, text }: { verdict: string; value: string; text: string }) {
  const since = route.value.query.get('since') ?? undefined
  return (
    <a class={`tally ${verdict}`} href={linkTo(['calls'], { verdict: value, since })}>
      <Icon name={verdict} />
      {text}
    </a>
  )
}

/** Draws only the rows that are visible. All rows have the same height, so no library is needed. */
function VirtualList({ openId }: { openId: string | undefined }) {
  const box = useRef<HTMLElement>(null)
  const view = useRef(signal({ top: 0, height: 800 })).current
  const total = list.value?.total ?? 0
  const isPhone = matchMedia('(max-width: 799px)').matches
  const density = openId !== undefined ? 'narrow' : isCompact.value ? 'compact' : 'comfortable'
  const height = rowHeights[isPhone ? 'phone' : density]
  useEffect(() => {
    const element = box.current
    if (!element) return undefined
    const scroller = isPhone ? window : element
    const measure = () => {
      const top = isPhone ? Math.max(0, -element.getBoundingClientRect().top) : element.scrollTop
      view.value = { top, height: isPhone ? innerHeight : element.clientHeight }
      onScroll(Math.floor(top / height))
    }
    measure()
    scroller.addEventListener('scroll', measure, { passive: true })
    window.addEventListener('resize', measure)
    return () => {
      scroller.removeEventListener('scroll', measure)
      window.removeEventListener('resize', measure)
    }
  }, [height, isPhone, view])

  const first = Math.max(0, Math.floor(view.value.top / height) - OVERSCAN)
  const last = Math.min(total, Math.ceil((view.value.top + view.value.height) / height) + OVERSCAN)
  const numbers = Array.from({ length: Math.max(0, last - first) }, (_, index) => first + index)
  useEffect(() => readRows(numbers))
  const tabStop = cursor.value >= 0 ? cursor.value : first
  return (
    <section class="list" ref={box} aria-label="List of calls">
      {openId === undefined && <ListHead />}
      {fresh.value > 0 && (
        <button type="button" class="fresh" onClick={showNewest}>
          Show {plural(fresh.value, 'new call')}
        </button>
      )}
      {total === 0 ? (
        <Empty />
      ) : (
        <div style={{ height: `${total * height}px` }}>
          <div class="window" style={{ transform: `translateY(${first * height}px)` }}>
            {numbers.map((number) => {
              const call = rows.value.get(number)
              return (
                <CallRow
                  key={call?.id ?? number}
                  number={number}
                  call={call}
                  isOpen={openId !== undefined && call?.id.startsWith(openId) === true}
                  isTabStop={number === tabStop}
                />
              )
            })}
          </div>
        </div>
      )}
    </section>
  )
}

function ListHead() {
  return (
    <div class="lhead" aria-hidden="true">
      <span>Verdict</span>
      <span>Action</span>
      <span class="prov">Provider, connection</span>
      <span>Message</span>
      <span class="orch">Orchestrator, context</span>
      <span class="n tries">Attempts</span>
      <span class="n dur">Duration</span>
      <span class="n age">Age</span>
    </div>
  )
}

function GroupedList({ openId }: { openId: string | undefined }) {
  const all = groups.value ?? []
  return (
    <section class="list" aria-label="List of calls">
      <ListHead />
      {all.length === 0 && <Empty />}
      {all.map(({ context, total, calls }) => (
        <section
          key={context}
          aria-label={context === '' ? 'Calls without a context' : `Context ${context.slice(0, 8)}`}
        >
          <GroupRow context={context} total={total} calls={calls} />
          {calls.map((call) => (
            <CallRow key={call.id} call={call} isOpen={openId !== undefined && call.id.startsWith(openId)} isTabStop />
          ))}
        </section>
      ))}
    </section>
  )
}

function Empty() {
  if (problem.value !== '')
    return (
      <p class="empty note fail" role="alert">
        The calls cannot be read: {problem.value}
      </p>
    )
  if (!list.value) return <p class="empty muted">Reading calls</p>
  if (hasFilters(route.value.query))
    return (
      <div class="empty">
        <h2>No call matches these filters</h2>
        <p class="muted">{plural(list.value.stored, 'call')} are stored.</p>
        <p>
          <a class="btn" href="#/calls">
            Remove all filters
          </a>
        </p>
      </div>
    )
  return (
    <div class="empty">
      <h2>No calls yet</h2>
      {stack ? <p>The newest tasks and silent calls of the stack appear here.</p> : <FirstSteps />}
    </div>
  )
}

function FirstSteps() {
  return (
    <>
      <p>Send an example, or play a sequence, and watch it here.</p>
      <p class="row">
        <a class="btn primary" href="#/send">
          Send an example
        </a>
        <a class="btn" href="#/sequences">
          Play a sequence
        </a>
      </p>
    </>
  )
}

function Footer() {
  const { total = 0, stored = 0, oldestAt } = list.value ?? {}
  return (
    <footer class="foot">
      <span>{plural(total, 'call')}</span>
      <span class="desk">
        {count(stored)} stored{oldestAt === undefined ? '' : `, back to ${age(now.value - oldestAt)} ago`}
      </span>
      <span>Times are local ({zone()})</span>
      <span class="keys">
        <span>
          <kbd>j</kbd> <kbd>k</kbd> move
        </span>
        <span>
          <kbd>Enter</kbd> open
        </span>
        <span>
          <kbd>/</kbd> search
        </span>
        <span>
          <kbd>?</kbd> all keys
        </span>
      </span>
    </footer>
  )
}
