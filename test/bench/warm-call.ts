import { randomUUID } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { webhookBundle } from '../../infra/build/files.ts'
import { compilePolicy } from '../../shared/policy/file.ts'
import { issueToken, signingKey } from '../platforms/issuer.ts'
import { openIssue } from './event.ts'
import { type Bench, median, ms, quantile, ratio, type Section, within } from './measure.ts'
import { type Platform, type Recorded, startPlatform } from './platform.ts'
import { reportOf, startProcess } from './process.ts'
import type { Times } from './stopwatch.ts'
import type { WarmReport, WarmTask } from './warm.ts'

const calls = 1_000
/** V8 optimizes most of the code in the first two thousand calls. */
const warmUp = 2_000
const profiled = 10_000
/** Ratio of the CPU time to that of the bare handler. */
const MAX_RATIO = 1.5
/** CPU time of the policy. */
const MAX_POLICY_MS = 0.3
/** CPU time of the question whether the action may start. */
const MAX_STOPS_MS = 0.2
/** CPU time of a token of an OpenID provider, whose keys are known. */
const MAX_TOKEN_MS = 1

/** Rules that allow the call: of other actions and connections, for other input, and with windows that are open. */
const RULES = Array.from({ length: 20 }, (_, n) => [
  { name: `action ${n}`, when: { actions: [`ci-cd/trigger-${n}`, 'remediation/*'] }, deny: 'No' },
  { name: `connection ${n}`, when: { actions: ['issue-ticketing/*'], connections: [`prod-${n}-*`] }, deny: 'No' },
  { name: `input ${n}`, when: { actions: ['issue-ticketing/*'], input: `title == 'Title ${n}'` }, deny: 'No' },
  {
    name: `approval ${n}`,
    when: { actions: ['issue-ticketing/*'], input: `title == 'Title ${n}'` },
    approve: { count: 2 },
  },
  { name: `window ${n}`, when: { actions: ['issue-ticketing/open-*'] }, only: {} },
]).flat()
/** As many as there can be, of other calls. */
const STOPS = Array.from({ length: 50 }, (_, n) => ({
  id: `stop-${n}`,
  reason: 'bad release',
  by: 'jane@example.com',
  at: 0,
  actions: ['ci-cd/*', 'issue-ticketing/open-*'],
  connections: [`prod-${n}-*`],
}))
/** The task of an interactive call asks people. */
const APPROVAL = { name: 'approval', when: { actions: ['issue-ticketing/open-issue'] }, approve: { by: ['group:sre'] } }

interface Scenario extends Pick<WarmTask, 'action' | 'input' | 'withId'> {
  what: string
  query?: Record<string, string>
  isBudgeted?: true
  /** The rules of the deployment, and the scenario without them. */
  policy?: { rules: object[]; comparedWith: string }
  /** Stops that people have set. */
  stops?: { comparedWith: string }
  /** The caller has a token of an OpenID provider. Compared with a stored token. */
  issuer?: { comparedWith: string }
}

const scenarios: Scenario[] = [
  { what: 'silent open-issue', action: 'open-issue', input: openIssue, withId: false, isBudgeted: true },
  {
    what: 'silent update-issue',
    action: 'update-issue',
    input: { id: '1', title: 'Checkout is slow again' },
    withId: false,
    isBudgeted: true,
  },
  {
    what: 'silent open-issue with 50 stops',
    action: 'open-issue',
    input: openIssue,
    withId: false,
    stops: { comparedWith: 'silent open-issue' },
  },
  {
    what: 'silent open-issue with 100 rules',
    action: 'open-issue',
    input: openIssue,
    withId: false,
    policy: { rules: RULES, comparedWith: 'silent open-issue' },
  },
  {
    what: 'silent open-issue with a token of a provider',
    action: 'open-issue',
    input: openIssue,
    withId: false,
    issuer: { comparedWith: 'silent open-issue' },
  },
  { what: 'silent open-issue with an event id', action: 'open-issue', input: openIssue, withId: true },
  {
    what: 'interactive open-issue',
    action: 'open-issue',
    query: { mode: 'interactive' },
    input: openIssue,
    withId: true,
  },
  {
    what: 'interactive open-issue that needs an approval, with 100 rules',
    action: 'open-issue',
    query: { mode: 'interactive' },
    input: openIssue,
    withId: true,
    policy: { rules: [...RULES.slice(1), APPROVAL], comparedWith: 'interactive open-issue' },
  },
]

/** Measures the overhead of a warm call in addition to its HTTP requests. */
export async function warmCall({ bundles, scratch, progress }: Bench): Promise<Section> {
  const file = join(bundles, 'issue-ticketing', `${webhookBundle}.js`)
  const rows: string[][] = []
  const cpu = new Map<string, number>()
  for (const scenario of scenarios) {
    const { what, isBudgeted: _, policy, stops, issuer, query = {}, ...called } = scenario
    progress(`${what}: ${calls} calls`)
    const variables: Record<string, string> = policy
      ? { WEBHOOKS_POLICY_FILE: compiledPolicy(policy.rules, scratch) }
      : {}
    const task = { ...called, query, file, calls, warmUp }
    const { report, requests, connections } = await run(task, {
      variables,
      hasStops: stops !== undefined,
      hasIssuer: issuer !== undefined,
    })
    const ours = median(walls(report.ours))
    const bare = median(walls(report.bare))
    const [oursCpu, bareCpu] = [medianCpu(report.ours), medianCpu(report.bare)]
    cpu.set(what, oursCpu)
    rows.push([
      what,
      requests.map(nameOf).join(', '),
      (connections / (calls + warmUp)).toFixed(1),
      ms(ours),
      ms(quantile(walls(report.ours), 0.99)),
      ms(bare),
      ms(quantile(walls(report.bare), 0.99)),
      ms(ours - bare),
      ms(oursCpu),
      ms(bareCpu),
      ratio(oursCpu, bareCpu),
      budgetOf(scenario, oursCpu, bareCpu, cpu),
    ])
  }
  return {
    title: 'Overhead of a warm call',
    columns: [
      'call',
      'HTTP calls',
      'connections per call',
      'ours, median',
      'p99',
      'bare, median',
      'p99',
      'overhead',
      'ours, CPU',
      'bare, CPU',
      'ratio',
      'budget',
    ],
    rows,
    notes: [
      `${calls} calls of each, in turns, in one process, against a server on this machine that responds immediately. The bare handler only sends the same requests, with \`node:http\`. "Overhead" is the difference of the medians. "CPU" is the median processor time of a call.`,
      'A fifth of the rules require approvals. The calls without rules have no file, and load no code that evaluates them.',
      'The webhook reads the stops once in 5 s, and compares them with each call.',
      '"Connections per call" counts new connections; on AWS, each is a TLS handshake.',
      'The bare handler neither signs requests to AWS nor checks, logs and masks anything.',
    ],
  }
}

/** Returns the file that the functions read. */
function compiledPolicy(rules: object[], scratch: string): string {
  const file = join(scratch, `policy-${randomUUID()}.json`)
  const groups = { sre: ['jane@example.com', 'U012ABCDEF'] }
  const policy = compilePolicy({ timeZone: 'Europe/Vienna', approval: { connection: 'ops' }, groups, rules })
  writeFileSync(file, JSON.stringify(policy))
  return file
}

/** @param cpu the median processor time of a call, by scenario */
function budgetOf(
  { isBudgeted, policy, stops, issuer }: Scenario,
  oursCpu: number,
  bareCpu: number,
  cpu: ReadonlyMap<string, number>,
): string {
  const more = ({ comparedWith }: { comparedWith: string }) => oursCpu - (cpu.get(comparedWith) ?? 0)
  if (policy) return within(more(policy), MAX_POLICY_MS, (value) => `${value} ms more CPU than without rules`)
  if (stops) return within(more(stops), MAX_STOPS_MS, (value) => `${value} ms more CPU than without stops`)
  if (issuer) return within(more(issuer), MAX_TOKEN_MS, (value) => `${value} ms more CPU than with a stored token`)
  return isBudgeted ? within(oursCpu / bareCpu, MAX_RATIO, (value) => `${value} x`) : ''
}

/** Shows where a warm silent call spends its processor time. */
export async function profile({ bundles, progress }: Bench): Promise<Section> {
  progress(`silent open-issue: ${profiled} calls`)
  const file = join(bundles, 'issue-ticketing', `${webhookBundle}.js`)
  const silent = { action: 'open-issue', query: {}, input: openIssue, withId: false }
  const { report } = await run({ ...silent, file, calls, warmUp, profiled })
  return {
    title: 'Where the time of a warm call goes',
    columns: ['part', 'share'],
    rows: report.shares.map(([part, share]) => [part, `${(share * 100).toFixed(0)} %`]),
    notes: [
      `A profile of ${profiled} silent calls of open-issue, sampled every 0.1 ms, after ${calls + warmUp} calls. Without the profiler, a call takes ${ms(medianCpu(report.ours))} of processor time, and the bare handler ${ms(medianCpu(report.bare))}.`,
      'Without the system calls that write to the platform and to stdout: the platform on the same machine may take the processor before they return. Other time within Node.js counts for the part that called it. The bare handler needs the HTTP messages, too.',
    ],
  }
}

interface Warm {
  report: WarmReport
  requests: Recorded[]
  connections: number
}

async function run(
  scenario: Omit<WarmTask, 'url' | 'profiled'> & Partial<WarmTask>,
  {
    variables = {},
    hasStops,
    hasIssuer,
  }: { variables?: Record<string, string>; hasStops?: boolean; hasIssuer?: boolean } = {},
): Promise<Warm> {
  const platform = await startPlatform()
  if (hasStops) platform.setStops(STOPS)
  const task: WarmTask = { profiled: 0, ...scenario, url: platform.url }
  if (hasIssuer) task.token = await tokenFor(platform)
  const child = startProcess('./warm.ts', task, { ...platform.variables, ...variables })
  let requests: Recorded[] = []
  let before = 0
  child.on('message', (message) => {
    if (message !== 'requests') return
    requests = platform.taken()
    before = platform.connections()
    child.send(requests)
  })
  const report = await reportOf<WarmReport>(child)
  await platform.close()
  return { report, requests, connections: platform.connections() - before }
}

/** Lets the platform accept the tokens of a provider, and returns one. */
async function tokenFor({ addCaller, url }: Platform): Promise<string> {
  const key = await signingKey('bench')
  const claims = { iss: url, aud: 'bench', repository: 'acme/shop' }
  const { publicJwk } = key
  const oidc = { issuer: url, audience: 'bench', claims: { repository: 'acme/*' }, jwks: { keys: [publicJwk] } }
  addCaller('deploy', { oidc, categories: ['*'] })
  const iat = Math.floor(Date.now() / 1_000)
  return issueToken(key, { ...claims, iat, exp: iat + 3_600 })
}

function walls(timings: Times[]): number[] {
  return timings.map(({ wallMs }) => wallMs)
}

function medianCpu(timings: Times[]): number {
  return median(timings.map(({ cpuMs }) => cpuMs))
}

function nameOf({ method, path, headers }: Recorded): string {
  const target = headers['x-amz-target']
  if (target !== undefined) return String(target).replace(/^.*\./, '')
  if (path.includes('/invocations')) return 'Invoke'
  return `${method} ${path.replace(/^.*\/repos\/[^/]+\/[^/]+/, '').replace(/\?.*$/, '')}`
}
