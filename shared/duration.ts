import { Failure } from './errors.ts'

const ISO_8601 = /^P(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?$/

/**
 * Returns the seconds of an ISO 8601 duration, such as `PT2H`, `P1DT12H` or `PT90S`. Refuses years and months, because
 * their length varies.
 *
 * @throws Failure `invalid`, also for zero
 */
export function parseDuration(text: string, path: string): number {
  const found = ISO_8601.exec(text.toUpperCase())
  const [weeks = 0, days = 0, hours = 0, minutes = 0, seconds = 0] = (found ?? []).slice(1).map((n) => Number(n ?? 0))
  const total = (((weeks * 7 + days) * 24 + hours) * 60 + minutes) * 60 + seconds
  if (!found || total === 0) {
    throw new Failure(
      'invalid',
      `${path} must be an ISO 8601 duration such as PT30M, PT2H or P1D, not "${text.slice(0, 40)}"`,
      {
        errors: [{ path, message: 'write an ISO 8601 duration such as PT30M, PT2H or P1D' }],
      },
    )
  }
  return total
}

/** Formats seconds in the largest unit without a remainder: `90 s`, `30 min`, `2 h`, `7 d`. */
export function formatDuration(seconds: number): string {
  for (const [unit, size] of [
    ['d', 86_400],
    ['h', 3_600],
    ['min', 60],
  ] as const) {
    if (seconds >= size && seconds % size === 0) return `${seconds / size} ${unit}`
  }
  return `${seconds} s`
}
