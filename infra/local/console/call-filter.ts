import type { SQLInputValue } from 'node:sqlite'

/** The fields of a call that can be filtered: columns of the store. */
export const filterFields = [
  'verdict',
  'category',
  'action',
  'provider',
  'connection',
  'orchestrator',
  'context',
] as const
export type FilterField = (typeof filterFields)[number]

/** Selects calls. An empty filter selects all. */
export interface CallFilter {
  /** The values of each field. A value that starts with `!` is excluded. */
  fields?: { [field in FilterField]?: readonly string[] | undefined }
  /** A text in the message, the id, the context, or the names. */
  text?: string | undefined
  /** Milliseconds since 1970. */
  since?: number | undefined
  until?: number | undefined
}

const UNITS: Record<string, number> = { m: 60_000, h: 3_600_000, d: 86_400_000 }

/** Returns the milliseconds of a period such as `15m`, `24h` or `7d`. Undefined for other text. */
export function periodMs(text: string): number | undefined {
  const [, count, unit = ''] = /^(\d{1,4})([mhd])$/.exec(text) ?? []
  return count === undefined ? undefined : Number(count) * (UNITS[unit] ?? 0)
}

/** Reads a filter from the query of a URL: `verdict=fail,errored&provider=!jira&q=checkout&since=24h`. */
export function filterFrom(query: URLSearchParams, now: number): CallFilter {
  const fields = Object.fromEntries(
    filterFields.map((field) => [
      field,
      query
        .get(field)
        ?.split(',')
        .filter((value) => value !== ''),
    ]),
  )
  const period = periodMs(query.get('since') ?? '')
  const until = Number(query.get('until') ?? Number.NaN)
  return {
    fields,
    text: query.get('q') ?? undefined,
    since: period === undefined ? undefined : now - period,
    until: Number.isFinite(until) ? until : undefined,
  }
}

/** Returns the filter as a condition of SQL. */
export function conditionOf({ fields = {}, text, since, until }: CallFilter): {
  where: string
  values: SQLInputValue[]
} {
  const terms: string[] = []
  const values: SQLInputValue[] = []
  for (const field of filterFields) {
    const all = fields[field] ?? []
    const wanted = all.filter((value) => !value.startsWith('!'))
    const excluded = all.filter((value) => value.startsWith('!')).map((value) => value.slice(1))
    if (wanted.length > 0) terms.push(`${field} IN (${wanted.map(() => '?').join(', ')})`)
    if (excluded.length > 0) terms.push(`${field} NOT IN (${excluded.map(() => '?').join(', ')})`)
    values.push(...wanted, ...excluded)
  }
  for (const word of text?.toLowerCase().split(/\s+/).filter(Boolean) ?? []) {
    terms.push("search LIKE ? ESCAPE '\\'")
    values.push(`%${word.replace(/[\\%_]/g, '\\$&')}%`)
  }
  if (since !== undefined) terms.push('at >= ?')
  if (until !== undefined) terms.push('at <= ?')
  values.push(...[since, until].filter((time) => time !== undefined))
  return { where: terms.length > 0 ? `WHERE ${terms.join(' AND ')}` : '', values }
}
