import {
  type ExecutionStatus,
  GetDurableExecutionCommand,
  type LambdaClient,
  paginateListDurableExecutionsByFunction,
} from '@aws-sdk/client-lambda'
import { ANSWER_SUFFIX, CLEANUP_SUFFIX } from '../../shared/core/call.ts'
import type { TaskStatus } from '../../shared/core/task/status.ts'
import { verdictOf } from '../../shared/outcome.ts'
import { durableFunctionsOf } from '../aws/running-tasks.ts'
import { categories } from '../categories.ts'
import { pascalCase } from '../pascal-case.ts'
import { UsageError } from './usage-error.ts'

/** A task in a list, with the names of the HTTP interface. */
export interface ListedTask {
  taskId: string
  category: string
  state: TaskStatus['state']
  /** Undefined if it was not read: Lambda does not list the results of tasks. */
  verdict?: TaskStatus['verdict'] | undefined
  acceptedAt: string
  endedAt?: string | undefined
  progress?: string | undefined
}

export interface TaskFilter {
  category?: string | undefined
  state?: TaskStatus['state'] | undefined
  /** Reads each ended task. */
  verdict?: TaskStatus['verdict'] | undefined
}

/** The newest tasks of each category. */
const MAX_TASKS = 100
/** Lambda allows 30 reads per second in an account. */
const READS_AT_ONCE = 5

const STATUSES: Record<TaskStatus['state'], ExecutionStatus[]> = {
  running: ['RUNNING'],
  finished: ['SUCCEEDED'],
  failed: ['FAILED', 'TIMED_OUT', 'STOPPED'],
}

/** Returns the state of a task whose execution has a status. */
export function stateOf(status: string | undefined): TaskStatus['state'] {
  return status === 'RUNNING' ? 'running' : status === 'SUCCEEDED' ? 'finished' : 'failed'
}

/** Whether an execution of a task function is a task, and not a cleanup or an answer that is sent again. */
export function isTask(executionName: string): boolean {
  return !executionName.endsWith(CLEANUP_SUFFIX) && !executionName.includes(`${ANSWER_SUFFIX}-`)
}

/**
 * Lists the newest tasks of a deployed stack, newest first.
 *
 * @param report receives the progress
 * @throws UsageError if the stack has no task function; errors of the SDK
 */
export async function listDeployedTasks(
  lambda: LambdaClient,
  stackName: string,
  { category: wanted, state, verdict }: TaskFilter,
  report: (text: string) => void = () => {},
): Promise<ListedTask[]> {
  const tasks: (ListedTask & { arn: string })[] = []
  let hasFunctions = false
  for await (const { arn, kind, logicalId } of durableFunctionsOf(lambda, stackName)) {
    if (kind === 'finisher') continue
    hasFunctions = true
    const category = categoryOf(logicalId)
    if (wanted === undefined || wanted === category) tasks.push(...(await newestTasks(lambda, arn, category, state)))
  }
  if (!hasFunctions)
    throw new UsageError(`The stack ${stackName} has no task functions. Check the name, the region and the account.`)
  if (verdict !== undefined) await readVerdicts(lambda, tasks, report)
  return tasks
    .filter((task) => verdict === undefined || task.verdict === verdict)
    .sort((a, b) => b.acceptedAt.localeCompare(a.acceptedAt))
    .map(({ arn: _, ...task }) => task)
}

async function newestTasks(
  lambda: LambdaClient,
  FunctionName: string,
  category: string,
  state: TaskStatus['state'] | undefined,
): Promise<(ListedTask & { arn: string })[]> {
  const found: (ListedTask & { arn: string })[] = []
  const query = { FunctionName, MaxItems: MAX_TASKS, Statuses: state && STATUSES[state] }
  for await (const { DurableExecutions = [] } of paginateListDurableExecutionsByFunction({ client: lambda }, query)) {
    for (const execution of DurableExecutions) {
      const { DurableExecutionArn: arn = '', DurableExecutionName: taskId = '', Status } = execution
      if (!isTask(taskId)) continue
      const state = stateOf(Status)
      found.push({
        arn,
        taskId,
        category,
        state,
        verdict: state === 'running' ? 'running' : state === 'failed' ? 'errored' : undefined,
        acceptedAt: execution.StartTimestamp?.toISOString() ?? '',
        endedAt: execution.EndTimestamp?.toISOString(),
      })
    }
    if (found.length >= MAX_TASKS) break
  }
  return found.slice(0, MAX_TASKS)
}

/** Adds the verdicts of ended tasks. */
async function readVerdicts(
  lambda: LambdaClient,
  tasks: (ListedTask & { arn: string })[],
  report: (text: string) => void,
): Promise<void> {
  const unread = tasks.filter(({ verdict }) => verdict === undefined)
  for (let start = 0; start < unread.length; start += READS_AT_ONCE) {
    if (start % (10 * READS_AT_ONCE) === 0) report(`Reading the results of tasks: ${start} of ${unread.length} ...`)
    await Promise.all(
      unread.slice(start, start + READS_AT_ONCE).map(async (task) => {
        const { Result } = await lambda.send(new GetDurableExecutionCommand({ DurableExecutionArn: task.arn }))
        const { outcome } = JSON.parse(Result ?? '{}')
        if (outcome) task.verdict = verdictOf(outcome)
      }),
    )
  }
}

/** Returns the category of a function. @param logicalId starts with its name: `CiCdTaskFunction`, `CiCdWebhookFunction` */
export function categoryOf(logicalId: string): string {
  const [, start] = /^(\w+?)(?:Task|Webhook)/.exec(logicalId) ?? []
  return categories.find(({ name }) => pascalCase(name) === start)?.name ?? 'unknown'
}
