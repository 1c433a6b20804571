import { openIssue } from './event.ts'
import { EMPTY, type Example, exampleOf, issueTicketing, withFirstCalls } from './first-calls.ts'
import { type Bench, interleave, median, ms, ratio, type Section, within } from './measure.ts'

const rounds = 15
/** Ratio to the minimal handler. */
const MAX_RATIO = 1.3

const flags = { query: { connection: 'flags' } }
const load = { rate: 20, duration: 'PT10S' }
const dryRun = { query: { dryRun: 'true' } }
const { title, description } = openIssue
const latency = { type: 'latency', attributes: { latency: 400 }, duration: 'PT20S' }

/** One immediate call per category, and the modes of one of them. */
const examples: Record<string, Example> = {
  ...issueTicketing,
  'incident-management, silent': exampleOf('incident-management/open-ticket', { title, description }),
  'notification, silent': exampleOf('notification/push-update', { text: 'Version 1.4.2 is in production.' }),
  'feature-flags, silent': exampleOf('feature-flags/set-flag', { flag: 'slow-recommendations', state: 'off' }),
  'remediation, silent': exampleOf('remediation/toggle-flag', { flag: 'checkout-v2', state: 'off' }, flags),
  'ci-cd, silent': exampleOf('ci-cd/trigger-build', { target: 'build.yml' }),
  'optimization, silent': exampleOf('optimization/start-model', { parameters: { service: 'shop', trials: '8' } }),
  'slo, silent': exampleOf('slo/request-evaluation', { slo: 'checkout', timeframe: '5m' }),
  'load-testing, dry run': exampleOf('load-testing/start-test', { parameters: load }, dryRun),
  'chaos-testing, dry run': exampleOf('chaos-testing/start-test', { parameters: latency }, dryRun),
}

/** Measures from the start of a process to its first response, compared with a minimal handler that sends the same requests. */
export async function firstAnswer(bench: Bench): Promise<Section> {
  const runs = await withFirstCalls(bench, examples, (calls) => {
    bench.progress(`${rounds} new processes for each of ${Object.keys(calls).length} handlers`)
    return interleave(rounds, calls)
  })
  const startTimesOf = (name: string) => (runs[name] ?? []).map(({ wallMs }) => wallMs)
  const bare = startTimesOf(EMPTY)
  return {
    title: 'Process start to first response',
    columns: [
      'call',
      'minimal, median',
      'fastest',
      'ours, median',
      'fastest',
      'after loading',
      'ratio of the medians',
      'budget',
    ],
    rows: [
      ['an empty handler, no calls', ms(median(bare)), ms(Math.min(...bare)), '', '', '', '', ''],
      ...Object.keys(examples).map((what) => {
        const [theirs, ours] = [startTimesOf(`${what}: by hand`), startTimesOf(`${what}: ours`)]
        return [
          what,
          ms(median(theirs)),
          ms(Math.min(...theirs)),
          ms(median(ours)),
          ms(Math.min(...ours)),
          ms(median((runs[`${what}: ours`] ?? []).map(({ callMs = 0 }) => callMs))),
          ratio(median(ours), median(theirs)),
          within(median(ours) / median(theirs), MAX_RATIO, (value) => `${value} x`),
        ]
      }),
    ],
    notes: [
      `${rounds} runs of each, in turns. The minimal handler (\`test/bench/minimal/\`, esbuild, CommonJS) sends the same requests: to Secrets Manager, DynamoDB and Lambda with the clients of the AWS SDK, and to the platform with \`node:http\`. Every run checks that. The minimal handler checks the token of the caller, but has no validation, masking or retries.`,
      'Both use the platforms of the sandbox in another process. Load and chaos tests need a task, so these are dry runs, which read their secrets and send nothing.',
    ],
  }
}
