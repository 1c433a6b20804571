import type { RestApi } from 'aws-cdk-lib/aws-apigateway'
import {
  AlarmStatusWidget,
  Dashboard as CloudWatchDashboard,
  GraphWidget,
  type IMetric,
  LogQueryVisualizationType,
  LogQueryWidget,
  Metric,
  Stats,
} from 'aws-cdk-lib/aws-cloudwatch'
import { Duration } from 'aws-cdk-lib/core'
import { Construct } from 'constructs'
import type { Alarms } from './alarms.ts'
import type { CategoryFunction } from './category-function.ts'
import type { Finisher } from './finisher.ts'
import { type QueryName, queries } from './queries.ts'

const period = Duration.minutes(5)
const sum = { statistic: Stats.SUM, period }

export interface DashboardProps {
  api: RestApi
  categories: CategoryFunction[]
  finisher: Finisher
  alarms: Alarms
  /** Of all functions: what AWS counts for nobody is read from their lines, when somebody looks. */
  logGroups: string[]
}

/** All of the deployment on one page: calls in, tasks, what went wrong. */
export class Dashboard extends Construct {
  constructor(scope: Construct, id: string, { api, categories, finisher, alarms, logGroups }: DashboardProps) {
    super(scope, id)
    const stage = api.deploymentStage
    const webhooks = (metric: (category: CategoryFunction) => IMetric) => categories.map(metric)
    const tasks = (name: string, what = '', statistic: string = Stats.SUM) =>
      categories.map(({ category, task }) =>
        task.fn.metric(name, { statistic, period, label: [category.name, what].filter(Boolean).join(' ') }),
      )
    const queues = [
      ...categories.map(({ category, deadLetters }) => ({ name: category.name, queue: deadLetters })),
      { name: 'finisher', queue: finisher.deadLetters },
    ]
    const asked = (title: string, name: QueryName) =>
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
            stage.metricCount({ ...sum, label: 'all' }),
            stage.metricClientError({ ...sum, label: 'refused (4xx)' }),
            stage.metricServerError({ ...sum, label: 'failed (5xx)' }),
          ]),
          graph('Time to answer', [
            stage.metricLatency({ statistic: Stats.p(50), period, label: 'p50' }),
            stage.metricLatency({ statistic: Stats.p(99), period, label: 'p99' }),
          ]),
          graph(
            'Calls by category',
            webhooks(({ category, webhook }) => webhook.fn.metricInvocations({ period, label: category.name })),
          ),
        ],
        [
          graph('Tasks waiting, of the whole account', [
            new Metric({
              namespace: 'AWS/Lambda',
              metricName: 'ApproximateRunningDurableExecutions',
              statistic: Stats.MAXIMUM,
              period,
              label: 'running durable executions',
            }),
          ]),
          graph('Tasks accepted', tasks('DurableExecutionStarted')),
          graph('Tasks finished', tasks('DurableExecutionSucceeded')),
        ],
        [
          asked('Oldest open tasks (of those that began in the time shown)', 'oldest open tasks'),
          asked('Finished by result', 'finished by result'),
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
        [asked('Errors by provider', 'errors by provider'), asked('Errors of our own', 'errors')],
        [
          graph('Webhooks that crashed or were throttled', [
            ...webhooks(({ category, webhook }) =>
              webhook.fn.metricErrors({ period, label: `${category.name} crashed` }),
            ),
            ...webhooks(({ category, webhook }) =>
              webhook.fn.metricThrottles({ period, label: `${category.name} throttled` }),
            ),
          ]),
          graph('Finisher', [
            finisher.durable.fn.metric('DurableExecutionStarted', { ...sum, label: 'tasks to finish' }),
            finisher.durable.fn.metric('DurableExecutionSucceeded', { ...sum, label: 'finished' }),
          ]),
          graph(
            'Dead letters',
            queues.map(({ name, queue }) => queue.metricApproximateNumberOfMessagesVisible({ period, label: name })),
          ),
        ],
      ],
    })
  }
}

function graph(title: string, left: IMetric[]): GraphWidget {
  return new GraphWidget({ title, left, width: 8, height: 6, leftYAxis: { min: 0 } })
}
