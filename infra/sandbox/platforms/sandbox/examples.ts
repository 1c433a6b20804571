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

/** The optional parts of a call. The query has further options. */
type Options = Pick<Example, 'data' | 'input' | 'idFrom'> & { query?: string }

function interactive(name: string, task: string, { query, ...options }: Options = {}): Example {
  return { name, task, query: ['mode=interactive&sendStarted=true', query].filter(Boolean).join('&'), ...options }
}

function silent(name: string, task: string, { query, ...options }: Options): Example {
  return { name, task, query: ['mode=silent', query].filter(Boolean).join('&'), ...options }
}

const PROBLEM = {
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
    silent('Title and description', 'openissue', {
      input: {
        title: 'Checkout is slow',
        description: 'The p95 is **2.4 s** since 10:12.\n\n- source: synthetic monitor\n- since: release 1.4.2',
        labels: ['bug', 'checkout'],
      },
    }),
    interactive('From the problem in the event', 'openissue', { data: PROBLEM }),
  ],
  'issue-ticketing/update-issue': [
    silent('Comment and label', 'updateissue', {
      input: { comment: 'The evaluation ended with warning.', labels: ['evaluated'] },
      idFrom: ['open-issue'],
    }),
  ],
  'issue-ticketing/close-issue': [
    silent('With a comment', 'closeissue', { input: { comment: 'Resolved by the sequence.' }, idFrom: ['open-issue'] }),
  ],
  'incident-management/open-ticket': [
    interactive('From the problem in the event', 'openticket', { input: { urgency: 'high' }, data: PROBLEM }),
  ],
  'incident-management/update-ticket': [
    silent('Comment and urgency', 'updateticket', {
      input: { comment: 'The feature is off.', urgency: 'low' },
      idFrom: ['open-ticket'],
    }),
  ],
  'incident-management/close-ticket': [
    silent('With a comment', 'closeticket', {
      input: { comment: 'Resolved by the sequence.' },
      idFrom: ['open-ticket'],
    }),
  ],
  'feature-flags/set-flag': [
    silent('Switch off', 'toggleflag', {
      input: { flag: 'slow-recommendations', state: 'off', comment: 'It slows down the shop.' },
    }),
    interactive('Switch on for 25 %', 'toggleflag', { input: { flag: 'checkout-v2', state: 'on', percentage: 25 } }),
    interactive('Requires an approval in Unleash', 'toggleflag', {
      input: { flag: 'express-payment', state: 'on', environment: 'production-guarded' },
    }),
  ],
  'feature-flags/set-flags': [
    silent('Two flags', 'toggleflags', {
      input: { flags: ['checkout-v2', 'express-payment'], state: 'on', percentage: 50 },
    }),
  ],
  'ci-cd/trigger-build': [
    interactive('Succeeds', 'build', { input: { target: 'build.yml' } }),
    interactive('Fails', 'build', { input: { target: 'build.yml', parameters: { outcome: 'fail' } } }),
  ],
  'ci-cd/trigger-deployment': [
    interactive('Succeeds', 'deployment', {
      input: { target: 'deploy.yml', parameters: { stage: 'production', image: 'registry.example.com/shop:1.4.2' } },
    }),
    silent('Dry run', 'deployment', {
      input: { target: 'deploy.yml', parameters: { stage: 'production' } },
      query: 'dryRun=true',
    }),
  ],
  'ci-cd/cancel-run': [interactive('Latest run', 'cancel', { idFrom: ['trigger-build', 'trigger-deployment'] })],
  'load-testing/start-test': [
    interactive('Ten seconds, with thresholds', 'test', {
      input: { parameters: { rate: 20, duration: 'PT10S' }, thresholds },
    }),
    silent('Starts a task', 'test', { input: { parameters: { rate: 20, duration: 'PT10S' } } }),
  ],
  'load-testing/stop-test': [interactive('Latest test', 'stoptest', { idFrom: ['start-test'] })],
  'chaos-testing/start-test': [
    interactive('Twenty seconds of latency', 'chaos', {
      input: { parameters: { type: 'latency', attributes: { latency: 400, jitter: 50 }, duration: 'PT20S' } },
    }),
    silent('Starts a task', 'chaos', {
      input: { parameters: { type: 'latency', attributes: { latency: 400 }, duration: 'PT20S' } },
    }),
  ],
  'chaos-testing/stop-test': [interactive('Latest fault', 'stopchaos', { idFrom: ['start-test'] })],
  'optimization/start-model': [
    interactive('Succeeds', 'tuning', {
      input: {
        parameters: { service: 'shop', trials: '8' },
        thresholds: [{ metric: 'accuracy', op: '>=', value: 0.9 }],
      },
    }),
    interactive('Fails', 'tuning', { input: { parameters: { outcome: 'fail' } } }),
    interactive('Never ends: stopped at the deadline', 'tuning', {
      input: { parameters: { outcome: 'hang' }, onDeadline: 'stop' },
      query: 'deadline=PT1M',
    }),
    interactive('Disappears', 'tuning', { input: { parameters: { outcome: 'vanish' } } }),
  ],
  'optimization/stop-model': [interactive('Latest run', 'stoptuning', { idFrom: ['start-model'] })],
  'remediation/run-action': [
    interactive('Action that runs a runbook', 'action', {
      data: { action: { name: 'Restart', action: 'restart-service', value: { service: 'checkout' } } },
    }),
    interactive('Action that toggles a flag', 'action', {
      data: { action: { name: 'Toggle', action: 'toggle-feature', value: { 'slow-recommendations': 'off' } } },
    }),
  ],
  'remediation/run-runbook': [
    interactive('Succeeds', 'repair', { input: { target: 'restart-checkout' } }),
    interactive('Fails', 'repair', { input: { target: 'clear-cache', parameters: { outcome: 'fail' } } }),
    interactive('Disappears', 'repair', { input: { target: 'clear-cache', parameters: { outcome: 'vanish' } } }),
  ],
  'remediation/stop-runbook': [interactive('Latest execution', 'stoprepair', { idFrom: ['run-runbook'] })],
  'remediation/toggle-flag': [
    silent('Switch', 'toggle', { input: { flag: 'checkout-v2' } }),
    silent('Switch off', 'toggle', { input: { flag: 'checkout-v2', state: 'off' } }),
  ],
  'notification/push-update': [
    silent('Text', 'notify', { input: { text: 'Version 1.4.2 is in **production**.' } }),
    silent('From the problem in the event', 'notify', { data: PROBLEM }),
  ],
  'notification/ask-approval': [
    interactive('Approval in Slack', 'sign-off', {
      input: { question: 'Release shop 1.4.2 to production?', approvers: ['jane@example.com'] },
    }),
  ],
  'incident-management/run-runbook': [
    interactive('Rundeck', 'runbook', { input: { target: 'restart-checkout' } }),
    interactive('Generic API', 'runbook', { input: { target: 'restart-checkout' }, query: 'connection=tool-job' }),
  ],
  'incident-management/stop-runbook': [interactive('Latest runbook', 'stoprunbook', { idFrom: ['run-runbook'] })],
  'remediation/run-job': [
    silent('Generic API', 'runjob', { input: { target: 'rollback-checkout' }, query: 'connection=tool' }),
  ],
  'remediation/rollback': [interactive('Generic API', 'rollback', { input: { target: 'checkout' } })],
  'slo/request-evaluation': [
    interactive('Last five minutes', 'evaluation', { input: { slo: 'checkout', timeframe: '5m' } }),
  ],
  'slo/push-report': [
    silent('Evaluation in the event', 'report', {
      data: { result: 'warning', evaluation: { result: 'warning', score: 78.5 } },
    }),
  ],
}
