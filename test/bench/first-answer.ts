import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { keptnEvent, openIssue, proxyEvent } from './event.ts'
import { freshProcesses } from './fresh-process.ts'
import { emptyHandler } from './init.ts'
import { type Bench, interleave, median, ms, ratio, type Section } from './measure.ts'
import { startPlatform } from './platform.ts'

const rounds = 15

/** From the start of a process to the answer to its first call, beside a handler written by hand. */
export async function firstAnswer({ bundles, scratch, progress }: Bench): Promise<Section> {
  const start = await freshProcesses(scratch)
  const empty = await emptyHandler(scratch)
  const minimal = await minimalHandler(scratch)
  const webhook = join(bundles, 'issue-ticketing', 'webhook.js')
  const plain = proxyEvent('open-issue', {}, keptnEvent(openIssue))
  const withId = proxyEvent('open-issue', {}, keptnEvent(openIssue, 'event-1'))
  const interactive = proxyEvent('open-issue', { mode: 'interactive' }, keptnEvent(openIssue, 'event-2'))
  const platform = await startPlatform()
  try {
    const { variables } = platform
    // The first start of each reads its files from the disk, and shows which calls it makes.
    const requestsOf = async (file: string) => {
      await start(file, variables, plain)
      return platform
        .taken()
        .map(({ method, path, body }) => `${method} ${path} ${/"SecretId":"[^"]*"/.exec(body) ?? ''}`)
    }
    const [ours, byHand] = [await requestsOf(webhook), await requestsOf(minimal)]
    if (ours.join() !== byHand.join())
      throw new Error(`The handler written by hand makes other calls than ours: ${byHand.join()}; ours: ${ours.join()}`)
    progress(`${rounds} fresh processes for each of 5 handlers`)
    const runs = await interleave(rounds, {
      'an empty handler, no calls': () => start(empty, variables, plain),
      'written by hand, silent': () => start(minimal, variables, plain),
      'ours, silent': () => start(webhook, variables, plain),
      'ours, silent with an event id (and so DynamoDB)': () => start(webhook, variables, withId),
      'ours, interactive (Lambda and DynamoDB instead of GitHub)': () => start(webhook, variables, interactive),
    })
    const reference = median(runs['written by hand, silent'].map(({ wallMs }) => wallMs))
    return {
      title: 'Process start to first answer',
      columns: ['handler', 'median', 'fastest', 'of it after loading', 'to the one written by hand'],
      rows: Object.entries(runs).map(([name, fresh]) => {
        const whole = median(fresh.map(({ wallMs }) => wallMs))
        return [
          name,
          ms(whole),
          ms(Math.min(...fresh.map(({ wallMs }) => wallMs))),
          ms(median(fresh.map(({ callMs = 0 }) => callMs))),
          ratio(whole, reference),
        ]
      }),
      notes: [
        `${rounds} runs of each in turns. The one written by hand (\`test/bench/minimal.ts\`, esbuild, CommonJS) makes the calls that our silent one makes: two secrets and one POST, to a server on this machine that answers at once. That is checked in every run.`,
      ],
    }
  } finally {
    await platform.close()
  }
}

async function minimalHandler(scratch: string): Promise<string> {
  const outfile = join(scratch, 'minimal.cjs')
  await build({
    entryPoints: [fileURLToPath(new URL('./minimal.ts', import.meta.url))],
    bundle: true,
    minify: true,
    platform: 'node',
    target: 'node24',
    mainFields: ['module', 'main'],
    format: 'cjs',
    outfile,
    logLevel: 'warning',
  })
  return outfile
}
