import { demo } from '../../infra/sandbox/platforms/sandbox/demo.ts'
import { keptnEvent, openIssue } from './event.ts'
import { LocalRuntime } from './local-runtime.ts'
import { type Bench, load, ms, quantile, ratio, type Section } from './measure.ts'

/** Connections -> calls. Enough calls for a p99. */
const calls: Record<number, number> = { 1: 200, 8: 400, 64: 800 }
/** Starts all environments, loads the SDK and compiles the code. */
const warmUp = 200

/** Measures the calls per second of the local runtime, compared with the sandbox alone. */
export async function throughput(bench: Bench): Promise<Section> {
  const runtime = await LocalRuntime.start(bench)
  const loads: Record<string, () => Promise<unknown>> = {
    "the sandbox's GitHub, direct": () => {
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
        )}, sequentially on each connection, after a warm-up of ${warmUp}. The runtime has four threads per function and runs DynamoDB, Lambda and the platforms in one process; the caller has another. Calls wait for a free thread; on AWS, each running call has an environment. The ratio is to the sandbox with the same number of connections.`,
      'Each call opens its issue in its own repository, so that the search before it returns an empty list.',
      '"Until accepted": the tasks run concurrently with the next calls. "Until finished": from the call to the end of the task, including its finished event.',
    ],
  }
}

/** A call with an event id lists existing issues first, so each call needs an empty repository. */
function inNewRepository() {
  return { ...openIssue, project: `bench/${crypto.randomUUID()}` }
}
