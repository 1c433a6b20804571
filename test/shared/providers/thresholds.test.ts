import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import * as z from 'zod/mini'
import { checkThresholds, describeThreshold, type Threshold, thresholds } from '../../../shared/providers/thresholds.ts'

const field = thresholds('Thresholds')
const parse = (value: unknown) => z.parse(field, value)
const one = (threshold: Threshold, metrics: Record<string, number>) => {
  const [judged] = checkThresholds([threshold], metrics)
  if (!judged) throw new Error('Nothing was judged')
  return judged
}

describe('Threshold', () => {
  test.each<[op: Threshold['op'], below: string, at: string, above: string]>([
    ['<', 'pass', 'fail', 'fail'],
    ['<=', 'pass', 'pass', 'fail'],
    ['>', 'fail', 'fail', 'pass'],
    ['>=', 'fail', 'pass', 'pass'],
  ])('%s 500 is judged below, at and above its value: %s, %s, %s', (op, ...expected) => {
    const results = [499.99, 500, 500.01].map((p95) => one({ metric: 'p95', op, value: 500 }, { p95 }).result)
    expect(results).toEqual(expected)
  })

  test.each<[op: Threshold['op'], value: number, warn: number, expected: string[]]>([
    ['<', 96, 91, ['pass', 'warning', 'warning', 'fail', 'fail']],
    ['<=', 96, 91, ['pass', 'pass', 'warning', 'warning', 'fail']],
    ['>', 91, 96, ['fail', 'fail', 'warning', 'warning', 'pass']],
    ['>=', 91, 96, ['fail', 'warning', 'warning', 'pass', 'pass']],
  ])('%s %i with a warning at %i warns between them', (op, value, warn, expected) => {
    const measured = [90, 91, 95, 96, 97]
    const results = measured.map((rate) => one({ metric: 'rate', op, value, warn }, { rate }).result)
    expect(results).toEqual(expected)
  })

  test('accepts zero as value and as measurement', () => {
    expect(one({ metric: 'errors', op: '<=', value: 0 }, { errors: 0 }).result).toBe('pass')
    expect(one({ metric: 'errors', op: '<', value: 0 }, { errors: 0 }).result).toBe('fail')
  })

  test.each([
    ['was not measured', {}],
    ['is not a number', { p95: Number.NaN }],
    ['is missing among other metrics', { other: 1 }],
  ])('fails if its metric %s', (_, metrics: Record<string, number>) => {
    const judged = one({ metric: 'p95', op: '<', value: 500, warn: 400 }, metrics)
    expect(judged).toMatchObject({ result: 'fail', actual: null })
    expect(describeThreshold(judged)).toBe('p95 was not measured')
  })

  test('ignores inherited properties of the metrics', () => {
    expect(one({ metric: 'constructor', op: '>', value: 0 }, {}).actual).toBeNull()
  })

  test('reports the value or the warning that was missed', () => {
    const p95: Threshold = { metric: 'p95', op: '<', value: 500, warn: 400 }
    expect(describeThreshold(one(p95, { p95: 612 }))).toBe('p95 is 612, not < 500')
    expect(describeThreshold(one(p95, { p95: 450 }))).toBe('p95 is 450, not < 400')
  })
})

describe('Thresholds', () => {
  const value = fc.double({ min: -1e6, max: 1e6, noNaN: true })
  const order = ['pass', 'warning', 'fail']

  test('never judge a worse value better', () => {
    fc.assert(
      fc.property(
        fc.constantFrom('<', '<=', '>', '>='),
        fc.array(value, { minLength: 2, maxLength: 2 }),
        fc.tuple(value, value),
        (op, limits, measured) => {
          const upwards = op.startsWith('>')
          const [low = 0, high = 0] = limits.toSorted((a, b) => a - b)
          // The warning is stricter than the value.
          const [limit, warn] = upwards ? [low, high] : [high, low]
          const results = measured
            .toSorted((a, b) => (upwards ? b - a : a - b))
            .map((p95) => one({ metric: 'p95', op, value: limit, warn }, { p95 }).result)
          expect(results).toEqual(results.toSorted((a, b) => order.indexOf(a) - order.indexOf(b)))
        },
      ),
    )
  })

  test('parsed from any text can be judged', () => {
    fc.assert(
      fc.property(fc.oneof(fc.json(), fc.string()), fc.dictionary(fc.string(), fc.double()), (text, metrics) => {
        const read = z.safeParse(field, text)
        if (read.success) for (const { result } of checkThresholds(read.data, metrics)) expect(order).toContain(result)
      }),
    )
  })

  test('are judged one by one, in order', () => {
    const given: Threshold[] = [
      { metric: 'p95', op: '<', value: 500 },
      { metric: 'rate', op: '>=', value: 90 },
    ]
    const expected = [
      { ...given[0], actual: 612, result: 'fail' },
      { ...given[1], actual: 91, result: 'pass' },
    ]
    expect(checkThresholds(given, { rate: 91, p95: 612 })).toEqual(expected)
    expect(checkThresholds([], { p95: 1 })).toEqual([])
  })

  test('are a list, or JSON of a list in a form', () => {
    const given = [{ metric: 'p95', op: '<', value: 500, warn: 400 }]
    expect(parse(given)).toEqual(given)
    expect(parse(JSON.stringify(given))).toEqual(given)
    expect(parse([{ metric: 'p95', op: '<', value: '500', warn: '400' }])).toEqual(given)
    expect(parse([])).toEqual([])
  })

  test.each([
    ['text that is not JSON', 'p95<500'],
    ['JSON of an object', '{"metric":"p95"}'],
    ['an empty text', ''],
    ['an object', { metric: 'p95', op: '<', value: 500 }],
    ['an unknown operator', [{ metric: 'p95', op: '==', value: 500 }]],
    ['a threshold without a value', [{ metric: 'p95', op: '<' }]],
    ['a value that is not a number', [{ metric: 'p95', op: '<', value: 'fast' }]],
    ['a value that a template left empty', [{ metric: 'p95', op: '<', value: '' }]],
    ['a value that is null', [{ metric: 'p95', op: '<', value: null }]],
    ['a warning above the value', [{ metric: 'p95', op: '<', value: 500, warn: 600 }]],
    ['a warning below the value', [{ metric: 'rate', op: '>=', value: 90, warn: 80 }]],
    ['an infinite value', '[{"metric":"p95","op":"<","value":1e999}]'],
    ['an empty metric', [{ metric: '', op: '<', value: 500 }]],
    ['an unknown field', [{ metric: 'p95', op: '<', value: 500, warning: 400 }]],
    ['more than 50 thresholds', Array.from({ length: 51 }, () => ({ metric: 'p95', op: '<', value: 500 }))],
  ])('reject %s', (_, value) => {
    expect(z.safeParse(field, value).success).toBe(false)
  })
})
