// The inside of a warm process: a webhook of ours and a bare handler that makes the same HTTP calls, called in turns.
import http from 'node:http'
import { createRequire } from 'node:module'
import { keptnEvent, lambdaContext, proxyEvent } from './event.ts'
import type { Recorded } from './platform.ts'

/** What the process is told in its first argument. */
export interface WarmTask {
  file: string
  url: string
  action: string
  query: Record<string, string>
  input: Record<string, unknown>
  withId: boolean
  calls: number
  /** Calls of each before those that count: enough that everything is compiled, and compiled again. */
  warmUp: number
}

/** How one call of each went, in milliseconds. */
export interface Timing {
  wallMs: number
  cpuMs: number
}

export interface WarmReport {
  ours: Timing[]
  bare: Timing[]
}

const task = JSON.parse(process.argv[2] ?? '{}') as WarmTask
const { handler } = createRequire(import.meta.url)(task.file) as {
  handler: (event: unknown, context: object) => Promise<{ statusCode: number; body: string }>
}

async function callOurs(): Promise<void> {
  // Made outside of the clock, as Lambda does.
  const event = proxyEvent(
    task.action,
    task.query,
    keptnEvent(task.input, task.withId ? crypto.randomUUID() : undefined),
  )
  const context = lambdaContext()
  const timing = await timed(async () => {
    const { statusCode, body } = await handler(event, context)
    if (statusCode >= 300) throw new Error(`Answered ${statusCode}: ${body}`)
  })
  ours.push(timing)
}

async function callBare(requests: Recorded[]): Promise<void> {
  const timing = await timed(async () => {
    for (const request of requests) await send(request)
  })
  bare.push(timing)
}

function send({ method, path, headers, body }: Recorded): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const request = http.request(`${task.url}${path}`, { method, headers }, (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk) => chunks.push(chunk))
      response.on('end', () => resolve(JSON.parse(Buffer.concat(chunks).toString())))
    })
    request.on('error', reject)
    request.end(body)
  })
}

async function timed(work: () => Promise<void>): Promise<Timing> {
  const cpu = process.cpuUsage()
  const began = performance.now()
  await work()
  const wallMs = performance.now() - began
  const { user, system } = process.cpuUsage(cpu)
  return { wallMs, cpuMs: (user + system) / 1_000 }
}

process.on('disconnect', () => process.exit())

let ours: Timing[] = []
let bare: Timing[] = []

// The first call reads the secrets; the second one makes the calls of a warm one, which the parent has recorded.
await callOurs()
await requestsSoFar()
await callOurs()
const requests = await requestsSoFar()
for (let n = 0; n < task.warmUp; n++) {
  await callOurs()
  await callBare(requests)
}
ours = []
bare = []
for (let n = 0; n < task.calls; n++) {
  const turns = [callOurs, () => callBare(requests)]
  for (const turn of n % 2 === 0 ? turns : turns.toReversed()) await turn()
}
process.send?.({ ours, bare } satisfies WarmReport, () => process.exit())

/** Asks the parent, in whose process the platform is. */
function requestsSoFar(): Promise<Recorded[]> {
  return new Promise((resolve) => {
    process.once('message', (message) => resolve(message as Recorded[]))
    process.send?.('requests')
  })
}
