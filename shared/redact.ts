/**
 * The secret values that this process has seen. Everything that leaves (logs, answers, events, step results) passes `mask`,
 * so a platform that echoes our token in its error does not publish it.
 */
const secrets = new Set<string>()
/** Longest first: one secret may hold another, as a URL holds its token. */
let longestFirst: string[] = []

/** Below this a value would mask ordinary words; connection schemas refuse secrets that are shorter. */
export const shortestSecret = 6

const star = '***'

/** Remembers a secret value, with the encodings in which it may come back. */
export function remember(value: string): void {
  if (value.length < shortestSecret || secrets.has(value)) return
  secrets.add(value)
  for (const form of [
    encodeURIComponent(value),
    Buffer.from(value).toString('base64'),
    JSON.stringify(value).slice(1, -1),
  ]) {
    if (form !== value) secrets.add(form)
  }
  longestFirst = [...secrets].sort((a, b) => b.length - a.length)
}

/** The text with each known secret value replaced by `***`. */
export function mask(text: string): string {
  let masked = text
  for (const secret of longestFirst) {
    if (masked.includes(secret)) masked = masked.replaceAll(secret, star)
  }
  return masked
}

/** A copy of a JSON value in which no text, and no property name, holds a known secret. */
export function maskDeep<T>(value: T): T {
  if (typeof value === 'string') return mask(value) as T
  if (Array.isArray(value)) return value.map(maskDeep) as T
  if (value !== null && typeof value === 'object') {
    return Object.fromEntries(Object.entries(value).map(([name, held]) => [mask(name), maskDeep(held)])) as T
  }
  return value
}
