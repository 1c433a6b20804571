import type { Store } from './store.ts'
import type { Observation } from './types.ts'
import type { Versions } from './versions.ts'

/** State that the parts of the durable service share. */
export interface Core {
  store: Store
  versions: Versions
  /** Divides all delays. */
  timeScale: number
  /** Timers ignore changes of the clock and sleeping laptops, so the database is checked at least this often. */
  clockCheckMs: number
  /** Called after a change is committed. */
  observe: (observation: Observation) => void
  /** Schedules a tick of the driver, in milliseconds since 1970. */
  alarm: (at: number) => void
  /** Called when an execution has ended. */
  ended: (executionId: number) => void
}

/** Converts a delay to milliseconds on the scaled clock. */
export function delayMs(core: Core, seconds: number): number {
  return Math.round((seconds * 1000) / core.timeScale)
}
