import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'

/** What the sandbox plays; also the names under which faults are switched and calls are listed. */
export const targets = [
  'github',
  'servicenow',
  'unleash',
  'keptn',
  'sso',
  'shop',
  'toxiproxy',
  'databricks',
  'rundeck',
  'slack',
  'dynatrace',
  'tool',
] as const
export type Target = (typeof targets)[number]

/** One call to a played platform, read to its end. */
export interface Call {
  method: string
  /** Below the platform's root: `/repos/acme/shop/issues`. */
  path: string
  query: URLSearchParams
  headers: IncomingHttpHeaders
  /** The first megabyte; `size` tells whether there was more. */
  body: string
  size: number
  /** Where the caller found us, for the links in an answer. */
  origin: string
}

/** What goes back. Platforms return it instead of writing it, so that a fault can spoil it after the work is done. */
export interface Answer {
  status: number
  headers?: Record<string, string>
  body?: string
  /** How long the platform takes for it, in milliseconds. */
  takesMs?: number
  /** A few words for the person who watches the calls. */
  note?: string
}

export interface Platform {
  answer(call: Call): Answer
  /** An error in the shape that this platform gives its errors. */
  error(status: number, message: string): Answer
  /** The page that a person sees behind an address of this platform; undefined where it is none. */
  page?(call: Call): Answer | undefined
  /** What a person does on such a page, by the path to which it is posted as a form. */
  actions?: Record<string, (call: Call) => Promise<Answer>>
  /** What a 429 of this platform says beside Retry-After; the reset is in seconds since 1970. */
  limitHeaders?(reset: number): Record<string, string>
  /** Whether its calls are neither listed nor told of. */
  unlisted?: boolean
}

/** As much of a body as is kept. */
export const bodyLimit = 1024 * 1024

/**
 * Reads a request to its end, so that even an oversized one gets an answer instead of a reset, but keeps only the first
 * megabyte.
 * @throws when the client goes away, or sends more than 32 MB
 */
export async function readBody(req: IncomingMessage): Promise<{ body: string; size: number }> {
  const kept: Buffer[] = []
  let size = 0
  for await (const chunk of req as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size <= bodyLimit) kept.push(chunk)
    if (size > 32 * bodyLimit) throw new Error('The body does not end.')
  }
  return { body: Buffer.concat(kept).toString('utf8'), size }
}

/** A JSON answer. */
export function json(status: number, value: unknown, headers: Record<string, string> = {}, note?: string): Answer {
  const type = { 'content-type': 'application/json; charset=utf-8' }
  return { status, headers: { ...type, ...headers }, body: JSON.stringify(value), note }
}

/** An HTML answer that can run no script and load nothing, whatever a ticket's text holds. */
export function html(status: number, page: string): Answer {
  return {
    status,
    headers: {
      'content-type': 'text/html; charset=utf-8',
      'content-security-policy':
        "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'",
      'x-content-type-options': 'nosniff',
    },
    body: page,
  }
}

/** Writes an answer and gives its status; null where the client has gone. */
export function send(res: ServerResponse, answer: Answer): number | null {
  if (res.destroyed || res.headersSent) return null
  res.writeHead(answer.status, answer.headers)
  res.end(answer.body)
  return answer.status
}

/** The same, once the answer has taken its time; null also where the sandbox closes before. */
export async function sendInTime(res: ServerResponse, answer: Answer, closing: AbortSignal): Promise<number | null> {
  if (answer.takesMs) await pause(answer.takesMs, res, closing)
  return send(res, answer)
}

/** Waits; when the sandbox closes before, the connection ends at once. */
export async function pause(ms: number, res: ServerResponse, closing: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal: closing }).catch(() => res.destroy())
}

/** The decoded segments of a path; none where an escape is malformed, which no route matches. */
export function segments(path: string): string[] {
  try {
    return path.split('/').slice(1).map(decodeURIComponent)
  } catch {
    return []
  }
}

/** The body as a JSON object; undefined where it is anything else. */
export function jsonObject(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return isObject(value) ? value : undefined
  } catch {
    return undefined
  }
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The media type alone, in lower case. */
export function mediaType(headers: IncomingHttpHeaders): string {
  return (headers['content-type'] ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? ''
}

/** The bearer token of a call, if any. */
export function bearer(headers: IncomingHttpHeaders): string | undefined {
  return /^(?:bearer|token) +(\S+)$/i.exec(headers.authorization ?? '')?.[1]
}

/** Whether a page of another site has sent it: one may send a form to any address without asking. */
export function isForeignForm({ headers, origin }: Call): boolean {
  return headers.origin !== undefined && headers.origin !== origin
}

/**
 * Whether a call comes from this machine and was meant for it. The name is checked too: a web page whose own host name
 * has been pointed at 127.0.0.1 reaches this port, but says that name.
 */
export function isLocal(req: IncomingMessage): boolean {
  const address = req.socket.remoteAddress ?? ''
  const host = URL.parse(`http://${req.headers.host ?? ''}`)?.hostname ?? ''
  return /^(::1|(::ffff:)?127\.[\d.]+)$/.test(address) && /^(localhost|.+\.localhost|127\.[\d.]+|\[::1\])$/.test(host)
}
