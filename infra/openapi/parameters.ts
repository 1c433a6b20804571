import type { CallOptions } from '../../shared/core/webhook/call-options.ts'

type Parameter = { description: string; schema: Record<string, unknown> }

/** The options of a call. The type ensures that all are documented. */
const options: Record<keyof CallOptions, Parameter> = {
  mode: {
    description:
      'silent: runs the action and returns the outcome. interactive: accepts the call and sends the result later. gate: starts a task or returns the status of the one with this key',
    schema: { type: 'string', enum: ['silent', 'interactive', 'gate'], default: 'silent' },
  },
  key: {
    description: 'Identifies the call if the body has no id: a repeat with the same key is the same call',
    schema: { type: 'string', maxLength: 128, examples: ['checkout-42'] },
  },
  connection: {
    description: "Connection to a platform; defaults to the caller's for the action or the category, then to default",
    schema: { type: 'string', pattern: '^[a-z0-9][a-z0-9_-]{0,62}$' },
  },
  sendStarted: {
    description: 'interactive: also send started, if the subscription does not',
    schema: { type: 'boolean', default: false },
  },
  deadline: {
    description:
      'interactive: ISO 8601 duration; at most P7D, or P30D in a category with approvals; defaults to that of the action',
    schema: { type: 'string', examples: ['PT2H'] },
  },
  when: {
    description: 'Run the action only if data.result is one of these, separated by commas',
    schema: { type: 'string', pattern: '^(pass|warning|fail)( *, *(pass|warning|fail))*$', examples: ['fail,warning'] },
  },
  dryRun: {
    description: 'Return the masked request to the platform without sending it',
    schema: { type: 'boolean', default: false },
  },
  labels: {
    description: 'interactive: also send the links of the outcome as labels',
    schema: { type: 'boolean', default: true },
  },
  progress: {
    description: 'interactive: send status.changed events with the progress; a strict Keptn rejects them',
    schema: { type: 'boolean', default: false },
  },
  answer: {
    description:
      'gate: body returns 200 with the status of the task; status returns 200 if the gate is open, 409 while the task runs, else 424. The default for a body of Flagger is status',
    schema: { type: 'string', enum: ['body', 'status'], default: 'body' },
  },
  hold: {
    description:
      'gate: how long an outcome is returned before the next call starts a new task; PT1M to P7D, defaults to PT1H',
    schema: { type: 'string', examples: ['PT2H'] },
  },
  invert: {
    description:
      'gate with answer=status: true is open on fail and closed on pass; any is open on errored and aborted, too. Starts no task',
    schema: { type: 'string', enum: ['false', 'true', 'any'], default: 'false' },
  },
}

/** Components of the document, by name. */
export const queryParameters = Object.fromEntries(
  Object.entries(options).map(([name, option]) => [name, { name, in: 'query', ...option }]),
)

/** For engines that sign their calls. */
export const orchestrator = {
  name: 'orchestrator',
  in: 'query',
  description:
    'The orchestrator that verifies the signature and reads the body of the engine, such as GitHub. With it, the query may have connection, deadline, sendStarted and progress only; a delivery that calls for nothing gets 200',
  schema: { type: 'string', pattern: '^[a-z0-9][a-z0-9_-]{0,62}$' },
}

/** For callers whose orchestrator has the type `callback`. */
export const callbackUrl = {
  name: 'callback-url',
  in: 'header',
  description: 'interactive: the URL for the result, if the orchestrator of the caller sends results to URLs of calls',
  schema: { type: 'string', format: 'uri', maxLength: 2_048 },
}
