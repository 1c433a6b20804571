import type { Queue } from 'aws-cdk-lib/aws-sqs'
import { Duration } from 'aws-cdk-lib/core'
import { Construct } from 'constructs'
import type { Permission } from '../../shared/aws/permissions.ts'
import { executionTimeoutOf } from '../../shared/core/max-deadlines.ts'
import { hasNeed } from '../../shared/providers/action.ts'
import { auditEventsOf } from './audit-events.ts'
import { type Deployment, EXECUTIONS_WILDCARD_REASON } from './bundle-function.ts'
import type { CategoryInfo } from './category-info.ts'
import { DurableFunction, deadLetterQueue } from './durable-function.ts'
import { LiveFunction } from './live-function.ts'
import { answerPermissions, permissionsOf } from './provider-permissions.ts'
import { listSecrets, orchestratorPaths, readSecrets, SECRET_PATHS } from './secrets.ts'
import type { Settings } from './settings.ts'
import type { StateTable } from './state-table.ts'
import { tablePermissionsOf } from './table-permissions.ts'
import type { TodaysPolicy } from './todays-policy.ts'

/** API Gateway times out after 29 s. The webhook stops before, so that its response says why. */
const WEBHOOK_TIMEOUT = Duration.seconds(28)

export interface CategoryFunctionProps extends Deployment {
  category: CategoryInfo
  table: StateTable
  /** Missing in a stack without a policy. */
  todaysPolicy?: TodaysPolicy
}

/** The webhook and the task of a category, with their permissions. */
export class CategoryFunction extends Construct {
  readonly category: CategoryInfo
  readonly webhook: LiveFunction
  readonly task: DurableFunction
  readonly deadLetters: Queue

  constructor(scope: Construct, id: string, { category, table, todaysPolicy, ...deployment }: CategoryFunctionProps) {
    super(scope, id)
    const { settings, events, policy } = deployment
    const { name, summary } = category
    const hasApprovals = hasNeed(category, 'approvals')
    const providerPermissions = permissionsOf(category.providers, settings.awsProviders)
    const secrets = secretsOf(category, settings)
    const sources = events?.sourcesOf(name) ?? []
    const ownEvents = sources.length > 0 ? events : undefined
    const waits = ownEvents !== undefined || policy !== undefined
    const tablePermissions = tablePermissionsOf(category, table, { sources, waits })
    const auditEvents = auditEventsOf(this, settings)
    const variables = {
      WEBHOOKS_STATE_TABLE: table.name,
      ...auditEvents.environment,
      ...(ownEvents ? { WEBHOOKS_EVENTS_FILE: ownEvents.file } : {}),
      ...(policy ? { WEBHOOKS_POLICY_FILE: policy.file } : {}),
    }
    const layers = [ownEvents, policy].flatMap((deployed) => (deployed ? [deployed.layer] : []))
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
      environment: {
        ...variables,
        ...(todaysPolicy ? { WEBHOOKS_POLICY_FUNCTION: todaysPolicy.fn.functionArn } : {}),
        ...(hasApprovals ? { WEBHOOKS_APPROVAL_ALARM: settings.approvalAlarm } : {}),
      },
      layers,
      permissions: [
        ...readSecrets(this, settings, secrets),
        listSecrets,
        ...tablePermissions.task,
        ...(todaysPolicy ? [{ actions: ['lambda:InvokeFunction'], resources: [todaysPolicy.fn.functionArn] }] : []),
        ...providerPermissions,
        ...answerPermissions(settings.awsProviders),
        ...auditEvents.permissions,
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
        ...readSecrets(this, settings, secretsOf(category, settings, events?.sourcesCalling(name))),
        listSecrets,
        ...tablePermissions.webhook,
        ...startAndReadTasks(this.task),
        ...(hasApprovals || waits ? [completeCallbacks(this.task)] : []),
        ...providerPermissions,
        ...auditEvents.permissions,
      ],
    })
  }
}

/**
 * Returns the paths of the secrets that the functions read.
 *
 * @param callingSources the sources whose rules call the category: their secrets limit it
 */
function secretsOf(category: CategoryInfo, settings: Settings, callingSources: readonly string[] = []): string[] {
  return [
    SECRET_PATHS.callers,
    SECRET_PATHS.identity,
    ...orchestratorPaths(settings, category.name),
    SECRET_PATHS.callbacks,
    SECRET_PATHS.connections(category.name),
    ...(hasNeed(category, 'approvals') ? [SECRET_PATHS.approvals, SECRET_PATHS.people] : []),
    ...callingSources.map(SECRET_PATHS.source),
  ]
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
