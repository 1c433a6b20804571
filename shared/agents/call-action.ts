import { randomUUID } from 'node:crypto'
import { agentTaskId } from '../core/webhook/forwarded.ts'
import { log } from '../log.ts'
import { readArguments } from './call-arguments.ts'
import type { ActionTool } from './catalogue.ts'
import type { Forward } from './forward.ts'
import { invalidArguments, refusal, toolResult } from './results.ts'
import type { JsonObject, RpcResult, ToolCall } from './server.ts'
import { type AgentTask, readAgentTask, resultOfTask, taskFields } from './tasks.ts'

const SAME_KEY = 'Repeat the call with the same key and the same arguments: it happens once. Do not use another key.'

/**
 * Calls an action as a task, so that it may outlive the request and wait for people. Returns the task to a client that can read it,
 * or the result if there is one soon enough. The same key with the same arguments is the same call, also after a crash.
 */
export async function callAction(
  { category, action, isImmediate, isRead, tool }: ActionTool,
  { arguments: sent, hasTasks }: ToolCall,
  forward: Forward,
): Promise<RpcResult> {
  const read = readArguments(sent, { needsKey: !isRead, schema: tool.inputSchema })
  if ('errors' in read) return invalidArguments(read.errors)
  const { connection, deadline, wait, body, key = randomUUID() } = read
  const query = { mode: 'interactive', key, connection, deadline }
  const accepted = await forward({ category, method: 'POST', path: [action], query, body })
  if (accepted.status !== 202) return refusal(accepted, isRead ? undefined : SAME_KEY)
  const id = agentTaskId(category, String(accepted.body['taskId']))
  const task = await readIfPossible(forward, id, category, hasTasks && !isImmediate ? 0 : wait)
  if (!task) return toolResult({ verdict: 'running', taskId: id, message: 'Accepted. Call get_task with this taskId.' })
  // The client can read the task: it has just been read.
  const isTask = hasTasks && (task.status.state === 'running' || !isImmediate)
  return isTask ? { resultType: 'task', ...taskFields(task, Date.now()) } : resultOfTask(task)
}

/**
 * Returns the request that a call would send to the platform. Sends nothing that writes.
 *
 * @param sent the arguments of the call, with the name of its tool
 */
export async function previewForAgent(
  { category, action, tool }: ActionTool,
  { tool: _, ...sent }: JsonObject,
  forward: Forward,
): Promise<RpcResult> {
  const read = readArguments(sent, { needsKey: false, schema: tool.inputSchema })
  if ('errors' in read) return invalidArguments(read.errors)
  const query = { mode: 'silent', dryRun: 'true', connection: read.connection }
  const response = await forward({ category, method: 'POST', path: [action], query, body: read.body })
  return response.status < 300 ? toolResult({ verdict: 'pass', ...response.body }) : refusal(response)
}

/** The call is accepted, so it does not fail if the read fails. */
async function readIfPossible(
  forward: Forward,
  id: string,
  category: string,
  wait: number,
): Promise<AgentTask | undefined> {
  try {
    const task = await readAgentTask(forward, id, { categories: [category], wait })
    return 'id' in task ? task : undefined
  } catch (error) {
    log.warn('accepted task not read', error as Error)
    return undefined
  }
}
