import type { RestApi } from 'aws-cdk-lib/aws-apigateway'
import {
  AlarmStatusWidget,
  Dashboard as CloudWatchDashboard,
  GraphWidget,
  type IMetric,
  Stats,
} from 'aws-cdk-lib/aws-cloudwatch'
import { Duration } from 'aws-cdk-lib/core'
import { Construct } from 'constructs'
import type { Alarms } from './alarms.ts'
import type { CategoryFunction } from './category-function.ts'
import type { Finisher } from './finisher.ts'

const period = Duration.minutes(5)
const sum = { statistic: Stats.SUM, period }

export interface DashboardProps {
  api: RestApi
  categories: CategoryFunction[]
  finisher: Finisher
  alarms: Alarms
}

/** All of the deployment on one page: calls in, tasks, what went wrong. */
export class Dashboard extends Construct {
  constructor(scope: Construct, id: string, { api, categories, finisher, alarms }: DashboardProps) {
    super(scope, id)
    const stage = api.deploymentStage
    const webhooks = (metric: (category: CategoryFunction) => IMetric) => categories.map(metric)
    const tasks = (name: string, what = '') =>
      categories.map(({ category, task }) =>
        task.fn.metric(name, { ...sum, label: [category.name, what].filter(Boolean).join(' ') }),
      )
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
          graph('Tasks accepted', tasks('DurableExecutionStarted')),
          graph('Tasks finished', tasks('DurableExecutionSucceeded')),
          graph('Tasks ended by Lambda', [
            ...tasks('DurableExecutionFailed', 'failed'),
            ...tasks('DurableExecutionTimedOut', 'timed out'),
            ...tasks('DurableExecutionStopped', 'stopped'),
          ]),
        ],
        [
          graph(
            'Time from accepted to finished',
            categories.map(({ category, task }) =>
              task.fn.metric('DurableExecutionDuration', { statistic: Stats.p(90), period, label: category.name }),
            ),
          ),
          graph('Webhooks that crashed or were throttled', [
            ...webhooks(({ category, webhook }) =>
              webhook.fn.metricErrors({ period, label: `${category.name} crashed` }),
            ),
            ...webhooks(({ category, webhook }) =>
              webhook.fn.metricThrottles({ period, label: `${category.name} throttled` }),
            ),
          ]),
          graph('Finisher and dead letters', [
            finisher.durable.fn.metric('DurableExecutionStarted', { ...sum, label: 'tasks to finish' }),
            finisher.durable.fn.metric('DurableExecutionSucceeded', { ...sum, label: 'finished' }),
            ...[...categories.map(({ deadLetters }) => deadLetters), finisher.deadLetters].map((queue) =>
              queue.metricApproximateNumberOfMessagesVisible({ period }),
            ),
          ]),
        ],
      ],
    })
  }
}

function graph(title: string, left: IMetric[]): GraphWidget {
  return new GraphWidget({ title, left, width: 8, height: 6, leftYAxis: { min: 0 } })
}
