import {
  type AlarmProps,
  ComparisonOperator,
  type IMetric,
  MathExpression,
  Metric,
  TreatMissingData,
} from 'aws-cdk-lib/aws-cloudwatch'
import type { IFunction } from 'aws-cdk-lib/aws-lambda'
import type { Queue } from 'aws-cdk-lib/aws-sqs'
import { Duration } from 'aws-cdk-lib/core'
import { formatDuration, parseDuration } from '../../shared/duration.ts'
import type { metrics } from '../../shared/metrics.ts'
import { hasNeed } from '../../shared/providers/action.ts'
import type { CategoryFunction } from './category-function.ts'
import type { Finisher } from './finisher.ts'

/** An alarm for a metric that exceeds 0 in one period, unless its sensitivity says otherwise. */
export interface AlarmDeclaration {
  id: string
  /** File name, without `.md`. */
  runbook: string
  metric: IMetric
  description: string
  sensitivity?: Sensitivity
}

type Sensitivity = Partial<
  Pick<AlarmProps, 'threshold' | 'comparisonOperator' | 'datapointsToAlarm' | 'evaluationPeriods' | 'treatMissingData'>
>

/** The metrics and the settings of the alarms that all categories share. */
export interface SharedAlarmsProps {
  categories: CategoryFunction[]
  /** Counts responses with 5xx. */
  apiFailures: IMetric
  /** Counts calls that API Gateway rejected with 429. */
  throttledCalls: IMetric
  stackName: string
  /** How long an approval may wait, as an ISO 8601 duration. */
  approvalAlarm: string
  /** Whether tasks take turns. */
  hasTurns: boolean
  /** Set if rules make calls. */
  alerts: { functions: IFunction[]; deadLetters: Queue } | undefined
  /** Counts the successful runs of the schedule that verifies the deployment, if there is one. */
  verifyPasses?: IMetric | undefined
}

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

/** The queue also receives the tasks that failed, timed out or were stopped. */
export function deadLettersOf({ category: { name }, deadLetters, node }: CategoryFunction): AlarmDeclaration {
  return {
    id: `${node.id}DeadLetters`,
    runbook: 'dead-letters',
    metric: deadLetters.metricApproximateNumberOfMessagesVisible({ period: PERIOD }),
    description: `Tasks of ${name} could not be started or were stopped. They are in the dead-letter queue.`,
  }
}

export function webhookErrorsOf({ category, webhook, node }: CategoryFunction): AlarmDeclaration {
  return {
    id: `${node.id}WebhookErrors`,
    runbook: 'webhook-errors',
    metric: webhook.fn.metricErrors({ period: PERIOD }),
    description: `The webhook of ${category.name} crashed or timed out. Its callers received 5xx.`,
  }
}

export function alarmsOfCategory({ category: { name }, webhook, task, node }: CategoryFunction): AlarmDeclaration[] {
  return [
    {
      id: `${node.id}WebhookThrottles`,
      runbook: 'webhook-throttles',
      metric: webhook.fn.metricThrottles({ period: PERIOD }),
      description: `Lambda throttled calls of ${name}: the concurrency of the account is exhausted.`,
    },
    {
      id: `${node.id}TaskErrors`,
      runbook: 'task-errors',
      metric: task.fn.metricErrors({ period: PERIOD }),
      description: `Tasks of ${name} crash repeatedly. Lambda retries them until their execution timeout.`,
      sensitivity: THREE_PER_HOUR,
    },
    {
      id: `${node.id}TasksFailed`,
      runbook: 'tasks-failed',
      metric: task.fn.metric('DurableExecutionFailed', { statistic: 'Sum', period: PERIOD }),
      description: `A task execution of ${name} failed. The finisher sends its finished event.`,
    },
    {
      id: `${node.id}TasksTimedOut`,
      runbook: 'tasks-timed-out',
      metric: task.fn.metric('DurableExecutionTimedOut', { statistic: 'Sum', period: PERIOD }),
      description: `A task of ${name} reached its execution timeout: its finished event could not be delivered, or its code crashes. The finisher sends its finished event.`,
    },
  ]
}

/**
 * The same as the alarms for the errors of each task function, but one for ten of them. Not a filter for Lambda's messages in the
 * logs: they differ between versions of the runtime.
 */
export function taskCrashesOf(categories: readonly CategoryFunction[]): AlarmDeclaration[] {
  const errors = categories.map(({ task }) => task.fn.metricErrors({ period: PERIOD }))
  const starts = errors.map((_, index) => index).filter((index) => index % MAX_METRICS === 0)
  return starts.map((start) => ({
    id: `TaskCrashes${start === 0 ? '' : start / MAX_METRICS + 1}`,
    runbook: 'task-errors',
    metric: sumOf(errors.slice(start, start + MAX_METRICS), 'Errors of tasks'),
    description: 'Tasks crash repeatedly. Lambda retries them until their execution timeout.',
    sensitivity: THREE_PER_HOUR,
  }))
}

/** With few alarms, only its dead letters: they contain the events that it could not answer. */
export function alarmsOfFinisher({ durable: { fn }, deadLetters }: Finisher, isMinimal: boolean): AlarmDeclaration[] {
  const lost = 'The finisher could not send a finished event. A caller may wait for it forever.'
  const ended = (name: string) => fn.metric(`DurableExecution${name}`, { statistic: 'Sum', period: PERIOD })
  return [
    {
      id: 'FinisherErrors',
      runbook: 'finisher-errors',
      metric: fn.metricErrors({ period: PERIOD }),
      description: 'The finisher crashes repeatedly. Tasks that Lambda ended get no finished event.',
      sensitivity: THREE_PER_HOUR,
    },
    ...(isMinimal
      ? []
      : [
          { id: 'FinisherFailed', runbook: 'finisher-failed', metric: ended('Failed'), description: lost },
          { id: 'FinisherTimedOut', runbook: 'finisher-timed-out', metric: ended('TimedOut'), description: lost },
        ]),
    {
      id: 'FinisherDeadLetters',
      runbook: 'finisher-dead-letters',
      metric: deadLetters.metricApproximateNumberOfMessagesVisible({ period: PERIOD }),
      description: lost,
    },
  ]
}

/** The alarms that all categories share. */
export function sharedAlarms(props: SharedAlarmsProps): AlarmDeclaration[] {
  const { categories, apiFailures, throttledCalls, stackName, approvalAlarm, hasTurns, alerts, verifyPasses } = props
  const waited = formatDuration(parseDuration(approvalAlarm, 'approvalAlarm'))
  return [
    {
      id: 'ApiFailures',
      runbook: 'api-failures',
      metric: apiFailures,
      description: 'The API responded with 5xx. The sequences of the callers fail.',
    },
    {
      id: 'ApiThrottles',
      runbook: 'api-throttles',
      metric: throttledCalls,
      description: 'API Gateway rejected calls with 429. Keptn does not retry them, so their tasks end as errored.',
    },
    {
      id: 'SecretsInInput',
      runbook: 'secrets-in-input',
      metric: ownMetric('SecretsInInput', stackName),
      description: 'A call contained a stored credential: it leaked, or a caller is guessing it.',
    },
    ...(categories.some(({ category }) => hasNeed(category, 'approvals'))
      ? [
          {
            id: 'ApprovalsWaiting',
            runbook: 'approvals-waiting',
            metric: ownMetric('ApprovalsWaiting', stackName),
            description: `No one has decided an approval within ${waited}. A call waits for it.`,
          },
        ]
      : []),
    {
      id: 'StopsInForce',
      runbook: 'stops-in-force',
      metric: ownMetric('StopsInForce', stackName),
      description: 'People have stopped actions. Their calls wait or are refused until someone resumes them.',
    },
    {
      id: 'AnswersLost',
      runbook: 'answers-lost',
      metric: ownMetric('AnswersLost', stackName),
      description:
        'The address for the answer of a task cannot be decrypted, or its credentials expired. Its caller may wait forever.',
    },
    {
      id: 'ExecutionsNearQuota',
      runbook: 'executions-near-quota',
      metric: new Metric({
        namespace: 'AWS/Lambda',
        metricName: 'ApproximateRunningDurableExecutionsUtilization',
        statistic: 'Maximum',
        period: PERIOD,
      }),
      description: 'More than 80 % of the quota for running durable executions is in use. Request a higher quota.',
      sensitivity: { threshold: 80 },
    },
    ...(hasTurns
      ? [
          {
            id: 'TurnsExpired',
            runbook: 'turns-expired',
            metric: ownMetric('TurnsExpired', stackName),
            description:
              'The turn of a task ended with its lease: the task is lost, and its job may still be running while another one starts.',
          },
        ]
      : []),
    ...(alerts ? alarmsOfRules(alerts, stackName) : []),
    ...(verifyPasses
      ? [
          {
            id: 'VerifyFailed',
            runbook: 'verify-failed',
            metric: verifyPasses,
            description:
              'The scheduled verification failed twice in a row, or did not run. Calls through the public URL may fail.',
            sensitivity: FEWER_THAN_ONE_TWICE,
          },
        ]
      : []),
  ]
}

function alarmsOfRules(
  { functions, deadLetters }: NonNullable<SharedAlarmsProps['alerts']>,
  stackName: string,
): AlarmDeclaration[] {
  const errors = functions.map((fn) => fn.metricErrors({ period: PERIOD }))
  return [
    {
      id: 'AlertErrors',
      runbook: 'alert-errors',
      metric: sumOf(errors, 'Errors of the functions for alerts'),
      description: 'A function for alerts crashed or timed out. Alerts wait, and events of AWS may be lost.',
    },
    {
      id: 'AlertsRefused',
      runbook: 'alerts-refused',
      metric: deadLetters.metricApproximateNumberOfMessagesVisible({ period: PERIOD }),
      description:
        'The calls of alerts were refused, or could not be made for ten days. The alerts are in the dead-letter queue.',
    },
    {
      id: 'AlertTasksErrored',
      runbook: 'alert-tasks-errored',
      metric: ownMetric('AlertTasksErrored', stackName),
      description:
        'The task of an alert ended as errored, for example because its platform was down until the deadline.',
    },
    {
      id: 'RuleProblems',
      runbook: 'rule-problems',
      metric: ownMetric('RuleProblems', stackName),
      description: 'A rule of events.yaml cannot be evaluated on a notification. It makes no calls for these alerts.',
    },
  ]
}

function sumOf(summed: readonly IMetric[], label: string): IMetric {
  const usingMetrics = Object.fromEntries(summed.map((metric, index) => [`m${index}`, metric]))
  return new MathExpression({ expression: 'SUM(METRICS())', usingMetrics, period: PERIOD, label })
}

/** Returns a metric that the functions emit, see `shared/metrics.ts`. */
function ownMetric(metricName: keyof typeof metrics, namespace: string): IMetric {
  return new Metric({ namespace, metricName, statistic: 'Sum', period: PERIOD })
}
