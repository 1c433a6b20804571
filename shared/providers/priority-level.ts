/** How bad something is, the same words whatever the platform calls it: priority, urgency or severity. */
export type Level = 'critical' | 'high' | 'medium' | 'low'

/** A platform's value for each level. */
export type Levels<Value extends string = string> = Record<Level, Value>

/**
 * The platform's value for a level; what is no level is taken to be the platform's own value, and stays as it is.
 *
 * @param table of the platform: each is shown in the README of its category
 */
export function platformLevel(table: Levels, value: string): string {
  const level = value.trim().toLowerCase()
  return Object.hasOwn(table, level) ? table[level as Level] : value
}
