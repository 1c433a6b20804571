import { randomBytes } from 'node:crypto'
import type { TestResult } from '@aws/durable-execution-sdk-js-testing'
import { InvocationType, type LambdaClient } from '@aws-sdk/client-lambda'
import { categories } from '../../functions/index.ts'
import { pascalCase } from '../../infra/aws/pascal-case.ts'
import { durableFunctionsOf } from '../../infra/aws/running-tasks.ts'
import { actAsWebhook } from '../../infra/local/operator/act-as-webhook.ts'
import { taskHandler } from '../../shared/core/task/handler.ts'
import { payloadOf } from '../../shared/core/task/payload.ts'
import type { TaskResult } from '../../shared/core/task/task-result.ts'
import { verificationTask } from '../../shared/core/verification.ts'
import type { Category } from '../../shared/providers/category.ts'
import { CloudDurableTestRunner, LocalDurableTestRunner, startRunner, stopRunner } from '../lifecycle/runner.ts'

/** The run of a task on one side. */
interface Run {
  status: string | undefined
  verdict: string | undefined
  /** Name and status of each operation, in the order in which they started. */
  operations: string[]
}

/** The same task in a deployed stack and in AWS's local runner. */
export interface Comparison {
  category: string
  deployed: Run
  local: Run
}

/**
 * Runs the task that `webhooks verify` starts, in each category of a deployed stack with AWS's `CloudDurableTestRunner`, and in
 * this process with `LocalDurableTestRunner`.
 *
 * @throws errors of the SDK
 */
export async function compareTasks(lambda: LambdaClient, stackName: string): Promise<Comparison[]> {
  await startRunner({ skipTime: false })
  try {
    const pairs: { arn: string; category: Category }[] = []
    for await (const { arn, logicalId } of durableFunctionsOf(lambda, stackName)) {
      const category = categories.find(({ name }) => logicalId.startsWith(`${pascalCase(name)}Task`))
      if (category) pairs.push({ arn, category })
    }
    // The payloads are sealed with the key of the stack.
    const [first] = pairs
    if (first) await actAsWebhook(lambda, stackName, first.category)
    return await Promise.all(pairs.map(({ arn, category }) => compare(lambda, arn, category)))
  } finally {
    await stopRunner()
  }
}

async function compare(client: LambdaClient, arn: string, category: Category): Promise<Comparison> {
  const id = randomBytes(20).toString('hex')
  const payload = JSON.parse(await payloadOf(verificationTask(category.name, 'test-cloud', id, id)))
  const deployed = new CloudDurableTestRunner<TaskResult>({
    functionName: `${arn}:live`,
    client,
    // Tasks may run longer than a synchronous invocation.
    config: { invocationType: InvocationType.Event, pollInterval: 500 },
  })
  const local = new LocalDurableTestRunner<TaskResult>({ handlerFunction: taskHandler(category) })
  const [ofDeployed, ofLocal] = await Promise.all([deployed.run({ payload }), local.run({ payload })])
  return { category: category.name, deployed: runOf(ofDeployed), local: runOf(ofLocal) }
}

function runOf(result: TestResult<TaskResult>): Run {
  const status = result.getStatus()
  return {
    status,
    verdict: status === 'SUCCEEDED' ? result.getResult()?.outcome.result : undefined,
    operations: result.getOperations().map((operation) => `${operation.getName()} ${operation.getStatus()}`),
  }
}
