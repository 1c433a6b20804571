import type { RestApi } from 'aws-cdk-lib/aws-apigateway'
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
import type { CategoryFunction } from './category-function.ts'
import type { Finisher } from './finisher.ts'
import { type QueryName, queries } from './queries.ts'

const PERIOD = Duration.minutes(5)
const SUM = { statistic: Stats.SUM, period: PERIOD }

export interface DashboardProps {
  api: RestApi
  categories: CategoryFunction[]
  finisher: Finisher
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
    { api, categories, finisher, alarms, logGroups, namespace }: DashboardProps,
  ) {
    super(scope, id)
    const stage = api.deploymentStage
    const webhooks = (metric: (category: CategoryFunction) => IMetric) => categories.map(metric)
    const tasks = (name: string, suffix = '', statistic: string = Stats.SUM) =>
      categories.map(({ category, task }) =>
        task.fn.metric(name, { statistic, period: PERIOD, label: [category.name, suffix].filter(Boolean).join(' ') }),
      )
    const queues = [
      ...categories.map(({ category, deadLetters }) => ({ name: category.name, queue: deadLetters })),
      { name: 'finisher', queue: finisher.deadLetters },
    ]
    /** All values of the dimensions of a metric of the functions. */
    const ownMetric = (name: keyof typeof metrics) =>
      new MathExpression({
        expression: `SEARCH('{${[namespace, ...metrics[name].dimensions].join(',')}} MetricName="${name}"', 'Sum', ${PERIOD.toSeconds()})`,
        usingMetrics: {},
        label: '',
        period: PERIOD,
      })
    const logQuery = (title: string, name: QueryName) =>
      new LogQueryWidget({
        title,
        logGroupNames: logGroups,
        queryString: queries[name],
        view: LogQueryVisualizationType.TABLE,
        width: 12,
        height: 6,
      })
    new CloudWatchDashboard(this, 'Dashboard', {
      defaultInterval: Duration.days(1),
      widgets: [
        [new AlarmStatusWidget({ title: 'Alarms', alarms: alarms.all, width: 24, height: 4 })],
        [
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
            webhooks(({ category, webhook }) => webhook.fn.metricInvocations({ period: PERIOD, label: category.name })),
          ),
        ],
        [
          graph('Running tasks of the account', [
            new Metric({
              namespace: 'AWS/Lambda',
              metricName: 'ApproximateRunningDurableExecutions',
              statistic: Stats.MAXIMUM,
              period: PERIOD,
              label: 'running durable executions',
            }),
          ]),
          graph('Tasks accepted', tasks('DurableExecutionStarted')),
          graph('Tasks finished', tasks('DurableExecutionSucceeded')),
        ],
        [
          logQuery('Oldest open tasks (started in the time range)', 'oldest open tasks'),
          logQuery('Internal errors', 'errors'),
        ],
        [
          graph('Calls by outcome', [ownMetric('Calls')]),
          graph('Tasks by outcome', [ownMetric('Tasks')]),
          graph('Failures by provider', [ownMetric('Failures')]),
        ],
        [
          graph('Time from accepted to finished, p50', tasks('DurableExecutionDuration', '', Stats.p(50))),
          graph('Time from accepted to finished, p99', tasks('DurableExecutionDuration', '', Stats.p(99))),
          graph('Tasks ended by Lambda', [
            ...tasks('DurableExecutionFailed', 'failed'),
            ...tasks('DurableExecutionTimedOut', 'timed out'),
            ...tasks('DurableExecutionStopped', 'stopped'),
          ]),
        ],
        [
          graph('Webhook crashes and throttles', [
            ...webhooks(({ category, webhook }) =>
              webhook.fn.metricErrors({ period: PERIOD, label: `${category.name} crashed` }),
            ),
            ...webhooks(({ category, webhook }) =>
              webhook.fn.metricThrottles({ period: PERIOD, label: `${category.name} throttled` }),
            ),
          ]),
          graph('Finisher', [
            finisher.durable.fn.metric('DurableExecutionStarted', { ...SUM, label: 'tasks to finish' }),
            finisher.durable.fn.metric('DurableExecutionSucceeded', { ...SUM, label: 'finished' }),
          ]),
          graph(
            'Dead letters',
            queues.map(({ name, queue }) =>
              queue.metricApproximateNumberOfMessagesVisible({ period: PERIOD, label: name }),
            ),
          ),
        ],
      ],
    })
  }
}

function graph(title: string, left: IMetric[]): GraphWidget {
  return new GraphWidget({ title, left, width: 8, height: 6, leftYAxis: { min: 0 } })
}
