import {
  Alarm,
  type AlarmProps,
  ComparisonOperator,
  type IMetric,
  MathExpression,
  Metric,
  TreatMissingData,
} from 'aws-cdk-lib/aws-cloudwatch'
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions'
import { PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam'
import type { IKey } from 'aws-cdk-lib/aws-kms'
import type { IFunction } from 'aws-cdk-lib/aws-lambda'
import { Topic } from 'aws-cdk-lib/aws-sns'
import { EmailSubscription } from 'aws-cdk-lib/aws-sns-subscriptions'
import type { Queue } from 'aws-cdk-lib/aws-sqs'
import { Duration, Stack } from 'aws-cdk-lib/core'
import { Construct } from 'constructs'
import { formatDuration, parseDuration } from '../../shared/duration.ts'
import type { metrics } from '../../shared/metrics.ts'
import { hasNeed } from '../../shared/providers/action.ts'
import type { CategoryFunction } from './category-function.ts'
import type { Finisher } from './finisher.ts'

const PERIOD = Duration.minutes(5)

/**
 * Lambda retries a crashed invocation of a durable function until the execution timeout and reports no failed execution
 * until then; only the metric `Errors` shows it. A retry usually succeeds, so the alarm needs three crashes within an hour.
 * AWS does not document the interval of the retries.
 */
const THREE_PER_HOUR = { datapointsToAlarm: 3, evaluationPeriods: 12 }

/** A schedule that does not run reports no data, so missing data counts as a failure. */
const FEWER_THAN_ONE_TWICE: Sensitivity = {
  threshold: 1,
  comparisonOperator: ComparisonOperator.LESS_THAN_THRESHOLD,
  evaluationPeriods: 2,
  treatMissingData: TreatMissingData.BREACHING,
}

/** An alarm evaluates at most this many metrics. */
const MAX_METRICS = 10

type Sensitivity = Partial<
  Pick<AlarmProps, 'threshold' | 'comparisonOperator' | 'datapointsToAlarm' | 'evaluationPeriods' | 'treatMissingData'>
>

export interface AlarmsProps {
  categories: CategoryFunction[]
  finisher: Finisher
  /** Counts responses with 5xx. */
  apiFailures: IMetric
  /** Counts calls that API Gateway rejected with 429. */
  throttledCalls: IMetric
  /** Counts the successful runs of the schedule that verifies the deployment, if there is one. */
  verifyPasses?: IMetric | undefined
  stackName: string
  /** How long an approval may wait, as an ISO 8601 duration. */
  approvalAlarm: string
  email: string | undefined
  /** Customer-managed key of the topic. Defaults to no encryption: CloudWatch cannot use the AWS-managed key of SNS. */
  dataKey?: IKey | undefined
  /** URL or path of the runbooks, with a trailing slash. */
  runbooks: string
  /** Only the alarms that show lost or hanging calls, most of them for all categories together. */
  isMinimal: boolean
  /** Whether a deployment needs an alarm for the errors of each webhook. */
  isGradual: boolean
  /** Whether tasks take turns. */
  hasTurns: boolean
  /** Set if rules make calls. */
  alerts: { functions: IFunction[]; deadLetters: Queue } | undefined
}

/** Alarms, sent to one SNS topic. Each has a runbook. */
export class Alarms extends Construct {
  readonly topic: Topic
  readonly all: Alarm[] = []
  readonly #webhookErrors = new Map<CategoryFunction, Alarm>()
  readonly #runbooks: string

  constructor(scope: Construct, id: string, props: AlarmsProps) {
    super(scope, id)
    const { categories, finisher, verifyPasses, email, dataKey, isMinimal, isGradual } = props
    this.#runbooks = props.runbooks
    this.topic = new Topic(this, 'Topic', { enforceSSL: true, ...(dataKey ? { masterKey: dataKey } : {}) })
    this.topic.addToResourcePolicy(this.#publishStatement())
    if (email !== undefined) this.topic.addSubscription(new EmailSubscription(email))
    for (const category of categories) {
      this.#addDeadLetters(category)
      if (!isMinimal || isGradual) this.#addWebhookErrors(category)
      if (!isMinimal) this.#addForCategory(category)
    }
    this.#addForFinisher(finisher, isMinimal)
    if (isMinimal) this.#addTaskCrashes(categories)
    this.#addForAll(props)
    if (props.hasTurns)
      this.#add(
        'TurnsExpired',
        'turns-expired',
        ownMetric('TurnsExpired', props.stackName),
        'The turn of a task ended with its lease: the task is lost, and its job may still be running while another one starts.',
      )
    if (props.alerts) this.#addForRules(props.alerts, props.stackName)
    if (verifyPasses)
      this.#add(
        'VerifyFailed',
        'verify-failed',
        verifyPasses,
        'The scheduled verification failed twice in a row, or did not run. Calls through the public URL may fail.',
        FEWER_THAN_ONE_TWICE,
      )
  }

  /** Returns the alarm that ends the gradual rollout of a webhook. */
  webhookErrorsOf(category: CategoryFunction): Alarm {
    const alarm = this.#webhookErrors.get(category)
    if (!alarm) throw new Error(`There is no alarm for the errors of the webhook of ${category.category.name}.`)
    return alarm
  }

  /** Lets CloudWatch send alarms. Replaces the default statement, which allows alarms of the account. */
  #publishStatement(): PolicyStatement {
    return new PolicyStatement({
      principals: [new ServicePrincipal('cloudwatch.amazonaws.com')],
      actions: ['sns:Publish'],
      resources: [this.topic.topicArn],
      conditions: { StringEquals: { 'aws:SourceAccount': Stack.of(this).account } },
    })
  }

  /** Adds the alarms that all categories share. */
  #addForAll({ categories, apiFailures, throttledCalls, stackName, approvalAlarm }: AlarmsProps): void {
    this.#add(
      'ApiFailures',
      'api-failures',
      apiFailures,
      'The API responded with 5xx. The sequences of the callers fail.',
    )
    this.#add(
      'ApiThrottles',
      'api-throttles',
      throttledCalls,
      'API Gateway rejected calls with 429. Keptn does not retry them, so their tasks end as errored.',
    )
    this.#add(
      'SecretsInInput',
      'secrets-in-input',
      ownMetric('SecretsInInput', stackName),
      'A call contained a stored credential: it leaked, or a caller is guessing it.',
    )
    if (categories.some(({ category }) => hasNeed(category, 'approvals')))
      this.#add(
        'ApprovalsWaiting',
        'approvals-waiting',
        ownMetric('ApprovalsWaiting', stackName),
        `No one has decided an approval within ${formatDuration(parseDuration(approvalAlarm, 'approvalAlarm'))}. A call waits for it.`,
      )
    this.#add(
      'AnswersLost',
      'answers-lost',
      ownMetric('AnswersLost', stackName),
      'The address for the answer of a task cannot be decrypted, or its credentials expired. Its caller may wait forever.',
    )
    this.#add(
      'ExecutionsNearQuota',
      'executions-near-quota',
      new Metric({
        namespace: 'AWS/Lambda',
        metricName: 'ApproximateRunningDurableExecutionsUtilization',
        statistic: 'Maximum',
        period: PERIOD,
      }),
      'More than 80 % of the quota for running durable executions is in use. Request a higher quota.',
      { threshold: 80 },
    )
  }

  #addForRules({ functions, deadLetters }: NonNullable<AlarmsProps['alerts']>, stackName: string): void {
    const errors = functions.map((fn, index) => [`m${index}`, fn.metricErrors({ period: PERIOD })])
    this.#add(
      'AlertErrors',
      'alert-errors',
      new MathExpression({
        expression: 'SUM(METRICS())',
        usingMetrics: Object.fromEntries(errors),
        period: PERIOD,
        label: 'Errors of the functions for alerts',
      }),
      'A function for alerts crashed or timed out. Alerts wait, and events of AWS may be lost.',
    )
    this.#add(
      'AlertsRefused',
      'alerts-refused',
      deadLetters.metricApproximateNumberOfMessagesVisible({ period: PERIOD }),
      'The calls of alerts were refused, or could not be made for ten days. The alerts are in the dead-letter queue.',
    )
    this.#add(
      'RuleProblems',
      'rule-problems',
      ownMetric('RuleProblems', stackName),
      'A rule of events.yaml cannot be evaluated on a notification. It makes no calls for these alerts.',
    )
  }

  /** The queue also receives the tasks that failed, timed out or were stopped. */
  #addDeadLetters({ category: { name }, deadLetters, node }: CategoryFunction): void {
    this.#add(
      `${node.id}DeadLetters`,
      'dead-letters',
      deadLetters.metricApproximateNumberOfMessagesVisible({ period: PERIOD }),
      `Tasks of ${name} could not be started or were stopped. They are in the dead-letter queue.`,
    )
  }

  #addWebhookErrors(category: CategoryFunction): void {
    const alarm = this.#add(
      `${category.node.id}WebhookErrors`,
      'webhook-errors',
      category.webhook.fn.metricErrors({ period: PERIOD }),
      `The webhook of ${category.category.name} crashed or timed out. Its callers received 5xx.`,
    )
    this.#webhookErrors.set(category, alarm)
  }

  #addForCategory({ category: { name }, webhook, task, node }: CategoryFunction): void {
    const { id } = node
    this.#add(
      `${id}WebhookThrottles`,
      'webhook-throttles',
      webhook.fn.metricThrottles({ period: PERIOD }),
      `Lambda throttled calls of ${name}: the concurrency of the account is exhausted.`,
    )
    this.#add(
      `${id}TaskErrors`,
      'task-errors',
      task.fn.metricErrors({ period: PERIOD }),
      `Tasks of ${name} crash repeatedly. Lambda retries them until their execution timeout.`,
      THREE_PER_HOUR,
    )
    this.#add(
      `${id}TasksFailed`,
      'tasks-failed',
      task.fn.metric('DurableExecutionFailed', { statistic: 'Sum', period: PERIOD }),
      `A task execution of ${name} failed. The finisher sends its finished event.`,
    )
    this.#add(
      `${id}TasksTimedOut`,
      'tasks-timed-out',
      task.fn.metric('DurableExecutionTimedOut', { statistic: 'Sum', period: PERIOD }),
      `A task of ${name} reached its execution timeout: its finished event could not be delivered, or its code crashes. The finisher sends its finished event.`,
    )
  }

  /**
   * The same as the alarms for the errors of each task function, but one for ten of them. Not a filter for Lambda's messages in the
   * logs: they differ between versions of the runtime.
   */
  #addTaskCrashes(categories: CategoryFunction[]): void {
    const errors = categories.map(({ task }) => task.fn.metricErrors({ period: PERIOD }))
    for (let start = 0; start < errors.length; start += MAX_METRICS) {
      const summed = errors.slice(start, start + MAX_METRICS).map((metric, index) => [`m${index}`, metric])
      this.#add(
        `TaskCrashes${start === 0 ? '' : start / MAX_METRICS + 1}`,
        'task-errors',
        new MathExpression({
          expression: 'SUM(METRICS())',
          usingMetrics: Object.fromEntries(summed),
          period: PERIOD,
          label: 'Errors of tasks',
        }),
        'Tasks crash repeatedly. Lambda retries them until their execution timeout.',
        THREE_PER_HOUR,
      )
    }
  }

  /** With few alarms, only its dead letters: they contain the events that it could not answer. */
  #addForFinisher({ durable: { fn }, deadLetters }: Finisher, isMinimal: boolean): void {
    const lost = 'The finisher could not send a finished event. A caller may wait for it forever.'
    const ended = (name: string) => fn.metric(`DurableExecution${name}`, { statistic: 'Sum', period: PERIOD })
    this.#add(
      'FinisherErrors',
      'finisher-errors',
      fn.metricErrors({ period: PERIOD }),
      'The finisher crashes repeatedly. Tasks that Lambda ended get no finished event.',
      THREE_PER_HOUR,
    )
    if (!isMinimal) {
      this.#add('FinisherFailed', 'finisher-failed', ended('Failed'), lost)
      this.#add('FinisherTimedOut', 'finisher-timed-out', ended('TimedOut'), lost)
    }
    this.#add(
      'FinisherDeadLetters',
      'finisher-dead-letters',
      deadLetters.metricApproximateNumberOfMessagesVisible({ period: PERIOD }),
      lost,
    )
  }

  /**
   * Adds an alarm for a metric that exceeds 0 in one period.
   *
   * @param runbook file name, without `.md`
   * @param sensitivity overrides when the alarm goes off
   */
  #add(id: string, runbook: string, metric: IMetric, description: string, sensitivity: Sensitivity = {}): Alarm {
    const alarm = new Alarm(this, id, {
      metric,
      alarmDescription: `${description} What to do: ${this.#runbooks}${runbook}.md`,
      threshold: 0,
      comparisonOperator: ComparisonOperator.GREATER_THAN_THRESHOLD,
      evaluationPeriods: 1,
      treatMissingData: TreatMissingData.NOT_BREACHING,
      ...sensitivity,
    })
    alarm.addAlarmAction(new SnsAction(this.topic))
    this.all.push(alarm)
    return alarm
  }
}

/** Returns a metric that the functions emit, see `shared/metrics.ts`. */
function ownMetric(metricName: keyof typeof metrics, namespace: string): IMetric {
  return new Metric({ namespace, metricName, statistic: 'Sum', period: PERIOD })
}
