import * as z from 'zod/mini'
import type { TaskStatus } from '../../shared/core/task/task-status.ts'
import type { ReceivedNotification } from '../../shared/events/receive.ts'
import { oneOf, text, withDescription } from '../../shared/fields.ts'
import type { Outcome } from '../../shared/outcome.ts'
import { requirementTypes } from '../../shared/policy/kinds/index.ts'

// The schemas of responses. Their types ensure that they match the code.

const data = withDescription(z.record(z.string(), z.unknown()), 'Data of the action, such as id and url')
const links = withDescription(z.record(z.string(), z.string()), 'Name -> URL, for people')
const result = oneOf(['pass', 'warning', 'fail'], 'Result of the action')

export const outcome: z.ZodMiniType<Outcome> = z.object({
  status: oneOf(['succeeded', 'errored', 'aborted'], 'Whether the action could run'),
  result,
  message: text('The completed action, or the reason of the failure'),
  data,
  links,
})

export const accepted = z.object({
  taskId: withDescription(
    z.string().check(z.regex(/^[0-9a-f]{40}$/)),
    'Identical for all deliveries of the same event',
  ),
  statusUrl: withDescription(z.url(), 'URL of the status of the task'),
  duplicate: withDescription(z.boolean(), 'The call was accepted before; nothing was started'),
})

export const rerun = z.object({
  ...accepted.shape,
  duplicate: withDescription(z.boolean(), 'The task was run again before; nothing was started'),
  rerunOf: withDescription(accepted.shape.taskId, 'The task that is run again'),
})

export const taskStatus: z.ZodMiniType<TaskStatus> = z.object({
  taskId: accepted.shape.taskId,
  category: text('Category of the action'),
  action: text('Action'),
  state: oneOf(['running', 'finished', 'failed'], 'failed: Lambda ended the task, which is finished as errored'),
  verdict: oneOf(['running', 'pass', 'warning', 'fail', 'errored', 'aborted'], 'State and result in one word'),
  progress: text('Progress of a running task; empty if none'),
  needs: z.optional(
    withDescription(
      z.object({ type: z.enum(['decision', 'resume']), detail: z.optional(z.string()) }),
      'Set while only people can end the wait: with a decision, or by resuming what they have stopped',
    ),
  ),
  acceptedAt: withDescription(z.iso.datetime(), 'Time of acceptance'),
  waitUntil: z.optional(
    withDescription(z.iso.datetime(), 'When the task gives up waiting for the requirements of the policy'),
  ),
  requirements: z.optional(
    withDescription(
      z.array(
        z.object({
          type: z.enum(requirementTypes),
          rule: z.optional(withDescription(z.string(), 'Name of the rule. Omitted for the entry of the caller')),
          count: z.optional(withDescription(z.int(), 'How many people have to approve')),
          by: z.optional(withDescription(z.array(z.string()), 'The people who may decide. Omitted for everyone')),
          target: z.optional(withDescription(z.string(), 'Target of a turn')),
        }),
      ),
      'The requirements of the policy for the start of the action',
    ),
  ),
  deadlineAt: withDescription(z.iso.datetime(), 'Deadline. With waitUntil, the latest one'),
  endedAt: z.optional(withDescription(z.iso.datetime(), 'Time of the end')),
  outcome: z.optional(outcome),
  isCanceled: z.optional(
    withDescription(
      z.boolean(),
      'With an aborted outcome: whether the task was canceled, and not its job at the platform',
    ),
  ),
  unanswered: z.optional(
    oneOf(
      ['unwanted', 'lost'],
      'Why the orchestrator did not get the outcome; lost: its address cannot be decrypted, or its credentials have expired',
    ),
  ),
  rerunOf: z.optional(text('The task that this one runs again')),
})

export const received: z.ZodMiniType<ReceivedNotification> = z.object({
  event: text("The sender's name for what happened"),
  woken: withDescription(z.int(), 'How many tasks were woken'),
  calls: z.optional(
    withDescription(z.int(), 'How many calls of rules were accepted. Absent if the source has no rules'),
  ),
})

/** RFC 9457. */
export const problem = z.object({
  type: z.string(),
  title: z.string(),
  status: z.int(),
  detail: text('The problem and its solution'),
  errors: z.optional(
    withDescription(z.array(z.object({ path: z.string(), message: z.string() })), 'All errors of the call'),
  ),
  result: z.optional(result),
  data: z.optional(data),
  links: z.optional(links),
})
