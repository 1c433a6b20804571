import type { Queue } from 'aws-cdk-lib/aws-sqs'
import { Duration } from 'aws-cdk-lib/core'
import { Construct } from 'constructs'
import type { Permission } from '../../shared/aws/permissions.ts'
import { executionTimeoutOf } from '../../shared/core/max-deadlines.ts'
import { hasNeed } from '../../shared/providers/action.ts'
import { itemKeys } from '../../shared/state/item-keys.ts'
import { type Deployment, EXECUTIONS_WILDCARD_REASON } from './bundle-function.ts'
import type { CategoryInfo } from './category-info.ts'
import { DurableFunction, deadLetterQueue } from './durable-function.ts'
import { LiveFunction } from './live-function.ts'
import { answerPermissions, permissionsOf } from './provider-permissions.ts'
import { listSecrets, orchestratorPaths, readSecrets, SECRET_PATHS } from './secrets.ts'
import type { StateTable } from './state-table.ts'

/** API Gateway times out after 29 s. The webhook stops before, so that its response says why. */
const WEBHOOK_TIMEOUT = Duration.seconds(28)

export interface CategoryFunctionProps extends Deployment {
  category: CategoryInfo
  table: StateTable
}

/** The webhook and the task of a category, with their permissions. */
export class CategoryFunction extends Construct {
  readonly category: CategoryInfo
  readonly webhook: LiveFunction
  readonly task: DurableFunction
  readonly deadLetters: Queue

  constructor(scope: Construct, id: string, { category, table, ...deployment }: CategoryFunctionProps) {
    super(scope, id)
    const { settings, events } = deployment
    const { name, summary } = category
    const hasApprovals = hasNeed(category, 'approvals')
    const providerPermissions = permissionsOf(category.providers, settings.awsProviders)
    const secrets = [
      SECRET_PATHS.callers,
      SECRET_PATHS.identity,
      ...orchestratorPaths(settings, name),
      SECRET_PATHS.callbacks,
      SECRET_PATHS.connections(name),
      ...(hasApprovals ? [SECRET_PATHS.approvals] : []),
    ]
    const runs = category.hasRunsInTask ? [itemKeys.run('*')] : []
    const approvals = hasApprovals ? [itemKeys.approval('*')] : []
    const lastRuns = hasNeed(category, 'last-runs') ? [itemKeys.lastRun(name, '*')] : []
    const toggles = hasNeed(category, 'toggles') ? [itemKeys.toggle('*')] : []
    const sources = events?.sourcesOf(name) ?? []
    const waiters = sources.length > 0 ? [itemKeys.waiter(name, '*')] : []
    const variables = {
      WEBHOOKS_STATE_TABLE: table.name,
      ...(events && sources.length > 0 ? { WEBHOOKS_EVENTS_FILE: events.file } : {}),
    }
    const layers = events && sources.length > 0 ? [events.layer] : []
    const taskTablePermissions = [
      ...table.allow(['GetItem'], [itemKeys.cancellation(name, '*')]),
      ...table.allow(['GetItem', 'PutItem', 'UpdateItem'], runs),
      ...table.allow(['GetItem', 'PutItem', 'UpdateItem'], approvals),
      ...table.allow(['GetItem', 'PutItem'], [...lastRuns, ...toggles]),
      ...table.allow(['DeleteItem', 'GetItem', 'PutItem'], waiters),
      ...table.allow(
        ['UpdateItem'],
        sources.flatMap((source) => [itemKeys.wake(source, '*'), itemKeys.sourceActivity(source)]),
      ),
      // For calls of other durable functions, which no webhook accepts.
      ...table.allow(['UpdateItem'], [itemKeys.rate(name, '*')]),
    ]
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
      environment: variables,
      layers,
      permissions: [
        ...readSecrets(this, settings, secrets),
        listSecrets,
        ...taskTablePermissions,
        ...providerPermissions,
        ...answerPermissions(settings.awsProviders),
      ],
    })
    this.webhook = new LiveFunction(this, 'Webhook', deployment, {
      bundle: name,
      entry: 'webhook',
      description: `${summary}: the webhook`,
      memory: settings.memory.webhook,
      reservedConcurrency: settings.reservedConcurrency?.webhook,
      timeout: WEBHOOK_TIMEOUT,
      environment: {
        WEBHOOKS_TASK_FUNCTION: this.task.live.functionArn,
        ...variables,
        ...(settings.deadline === undefined ? {} : { WEBHOOKS_DEADLINE: settings.deadline }),
      },
      layers,
      permissions: [
        ...readSecrets(this, settings, secrets),
        listSecrets,
        ...table.allow(
          ['DeleteItem', 'GetItem', 'PutItem', 'UpdateItem'],
          [
            `${itemKeys.callPrefix(name)}#*`,
            itemKeys.task(name, '*'),
            itemKeys.cancellation(name, '*'),
            itemKeys.gate(name, '*'),
            itemKeys.guesses(name, '*'),
            itemKeys.rate(name, '*'),
            ...runs,
            ...lastRuns,
            ...toggles,
          ],
        ),
        ...table.allow(['GetItem', 'UpdateItem'], approvals),
        // All webhooks share these items: a copy of a message must not be a call of another category.
        ...table.allow(['GetItem', 'PutItem'], [itemKeys.signedMessage('*', '*')]),
        // A request to cancel a task wakes it.
        ...table.allow(['GetItem'], waiters),
        ...startAndReadTasks(this.task),
        ...(hasApprovals || sources.length > 0 ? [completeCallbacks(this.task)] : []),
        ...providerPermissions,
      ],
    })
  }
}

/**
 * AWS checks each action against another form of ARN: starting against the alias, listing against the function as the
 * request names it, and reading an execution against its version.
 *
 * @see https://docs.aws.amazon.com/lambda/latest/dg/lambda-api-permissions-ref.html
 */
function startAndReadTasks({ fn, live }: DurableFunction): Permission[] {
  return [
    { actions: ['lambda:InvokeFunction'], resources: [live.functionArn] },
    { actions: ['lambda:ListDurableExecutionsByFunction'], resources: [fn.functionArn, live.functionArn] },
    {
      actions: ['lambda:GetDurableExecution', 'lambda:GetDurableExecutionHistory'],
      resources: [`${fn.functionArn}:*`],
      wildcardReason: EXECUTIONS_WILDCARD_REASON,
    },
  ]
}

/** A decision, or a request to cancel, wakes the task. */
function completeCallbacks({ fn }: DurableFunction): Permission {
  return {
    actions: ['lambda:SendDurableExecutionCallbackSuccess'],
    resources: [`${fn.functionArn}:*`],
    wildcardReason: EXECUTIONS_WILDCARD_REASON,
  }
}
