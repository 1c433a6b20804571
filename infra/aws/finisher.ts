import { Match, Rule } from 'aws-cdk-lib/aws-events'
import { LambdaFunction } from 'aws-cdk-lib/aws-events-targets'
import type { Queue } from 'aws-cdk-lib/aws-sqs'
import { Duration } from 'aws-cdk-lib/core'
import { Construct } from 'constructs'
import { itemKeys } from '../../shared/state/item-keys.ts'
import { type Deployment, executionsOfAllVersions } from './bundle-function.ts'
import { DurableFunction, deadLetterQueue } from './durable-function.ts'
import { mayReadSecrets, secretPaths } from './secrets.ts'
import type { StateTable } from './state-table.ts'

/** A day of trying for each of the two events that may be missing. */
const executionTimeout = Duration.days(2)

/** EventBridge takes patterns of 2,048 characters; the ARN of a function has up to 140. */
const TASKS_PER_RULE = 12

export interface FinisherProps extends Deployment {
  /** The functions whose ended executions are finished. */
  tasks: DurableFunction[]
  table: StateTable
}

/**
 * Finishes the tasks that can not do it any more: where Lambda fails, times out or stops an execution, the caller still gets
 * its one `finished` event. It is durable itself, so that an orchestrator that is down gets the event when it is back.
 */
export class Finisher extends Construct {
  readonly durable: DurableFunction
  readonly deadLetters: Queue

  constructor(scope: Construct, id: string, { tasks, table, ...deployment }: FinisherProps) {
    super(scope, id)
    const { settings } = deployment
    this.deadLetters = deadLetterQueue(this, 'DeadLetters', deployment.dataKey)
    this.durable = new DurableFunction(this, 'Finisher', deployment, {
      bundle: 'finisher',
      entry: 'finisher',
      description: 'Sends the finished event of tasks that Lambda ended',
      memory: settings.memory.task,
      executionTimeout,
      deadLetters: this.deadLetters,
      environment: { WEBHOOKS_IDEMPOTENCY_TABLE: table.name },
      may: [
        table.mayUse(['PutItem'], [itemKeys.finisher('*')]),
        ...mayReadSecrets(this, settings, [secretPaths.orchestrators]),
        {
          // A task that only ends what another has begun is started on the version of that one.
          actions: ['lambda:GetDurableExecution', 'lambda:GetDurableExecutionHistory', 'lambda:InvokeFunction'],
          resources: tasks.map(({ fn }) => `${fn.functionArn}:*`),
          star: executionsOfAllVersions,
        },
      ],
    })
    const target = new LambdaFunction(this.durable.live, {
      retryAttempts: 185,
      maxEventAge: Duration.hours(24),
      deadLetterQueue: this.deadLetters,
    })
    for (let at = 0; at < tasks.length; at += TASKS_PER_RULE) {
      const rule = new Rule(this, at === 0 ? 'Ended' : `Ended${at / TASKS_PER_RULE + 1}`, {
        description: 'Tasks that Lambda failed, timed out or stopped',
        eventPattern: {
          source: ['aws.lambda'],
          detailType: ['Durable Execution Status Change'],
          detail: {
            status: ['FAILED', 'TIMED_OUT', 'STOPPED'],
            // With its version or without. Only tasks: the finisher must never start itself.
            functionArn: tasks.slice(at, at + TASKS_PER_RULE).flatMap(({ fn }) => Match.prefix(fn.functionArn)),
          },
        },
      })
      rule.addTarget(target)
    }
  }
}
