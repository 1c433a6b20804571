import type { TaskStatus } from '../core/task/task-status.ts'
import { toSentence } from '../errors.ts'
import type { Outcome } from '../outcome.ts'
import type { Forward, ForwardedResponse } from './forward.ts'
import { invalidParams, RPC_CODES, type RpcError } from './json-rpc.ts'
import { cleanText, toolResult, WHILE_STOPPED } from './results.ts'
import type { RpcResult } from './server.ts'

/** How long Lambda keeps an ended execution. */
const RETENTION_MS = 14 * 86_400_000
const DEFAULT_PAUSE_SECONDS = 5
const MAX_STATUS = 1_000

/** A task with its id for agents. */
export interface AgentTask {
  /** `<category>.<task id>` */
  id: string
  status: TaskStatus
  /** How long to wait before the next read. */
  pauseSeconds: number
}

/**
 * Reads a task, and waits for its end.
 *
 * @returns the response of the webhook if it is not a status
 * @throws RpcError if there is no such task for this caller
 */
export async function readAgentTask(
  forward: Forward,
  id: string,
  { categories, wait = 0 }: { categories: readonly string[]; wait?: number },
): Promise<AgentTask | ForwardedResponse> {
  const { category, taskId } = parseTaskId(id, categories)
  const response = await forward({ category, method: 'GET', path: ['tasks', taskId], query: { wait: String(wait) } })
  return taskIn(response, id)
}

/**
 * Asks a task to end.
 *
 * @see readAgentTask
 */
export async function cancelAgentTask(
  forward: Forward,
  id: string,
  categories: readonly string[],
): Promise<AgentTask | ForwardedResponse> {
  const { category, taskId } = parseTaskId(id, categories)
  return taskIn(await forward({ category, method: 'POST', path: ['tasks', taskId, 'cancel'] }), id)
}

function parseTaskId(id: string, categories: readonly string[]): { category: string; taskId: string } {
  const [, category = '', taskId = ''] = /^([a-z0-9-]+)\.([0-9a-f]{40})$/.exec(id) ?? []
  if (!categories.includes(category)) throw unknownTask()
  return { category, taskId }
}

function taskIn(response: ForwardedResponse, id: string): AgentTask | ForwardedResponse {
  const { status, headers, body } = response
  if (status === 403 || status === 404) throw unknownTask()
  if (status >= 300) return response
  const pauseSeconds = Number(headers['retry-after'] ?? DEFAULT_PAUSE_SECONDS)
  return { id, status: body as typeof body & TaskStatus, pauseSeconds }
}

/** The same for a task of another caller. */
function unknownTask(): RpcError {
  return invalidParams(
    'There is no task with this taskId that you may read. A taskId is <category>.<id>, as in the result of the call.',
  )
}

/** Returns the result of a tool for a task, which runs or has ended. */
export function resultOfTask({ id, status, pauseSeconds }: AgentTask): RpcResult {
  const { verdict, progress, outcome, waitUntil, deadlineAt } = status
  if (verdict === 'running') {
    const message = `${describeWait(status)} Call get_task with this taskId in ${pauseSeconds} s.`
    const known = { verdict, taskId: id, message, progress, pollAfterSeconds: pauseSeconds, waitUntil, deadlineAt }
    return toolResult(withoutUndefined(known))
  }
  const { message = 'The task ended without a result. Check the platform.', ...rest } = outcome ?? {}
  const ended = { verdict, taskId: id, message: verdict === 'errored' ? withWarning(message) : message, ...rest }
  return toolResult(ended, { isError: verdict !== 'pass' && verdict !== 'warning' })
}

/** Says what a task waits for, and what a model does meanwhile: it cannot decide, and must not look for another way. */
function describeWait({ progress, needs }: TaskStatus): string {
  const what = toSentence(needs?.detail ?? (progress || 'Running'))
  switch (needs?.type) {
    case 'decision':
      return `${what} Inform your user, and read the task when they say that people have decided.`
    case 'resume':
      return `${what} ${WHILE_STOPPED} The task continues when they resume it.`
    default:
      return what
  }
}

/** An error may follow a write whose effect is not known. */
function withWarning(message: string): string {
  return `${toSentence(message)} Do not repeat this with another key before you have checked at the platform that nothing was done.`
}

function withoutUndefined(fields: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined))
}

/** Returns a task as the extension `tasks` describes it. */
export function taskFields({ id, status, pauseSeconds }: AgentTask, now: number): RpcResult {
  const { acceptedAt, deadlineAt, endedAt, progress, needs } = status
  return {
    taskId: id,
    status: stateOf(status),
    ...(progress === '' ? {} : { statusMessage: cleanText(needs ? describeWait(status) : progress, MAX_STATUS) }),
    createdAt: acceptedAt,
    lastUpdatedAt: endedAt ?? new Date(now).toISOString(),
    ttlMs: Date.parse(deadlineAt) - Date.parse(acceptedAt) + RETENTION_MS,
    pollIntervalMs: pauseSeconds * 1_000,
  }
}

/** Returns a task with its result, if it has ended. */
export function detailedTask(task: AgentTask, now: number): RpcResult {
  const { outcome } = task.status
  const fields = taskFields(task, now)
  switch (fields['status']) {
    case 'completed':
      return { ...fields, result: { resultType: 'complete', ...resultOfTask(task) } }
    case 'failed':
      return {
        ...fields,
        error: { code: RPC_CODES.internal, message: 'The task ended without a result. Check the platform.' },
      }
    case 'cancelled':
      return { ...fields, statusMessage: cleanText(outcome?.message ?? '', MAX_STATUS) }
    default:
      return fields
  }
}

function stateOf(status: TaskStatus): 'working' | 'completed' | 'failed' | 'cancelled' {
  const { state, outcome } = status
  if (state === 'running') return 'working'
  if (!outcome) return 'failed'
  // A platform can abort a job, too: that is a result.
  const { isCanceled = isCanceledByMessage(outcome) } = status
  return isCanceled ? 'cancelled' : 'completed'
}

/** Decides for tasks of versions whose results do not say whether the task was canceled. */
function isCanceledByMessage({ status, message }: Outcome): boolean {
  return status === 'aborted' && message.startsWith('Canceled by ')
}
