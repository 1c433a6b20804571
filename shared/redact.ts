/**
 * The secret values that this process has seen. Everything that leaves (logs, answers, events, step results) passes `mask`,
 * so a platform that echoes our token in its error does not publish it.
 */
const secrets = new Set<string>()
/** All their forms, longest first: one secret may hold another, as a URL holds its token. */
let longestFirst: string[] = []

/** Below this a value would mask ordinary words; connection schemas refuse secrets that are shorter. */
export const shortestSecret = 6

const star = '***'

/** Remembers a secret value, with the encodings in which it may come back. */
export function remember(value: string): void {
  if (value.length < shortestSecret || secrets.has(value)) return
  secrets.add(value)
  longestFirst = [...new Set([...longestFirst, ...formsOf(value)])].sort((a, b) => b.length - a.length)
}

/** As it is, and as URLs, forms, JSON, HTML and base64 have it. */
function formsOf(value: string): string[] {
  // Half of a character that takes two places can not be encoded.
  const text = value.toWellFormed()
  const percent = [encodeURIComponent(text), new URLSearchParams({ '': text }).toString().slice(1)]
  const json = JSON.stringify(value).slice(1, -1)
  const base64 = Buffer.from(text).toString('base64')
  return [
    value,
    ...percent,
    ...percent.map((form) => form.replace(/%../g, (sign) => sign.toLowerCase())),
    json,
    // Some encoders escape more than they must.
    json.replaceAll('/', '\\/'),
    json.replace(/[\u007f-\uffff]/g, (sign) => `\\u${sign.charCodeAt(0).toString(16).padStart(4, '0')}`),
    text.replace(/[&<>"']/g, (sign) => entities[sign] ?? sign),
    base64,
    // What fills it up at the end may be missing.
    base64.replaceAll('=', ''),
    Buffer.from(text).toString('base64url'),
  ]
}

const entities: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' }

/** The text with each known secret value replaced by `***`. */
export function mask(text: string): string {
  for (let before = text; ; ) {
    let masked = before
    for (const form of longestFirst) {
      if (masked.includes(form)) masked = masked.replaceAll(form, star)
    }
    // What is left on both sides of a star may be a secret together with it.
    if (masked === before) return masked
    before = masked
  }
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
