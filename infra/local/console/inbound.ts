import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'
import { isCredential, redact } from '../../../shared/redact.ts'
import { REPLY_HEADER, withoutReplyAddress } from './reply-address.ts'

/** A request with its credentials masked. */
export interface Inbound {
  /** Milliseconds since 1970. */
  at: number
  method: string
  /** Ends with `***` for an approval link, whose path contains a key. */
  path: string
  query: string
  headers: Record<string, string>
  body: string
  /** Whether the body was clipped. */
  isClipped: boolean
  response?: InboundResponse
}

export interface InboundResponse {
  at: number
  status: number
  body: string
}

const MASK = '***'
/** Characters of a body. */
const MAX_BODY_LENGTH = 16_384
/** Masking a shorter credential would mask ordinary words. */
const MIN_CREDENTIAL_LENGTH = 6

/** Converts a request, and masks its credentials and registered secrets everywhere in it. */
export function inboundOf(req: IncomingMessage, body: Buffer | undefined): Inbound {
  const [path = '/', query = ''] = (req.url ?? '/').split('?', 2)
  const { headers, mask } = maskHeaders(req.headers)
  const text = mask(withoutReplyAddress(body?.toString('utf8') ?? ''))
  return {
    at: Date.now(),
    method: req.method ?? '',
    path: withoutKeys(path),
    query: mask(withoutReplyAddress(query)),
    headers,
    body: text.slice(0, MAX_BODY_LENGTH),
    isClipped: text.length > MAX_BODY_LENGTH,
  }
}

/** Returns headers with their credentials masked, and a function that masks these and registered secrets in a text. */
export function maskHeaders(sent: IncomingHttpHeaders): {
  headers: Record<string, string>
  mask: (text: string) => string
} {
  const credentials: string[] = []
  const headers: [name: string, value: string][] = []
  for (const [name, text = ''] of Object.entries(sent)) {
    const value = name === REPLY_HEADER ? MASK : String(text)
    if (!isCredential(name)) {
      headers.push([name, value])
      continue
    }
    const [, scheme = '', secret = ''] = /^((?:Basic|Bearer|Token) +)?(.*)$/is.exec(value) ?? []
    headers.push([name, `${scheme}${MASK}`])
    if (secret.length >= MIN_CREDENTIAL_LENGTH) credentials.push(secret)
  }
  const mask = (text: string) => redact(credentials.reduce((masked, secret) => masked.replaceAll(secret, MASK), text))
  return { headers: Object.fromEntries(headers.map(([name, value]) => [name, mask(value)])), mask }
}

export function responseOf(status: number, body: string): InboundResponse {
  return { at: Date.now(), status, body: redact(withoutKeys(body)).slice(0, MAX_BODY_LENGTH) }
}

/** Masks the keys of approval links in a text. */
export function withoutKeys(text: string): string {
  return text.replace(/(\/approvals\/)[^\s"'<>\\]+/g, `$1${MASK}`)
}
