import { setTimeout as sleep } from 'node:timers/promises'
import { authorizationWith } from '../../infra/local/cloud/index.ts'
import type { Task } from '../../shared/core/call.ts'
import { keptnEvent, openIssue } from './event.ts'
import { LocalRuntime } from './local-runtime.ts'
import { type Bench, kb, load, mb, median, ms, type Section, seconds, within } from './measure.ts'

const counts = [100, 1_000, 10_000]
const most = 10_000
/** Of the whole process with that many, in bytes. */
const largest = 500 * 1_048_576
/** Long enough that the environments which started the tasks are ended: they are not what waits. */
const settling = 7_000
const calls = 200

/** What tasks cost that wait, many at once, for a platform to come back. */
export async function waiting(bench: Bench): Promise<Section> {
  const runtime = await LocalRuntime.start(bench)
  const rows: string[][] = []
  const seen: Seen[] = []
  try {
    // Without the wish to be left alone for so long, ten thousand tasks would come again all the time.
    await runtime.fault({ target: 'github', kind: '429', retryAfter: 3_000 })
    for (const count of counts) {
      const missing = count - (await runtime.tasks()).running
      bench.progress(`${count} tasks waiting: starting ${missing}`)
      const began = performance.now()
      await start(runtime, missing)
      const took = performance.now() - began
      await sleep(settling)
      const { waiting } = await runtime.tasks()
      if (waiting !== count) throw new Error(`${waiting} tasks wait instead of ${count}`)
      const { rss, heap } = await runtime.memory()
      seen.push({ tasks: waiting, rss, heap })
      // Answered without asking the platform, which is down.
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
        waiting >= most ? `${within(rss, largest, mb)}; flat per task: ${isFlat(seen) ? 'within' : 'over'}` : '',
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
      'a call meanwhile, median',
      'budget',
    ],
    rows,
    notes: [
      'The GitHub of the sandbox answers 429 with Retry-After, so that each task waits for its next try in almost an hour. The tasks are started through the Lambda API, as the webhook starts them, but without the webhook, which would take most of the time.',
      '"Per task" is what a task takes more than those of the row above, the runtime itself left out; flat is what takes no more per task with ten times the tasks. RSS is that of the whole process with its threads, and keeps what starting the tasks took; heap is that of the runtime without its threads, after a collection of garbage. The state of a task is in SQLite. "A call meanwhile" is a dry run.',
    ],
  }
}

interface Seen {
  tasks: number
  rss: number
  heap: number
}

/** Bytes for each task that the second has more than the first. */
function growth([before, after]: Seen[]): { rss: number; heap: number } | undefined {
  if (!before || !after) return undefined
  const tasks = after.tasks - before.tasks
  return { rss: (after.rss - before.rss) / tasks, heap: (after.heap - before.heap) / tasks }
}

/** Less than a kilobyte is not told from what a process does anyway. */
function isFlat(seen: Seen[]): boolean {
  const [first, last] = [growth(seen.slice(-3, -1)), growth(seen.slice(-2))]
  return first !== undefined && last !== undefined && last.rss <= Math.max(first.rss, 1_024)
}

async function start(runtime: LocalRuntime, count: number): Promise<void> {
  const url = `${runtime.lambda}/2015-03-31/functions/issue-ticketing-task:live/invocations`
  await load(count, 16, async () => {
    const task = payload()
    const headers = {
      authorization: authorizationWith(runtime),
      'x-amz-invocation-type': 'Event',
      'x-amz-durable-execution-name': task.id,
    }
    const { status, body } = await runtime.post(url, task, headers)
    if (status !== 202) throw new Error(`Lambda answered ${status}: ${body}`)
  })
  await runtime.rest()
}

function payload(): Task {
  const id = crypto.randomUUID()
  return {
    version: 1,
    id,
    category: 'issue-ticketing',
    caller: 'demo',
    orchestrator: 'sandbox',
    mode: 'interactive',
    event: {
      id,
      task: 'openticket',
      context: crypto.randomUUID(),
      project: 'shop',
      stage: 'production',
      service: 'cart',
      labels: { team: 'checkout' },
    },
    action: 'open-issue',
    connection: 'default',
    provider: 'github',
    input: { ...openIssue, project: 'demo/shop' },
    sendStarted: false,
    progress: false,
    labels: true,
    deadline: 86_400,
    dryRun: false,
  }
}
