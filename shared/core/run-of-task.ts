import type { Caller } from '../auth/callers.ts'
import { historyOf } from '../aws/lambda.ts'
import { Failure, invalidInput, toSentence } from '../errors.ts'
import type { Category } from '../providers/category.ts'
import { isRecord } from '../record.ts'
import { sleep } from '../sleep.ts'
import { cancelTask } from './task/cancel.ts'
import { executionOf } from './task/execution.ts'
import { readTaskOf } from './task/status.ts'

/** How long to wait for the run of a task that was started a moment ago. */
const MAX_WAIT_MS = 5_000
const PAUSE_MS = 500

/** The run that a stop is about. */
export interface StopTarget {
  /** With the id of a run. */
  input: object
  /** The task was canceled instead, which this sentence says. */
  canceled?: string
}

/** The call of an action that stops a run. */
interface StopCall {
  caller: Caller
  connection: { name: string }
  options: { dryRun: boolean }
  /** An agent calls: it stops only what its own tasks have started. */
  mustBeTask: boolean
}

/**
 * Replaces the id of a task in `input.id` with the id of the run that the task has started: a silent start of a job that needs
 * a task returns the id of the task. A task that has started nothing yet is canceled, so that nothing starts after the stop.
 *
 * @throws Failure `unknown` if the task ended without a run, `invalid`, `forbidden`, `unavailable`
 */
export async function withRunOfTask(
  input: object,
  category: Category,
  { caller, connection, options, mustBeTask }: StopCall,
): Promise<StopTarget> {
  const taskId = taskIdIn(category.name, input)
  if (taskId === undefined) {
    if (mustBeTask) throw notOwn('input.id is not the id of a task')
    return { input }
  }
  for (let waited = 0; ; waited += PAUSE_MS) {
    const { status, task } = await readTaskOf(category.name, taskId, caller, { withEvents: false })
    if (mustBeTask && task.caller !== caller.name) throw notOwn(`${task.caller} has started the task ${taskId}`)
    if (task.connection !== connection.name)
      throw invalidInput('input.id', `is a task of the connection ${task.connection}: select it with "connection"`)
    const id = await startedRunOf(category.name, taskId)
    if (id !== undefined) return { input: { ...input, id, ...projectOf(taskId, task.input, input) } }
    if (status.state !== 'running') {
      const reason = status.outcome ? `: ${status.outcome.message}` : ''
      throw new Failure('unknown', toSentence(`The task ${taskId} ended without starting anything to stop${reason}`))
    }
    if (waited >= MAX_WAIT_MS) break
    await sleep(PAUSE_MS)
  }
  if (!options.dryRun) await cancelTask(category, taskId, caller)
  const effect = options.dryRun ? 'would be canceled' : 'was canceled'
  return { input, canceled: `The task ${taskId} had not started anything yet, so it ${effect}` }
}

/**
 * Returns the project of the run. Platforms may number runs within projects, so another one would be another run.
 *
 * @throws Failure `invalid` if the call names another one
 */
function projectOf(taskId: string, started: unknown, input: { project?: unknown }): { project?: unknown } {
  const project = isRecord(started) ? started['project'] : undefined
  if (input.project !== undefined && input.project !== project)
    throw invalidInput('input.project', `is not that of the task ${taskId}: omit it`)
  return project === undefined ? {} : { project }
}

/** Agents know a task of theirs by its category, too: `ci-cd.0f9c..`. */
function taskIdIn(category: string, input: object): string | undefined {
  if (!('id' in input) || typeof input.id !== 'string') return undefined
  const id = input.id.startsWith(`${category}.`) ? input.id.slice(category.length + 1) : input.id
  return /^[0-9a-f]{40}$/.test(id) ? id : undefined
}

function notOwn(reason: string): Failure {
  return new Failure(
    'forbidden',
    `An agent stops only what it has started itself, and ${reason}. Send the taskId of the call that started the run as input.id, cancel that task, or ask a person to stop the run.`,
  )
}

/** Returns the id of the run that a task has started, which its history contains. */
async function startedRunOf(category: string, taskId: string): Promise<string | undefined> {
  const arn = await executionOf(category, taskId)
  if (arn === undefined) return undefined
  for await (const { EventType, Name, StepSucceededDetails } of historyOf(arn)) {
    if (EventType !== 'StepSucceeded' || Name !== 'start') continue
    const { type, job }: Record<string, unknown> = JSON.parse(StepSucceededDetails?.Result?.Payload ?? '{}')
    if (type === 'started' && isRecord(job)) return String(job['id'])
  }
  return undefined
}
