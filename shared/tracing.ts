import { log } from './log.ts'
import { isRecord } from './record.ts'
import { settings } from './settings.ts'

/** The result of a traced operation. */
interface SpanEnd {
  /** The status of the response to a request. */
  status?: number | undefined
  isFailed?: boolean
}

/** Ends a span and sends it. */
type EndSpan = (end?: SpanEnd) => void

/** The trace of the current invocation, in which Lambda has sampled the call. */
interface XRayTrace {
  traceId: string
  /** The segment of the function. */
  parentId: string
  daemon: { host: string; port: number }
}

/** X-Ray accepts no other characters in names. */
const NOT_ALLOWED_IN_NAMES = /[^\w .:/%&#=+\\\-@]/g
const MAX_NAME_LENGTH = 200

/**
 * Starts a span of the X-Ray trace of this invocation: a step of a task, or a request to a platform or to AWS. Does nothing unless
 * the stack has enabled tracing and X-Ray samples the invocation.
 *
 * Not the SDK of X-Ray, which takes as long to load as everything else: a span is one JSON datagram to Lambda's daemon.
 *
 * @param name of the step, or the host of a request. Never a path or a query, which may contain credentials
 * @see https://docs.aws.amazon.com/xray/latest/devguide/xray-api-segmentdocuments.html
 */
function startSpan(name: string, kind: 'step' | 'request'): EndSpan {
  const trace = currentTrace()
  if (!trace) return () => undefined
  const startedAt = Date.now()
  return ({ status, isFailed = false } = {}) => {
    const document = {
      type: 'subsegment',
      trace_id: trace.traceId,
      parent_id: trace.parentId,
      id: randomId(),
      name: name.replace(NOT_ALLOWED_IN_NAMES, '_').slice(0, MAX_NAME_LENGTH),
      start_time: startedAt / 1_000,
      end_time: Date.now() / 1_000,
      // Makes a request a node of its own in the map of services.
      ...(kind === 'request' ? { namespace: 'remote', http: { response: { status } } } : {}),
      fault: isFailed || (status ?? 0) >= 500,
      error: status !== undefined && status >= 400 && status < 500,
    }
    void send(`{"format":"json","version":1}\n${JSON.stringify(document)}`, trace.daemon)
  }
}

/**
 * Sends a request in a span.
 *
 * @param name returns the host, or the name of the service. Not called without tracing
 */
export async function traceRequest<Response>(name: () => string, send: () => Promise<Response>): Promise<Response> {
  if (!settings.isTraced) return send()
  const end = startSpan(name(), 'request')
  try {
    const response = await send()
    end({ status: statusOf(response) })
    return response
  } catch (error) {
    end({ isFailed: true })
    throw error
  }
}

function statusOf(response: unknown): number | undefined {
  return isRecord(response) && typeof response['status'] === 'number' ? response['status'] : undefined
}

/** Runs a step of a task in a span. For `plugins` of the durable execution SDK. */
export const stepSpans = {
  wrapOperationAttemptFn({ name = 'step' }: { name?: string }, run: () => unknown): unknown {
    const end = startSpan(name, 'step')
    const result = run()
    void Promise.resolve(result).then(
      () => end(),
      () => end({ isFailed: true }),
    )
    return result
  },
}

/** Lambda sets these variables, the first one for each invocation. */
function currentTrace(): XRayTrace | undefined {
  if (!settings.isTraced) return undefined
  const header = process.env['_X_AMZN_TRACE_ID'] ?? ''
  const [, traceId] = /Root=([\w-]+)/.exec(header) ?? []
  const [, parentId] = /Parent=(\w+)/.exec(header) ?? []
  const [host, port] = (process.env['AWS_XRAY_DAEMON_ADDRESS'] ?? '').split(':')
  if (!traceId || !parentId || !header.includes('Sampled=1') || !host || !port) return undefined
  return { traceId, parentId, daemon: { host, port: Number(port) } }
}

function randomId(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(8)), (byte) => byte.toString(16).padStart(2, '0')).join('')
}

/** Does not throw: a lost span changes nothing. */
async function send(text: string, { host, port }: XRayTrace['daemon']): Promise<void> {
  try {
    const { createSocket } = await import('node:dgram')
    const socket = createSocket('udp4').unref()
    await new Promise<void>((resolve, reject) =>
      socket.send(text, port, host, (error) => (error ? reject(error) : resolve())),
    )
    socket.close()
  } catch (error) {
    log.debug('span not sent', error as Error)
  }
}
