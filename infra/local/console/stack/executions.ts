import {
  type Event,
  GetDurableExecutionCommand,
  type LambdaClient,
  paginateGetDurableExecutionHistory,
} from '@aws-sdk/client-lambda'
import type { ExecutionDetail, OperationSummary } from '../../cloud/index.ts'
import type { Executions } from '../call-view.ts'
import { operationsOf } from './history-operations.ts'

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
      ...{ arn, name, functionName, version: Number(found.Version) || 0, status },
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

/** Lets the views read these executions. */
export function asExecutions(all: readonly ReadExecution[]): Executions {
  const find = (arn: string) => all.find(({ detail }) => detail.arn === arn)
  return {
    execution: (arn) => find(arn)?.detail,
    operations: (arn) => find(arn)?.operations ?? [],
    newestEvents: (arn, limit) => find(arn)?.events.slice(0, limit) ?? [],
  }
}
