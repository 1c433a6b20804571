import { setTimeout as sleep } from 'node:timers/promises'
import {
  type FunctionConfiguration,
  type LambdaClient,
  ListTagsCommand,
  paginateListDurableExecutionsByFunction,
  paginateListFunctions,
  StopDurableExecutionCommand,
} from '@aws-sdk/client-lambda'
import { CLEANUP_SUFFIX } from '../../shared/core/call.ts'

/** The durable functions of a stack, as ARNs. */
export interface DurableFunctions {
  tasks: string[]
  finisher: string[]
}

/** A running durable execution. */
export interface RunningTask {
  arn: string
  /** The task id. */
  name: string
  function: string
  startedAt: Date | undefined
}

/** A function of a stack. */
export interface StackFunction {
  arn: string
  kind: 'webhook' | 'task' | 'finisher' | 'stops'
  /** The id in the template: `CiCdTaskFunction1A2B3C4D`. */
  logicalId: string
  logGroup: string
  /** The path of the compiled policy in the function, if there is one. */
  policyFile: string | undefined
}

/** CloudFormation adds them to all resources. */
export const STACK_TAG = 'aws:cloudformation:stack-name'
export const LOGICAL_ID_TAG = 'aws:cloudformation:logical-id'

/**
 * Finds the durable functions of a stack among all functions of the region.
 *
 * @throws errors of the SDK
 */
export async function findDurableFunctions(lambda: LambdaClient, stackName: string): Promise<DurableFunctions> {
  const found: DurableFunctions = { tasks: [], finisher: [] }
  for await (const { arn, kind } of durableFunctionsOf(lambda, stackName))
    (kind === 'finisher' ? found.finisher : found.tasks).push(arn)
  return found
}

/**
 * Finds the durable functions of a stack, with their ids in the template.
 *
 * @throws errors of the SDK
 */
export function durableFunctionsOf(lambda: LambdaClient, stackName: string): AsyncGenerator<StackFunction> {
  return functionsOf(lambda, stackName, ['task', 'finisher'])
}

/**
 * Finds the functions of a stack among all functions of the region.
 *
 * @throws errors of the SDK
 */
export async function* functionsOf(
  lambda: LambdaClient,
  stackName: string,
  kinds: readonly StackFunction['kind'][],
): AsyncGenerator<StackFunction> {
  for await (const { Functions = [] } of paginateListFunctions({ client: lambda }, {})) {
    for (const fn of Functions) {
      const arn = fn.FunctionArn ?? ''
      const kind = kindOf(fn)
      if (kind === undefined || !kinds.includes(kind)) continue
      const { Tags = {} } = await lambda.send(new ListTagsCommand({ Resource: arn }))
      if (Tags[STACK_TAG] !== stackName) continue
      const logGroup = fn.LoggingConfig?.LogGroup ?? `/aws/lambda/${arn.split(':').at(-1)}`
      const policyFile = fn.Environment?.Variables?.['WEBHOOKS_POLICY_FILE']
      yield { arn, kind, logicalId: Tags[LOGICAL_ID_TAG] ?? '', logGroup, policyFile }
    }
  }
}

/** Returns the kind of a function that may belong to a stack. Other functions of the region are not asked for their tags. */
function kindOf({ DurableConfig, FunctionName, Handler, Environment }: FunctionConfiguration) {
  // The local runtime calls the handler of each function "handler".
  if (DurableConfig) return Handler?.startsWith('finisher.') || FunctionName === 'finisher' ? 'finisher' : 'task'
  if (Handler?.startsWith('stops.') || FunctionName === 'stops') return 'stops'
  return Environment?.Variables?.['WEBHOOKS_TASK_FUNCTION'] === undefined ? undefined : 'webhook'
}

/**
 * Lists the running executions of functions in all versions, oldest first.
 *
 * @throws errors of the SDK
 */
export async function listRunning(lambda: LambdaClient, functions: readonly string[]): Promise<RunningTask[]> {
  const running: RunningTask[] = []
  for (const arn of functions) {
    const query = { FunctionName: arn, Statuses: ['RUNNING' as const] }
    for await (const { DurableExecutions = [] } of paginateListDurableExecutionsByFunction({ client: lambda }, query))
      for (const execution of DurableExecutions)
        running.push({
          arn: execution.DurableExecutionArn ?? '',
          name: execution.DurableExecutionName ?? '',
          function: arn.split(':').at(-1) ?? arn,
          startedAt: execution.StartTimestamp,
        })
  }
  return running.sort((a, b) => Number(a.startedAt) - Number(b.startedAt))
}

export interface StopOptions {
  /** How long nothing may run before the stop counts as complete. EventBridge takes a moment to start the finisher. */
  quietSeconds: number
  timeoutSeconds: number
  /** Called when the number of running executions changes. */
  onChange: (running: number) => void
}

/**
 * Stops all tasks, including those that start meanwhile. Waits until the finisher has sent their `finished` events and the
 * cleanups have ended.
 *
 * @returns the executions that still run after the timeout
 * @throws errors of the SDK
 */
export async function stopTasks(
  lambda: LambdaClient,
  { tasks, finisher }: DurableFunctions,
  { quietSeconds, timeoutSeconds, onChange }: StopOptions,
): Promise<RunningTask[]> {
  const until = Date.now() + timeoutSeconds * 1_000
  let quietSince = Date.now()
  let lastCount: number | undefined
  for (;;) {
    const running = await listRunning(lambda, tasks)
    for (const { arn, name } of running) {
      // A cleanup must end by itself.
      if (!name.endsWith(CLEANUP_SUFFIX))
        await lambda.send(new StopDurableExecutionCommand({ DurableExecutionArn: arn }))
    }
    const remaining = [...running, ...(await listRunning(lambda, finisher))]
    if (remaining.length !== lastCount) onChange(remaining.length)
    lastCount = remaining.length
    if (remaining.length > 0) quietSince = Date.now()
    else if (Date.now() - quietSince >= quietSeconds * 1_000) return []
    if (Date.now() > until) return remaining
    await sleep(Math.min(1_000, quietSeconds * 250))
  }
}
