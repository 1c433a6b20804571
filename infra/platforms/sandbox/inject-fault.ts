import type { ServerResponse } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Fault, FaultKind } from './faults.ts'
import { type Answer, type Call, json, type Platform, pause, send, sendInTime } from './http.ts'

/** What is cut in half where there is no real answer to cut. */
const someAnswer = JSON.stringify({ id: 1, number: 1, state: 'open', title: 'An answer that will be cut' })
const page = '<!DOCTYPE html><html><head><title>Error</title></head><body><h1>Something went wrong</h1></body></html>'

/**
 * Answers a call as a fault says.
 * @param carryOut does what the call asks for and gives the answer that it should get
 * @param closing aborted when the sandbox closes: whatever hangs then ends
 * @returns the status that went out, or null where none did
 */
export async function spoil(
  fault: Fault,
  platform: Platform,
  call: Call,
  res: ServerResponse,
  carryOut: () => Answer,
  closing: AbortSignal,
): Promise<number | null> {
  const done = fault.after ? carryOut() : undefined
  switch (fault.kind) {
    case 'no-id': {
      const answer = done ?? carryOut()
      const isWrite = call.method !== 'GET' && answer.status < 300
      return send(res, isWrite ? changed(fault, json(answer.status, {})) : answer)
    }
    case 'hang':
      await gone(res, closing)
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
      return truncate(res, changed(fault, done?.body ? done : json(200, JSON.parse(someAnswer))))
    case 'huge':
      return endless(res, changed(fault, json(200, {})), closing)
    default:
      return send(res, changed(fault, spoiled[fault.kind](fault, platform, call)))
  }
}

type Whole = Exclude<FaultKind, 'hang' | 'reset' | 'slow' | 'truncate' | 'huge' | 'no-id'>

const spoiled: Record<Whole, (fault: Fault, platform: Platform, call: Call) => Answer> = {
  '500': (_, platform) => platform.error(500, 'Server Error'),
  '503': (_, platform) => platform.error(503, 'Service unavailable'),
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
  html: () => ({ status: 500, headers: { 'content-type': 'text/html; charset=utf-8' }, body: page }),
  'wrong-json': () => json(200, { welcome: 'This is not what you asked for.', items: 'none' }),
  empty: () => ({ status: 200, headers: { 'content-type': 'application/json; charset=utf-8' }, body: '' }),
  redirect: () => ({ status: 302, headers: { location: 'http://elsewhere.invalid/' }, body: '' }),
  echo: (_, platform, { body, headers }) => platform.error(500, `No: ${body} came with ${JSON.stringify(headers)}`),
}

function retryAfter(fault: Fault): Record<string, string> {
  return fault.retryAfter === null ? {} : { 'retry-after': String(fault.retryAfter) }
}

function changed({ status, headers, body }: Fault, answer: Answer): Answer {
  const text = body === undefined || typeof body === 'string' ? body : JSON.stringify(body)
  return withHeaders({ ...answer, status: status ?? answer.status, body: text ?? answer.body }, headers)
}

function withHeaders(answer: Answer, headers: Record<string, string> = {}): Answer {
  const lower = Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value] as const)
  return { ...answer, headers: { ...answer.headers, ...Object.fromEntries(lower) } }
}

async function truncate(res: ServerResponse, { status, headers, body = '' }: Answer): Promise<number> {
  const whole = Buffer.from(body)
  res.writeHead(status, { ...headers, 'content-length': whole.length })
  // The length promises more than comes: a client that does not count takes the half for all.
  await new Promise<void>((resolve) => res.write(whole.subarray(0, Math.ceil(whole.length / 2)), () => resolve()))
  res.destroy()
  return status
}

async function endless(res: ServerResponse, { status, headers }: Answer, closing: AbortSignal): Promise<number> {
  const chunk = 'x'.repeat(64 * 1024)
  res.writeHead(status, headers)
  res.write('{"message":"')
  const left = gone(res, closing)
  while (!res.destroyed && !closing.aborted) {
    if (res.write(chunk)) await sleep(0)
    else await Promise.race([left, new Promise<void>((resolve) => res.once('drain', resolve))])
  }
  res.destroy()
  return status
}

/** Until the client goes away, or the sandbox closes and takes the connection with it. */
function gone(res: ServerResponse, closing: AbortSignal): Promise<void> {
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
