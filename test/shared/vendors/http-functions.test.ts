import { search } from '@aws-lambda-powertools/jmespath'
import { describe, expect, it } from '@jest/globals'
import { connectionFunctions } from '../../../shared/vendors/http/functions.ts'

const evaluate = (expression: string, data: unknown = {}) =>
  search(expression, data as never, { customFunctions: connectionFunctions })

describe('Functions of a connection', () => {
  it.each([
    ["split('a/b/c', '/')[2]", 'c'],
    ["replace('a.b.c', '.', '$&')", 'a$&b$&c'],
    ["replace('abc', '', 'x')", 'abc'],
    [String.raw`match('Ticket 42 created', 'Ticket (\d+)')[1]`, '42'],
    ["match('nothing', 'Ticket (.)')", null],
    ["lower('ÄB')", 'äb'],
    ["upper('äb')", 'ÄB'],
    ["trim(' a ')", 'a'],
    ["to_string('a')", 'a'],
    ['to_string(`5`)', '5'],
    ['to_string(`{"a": 1}`)', '{"a":1}'],
    ['to_string(nothing)', null],
    ['html(\'a <b> & "c"\n\r\nd\')', 'a &lt;b&gt; &amp; &quot;c&quot;<br><br>d'],
    ["time_add('2026-11-27T10:00:00Z', 'PT90M')", '2026-11-27T11:30:00Z'],
    ["time_add('2026-11-27T10:00:00.500+01:00', '-P1D')", '2026-11-26T09:00:00Z'],
    ["to_epoch('2026-11-27T10:00:00Z')", 1795773600],
    ['from_epoch(`1795773600`)', '2026-11-27T10:00:00Z'],
  ])('%s', (expression, expected) => {
    expect(evaluate(expression)).toEqual(expected)
  })

  it('filters a list by a value from outside the list', () => {
    const data = { key: 'k2', builds: [{ id: 1, params: { ref: 'k1' } }, { id: 2, params: { ref: 'k2' } }, { id: 3 }] }
    expect(evaluate('where(builds, &params.ref, key)[].id', data)).toEqual([2])
    expect(evaluate('where(builds, &params.ref, missing)', data)).toEqual([])
  })

  it('filters a list by a text that an item contains', () => {
    const data = { key: 'k2', comments: [{ id: 1, text: 'see k2' }, { id: 2 }] }
    expect(evaluate('where_contains(comments, &text, key)[0].id', data)).toBe(1)
    expect(evaluate('where_contains(comments, &text, missing)', data)).toEqual([])
  })

  it.each([
    ["time_add('today', 'PT1H')", /time_add\(\): the first argument is not an ISO 8601 time/],
    ["time_add('2026-11-27', '1 hour')", /time_add\(\): the second argument is not an ISO 8601 duration/],
    ['split(`1`, `2`)', /Invalid argument type for function split/],
    ['from_epoch(`1e20`)', /from_epoch\(\): the time is outside the range of dates/],
    ["match('a', '(')", /match\(\): the second argument is not a regular expression/],
  ])('%s reports what is wrong', (expression, message) => {
    expect(() => evaluate(expression)).toThrow(message)
  })
})
