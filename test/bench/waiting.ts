import { setTimeout as sleep } from 'node:timers/promises'
import { authorizationWith } from '../../infra/local/cloud/index.ts'
import { interactiveTask } from '../shared/core/interactive-task.ts'
import { keptnEvent, openIssue } from './event.ts'
import { LocalRuntime } from './local-runtime.ts'
import { type Bench, kb, load, mb, median, ms, type Section, seconds, within } from './measure.ts'

const counts = [100, 1_000, 10_000]
const MAX_TASKS = 10_000
/** Budget of the process with that many tasks, in bytes. */
const MAX_RSS_BYTES = 500 * 1_048_576
/** Long enough that the environments that started the tasks have ended. */
const settling = 7_000
const calls = 200
const place = { project: 'shop', stage: 'production', service: 'cart', labels: { team: 'checkout' } }

/** Measures the memory of many tasks that wait for a platform. */
export async function waiting(bench: Bench): Promise<Section> {
  const runtime = await LocalRuntime.start(bench)
  const rows: string[][] = []
  const seen: Seen[] = []
  try {
    // A long Retry-After: ten thousand tasks with short waits would retry all the time.
    await runtime.fault({ target: 'github', kind: '429', retryAfter: 3_000 })
    for (const count of counts) {
      const missing = count - (await runtime.tasks()).running
      bench.progress(`${count} tasks waiting: starting ${missing}`)
      const startedAt = performance.now()
      await start(runtime, missing)
      const took = performance.now() - startedAt
      await sleep(settling)
      const { waiting } = await runtime.tasks()
      if (waiting !== count) throw new Error(`${waiting} tasks wait instead of ${count}`)
      const { rss, heap } = await runtime.memory()
      seen.push({ tasks: waiting, rss, heap })
      // A dry run sends nothing to the platform, which is down.
      const { latencies } = await load(calls, 1, () => runtime.call('?dryRun=true', keptnEvent(openIssue), 200))
      const more = growth(seen.slice(-2))
      rows.push([
        String(waiting),
        `${missing} in ${seconds(took)}`,
        ms(took / missing),
        mb(rss),
        mb(heap),
        ...(more ? [kb(more.rss), kb(more.heap)] : ['', '']),
        ms(median(latencies)),
        waiting >= MAX_TASKS
          ? `${within(rss, MAX_RSS_BYTES, mb)}; flat per task: ${isFlat(seen) ? 'within' : 'over'}`
          : '',
      ])
    }
  } finally {
    await runtime.end()
  }
  return {
    title: 'Memory of waiting tasks',
    columns: [
      'waiting',
      'started',
      'each',
      'RSS',
      'heap',
      'RSS per task',
      'heap per task',
      'dry run meanwhile, median',
      'budget',
    ],
    rows,
    notes: [
      'The GitHub of the sandbox returns 429 with Retry-After, so each task waits almost an hour for its next attempt. The bench starts the tasks through the Lambda API, as the webhook does; the webhook itself would take MAX_TASKS of the time.',
      '"Per task" is the increase since the row above. Flat: not more per task with ten times the tasks. RSS is that of the process with its threads, including what starting the tasks used; heap is that of the runtime without its threads, after garbage collection. SQLite stores the state of a task.',
    ],
  }
}

interface Seen {
  tasks: number
  rss: number
  heap: number
}

/** Returns the increase in bytes per additional task. */
function growth([before, after]: Seen[]): { rss: number; heap: number } | undefined {
  if (!before || !after) return undefined
  const tasks = after.tasks - before.tasks
  return { rss: (after.rss - before.rss) / tasks, heap: (after.heap - before.heap) / tasks }
}

/** Less than a kilobyte is noise. */
function isFlat(seen: Seen[]): boolean {
  const [first, last] = [growth(seen.slice(-3, -1)), growth(seen.slice(-2))]
  return first !== undefined && last !== undefined && last.rss <= Math.max(first.rss, 1_024)
}

async function start(runtime: LocalRuntime, count: number): Promise<void> {
  const url = `${runtime.lambda}/2015-03-31/functions/issue-ticketing-task:live/invocations`
  await load(count, 16, async () => {
    const id = crypto.randomUUID()
    const event = { ...place, id, task: 'openticket', context: crypto.randomUUID() }
    const input = { ...openIssue, project: 'demo/shop' }
    const task = interactiveTask({ id, caller: 'demo', orchestrator: 'sandbox', event, input, deadline: 86_400 })
    const headers = {
      authorization: authorizationWith(runtime),
      'x-amz-invocation-type': 'Event',
      'x-amz-durable-execution-name': task.id,
    }
    const { status, body } = await runtime.post(url, task, headers)
    if (status !== 202) throw new Error(`Lambda returned ${status}: ${body}`)
  })
  await runtime.rest()
}
