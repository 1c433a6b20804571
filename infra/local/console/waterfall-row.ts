import type { CallVerdict } from './call-summary.ts'

/** A row of a waterfall. Times are milliseconds since 1970. */
export interface Row {
  /** Stable between updates. */
  key: string
  level: 0 | 1 | 2
  kind: 'moment' | 'step' | 'attempt' | 'request' | 'polls' | 'wait' | 'next' | 'answer' | 'deadline'
  name: string
  /** A status or a short reason. */
  note: string
  /** An answer has its verdict, so that it has the same color everywhere. */
  tone: 'plain' | 'bad' | 'busy' | 'warn' | CallVerdict
  from: number
  /** Equal to `from` for a moment. */
  to: number
  /** When the wait after it ends. */
  waitUntil?: number | undefined
  /** Polls of a step: the time of each, and whether it failed. */
  ticks?: { at: number; bad: boolean }[]
  /** The call that the row leads to. */
  call?: string
  /** Number of the request in `outgoing`. */
  request?: number
  /** Whether the rows below it, with a higher level, are hidden at first. Undefined if they cannot be hidden. */
  isFolded?: boolean
}

export function rowOf(
  key: string,
  kind: Row['kind'],
  name: string,
  note: string,
  at: number,
  level: Row['level'] = 0,
): Row {
  return { key, level, kind, name, note, tone: 'plain', from: at, to: at }
}
