/**
 * Returns the time of day in UTC for a line of output.
 *
 * @example clockTime(Date.parse('2026-11-24T12:00:00+01:00')) // 11:00:00.000Z
 */
export function clockTime(at: number): string {
  return new Date(at).toISOString().slice(11)
}
