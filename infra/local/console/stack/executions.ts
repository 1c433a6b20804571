import {
  type Event,
  GetDurableExecutionCommand,
  type LambdaClient,
  paginateGetDurableExecutionHistory,
  paginateListDurableExecutionsByFunction,
} from '@aws-sdk/client-lambda'
import type { StackFunction } from '../../../aws/running-tasks.ts'
import type { ExecutionDetail, OperationSummary } from '../../cloud/index.ts'
import type { Executions } from '../call-summary.ts'
import { operationsOf } from './history-operations.ts'

/** Executions of the finisher among which that of a task is searched. */
const MAX_FINISHERS = 20

/** An execution with its history, as Lambda reports it. */
export interface ReadExecution {
  detail: ExecutionDetail
  operations: OperationSummary[]
  /** Newest first. */
  events: Event[]
}

/**
 * Reads an execution with its complete history.
 *
 * @param functionName its name for the views: `ci-cd-task`
 * @throws errors of the SDK
 */
export async function readExecution(lambda: LambdaClient, arn: string, functionName: string): Promise<ReadExecution> {
  const query = { DurableExecutionArn: arn }
  const found = await lambda.send(new GetDurableExecutionCommand(query))
  const { DurableExecutionName: name = '', Status: status = 'RUNNING', StartTimestamp, EndTimestamp } = found
  const events: Event[] = []
  for await (const { Events = [] } of paginateGetDurableExecutionHistory(
    { client: lambda },
    { ...query, IncludeExecutionData: true },
  ))
    events.push(...Events)
  return {
    detail: {
      arn,
      name,
      functionName,
      version: Number(found.Version) || 0,
      status,
      startedAt: StartTimestamp?.getTime() ?? 0,
      ...(EndTimestamp && { endedAt: EndTimestamp.getTime() }),
      input: found.InputPayload ?? '{}',
      ...(found.Result !== undefined && { result: found.Result }),
      ...(found.Error && { error: found.Error }),
    },
    operations: operationsOf(events),
    events: events.reverse(),
  }
}

/**
 * Finds the execution of the finisher that answers for a task.
 *
 * @throws errors of the SDK
 */
export async function finisherOf(
  lambda: LambdaClient,
  functions: readonly StackFunction[],
  { detail: { arn, endedAt = 0 } }: ReadExecution,
): Promise<ReadExecution | undefined> {
  const fn = functions.find(({ kind }) => kind === 'finisher')
  if (!fn) return undefined
  const query = { FunctionName: fn.arn, StartedAfter: new Date(endedAt - 1_000), ReverseOrder: false }
  for await (const { DurableExecutions = [] } of paginateListDurableExecutionsByFunction({ client: lambda }, query)) {
    for (const { DurableExecutionArn = '' } of DurableExecutions.slice(0, MAX_FINISHERS)) {
      const read = await readExecution(lambda, DurableExecutionArn, 'finisher')
      const { detail = {} } = JSON.parse(read.detail.input) as { detail?: { durableExecutionArn?: string } }
      if (detail.durableExecutionArn === arn) return read
    }
    break
  }
  return undefined
}

/** Lets the views read these executions. */
export function asExecutions(all: readonly ReadExecution[]): Executions {
  const find = (arn: string) => all.find(({ detail }) => detail.arn === arn)
  return {
    execution: (arn) => find(arn)?.detail,
    operations: (arn) => find(arn)?.operations ?? [],
    newestEvents: (arn, limit) => find(arn)?.events.slice(0, limit) ?? [],
  }
}
