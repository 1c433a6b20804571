// Runs in a warm process: calls the function for agents and the webhook, in turns.
import { createRequire } from 'node:module'
import { agentEvent, keptnEvent, lambdaContext, openIssue, proxyEvent, statusEvent } from './event.ts'
import { stopwatch, type Times } from './stopwatch.ts'

/** The first argument of the process. */
interface AgentsTask {
  mcp: string
  webhook: string
  calls: number
  warmUp: number
}

/** Times of each request. */
export type AgentsReport = Record<'list' | 'tool' | 'call' | 'status', Times[]>

interface Loaded {
  handler: (event: unknown, context: object) => Promise<{ statusCode: number; body: string }>
}

const task = JSON.parse(process.argv[2] ?? '{}') as AgentsTask
const require = createRequire(import.meta.url)
const [mcp, webhook] = [task.mcp, task.webhook].map((file) => require(file) as Loaded) as [Loaded, Loaded]

async function timed({ handler }: Loaded, event: unknown): Promise<Times> {
  const context = lambdaContext()
  const stop = stopwatch()
  const { statusCode, body } = await handler(event, context)
  const times = stop()
  if (statusCode >= 300 || body.includes('"error"') || body.includes('"isError":true'))
    throw new Error(`Status ${statusCode}: ${body}`)
  return times
}

const tool = { name: 'issue-ticketing_open-issue', arguments: { key: 'key', input: openIssue } }
const requests: Record<keyof AgentsReport, () => Promise<Times>> = {
  list: () => timed(mcp, agentEvent('tools/list', {})),
  tool: () => timed(mcp, agentEvent('tools/call', tool)),
  call: () => {
    const event = keptnEvent(openIssue, crypto.randomUUID())
    return timed(webhook, proxyEvent('open-issue', { mode: 'interactive' }, event))
  },
  status: () => timed(webhook, statusEvent('a'.repeat(40))),
}

const report: AgentsReport = { list: [], tool: [], call: [], status: [] }
for (let n = 0; n < task.warmUp + task.calls; n++) {
  const names = Object.keys(requests) as (keyof AgentsReport)[]
  for (const name of n % 2 === 0 ? names : names.toReversed()) {
    // The status of a task needs its call.
    const times = await requests[name]()
    if (n >= task.warmUp) report[name].push(times)
  }
}
process.send?.(report, () => process.exit())
process.on('disconnect', () => process.exit())
