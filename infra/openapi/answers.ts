import * as z from 'zod/mini'
import type { TaskStatus } from '../../shared/core/task/status.ts'
import { oneOf, text, withDescription } from '../../shared/fields.ts'
import type { Outcome } from '../../shared/outcome.ts'

/** What is answered. The types hold these against the code that answers. */

const data = withDescription(z.record(z.string(), z.unknown()), 'What the action answers, such as id and url')
const links = withDescription(z.record(z.string(), z.string()), 'Name -> URL, for people')
const result = oneOf(['pass', 'warning', 'fail'], 'How it turned out')

export const outcome: z.ZodMiniType<Outcome> = z.object({
  status: oneOf(['succeeded', 'errored', 'aborted'], 'Whether it could be done'),
  result,
  message: text('What was done, or why not'),
  data,
  links,
})

export const accepted = z.object({
  taskId: withDescription(z.string().check(z.regex(/^[0-9a-f]{40}$/)), 'The same for each delivery of the same event'),
  statusUrl: withDescription(z.url(), 'Where the state of the task is read'),
  duplicate: withDescription(z.boolean(), 'Whether it was accepted before: then nothing is started'),
})

export const taskStatus: z.ZodMiniType<TaskStatus> = z.object({
  taskId: accepted.shape.taskId,
  category: text('The category of the action'),
  action: text('What was asked for'),
  state: oneOf(['running', 'finished', 'failed'], 'failed: Lambda ended it, and it is finished as errored'),
  verdict: oneOf(['running', 'pass', 'warning', 'fail', 'errored', 'aborted'], 'How it stands, in one word'),
  progress: text('What a running task waits for; empty if it waits for nothing'),
  acceptedAt: withDescription(z.iso.datetime(), 'When it was accepted'),
  deadlineAt: withDescription(z.iso.datetime(), 'When it gives up'),
  endedAt: z.optional(withDescription(z.iso.datetime(), 'When it ended')),
  outcome: z.optional(outcome),
})

/** RFC 9457. */
export const problem = z.object({
  type: z.string(),
  title: z.string(),
  status: z.int(),
  detail: text('What is wrong and what to do, for people'),
  errors: z.optional(
    withDescription(
      z.array(z.object({ path: z.string(), message: z.string() })),
      'Everything that is wrong with the call, at once',
    ),
  ),
  result: z.optional(result),
  data: z.optional(data),
  links: z.optional(links),
})
