/** What makes a call the same call when it comes again: never a time, a request id or the order of headers. */
export interface Identity {
  caller: string
  eventId: string
  category: string
  action: string
  connection: string
  mode: 'silent' | 'interactive'
  input: unknown
}

/**
 * The name of a call: equal for a second delivery of the same subscription, different for another subscription of the same
 * trigger (another connection, another channel). 40 hex digits, so that it fits every platform's field and Lambda's names.
 */
export async function identify(identity: Identity): Promise<string> {
  const { createHash } = await import('node:crypto')
  return createHash('sha256').update(canonical(identity)).digest('hex').slice(0, 40)
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
