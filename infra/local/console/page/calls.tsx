import { useEffect } from 'preact/hooks'
import { CallDetails } from './call.tsx'
import { cursor } from './call-cursor.ts'
import { list, onCalls, reload, restart } from './call-data.ts'
import { GroupedList, VirtualList } from './call-list.tsx'
import { Tools } from './call-tools.tsx'
import { isCompact } from './density.ts'
import { filterQuery } from './filters.tsx'
import { age, count, plural, zone } from './format.ts'
import { listen, now } from './live.ts'
import { route } from './route.ts'

/** The list of calls, and the open call. */
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
      <h1 class="visually-hidden">Calls</h1>
      <Tools isGrouped={isGrouped} />
      <div class="split">
        {isGrouped ? <GroupedList openId={openId} /> : <VirtualList openId={openId} />}
        {openId !== undefined && <CallDetails id={openId} key={openId} />}
      </div>
      <Footer />
    </div>
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
