import {
  type ExecutionStatus,
  type LambdaClient,
  paginateListDurableExecutionsByFunction,
} from '@aws-sdk/client-lambda'
import { categories } from '../../functions/index.ts'
import { durableFunctionsOf } from '../aws/running-tasks.ts'
import { UsageError } from './usage-error.ts'

/** A task in a list. */
export interface ListedTask {
  /** The task id. */
  name: string
  category: string
  /** As Lambda reports it. */
  status: string
  /** Epoch milliseconds. */
  startedAt: number
  endedAt?: number | undefined
  progress?: string | undefined
}

export interface TaskFilter {
  category?: string | undefined
  /** In lower case. */
  status?: string | undefined
}

/** The newest tasks of each category. */
const MAX_TASKS = 100

/**
 * Lists the newest tasks of a deployed stack, newest first.
 *
 * @throws UsageError if the stack has no task function; errors of the SDK
 */
export async function listDeployedTasks(
  lambda: LambdaClient,
  stackName: string,
  { category: wanted, status }: TaskFilter,
): Promise<ListedTask[]> {
  const tasks: ListedTask[] = []
  let hasFunctions = false
  for await (const { arn, isFinisher, logicalId } of durableFunctionsOf(lambda, stackName)) {
    if (isFinisher) continue
    hasFunctions = true
    const category = categoryOf(logicalId)
    if (wanted === undefined || wanted === category) tasks.push(...(await newestTasks(lambda, arn, category, status)))
  }
  if (!hasFunctions)
    throw new UsageError(`The stack ${stackName} has no task functions. Check the name, the region and the account.`)
  return tasks.sort((a, b) => b.startedAt - a.startedAt)
}

async function newestTasks(
  lambda: LambdaClient,
  FunctionName: string,
  category: string,
  status: string | undefined,
): Promise<ListedTask[]> {
  const found: ListedTask[] = []
  const Statuses = status === undefined ? undefined : [status.toUpperCase() as ExecutionStatus]
  const query = { FunctionName, MaxItems: MAX_TASKS, Statuses }
  for await (const { DurableExecutions = [] } of paginateListDurableExecutionsByFunction({ client: lambda }, query)) {
    for (const { DurableExecutionName: name = '', Status = '', StartTimestamp, EndTimestamp } of DurableExecutions)
      found.push({
        name,
        category,
        status: Status,
        startedAt: Number(StartTimestamp),
        endedAt: EndTimestamp && Number(EndTimestamp),
      })
    if (found.length >= MAX_TASKS) break
  }
  return found.slice(0, MAX_TASKS)
}

/** @param logicalId of its task function, which starts with its name: `CiCdTask` */
function categoryOf(logicalId: string): string {
  const idOf = (name: string) => `${name.replace(/(?:^|-)(.)/g, (_dash, letter: string) => letter.toUpperCase())}Task`
  return categories.find(({ name }) => logicalId.startsWith(idOf(name)))?.name ?? 'unknown'
}
