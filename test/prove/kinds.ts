import type { Effect } from './platform-records.ts'
import type { Random } from './random.ts'

/** Number of repositories and tickets that share the load: `find` reads only the newest records of one. */
export const places = 8
const channels = ['C0RELEASES', 'C0OPERATIONS'] as const

/** A kind of call: an action with typical input. */
export interface Kind {
  weight: number
  action: string
  /** The name of the Keptn task. */
  task: string
  effect?: Effect
  /** Whether the policy restricts some of its calls. Their records have a time. */
  isRestrictable?: true
  /** Whether only interactive calls make sense. */
  long?: boolean
  /** Seconds; otherwise one of the usual ones. */
  deadlines?: readonly number[]
  input?(random: Random, id: string): Record<string, unknown>
  data?(random: Random): Record<string, unknown>
  query?(random: Random): Record<string, string>
}

type Rest = Omit<Kind, 'weight' | 'action' | 'task'>
const kindOf = (weight: number, action: string, task: string, rest: Rest): Kind => ({ weight, action, task, ...rest })

const project = (random: Random) => `demo/shop-${random.integer(1, places)}`
/** The jobs of these connections are polled, because no source wakes them. */
const polled = (random: Random): Record<string, string> => (random.chance(0.3) ? { connection: 'polled' } : {})
const outcomes = ['', '', '', '', 'fail', 'vanish', 'nonsense']

/** The actions with their share of the calls. The input of a run contains the id of the event. */
export const kinds: readonly Kind[] = [
  kindOf(16, 'issue-ticketing/open-issue', 'openissue', {
    effect: 'issues',
    isRestrictable: true,
    input: (random, id) => ({ title: `Prove ${id}`, project: project(random), labels: ['prove'] }),
    query: (random): Record<string, string> => (random.chance(0.3) ? { connection: 'tls' } : {}),
  }),
  kindOf(7, 'issue-ticketing/open-issue', 'openissue', {
    effect: 'tickets',
    input: (_, id) => ({ title: `Prove ${id}` }),
    query: () => ({ connection: 'tool' }),
  }),
  kindOf(6, 'issue-ticketing/update-issue', 'updateissue', {
    effect: 'comments',
    isRestrictable: true,
    input: (random, id) => ({ id: `${project(random)}#1`, comment: `Prove ${id}` }),
  }),
  kindOf(12, 'incident-management/open-ticket', 'openticket', {
    effect: 'incidents',
    isRestrictable: true,
    input: (random, id) => ({ title: `Prove ${id}`, urgency: random.pick(['low', 'medium', 'high']) }),
  }),
  kindOf(5, 'incident-management/update-ticket', 'updateticket', {
    effect: 'journal',
    input: (random, id) => ({ id: `INC00${10_000 + random.integer(1, places)}`, comment: `Prove ${id}` }),
  }),
  kindOf(9, 'feature-flags/set-flag', 'toggleflag', {
    input: (random) => ({
      flag: random.pick(['checkout-v2', 'express-payment', 'slow-recommendations']),
      state: random.pick(['on', 'off']),
    }),
  }),
  kindOf(8, 'ci-cd/trigger-deployment', 'deployment', {
    effect: 'runs',
    long: true,
    input: (random, id) => ({
      target: 'deploy.yml',
      project: project(random),
      parameters: { image: `shop:${id}`, ...(random.chance(0.2) ? { outcome: 'fail' } : {}) },
    }),
    query: polled,
  }),
  kindOf(8, 'optimization/start-model', 'tuning', {
    effect: 'job runs',
    isRestrictable: true,
    long: true,
    deadlines: [12, 20, 30],
    input: (random, id) => ({ parameters: { service: id, seconds: '1', outcome: random.pick(outcomes) } }),
    query: polled,
  }),
  kindOf(1, 'optimization/start-model', 'tuning', {
    effect: 'job runs',
    long: true,
    deadlines: [6, 9],
    input: (random, id) => ({
      parameters: { service: id, outcome: 'hang' },
      onDeadline: random.pick(['stop', 'leave']),
    }),
  }),
  kindOf(8, 'remediation/run-runbook', 'repair', {
    effect: 'job runs',
    isRestrictable: true,
    long: true,
    deadlines: [12, 20, 30],
    input: (random, id) => ({
      target: random.pick(['restart-checkout', 'clear-cache']),
      parameters: { event: id, seconds: '1', outcome: random.pick(outcomes) },
    }),
    query: polled,
  }),
  kindOf(3, 'remediation/run-action', 'action', {
    data: (random) => ({
      action: { name: 'Toggle', action: 'toggle-feature', value: { 'checkout-v2': random.pick(['on', 'off']) } },
    }),
  }),
  kindOf(4, 'chaos-testing/start-test', 'chaos', {
    long: true,
    input: (random) => ({
      target: 'shop-cache',
      parameters: { type: 'latency', attributes: { latency: 1 }, duration: random.integer(1, 3) },
    }),
  }),
  kindOf(1, 'load-testing/start-test', 'test', {
    long: true,
    input: () => ({ parameters: { rate: 5, duration: 1 } }),
  }),
  kindOf(9, 'notification/push-update', 'notify', {
    effect: 'messages',
    input: (random, id) => ({ text: `Prove ${id}`, channel: random.pick(channels) }),
  }),
  kindOf(6, 'notification/ask-approval', 'sign-off', {
    effect: 'messages',
    long: true,
    deadlines: [20, 30],
    input: (random, id) => ({ question: `Prove ${id}?`, channel: random.pick(channels) }),
  }),
  kindOf(5, 'slo/request-evaluation', 'evaluation', {
    long: true,
    input: () => ({ slo: 'checkout', timeframe: '5m' }),
  }),
  kindOf(3, 'slo/push-report', 'report', {
    effect: 'reports',
    query: () => ({ connection: 'events' }),
    data: () => ({ result: 'warning', evaluation: { result: 'warning', score: 78.5 } }),
    input: (_, id) => ({ fields: { properties: { event: id } } }),
  }),
]
