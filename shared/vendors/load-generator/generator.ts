import type { Agent, ClientRequest, RequestOptions } from 'node:http'
import { build, decodeFromCompressedBase64, encodeIntoCompressedBase64, type Histogram } from 'hdr-histogram-js'
import { networkReason } from '../../http/network.ts'
import { lookupPublic } from './addresses.ts'
import type { Plan, Tally } from './plan.ts'

/** What is later than this is left out: a process that stood still must not make up for it in one burst. In milliseconds. */
const latest = 1_000
const longestReason = 200

type Send = (url: string, options: RequestOptions) => ClientRequest

/** What a plan leaves to its connection. */
interface Trust {
  headers?: Record<string, string> | undefined
  /** PEM of a certificate authority to trust beside the public ones. */
  ca?: string | undefined
}

/** What came of one request. */
interface Answer {
  /** Nothing where there was no whole answer. */
  status: number | undefined
  bytes: number
  error: string | undefined
  timedOut: boolean
}

/**
 * Sends requests at a constant rate, and waits for the answers to all of them.
 *
 * A request that is due while every connection is busy is not sent, and counted as dropped, so that neither the rate nor the
 * number of connections is ever exceeded, however slow the target is. Redirects are answers like others. TLS is verified.
 *
 * @param seconds how long requests are sent; the answers may take as long as the plan's timeout more
 * @param before what earlier parts of the same test came to
 * @param trust headers that are secret, and whose certificates are trusted
 * @returns that and this together
 */
export async function generate(plan: Plan, seconds: number, before: Tally, trust: Trust = {}): Promise<Tally> {
  const secure = plan.url.startsWith('https:')
  // Loaded when first used, as the AWS SDK does.
  const { request, Agent } = secure ? await import('node:https') : await import('node:http')
  const trusted = secure && trust.ca ? { ca: [...(await import('node:tls')).rootCertificates, trust.ca] } : {}
  const agent: Agent = new Agent({ keepAlive: true, maxSockets: plan.connections, lookup: lookupPublic, ...trusted })
  const headers = { 'user-agent': 'cloud-automation-webhooks', ...plan.headers, ...trust.headers }
  const tally = { ...before, statuses: { ...before.statuses } }
  const latencies = before.latencies ? (decodeFromCompressedBase64(before.latencies, 32, false) as Histogram) : empty()
  const open = new Set<Promise<void>>()
  const one = async () => {
    const sentAt = performance.now()
    const answer = await ask(request as Send, plan, { agent, headers })
    const waited = performance.now() - sentAt
    if (answer.status !== undefined || answer.timedOut) latencies.recordValue(Math.max(1, Math.round(waited * 1_000)))
    count(tally, answer, plan.expect)
  }
  const beganAt = performance.now()
  for (let sent = 0; sent < Math.round(plan.rate * seconds); sent++) {
    const due = beganAt + (sent * 1_000) / plan.rate
    const left = due - performance.now()
    if (left > 0) await new Promise((resolve) => setTimeout(resolve, left))
    if (open.size >= plan.connections || left < -latest) {
      tally.dropped++
      continue
    }
    const sending = one().finally(() => open.delete(sending))
    open.add(sending)
  }
  await Promise.all(open)
  agent.destroy()
  return { ...tally, seconds: tally.seconds + seconds, latencies: encodeIntoCompressedBase64(latencies) }
}

/** Never throws: what goes wrong is what is measured. */
function ask(send: Send, { url, method, body, timeout }: Plan, options: RequestOptions): Promise<Answer> {
  return new Promise((resolve) => {
    const answer: Answer = { status: undefined, bytes: 0, error: undefined, timedOut: false }
    const outgoing = send(url, {
      ...options,
      method,
      headers: {
        ...(options.headers as Record<string, string>),
        ...(body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) }),
      },
    })
    const timer = setTimeout(() => {
      answer.timedOut = true
      outgoing.destroy(new Error(`no answer in ${timeout} s`))
    }, timeout * 1_000)
    outgoing.on('response', (incoming) => {
      incoming.on('data', (chunk: Buffer) => {
        answer.bytes += chunk.length
      })
      incoming.on('end', () => {
        if (incoming.complete) answer.status = incoming.statusCode
      })
      // Told by the request, too.
      incoming.on('error', () => undefined)
    })
    outgoing.on('error', (error) => {
      answer.error = networkReason(error)
    })
    outgoing.on('close', () => {
      clearTimeout(timer)
      resolve(answer)
    })
    outgoing.end(body)
  })
}

function count(tally: Tally, { status, bytes, error, timedOut }: Answer, expect: readonly number[]): void {
  tally.requests++
  tally.bytes += bytes
  if (status !== undefined) tally.statuses[status] = (tally.statuses[status] ?? 0) + 1
  if (timedOut) tally.timeouts++
  if (status !== undefined && isSuccess(status, expect)) {
    tally.succeeded++
    return
  }
  const why = status === undefined ? (error ?? 'its answer broke off') : `status ${status}`
  tally.firstFailure ??= why.slice(0, longestReason)
}

function isSuccess(status: number, expect: readonly number[]): boolean {
  return expect.length > 0 ? expect.includes(status) : status >= 200 && status < 300
}

/** What a tally comes to; times in milliseconds. */
export function measure({ latencies, ...tally }: Tally) {
  const histogram = latencies ? (decodeFromCompressedBase64(latencies, 32, false) as Histogram) : empty()
  const at = (percentile: number) => milliseconds(histogram.getValueAtPercentile(percentile))
  const { requests, succeeded, seconds, bytes, timeouts, dropped } = tally
  const per = (part: number, whole: number, digits = 4) => (whole > 0 ? round(part / whole, digits) : 0)
  return {
    requests,
    errors: requests - succeeded,
    rps: per(requests, seconds),
    // Of a million requests one may be too many.
    errorRate: per(requests - succeeded, requests, 9),
    throughput: Math.round(per(bytes, seconds)),
    // Of nothing there is no time: a threshold on it must not pass.
    ...(histogram.totalCount > 0
      ? {
          mean: milliseconds(histogram.mean),
          p50: at(50),
          p90: at(90),
          p95: at(95),
          p99: at(99),
          max: milliseconds(histogram.maxValue),
        }
      : {}),
    timeouts,
    dropped,
  }
}

/** Of microseconds, to a thousandth: its encoding stays below 10 KB, however much is in it. */
function empty(): Histogram {
  return build({
    lowestDiscernibleValue: 1,
    highestTrackableValue: 600_000_000,
    numberOfSignificantValueDigits: 3,
    bitBucketSize: 32,
    useWebAssembly: false,
  })
}

function milliseconds(microseconds: number): number {
  return round(microseconds / 1_000, 1)
}

function round(value: number, digits: number): number {
  return Number(value.toFixed(digits))
}
