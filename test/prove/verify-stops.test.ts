import { expect, test } from '@jest/globals'
import type { Entry } from './call-records.ts'
import { callOf } from './calls.ts'
import { verifyStops } from './verify-stops.ts'

const SECOND_MS = 1_000
const at = (seconds: number) => 1_000_000 + seconds * SECOND_MS

/** Returns the claims that a call breaks which writes at some times, with a stop from the 20th to the 60th second. */
function judge(wroteAt: number[], { connection = 'stoppable', backSteps = [] as { at: number; by: number }[] } = {}) {
  const { engine: _, ...plan } = callOf(1, 1)
  const call = { ...plan, effect: 'issues' as const, restriction: { connection, asks: [] } }
  const entry: Entry = { call, deliveries: [], accepted: { at: at(10), taskId: 'task' } }
  const { violations, stopped } = verifyStops({
    entries: [entry],
    records: { writes: () => new Map([[call.id, wroteAt.map(at)]]) },
    stops: [{ start: at(20), end: at(60), connections: ['stoppable', 'cart'] }],
    backSteps,
    unstepped: (time) => time,
  })
  return { claims: violations.map(({ claim }) => claim), stopped }
}

test.each<[string, ReturnType<typeof judge>['claims'], Parameters<typeof judge>]>([
  ['a write during a stop', ['stopped'], [[40]]],
  ['a second write during a stop', ['stopped'], [[15, 40]]],
  ['nothing before the stop', [], [[15]]],
  ['nothing until everyone knows the stop', [], [[24]]],
  ['a write until a second before it is lifted', ['stopped'], [[59]]],
  ['nothing in the second in which it is lifted', [], [[59.5]]],
  ['nothing when it is lifted', [], [[61]]],
  ['nothing for another connection', [], [[40], { connection: 'search' }]],
  ['nothing if the clock was set back', [], [[40], { backSteps: [{ at: at(21), by: 15 * SECOND_MS }] }]],
])('verifyStops reports %s', (_what, claims, [wroteAt, more]) => {
  expect(judge(wroteAt, more).claims).toEqual(claims)
})

test('verifyStops counts the accepted calls that met a stop', () => {
  expect([judge([61]).stopped, judge([61], { connection: 'search' }).stopped]).toEqual([1, 0])
})
