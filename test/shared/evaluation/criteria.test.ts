import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { limitOf, meetsLimit, parseCriterion } from '../../../shared/evaluation/criteria.ts'

const operator = fc.constantFrom('<', '<=', '=', '>=', '>')
const space = fc.constantFrom('', ' ', '  ', '\t')
const digits = fc
  .tuple(fc.nat(99_999), fc.option(fc.nat(999), { nil: undefined }))
  .map(([integer, fraction]) => (fraction === undefined ? String(integer) : `${integer}.${fraction}`))
const value = fc.double({ min: -1e9, max: 1e9, noNaN: true })

describe('Criteria', () => {
  test('ignore spaces, and are relative with a sign or a percent sign', () => {
    fc.assert(
      fc.property(operator, fc.constantFrom('', '+', '-'), digits, fc.constantFrom('', '%'), space, (...given) => {
        const [sign, plus, number, percent, gap] = given
        const relative = percent ? 'percent' : plus ? 'absolute' : undefined
        const text = `${gap}${sign}${gap}${plus}${gap}${number}${gap}${percent}${gap}`
        const expected = { text, operator: sign, value: Number(number) * (plus === '-' ? -1 : 1) }
        expect(parseCriterion(text)).toEqual(relative ? { ...expected, relative } : expected)
      }),
    )
  })

  test('parsed from any text have a finite value', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.stringMatching(/^[<>= +%.0-9-]{0,12}$/)), (text) => {
        const parsed = parseCriterion(text)
        if (parsed) expect(Number.isFinite(parsed.value)).toBe(true)
      }),
      { numRuns: 500 },
    )
  })

  test('have a limit: a fixed one, or one relative to an earlier value', () => {
    fc.assert(
      fc.property(value, value, (number, earlier) => {
        const fixed = { text: '', operator: '<' as const, value: number }
        expect(limitOf(fixed, earlier)).toBe(number)
        expect(limitOf({ ...fixed, relative: 'absolute' }, earlier)).toBe(earlier + number)
        expect(limitOf({ ...fixed, relative: 'percent' }, undefined)).toBeUndefined()
      }),
    )
  })

  test('compare consistently: >= is the opposite of <', () => {
    fc.assert(
      fc.property(value, value, (measured, limit) => {
        expect(meetsLimit(measured, '>=', limit)).toBe(!meetsLimit(measured, '<', limit))
        expect(meetsLimit(measured, '<=', limit)).toBe(!meetsLimit(measured, '>', limit))
        const expected = meetsLimit(measured, '<=', limit) && meetsLimit(measured, '>=', limit)
        expect(meetsLimit(measured, '=', limit)).toBe(expected)
      }),
    )
  })
})
