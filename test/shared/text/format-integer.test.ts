import { expect, test } from '@jest/globals'
import { formatInteger } from '../../../shared/text/format-integer.ts'

test('an integer has commas between its thousands', () => {
  for (const value of [0, 12, 255, 1_000, 65_536, 1_234_567, -1_234])
    expect(formatInteger(value)).toBe(value.toLocaleString('en'))
})
