/**
 * Returns whether a rule is for an action. A rule for everything must not keep anybody from stopping what runs, so an action that
 * stops must be named.
 *
 * @param patterns undefined for all actions
 * @param names `<category>/<action>`, with each name that the action has or had
 */
export function matchesAction(
  patterns: readonly string[] | undefined,
  names: readonly string[],
  isFree: boolean,
): boolean {
  if (isFree) return names.some((name) => patterns?.includes(name))
  return patterns === undefined || names.some((name) => isAnyOf(patterns, name))
}

/**
 * Returns whether a rule is for a connection.
 *
 * @param patterns names of connections, or `<category>/<connection>`. Undefined for all connections
 */
export function matchesConnection(
  patterns: readonly string[] | undefined,
  category: string,
  connection: string,
): boolean {
  return patterns === undefined || isAnyOf(patterns, connection) || isAnyOf(patterns, `${category}/${connection}`)
}

/** Compares a name with patterns. */
export function isAnyOf(names: readonly string[], name: string): boolean {
  return names.some((pattern) => matchesName(pattern, name))
}

/**
 * Compares a name with a pattern. Takes linear time, because callers choose names.
 *
 * @param pattern a name, in which `*` stands for any characters
 */
export function matchesName(pattern: string, name: string): boolean {
  const start = pattern.indexOf('*')
  if (start < 0) return pattern === name
  // Most names differ here: each call is compared with all rules and stops.
  if (!name.startsWith(pattern.slice(0, start))) return false
  const parts = pattern.slice(start + 1).split('*')
  const end = parts.pop() ?? ''
  let position = start
  for (const part of parts) {
    const found = name.indexOf(part, position)
    if (found < 0) return false
    position = found + part.length
  }
  return name.length - end.length >= position && name.endsWith(end)
}
