import { test } from '@jest/globals'

/**
 * Registers a test for each row of a table that may be empty, and whose rows may omit their last values. `test.each` fails for an
 * empty table, and waits for a callback if a row is shorter than the parameters.
 */
export function testEach<Row>(
  rows: readonly Row[],
  name: string,
  run: (...values: Row extends readonly unknown[] ? Row : [Row]) => void | Promise<void>,
): void {
  if (rows.length > 0) test.each(rows as readonly unknown[])(name, (...values) => run(...(values as never)))
}
