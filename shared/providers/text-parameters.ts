/**
 * Returns parameters as text, which most platforms require. Other values become JSON.
 *
 * @example toTextParameters({ month: 11, tags: ['a'] }) // { month: '11', tags: '["a"]' }
 */
export function toTextParameters(parameters: Record<string, unknown> = {}): Record<string, string> {
  return Object.fromEntries(
    Object.entries(parameters).map(([name, value]) => [
      name,
      typeof value === 'string' ? value : JSON.stringify(value),
    ]),
  )
}
