import {
  type Event,
  type ExecutionStatus,
  GetDurableExecutionCommand,
  GetDurableExecutionHistoryCommand,
  type LambdaClient,
  paginateListDurableExecutionsByFunction,
} from '@aws-sdk/client-lambda'
import { PROGRESS_EVENTS } from '../../../shared/core/task/progress.ts'
import type { TaskStatus } from '../../../shared/core/task/task-status.ts'
import { pascalCase } from '../../aws/pascal-case.ts'
import { durableFunctionsOf } from '../../aws/running-tasks.ts'
import { categories } from '../../project/categories.ts'
import { UsageError } from '../../project/usage-error.ts'
import { isTask, type ListedTask, listedTask, matches, type TaskFilter } from './listed-task.ts'

/** The number of newest tasks of each category that are read, unless all are requested. */
const MAX_TASKS = 100
/** Lambda allows 30 reads per second in an account. */
const READS_AT_ONCE = 5

const STATUSES: Record<TaskStatus['state'], ExecutionStatus[]> = {
  running: ['RUNNING'],
  finished: ['SUCCEEDED'],
  failed: ['FAILED', 'TIMED_OUT', 'STOPPED'],
}

/** A task that was not read yet. */
interface UnreadTask {
  arn: string
  taskId: string
  category: string
  startedAt: number
}

/**
 * Reads the newest tasks of a deployed stack, newest first.
 *
 * @param limit the number of tasks to find; each is read. Infinity also finds those that are not among the newest of their category
 * @param report receives the progress
 * @throws UsageError if the stack has no task function; errors of the SDK
 */
export async function listDeployedTasks(
  lambda: LambdaClient,
  stackName: string,
  filter: TaskFilter,
  limit: number,
  report: (text: string) => void = () => {},
): Promise<ListedTask[]> {
  const unread = await newestTasks(lambda, stackName, filter, limit === Number.POSITIVE_INFINITY ? limit : MAX_TASKS)
  const found: ListedTask[] = []
  for (let start = 0; start < unread.length && found.length < limit; start += READS_AT_ONCE) {
    if (start > 0 && start % (10 * READS_AT_ONCE) === 0) report(`Reading tasks: ${start} of ${unread.length} ...`)
    const read = await Promise.all(unread.slice(start, start + READS_AT_ONCE).map((task) => readTask(lambda, task)))
    found.push(...read.filter((task) => matches(task, filter)))
  }
  return found.slice(0, limit)
}

/**
 * Finds the ids of tasks that start with a text.
 *
 * @throws UsageError if the stack has no task function; errors of the SDK
 */
export async function findTaskIds(
  lambda: LambdaClient,
  stackName: string,
  category: string,
  start: string,
): Promise<string[]> {
  const tasks = await newestTasks(lambda, stackName, { category }, MAX_TASKS)
  return tasks.map(({ taskId }) => taskId).filter((taskId) => taskId.startsWith(start))
}

async function newestTasks(
  lambda: LambdaClient,
  stackName: string,
  { category: wanted, state }: TaskFilter,
  max: number,
): Promise<UnreadTask[]> {
  const tasks: UnreadTask[] = []
  let hasFunctions = false
  for await (const { arn, kind, logicalId } of durableFunctionsOf(lambda, stackName)) {
    if (kind === 'finisher') continue
    hasFunctions = true
    const category = categoryOf(logicalId)
    if (wanted === undefined || wanted === category)
      tasks.push(...(await newestOf(lambda, arn, category, { state, max })))
  }
  if (!hasFunctions)
    throw new UsageError(`The stack ${stackName} has no task functions. Check the name, the region and the account.`)
  return tasks.sort((a, b) => b.startedAt - a.startedAt)
}

async function newestOf(
  lambda: LambdaClient,
  FunctionName: string,
  category: string,
  { state, max }: { state: TaskStatus['state'] | undefined; max: number },
): Promise<UnreadTask[]> {
  const found: UnreadTask[] = []
  const query = { FunctionName, MaxItems: MAX_TASKS, Statuses: state && STATUSES[state] }
  for await (const { DurableExecutions = [] } of paginateListDurableExecutionsByFunction({ client: lambda }, query)) {
    for (const execution of DurableExecutions) {
      const { DurableExecutionArn: arn = '', DurableExecutionName: taskId = '', StartTimestamp } = execution
      if (isTask(taskId)) found.push({ arn, taskId, category, startedAt: StartTimestamp?.getTime() ?? 0 })
    }
    if (found.length >= max) break
  }
  return found.slice(0, max)
}

async function readTask(lambda: LambdaClient, { arn, taskId, category, startedAt }: UnreadTask): Promise<ListedTask> {
  const found = await lambda.send(new GetDurableExecutionCommand({ DurableExecutionArn: arn }))
  const { Status: status = 'RUNNING', InputPayload: input, Result: result, Error: error, EndTimestamp } = found
  const execution = {
    name: taskId,
    category,
    status,
    startedAt,
    input,
    result,
    error: error?.ErrorMessage,
    endedAt: EndTimestamp?.getTime(),
  }
  return listedTask(execution, status === 'RUNNING' ? await newestEvents(lambda, arn) : [])
}

async function newestEvents(lambda: LambdaClient, arn: string): Promise<Event[]> {
  const newest = { ReverseOrder: true, MaxItems: PROGRESS_EVENTS, IncludeExecutionData: true }
  const { Events = [] } = await lambda.send(
    new GetDurableExecutionHistoryCommand({ DurableExecutionArn: arn, ...newest }),
  )
  return Events
}

/** Returns the category of a function. @param logicalId starts with its name: `CiCdTaskFunction`, `CiCdWebhookFunction` */
export function categoryOf(logicalId: string): string {
  const [, start] = /^(\w+?)(?:Task|Webhook)/.exec(logicalId) ?? []
  return categories.find(({ name }) => pascalCase(name) === start)?.name ?? 'unknown'
}
