import { expect, test } from '@jest/globals'
import type { Entry } from './call-records.ts'
import { callOf } from './calls.ts'
import { verifyTurns } from './verify-turns.ts'

/** Returns the violations for jobs, each with its target, and with its start and end in milliseconds. */
function judge(...jobs: [target: string, start: number, end: number, status?: string, call?: number][]) {
  const entries = new Map<number, Entry>()
  for (const [index, [connection, , , , call = index]] of jobs.entries()) {
    const restriction = { connection, asks: [], takesTurn: true as const }
    entries.set(call, { call: { ...callOf(1, call), id: `call-${call}`, restriction }, deliveries: [] })
  }
  const records = {
    jobSpans: () => jobs.map(([, start, end, , call], index) => ({ id: `call-${call ?? index}`, start, end })),
    events: () =>
      jobs.map(([, , , status = 'succeeded', call], index) => ({
        seq: index,
        at: 0,
        type: 'finished',
        triggeredid: `call-${call ?? index}`,
        data: { status },
        shkeptncontext: '',
      })),
  }
  return verifyTurns({ entries: entries.values(), records, unstepped: (at) => at }).violations
}

test('two jobs of one target that overlap are a violation', () => {
  expect(judge(['cart', 0, 1_000], ['cart', 900, 2_000])).toEqual([
    { claim: 'alone', id: 'call-1', detail: 'its job for cart started 100 ms before the end of another one' },
  ])
})

test.each([
  ['one job after the other', ['cart', 0, 1_000], ['cart', 1_000, 2_000]],
  ['jobs of two targets', ['cart', 0, 1_000], ['search', 0, 1_000]],
  ['a job whose task does not know if it runs', ['cart', 0, 1_000, 'errored'], ['cart', 900, 2_000]],
  ['a job that is started again', ['cart', 0, 1_000, 'succeeded', 7], ['cart', 900, 2_000, 'succeeded', 7]],
] as const)('%s: no violation', (_, first, second) => {
  expect(judge([...first], [...second])).toEqual([])
})
