import { Match, Rule } from 'aws-cdk-lib/aws-events'
import { LambdaFunction } from 'aws-cdk-lib/aws-events-targets'
import type { Queue } from 'aws-cdk-lib/aws-sqs'
import { Duration } from 'aws-cdk-lib/core'
import { Construct } from 'constructs'
import { itemKeys } from '../../shared/state/item-keys.ts'
import { auditEventsOf } from './audit-events.ts'
import { type Deployment, EXECUTIONS_WILDCARD_REASON } from './bundle-function.ts'
import { DurableFunction, deadLetterQueue } from './durable-function.ts'
import { answerPermissions } from './provider-permissions.ts'
import { orchestratorPaths, readSecrets, SECRET_PATHS } from './secrets.ts'
import type { StateTable } from './state-table.ts'

/** One day of retries for each of the two events that may be missing. */
const EXECUTION_TIMEOUT = Duration.days(2)

/** An EventBridge pattern may have 2,048 characters; the ARN of a function has up to 140. */
const TASKS_PER_RULE = 12

export interface FinisherProps extends Deployment {
  /** The functions whose ended executions are finished. */
  tasks: DurableFunction[]
  table: StateTable
}

/**
 * Sends the `finished` event of tasks that cannot send it: those that Lambda failed, timed out or stopped. It is durable,
 * so that an orchestrator that is down receives the event later.
 */
export class Finisher extends Construct {
  readonly durable: DurableFunction
  readonly deadLetters: Queue

  constructor(scope: Construct, id: string, { tasks, table, ...deployment }: FinisherProps) {
    super(scope, id)
    const { settings } = deployment
    const auditEvents = auditEventsOf(this, settings)
    this.deadLetters = deadLetterQueue(this, 'DeadLetters', deployment.dataKey)
    this.durable = new DurableFunction(this, 'Finisher', deployment, {
      bundle: 'finisher',
      entry: 'finisher',
      description: 'Sends the finished event of tasks that Lambda ended',
      memory: settings.memory.task,
      executionTimeout: EXECUTION_TIMEOUT,
      deadLetters: this.deadLetters,
      environment: { WEBHOOKS_STATE_TABLE: table.name, ...auditEvents.environment },
      permissions: [
        ...table.allow(['PutItem'], [itemKeys.finisher('*'), itemKeys.taskEnd('*', '*')]),
        ...readSecrets(this, settings, [SECRET_PATHS.identity, ...orchestratorPaths(settings), SECRET_PATHS.callbacks]),
        ...answerPermissions(settings.awsProviders),
        ...auditEvents.permissions,
        {
          // The cleanup of a task starts on the version of that task.
          actions: ['lambda:GetDurableExecution', 'lambda:GetDurableExecutionHistory', 'lambda:InvokeFunction'],
          resources: tasks.map(({ fn }) => `${fn.functionArn}:*`),
          wildcardReason: EXECUTIONS_WILDCARD_REASON,
        },
      ],
    })
    const target = new LambdaFunction(this.durable.live, {
      retryAttempts: 185,
      maxEventAge: Duration.hours(24),
      deadLetterQueue: this.deadLetters,
    })
    for (let start = 0; start < tasks.length; start += TASKS_PER_RULE) {
      const rule = new Rule(this, start === 0 ? 'Ended' : `Ended${start / TASKS_PER_RULE + 1}`, {
        description: 'Tasks that Lambda failed, timed out or stopped',
        eventPattern: {
          source: ['aws.lambda'],
          detailType: ['Durable Execution Status Change'],
          detail: {
            status: ['FAILED', 'TIMED_OUT', 'STOPPED'],
            // A prefix, because the ARN may include the version. Tasks only: the finisher must never start itself.
            functionArn: tasks.slice(start, start + TASKS_PER_RULE).flatMap(({ fn }) => Match.prefix(fn.functionArn)),
          },
        },
      })
      rule.addTarget(target)
    }
  }
}
