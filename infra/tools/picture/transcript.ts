import { createHash } from 'node:crypto'

/** A line that a program printed. */
export interface PrintedLine {
  text: string
  /** Whether the program was silent for a second before. */
  isAfterPause: boolean
}

const PAUSE_MS = 1_000

/**
 * Returns a transcript without what differs between two runs: ports, times of day, ids, and the exact length of pauses.
 *
 * @param printed lines with the milliseconds since the line before
 */
export function toTranscript(printed: readonly { text: string; afterMs: number }[]): PrintedLine[] {
  const ids: string[] = []
  const toStableId = (id: string) => {
    if (!ids.includes(id)) ids.push(id)
    return createHash('sha1')
      .update(`${ids.indexOf(id)}`)
      .digest('hex')
  }
  return printed.map(({ text, afterMs }) => ({
    text: text
      .replace(/(?<=http:\/\/127\.0\.0\.1:)\d+/g, '8787')
      .replace(/\d{4}-\d\d-\d\d \d\d:\d\d UTC/g, '2026-12-01 14:00 UTC')
      .replace(/\b[\da-f]{40}\b/g, toStableId),
    isAfterPause: afterMs >= PAUSE_MS,
  }))
}
