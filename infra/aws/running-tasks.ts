import { setTimeout as sleep } from 'node:timers/promises'
import {
  type LambdaClient,
  ListTagsCommand,
  paginateListDurableExecutionsByFunction,
  paginateListFunctions,
  StopDurableExecutionCommand,
} from '@aws-sdk/client-lambda'
import { CLEANUP_SUFFIX } from '../../shared/core/task/payload.ts'

/** What a stack has that must come to its end before it can be deleted. */
export interface DurableParts {
  /** The ARNs of its task functions, and of its finisher. */
  tasks: string[]
  finisher: string[]
}

/** One durable execution that has not ended. */
export interface Running {
  arn: string
  /** The task id. */
  name: string
  function: string
  startedAt: Date | undefined
}

/** CloudFormation gives it to whatever it makes. */
const stackTag = 'aws:cloudformation:stack-name'

/**
 * The durable functions of a stack, found among all functions of the region.
 *
 * @throws the SDK's own error
 */
export async function durablePartsOf(lambda: LambdaClient, stackName: string): Promise<DurableParts> {
  const parts: DurableParts = { tasks: [], finisher: [] }
  for await (const { Functions = [] } of paginateListFunctions({ client: lambda }, {})) {
    for (const { FunctionArn: arn = '', Handler: handler, DurableConfig: durable } of Functions) {
      if (!durable) continue
      const { Tags = {} } = await lambda.send(new ListTagsCommand({ Resource: arn }))
      if (Tags[stackTag] !== stackName) continue
      if (handler?.startsWith('finisher.')) parts.finisher.push(arn)
      else parts.tasks.push(arn)
    }
  }
  return parts
}

/**
 * What runs on functions, over all of their versions, the oldest first.
 *
 * @throws the SDK's own error
 */
export async function runningOn(lambda: LambdaClient, functions: readonly string[]): Promise<Running[]> {
  const running: Running[] = []
  for (const arn of functions) {
    const query = { FunctionName: arn, Statuses: ['RUNNING' as const] }
    for await (const { DurableExecutions = [] } of paginateListDurableExecutionsByFunction({ client: lambda }, query))
      for (const found of DurableExecutions)
        running.push({
          arn: found.DurableExecutionArn ?? '',
          name: found.DurableExecutionName ?? '',
          function: arn.split(':').at(-1) ?? arn,
          startedAt: found.StartTimestamp,
        })
  }
  return running.sort((a, b) => Number(a.startedAt) - Number(b.startedAt))
}

export interface StopOptions {
  /** Seconds for which nothing may run any more: EventBridge takes a moment to start the finisher. */
  quiet: number
  /** Seconds after which it is given up. */
  most: number
  /** Told how many still run, each time that changes. */
  tell: (running: number) => void
}

/**
 * Stops all tasks, and those that begin in the meantime, and waits until the finisher has answered for each of them, and what
 * must not outlive a task has ended.
 *
 * @returns what still runs when time is over; nothing where all has ended
 * @throws the SDK's own error
 */
export async function stopTasks(
  lambda: LambdaClient,
  { tasks, finisher }: DurableParts,
  { quiet, most, tell }: StopOptions,
): Promise<Running[]> {
  const until = Date.now() + most * 1_000
  let quietSince = Date.now()
  let told: number | undefined
  for (;;) {
    const running = await runningOn(lambda, tasks)
    // What ends at a platform what a task had begun is waited for.
    for (const { arn, name } of running) {
      if (!name.endsWith(CLEANUP_SUFFIX))
        await lambda.send(new StopDurableExecutionCommand({ DurableExecutionArn: arn }))
    }
    const left = [...running, ...(await runningOn(lambda, finisher))]
    if (left.length !== told) tell(left.length)
    told = left.length
    if (left.length > 0) quietSince = Date.now()
    else if (Date.now() - quietSince >= quiet * 1_000) return []
    if (Date.now() > until) return left
    await sleep(Math.min(1_000, quiet * 250))
  }
}
