import {
  Alarm,
  type AlarmProps,
  ComparisonOperator,
  type IMetric,
  Metric,
  TreatMissingData,
} from 'aws-cdk-lib/aws-cloudwatch'
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions'
import { PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam'
import type { IKey } from 'aws-cdk-lib/aws-kms'
import { FilterPattern } from 'aws-cdk-lib/aws-logs'
import { Topic } from 'aws-cdk-lib/aws-sns'
import { EmailSubscription } from 'aws-cdk-lib/aws-sns-subscriptions'
import { Duration, Stack } from 'aws-cdk-lib/core'
import { Construct } from 'constructs'
import type { CategoryFunction } from './category-function.ts'
import type { Finisher } from './finisher.ts'

const period = Duration.minutes(5)

/**
 * Lambda retries an invocation of a durable function that crashes until the execution timeout, and reports no failed
 * execution until then: only `Errors` shows it. One crash heals itself, so the alarm needs three within an hour. AWS does
 * not document how far apart the retries are.
 */
const REPEATED = { datapointsToAlarm: 3, evaluationPeriods: 12 }

type Sensitivity = Partial<Pick<AlarmProps, 'threshold' | 'datapointsToAlarm' | 'evaluationPeriods'>>

export interface AlarmsProps {
  categories: CategoryFunction[]
  finisher: Finisher
  /** The API's answers that are nobody's but our fault. */
  apiFailures: IMetric
  /** Calls that API Gateway refused with 429. */
  throttledCalls: IMetric
  stackName: string
  email: string | undefined
  /**
   * The customer's key of the topic. There is no default: CloudWatch may not use AWS's own key of SNS, so alarms would not get
   * through.
   */
  dataKey?: IKey | undefined
  /** Where the runbooks are, with a slash at the end. */
  runbooks: string
}

/** What a person should look at, told through one SNS topic. */
export class Alarms extends Construct {
  readonly topic: Topic
  readonly all: Alarm[] = []
  readonly #runbooks: string

  constructor(
    scope: Construct,
    id: string,
    { categories, finisher, apiFailures, throttledCalls, stackName, email, dataKey, runbooks }: AlarmsProps,
  ) {
    super(scope, id)
    this.#runbooks = runbooks
    this.topic = new Topic(this, 'Topic', { enforceSSL: true, ...(dataKey ? { masterKey: dataKey } : {}) })
    // A topic's own policy replaces the one that would let the account's alarms in.
    this.topic.addToResourcePolicy(
      new PolicyStatement({
        principals: [new ServicePrincipal('cloudwatch.amazonaws.com')],
        actions: ['sns:Publish'],
        resources: [this.topic.topicArn],
        conditions: { StringEquals: { 'aws:SourceAccount': Stack.of(this).account } },
      }),
    )
    if (email !== undefined) this.topic.addSubscription(new EmailSubscription(email))
    for (const category of categories) this.#watch(category)
    this.#watchFinisher(finisher)
    this.#add('ApiFailures', 'api-failures', apiFailures, 'The API answered with 5xx: callers see a failed task.')
    this.#add(
      'ApiThrottles',
      'api-throttles',
      throttledCalls,
      'API Gateway refused calls with 429: Keptn does not repeat them, so their tasks end as errored.',
    )
    this.#add(
      'SecretsInInput',
      'secrets-in-input',
      countSecretsInInput(categories, stackName),
      'A call contained a stored credential: it has leaked, or a caller guesses it.',
    )
    this.#add(
      'ExecutionsNearQuota',
      'executions-near-quota',
      new Metric({
        namespace: 'AWS/Lambda',
        metricName: 'ApproximateRunningDurableExecutionsUtilization',
        statistic: 'Maximum',
        period,
      }),
      'More than 80 % of the running durable executions that this account may have: ask AWS for a higher quota.',
      { threshold: 80 },
    )
  }

  #watch({ category: { name }, webhook, task, deadLetters, node }: CategoryFunction): void {
    const { id } = node
    this.#add(
      `${id}WebhookErrors`,
      'webhook-errors',
      webhook.fn.metricErrors({ period }),
      `The webhook of ${name} crashed or ran out of time: its callers got a 5xx.`,
    )
    this.#add(
      `${id}WebhookThrottles`,
      'webhook-throttles',
      webhook.fn.metricThrottles({ period }),
      `Lambda turned calls of ${name} away: the account's concurrency is used up.`,
    )
    this.#add(
      `${id}TaskErrors`,
      'task-errors',
      task.fn.metricErrors({ period }),
      `Tasks of ${name} crash again and again: Lambda retries them until their execution timeout.`,
      REPEATED,
    )
    this.#add(
      `${id}TasksFailed`,
      'tasks-failed',
      task.fn.metric('DurableExecutionFailed', { statistic: 'Sum', period }),
      `A task of ${name} failed in itself; the finisher answers for it.`,
    )
    this.#add(
      `${id}TasksTimedOut`,
      'tasks-timed-out',
      task.fn.metric('DurableExecutionTimedOut', { statistic: 'Sum', period }),
      `A task of ${name} reached its execution timeout; the finisher answers for it. Its finished event did not get through, or its code crashes.`,
    )
    this.#add(
      `${id}DeadLetters`,
      'dead-letters',
      deadLetters.metricApproximateNumberOfMessagesVisible({ period }),
      `Tasks of ${name} could not be started, or were ended: the dead-letter queue holds them.`,
    )
  }

  #watchFinisher({ durable: { fn }, deadLetters }: Finisher): void {
    const lost = 'The finisher did not get through: a caller may wait for a finished event that never comes.'
    const ended = (name: string) => fn.metric(`DurableExecution${name}`, { statistic: 'Sum', period })
    this.#add(
      'FinisherErrors',
      'finisher-errors',
      fn.metricErrors({ period }),
      'The finisher crashes again and again: tasks that Lambda ended are not answered.',
      REPEATED,
    )
    this.#add('FinisherFailed', 'finisher-failed', ended('Failed'), lost)
    this.#add('FinisherTimedOut', 'finisher-timed-out', ended('TimedOut'), lost)
    this.#add(
      'FinisherDeadLetters',
      'finisher-dead-letters',
      deadLetters.metricApproximateNumberOfMessagesVisible({ period }),
      lost,
    )
  }

  /**
   * Adds an alarm that goes off when the metric is above the threshold, 0 by default, in one period.
   *
   * @param runbook the page for the person on call
   * @param sensitivity another threshold, or more than one period
   */
  #add(id: string, runbook: string, metric: IMetric, description: string, sensitivity: Sensitivity = {}): void {
    const alarm = new Alarm(this, id, {
      metric,
      alarmDescription: `${description} What to do: ${this.#runbooks}${runbook}.md`,
      threshold: 0,
      comparisonOperator: ComparisonOperator.GREATER_THAN_THRESHOLD,
      evaluationPeriods: 1,
      ...sensitivity,
      treatMissingData: TreatMissingData.NOT_BREACHING,
    })
    alarm.addAlarmAction(new SnsAction(this.topic))
    this.all.push(alarm)
  }
}

/** The log lines of webhooks that refuse a call with a stored credential. One metric for all, since CloudWatch bills each. */
function countSecretsInInput(categories: CategoryFunction[], stackName: string): IMetric {
  const metric = { metricNamespace: stackName, metricName: 'SecretsInInput' }
  for (const { webhook } of categories) {
    const filterPattern = FilterPattern.booleanValue('$.secretInInput', true)
    webhook.fn.logGroup.addMetricFilter('SecretsInInput', { ...metric, filterPattern })
  }
  return new Metric({ namespace: stackName, metricName: metric.metricName, statistic: 'Sum', period })
}
