import type { IncomingMessage } from 'node:http'
import { isCredential } from '../../../shared/redact.ts'

/** A request as the console shows it: whole, but for its credentials. */
export interface Inbound {
  /** Milliseconds since 1970. */
  at: number
  method: string
  /** A link to a question is a key: its path ends with `***`. */
  path: string
  query: string
  headers: Record<string, string>
  body: string
  /** Whether the body was longer. */
  cut: boolean
  answer?: InboundAnswer
}

export interface InboundAnswer {
  at: number
  status: number
  body: string
}

const star = '***'
/** As much of a body as is kept, in characters. */
const longestBody = 16_384
/** Below this a credential would hide ordinary words. */
const shortestCredential = 6

/** Reads what came in; a credential is hidden wherever the request repeats it. */
export function inboundOf(req: IncomingMessage, body: Buffer | undefined): Inbound {
  const [path = '/', query = ''] = (req.url ?? '/').split('?', 2)
  const credentials: string[] = []
  const headers: Record<string, string> = {}
  for (const [name, given = ''] of Object.entries(req.headers)) {
    const value = String(given)
    if (!isCredential(name)) {
      headers[name] = value
      continue
    }
    const [, scheme = '', secret = ''] = /^((?:Basic|Bearer|Token) +)?(.*)$/is.exec(value) ?? []
    headers[name] = `${scheme}${star}`
    if (secret.length >= shortestCredential) credentials.push(secret)
  }
  const hide = (text: string) => credentials.reduce((shown, secret) => shown.replaceAll(secret, star), text)
  const text = hide(body?.toString('utf8') ?? '')
  return {
    at: Date.now(),
    method: req.method ?? '',
    path: withoutKeys(path),
    query: hide(query),
    headers: Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, hide(value)])),
    body: text.slice(0, longestBody),
    cut: text.length > longestBody,
  }
}

export function answerOf(status: number, body: string): InboundAnswer {
  return { at: Date.now(), status, body: body.slice(0, longestBody) }
}

/** A text in which no link to a question works. */
export function withoutKeys(text: string): string {
  return text.replace(/(\/approvals\/)[^\s"'<>\\]+/g, `$1${star}`)
}
