import { demo } from '../../infra/sandbox/platforms/sandbox/demo.ts'
import { keptnEvent, openIssue } from './event.ts'
import { LocalRuntime } from './local-runtime.ts'
import { type Bench, interleave, load, median, ms, quantile, ratio, type Section } from './measure.ts'
import { restate, startRestate } from './restate.ts'

/** Runs at once -> runs of a round. */
const runs: Record<number, number> = { 1: 100, 16: 400, 64: 640 }
const rounds = 5
const warmUp = 400
const OURS = 'ours, the local runtime'

/** Compares a run of three steps with a durable engine: accept a call, open an issue, send the result. */
export async function engines(bench: Bench): Promise<Section> {
  if (bench.comparisons) await restate.install(bench.progress)
  const runtime = await LocalRuntime.start(bench)
  const subjects: Record<string, () => Promise<unknown>> = {
    [OURS]: () => runtime.finish(keptnEvent({ ...openIssue, project: newRepository() }, crypto.randomUUID())),
  }
  const closing = [() => runtime.end()]
  const rows: string[][] = []
  try {
    if (restate.isInstalled) {
      const engine = await startRestate(bench.scratch, {
        github: `${runtime.url}/sandbox/github`,
        keptn: `${runtime.url}/sandbox/keptn/api`,
        headers: {
          github: { authorization: `Bearer ${demo.githubToken}` },
          keptn: { 'x-token': demo.keptnToken },
        },
      })
      closing.unshift(() => engine.close())
      subjects[restate.name] = async () => {
        const id = crypto.randomUUID()
        const body = { id, repository: newRepository(), title: openIssue.title, finished: finishedEvent(id) }
        const { status } = await runtime.post(`${engine.ingress}/tasks/run`, body, { 'idempotency-key': id })
        if (status !== 200) throw new Error(`${restate.name} answered ${status}`)
      }
    }
    for (const [name, run] of Object.entries(subjects)) {
      bench.progress(`${name}: ${warmUp} runs to warm it up`)
      await load(warmUp, 16, run)
    }
    for (const [concurrency, count] of Object.entries(runs)) {
      bench.progress(`${rounds} x ${count} runs of each, ${concurrency} at once`)
      const round = (run: () => Promise<unknown>) => () => load(count, Number(concurrency), run)
      const results = await interleave(
        rounds,
        Object.fromEntries(Object.entries(subjects).map(([name, run]) => [name, round(run)])),
      )
      const perSecond = (name: string) => median((results[name] ?? []).map((result) => result.perSecond))
      for (const [name, all] of Object.entries(results)) {
        const latencies = all.flatMap((result) => result.latencies)
        const median = ms(quantile(latencies, 0.5))
        const rate = perSecond(name)
        rows.push([
          name,
          concurrency,
          rate.toFixed(0),
          median,
          ms(quantile(latencies, 0.99)),
          ratio(rate, perSecond(OURS)),
        ])
      }
    }
  } finally {
    for (const close of closing) await close()
  }
  return {
    title: 'Compared with a durable engine',
    columns: ['a run of three steps', 'at once', 'runs/s', 'p50', 'p99', 'to ours'],
    rows,
    notes: [
      `Medians of ${rounds} rounds in turns, after ${warmUp} runs. A run is accepted, looks for its issue, opens it, and sends its result; it counts until it has ended. Both make the same three requests to the same sandbox.`,
      restate.isInstalled
        ? `${restate.name} is the server and the SDK of the npm packages, each in its own process, with their default settings: a step is a \`run\` of the context, and the caller waits for the response of the invocation. It syncs its log to the disk. Our runtime writes to SQLite, which syncs at checkpoints, and also runs the sandbox, the state table and the threads of the functions in its process.`
        : `${restate.name} is not installed. \`npm run bench -- --install\` installs it from npm into the user's cache folder.`,
      'The local runtime emulates Lambda for development; these numbers say nothing about Lambda.',
    ],
  }
}

/** A call with an event id lists existing issues first, so each call needs an empty repository. */
function newRepository(): string {
  return `bench/${crypto.randomUUID()}`
}

function finishedEvent(id: string): object {
  const { data, shkeptncontext } = keptnEvent(openIssue)
  return {
    type: 'sh.keptn.event.openticket.finished',
    specversion: '1.0',
    source: 'restate',
    shkeptncontext,
    triggeredid: id,
    data: { ...data, status: 'succeeded', result: 'pass' },
  }
}
