import { describe, expect, test } from '@jest/globals'
import { changedSinceApproval, compareWith, requestFormOf } from '../../../shared/core/approved-request.ts'
import type { SentRequest } from '../../../shared/http/exchange.ts'

const sent = (body: unknown, more: Partial<SentRequest> = {}): SentRequest => ({
  method: 'POST',
  url: 'https://ci.example/jobs?wait=1',
  headers: { authorization: `Bearer ${Math.random()}` },
  body: JSON.stringify(body),
  ...more,
})
const at = (second: number) => `2026-11-30T21:59:${String(second).padStart(2, '0')}.${second}Z`
const body = (second: number, ref = 'main') => ({
  ref,
  at: at(second),
  epoch: 1_796_000_000 + second,
  steps: ['a', 'b'],
})

function hasChanged(first: SentRequest, second: SentRequest, later: SentRequest): boolean | undefined {
  const form = requestFormOf(first, second)
  if (!form) return undefined
  // The form is stored as JSON between both.
  const comparison = compareWith(JSON.parse(JSON.stringify(form)))
  try {
    comparison.intercept(later)
  } catch {
    expect(comparison.hasChanged()).toBe(true)
  }
  return comparison.hasChanged()
}

describe('A request that people have approved', () => {
  test.each<[what: string, later: SentRequest, changed: boolean]>([
    ['is the same with another time', sent({ ...body(1), at: '2026-12-01T08:00:00.7Z', epoch: 1_796_100_000 }), false],
    ['has changed with another value', sent(body(1, 'other')), true],
    ['has changed with another number', sent({ ...body(1), steps: ['a', 'c'] }), true],
    ['has changed with another structure', sent({ ...body(1), steps: 'a,b' }), true],
    ['has changed with another URL', sent(body(1), { url: 'https://ci.example/jobs?wait=2' }), true],
    ['has changed with another method', sent(body(1), { method: 'PUT' }), true],
    ['has changed with one more field', sent({ ...body(1), force: true }), true],
    ['has changed without its body', sent(undefined), true],
  ])('%s', (_what, later, changed) => {
    expect(hasChanged(sent(body(1)), sent(body(2)), later)).toBe(changed)
  })

  test('cannot be compared if its structure changes by itself', () => {
    expect(requestFormOf(sent({ a: [1] }), sent({ a: [1, 2] }))).toBeUndefined()
  })

  test('is the first one that writes: later ones are not compared, and none is sent after a change', () => {
    const form = requestFormOf(sent(body(1)), sent(body(2)))
    if (!form) throw new Error('There is no form.')
    const same = compareWith(form)
    for (const request of [sent(body(3)), sent({ other: true })]) expect(same.intercept(request)).toBeUndefined()
    const changed = compareWith(form)
    for (const request of [sent(body(3, 'other')), sent(body(3))]) expect(() => changed.intercept(request)).toThrow()
  })

  test('whose outcome is unknown is not reported as not sent', () => {
    expect(changedSinceApproval(false)).toMatchObject({ status: 'succeeded', result: 'fail' })
    expect(changedSinceApproval(true)).toMatchObject({
      status: 'errored',
      message: expect.stringContaining('check it'),
    })
  })
})
