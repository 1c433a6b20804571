import type { Field, Link, Mood, Table } from '../../../shared/providers/message.ts'
import { humanName, listOf, textOf } from './event-values.ts'

export interface FieldsAndLinks {
  fields: Field[]
  links: Link[]
}

/** Longer results are omitted. */
const MAX_RESULT = 200

/** Returns the short results of a task, and its links. */
export function resultsOf({ url, number, id, ...others }: Record<string, unknown>): FieldsAndLinks {
  const name = textOf(number) ?? textOf(id)
  const main = linkTo(name ?? 'Details', url)
  const { fields, links } = fieldsAndLinks(
    Object.entries(others).flatMap(([key, value]) => {
      const texts = listOf(value).map(textOf)
      const text = texts.includes(undefined) ? '' : texts.join(', ')
      return text && (text.length <= MAX_RESULT || hrefOf(text)) ? [[humanName(key), text]] : []
    }),
  )
  return {
    fields: name && main.length === 0 ? [{ name: 'Id', value: name }, ...fields] : fields,
    links: [...main, ...links],
  }
}

/** Splits named values into links and fields. */
export function fieldsAndLinks(entries: [name: string, value: string][]): FieldsAndLinks {
  return {
    fields: entries.filter(([, value]) => !hrefOf(value)).map(([name, value]) => ({ name, value })),
    links: entries.flatMap(([name, value]) => linkTo(name, value)),
  }
}

/** Returns a field if there is a value. */
export function field(name: string, value: unknown): Field[] {
  const text = textOf(value)
  return text === undefined ? [] : [{ name, value: text }]
}

/** Returns a link if the value is a safe URL. */
export function linkTo(label: string, value: unknown): Link[] {
  const url = hrefOf(value)
  return url === undefined ? [] : [{ label, url }]
}

const MAX_URL = 2_000

/** Accepts http and https. Refuses user information, which can be deceptive or a secret. */
function hrefOf(value: unknown): string | undefined {
  if (typeof value !== 'string' || value.length > MAX_URL || !/^https?:\/\//i.test(value)) return undefined
  const url = URL.parse(value)
  return url && !url.username && !url.password && url.href.length <= MAX_URL ? url.href : undefined
}

const MOOD_ORDER: readonly Mood[] = ['bad', 'warning', 'good', 'neutral', 'waiting']
const MAX_ROWS = 20

/** Returns a table with the worst rows first, and a count of omitted rows; undefined without rows. */
export function tableOf(columns: string[], rows: Table['rows']): Table | undefined {
  const sorted = rows.toSorted((a, b) => MOOD_ORDER.indexOf(a.mood) - MOOD_ORDER.indexOf(b.mood))
  const rest = sorted.slice(MAX_ROWS)
  const restRow = rest.slice(0, 1).map(({ mood }) => ({
    mood,
    cells: columns.map((_, index) => (index === 0 ? `and ${rest.length} more` : '')),
  }))
  return rows.length > 0 ? { columns, rows: [...sorted.slice(0, MAX_ROWS), ...restRow] } : undefined
}
