import { mkdtemp } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { createSandbox } from '../../infra/platforms/sandbox/index.ts'
import { settings } from '../../shared/settings.ts'
import { keptnEvent, openIssue, proxyEvent } from './event.ts'
import { freshProcesses } from './fresh-process.ts'
import { emptyHandler } from './init.ts'
import { type Bench, interleave, median, ms, ratio, type Section, within } from './measure.ts'
import type { Recipe } from './minimal/by-hand.ts'
import { type Recorded, startPlatform } from './platform.ts'

const rounds = 15
/** Ratio to the minimal handler. */
const MAX_RATIO = 1.3

interface Example {
  category: string
  action: string
  query?: Record<string, string>
  input: Record<string, unknown>
  eventId?: string
  /** The minimal handler, a file in `minimal/`. */
  byHand: keyof typeof writtenByHand
}

const call = (action: string, input: Example['input'], more: Partial<Example> = {}): Example => {
  const [category = '', name = ''] = action.split('/')
  return { category, action: name, input, byHand: 'silent', ...more }
}
const dryRun = { query: { dryRun: 'true' } }
const { title, description } = openIssue
const latency = { type: 'latency', attributes: { latency: 400 }, duration: 'PT20S' }
const [once, later] = [
  { eventId: 'event-1', byHand: 'once' },
  { eventId: 'event-2', byHand: 'interactive' },
] as const

/** One immediate call per category, and the modes of one of them. */
const examples: Record<string, Example> = {
  'issue-ticketing, silent': call('issue-ticketing/open-issue', openIssue),
  'issue-ticketing, silent with an event id': call('issue-ticketing/open-issue', openIssue, once),
  'issue-ticketing, interactive': call('issue-ticketing/open-issue', openIssue, {
    query: { mode: 'interactive' },
    ...later,
  }),
  'incident-management, silent': call('incident-management/open-ticket', { title, description }),
  'notification, silent': call('notification/push-update', { text: 'Version 1.4.2 is in production.' }),
  'feature-flags, silent': call('feature-flags/set-flag', { flag: 'slow-recommendations', state: 'off' }),
  'remediation, silent': call(
    'remediation/toggle-flag',
    { flag: 'checkout-v2', state: 'off' },
    { query: { connection: 'flags' } },
  ),
  'ci-cd, silent': call('ci-cd/trigger-build', { target: 'build.yml' }),
  'optimization, silent': call('optimization/start-model', { parameters: { service: 'shop', trials: '8' } }),
  'slo, silent': call('slo/request-evaluation', { slo: 'checkout', timeframe: '5m' }),
  'load-testing, dry run': call('load-testing/start-test', { parameters: { rate: 20, duration: 'PT10S' } }, dryRun),
  'chaos-testing, dry run': call('chaos-testing/start-test', { parameters: latency }, dryRun),
}

/** Measures from the start of a process to its first response, compared with a minimal handler that sends the same requests. */
export async function firstAnswer({ bundles, scratch, progress }: Bench): Promise<Section> {
  const start = await freshProcesses(scratch)
  const empty = await emptyHandler(scratch)
  const sandbox = createSandbox({ state: await mkdtemp(join(scratch, 'sandbox-')) })
  const platform = await startPlatform(sandbox)
  try {
    const subjects: Record<string, () => ReturnType<typeof start>> = {}
    for (const [what, example] of Object.entries(examples)) {
      progress(`${what}: its calls`)
      const { category, action, query = {}, input, eventId } = example
      const variables = platform.variablesOf(category)
      const file = join(bundles, category, 'webhook.js')
      const event = proxyEvent(action, query, keptnEvent(input, eventId), category)
      const minimal = await byHand(example.byHand, scratch)
      // The first start reads files from the disk and changes the platform.
      await start(file, variables, event)
      platform.taken()
      await start(file, variables, event)
      const ours = platform.taken()
      const same = { ...event, body: JSON.stringify(recipeOf(ours)) }
      await start(minimal, variables, same)
      const theirs = platform.taken()
      if (namesOf(ours) !== namesOf(theirs))
        throw new Error(`The minimal handler sends other requests: ${namesOf(theirs)}; ours: ${namesOf(ours)}`)
      subjects[`${what}: by hand`] = () => start(minimal, variables, same)
      subjects[`${what}: ours`] = () => start(file, variables, event)
    }
    subjects['an empty handler'] = () =>
      start(empty, platform.variables, proxyEvent('open-issue', {}, keptnEvent(openIssue)))
    progress(`${rounds} fresh processes for each of ${Object.keys(subjects).length} handlers`)
    const runs = await interleave(rounds, subjects)
    const startTimesOf = (name: string) => (runs[name] ?? []).map(({ wallMs }) => wallMs)
    const bare = startTimesOf('an empty handler')
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
        `${rounds} runs of each, in turns. The minimal handler (\`test/bench/minimal/\`, esbuild, CommonJS) sends the same requests: to Secrets Manager, DynamoDB and Lambda with the same clients of the AWS SDK, and to the platform with \`node:http\`. Every run checks that. The minimal handler checks the token of the caller, but has no validation, masking or retries.`,
        'Both use the platforms of the sandbox in another process. Load and chaos tests need a task, so these are dry runs, which read their secrets and send nothing.',
      ],
    }
  } finally {
    await platform.close()
    sandbox.close()
  }
}

function recipeOf(requests: Recorded[]): Recipe {
  const secrets = requests.flatMap((request) => secretOf(request) ?? []).filter((name) => name !== 'callers')
  const calls = requests
    .filter((request) => secretOf(request) === undefined)
    .map(({ headers: { host: _host, connection: _connection, ...headers }, ...call }) => ({ ...call, headers }))
  return { secrets, calls }
}

/** Returns the secret that a request reads, without the prefix. */
function secretOf({ headers, body }: Recorded): string | undefined {
  if (!headers['x-amz-target']?.toString().endsWith('.GetSecretValue')) return undefined
  return (JSON.parse(body) as { SecretId: string }).SecretId.slice(`${settings.secretPrefix}/`.length)
}

/** Sorted, because secrets may be read concurrently. */
function namesOf(requests: Recorded[]): string {
  return requests
    .map((request) => {
      const { method, path, headers } = request
      return `${method} ${path.split('?')[0]} ${headers['x-amz-target'] ?? ''} ${secretOf(request) ?? ''}`
    })
    .sort()
    .join(', ')
}

const writtenByHand = {
  silent: new URL('./minimal/silent.ts', import.meta.url),
  once: new URL('./minimal/once.ts', import.meta.url),
  interactive: new URL('./minimal/interactive.ts', import.meta.url),
}

async function byHand(name: Example['byHand'], scratch: string): Promise<string> {
  const outfile = join(scratch, `by-hand-${name}.cjs`)
  await build({
    entryPoints: [fileURLToPath(writtenByHand[name])],
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
