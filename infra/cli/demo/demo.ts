import type { DemoRuntime, DemoSettings } from './demo-runtime.ts'

/** What happened at the platforms. */
export type Effects = Record<string, string | number | boolean>

/** A demonstration, which runs in a runtime of its own. */
export interface Demo<E extends Effects = Effects> {
  settings: DemoSettings
  /** What the runtime has, for the first line. */
  setting: string
  /** Prints a line for each step: who acts, and what happens. */
  play(runtime: DemoRuntime, print: (line: string) => void): Promise<E>
  /** The effects if everything happened once. */
  expected: E
}
