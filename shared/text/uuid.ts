/**
 * Returns an idempotency key as a UUID of version 4, which some platforms require for ids.
 *
 * @example const body = { id: uuidOf(idempotencyKey), title }
 */
export function uuidOf(key: string): string {
  const [, a, b, c, d, e] = /^(.{8})(.{4}).(.{3}).(.{3})(.{12})/.exec(key) ?? []
  return [a, b, `4${c}`, `8${d}`, e].join('-')
}
