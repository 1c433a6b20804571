import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'

/** The platforms of the sandbox. Faults and the list of requests use the same names. */
export const platformTargets = [
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
export type PlatformTarget = (typeof platformTargets)[number]
/** A platform or an engine. Each is also a path below `/sandbox/`. */
export type Target = PlatformTarget | `engines/${string}`

/** A request to a fake platform. */
export interface FakeCall {
  method: string
  /** Relative to the root of the platform, and still encoded: `/repos/acme/shop/issues`. */
  path: string
  query: URLSearchParams
  headers: IncomingHttpHeaders
  /** The first megabyte; `size` is the size of the complete body. */
  body: string
  size: number
  /** URL of the platform, for the links in a response: `http://127.0.0.1:8787/sandbox/github`. */
  root: string
}

/** A response. Platforms return it, so that a fault can change it after the platform has carried the request out. */
export interface FakeReply {
  status: number
  headers?: Record<string, string>
  body?: string
  /** Response time in milliseconds. */
  takesMs?: number
  /** A short description for the console. */
  note?: string
}

export interface Platform {
  answer(call: FakeCall): FakeReply
  /** Returns an error in the platform's format. */
  error(status: number, message: string): FakeReply
  /** Returns the web page at a path, or undefined if the path belongs to the API. */
  page?(call: FakeCall): FakeReply | undefined
  /** Handles the forms of these pages, by path. */
  actions?: Record<string, (call: FakeCall) => Promise<FakeReply>>
  /** Returns the rate-limit headers of a 429 in addition to Retry-After; the reset is in epoch seconds. */
  limitHeaders?(reset: number): Record<string, string>
  /** Returns a path for the list of requests, without the credential that it contains. */
  shownPath?(path: string): string
  /** The sandbox neither lists nor observes the requests. */
  unlisted?: boolean
}

/** Longer bodies are cut off. */
export const MAX_BODY_BYTES = 1024 * 1024

/**
 * Reads a request completely, so that an oversized one gets a response instead of a reset, but returns only the first
 * megabyte.
 *
 * @throws if the client disconnects or sends more than 32 MB
 */
export async function readBody(req: IncomingMessage): Promise<{ body: string; size: number }> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of req as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size <= MAX_BODY_BYTES) chunks.push(chunk)
    if (size > 32 * MAX_BODY_BYTES) throw new Error('The body exceeds 32 MB.')
  }
  return { body: Buffer.concat(chunks).toString('utf8'), size }
}

/** Returns a JSON response. */
export function json(status: number, value: unknown, headers: Record<string, string> = {}, note?: string): FakeReply {
  const type = { 'content-type': 'application/json; charset=utf-8' }
  return { status, headers: { ...type, ...headers }, body: JSON.stringify(value), note }
}

/** Returns an HTML response that cannot run scripts or load resources, even if a ticket contains HTML. */
export function html(status: number, page: string): FakeReply {
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

/** Sends a response. Returns its status, or null if the client has disconnected. */
export function send(res: ServerResponse, answer: FakeReply): number | null {
  if (res.destroyed || res.headersSent) return null
  res.writeHead(answer.status, answer.headers)
  res.end(answer.body)
  return answer.status
}

/** Sends a response after its response time. Returns null if the sandbox closes before that. */
export async function sendInTime(res: ServerResponse, answer: FakeReply, closing: AbortSignal): Promise<number | null> {
  if (answer.takesMs) await pause(answer.takesMs, res, closing)
  return send(res, answer)
}

/** Waits. Closes the connection immediately if the sandbox closes. */
export async function pause(ms: number, res: ServerResponse, closing: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal: closing }).catch(() => res.destroy())
}

/** Returns the decoded segments of a path, or none if the encoding is malformed. */
export function segments(path: string): string[] {
  try {
    return path.split('/').slice(1).map(decodeURIComponent)
  } catch {
    return []
  }
}

/** Parses a JSON object. Returns undefined for any other text. */
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

/** Returns the media type without parameters, in lower case. */
export function mediaType(headers: IncomingHttpHeaders): string {
  return (headers['content-type'] ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? ''
}

/** Returns the bearer token of a request, if it has one. */
export function bearer(headers: IncomingHttpHeaders): string | undefined {
  return /^(?:bearer|token) +(\S+)$/i.exec(headers.authorization ?? '')?.[1]
}

/** Returns whether a page of another site sent the form; browsers allow that without a preflight request. */
export function isForeignForm({ headers, root }: FakeCall): boolean {
  return headers.origin !== undefined && headers.origin !== new URL(root).origin
}

/**
 * Returns whether a request comes from this machine. Checks the host name, too: DNS rebinding lets a web page reach this
 * port, but under its own name.
 */
export function isLocal(req: IncomingMessage): boolean {
  const address = req.socket.remoteAddress ?? ''
  const host = URL.parse(`http://${req.headers.host ?? ''}`)?.hostname ?? ''
  return /^(::1|(::ffff:)?127\.[\d.]+)$/.test(address) && /^(localhost|.+\.localhost|127\.[\d.]+|\[::1\])$/.test(host)
}
