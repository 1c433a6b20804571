// A task that does nothing but steps, which is bundled for the measurement.
import { withDurableExecution } from '@aws/durable-execution-sdk-js'

/** Makes so many steps, each with a checkpoint of its own; then waits, so that all of them are replayed once. */
export const handler = withDurableExecution(async ({ steps }: { steps: number }, context) => {
  for (let n = 0; n < steps; n++) await context.step(`step-${n}`, async () => ({ n, at: Date.now() }))
  await context.wait('pause', { seconds: 1 })
  return steps
})
