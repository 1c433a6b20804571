/** What makes two requests the same call. It contains no time, no request id and no header order: they differ between deliveries. */
export interface Identity {
  /** The name of the idempotency table: two deployments of one account never share an id. */
  deployment: string
  caller: string
  eventId: string
  category: string
  action: string
  connection: string
  mode: 'silent' | 'interactive'
  /** A dry run must not stand for the real call. */
  dryRun: boolean
  input: unknown
}

/**
 * The id of a call: equal for a second delivery of the same subscription, different for another subscription of the same
 * trigger (another connection, another channel). It is an HMAC, so nobody without the key can compute the id of another
 * caller's call. 40 hex digits fit into every platform's field and into Lambda's execution names.
 *
 * @param key of the secret `identity`
 */
export async function identify(identity: Identity, key: string): Promise<string> {
  const { hmacHex } = await import('../auth/hmac.ts')
  return hmacHex(key, canonical(identity)).slice(0, 40)
}

/** JSON whose bytes depend on the value alone: names sorted, nothing undefined. */
export function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map((item) => canonical(item ?? null)).join(',')}]`
  if (value !== null && typeof value === 'object') {
    const fields = Object.entries(value)
      .filter(([, held]) => held !== undefined)
      .sort(([a], [b]) => (a < b ? -1 : 1))
    return `{${fields.map(([name, held]) => `${JSON.stringify(name)}:${canonical(held)}`).join(',')}}`
  }
  return JSON.stringify(value)
}
