import { type Random, randomOf } from './random.ts'

/** What a call makes at its platform that can be counted there by the event's id, by the table of the sandbox that holds it. */
export type Effect =
  | 'issues'
  | 'comments'
  | 'incidents'
  | 'journal'
  | 'runs'
  | 'job_runs'
  | 'messages'
  | 'reports'
  | 'tool_records'

/** One call of a webhook, planned. */
export interface Call {
  n: number
  /** The id of the event. */
  id: string
  context: string
  /** `issue-ticketing/open-issue` */
  action: string
  mode: 'interactive' | 'silent'
  /** The whole query, with the mode. */
  query: string
  body: string
  sendStarted: boolean
  /** Seconds. */
  deadline: number
  /** When each of its deliveries is sent, in milliseconds after its turn; the first is the call, the others are duplicates. */
  deliveries: number[]
  effect: Effect | undefined
  /** Whether a pass must have made it: a call that only shows or skips makes nothing. */
  acts: boolean
  /** Who decides, where people are asked, and how long after the question; nobody where left out. */
  click?: { action: 'approve' | 'reject'; user: 'jane' | 'ben'; after: number; twice: boolean }
  /** It is wrong, and must be refused with this status. */
  refused?: number
  /** It is sent with a token that nobody has. */
  forged?: boolean
}

/** How many repositories, tickets and channels share the load: a finder looks at the newest hundreds of one. */
export const places = 8
const channels = ['C0RELEASES', 'C0OPERATIONS'] as const

interface Kind {
  weight: number
  action: string
  /** The name of the Keptn task. */
  task: string
  effect?: Effect
  /** Whether only interactive calls make sense. */
  long?: boolean
  /** Seconds; otherwise one of the usual ones. */
  deadlines?: readonly number[]
  input?(random: Random, id: string): Record<string, unknown>
  data?(random: Random): Record<string, unknown>
  query?(random: Random): Record<string, string>
}

const usualDeadlines = [20, 30, 45, 60]

const project = (random: Random) => `demo/shop-${random.whole(1, places)}`
const outcomes = ['', '', '', '', 'fail', 'vanish', 'nonsense']

/** Every category, as often as it is called. What a run is given names the event, so that the platform can be asked for it. */
const kinds: readonly Kind[] = [
  {
    weight: 16,
    action: 'issue-ticketing/open-issue',
    task: 'openissue',
    effect: 'issues',
    input: (random, id) => ({ title: `Prove ${id}`, project: project(random), labels: ['prove'] }),
    query: (random): Record<string, string> => (random.chance(0.3) ? { connection: 'tls' } : {}),
  },
  {
    weight: 7,
    action: 'issue-ticketing/open-issue',
    task: 'openissue',
    effect: 'tool_records',
    input: (_, id) => ({ title: `Prove ${id}` }),
    query: () => ({ connection: 'tool' }),
  },
  {
    weight: 6,
    action: 'issue-ticketing/update-issue',
    task: 'updateissue',
    effect: 'comments',
    input: (random, id) => ({ id: `${project(random)}#1`, comment: `Prove ${id}` }),
  },
  {
    weight: 12,
    action: 'incident-management/open-ticket',
    task: 'openticket',
    effect: 'incidents',
    input: (random, id) => ({ title: `Prove ${id}`, urgency: random.pick(['low', 'medium', 'high']) }),
  },
  {
    weight: 5,
    action: 'incident-management/update-ticket',
    task: 'updateticket',
    effect: 'journal',
    input: (random, id) => ({
      id: `INC${10_000 + random.whole(1, places)}`.replace('INC', 'INC00'),
      comment: `Prove ${id}`,
    }),
  },
  {
    weight: 9,
    action: 'feature-flags/set-flag',
    task: 'toggleflag',
    input: (random) => ({
      flag: random.pick(['checkout-v2', 'express-payment', 'slow-recommendations']),
      state: random.pick(['on', 'off']),
    }),
  },
  {
    weight: 8,
    action: 'ci-cd/trigger-deployment',
    task: 'deployment',
    effect: 'runs',
    long: true,
    input: (random, id) => ({
      target: 'deploy.yml',
      project: project(random),
      parameters: { image: `shop:${id}`, ...(random.chance(0.2) ? { outcome: 'fail' } : {}) },
    }),
  },
  {
    weight: 8,
    action: 'optimization/start-model',
    task: 'tuning',
    effect: 'job_runs',
    long: true,
    deadlines: [12, 20, 30],
    input: (random, id) => ({ parameters: { service: id, seconds: '1', outcome: random.pick(outcomes) } }),
  },
  {
    weight: 1,
    action: 'optimization/start-model',
    task: 'tuning',
    effect: 'job_runs',
    long: true,
    deadlines: [6, 9],
    input: (random, id) => ({
      parameters: { service: id, outcome: 'hang' },
      onDeadline: random.pick(['stop', 'leave']),
    }),
  },
  {
    weight: 8,
    action: 'remediation/run-runbook',
    task: 'repair',
    effect: 'job_runs',
    long: true,
    deadlines: [12, 20, 30],
    input: (random, id) => ({
      target: random.pick(['restart-checkout', 'clear-cache']),
      parameters: { event: id, seconds: '1', outcome: random.pick(outcomes) },
    }),
  },
  {
    weight: 3,
    action: 'remediation/run-action',
    task: 'action',
    data: (random) => ({
      action: { name: 'Toggle', action: 'toggle-feature', value: { 'checkout-v2': random.pick(['on', 'off']) } },
    }),
  },
  {
    weight: 4,
    action: 'chaos-testing/start-test',
    task: 'chaos',
    long: true,
    input: (random) => ({
      target: 'shop-cache',
      parameters: { type: 'latency', attributes: { latency: 1 }, duration: random.whole(1, 3) },
    }),
  },
  {
    weight: 1,
    action: 'load-testing/start-test',
    task: 'test',
    long: true,
    input: () => ({ parameters: { rate: 5, duration: 1 } }),
  },
  {
    weight: 9,
    action: 'notification/push-update',
    task: 'notify',
    effect: 'messages',
    input: (random, id) => ({ text: `Prove ${id}`, channel: random.pick(channels) }),
  },
  {
    weight: 6,
    action: 'notification/ask-approval',
    task: 'sign-off',
    effect: 'messages',
    long: true,
    // Of these the waits are shortened too: 15 s and 25 s are left.
    deadlines: [150, 250],
    input: (random, id) => ({ question: `Prove ${id}?`, channel: random.pick(channels) }),
  },
  {
    weight: 5,
    action: 'slo/request-evaluation',
    task: 'evaluation',
    long: true,
    input: () => ({ slo: 'checkout', timeframe: '5m' }),
  },
  {
    weight: 3,
    action: 'slo/push-report',
    task: 'report',
    effect: 'reports',
    query: () => ({ connection: 'events' }),
    data: () => ({ result: 'warning', evaluation: { result: 'warning', score: 78.5 } }),
    input: (_, id) => ({ fields: { properties: { event: id } } }),
  },
]

/** What a receiver must refuse, each with its answer. */
const wrong: readonly { status: number; change(call: Call): Partial<Call> }[] = [
  { status: 401, change: () => ({ forged: true }) },
  { status: 404, change: () => ({ action: 'issue-ticketing/open-isue' }) },
  { status: 400, change: ({ body }) => ({ body: body.slice(0, body.length / 2) }) },
  { status: 400, change: ({ body }) => ({ body: body.replace('"input":{', '"input":{"tilte":"wrong",') }) },
  { status: 400, change: ({ query }) => ({ query: `${query}&deadline=soon` }) },
  { status: 404, change: ({ query }) => ({ query: `${query}&connection=nowhere` }) },
  {
    status: 413,
    change: ({ body }) => ({ body: body.replace('"input":{', `"input":{"description":"${'x'.repeat(300_000)}",`) }),
  },
]

/** The categories that are called. */
export const categories = [...new Set(kinds.map(({ action }) => categoryOf(action)))]

/**
 * A call of the plan, which depends on the seed and its number alone.
 *
 * @param only the categories that are called; all where left out
 */
export function callOf(seed: number, n: number, only: readonly string[] = categories): Call {
  const random = randomOf(seed, `call ${n}`)
  const [id, context] = [random.uuid(), random.uuid()]
  if (random.chance(0.03)) return wrongCall(random, n, id, context)
  const kind = random.weighed(kinds.filter(({ action }) => only.includes(categoryOf(action))))
  const isSilent = !kind.long && random.chance(0.15)
  const call = made(random, n, id, context, kind, isSilent ? 'silent' : 'interactive')
  return kind.action.endsWith('ask-approval') && random.chance(0.85) ? { ...call, click: clickOf(random) } : call
}

function categoryOf(action: string): string {
  return action.slice(0, action.indexOf('/'))
}

function made(random: Random, n: number, id: string, context: string, kind: Kind, mode: Call['mode']): Call {
  const interactive = mode === 'interactive'
  const sendStarted = interactive && random.chance(0.75)
  const deadline = random.pick(kind.deadlines ?? usualDeadlines)
  const [skips, shows] = [random.chance(0.03), random.chance(0.03)]
  const query = new URLSearchParams({
    mode,
    ...(interactive ? { sendStarted: String(sendStarted), deadline: `PT${deadline}S` } : {}),
    ...(interactive && random.chance(0.1) ? { progress: 'true' } : {}),
    ...(skips ? { when: 'fail' } : {}),
    ...(shows ? { dryRun: 'true' } : {}),
    ...kind.query?.(random),
  })
  const input = kind.input?.(random, id)
  const event = {
    id,
    type: `sh.keptn.event.${kind.task}.triggered`,
    shkeptncontext: context,
    data: {
      project: 'shop',
      stage: 'production',
      service: 'checkout',
      result: 'pass',
      labels: { n: String(n) },
      ...kind.data?.(random),
    },
    ...(input ? { input } : {}),
  }
  return {
    ...{ n, id, context, action: kind.action, mode, query: query.toString(), body: JSON.stringify(event) },
    ...{ sendStarted, deadline, deliveries: deliveriesOf(random), effect: kind.effect, acts: !skips && !shows },
  }
}

function wrongCall(random: Random, n: number, id: string, context: string): Call {
  const [kind] = kinds as [Kind]
  const call = made(random, n, id, context, { ...kind, query: () => ({}) }, 'interactive')
  const { status, change } = random.pick(wrong)
  return { ...call, ...change(call), refused: status }
}

/** Most come once, some seconds late, so that what was sent after them comes before them; some twice or more, at once or later. */
function deliveriesOf(random: Random): number[] {
  const first = random.chance(0.2) ? random.whole(0, 4_000) : 0
  if (random.chance(0.75)) return [first]
  const copies = random.whole(1, 3)
  return [first, ...Array.from({ length: copies }, () => first + (random.chance(0.5) ? 0 : random.whole(1, 8_000)))]
}

function clickOf(random: Random): NonNullable<Call['click']> {
  return {
    action: random.chance(0.7) ? 'approve' : 'reject',
    user: random.pick(['jane', 'ben']),
    after: random.whole(0, 3_000),
    twice: random.chance(0.2),
  }
}
