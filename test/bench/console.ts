import { callList } from '../../infra/local/console/call-list.ts'
import { CallStore } from '../../infra/local/console/call-store.ts'
import { overviewOf } from '../../infra/local/console/overview.ts'
import { RARE_WORD, saveManyCalls } from '../infra/local/console/many-calls.ts'
import { type Bench, median, ms, type Section, within } from './measure.ts'
import { stopwatch } from './stopwatch.ts'

const CALLS = 50_000
const RUNS = 11
/** A page that answers within this time feels immediate. */
const MAX_MS = 100
/** The page reads the overview at most every ten seconds. */
const MAX_OVERVIEW_MS = 500

const QUERIES: Record<string, string> = {
  'the newest 100': '',
  'the last 100': `offset=${CALLS - 100}`,
  'filter by verdict and category': 'verdict=fail,errored&category=issue-ticketing',
  'search for one word': `q=${RARE_WORD}`,
  'search within a day': 'q=number&since=24h',
  'counts of a filter': 'facet=verdict',
  'grouped by sequence': 'group=sequence',
}

/** Measures what the console does for each view of many calls. */
export async function consoleQueries({ progress }: Bench): Promise<Section> {
  const store = new CallStore(':memory:')
  progress(`${CALLS} calls`)
  const now = Date.now()
  saveManyCalls(store, CALLS, now)
  const rows = Object.entries(QUERIES).map(([name, query]) => {
    progress(name)
    return rowOf(name, MAX_MS, () => callList(store, new URLSearchParams(query), now))
  })
  rows.push(rowOf('overview of a week', MAX_OVERVIEW_MS, () => overviewOf(store, 7 * 86_400_000, now)))
  store.close()
  return {
    title: 'Console',
    columns: ['view', 'CPU', 'budget'],
    rows,
    notes: [`CPU time of the runtime for one request of the page, with ${CALLS} stored calls. Medians of ${RUNS}.`],
  }
}

function rowOf(name: string, maxMs: number, run: () => unknown): string[] {
  const times = Array.from({ length: RUNS }, () => {
    const stop = stopwatch()
    run()
    return stop().cpuMs
  })
  return [name, ms(median(times)), within(median(times), maxMs, ms)]
}
