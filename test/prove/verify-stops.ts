import type { Entry } from './call-records.ts'
import type { StopSpan } from './fault-injector.ts'
import type { Effect, PlatformRecords } from './platform-records.ts'
import type { Violation } from './verify.ts'

/** The input of the check. */
export interface StopEvidence {
  entries: Iterable<Entry>
  records: Pick<PlatformRecords, 'writes'>
  stops: readonly StopSpan[]
  backSteps: readonly { at: number; by: number }[]
  /** Converts a time of the process to the true time. */
  unstepped(at: number): number
}

/** A stop is in force everywhere after this time, by the documentation. */
const IN_FORCE_MS = 5_000
/** For a request that a slow platform, or a busy machine, handles later. */
const TOLERANCE_MS = 5_000
/** The times of records have no milliseconds. */
const PRECISION_MS = 1_000
/** Only these records have a time, and only actions with these effects are restricted. */
const TIMED: readonly (Effect | undefined)[] = ['issues', 'comments', 'incidents', 'job runs']

/** Compares the times of the writes at the platforms with those of the stops. */
export function verifyStops({ entries, records, stops, backSteps, unstepped }: StopEvidence): {
  violations: Violation[]
  /** How many accepted calls met a stop. */
  stopped: number
} {
  const violations: Violation[] = []
  const writes = new Map<Effect, Map<string, number[]>>()
  let stopped = 0
  for (const { call, accepted, finishedAt = Number.POSITIVE_INFINITY } of entries) {
    const { effect, restriction } = call
    if (!restriction || !effect || !TIMED.includes(effect)) continue
    const mine = stops.filter(({ connections }) => connections.includes(restriction.connection))
    if (accepted && mine.some(({ start, end }) => start < finishedAt && end > accepted.at)) stopped += 1
    const times = writes.get(effect) ?? records.writes(effect)
    writes.set(effect, times)
    for (const time of times.get(call.id) ?? []) {
      const at = unstepped(time)
      const stop = mine.find(
        ({ start, end }) => at + PRECISION_MS <= end && at > start + IN_FORCE_MS + TOLERANCE_MS + backIn(start, at),
      )
      if (stop)
        violations.push({
          claim: 'stopped',
          id: call.id,
          detail: `it wrote ${Math.round(at - stop.start)} ms after ${restriction.connection} was stopped`,
        })
    }
  }
  return { violations, stopped }

  /** A function whose clock is set back uses what it has read for longer. */
  function backIn(from: number, to: number): number {
    return backSteps.reduce((sum, { at, by }) => sum + (at > from - IN_FORCE_MS && at < to ? by : 0), 0)
  }
}
