import type { RestApi, Stage } from 'aws-cdk-lib/aws-apigateway'
import {
  AlarmStatusWidget,
  Dashboard as CloudWatchDashboard,
  GraphWidget,
  type IMetric,
  LogQueryVisualizationType,
  LogQueryWidget,
  MathExpression,
  Metric,
  Stats,
} from 'aws-cdk-lib/aws-cloudwatch'
import { Duration } from 'aws-cdk-lib/core'
import { Construct } from 'constructs'
import { metrics } from '../../shared/metrics.ts'
import type { Alarms } from './alarms.ts'
import type { AlertDispatch } from './alert-dispatch.ts'
import type { CategoryFunction } from './category-function.ts'
import type { Events } from './events.ts'
import type { Finisher } from './finisher.ts'
import { type QueryName, queries } from './queries.ts'

const PERIOD = Duration.minutes(5)
const SUM = { statistic: Stats.SUM, period: PERIOD }

export interface DashboardProps {
  api: RestApi
  categories: CategoryFunction[]
  finisher: Finisher
  /** Undefined without sources. */
  receiver: Events | undefined
  /** Undefined without rules for alerts. */
  dispatch: AlertDispatch | undefined
  alarms: Alarms
  /** The log groups of all functions, for the lists: a metric has only numbers. */
  logGroups: string[]
  /** Namespace of the metrics of the functions. */
  namespace: string
}

/** Calls, tasks and errors of the deployment on one page. */
export class Dashboard extends Construct {
  constructor(
    scope: Construct,
    id: string,
    { api, categories, finisher, receiver, dispatch, alarms, logGroups, namespace }: DashboardProps,
  ) {
    super(scope, id)
    new CloudWatchDashboard(this, 'Dashboard', {
      defaultInterval: Duration.days(1),
      widgets: [
        [new AlarmStatusWidget({ title: 'Alarms', alarms: alarms.all, width: 24, height: 4 })],
        callGraphs(api.deploymentStage, categories),
        taskGraphs(categories),
        [
          logTable('Oldest open tasks (started in the time range)', 'oldest open tasks', logGroups),
          logTable('Internal errors', 'errors', logGroups),
        ],
        [
          graph('Calls by outcome', [ownMetric('Calls', namespace)]),
          graph('Tasks by outcome', [ownMetric('Tasks', namespace)]),
          graph('Failures by provider', [ownMetric('Failures', namespace)]),
        ],
        endGraphs(categories),
        failureGraphs(categories, finisher, dispatch),
        ...(receiver ? [notificationGraphs(receiver, namespace)] : []),
      ],
    })
  }
}

function callGraphs(stage: Stage, categories: CategoryFunction[]): GraphWidget[] {
  return [
    graph('Calls', [
      stage.metricCount({ ...SUM, label: 'all' }),
      stage.metricClientError({ ...SUM, label: 'rejected (4xx)' }),
      stage.metricServerError({ ...SUM, label: 'failed (5xx)' }),
    ]),
    graph('Response time', [
      stage.metricLatency({ statistic: Stats.p(50), period: PERIOD, label: 'p50' }),
      stage.metricLatency({ statistic: Stats.p(99), period: PERIOD, label: 'p99' }),
    ]),
    graph(
      'Calls by category',
      categories.map(({ category, webhook }) => webhook.fn.metricInvocations({ period: PERIOD, label: category.name })),
    ),
  ]
}

function taskGraphs(categories: CategoryFunction[]): GraphWidget[] {
  return [
    graph('Running tasks of the account', [
      new Metric({
        namespace: 'AWS/Lambda',
        metricName: 'ApproximateRunningDurableExecutions',
        statistic: Stats.MAXIMUM,
        period: PERIOD,
        label: 'running durable executions',
      }),
    ]),
    graph('Tasks accepted', taskMetrics(categories, 'DurableExecutionStarted')),
    graph('Tasks finished', taskMetrics(categories, 'DurableExecutionSucceeded')),
  ]
}

function endGraphs(categories: CategoryFunction[]): GraphWidget[] {
  const durations = (percentile: number) => taskMetrics(categories, 'DurableExecutionDuration', '', Stats.p(percentile))
  return [
    graph('Time from accepted to finished, p50', durations(50)),
    graph('Time from accepted to finished, p99', durations(99)),
    graph('Tasks ended by Lambda', [
      ...taskMetrics(categories, 'DurableExecutionFailed', 'failed'),
      ...taskMetrics(categories, 'DurableExecutionTimedOut', 'timed out'),
      ...taskMetrics(categories, 'DurableExecutionStopped', 'stopped'),
    ]),
  ]
}

function notificationGraphs({ fn }: Events, namespace: string): GraphWidget[] {
  return [
    graph('Notifications by effect', [ownMetric('Notifications', namespace)]),
    graph('Ends without a notification', [ownMetric('MissedEnds', namespace)]),
    graph('Receiver of notifications', [
      fn.metricInvocations({ ...SUM, label: 'invoked' }),
      fn.metricErrors({ ...SUM, label: 'crashed' }),
    ]),
  ]
}

function failureGraphs(
  categories: CategoryFunction[],
  finisher: Finisher,
  dispatch: AlertDispatch | undefined,
): GraphWidget[] {
  const finishing = finisher.durable.fn
  const queues = [
    ...categories.map(({ category, deadLetters }) => ({ name: category.name, queue: deadLetters })),
    { name: 'finisher', queue: finisher.deadLetters },
    ...(dispatch ? [{ name: 'alerts', queue: dispatch.deadLetters }] : []),
  ]
  return [
    graph('Webhook crashes and throttles', [
      ...categories.map(({ category, webhook }) =>
        webhook.fn.metricErrors({ period: PERIOD, label: `${category.name} crashed` }),
      ),
      ...categories.map(({ category, webhook }) =>
        webhook.fn.metricThrottles({ period: PERIOD, label: `${category.name} throttled` }),
      ),
    ]),
    graph('Finisher', [
      finishing.metric('DurableExecutionStarted', { ...SUM, label: 'tasks to finish' }),
      finishing.metric('DurableExecutionSucceeded', { ...SUM, label: 'finished' }),
    ]),
    graph(
      'Dead letters',
      queues.map(({ name, queue }) => queue.metricApproximateNumberOfMessagesVisible({ period: PERIOD, label: name })),
    ),
  ]
}

/** Returns a metric of each task function, labeled with its category and the suffix. */
function taskMetrics(
  categories: CategoryFunction[],
  name: string,
  suffix = '',
  statistic: string = Stats.SUM,
): IMetric[] {
  return categories.map(({ category, task }) =>
    task.fn.metric(name, { statistic, period: PERIOD, label: [category.name, suffix].filter(Boolean).join(' ') }),
  )
}

/** Returns a metric that the functions emit, with all values of its dimensions. */
function ownMetric(name: keyof typeof metrics, namespace: string): IMetric {
  return new MathExpression({
    expression: `SEARCH('{${[namespace, ...metrics[name].dimensions].join(',')}} MetricName="${name}"', 'Sum', ${PERIOD.toSeconds()})`,
    usingMetrics: {},
    label: '',
    period: PERIOD,
  })
}

function graph(title: string, left: IMetric[]): GraphWidget {
  return new GraphWidget({ title, left, width: 8, height: 6, leftYAxis: { min: 0 } })
}

function logTable(title: string, name: QueryName, logGroups: string[]): LogQueryWidget {
  return new LogQueryWidget({
    title,
    logGroupNames: logGroups,
    queryString: queries[name],
    view: LogQueryVisualizationType.TABLE,
    width: 12,
    height: 6,
  })
}
