/** A sample call of an action. */
export interface Example {
  name: string
  /** Name of the Keptn task. */
  task: string
  query: string
  data?: object
  input?: object
  /** Actions whose latest result provides `input.id`. */
  idFrom?: readonly string[] | undefined
}

const INTERACTIVE = 'mode=interactive&sendStarted=true'
const SILENT = 'mode=silent'
const problem = {
  incident: {
    ProblemID: 'P-220355',
    ProblemTitle: 'Checkout responds slowly',
    ProblemURL: 'https://monitoring.example.com/problems/P-220355',
    State: 'OPEN',
  },
}
const thresholds = [
  { metric: 'p95', op: '<', value: 500, warn: 300 },
  { metric: 'errorRate', op: '<', value: 0.01 },
]

/** Examples by `<category>/<action>`. They use the connections and the data of the sandbox. */
export const examples: Record<string, Example[]> = {
  'issue-ticketing/open-issue': [
    {
      name: 'Title and description',
      task: 'openissue',
      query: SILENT,
      input: {
        title: 'Checkout is slow',
        description: 'The p95 is **2.4 s** since 10:12.\n\n- source: synthetic monitor\n- since: release 1.4.2',
        labels: ['bug', 'checkout'],
      },
    },
    { name: 'From the problem in the event', task: 'openissue', query: INTERACTIVE, data: problem },
  ],
  'issue-ticketing/update-issue': [
    {
      name: 'Comment and label',
      task: 'updateissue',
      query: SILENT,
      input: { comment: 'The evaluation ended with warning.', labels: ['evaluated'] },
      idFrom: ['open-issue'],
    },
  ],
  'issue-ticketing/close-issue': [
    {
      name: 'With a comment',
      task: 'closeissue',
      query: SILENT,
      input: { comment: 'Resolved by the sequence.' },
      idFrom: ['open-issue'],
    },
  ],
  'incident-management/open-ticket': [
    {
      name: 'From the problem in the event',
      task: 'openticket',
      query: INTERACTIVE,
      data: problem,
      input: { urgency: 'high' },
    },
  ],
  'incident-management/update-ticket': [
    {
      name: 'Comment and urgency',
      task: 'updateticket',
      query: SILENT,
      input: { comment: 'The feature is off.', urgency: 'low' },
      idFrom: ['open-ticket'],
    },
  ],
  'incident-management/close-ticket': [
    {
      name: 'With a comment',
      task: 'closeticket',
      query: SILENT,
      input: { comment: 'Resolved by the sequence.' },
      idFrom: ['open-ticket'],
    },
  ],
  'feature-flags/set-flag': [
    {
      name: 'Switch off',
      task: 'toggleflag',
      query: SILENT,
      input: { flag: 'slow-recommendations', state: 'off', comment: 'It slows down the shop.' },
    },
    {
      name: 'Switch on for 25 %',
      task: 'toggleflag',
      query: INTERACTIVE,
      input: { flag: 'checkout-v2', state: 'on', percentage: 25 },
    },
    {
      name: 'Requires an approval in Unleash',
      task: 'toggleflag',
      query: INTERACTIVE,
      input: { flag: 'express-payment', state: 'on', environment: 'production-guarded' },
    },
  ],
  'feature-flags/set-flags': [
    {
      name: 'Two flags',
      task: 'toggleflags',
      query: SILENT,
      input: { flags: ['checkout-v2', 'express-payment'], state: 'on', percentage: 50 },
    },
  ],
  'ci-cd/trigger-build': [
    { name: 'Succeeds', task: 'build', query: INTERACTIVE, input: { target: 'build.yml' } },
    {
      name: 'Fails',
      task: 'build',
      query: INTERACTIVE,
      input: { target: 'build.yml', parameters: { outcome: 'fail' } },
    },
  ],
  'ci-cd/trigger-deployment': [
    {
      name: 'Succeeds',
      task: 'deployment',
      query: INTERACTIVE,
      input: { target: 'deploy.yml', parameters: { stage: 'production', image: 'registry.example.com/shop:1.4.2' } },
    },
    {
      name: 'Dry run',
      task: 'deployment',
      query: 'mode=silent&dryRun=true',
      input: { target: 'deploy.yml', parameters: { stage: 'production' } },
    },
  ],
  'ci-cd/cancel': [
    { name: 'Latest run', task: 'cancel', query: INTERACTIVE, idFrom: ['trigger-build', 'trigger-deployment'] },
  ],
  'load-testing/start-test': [
    {
      name: 'Ten seconds, with thresholds',
      task: 'test',
      query: INTERACTIVE,
      input: { parameters: { rate: 20, duration: 'PT10S' }, thresholds },
    },
  ],
  'load-testing/stop-test': [{ name: 'Latest test', task: 'stoptest', query: INTERACTIVE, idFrom: ['start-test'] }],
  'chaos-testing/start-test': [
    {
      name: 'Twenty seconds of latency',
      task: 'chaos',
      query: INTERACTIVE,
      input: { parameters: { type: 'latency', attributes: { latency: 400, jitter: 50 }, duration: 'PT20S' } },
    },
  ],
  'chaos-testing/stop-test': [{ name: 'Latest fault', task: 'stopchaos', query: INTERACTIVE, idFrom: ['start-test'] }],
  'optimization/start-model': [
    {
      name: 'Succeeds',
      task: 'tuning',
      query: INTERACTIVE,
      input: {
        parameters: { service: 'shop', trials: '8' },
        thresholds: [{ metric: 'accuracy', op: '>=', value: 0.9 }],
      },
    },
    { name: 'Fails', task: 'tuning', query: INTERACTIVE, input: { parameters: { outcome: 'fail' } } },
    {
      name: 'Never ends: stopped at the deadline',
      task: 'tuning',
      query: `${INTERACTIVE}&deadline=PT1M`,
      input: { parameters: { outcome: 'hang' }, onDeadline: 'stop' },
    },
    { name: 'Disappears', task: 'tuning', query: INTERACTIVE, input: { parameters: { outcome: 'vanish' } } },
  ],
  'optimization/stop-model': [{ name: 'Latest run', task: 'stoptuning', query: INTERACTIVE, idFrom: ['start-model'] }],
  'remediation/run-action': [
    {
      name: 'Action that runs a runbook',
      task: 'action',
      query: INTERACTIVE,
      data: { action: { name: 'Restart', action: 'restart-service', value: { service: 'checkout' } } },
    },
    {
      name: 'Action that toggles a flag',
      task: 'action',
      query: INTERACTIVE,
      data: { action: { name: 'Toggle', action: 'toggle-feature', value: { 'slow-recommendations': 'off' } } },
    },
  ],
  'remediation/run-runbook': [
    { name: 'Succeeds', task: 'repair', query: INTERACTIVE, input: { target: 'restart-checkout' } },
    {
      name: 'Fails',
      task: 'repair',
      query: INTERACTIVE,
      input: { target: 'clear-cache', parameters: { outcome: 'fail' } },
    },
    {
      name: 'Disappears',
      task: 'repair',
      query: INTERACTIVE,
      input: { target: 'clear-cache', parameters: { outcome: 'vanish' } },
    },
  ],
  'remediation/stop-runbook': [
    { name: 'Latest execution', task: 'stoprepair', query: INTERACTIVE, idFrom: ['run-runbook'] },
  ],
  'remediation/toggle-flag': [
    {
      name: 'Switch off',
      task: 'toggle',
      query: `${SILENT}&connection=flags`,
      input: { flag: 'checkout-v2', state: 'off' },
    },
  ],
  'notification/push-update': [
    { name: 'Text', task: 'notify', query: SILENT, input: { text: 'Version 1.4.2 is in **production**.' } },
    { name: 'From the problem in the event', task: 'notify', query: SILENT, data: problem },
  ],
  'notification/ask-approval': [
    {
      name: 'Approval in Slack',
      task: 'sign-off',
      query: INTERACTIVE,
      input: { question: 'Release shop 1.4.2 to production?', approvers: ['jane@example.com'] },
    },
  ],
  'incident-management/run-runbook': [
    {
      name: 'Generic API',
      task: 'runbook',
      query: `${INTERACTIVE}&connection=tool-job`,
      input: { target: 'restart-checkout' },
    },
  ],
  'remediation/run-job': [
    {
      name: 'Generic API',
      task: 'runjob',
      query: `${SILENT}&connection=tool`,
      input: { target: 'rollback-checkout' },
    },
  ],
  'slo/request-evaluation': [
    {
      name: 'Last five minutes',
      task: 'evaluation',
      query: INTERACTIVE,
      input: { slo: 'checkout', timeframe: '5m' },
    },
  ],
  'slo/push-report': [
    {
      name: 'Evaluation in the event',
      task: 'report',
      query: `${SILENT}&connection=events`,
      data: { result: 'warning', evaluation: { result: 'warning', score: 78.5 } },
    },
  ],
}
