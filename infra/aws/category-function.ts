import type { Queue } from 'aws-cdk-lib/aws-sqs'
import { Duration } from 'aws-cdk-lib/core'
import { Construct } from 'constructs'
import { executionTimeoutOf } from '../../shared/core/deadlines.ts'
import { hasNeed, type Need } from '../../shared/providers/action.ts'
import { itemKeys } from '../../shared/state/item-keys.ts'
import { BundleFunction, type Deployment, executionsOfAllVersions } from './bundle-function.ts'
import { DurableFunction, deadLetterQueue } from './durable-function.ts'
import type { Permission } from './permission.ts'
import { mayUseProviders } from './provider-permissions.ts'
import { mayListSecrets, mayReadSecrets, secretPaths } from './secrets.ts'
import type { StateTable } from './state-table.ts'

/** API Gateway gives up after 29 s; the webhook is to be the one that says why. */
const webhookTimeout = Duration.seconds(28)

/** Providers whose runs go on inside of their task, which hears through the table that it is to stop. */
const withRunsInTask = ['autocannon']

/** What the stack must know of a category. */
export interface CategoryInfo {
  /** As in URLs, folders and secrets: `issue-ticketing`. */
  name: string
  summary: string
  actions: Record<string, { needs?: readonly Need[] }>
  providers: Record<string, unknown>
  /** By path: what answers without a token of a caller. */
  routes?: Record<string, unknown>
}

export interface CategoryFunctionProps extends Deployment {
  category: CategoryInfo
  table: StateTable
}

/** One category: its webhook, its task, and what each of them may do. */
export class CategoryFunction extends Construct {
  readonly category: CategoryInfo
  readonly webhook: BundleFunction
  readonly task: DurableFunction
  readonly deadLetters: Queue

  constructor(scope: Construct, id: string, { category, table, ...deployment }: CategoryFunctionProps) {
    super(scope, id)
    const { settings } = deployment
    const { name, summary, providers } = category
    const forProviders = mayUseProviders(Object.keys(providers), settings.awsProviders)
    const connections = secretPaths.connections(name)
    const asks = hasNeed(category, 'approvals')
    const forQuestions = asks ? [secretPaths.approvals] : []
    const keepsRuns = withRunsInTask.some((provider) => Object.hasOwn(providers, provider))
    const runs = keepsRuns ? [itemKeys.run('*')] : []
    const approvals = asks ? [itemKeys.approval('*')] : []
    const starts = hasNeed(category, 'last-runs')
    const lastRuns = starts ? [itemKeys.lastRun(name, '*')] : []
    const tableVariable = { WEBHOOKS_IDEMPOTENCY_TABLE: table.name }
    this.category = category
    this.deadLetters = deadLetterQueue(this, 'DeadLetters', deployment.dataKey)
    this.task = new DurableFunction(this, 'Task', deployment, {
      bundle: name,
      entry: 'task',
      description: `${summary}: interactive calls`,
      memory: settings.memory.task,
      reservedConcurrency: settings.reservedConcurrency?.task,
      executionTimeout: Duration.seconds(executionTimeoutOf(category)),
      deadLetters: this.deadLetters,
      environment: keepsRuns || asks || starts ? tableVariable : {},
      may: [
        ...mayReadSecrets(this, settings, [secretPaths.orchestrators, connections, ...forQuestions]),
        mayListSecrets,
        ...(keepsRuns ? [table.mayUse(['GetItem', 'PutItem', 'UpdateItem'], runs)] : []),
        ...(asks ? [table.mayUse(['PutItem', 'UpdateItem'], approvals)] : []),
        ...(starts ? [table.mayUse(['PutItem'], lastRuns)] : []),
        ...forProviders,
      ],
    })
    this.webhook = new BundleFunction(this, 'Webhook', deployment, {
      bundle: name,
      entry: 'webhook',
      description: `${summary}: the webhook`,
      memory: settings.memory.webhook,
      reservedConcurrency: settings.reservedConcurrency?.webhook,
      timeout: webhookTimeout,
      environment: {
        WEBHOOKS_TASK_FUNCTION: this.task.live.functionArn,
        ...tableVariable,
        ...(settings.deadline === undefined ? {} : { WEBHOOKS_DEADLINE: settings.deadline }),
      },
      may: [
        ...mayReadSecrets(this, settings, [
          secretPaths.callers,
          secretPaths.identity,
          secretPaths.orchestrators,
          connections,
          ...forQuestions,
        ]),
        mayListSecrets,
        table.mayUse(
          ['DeleteItem', 'GetItem', 'PutItem', 'UpdateItem'],
          [
            `${itemKeys.callPrefix(name)}#*`,
            itemKeys.task(name, '*'),
            itemKeys.guesses(name, '*'),
            ...runs,
            ...approvals,
            ...lastRuns,
          ],
        ),
        ...mayUseTask(this.task),
        ...(asks ? [mayAnswerTask(this.task)] : []),
        ...forProviders,
      ],
    })
  }
}

/**
 * What a webhook may do with its task: start it, and look up how it goes.
 *
 * @see https://docs.aws.amazon.com/lambda/latest/dg/lambda-api-permissions-ref.html which form of ARN each action is held
 * against: starting the alias, listing the function as the request names it, an execution the version that it runs on
 */
function mayUseTask({ fn, live }: DurableFunction): Permission[] {
  return [
    { actions: ['lambda:InvokeFunction'], resources: [live.functionArn] },
    { actions: ['lambda:ListDurableExecutionsByFunction'], resources: [fn.functionArn, live.functionArn] },
    {
      actions: ['lambda:GetDurableExecution', 'lambda:GetDurableExecutionHistory'],
      resources: [`${fn.functionArn}:*`],
      star: executionsOfAllVersions,
    },
  ]
}

/** What a webhook does with a decision: it completes the callback that a task waits for. */
function mayAnswerTask({ fn }: DurableFunction): Permission {
  return {
    actions: ['lambda:SendDurableExecutionCallbackSuccess'],
    resources: [`${fn.functionArn}:*`],
    star: executionsOfAllVersions,
  }
}
