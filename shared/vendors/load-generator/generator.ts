import type { Agent, ClientRequest, RequestOptions } from 'node:http'
import { build, decodeFromCompressedBase64, encodeIntoCompressedBase64, type Histogram } from 'hdr-histogram-js'
import { networkReason } from '../../http/network.ts'
import { lookupPublic } from './addresses.ts'
import type { Plan, Tally } from './plan.ts'

/** Drops requests that are later than this, so that a process that was paused does not send a burst. */
const MAX_DELAY_MS = 1_000
const MAX_REASON = 200

type Send = (url: string, options: RequestOptions) => ClientRequest

/** Settings of the connection, which may be secret. */
interface Trust {
  headers?: Record<string, string> | undefined
  /** PEM of a certificate authority to trust in addition to the public ones. */
  ca?: string | undefined
}

interface Result {
  /** Undefined if there was no complete response. */
  status: number | undefined
  bytes: number
  error: string | undefined
  timedOut: boolean
}

/**
 * Sends requests at a constant rate, and waits for all responses.
 *
 * A request that is due while every connection is busy is counted as dropped instead of sent, so that a slow target never
 * receives more than the planned rate and connections. Does not follow redirects. Verifies TLS certificates.
 *
 * @param seconds time for sending requests; the last responses may take as long as the timeout of the plan
 * @param previous the tally of earlier parts of the same test
 * @returns the tally of this part and the earlier ones
 */
export async function generate(plan: Plan, seconds: number, previous: Tally, trust: Trust = {}): Promise<Tally> {
  const isSecure = plan.url.startsWith('https:')
  // Loaded when first used, as the AWS SDK does.
  const { request, Agent } = isSecure ? await import('node:https') : await import('node:http')
  const trusted = isSecure && trust.ca ? { ca: [...(await import('node:tls')).rootCertificates, trust.ca] } : {}
  const agent: Agent = new Agent({ keepAlive: true, maxSockets: plan.connections, lookup: lookupPublic, ...trusted })
  const headers = { 'user-agent': 'cloud-automation-webhooks', ...plan.headers, ...trust.headers }
  const tally = { ...previous, statuses: { ...previous.statuses } }
  const latencies = previous.latencies ? decode(previous.latencies) : createHistogram()
  const open = new Set<Promise<void>>()
  const sendOne = async () => {
    const sentAt = performance.now()
    const result = await send(request as Send, plan, { agent, headers })
    const latencyMs = performance.now() - sentAt
    if (result.status !== undefined || result.timedOut)
      latencies.recordValue(Math.max(1, Math.round(latencyMs * 1_000)))
    count(tally, result, plan.expect)
  }
  const startedAt = performance.now()
  for (let sent = 0; sent < Math.round(plan.rate * seconds); sent++) {
    const due = startedAt + (sent * 1_000) / plan.rate
    const delay = due - performance.now()
    if (delay > 0) await new Promise((resolve) => setTimeout(resolve, delay))
    if (open.size >= plan.connections || delay < -MAX_DELAY_MS) {
      tally.dropped++
      continue
    }
    const sending = sendOne().finally(() => open.delete(sending))
    open.add(sending)
  }
  await Promise.all(open)
  agent.destroy()
  return { ...tally, seconds: tally.seconds + seconds, latencies: encodeIntoCompressedBase64(latencies) }
}

/** Sends one request. Does not throw: errors are results. */
function send(request: Send, { url, method, body, timeout }: Plan, options: RequestOptions): Promise<Result> {
  return new Promise((resolve) => {
    const result: Result = { status: undefined, bytes: 0, error: undefined, timedOut: false }
    const outgoing = request(url, {
      ...options,
      method,
      headers: {
        ...(options.headers as Record<string, string>),
        ...(body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) }),
      },
    })
    const timer = setTimeout(() => {
      result.timedOut = true
      outgoing.destroy(new Error(`no response within ${timeout} s`))
    }, timeout * 1_000)
    outgoing.on('response', (incoming) => {
      incoming.on('data', (chunk: Buffer) => {
        result.bytes += chunk.length
      })
      incoming.on('end', () => {
        if (incoming.complete) result.status = incoming.statusCode
      })
      // The request also emits this error.
      incoming.on('error', () => undefined)
    })
    outgoing.on('error', (error) => {
      result.error = networkReason(error)
    })
    outgoing.on('close', () => {
      clearTimeout(timer)
      resolve(result)
    })
    outgoing.end(body)
  })
}

function count(tally: Tally, { status, bytes, error, timedOut }: Result, expect: readonly number[]): void {
  tally.requests++
  tally.bytes += bytes
  if (status !== undefined) tally.statuses[status] = (tally.statuses[status] ?? 0) + 1
  if (timedOut) tally.timeouts++
  if (status !== undefined && isSuccess(status, expect)) {
    tally.succeeded++
    return
  }
  const reason = status === undefined ? (error ?? 'the response was incomplete') : `status ${status}`
  tally.firstFailure ??= reason.slice(0, MAX_REASON)
}

function isSuccess(status: number, expect: readonly number[]): boolean {
  return expect.length > 0 ? expect.includes(status) : status >= 200 && status < 300
}

/** Returns the metrics of a tally. Latencies are in milliseconds. */
export function measure({ latencies, ...tally }: Tally) {
  const histogram = latencies ? decode(latencies) : createHistogram()
  const latencyAt = (percentile: number) => milliseconds(histogram.getValueAtPercentile(percentile))
  const { requests, succeeded, seconds, bytes, timeouts, dropped } = tally
  const ratio = (value: number, total: number, digits = 4) => (total > 0 ? round(value / total, digits) : 0)
  return {
    requests,
    errors: requests - succeeded,
    rps: ratio(requests, seconds),
    // A threshold may allow less than one error per million requests.
    errorRate: ratio(requests - succeeded, requests, 9),
    throughput: Math.round(ratio(bytes, seconds)),
    // Without latencies, a threshold on them must not pass.
    ...(histogram.totalCount > 0
      ? {
          mean: milliseconds(histogram.mean),
          p50: latencyAt(50),
          p90: latencyAt(90),
          p95: latencyAt(95),
          p99: latencyAt(99),
          max: milliseconds(histogram.maxValue),
        }
      : {}),
    timeouts,
    dropped,
  }
}

/** Creates a histogram of microseconds with three significant digits. Its encoding always stays below 10 KB. */
function createHistogram(): Histogram {
  return build({
    lowestDiscernibleValue: 1,
    highestTrackableValue: 600_000_000,
    numberOfSignificantValueDigits: 3,
    bitBucketSize: 32,
    useWebAssembly: false,
  })
}

function decode(latencies: string): Histogram {
  return decodeFromCompressedBase64(latencies, 32, false) as Histogram
}

function milliseconds(microseconds: number): number {
  return round(microseconds / 1_000, 1)
}

function round(value: number, digits: number): number {
  return Number(value.toFixed(digits))
}
