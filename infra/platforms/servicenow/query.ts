import type { ServiceNowRecord } from './columns.ts'

type Test = (record: ServiceNowRecord) => boolean

/** Sorted so that a longer operator comes before its suffix: `NOT LIKE` before `LIKE`. */
const operators: [string, (value: string, operand: string) => boolean][] = [
  ['ISNOTEMPTY', (value) => value !== ''],
  ['ISEMPTY', (value) => value === ''],
  ['STARTSWITH', (value, operand) => lower(value).startsWith(lower(operand))],
  ['ENDSWITH', (value, operand) => lower(value).endsWith(lower(operand))],
  ['NOT LIKE', (value, operand) => !lower(value).includes(lower(operand))],
  ['NOT IN', (value, operand) => !operand.split(',').includes(value)],
  ['LIKE', (value, operand) => lower(value).includes(lower(operand))],
  ['IN', (value, operand) => operand.split(',').includes(value)],
  ['!=', (value, operand) => lower(value) !== lower(operand)],
  ['>=', (value, operand) => value >= operand],
  ['<=', (value, operand) => value <= operand],
  ['>', (value, operand) => value > operand],
  ['<', (value, operand) => value < operand],
  ['=', (value, operand) => lower(value) === lower(operand)],
]

/**
 * Returns the records that match an encoded query: terms joined by `^`, alternatives by `^OR`, queries by `^NQ`, with
 * `^ORDERBY` and `^ORDERBYDESC`; `^^` escapes a `^`. A term on an unknown column is ignored, so that the query returns more
 * records, as in an instance without `glide.invalid_query.returns_no_rows`.
 *
 * @see https://www.servicenow.com/docs/bundle/xanadu-platform-user-interface/page/use/using-lists/concept/c_EncodedQueryStrings.html
 */
export function select(records: ServiceNowRecord[], query: string, columns: readonly string[]): ServiceNowRecord[] {
  const orders: { column: string; sign: 1 | -1 }[] = []
  const queries: Test[][][] = [[]]
  for (const term of termsOf(query)) {
    const [, order, descending, column = ''] = /^(ORDERBY(DESC)?)(.*)$/s.exec(term) ?? []
    if (order) {
      if (columns.includes(column)) orders.push({ column, sign: descending ? -1 : 1 })
      continue
    }
    if (term.startsWith('NQ')) queries.push([])
    const either = term.startsWith('OR')
    const test = testOf(term.replace(/^(NQ|OR)/, ''), columns)
    if (!test) continue
    const terms = queries.at(-1) ?? []
    const last = terms.at(-1)
    if (either && last) last.push(test)
    else terms.push([test])
  }
  const found = records.filter((record) =>
    queries.some((terms) => terms.every((tests) => tests.some((test) => test(record)))),
  )
  return found.sort((a, b) => {
    const order = orders.find(({ column }) => a[column] !== b[column])
    return order ? order.sign * ((a[order.column] ?? '') < (b[order.column] ?? '') ? -1 : 1) : 0
  })
}

/** Splits a query into its terms. The end mark `EQ` has no meaning. */
function termsOf(query: string): string[] {
  return query
    .split(/(?<!\^)\^(?!\^)/)
    .map((term) => term.replaceAll('^^', '^'))
    .filter((term) => term !== '' && term !== 'EQ')
}

function testOf(term: string, columns: readonly string[]): Test | undefined {
  const column = /^[a-z0-9_]+/.exec(term)?.[0] ?? ''
  const rest = term.slice(column.length)
  const operator = operators.find(([name]) => rest.startsWith(name))
  if (!operator || !columns.includes(column)) return undefined
  const [name, test] = operator
  return (record) => test(record[column] ?? '', rest.slice(name.length))
}

function lower(text: string): string {
  return text.toLowerCase()
}
