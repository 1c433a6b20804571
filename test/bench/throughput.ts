import { demo } from '../../infra/local/sandbox/demo.ts'
import { keptnEvent, openIssue } from './event.ts'
import { LocalRuntime } from './local-runtime.ts'
import { type Bench, load, ms, quantile, ratio, type Section } from './measure.ts'

const calls = 400
const concurrency = 16

/** How many calls a second the local runtime answers, beside the sandbox alone. */
export async function throughput(bench: Bench): Promise<Section> {
  const runtime = await LocalRuntime.start(bench)
  const loads: Record<string, () => Promise<unknown>> = {
    "the sandbox's GitHub, called directly": () => {
      const { project, ...issue } = inNewRepository()
      const headers = { authorization: `Bearer ${demo.githubToken}` }
      return runtime.post(`${runtime.url}/sandbox/github/repos/${project}/issues`, { title: issue.title }, headers)
    },
    'silent, without an event id': () => runtime.call('', keptnEvent(inNewRepository()), 200),
    'silent, with an event id': () => runtime.call('', keptnEvent(inNewRepository(), crypto.randomUUID()), 200),
    'interactive, until accepted': () =>
      runtime.call('?mode=interactive', keptnEvent(inNewRepository(), crypto.randomUUID()), 202),
    'interactive, until finished': () => runtime.finish(keptnEvent(inNewRepository(), crypto.randomUUID())),
  }
  const rows: string[][] = []
  try {
    let reference: number | undefined
    for (const [what, call] of Object.entries(loads)) {
      bench.progress(`${what}: ${calls} calls, ${concurrency} at once`)
      // Starts as many environments as there will be, each with the SDK loaded.
      await load(concurrency * 4, concurrency, call)
      const { perSecond, latencies } = await load(calls, concurrency, call)
      reference ??= perSecond
      rows.push([
        what,
        perSecond.toFixed(0),
        ms(quantile(latencies, 0.5)),
        ms(quantile(latencies, 0.99)),
        ratio(perSecond, reference),
      ])
      await runtime.rest()
    }
  } finally {
    await runtime.end()
  }
  return {
    title: 'Throughput of the local runtime',
    columns: ['open-issue', 'calls/s', 'p50', 'p99', 'ratio'],
    rows,
    notes: [
      `${calls} calls each, ${concurrency} at once, after a warm-up. The runtime has four threads for each function, DynamoDB, Lambda and the platforms in one process; the caller has another. On AWS there is an environment for each call that runs.`,
      'Each call opens its issue in a repository of its own, so that the look-up before it finds an empty list.',
      '"Until accepted" leaves the tasks to run beside the calls that follow. "Until finished" is from the call to the end of the task, with its finished event taken.',
    ],
  }
}

/** Before it opens an issue, a call with an event id lists those that are there: its figure must not depend on the others. */
function inNewRepository() {
  return { ...openIssue, project: `bench/${crypto.randomUUID()}` }
}
