import type { ServerResponse } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Fault, FaultKind } from './faults.ts'
import { type FakeCall, type FakeReply, json, type Platform, pause, send, sendInTime } from './http.ts'

/** The body to truncate if the request is not carried out. */
const SAMPLE_BODY = JSON.stringify({ id: 1, number: 1, state: 'open', title: 'A truncated response' })
const ERROR_PAGE =
  '<!DOCTYPE html><html><head><title>Error</title></head><body><h1>Something went wrong</h1></body></html>'

/**
 * Responds to a request with a fault.
 *
 * @param carryOut executes the request and returns its response
 * @param closing aborted when the sandbox closes
 * @returns the status that was sent, or null if none was
 */
export async function injectFault(
  fault: Fault,
  platform: Platform,
  call: FakeCall,
  res: ServerResponse,
  carryOut: () => FakeReply,
  closing: AbortSignal,
): Promise<number | null> {
  const done = fault.after ? carryOut() : undefined
  switch (fault.kind) {
    case 'no-id': {
      const answer = done ?? carryOut()
      const isWrite = call.method !== 'GET' && answer.status < 300
      return send(res, isWrite ? override(fault, json(answer.status, {})) : answer)
    }
    case 'hang':
      await untilClosed(res, closing)
      return null
    case 'reset':
      res.socket?.resetAndDestroy()
      return null
    case 'slow': {
      await pause(fault.delayMs, res, closing)
      if (closing.aborted) return null
      return sendInTime(res, done ?? carryOut(), closing)
    }
    case 'truncate':
      return truncate(res, override(fault, done?.body ? done : json(200, JSON.parse(SAMPLE_BODY))))
    case 'huge':
      return endless(res, override(fault, json(200, {})), closing)
    case 'call-twice':
    case 'restart':
    case 'lost-notification':
      throw new Error(`${fault.kind} is not a fault of a request.`)
    default:
      return send(res, override(fault, responses[fault.kind](fault, platform, call)))
  }
}

type ResponseKind = Exclude<
  FaultKind,
  'hang' | 'reset' | 'slow' | 'truncate' | 'huge' | 'no-id' | 'call-twice' | 'restart' | 'lost-notification'
>

const responses: Record<ResponseKind, (fault: Fault, platform: Platform, call: FakeCall) => FakeReply> = {
  '500': (_, platform) => platform.error(500, 'Server Error'),
  '503': (_, platform) => platform.error(503, 'Service unavailable'),
  '410': (_, platform) => platform.error(410, 'Gone'),
  '401': (_, platform) => platform.error(401, 'Bad credentials'),
  '429': (fault, platform) => {
    const reset = Math.ceil(Date.now() / 1000 + (fault.retryAfter ?? 0))
    const limits = platform.limitHeaders?.(reset)
    return withHeaders(platform.error(429, 'API rate limit exceeded'), { ...retryAfter(fault), ...limits })
  },
  'secondary-limit': (fault, platform) =>
    withHeaders(
      platform.error(403, 'You have exceeded a secondary rate limit. Please wait a few minutes before you try again.'),
      retryAfter(fault),
    ),
  html: () => ({ status: 500, headers: { 'content-type': 'text/html; charset=utf-8' }, body: ERROR_PAGE }),
  'wrong-json': () => json(200, { welcome: 'This is an unrelated document.', items: 'none' }),
  empty: () => ({ status: 200, headers: { 'content-type': 'application/json; charset=utf-8' }, body: '' }),
  redirect: () => ({ status: 302, headers: { location: 'http://elsewhere.invalid/' }, body: '' }),
  echo: (_, platform, { body, headers }) => platform.error(500, `No: ${body} came with ${JSON.stringify(headers)}`),
}

function retryAfter(fault: Fault): Record<string, string> {
  return fault.retryAfter === null ? {} : { 'retry-after': String(fault.retryAfter) }
}

function override({ status, headers, body }: Fault, answer: FakeReply): FakeReply {
  const text = body === undefined || typeof body === 'string' ? body : JSON.stringify(body)
  return withHeaders({ ...answer, status: status ?? answer.status, body: text ?? answer.body }, headers)
}

function withHeaders(answer: FakeReply, headers: Record<string, string> = {}): FakeReply {
  const lower = Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value] as const)
  return { ...answer, headers: { ...answer.headers, ...Object.fromEntries(lower) } }
}

async function truncate(res: ServerResponse, { status, headers, body = '' }: FakeReply): Promise<number> {
  const complete = Buffer.from(body)
  res.writeHead(status, { ...headers, 'content-length': complete.length })
  // A client that ignores the content length takes this half for the complete body.
  await new Promise<void>((resolve) => res.write(complete.subarray(0, Math.ceil(complete.length / 2)), () => resolve()))
  res.destroy()
  return status
}

async function endless(res: ServerResponse, { status, headers }: FakeReply, closing: AbortSignal): Promise<number> {
  const chunk = 'x'.repeat(64 * 1024)
  res.writeHead(status, headers)
  res.write('{"message":"')
  const closed = untilClosed(res, closing)
  while (!res.destroyed && !closing.aborted) {
    if (res.write(chunk)) await sleep(0)
    else await Promise.race([closed, new Promise<void>((resolve) => res.once('drain', resolve))])
  }
  res.destroy()
  return status
}

/** Waits until the client disconnects or the sandbox closes. */
function untilClosed(res: ServerResponse, closing: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      closing.removeEventListener('abort', end)
      res.off('close', end)
      if (closing.aborted) res.destroy()
      resolve()
    }
    if (res.destroyed || closing.aborted) return end()
    res.once('close', end)
    closing.addEventListener('abort', end)
  })
}
