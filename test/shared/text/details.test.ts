import { describe, expect, test } from '@jest/globals'
import { fitParts, missingIn, partOf, requestPart, storedDetails, textOf } from '../../../shared/text/details.ts'

const linesOf = (value: unknown) =>
  textOf([partOf('Input', value)])
    .split('\n')
    .slice(1)
const requestLines = (request: string) =>
  textOf([requestPart('Request', request)])
    .split('\n')
    .slice(1)
const fitting = (value: unknown, max: number) =>
  fitParts([partOf('Input', value)], (parts) => textOf(parts).length <= max)

describe('The lines of an input', () => {
  test('have the complete path of each field, and lists of plain values in one line', () => {
    const input = {
      title: 'One',
      parameters: { 'a b': { c: null }, tags: ['x', 1] },
      steps: [{ run: true }, []],
      none: {},
    }
    expect(linesOf(input)).toEqual([
      '"title": "One"',
      '"parameters"."a b"."c": null',
      '"parameters"."tags": ["x",1]',
      '"steps"[0]."run": true',
      '"steps"[1]: []',
      '"none": {}',
    ])
  })

  test('show characters that people cannot see, and end with the value', () => {
    const invisible = '\u0085\u2028\u2029\u202e\u200b\u00a0\u3164\u0007\ud800\udb40\udc41'
    expect(linesOf({ [`a${invisible}`]: `b${invisible}\nc` })).toEqual([
      '"a\\u0085\\u2028\\u2029\\u202e\\u200b\\u00a0\\u3164\\u0007\\ud800\\udb40\\udc41": "b\\u0085\\u2028\\u2029\\u202e\\u200b\\u00a0\\u3164\\u0007\\ud800\\udb40\\udc41\\nc"',
    ])
    expect(linesOf({ a: `b${' '.repeat(80)}Caller: jane` })).toEqual(['"a": "b … (80 spaces) Caller: jane"'])
  })

  test('are those of a text or of nothing', () => {
    expect([linesOf('x'), linesOf(undefined), linesOf({})]).toEqual([['"x"'], ['null'], ['{}']])
  })
})

describe('The lines of a request', () => {
  test('are its address, its query and the fields of its body', () => {
    expect(requestLines('POST https://ci.example/a?x=1&y=a%20b\n{"a":{"b":1}}')).toEqual([
      'POST https://ci.example/a',
      '?"x": "1"',
      '?"y": "a b"',
      '"a"."b": 1',
    ])
    expect(requestLines('POST https://ci.example/a\nname=x+y&force=%0atrue')).toEqual([
      'POST https://ci.example/a',
      '"name": "x y"',
      '"force": "\\ntrue"',
    ])
    expect(requestLines('DELETE https://ci.example/a')).toEqual(['DELETE https://ci.example/a'])
  })

  test.each([
    ['that has a name twice', '{"a":1,"a":2}'],
    ['with a number that JavaScript rounds', '{"a":12345678901234567890}'],
    ['that is not JSON', '<a>\u2028</a>'],
  ])('are those of a body %s as it is sent', (_what, body) => {
    const [, ...lines] = requestLines(`POST https://ci.example/a\n${body}\nb`)
    expect(lines).toEqual([JSON.stringify(body).replace('\u2028', '\\u2028'), '"b"'])
  })
})

describe('Details that do not fit', () => {
  test('have the short values first, and all names', () => {
    const shown = fitting({ note: 'x'.repeat(1_300), list: ['y'.repeat(900)], target: 'production' }, 300)
    expect(textOf(shown).split('\n')).toEqual([
      'Input:',
      '"target": "production"',
      expect.stringMatching(/^"note": "x{40,}…" \(1,300 characters\)$/),
      expect.stringMatching(/^"list": \["y+… \(904 characters\)$/),
    ])
    expect(missingIn(shown)).toBe('2 values are cut')
  })

  test('count the names that are missing', () => {
    const shown = fitting(Object.fromEntries(Array.from({ length: 100 }, (_, i) => [`name${i}`, 'x'.repeat(99)])), 500)
    const lines = textOf(shown).split('\n')
    const last = lines.at(-1)
    expect(last).toBe(`and ${100 - (lines.length - 2)} more, which are not shown here`)
    expect(missingIn(shown)).toContain('fields are missing')
  })

  test('keep one field, and say so', () => {
    expect(missingIn(fitting({ a: 'x'.repeat(1_000), ['b'.repeat(900)]: 1 }, 300))).toBe(
      '1 value is cut, and 1 field is missing',
    )
  })

  test('are complete if they fit', () => {
    expect(missingIn(fitting({ a: 'x'.repeat(1_000) }, 2_000))).toBeUndefined()
  })

  test('are stored within the limits of the table, for the largest body of a call', () => {
    const names = Object.fromEntries(Array.from({ length: 20_000 }, (_, index) => [`name${index}`, '"']))
    for (const input of [{ text: '"'.repeat(250_000) }, { deep: { [`${'n'.repeat(20_000)}`]: names } }]) {
      const details = storedDetails('why', [
        partOf('Input', input),
        requestPart('Request', `POST /\n${JSON.stringify(input)}`),
      ])
      expect(JSON.stringify(details).length).toBeLessThan(125_000)
      expect(missingIn(details.parts)).toBeDefined()
    }
  })
})
