// The inside of a process that runs one task after another, each with more operations: its memory is its own.
import { startLocalCloud } from '../../infra/local/cloud/index.ts'

/** What the process is told in its first argument. */
export interface OperationsTask {
  /** The bundle of `steps.ts`. */
  file: string
  state: string
  /** How many steps each task has, in this order. */
  counts: number[]
}

/** How a task went: its two invocations in milliseconds, and the bytes of the process afterwards. */
export interface Ran {
  steps: number
  stepsMs: number
  replayMs: number
  rss: number
}

const { file, state, counts } = JSON.parse(process.argv[2] ?? '{}') as OperationsTask
let invocations: number[] = []
const cloud = await startLocalCloud({
  state,
  functions: [
    {
      name: 'steps',
      file,
      handler: 'handler',
      timeoutSeconds: 600,
      environment: {},
      concurrency: 1,
      durable: { executionTimeoutSeconds: 900, retentionDays: 1 },
    },
  ],
  secret: () => undefined,
  table: 'bench',
  observe(seen) {
    if (seen.kind !== 'invocation') return
    if (seen.error) throw new Error(seen.error.errorMessage)
    invocations.push(seen.durationMs)
  },
})

async function run(steps: number): Promise<Ran> {
  invocations = []
  const { error } = await cloud.invoke('steps', { steps })
  if (error) throw new Error(error.errorMessage)
  // The end of the last invocation is told after that of the execution.
  while (invocations.length < 2) await new Promise((resolve) => setTimeout(resolve, 5))
  const [stepsMs = Number.NaN, replayMs = Number.NaN] = invocations
  for (let n = 0; n < 3; n++) globalThis.gc?.()
  return { steps, stepsMs, replayMs, rss: process.memoryUsage.rss() }
}

// The first one starts the thread.
await run(50)
const ran: Ran[] = []
for (const steps of counts) ran.push(await run(steps))
process.send?.(ran, () => process.exit())
