import * as z from 'zod/mini'

/** After the id of a task: the name of the execution that ends what it had begun, once it can not do so itself. */
export const CLEANUP_SUFFIX = '-take-back'

/**
 * What starts a task: only what is the same each time the same event comes, so that a second start is the same start.
 * Kept apart from the code that runs it, since executions outlive deployments: fields are added, never changed.
 */
export const taskPayload = z.object({
  version: z.literal(1),
  taskId: z.string(),
  category: z.string(),
  /** Who called, and may read the state. */
  caller: z.optional(z.string()),
  orchestrator: z.string(),
  event: z.object({
    id: z.string(),
    task: z.string(),
    shkeptncontext: z.string(),
    gitcommitid: z.optional(z.string()),
    project: z.string(),
    stage: z.string(),
    service: z.string(),
    labels: z.record(z.string(), z.string()),
  }),
  action: z.string(),
  connection: z.string(),
  /** What the connection led to when the call was accepted: for log lines. */
  provider: z.optional(z.string()),
  /** What the orchestrator calls the action, where the connection chose it. */
  mappedName: z.optional(z.string()),
  input: z.unknown(),
  /** Sentences for the message of the outcome. */
  notes: z.optional(z.array(z.string())),
  sendStarted: z.boolean(),
  labels: z.boolean(),
  /** Seconds. */
  deadline: z.number(),
  dryRun: z.boolean(),
  progress: z.optional(z.boolean()),
  /** Why nothing is to be done, and the result of that; a pass where left out. */
  skip: z.optional(z.string()),
  skipResult: z.optional(z.enum(['pass', 'fail'])),
  /** Where our API is, for an action that asks people. */
  apiUrl: z.optional(z.string()),
  /** Whether what it starts must not outlive it. */
  needsCleanup: z.optional(z.boolean()),
  /** Where the id of what is started is saved. */
  lastRunKey: z.optional(z.string()),
  /** Whether the platform itself sends the finished event, once it has taken what is started. */
  delegates: z.optional(z.boolean()),
  /** For a task that Lambda has ended: another one ends what it had begun, and sends nothing. */
  only: z.optional(z.literal('take-back')),
})

export type TaskPayload = z.output<typeof taskPayload>
