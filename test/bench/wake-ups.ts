import { setTimeout as sleep } from 'node:timers/promises'
import { demo } from '../../infra/sandbox/platforms/sandbox/demo.ts'
import { LocalRuntime } from './local-runtime.ts'
import { type Bench, median, ms, type Section, within } from './measure.ts'

const JOBS = 10
/** Long enough that the next poll without a notification is seconds away: a task polls after 2, 10 and 30 seconds. */
const JOB_SECONDS = 4
const CANCEL_AFTER_MS = 4_000
const MAX_MS = 2_000
const PATIENCE_MS = 60_000

/** Measures how soon a task follows a notification, and a request to cancel it. */
export async function wakeUps(bench: Bench): Promise<Section> {
  const runtime = await LocalRuntime.start(bench)
  try {
    const [ends, stops]: [number[], number[]] = [[], []]
    for (let job = 1; job <= JOBS; job++) {
      bench.progress(`job ${job} of ${JOBS}`)
      ends.push(await endOfJob(runtime))
      stops.push(await stopOfJob(runtime))
    }
    const row = (what: string, times: number[]) => {
      const longest = Math.max(...times)
      return [what, ms(median(times)), ms(longest), within(longest, MAX_MS, ms)]
    }
    return {
      title: 'Wake-ups',
      columns: ['from', 'median', 'longest', 'budget'],
      rows: [row('notification to result', ends), row('cancellation to stop request', stops)],
      notes: [
        `${JOBS} jobs of the GitHub in the sandbox, which notifies the local runtime. Without a notification, the tasks would poll six seconds later.`,
      ],
    }
  } finally {
    await runtime.end()
  }
}

/** Returns the time from the notification of the end of a job to the end of its task, in milliseconds. */
async function endOfJob(runtime: LocalRuntime): Promise<number> {
  const taskId = await start(runtime, JOB_SECONDS)
  const { endedAt } = await eventually(() => get(runtime, `/console/calls/${taskId}`), 'endedAt')
  const sent: { at: string; event: string }[] = await get(runtime, '/sandbox/notifications')
  const last = sent.findLast(({ event }) => event === 'workflow_run.completed')
  return endedAt - Date.parse(last?.at ?? '')
}

/** Returns the time from a request to cancel a task to the request that stops its job, in milliseconds. */
async function stopOfJob(runtime: LocalRuntime): Promise<number> {
  const taskId = await start(runtime, 600)
  await sleep(CANCEL_AFTER_MS)
  const canceledAt = Date.now()
  await post(runtime, `/v1/ci-cd/tasks/${taskId}/cancel`)
  await eventually(() => get(runtime, `/console/calls/${taskId}`), 'endedAt')
  const requests: { at: string; path: string }[] = await get(runtime, '/sandbox/requests')
  const stop = requests.findLast(({ path }) => path.endsWith('/cancel'))
  return Date.parse(stop?.at ?? '') - canceledAt
}

async function start(runtime: LocalRuntime, seconds: number): Promise<string> {
  const input = { target: 'deploy.yml', parameters: { seconds: String(seconds) } }
  const type = 'sh.keptn.event.deployment.triggered'
  const data = { project: 'shop', stage: 'production', service: 'cart' }
  const event = { id: crypto.randomUUID(), type, shkeptncontext: crypto.randomUUID(), data, input }
  const answer = await post(runtime, '/v1/ci-cd/trigger-deployment?mode=interactive&deadline=P1D', event)
  return JSON.parse(answer).taskId
}

async function post(runtime: LocalRuntime, path: string, body: object = {}): Promise<string> {
  const headers = { authorization: `Bearer ${demo.callerToken}` }
  const answer = await runtime.post(`${runtime.url}${path}`, body, headers)
  if (answer.status !== 202) throw new Error(`Status ${answer.status} instead of 202: ${answer.body}`)
  return answer.body
}

// biome-ignore lint/suspicious/noExplicitAny: the fields that it reads are those of the console and the sandbox.
async function get(runtime: LocalRuntime, path: string): Promise<any> {
  return (await fetch(`${runtime.url}${path}`)).json()
}

/** Repeats a request until its response has a field. */
// biome-ignore lint/suspicious/noExplicitAny: see `get`.
async function eventually(read: () => Promise<any>, field: string): Promise<any> {
  for (const startedAt = Date.now(); Date.now() - startedAt < PATIENCE_MS; await sleep(50)) {
    const body = await read()
    if (body[field] !== undefined) return body
  }
  throw new Error(`No ${field} within ${PATIENCE_MS} ms`)
}
