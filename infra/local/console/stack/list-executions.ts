import {
  type Execution,
  type ExecutionStatus,
  type LambdaClient,
  paginateListDurableExecutionsByFunction,
} from '@aws-sdk/client-lambda'
import type { StackFunction } from '../../../aws/running-tasks.ts'
import { categoryOf } from '../../tasks/deployed-tasks.ts'

/** An execution of a task function: a task, its cleanup, or an answer that is sent again. */
export interface ListedExecution {
  arn: string
  name: string
  functionName: string
  startedAt: number
  status: ExecutionStatus
}

/**
 * Lists the newest executions of a task function.
 *
 * @param max the number of executions
 * @throws errors of the SDK
 */
export async function newestExecutions(
  lambda: LambdaClient,
  { arn: FunctionName, logicalId }: StackFunction,
  max: number,
  Statuses?: ExecutionStatus[],
): Promise<ListedExecution[]> {
  const found: Execution[] = []
  const query = { FunctionName, MaxItems: max, ...(Statuses && { Statuses }) }
  for await (const { DurableExecutions = [] } of paginateListDurableExecutionsByFunction({ client: lambda }, query)) {
    found.push(...DurableExecutions)
    if (found.length >= max) break
  }
  const functionName = `${categoryOf(logicalId)}-task`
  return found
    .slice(0, max)
    .map(
      ({
        DurableExecutionArn: arn = '',
        DurableExecutionName: name = '',
        StartTimestamp,
        Status: status = 'RUNNING',
      }) => ({
        arn,
        name,
        functionName,
        status,
        startedAt: StartTimestamp?.getTime() ?? 0,
      }),
    )
}
