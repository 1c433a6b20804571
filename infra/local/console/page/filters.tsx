import { signal } from '@preact/signals'
import type { FilterField } from '../call-filter.ts'
import type { FacetValue } from '../call-store.ts'
import type { Verdict as VerdictName } from '../call-view.ts'
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
const openMenu = signal<string | undefined>(undefined)

async function readValues(field: FilterField): Promise<void> {
  const query = filterQuery(route.value.query)
  query.set('facet', field)
  try {
    values.value = (await get<{ values: FacetValue[] }>(`/console/calls?${query}`)).values
    problem.value = ''
  } catch (error) {
    problem.value = messageOf(error)
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
  const toggle = () => {
    openMenu.value = isOpen ? undefined : field
    if (!isOpen) {
      values.value = []
      void readValues(field)
    }
  }
  return (
    <div class="menu">
      <button
        type="button"
        class={`chip${selected.length > 0 ? ' on' : ''}`}
        aria-expanded={isOpen}
        aria-controls={`menu-${field}`}
        onClick={toggle}
      >
        {title}
        {selected.length > 0 && <b>{selected.map((value) => wordOf(field, value)).join(', ')}</b>}
        <Icon name="down" />
      </button>
      {isOpen && (
        <fieldset class="pop" id={`menu-${field}`}>
          <legend class="visually-hidden">{title}</legend>
          {problem.value !== '' && <p role="alert">{problem.value}</p>}
          {values.value.map(({ value, count: calls }) => (
            <Option key={value} field={field} value={value} calls={calls} selected={selected} />
          ))}
        </fieldset>
      )}
    </div>
  )
}

function Option({
  field,
  value,
  calls,
  selected,
}: {
  field: string
  value: string
  calls: number
  selected: string[]
}) {
  if (value === '') return <p class="muted check">none: {count(calls)}</p>
  const toggle = (isChecked: boolean) => {
    const others = selected.filter((one) => one !== value && one !== `!${value}`)
    setQuery({ [field]: [...others, ...(isChecked ? [value] : [])].join(',') })
  }
  return (
    <label class="check">
      <input
        type="checkbox"
        checked={selected.includes(value)}
        onChange={({ currentTarget }) => toggle(currentTarget.checked)}
      />
      {field === 'verdict' && <Verdict of={value as VerdictName} withWord={false} />}
      <span class="grow cut">{wordOf(field, value)}</span>
      <span class="muted">{count(calls)}</span>
    </label>
  )
}

function wordOf(field: string, value: string): string {
  return field === 'verdict' ? (verdictWords[value as VerdictName] ?? value) : value
}
