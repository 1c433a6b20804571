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

/**
 * Replaces the id of a task in `input.id` with the id of the run that the task has started: a silent start of a job that needs
 * a task returns the id of the task. A task that has started nothing yet is canceled, so that nothing starts after the stop.
 *
 * @throws Failure `unknown` if the task ended without a run, `invalid`, `forbidden`, `unavailable`
 */
export async function withRunOfTask(
  input: object,
  category: Category,
  { caller, connection, options }: { caller: Caller; connection: { name: string }; options: { dryRun: boolean } },
): Promise<StopTarget> {
  if (!('id' in input) || typeof input.id !== 'string' || !/^[0-9a-f]{40}$/.test(input.id)) return { input }
  const { id: taskId } = input
  for (let waited = 0; ; waited += PAUSE_MS) {
    const { status, task } = await readTaskOf(category.name, taskId, caller, { withEvents: false })
    if (task.connection !== connection.name)
      throw invalidInput('input.id', `is a task of another connection: send ?connection=${task.connection}`)
    const id = await startedRunOf(category.name, taskId)
    if (id !== undefined) return { input: { ...input, id } }
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
