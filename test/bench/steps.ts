// A task that only runs steps.
import { withDurableExecution } from '@aws/durable-execution-sdk-js'

/** Runs steps with one checkpoint each, then waits, so that all of them are replayed once. */
export const handler = withDurableExecution(async ({ steps }: { steps: number }, context) => {
  for (let n = 0; n < steps; n++) await context.step(`step-${n}`, async () => ({ n, at: Date.now() }))
  await context.wait('pause', { seconds: 1 })
  return steps
})
