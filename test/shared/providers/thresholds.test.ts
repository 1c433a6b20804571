import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import * as z from 'zod/mini'
import { checkThresholds, describeThreshold, type Threshold, thresholds } from '../../../shared/providers/thresholds.ts'

const field = thresholds('What must hold')
const parse = (value: unknown) => z.parse(field, value)
const one = (threshold: Threshold, metrics: Record<string, number>) => {
  const [judged] = checkThresholds([threshold], metrics)
  if (!judged) throw new Error('Nothing was judged')
  return judged
}

describe('a threshold', () => {
  test.each<[op: Threshold['op'], below: string, at: string, above: string]>([
    ['<', 'pass', 'fail', 'fail'],
    ['<=', 'pass', 'pass', 'fail'],
    ['>', 'fail', 'fail', 'pass'],
    ['>=', 'fail', 'pass', 'pass'],
  ])('%s 500 holds below, at and above: %s, %s, %s', (op, ...expected) => {
    const results = [499.99, 500, 500.01].map((p95) => one({ metric: 'p95', op, value: 500 }, { p95 }).result)
    expect(results).toEqual(expected)
  })

  test.each<[op: Threshold['op'], expected: string[]]>([
    ['<', ['pass', 'warning', 'warning', 'fail', 'fail']],
    ['<=', ['pass', 'pass', 'warning', 'warning', 'fail']],
  ])('%s 500 warns from 400 on', (op, expected) => {
    const measured = [399, 400, 499, 500, 501]
    const results = measured.map((p95) => one({ metric: 'p95', op, value: 500, warn: 400 }, { p95 }).result)
    expect(results).toEqual(expected)
  })

  test.each<[op: Threshold['op'], expected: string[]]>([
    ['>', ['fail', 'fail', 'warning', 'warning', 'pass']],
    ['>=', ['fail', 'warning', 'warning', 'pass', 'pass']],
  ])('%s 90 warns up to 95', (op, expected) => {
    const measured = [89, 90, 94, 95, 96]
    const results = measured.map((rate) => one({ metric: 'rate', op, value: 90, warn: 95 }, { rate }).result)
    expect(results).toEqual(expected)
  })

  test('of zero, and of a measured zero, is one like any other', () => {
    expect(one({ metric: 'errors', op: '<=', value: 0 }, { errors: 0 }).result).toBe('pass')
    expect(one({ metric: 'errors', op: '<', value: 0 }, { errors: 0 }).result).toBe('fail')
  })

  test.each([
    ['was not measured', {}],
    ['is not a number', { p95: Number.NaN }],
    ['only looks like one', { other: 1 }],
  ])('fails where its metric %s', (_, metrics: Record<string, number>) => {
    const judged = one({ metric: 'p95', op: '<', value: 500, warn: 400 }, metrics)
    expect(judged).toMatchObject({ result: 'fail', actual: null })
    expect(describeThreshold(judged)).toBe('p95 was not measured')
  })

  test('does not take what every object has for a metric', () => {
    expect(one({ metric: 'constructor', op: '>', value: 0 }, {}).actual).toBeNull()
  })

  test('says what was missed: the limit, or where it warns', () => {
    const p95: Threshold = { metric: 'p95', op: '<', value: 500, warn: 400 }
    expect(describeThreshold(one(p95, { p95: 612 }))).toBe('p95 is 612, not < 500')
    expect(describeThreshold(one(p95, { p95: 450 }))).toBe('p95 is 450, not < 400')
  })
})

describe('thresholds', () => {
  const value = fc.double({ min: -1e6, max: 1e6, noNaN: true })
  const order = ['pass', 'warning', 'fail']

  test('of any kind are never passed by what is worse', () => {
    fc.assert(
      fc.property(
        fc.constantFrom('<', '<=', '>', '>='),
        fc.array(value, { minLength: 2, maxLength: 2 }),
        fc.tuple(value, value),
        (op, limits, measured) => {
          const upwards = op.startsWith('>')
          const [low = 0, high = 0] = limits.toSorted((a, b) => a - b)
          // Stricter is on the good side of the limit.
          const [limit, warn] = upwards ? [low, high] : [high, low]
          const results = measured
            .toSorted((a, b) => (upwards ? b - a : a - b))
            .map((p95) => one({ metric: 'p95', op, value: limit, warn }, { p95 }).result)
          expect(results).toEqual(results.toSorted((a, b) => order.indexOf(a) - order.indexOf(b)))
        },
      ),
    )
  })

  test('of any text are read, or refused, and what is read is judged', () => {
    fc.assert(
      fc.property(fc.oneof(fc.json(), fc.string()), fc.dictionary(fc.string(), fc.double()), (text, metrics) => {
        const read = z.safeParse(field, text)
        if (read.success) for (const { result } of checkThresholds(read.data, metrics)) expect(order).toContain(result)
      }),
    )
  })

  test('are judged each by itself, in their order', () => {
    const asked: Threshold[] = [
      { metric: 'p95', op: '<', value: 500 },
      { metric: 'rate', op: '>=', value: 90 },
    ]
    expect(checkThresholds(asked, { rate: 91, p95: 612 })).toEqual([
      { ...asked[0], actual: 612, result: 'fail' },
      { ...asked[1], actual: 91, result: 'pass' },
    ])
    expect(checkThresholds([], { p95: 1 })).toEqual([])
  })

  test('come as a list, and as its JSON where a form carries it', () => {
    const asked = [{ metric: 'p95', op: '<', value: 500, warn: 400 }]
    expect(parse(asked)).toEqual(asked)
    expect(parse(JSON.stringify(asked))).toEqual(asked)
    expect(parse([{ metric: 'p95', op: '<', value: '500', warn: '400' }])).toEqual(asked)
    expect(parse([])).toEqual([])
  })

  test.each([
    ['no JSON', 'p95<500'],
    ['JSON of something else', '{"metric":"p95"}'],
    ['an empty text', ''],
    ['no list', { metric: 'p95', op: '<', value: 500 }],
    ['an operator that is none', [{ metric: 'p95', op: '==', value: 500 }]],
    ['no value', [{ metric: 'p95', op: '<' }]],
    ['a value that is no number', [{ metric: 'p95', op: '<', value: 'fast' }]],
    ['a value that a template left empty', [{ metric: 'p95', op: '<', value: '' }]],
    ['a value that is not there', [{ metric: 'p95', op: '<', value: null }]],
    ['a warning that would never warn', [{ metric: 'p95', op: '<', value: 500, warn: 600 }]],
    ['the same the other way round', [{ metric: 'rate', op: '>=', value: 90, warn: 80 }]],
    ['a value without an end', '[{"metric":"p95","op":"<","value":1e999}]'],
    ['no metric', [{ metric: '', op: '<', value: 500 }]],
    ['a field too many', [{ metric: 'p95', op: '<', value: 500, warning: 400 }]],
    ['more than fifty', Array.from({ length: 51 }, () => ({ metric: 'p95', op: '<', value: 500 }))],
  ])('are refused where they are %s', (_, value) => {
    expect(z.safeParse(field, value).success).toBe(false)
  })
})
