import { randomUUID } from 'node:crypto'
import { categories } from '../../../functions/index.ts'
import { actionNames, type Category } from '../../../shared/providers/category.ts'
import { toolExamples } from '../tool-examples.ts'

/** An action, with the calls that show it. */
interface ActionView {
  category: string
  action: string
  summary: string
  /** Each works as it stands; none where the sandbox has no platform for it. */
  examples: ExampleView[]
}

interface ExampleView {
  /** What is to be seen. */
  name: string
  query: string
  body: object
  /** The action that must be called first: this one is about what that has made. */
  needs?: string
}

interface Example {
  name: string
  /** The Keptn task that it answers. */
  task: string
  query: string
  data?: object
  input?: object
  /** The actions whose newest result is meant: its id becomes that of the input. */
  about?: readonly string[] | undefined
}

const interactive = 'mode=interactive&sendStarted=true'
const silent = 'mode=silent'
const problem = {
  incident: {
    ProblemID: 'P-220355',
    ProblemTitle: 'Checkout answers slowly',
    ProblemURL: 'https://monitoring.example.com/problems/P-220355',
    State: 'OPEN',
  },
}
const quick = [
  { metric: 'p95', op: '<', value: 500, warn: 300 },
  { metric: 'errorRate', op: '<', value: 0.01 },
]

/** By `<category>/<action>`. What they name is in the sandbox, and reached by its connections. */
const examples: Record<string, Example[]> = {
  'issue-ticketing/open-issue': [
    {
      name: 'Title and description',
      task: 'openissue',
      query: silent,
      input: {
        title: 'Checkout is slow',
        description: 'The p95 is **2.4 s** since 10:12.\n\n- seen by: synthetic monitor\n- since: release 1.4.2',
        labels: ['bug', 'checkout'],
      },
    },
    { name: 'From the problem in the event', task: 'openissue', query: interactive, data: problem },
  ],
  'issue-ticketing/update-issue': [
    {
      name: 'Comment and label',
      task: 'updateissue',
      query: silent,
      input: { comment: 'The evaluation ended with warning.', labels: ['evaluated'] },
      about: ['open-issue'],
    },
  ],
  'issue-ticketing/close-issue': [
    {
      name: 'With a comment',
      task: 'closeissue',
      query: silent,
      input: { comment: 'Resolved by the sequence.' },
      about: ['open-issue'],
    },
  ],
  'incident-management/open-ticket': [
    {
      name: 'From the problem in the event',
      task: 'openticket',
      query: interactive,
      data: problem,
      input: { urgency: 'high' },
    },
  ],
  'incident-management/update-ticket': [
    {
      name: 'Comment and urgency',
      task: 'updateticket',
      query: silent,
      input: { comment: 'The feature is switched off.', urgency: 'low' },
      about: ['open-ticket'],
    },
  ],
  'incident-management/close-ticket': [
    {
      name: 'With a comment',
      task: 'closeticket',
      query: silent,
      input: { comment: 'Resolved by the sequence.' },
      about: ['open-ticket'],
    },
  ],
  'feature-flags/set-flag': [
    {
      name: 'Switch off',
      task: 'toggleflag',
      query: silent,
      input: { flag: 'slow-recommendations', state: 'off', comment: 'It slows the shop down.' },
    },
    {
      name: 'Switch on for a quarter',
      task: 'toggleflag',
      query: interactive,
      input: { flag: 'checkout-v2', state: 'on', percentage: 25 },
    },
    {
      name: 'Where somebody must approve it',
      task: 'toggleflag',
      query: interactive,
      input: { flag: 'express-payment', state: 'on', environment: 'production-guarded' },
    },
  ],
  'feature-flags/set-flags': [
    {
      name: 'Two at once',
      task: 'toggleflags',
      query: silent,
      input: { flags: ['checkout-v2', 'express-payment'], state: 'on', percentage: 50 },
    },
  ],
  'ci-cd/trigger-build': [
    { name: 'It ends well', task: 'build', query: interactive, input: { target: 'build.yml' } },
    {
      name: 'It fails',
      task: 'build',
      query: interactive,
      input: { target: 'build.yml', parameters: { outcome: 'fail' } },
    },
  ],
  'ci-cd/trigger-deployment': [
    {
      name: 'It ends well',
      task: 'deployment',
      query: interactive,
      input: { target: 'deploy.yml', parameters: { stage: 'production', image: 'registry.example.com/shop:1.4.2' } },
    },
    {
      name: 'Dry run: the request is shown, and not sent',
      task: 'deployment',
      query: 'mode=silent&dryRun=true',
      input: { target: 'deploy.yml', parameters: { stage: 'production' } },
    },
  ],
  'ci-cd/cancel': [
    { name: 'The newest run', task: 'cancel', query: interactive, about: ['trigger-build', 'trigger-deployment'] },
  ],
  'load-testing/start-test': [
    {
      name: 'Ten seconds, with thresholds',
      task: 'test',
      query: interactive,
      input: { parameters: { rate: 20, duration: 'PT10S' }, thresholds: quick },
    },
  ],
  'load-testing/stop-test': [{ name: 'The newest test', task: 'stoptest', query: interactive, about: ['start-test'] }],
  'chaos-testing/start-test': [
    {
      name: 'Twenty seconds of latency',
      task: 'chaos',
      query: interactive,
      input: { parameters: { type: 'latency', attributes: { latency: 400, jitter: 50 }, duration: 'PT20S' } },
    },
  ],
  'chaos-testing/stop-test': [
    { name: 'The newest fault', task: 'stopchaos', query: interactive, about: ['start-test'] },
  ],
  'optimization/start-model': [
    {
      name: 'It ends well',
      task: 'tuning',
      query: interactive,
      input: {
        parameters: { service: 'shop', trials: '8' },
        thresholds: [{ metric: 'accuracy', op: '>=', value: 0.9 }],
      },
    },
    { name: 'It fails', task: 'tuning', query: interactive, input: { parameters: { outcome: 'fail' } } },
    {
      name: 'It never ends: the deadline comes',
      task: 'tuning',
      query: `${interactive}&deadline=PT1M`,
      input: { parameters: { outcome: 'hang' }, onDeadline: 'stop' },
    },
    { name: 'It vanishes', task: 'tuning', query: interactive, input: { parameters: { outcome: 'vanish' } } },
  ],
  'optimization/stop-model': [
    { name: 'The newest run', task: 'stoptuning', query: interactive, about: ['start-model'] },
  ],
  'remediation/run-action': [
    {
      name: 'A runbook, by the name of the action',
      task: 'action',
      query: interactive,
      data: { action: { name: 'Restart', action: 'restart-service', value: { service: 'checkout' } } },
    },
    {
      name: 'A flag, by the name of the action',
      task: 'action',
      query: interactive,
      data: { action: { name: 'Toggle', action: 'toggle-feature', value: { 'slow-recommendations': 'off' } } },
    },
  ],
  'remediation/run-runbook': [
    { name: 'It ends well', task: 'repair', query: interactive, input: { target: 'restart-checkout' } },
    {
      name: 'It fails',
      task: 'repair',
      query: interactive,
      input: { target: 'clear-cache', parameters: { outcome: 'fail' } },
    },
    {
      name: 'It vanishes',
      task: 'repair',
      query: interactive,
      input: { target: 'clear-cache', parameters: { outcome: 'vanish' } },
    },
  ],
  'remediation/stop-runbook': [
    { name: 'The newest execution', task: 'stoprepair', query: interactive, about: ['run-runbook'] },
  ],
  'remediation/toggle-flag': [
    {
      name: 'Switch off',
      task: 'toggle',
      query: `${silent}&connection=flags`,
      input: { flag: 'checkout-v2', state: 'off' },
    },
  ],
  'notification/push-update': [
    { name: 'A text', task: 'notify', query: silent, input: { text: 'Version 1.4.2 is in **production**.' } },
    { name: 'From the problem in the event', task: 'notify', query: silent, data: problem },
  ],
  'notification/ask-approval': [
    {
      name: 'Two may decide, in the chat',
      task: 'sign-off',
      query: interactive,
      input: { question: 'Release shop 1.4.2 to production?', approvers: ['jane@example.com'] },
    },
  ],
  'incident-management/run-runbook': [
    {
      name: "At somebody's own tool",
      task: 'runbook',
      query: `${interactive}&connection=tool-job`,
      input: { target: 'restart-checkout' },
    },
  ],
  'remediation/run-job': [
    {
      name: "At somebody's own tool",
      task: 'runjob',
      query: `${silent}&connection=tool`,
      input: { target: 'rollback-checkout' },
    },
  ],
  'slo/request-evaluation': [
    {
      name: 'Of the last five minutes',
      task: 'evaluation',
      query: interactive,
      input: { slo: 'checkout', timeframe: '5m' },
    },
  ],
  'slo/push-report': [
    {
      name: 'Of the evaluation in the event, as an event',
      task: 'report',
      query: `${silent}&connection=events`,
      data: { result: 'warning', evaluation: { result: 'warning', score: 78.5 } },
    },
  ],
}

/** What an example stands on. */
interface Ground {
  /** Whether there is such a connection. */
  has(category: string, connection: string): boolean
  /** The id of what the newest of some actions has made. */
  made(category: string, actions: readonly string[]): string | undefined
}

/** Every action with its examples, each with ids of its own. */
export function actionViews(ground: Ground): ActionView[] {
  const all: readonly Category[] = categories
  return all.flatMap((category) =>
    actionNames(category).map((action) => ({
      category: category.name,
      action,
      summary: category.actions[action]?.summary ?? category.actionMapping?.summary ?? '',
      examples: (examples[`${category.name}/${action}`] ?? atTool(action))
        .filter(({ query }) => ground.has(category.name, new URLSearchParams(query).get('connection') ?? 'default'))
        .map((example) => viewOf(example, category.name, ground)),
    })),
  )
}

/** A new category begins at somebody's own tool. */
function atTool(action: string): Example[] {
  const example = toolExamples[action]
  return example ? [{ ...example, query: silent, about: example.about ? [example.about] : undefined }] : []
}

function viewOf({ name, task, query, data, input, about }: Example, category: string, { made }: Ground): ExampleView {
  const id = about && made(category, about)
  const body = {
    id: randomUUID(),
    type: `sh.keptn.event.${task}.triggered`,
    shkeptncontext: randomUUID(),
    data: { project: 'shop', stage: 'production', service: 'checkout', ...data },
    ...(input || about ? { input: { ...(about ? { id: id ?? '' } : {}), ...input } } : {}),
  }
  const [needs] = about && id === undefined ? about : []
  return { name, query, body, ...(needs ? { needs } : {}) }
}
