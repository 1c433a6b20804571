// The package contains this module instead of @jest/globals: the conformance suites run under `node --test` there.
import { after, afterEach, before, beforeEach, describe as nodeDescribe, test as nodeTest } from 'node:test'
import { format } from 'node:util'

export { expect } from 'expect'
export { after as afterAll, afterEach, before as beforeAll, beforeEach }

// biome-ignore lint/suspicious/noExplicitAny: a table may have rows of any types.
type Body = (...row: any[]) => unknown

/** Adds `each`, which registers a test or a suite for each row of a table, as Jest does. */
function withEach(register: (name: string, body: () => unknown) => unknown) {
  const run = (name: string, body: Body) => void register(name, () => body())
  const each = (table: readonly unknown[]) => (name: string, body: Body) => {
    for (const [at, row] of table.entries()) {
      const values = Array.isArray(row) ? row : [row]
      register(titleOf(name, at, values), () => body(...values))
    }
  }
  return Object.assign(run, { each })
}

export const describe = withEach((name, body) => nodeDescribe(name, () => void body()))
export const test = withEach((name, body) => nodeTest(name, async () => void (await body())))

/** Fills `%s` with the values of a row, `$name` with a member of its first value, and `%#` with its index. */
function titleOf(name: string, at: number, values: readonly unknown[]): string {
  const placeholders = name.match(/%[sdijfoO]/g)?.length ?? 0
  const filled = name.replaceAll('%#', String(at)).replace(/\$(\w+)/g, (found, member: string) => {
    const [value] = values
    return typeof value === 'object' && value !== null && member in value ? String(Reflect.get(value, member)) : found
  })
  return placeholders === 0 ? filled : format(filled, ...values.slice(0, placeholders))
}
