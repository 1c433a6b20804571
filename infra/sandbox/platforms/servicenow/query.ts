import type { ServiceNowRecord } from './columns.ts'

/**
 * Returns the records that match an encoded query: equalities joined by `^`, with alternatives joined by `^OR`. A condition on
 * an unknown column is ignored, so that the query returns more records, as in an instance without
 * `glide.invalid_query.returns_no_rows`.
 *
 * @see https://www.servicenow.com/docs/bundle/xanadu-platform-user-interface/page/use/using-lists/concept/c_EncodedQueryStrings.html
 */
export function select(records: ServiceNowRecord[], query: string, columns: readonly string[]): ServiceNowRecord[] {
  const conditions: { column: string; value: string }[][] = []
  for (const term of query.split('^')) {
    const [, or, column = '', value = ''] = /^(OR)?([a-z0-9_]+)=(.*)$/s.exec(term) ?? []
    if (!columns.includes(column)) continue
    const last = conditions.at(-1)
    if (or && last) last.push({ column, value })
    else conditions.push([{ column, value }])
  }
  return records.filter((record) =>
    conditions.every((either) =>
      either.some(({ column, value }) => (record[column] ?? '').toLowerCase() === value.toLowerCase()),
    ),
  )
}
