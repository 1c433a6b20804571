import { signal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import type { FilterField } from '../call-filter.ts'
import type { FacetValue } from '../call-store.ts'
import type { CallVerdict } from '../call-summary.ts'
import { get, messageOf } from './api.ts'
import { count } from './format.ts'
import { Icon } from './icons.tsx'
import { route, setQuery } from './route.ts'
import { Verdict, verdictWords } from './verdict.tsx'

const fields: Record<FilterField, string> = {
  verdict: 'Verdict',
  category: 'Category',
  action: 'Action',
  provider: 'Provider',
  connection: 'Connection',
  orchestrator: 'Orchestrator',
  context: 'Context',
}
const periods: Record<string, string> = {
  '': 'All time',
  '15m': 'Last 15 minutes',
  '1h': 'Last hour',
  '24h': 'Last 24 hours',
  '7d': 'Last 7 days',
}

/** Returns the parameters of the URL that select calls. */
export function filterQuery(query: URLSearchParams): URLSearchParams {
  const names = [...Object.keys(fields), 'since', 'q', 'group']
  return new URLSearchParams([...query].filter(([name]) => names.includes(name)))
}

export function hasFilters(query: URLSearchParams): boolean {
  return [...Object.keys(fields), 'since', 'q'].some((name) => query.get(name))
}

/** The values of the open menu. */
const values = signal<FacetValue[]>([])
const problem = signal('')
/** The titles of the values of the menus that were read, by field and value. */
const titles = signal<ReadonlyMap<string, string>>(new Map())
const openMenu = signal<string | undefined>(undefined)

async function readValues(field: FilterField): Promise<FacetValue[]> {
  const query = filterQuery(route.value.query)
  query.set('facet', field)
  try {
    const read = await get<{ values: FacetValue[] }>(`/console/calls?${query}`)
    const known = read.values.map(({ value, title = value }) => [`${field} ${value}`, title] as const)
    titles.value = new Map([...titles.value, ...known])
    problem.value = ''
    return read.values
  } catch (error) {
    problem.value = messageOf(error)
    return []
  }
}

/** Closes the open menu. */
export function closeMenus(): boolean {
  const isOpen = openMenu.value !== undefined
  openMenu.value = undefined
  return isOpen
}

document.addEventListener('click', ({ target }) => {
  if (target instanceof Element && !target.closest('.menu')) closeMenus()
})

/** The filters as chips. Each opens a menu of values with their counts. */
export function Filters() {
  const { query } = route.value
  // A link may select names whose titles are not known yet.
  const named = (['provider', 'orchestrator'] as const).filter((field) => selectedIn(query, field).length > 0)
  useEffect(() => {
    for (const field of named) void readValues(field)
  }, [named.join()])
  return (
    <>
      <Period value={query.get('since') ?? ''} />
      {Object.entries(fields).map(([field, title]) => (
        <Menu key={field} field={field as FilterField} title={title} selected={selectedIn(query, field)} />
      ))}
      {hasFilters(query) && (
        <a class="btn s quiet" href="#/calls">
          Clear
        </a>
      )}
    </>
  )
}

function selectedIn(query: URLSearchParams, field: string): string[] {
  return query.get(field)?.split(',').filter(Boolean) ?? []
}

function Period({ value }: { value: string }) {
  return (
    <>
      <label class="visually-hidden" for="since">
        Period
      </label>
      <select
        id="since"
        class={`chip${value === '' ? '' : ' on'}`}
        value={value}
        onChange={({ currentTarget }) => setQuery({ since: currentTarget.value })}
      >
        {Object.entries(periods).map(([period, text]) => (
          <option key={period} value={period}>
            {text}
          </option>
        ))}
      </select>
    </>
  )
}

function Menu({ field, title, selected }: { field: FilterField; title: string; selected: string[] }) {
  const isOpen = openMenu.value === field
  const toggle = async () => {
    openMenu.value = isOpen ? undefined : field
    if (isOpen) return
    values.value = []
    const read = await readValues(field)
    if (openMenu.value === field) values.value = read
  }
  return (
    <div class="menu">
      <button
        type="button"
        class={`chip${selected.length > 0 ? ' on' : ''}`}
        aria-expanded={isOpen}
        aria-controls={`menu-${field}`}
        onClick={() => void toggle()}
      >
        {title}
        {selected.length > 0 && <b>{selected.map((value) => wordOf(field, value)).join(', ')}</b>}
        <Icon name="down" />
      </button>
      {isOpen && (
        <fieldset class="pop" id={`menu-${field}`}>
          <legend class="visually-hidden">{title}</legend>
          {problem.value !== '' && <p role="alert">{problem.value}</p>}
          {values.value.map((value) => (
            <Option key={value.value} field={field} of={value} selected={selected} />
          ))}
        </fieldset>
      )}
    </div>
  )
}

function Option({ field, of, selected }: { field: string; of: FacetValue; selected: string[] }) {
  const { value, count: calls } = of
  if (value === '') return <p class="muted check">none: {count(calls)}</p>
  const toggle = (isChecked: boolean) => {
    const others = selected.filter((choice) => choice !== value && choice !== `!${value}`)
    setQuery({ [field]: [...others, ...(isChecked ? [value] : [])].join(',') })
  }
  return (
    <label class="check">
      <input
        type="checkbox"
        checked={selected.includes(value)}
        onChange={({ currentTarget }) => toggle(currentTarget.checked)}
      />
      {field === 'verdict' && <Verdict of={value as CallVerdict} withWord={false} />}
      <span class="grow cut">{wordOf(field, value)}</span>
      <span class="muted">{count(calls)}</span>
    </label>
  )
}

/** Returns the word of a value in the columns of the list. An excluded value starts with `!`. */
function wordOf(field: string, text: string): string {
  const value = text.replace(/^!/, '')
  if (field === 'verdict') return text.replace(value, verdictWords[value as CallVerdict] ?? value)
  return text.replace(value, titles.value.get(`${field} ${value}`) ?? value)
}
