import { createHmac } from 'node:crypto'
import { isSame } from '../hmac.ts'
import { isRecord } from '../record.ts'
import type { SignatureScheme } from './schemes.ts'

/** A request before its body is parsed. */
export interface SignedRequest {
  /** With names in lower case. */
  headers: Record<string, string | undefined>
  /** The bytes that were sent, which signatures cover. */
  rawBody: Uint8Array
}

/**
 * Verifies the signature of a request. Compares every key with every signature, so that the duration does not show which one
 * matches.
 *
 * @param keys an empty key never matches: everybody knows it
 * @param now epoch milliseconds
 * @returns the problem, for the sender; undefined if the signature is valid
 */
export function findSignatureProblem(
  scheme: SignatureScheme,
  keys: readonly string[],
  request: SignedRequest,
  now: number,
): string | undefined {
  const { header, separator, prefix = '', algorithm = 'sha256', encoding = 'hex' } = scheme
  const sent = request.headers[header]
  if (sent === undefined) return missing(header)
  const parts = separator === undefined ? [sent] : sent.split(separator).map((part) => part.trim())
  const pieces: (string | Uint8Array)[] = []
  // Names are at odd indexes.
  for (const [index, piece] of (scheme.text ?? '{body}').split(/\{([^{}]+)\}/).entries()) {
    const value = index % 2 === 0 ? piece : signedValue(piece, request, parts)
    if (value === undefined) return missing(piece.replace(/^header:/, '').replace(/^pair:/, `${header} with `))
    pieces.push(value)
  }
  const signatures = parts
    .filter((part) => part.startsWith(prefix))
    .map((part) => part.slice(prefix.length))
    .map((signature) => (encoding === 'hex' ? signature.toLowerCase() : signature))
  const matches = keys
    .map((key) => bytesOf(key, scheme))
    .filter(({ length }) => length > 0)
    .flatMap((key) => {
      const hmac = createHmac(algorithm, key)
      for (const piece of pieces) hmac.update(piece)
      const expected = hmac.digest(encoding)
      return signatures.map((signature) => isSame(signature, expected))
    })
  if (!matches.includes(true))
    return `The signature in ${header} does not match. The sender must sign with a key of the source, and the body must arrive unchanged.`
  return isInTime(scheme, request, parts, now)
    ? undefined
    : `The request was not signed within the last ${scheme.toleranceSeconds} seconds. Check the clock of the sender; a recorded request cannot be sent again.`
}

function missing(header: string): string {
  return `The header ${header} is missing. Enter a key of the source as the signing secret at the sender.`
}

/** @param name `body`, `header:<name>` or `pair:<name>` */
function signedValue(
  name: string,
  { headers, rawBody }: SignedRequest,
  parts: string[],
): string | Uint8Array | undefined {
  if (name === 'body') return rawBody
  const [place, key = ''] = name.split(':')
  return place === 'header' ? headers[key] : pairIn(parts, key)
}

function pairIn(parts: string[], name: string): string | undefined {
  return parts.find((part) => part.startsWith(`${name}=`))?.slice(name.length + 1)
}

function bytesOf(
  key: string,
  { key: { prefix, encoding } = { prefix: '', encoding: 'utf8' } }: SignatureScheme,
): Buffer {
  return Buffer.from(key.startsWith(prefix) ? key.slice(prefix.length) : key, encoding)
}

function isInTime(
  { time, toleranceSeconds = 0 }: SignatureScheme,
  { headers, rawBody }: SignedRequest,
  parts: string[],
  now: number,
): boolean {
  if (time === undefined) return true
  const text =
    'header' in time ? headers[time.header] : 'pair' in time ? pairIn(parts, time.pair) : fieldOf(rawBody, time.body)
  if (text === undefined || !/^\d{1,15}$/.test(text)) return false
  // Seconds have at most eleven digits until the year 5138; milliseconds have thirteen.
  const sentAt = text.length > 11 ? Number(text) : Number(text) * 1_000
  return Math.abs(now - sentAt) <= toleranceSeconds * 1_000
}

/** Returns a field of a JSON body whose signature is valid. */
function fieldOf(rawBody: Uint8Array, name: string): string | undefined {
  try {
    const body: unknown = JSON.parse(Buffer.from(rawBody).toString('utf8'))
    return isRecord(body) ? String(body[name]) : undefined
  } catch {
    // A body without a time is refused.
    return undefined
  }
}
