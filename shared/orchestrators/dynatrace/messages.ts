import { type Outcome, verdictOf } from '../../outcome.ts'
import { redact, redactDeep } from '../../redact.ts'
import { clip } from '../../text/plain-text.ts'
import type { Answer, AnsweredTask } from '../orchestrator.ts'

/** For the input of a workflow. Dynatrace documents no limit. */
const MAX_INPUT_BYTES = 65_536
const MAX_MESSAGE = 4_000

/** Returns the input of the workflow that continues after a task. Omits the details if they are too long. */
export function inputOf(task: AnsweredTask, outcome: Outcome): Record<string, unknown> {
  const { id: taskId, caller, category, action, origin, apiUrl } = task
  const { id, context: execution, project, stage, service } = origin
  const { message, ...rest } = redactDeep(outcome)
  const input = {
    taskId,
    id,
    execution,
    task: nameOf(task),
    caller,
    category,
    action,
    project,
    stage,
    service,
    verdict: verdictOf(outcome),
    ...rest,
    message,
    statusUrl: apiUrl === undefined ? undefined : `${apiUrl}/tasks/${taskId}`,
  }
  if (Buffer.byteLength(JSON.stringify(input)) <= MAX_INPUT_BYTES) return input
  return { ...input, message: clip(message, MAX_MESSAGE), data: {}, links: {}, isTruncated: true }
}

/**
 * Returns an answer as an event of the software development lifecycle: an object without nesting.
 *
 * @see https://docs.dynatrace.com/docs/deliver/pipeline-observability-sdlc-events/sdlc-events
 */
export function sdlcEvent(
  task: AnsweredTask,
  answer: Answer & { kind: 'started' | 'finished' },
): Record<string, string> {
  const { id, category, action, origin } = task
  const { context, project, stage, service } = origin
  const { kind, at = Date.now() } = answer
  const result: Record<string, string> =
    answer.kind === 'finished'
      ? { 'task.outcome': verdictOf(answer.outcome), message: clip(redact(answer.outcome.message), MAX_MESSAGE) }
      : {}
  return {
    'event.provider': 'cloud-automation-webhooks',
    'event.category': 'task',
    'event.type': `${category}/${action}`,
    'event.status': kind,
    // The same for each attempt to send it: Dynatrace stores a repeated event again.
    'event.id': `${id}-${kind}`,
    'task.id': id,
    'task.name': nameOf(task),
    ...result,
    ...(context === undefined ? {} : { 'execution.id': context }),
    ...(project === undefined ? {} : { project }),
    ...(stage === undefined ? {} : { stage }),
    ...(service === undefined ? {} : { service }),
    [kind === 'started' ? 'start_time' : 'end_time']: new Date(at).toISOString(),
  }
}

/** Returns the name of the task in its workflow. */
function nameOf({ origin: { id, context } }: AnsweredTask): string {
  return context !== undefined && id.startsWith(`${context}/`) ? id.slice(context.length + 1) : id
}
