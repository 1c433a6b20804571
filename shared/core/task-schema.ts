import * as z from 'zod/mini'
import { ACTION_EFFECTS } from '../action-effect.ts'
import { originSchema } from '../orchestrators/event/event.ts'
import { outcomeSchema } from '../outcome.ts'
import { startLimitSchema } from '../policy/kinds/at-most.ts'
import { requirementSchema } from '../policy/kinds/index.ts'
import { windowRequirementSchema } from '../policy/kinds/window.ts'

/** The sender of a call. */
export const callerFields = {
  /** The name of the caller, who may read the status. */
  caller: z.string(),
  /** The person or the program that an OpenID provider has identified as the caller. */
  person: z.optional(z.string()),
  /** The verified e-mail address of this person, who does not decide an approval with `notRequester`. */
  email: z.optional(z.string()),
}

/** The action that runs, and its input. */
export const actionFields = {
  category: z.string(),
  action: z.string(),
  /** The orchestrator's name for the action, if the connection maps actions. */
  mappedName: z.optional(z.string()),
  connection: z.string(),
  /** The provider of the connection when the call was accepted, for log lines. */
  provider: z.string(),
  /** Complete and checked. */
  input: z.unknown(),
  /** Identifies the input without showing it, for the audit record. */
  inputDigest: z.optional(z.string()),
  /** Sentences to add to the message of the outcome. */
  notes: z.optional(z.array(z.string())),
  dryRun: z.boolean(),
  /** Why the action does not run, and the result of the call. */
  skip: z.optional(
    z.object({
      message: z.string(),
      result: z.enum(['pass', 'fail']),
      /** Replaces the result: the result so far is not a pass, and a skipped call must not improve it. */
      isWarning: z.optional(z.boolean()),
      /** The event decides its approval itself. */
      isAutomatic: z.boolean(),
    }),
  ),
  /** The key under which to save the id of the started run. */
  lastRunKey: z.optional(z.string()),
  /** The started job must not outlive the task. */
  needsCleanup: z.optional(z.boolean()),
}

/** The origin of a call, and the form of its answer. */
export const answerFields = {
  orchestrator: z.string(),
  event: originSchema,
  /** Whether to send a `started` event, too. */
  sendStarted: z.boolean(),
  /** Whether to send the progress. */
  progress: z.boolean(),
  /** How many progress messages the orchestrator accepts, if it limits them. */
  maxProgress: z.optional(z.number()),
  /** Whether links are sent as labels. */
  labels: z.boolean(),
  /** The base URL of the category's API, for links in approvals and in answers. */
  apiUrl: z.optional(z.string()),
  /** The address that the call supplies for its answer, encrypted with the key of the secret `callbacks`. */
  sealedReplyTo: z.optional(z.string()),
  /** Whether to send a heartbeat with each poll. */
  needsHeartbeat: z.optional(z.boolean()),
  /** Whether the orchestrator accepts the result only after it has paused. Missing in payloads of earlier versions. */
  needsPause: z.optional(z.boolean()),
  /** Whether answers contain the URL of the task, and the time of what they report. */
  isDetailed: z.optional(z.boolean()),
  /** Whether those who only watch get the outcome, too, in a step of its own. */
  hasObservers: z.optional(z.boolean()),
  /** The platform sends the `finished` event itself. */
  delegates: z.optional(z.boolean()),
}

/** The waits of a task, with their limits. */
export const waitFields = {
  /** In seconds. */
  deadline: z.number(),
  /** The source that notifies us of the end of the job. It decides how the task waits, because a replay must take the same steps. */
  source: z.optional(z.string()),
  /** Are counted directly before the action starts. */
  startLimits: z.optional(z.array(startLimitSchema)),
  /** Must be met before the action starts. The deadline counts from then. */
  requirements: z.optional(z.array(requirementSchema)),
  /** The windows outside of which the action no longer starts. Missing in payloads of earlier versions. */
  startRules: z.optional(z.array(windowRequirementSchema)),
  /** How long the task waits for its requirements, in seconds. */
  waitAtMost: z.optional(z.number()),
  /** The names of the rules of the policy that matched, for the audit record. */
  rules: z.optional(z.array(z.string())),
  /** Names the policy that was in force, for the audit record. */
  policyDigest: z.optional(z.string()),
  /** The facts of the call for the policy of a later time, in addition to those above. Missing in payloads of earlier versions. */
  policyFacts: z.optional(
    z.object({
      isAgent: z.boolean(),
      effect: z.optional(z.enum(ACTION_EFFECTS)),
      /** The fields of the input that were sent under other names, or with other values. */
      sentInput: z.optional(z.record(z.string(), z.unknown())),
    }),
  ),
  /** The input as rules of the policy see it. Only in payloads of earlier versions. */
  ruleInput: z.optional(z.unknown()),
  /** Set for a task that only asks people for another task, with what that task requires. */
  approvalOf: z.optional(
    z.object({
      category: z.string(),
      taskId: z.string(),
      /** How many people have to approve. */
      count: z.number(),
      /** When the other task gives up, in epoch milliseconds. */
      until: z.number(),
    }),
  ),
}

/** Set for an execution that follows an ended task. */
const followUpFields = {
  /** Set for an execution that only cleans up for a task that Lambda ended, or only sends the answer of an ended task again. */
  only: z.optional(z.enum(['cleanup', 'answer'])),
  /** The outcome to send again. */
  outcome: z.optional(outcomeSchema),
  /** When the task with this outcome ended, in epoch milliseconds. */
  endedAt: z.optional(z.number()),
  /** The id of the task that this one runs again. */
  rerunOf: z.optional(z.string()),
  /** The ARN of the operator who runs the task again, or sends its answer again. */
  operator: z.optional(z.string()),
}

/**
 * The record of an interactive call, and the payload of its task: JSON that is equal for each delivery of the same event, so
 * that a second start is the same start. Executions outlive deployments, so fields are added, but never changed.
 */
export const taskSchema = z.object({
  version: z.literal(1),
  /** Identifies the call: the id of the task and the idempotency key at the platform. */
  id: z.string(),
  mode: z.enum(['silent', 'interactive']),
  /** The trace that the call belongs to: see `traceparent.ts`. */
  traceparent: z.optional(z.string()),
  /** Whether to send the audit record to the event bus, in a step of its own. */
  auditEvents: z.optional(z.boolean()),
  ...callerFields,
  ...actionFields,
  ...answerFields,
  ...waitFields,
  ...followUpFields,
})
