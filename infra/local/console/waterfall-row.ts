import type { Verdict } from './call-summary.ts'
export interface Row {
  /** Stable between updates. */
  key: string
  level: 0 | 1 | 2
  kind: 'moment' | 'step' | 'attempt' | 'request' | 'polls' | 'wait' | 'next' | 'answer' | 'deadline'
  name: string
  /** A status or a short reason. */
  note: string
  /** An answer has its verdict, so that it has the same color everywhere. */
  tone: 'plain' | 'bad' | 'busy' | 'warn' | Verdict
  from: number
  /** Equal to `from` for a moment. */
  to: number
  /** When the wait after it ends. */
  waitUntil?: number | undefined
  /** Polls of a step: the time of each, and whether it failed. */
  ticks?: { at: number; bad: boolean }[]
  /** Number of the request in `outgoing`. */
  request?: number
  /** Whether the rows below it, with a higher level, are hidden at first. Undefined if they cannot be hidden. */
  isFolded?: boolean
}
