// One execution environment of Lambda in a process of its own: loads a bundle as Lambda does, and runs what its parent sends.
import { randomUUID } from 'node:crypto'
import { createRequire } from 'node:module'

const [, , bundle = ''] = process.argv
const { handler } = createRequire(import.meta.url)(bundle) as {
  handler(event: object, context: object): Promise<object>
}

process.on('message', async (event: object) => {
  const deadline = Date.now() + 28_000
  const context = {
    awsRequestId: randomUUID(),
    functionName: 'issue-ticketing-webhook',
    memoryLimitInMB: '512',
    getRemainingTimeInMillis: () => deadline - Date.now(),
  }
  process.send?.(await handler(event, context))
})
