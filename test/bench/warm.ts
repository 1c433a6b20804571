// Runs in a warm process: calls our webhook and a bare handler that sends the same requests, in turns.
import { Session } from 'node:inspector/promises'
import { createRequire } from 'node:module'
import { keptnEvent, lambdaContext, proxyEvent } from './event.ts'
import type { Recorded } from './platform.ts'
import { send } from './post.ts'
import { sharesOf } from './profile.ts'
import { stopwatch, type Times } from './stopwatch.ts'

/** The first argument of the process. */
export interface WarmTask {
  file: string
  url: string
  action: string
  query: Record<string, string>
  input: Record<string, unknown>
  withId: boolean
  /** Defaults to the stored token. */
  token?: string
  calls: number
  /** Calls before the measurement, enough to compile and optimize all code. */
  warmUp: number
  /** Calls after the measurement, whose profile is taken. */
  profiled: number
}

/** Times of each call. */
export interface WarmReport {
  ours: Times[]
  bare: Times[]
  /** Share of the parts of a call, largest first. */
  shares: [part: string, share: number][]
}

const task = JSON.parse(process.argv[2] ?? '{}') as WarmTask
const { handler } = createRequire(import.meta.url)(task.file) as {
  handler: (event: unknown, context: object) => Promise<{ statusCode: number; body: string }>
}

async function callOurs(): Promise<void> {
  // Created before the clock starts, as on Lambda.
  const id = task.withId ? crypto.randomUUID() : undefined
  const event = proxyEvent(task.action, task.query, keptnEvent(task.input, id), { token: task.token })
  const context = lambdaContext()
  const timing = await timed(async () => {
    const { statusCode, body } = await handler(event, context)
    if (statusCode >= 300) throw new Error(`Status ${statusCode}: ${body}`)
  })
  ours.push(timing)
}

async function callBare(requests: Recorded[]): Promise<void> {
  const timing = await timed(async () => {
    for (const { method, path, headers, body } of requests)
      JSON.parse((await send(`${task.url}${path}`, { method, headers }, body)).body)
  })
  bare.push(timing)
}

async function timed(work: () => Promise<void>): Promise<Times> {
  const stop = stopwatch()
  await work()
  return stop()
}

process.on('disconnect', () => process.exit())

let ours: Times[] = []
let bare: Times[] = []

// The first call reads the secrets. The second one sends the requests of a warm call, which the parent has recorded.
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
const [timings, shares] = [{ ours, bare }, await profile()]
process.send?.({ ...timings, shares } satisfies WarmReport, () => process.exit())

/** Returns the share of each part of our calls. */
async function profile(): Promise<WarmReport['shares']> {
  const session = new Session()
  session.connect()
  await session.post('Profiler.enable')
  await session.post('Profiler.setSamplingInterval', { interval: 100 })
  await session.post('Profiler.start')
  for (let n = 0; n < task.profiled; n++) await callOurs()
  const result = await session.post('Profiler.stop')
  session.disconnect()
  return sharesOf(result.profile)
}

/** Asks the parent process, which runs the platform. */
function requestsSoFar(): Promise<Recorded[]> {
  return new Promise((resolve) => {
    process.once('message', (message) => resolve(message as Recorded[]))
    process.send?.('requests')
  })
}
