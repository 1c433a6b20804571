import { type Signal, signal } from '@preact/signals'
import type { RefObject } from 'preact'
import { useEffect, useRef } from 'preact/hooks'
import { cursor } from './call-cursor.ts'
import { fresh, groups, list, onScroll, readRows, rows, showFresh } from './call-data.ts'
import { CallRow, GroupRow } from './call-row.tsx'
import { isCompact } from './density.ts'
import { plural } from './format.ts'
import { NoCalls } from './no-calls.tsx'

/** Height of a row in pixels, as in call-list.css. */
const rowHeights = { comfortable: 48, compact: 32, narrow: 56, phone: 96 }
/** Rows that are drawn above and below the visible ones. */
const OVERSCAN = 8

/** Shows the calls that have arrived. They are above the visible ones. */
function showNewest(): void {
  document.querySelector('.list')?.scrollTo({ top: 0 })
  scrollTo({ top: 0 })
  showFresh()
}

/** Measures which part of the list is visible, now and after each scroll. On a phone, the page scrolls. */
function useVisiblePart(
  box: RefObject<HTMLElement | null>,
  view: Signal<{ top: number; height: number }>,
  height: number,
  isPhone: boolean,
): void {
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
}

/** Draws only the rows that are visible. All rows have the same height, so no library is needed. */
export function VirtualList({ openId }: { openId: string | undefined }) {
  const box = useRef<HTMLElement>(null)
  const view = useRef(signal({ top: 0, height: 800 })).current
  const total = list.value?.total ?? 0
  const isPhone = matchMedia('(max-width: 799px)').matches
  const density = openId !== undefined ? 'narrow' : isCompact.value ? 'compact' : 'comfortable'
  const height = rowHeights[isPhone ? 'phone' : density]
  useVisiblePart(box, view, height, isPhone)

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
        <NoCalls />
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

/** The calls by context. */
export function GroupedList({ openId }: { openId: string | undefined }) {
  const all = groups.value ?? []
  return (
    <section class="list" aria-label="List of calls">
      <ListHead />
      {all.length === 0 && <NoCalls />}
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
