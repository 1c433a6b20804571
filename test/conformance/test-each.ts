import { test } from '@jest/globals'

/** Registers a test for each row. Unlike `test.each`, it accepts an empty table and names a test after fields of its row. */
export function testEach<Row>(
  rows: readonly Row[],
  name: (row: Row, index: number) => string,
  run: (row: Row) => void | Promise<void>,
): void {
  for (const [index, row] of rows.entries()) test(name(row, index), () => run(row))
}
