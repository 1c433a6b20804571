import type { Field, Link, Mood, Table } from '../../../shared/providers/message.ts'
import { humanName, listOf, textOf } from './values.ts'

export interface Facts {
  fields: Field[]
  links: Link[]
}

/** What is longer is no result that people look for in a message. */
const longestResult = 200

/** The results of a task, by the names that they have there: what is short, and where it can be seen. */
export function resultsOf({ url, number, id, ...others }: Record<string, unknown>): Facts {
  const named = textOf(number) ?? textOf(id)
  const seen = linkTo(named ?? 'Details', url)
  const { fields, links } = factsOf(
    Object.entries(others).flatMap(([name, value]) => {
      const texts = listOf(value).map(textOf)
      const text = texts.includes(undefined) ? '' : texts.join(', ')
      return text && (text.length <= longestResult || hrefOf(text)) ? [[humanName(name), text]] : []
    }),
  )
  return {
    fields: named && seen.length === 0 ? [{ name: 'Id', value: named }, ...fields] : fields,
    links: [...seen, ...links],
  }
}

/** Values by their names: those that lead somewhere are links. */
export function factsOf(entries: [name: string, value: string][]): Facts {
  return {
    fields: entries.filter(([, value]) => !hrefOf(value)).map(([name, value]) => ({ name, value })),
    links: entries.flatMap(([name, value]) => linkTo(name, value)),
  }
}

/** A field where there is a value, else none. */
export function field(name: string, value: unknown): Field[] {
  const text = textOf(value)
  return text === undefined ? [] : [{ name, value: text }]
}

/** A link where the value is one that may be followed, else none. */
export function linkTo(label: string, value: unknown): Link[] {
  const url = hrefOf(value)
  return url === undefined ? [] : [{ label, url }]
}

const longestUrl = 2_000

/** Over http or https only. A name or a password before the host is there to deceive, or to be kept. */
function hrefOf(value: unknown): string | undefined {
  if (typeof value !== 'string' || value.length > longestUrl || !/^https?:\/\//i.test(value)) return undefined
  const url = URL.parse(value)
  return url && !url.username && !url.password && url.href.length <= longestUrl ? url.href : undefined
}

const gravity: readonly Mood[] = ['bad', 'warning', 'good', 'neutral', 'waiting']
const mostRows = 20

/** A table with what is wrong on top; what is too much is counted. Undefined where there is nothing in it. */
export function tableOf(columns: string[], rows: Table['rows']): Table | undefined {
  const sorted = rows.toSorted((a, b) => gravity.indexOf(a.mood) - gravity.indexOf(b.mood))
  const rest = sorted.slice(mostRows)
  const counted = rest.slice(0, 1).map(({ mood }) => ({
    mood,
    cells: columns.map((_, at) => (at === 0 ? `and ${rest.length} more` : '')),
  }))
  return rows.length > 0 ? { columns, rows: [...sorted.slice(0, mostRows), ...counted] } : undefined
}
