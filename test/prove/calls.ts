import { engines } from '../../infra/sandbox/engines/index.ts'
import type { Step } from '../../infra/sandbox/engines/step.ts'
import { type Kind, kinds } from './kinds.ts'
import type { Effect } from './platform-records.ts'
import type { Press } from './presses.ts'
import { type Random, randomOf } from './random.ts'
import { pressesOf, type Restriction, restrictions } from './restrictions.ts'

/** One call of a webhook, planned. */
export interface Call {
  n: number
  /** The id of the event. */
  id: string
  context: string
  /** `issue-ticketing/open-issue` */
  action: string
  mode: 'interactive' | 'silent'
  /** The complete query, including the mode. */
  query: string
  body: string
  sendStarted: boolean
  /** Seconds. */
  deadline: number
  /** The delay of each delivery in milliseconds. All except the first are duplicates. */
  deliveries: number[]
  effect: Effect | undefined
  /** Whether a pass must have an effect. A dry run and a skipped call have none. */
  acts: boolean
  /** The button presses of people for each message that asks for an approval. */
  presses?: Press[]
  /** The policy restricts it. */
  restriction?: Restriction
  /** The status with which an invalid call must be rejected. */
  refused?: number
  /** Sent with an unknown token. */
  forged?: boolean
  /** The engine that calls. Without it and without an agent, Keptn calls. */
  engine?: EngineCall
  /** The agent that calls. */
  agent?: AgentCall
}

/** A call of an agent, which repeats it with the same key. */
export interface AgentCall {
  tool: string
  arguments: Record<string, unknown>
}

/** A call of an engine of the sandbox, and what goes wrong at the engine. */
export interface EngineCall {
  name: string
  step: Step
  sendsTwice: boolean
  restarts: boolean
  /** After how many milliseconds the engine no longer waits. */
  givesUpAfter?: number
}

const usualDeadlines = [20, 30, 45, 60]
/** The share of the calls that the policy restricts, of those whose actions it can restrict. */
const RESTRICTED = 0.5

/** Flagger waits for its progress deadline if a task is errored. */
const callingEngines = engines.filter(({ name }) => name !== 'flagger')

/** Invalid calls with their statuses. */
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
 * Returns a call of the plan. It depends only on the seed and its number.
 *
 * @param only the categories to call. Defaults to all.
 * @param pace the factor of all delays
 */
export function callOf(seed: number, n: number, only: readonly string[] = categories, pace = 1): Call {
  const { deliveries, presses, ...call } = unpacedCall(seed, n, only)
  return {
    ...call,
    deliveries: deliveries.map((after) => after * pace),
    ...(presses ? { presses: presses.map((press) => ({ ...press, after: press.after * pace })) } : {}),
  }
}

function unpacedCall(seed: number, n: number, only: readonly string[]): Call {
  const random = randomOf(seed, `call ${n}`)
  const [id, context] = [random.uuid(), random.uuid()]
  if (random.chance(0.03)) return wrongCall(random, n, id, context)
  const kind = random.weighed(kinds.filter(({ action }) => only.includes(categoryOf(action))))
  const isSilent = !kind.long && random.chance(0.15)
  const mode = isSilent ? 'silent' : 'interactive'
  const policyRandom = randomOf(seed, `policy ${n}`)
  if (kind.isRestrictable && policyRandom.chance(RESTRICTED)) {
    const { weight: _, ...restriction } = policyRandom.weighed(restrictions)
    const query = () => ({ connection: restriction.connection })
    const call = made(random, n, id, context, { ...kind, query }, mode)
    // Perhaps the window has closed in the meantime.
    if (restriction.window === 'refuse' && !call.engine) call.deliveries.push(policyRandom.integer(0, 60_000))
    // Nothing restricts a call that runs no action.
    return call.acts ? { ...call, restriction, presses: pressesOf(policyRandom) } : call
  }
  const call = made(random, n, id, context, kind, mode)
  return kind.action.endsWith('ask-approval') && random.chance(0.85) ? { ...call, presses: decisionOf(random) } : call
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
  const isForOthers = interactive && input && !kind.data
  const engine =
    isForOthers && random.chance(0.4)
      ? engineCallOf(random, kind, { deadline, input, connection: query.get('connection') })
      : undefined
  const agent =
    isForOthers && !engine && random.chance(0.2)
      ? agentCallOf(kind, id, { deadline, input, connection: query.get('connection') })
      : undefined
  if (engine || agent)
    return {
      n,
      id,
      context,
      action: kind.action,
      mode,
      query: '',
      body: '',
      ...(engine && { engine }),
      ...(agent && { agent }),
      deliveries: agent ? deliveriesOf(random) : [0],
      sendStarted: false,
      deadline,
      effect: kind.effect,
      acts: true,
    }
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
    n,
    id,
    context,
    action: kind.action,
    mode,
    query: query.toString(),
    body: JSON.stringify(event),
    sendStarted,
    deadline,
    deliveries: deliveriesOf(random),
    effect: kind.effect,
    acts: !skips && !shows,
  }
}

/** The part of a request of a caller other than Keptn that does not depend on the action. */
interface Sent {
  deadline: number
  input: Record<string, unknown>
  connection: string | null
}

const data = { project: 'shop', stage: 'production', service: 'checkout' }

function agentCallOf({ action }: Kind, key: string, { deadline, input, connection }: Sent): AgentCall {
  const more = connection === null ? {} : { connection }
  return { tool: action.replace('/', '_'), arguments: { key, input, data, deadline: `PT${deadline}S`, ...more } }
}

/** Returns undefined if the engine cannot call the action. */
function engineCallOf(
  random: Random,
  { action: path }: Kind,
  { deadline, input, connection }: Sent,
): EngineCall | undefined {
  const [category = '', action = ''] = path.split('/')
  const step: Step = {
    name: path,
    category,
    action,
    deadline: `PT${deadline}S`,
    input,
    data,
    ...(connection === null ? {} : { connection }),
  }
  const engine = random.pick(callingEngines)
  if (engine.refuses?.(step) !== undefined) return undefined
  return {
    name: engine.name,
    step,
    sendsTwice: random.chance(0.2),
    restarts: random.chance(0.1),
    ...(random.chance(0.08) ? { givesUpAfter: random.integer(0, 5_000) } : {}),
  }
}

function wrongCall(random: Random, n: number, id: string, context: string): Call {
  const [kind] = kinds as [Kind]
  const call = made(random, n, id, context, { ...kind, query: () => ({}), data: () => ({}) }, 'interactive')
  const { status, change } = random.pick(wrong)
  return { ...call, ...change(call), refused: status }
}

/** Delivers most calls once, some late and out of order, and some several times. */
function deliveriesOf(random: Random): number[] {
  const first = random.chance(0.2) ? random.integer(0, 4_000) : 0
  if (random.chance(0.75)) return [first]
  const copies = random.integer(1, 3)
  return [first, ...Array.from({ length: copies }, () => first + (random.chance(0.5) ? 0 : random.integer(1, 8_000)))]
}

function decisionOf(random: Random): Press[] {
  const action = random.chance(0.7) ? 'approve' : 'reject'
  const user = random.pick(['jane', 'ben'] as const)
  const after = random.integer(0, 3_000)
  const press: Press = { action, user, after }
  if (!random.chance(0.2)) return [press]
  // Another person decides the opposite at the same time.
  return [press, { action: action === 'approve' ? 'reject' : 'approve', user: user === 'jane' ? 'ben' : 'jane', after }]
}
