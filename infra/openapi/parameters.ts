import type { CallOptions } from '../../shared/core/http/options.ts'

type Parameter = { description: string; schema: Record<string, unknown> }

/** The query of a call; the type holds the names against those that are read. */
const options: Record<keyof CallOptions, Parameter> = {
  mode: {
    description: 'silent: done and answered. interactive: accepted, and answered by a finished event',
    schema: { type: 'string', enum: ['silent', 'interactive'], default: 'silent' },
  },
  connection: {
    description: "Which instance of a platform; the caller's own for the action or the category, else default",
    schema: { type: 'string', pattern: '^[a-z0-9][a-z0-9_-]{0,62}$' },
  },
  sendStarted: {
    description: 'interactive: send started too, where the subscription does not',
    schema: { type: 'boolean', default: false },
  },
  deadline: {
    description:
      'interactive: when to give up, as an ISO 8601 duration; at most P7D, or P30D in a category that asks people; if left out, the default of the action',
    schema: { type: 'string', examples: ['PT2H'] },
  },
  when: {
    description: 'Act only if data.result is one of these, with commas',
    schema: { type: 'string', pattern: '^(pass|warning|fail)( *, *(pass|warning|fail))*$', examples: ['fail,warning'] },
  },
  dryRun: {
    description: 'Show the request that would be sent to the platform, masked, and send nothing',
    schema: { type: 'boolean', default: false },
  },
  labels: {
    description: "interactive: send the outcome's links as labels too",
    schema: { type: 'boolean', default: true },
  },
  progress: {
    description: 'interactive: send a status.changed that tells how far it is; a strict Keptn refuses these',
    schema: { type: 'boolean', default: false },
  },
}

/** By name, as components. */
export const queryParameters = Object.fromEntries(
  Object.entries(options).map(([name, option]) => [name, { name, in: 'query', ...option }]),
)
