// Runs tasks sequentially, each with more operations, in a separate process with its own memory.
import { startLocalCloud } from '../../infra/local/cloud/index.ts'

/** The first argument of the process. */
export interface OperationsTask {
  /** Bundle of `steps.ts`. */
  file: string
  state: string
  /** Number of steps of each task. */
  counts: number[]
}

/** Times of the two invocations of a task in milliseconds, and the memory of the process afterwards. */
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
  // The last invocation is reported after the end of the execution.
  while (invocations.length < 2) await new Promise((resolve) => setTimeout(resolve, 5))
  const [stepsMs = Number.NaN, replayMs = Number.NaN] = invocations
  for (let n = 0; n < 3; n++) globalThis.gc?.()
  return { steps, stepsMs, replayMs, rss: process.memoryUsage.rss() }
}

// The first task starts the thread.
await run(50)
const ran: Ran[] = []
for (const steps of counts) ran.push(await run(steps))
process.send?.(ran, () => process.exit())
