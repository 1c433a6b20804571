import { choices, columns, journals, references, type ServiceNowRecord } from './columns.ts'
import { integration, nameOf } from './directory.ts'
import type { Incidents, JournalEntry } from './incidents.ts'

/** The `sysparm_` parameters of the same names. */
export interface View {
  displayValue: 'true' | 'false' | 'all'
  excludeLinks: boolean
  fields: string[] | undefined
}

type Shown = string | { value?: string; display_value?: string; link?: string }

export function viewOf(query: URLSearchParams): View {
  const displayValue = query.get('sysparm_display_value')
  const fields = query.get('sysparm_fields')
  return {
    displayValue: displayValue === 'true' || displayValue === 'all' ? displayValue : 'false',
    excludeLinks: query.get('sysparm_exclude_reference_link') === 'true',
    fields: fields ? fields.split(',').map((field) => field.trim()) : undefined,
  }
}

/** Returns an incident in the format of the Table API: values, display values, or both. */
export function incidentResponse(
  root: string,
  incidents: Incidents,
  incident: ServiceNowRecord,
  view: View,
): Record<string, Shown> {
  const known = view.fields?.filter((field) => columns.includes(field)) ?? columns
  const entries = incidents.journal(incident['sys_id'])
  return Object.fromEntries(
    known.map((column) => {
      const value = incident[column] ?? ''
      return [column, shown(root, column, value, displayOf(column, value, entries), view)]
    }),
  )
}

/** Returns a record whose values and display values are the same. */
export function plainResponse(record: ServiceNowRecord, { fields, displayValue }: View): Record<string, Shown> {
  const entries = Object.entries(record).filter(([column]) => fields?.includes(column) ?? true)
  return Object.fromEntries(
    entries.map(([column, value]) => [column, displayValue === 'all' ? { display_value: value, value } : value]),
  )
}

/** Returns the display value of a column. */
export function displayOf(column: string, value: string, entries: readonly JournalEntry[] = []): string {
  if (column === 'comments_and_work_notes') return journalText(entries)
  if (journals[column]) return journalText(entries.filter(({ element }) => element === column))
  if (references[column]) return nameOf(value) ?? value
  return choices[column]?.[value] ?? value
}

function shown(
  root: string,
  column: string,
  value: string,
  display: string,
  { displayValue, excludeLinks }: View,
): Shown {
  const table = references[column]
  const link = table && value && !excludeLinks ? { link: `${root}/api/now/table/${table}/${value}` } : undefined
  if (displayValue === 'all') return { display_value: display, value, ...link }
  if (displayValue === 'true') return link ? { display_value: display, ...link } : display
  return link ? { ...link, value } : value
}

/** Returns the display value of a journal column, newest entry first. */
function journalText(entries: readonly JournalEntry[]): string {
  return entries
    .toReversed()
    .map(
      ({ sys_created_on, element, value }) =>
        `${sys_created_on} - ${integration.name} (${journals[element]})\n${value}\n\n`,
    )
    .join('')
}
