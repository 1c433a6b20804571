import { demo } from '../../infra/platforms/sandbox/demo.ts'
import { keptnEvent, openIssue } from './event.ts'
import { LocalRuntime } from './local-runtime.ts'
import { type Bench, load, ms, quantile, ratio, type Section } from './measure.ts'

/** With so many connections, so many calls: enough that the slowest hundredth of them is some. */
const calls: Record<number, number> = { 1: 200, 8: 400, 64: 800 }
/** Starts as many environments as there will be, each with the SDK loaded and its code compiled. */
const warmUp = 200

/** How many calls a second the local runtime answers, beside the sandbox alone, to one caller and to many. */
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
    const direct: Record<string, number> = {}
    for (const [what, call] of Object.entries(loads)) {
      bench.progress(`${what}: ${warmUp} calls to warm it up`)
      await load(warmUp, 8, call)
      for (const [connections, count] of Object.entries(calls)) {
        bench.progress(`${what}: ${count} calls over ${connections} connections`)
        const { perSecond, latencies } = await load(count, Number(connections), call)
        direct[connections] ??= perSecond
        rows.push([
          what,
          connections,
          perSecond.toFixed(0),
          ms(quantile(latencies, 0.5)),
          ms(quantile(latencies, 0.99)),
          ratio(perSecond, direct[connections]),
        ])
        await runtime.rest()
      }
    }
  } finally {
    await runtime.end()
  }
  return {
    title: 'Throughput of the local runtime',
    columns: ['open-issue', 'connections', 'calls/s', 'p50', 'p99', 'ratio'],
    rows,
    notes: [
      `${Object.entries(calls)
        .map(([connections, count]) => `${count} calls over ${connections}`)
        .join(
          ', ',
        )}, each after the one before on its connection, after a warm-up of ${warmUp}. The runtime has four threads for each function, DynamoDB, Lambda and the platforms in one process; the caller has another. More connections than threads wait for one; on AWS there is an environment for each call that runs. The ratio is to the sandbox called directly over as many.`,
      'Each call opens its issue in a repository of its own, so that the look-up before it finds an empty list.',
      '"Until accepted" leaves the tasks to run beside the calls that follow. "Until finished" is from the call to the end of the task, with its finished event taken.',
    ],
  }
}

/** Before it opens an issue, a call with an event id lists those that are there: its figure must not depend on the others. */
function inNewRepository() {
  return { ...openIssue, project: `bench/${crypto.randomUUID()}` }
}
