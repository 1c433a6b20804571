import { verdictOf } from '../../outcome.ts'
import { redactDeep } from '../../redact.ts'
import type { Answer, AnsweredTask } from '../orchestrator.ts'

/** The content of a message about a task. The names are those of the task's status. */
export interface Content {
  taskId: string
  /** The id of the call. */
  id: string
  /** The caller. */
  caller: string
  category: string
  action: string
  context?: string | undefined
  project?: string | undefined
  stage?: string | undefined
  service?: string | undefined
  verdict: 'running' | ReturnType<typeof verdictOf>
  status?: string
  result?: string
  message: string
  data: Record<string, unknown>
  links: Record<string, string>
  statusUrl?: string | undefined
}

/** A message about a task, before it is formatted. */
export interface CallbackMessage {
  kind: Answer['kind']
  /** The same for each attempt to send it. */
  id: string
  /** ISO 8601: when it happened. */
  time: string
  content: Content
}

/**
 * Returns the message about an answer.
 *
 * @param uniquePart distinguishes the progress messages of a task
 */
export function callbackMessageOf(task: AnsweredTask, answer: Answer, uniquePart: string): CallbackMessage {
  const { id: taskId, category, action, caller, apiUrl, origin } = task
  const { id, context, project, stage, service } = origin
  const part = answer.kind === 'progress' ? `progress-${uniquePart}` : answer.kind
  return {
    kind: answer.kind,
    id: `${taskId}-${part}`,
    time: new Date(answer.at ?? Date.now()).toISOString(),
    content: {
      // The call was accepted with these, so they contain no credential, except that they may contain a part of its URL.
      taskId,
      id,
      caller,
      category,
      action,
      context,
      project,
      stage,
      service,
      ...redactDeep(resultOf(answer)),
      statusUrl: apiUrl === undefined ? undefined : `${apiUrl}/tasks/${taskId}`,
    },
  }
}

function resultOf(answer: Answer): Pick<Content, 'verdict' | 'status' | 'result' | 'message' | 'data' | 'links'> {
  if (answer.kind === 'finished') return { verdict: verdictOf(answer.outcome), ...answer.outcome }
  return { verdict: 'running', message: answer.kind === 'progress' ? answer.message : '', data: {}, links: {} }
}

/** Returns the URI reference that CloudEvents and CDEvents name their source by. */
export function senderOf({ category }: Content): string {
  return `/cloud-automation-webhooks/${category}`
}
