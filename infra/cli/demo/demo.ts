import type { DemoRuntime, DemoSettings } from './demo-runtime.ts'

/** The effects at the platforms. */
export type Effects = Record<string, string | number | boolean>

/** A demonstration, which runs in a runtime of its own. */
export interface Demo<E extends Effects = Effects> {
  settings: DemoSettings
  /** A description of the runtime for the first line. */
  setting: string
  /** Prints a line for each step: who acts, and what happens. */
  play(runtime: DemoRuntime, print: (line: string) => void): Promise<E>
  /** The effects if everything happened once. */
  expected: E
  /** Those effects that differ if the person rejects what has been proposed. */
  expectedIfRejected?: Partial<E>
}
