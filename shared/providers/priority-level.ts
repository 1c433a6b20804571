/** The levels of priority, urgency and severity, independent of the platform. */
export type Level = 'critical' | 'high' | 'medium' | 'low'

/** A platform's value for each level. */
export type Levels<Value extends string = string> = Record<Level, Value>

/**
 * Returns the platform's value for a level. Returns other values unchanged, because they are the platform's own.
 *
 * @example platformLevel({ critical: 'P1', high: 'P2', medium: 'P3', low: 'P4' }, 'high') // P2
 */
export function platformLevel(levels: Levels, value: string): string {
  const level = value.trim().toLowerCase()
  return Object.hasOwn(levels, level) ? levels[level as Level] : value
}
