import type { Store } from './store.ts'
import type { Observation } from './types.ts'
import type { Versions } from './versions.ts'

/** What the parts of the durable service share. */
export interface Core {
  store: Store
  versions: Versions
  /** Divides the server's own delays. */
  timeScale: number
  /** Told once a change is committed. */
  observe: (observation: Observation) => void
  /** Something is to be done at `at` (milliseconds since 1970): sets the alarm of the driver. */
  alarm: (at: number) => void
  /** An execution came to its end. */
  ended: (executionId: number) => void
}

/** @returns the delay of `seconds` on this server's clock, in milliseconds */
export function delayMs(core: Core, seconds: number): number {
  return Math.round((seconds * 1000) / core.timeScale)
}
