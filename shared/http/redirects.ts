import { refused, retryLater } from '../errors.ts'
import { log } from '../log.ts'
import { traceRequest } from '../tracing.ts'
import { requestTimeoutMs } from './deadline.ts'
import type { HttpResponse, SentRequest } from './exchange.ts'
import { mayLeavePrefix } from './path-prefix.ts'
import { type ReceivedResponse, sendRequest } from './send.ts'
import { trace } from './trace.ts'

const MAX_REDIRECTS = 3
const REDIRECTS = [301, 302, 303, 307, 308]

interface RedirectOptions {
  platform: string
  /** For messages. */
  operation: string
  ca: string | undefined
  deadlineAt: number | undefined
  /** Redirects to other origins and paths are not followed. */
  base: URL
  /** Statuses that the caller handles. */
  accept: readonly number[] | undefined
  /** Replaces the path in logs and messages. */
  urlAlias: string | undefined
  /** Called before a write is sent again to another path. Throws to hold it back. */
  beforeRepeat: (() => Promise<void>) | undefined
}

/**
 * Sends a request, and follows redirects within the base URL if they repeat the request unchanged.
 *
 * @throws Failure `refused`: a redirect that is not followed
 */
export async function sendRedirected(
  request: SentRequest,
  options: RedirectOptions,
  received: ReceivedResponse,
): Promise<HttpResponse> {
  const { platform, operation, ca, deadlineAt = Number.POSITIVE_INFINITY, base, accept = [], urlAlias } = options
  let current = request
  for (let redirects = 0; ; redirects++) {
    const timeoutMs = requestTimeoutMs(deadlineAt)
    const response = await logged(current, options, () =>
      sendRequest(current, { platform, operation, ca, timeoutMs }, received),
    )
    const { status } = response
    const location = response.headers['location']
    if (!REDIRECTS.includes(status) || location === undefined || accept.includes(status)) return response
    const target = URL.parse(location, current.url)
    if (!target) throw retryLater(`${platform} redirected ${operation} to an invalid URL.`)
    const isRepeatable = urlAlias === undefined && (current.method === 'GET' || status === 307 || status === 308)
    const isBelowBase =
      target.origin === base.origin && target.pathname.startsWith(base.pathname) && !mayLeavePrefix(target.pathname)
    if (!isBelowBase || !isRepeatable || redirects === MAX_REDIRECTS) {
      const shown = urlAlias === undefined ? `${target.origin}${target.pathname}` : target.origin
      throw refused(
        `${platform} redirected ${operation} to ${shown}, which is not followed. Check the URL of the connection.`,
      )
    }
    await options.beforeRepeat?.()
    current = { ...current, url: target.href }
  }
}

/** Logs a request at level DEBUG, without its headers, query and body. */
async function logged(
  request: SentRequest,
  { platform, urlAlias }: RedirectOptions,
  send: () => Promise<HttpResponse>,
): Promise<HttpResponse> {
  const startedAt = Date.now()
  const write = (status: number | undefined) => {
    if (!log.isDebugging) return
    const { host, pathname } = new URL(request.url)
    const { method } = request
    log.debug('called', { platform, method, host, path: urlAlias ?? pathname, status, ms: Date.now() - startedAt })
  }
  try {
    const response = await traceRequest(() => new URL(request.url).host, send)
    write(response.status)
    trace({ kind: 'exchange', request, response })
    return response
  } catch (error) {
    write(undefined)
    trace({ kind: 'exchange', request, error })
    throw error
  }
}
