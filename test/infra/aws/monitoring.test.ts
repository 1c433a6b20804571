import { describe, expect, it } from '@jest/globals'
import { queries } from '../../../infra/aws/queries.ts'
import { metrics } from '../../../shared/metrics.ts'
import { alertRules, flat, oneAtATime, synthesize, tenCategories, withApprovals } from './synthesize.ts'

const deployed = synthesize({}, withApprovals)
const functions = deployed.all('AWS::Lambda::Function')
const alarms = deployed.properties('AWS::CloudWatch::Alarm')

describe('the alarms', () => {
  it('cover each category, the finisher, the API and the quota', () => {
    const watched = new Map<string, number>()
    for (const { MetricName } of alarms) watched.set(MetricName, (watched.get(MetricName) ?? 0) + 1)
    expect(Object.fromEntries(watched)).toEqual({
      Errors: 21,
      Throttles: 10,
      DurableExecutionFailed: 11,
      DurableExecutionTimedOut: 11,
      ApproximateNumberOfMessagesVisible: 11,
      '5XXError': 1,
      ThrottledCalls: 1,
      SecretsInInput: 1,
      ApprovalsWaiting: 1,
      AnswersLost: 1,
      StopsInForce: 1,
      ApproximateRunningDurableExecutionsUtilization: 1,
    })
    const quota = alarms.find(({ MetricName }) => MetricName.endsWith('Utilization'))
    expect(quota).toMatchObject({ Threshold: 80, ComparisonOperator: 'GreaterThanThreshold' })
  })

  it('cover each metric of the functions that needs one', () => {
    const namesIn = (found: typeof alarms) =>
      found.flatMap(({ Namespace, MetricName }) => (Namespace === 'CloudAutomationWebhooks' ? [MetricName] : [])).sort()
    const withAlarm = Object.entries(metrics).flatMap(([name, metric]) => ('hasAlarm' in metric ? [name] : []))
    // The access log of the API counts these.
    const all = [...withAlarm, 'ThrottledCalls'].sort()
    expect(
      namesIn(
        synthesize({ policy: oneAtATime, events: alertRules }, withApprovals).properties('AWS::CloudWatch::Alarm'),
      ),
    ).toEqual(all)
    // Without turns and rules, there is nothing to watch.
    const conditional = ['TurnsExpired', 'RuleProblems', 'AlertTasksErrored']
    expect(namesIn(alarms)).toEqual(all.filter((name) => !conditional.includes(name)))
  })

  it('alarm for an approval that waits longer than the setting, if the deployment can ask for one', () => {
    const { properties } = synthesize({ approvalAlarm: 'PT4H' }, withApprovals)
    const [alarm] = properties('AWS::CloudWatch::Alarm').filter(({ MetricName }) => MetricName === 'ApprovalsWaiting')
    expect(alarm).toMatchObject({ Threshold: 0, Period: 300, Statistic: 'Sum', TreatMissingData: 'notBreaching' })
    expect(alarm.AlarmDescription).toContain('within 4 h')
    const limits = properties('AWS::Lambda::Function').flatMap(
      ({ Environment }) => Environment?.Variables?.WEBHOOKS_APPROVAL_ALARM ?? [],
    )
    expect(limits).toEqual(['PT4H'])
    const others = synthesize().properties('AWS::CloudWatch::Alarm')
    expect(others.map(({ MetricName }) => MetricName)).not.toContain('ApprovalsWaiting')
  })

  it('alarm when a task or the finisher crashes three times within an hour', () => {
    const durable = functions.filter(({ Properties }) => Properties.DurableConfig)
    const durableFunctions = new Set(durable.map(({ id }) => `<${id}>`))
    const crashes = alarms.filter(
      ({ MetricName, Dimensions }) => MetricName === 'Errors' && durableFunctions.has(flat(Dimensions[0].Value)),
    )
    expect(crashes).toHaveLength(11)
    for (const alarm of crashes)
      expect(alarm).toMatchObject({ Threshold: 0, Period: 300, DatapointsToAlarm: 3, EvaluationPeriods: 12 })
  })

  it('have a description with a runbook, and a topic that they may publish to', () => {
    const topic = deployed.one('AWS::SNS::Topic')
    for (const { AlarmDescription, AlarmActions } of alarms) {
      expect(AlarmDescription).toMatch(/^[A-Z].+\. What to do: docs\/runbooks\/[a-z-]+\.md$/)
      expect(AlarmActions.map(flat)).toEqual([`<${topic.id}>`])
    }
    const policy = deployed.one('AWS::SNS::TopicPolicy')
    expect(policy.Properties.PolicyDocument.Statement).toContainEqual(
      expect.objectContaining({ Effect: 'Allow', Principal: { Service: 'cloudwatch.amazonaws.com' } }),
    )
  })

  it('have no subscription by default', () => {
    expect(deployed.all('AWS::SNS::Subscription')).toEqual([])
  })
})

describe('the dashboard', () => {
  const body = JSON.parse(flat(deployed.one('AWS::CloudWatch::Dashboard').Properties.DashboardBody)) as {
    widgets: { x: number; y: number; width: number; height: number; properties: Widget }[]
  }
  interface Widget {
    title: string
    query?: string
    metrics?: unknown[][]
  }
  const widgets = new Map(body.widgets.map(({ properties }) => [properties.title, properties]))
  const metricsOf = (title: string) => JSON.stringify(widgets.get(title)?.metrics ?? [])

  it.each([
    ['Calls', '"Count"', '"4XXError"', '"5XXError"'],
    ['Response time', '"p50"', '"p99"'],
    ['Running tasks of the account', '"ApproximateRunningDurableExecutions"'],
    ['Tasks accepted', '"DurableExecutionStarted"'],
    ['Tasks finished', '"DurableExecutionSucceeded"'],
    ['Time from accepted to finished, p50', '"DurableExecutionDuration"', '"p50"'],
    ['Time from accepted to finished, p99', '"DurableExecutionDuration"', '"p99"'],
    ['Tasks ended by Lambda', '"DurableExecutionFailed"', '"DurableExecutionTimedOut"', '"DurableExecutionStopped"'],
    ['Calls by outcome', '{CloudAutomationWebhooks,outcome} MetricName='],
    ['Tasks by outcome', '{CloudAutomationWebhooks,outcome}'],
    ['Failures by provider', '{CloudAutomationWebhooks,provider,kind}'],
    ['Webhook crashes and throttles', '"Errors"', '"Throttles"'],
    ['Finisher', '"DurableExecutionStarted"', '"DurableExecutionSucceeded"'],
    ['Dead letters', '"ApproximateNumberOfMessagesVisible"', '"finisher"'],
  ])('shows %s', (title, ...parts) => {
    for (const part of parts) expect(metricsOf(title)).toContain(part)
  })

  it('shows every category', () => {
    for (const title of ['Calls by category', 'Tasks accepted', 'Tasks finished', 'Dead letters'])
      for (const { name } of tenCategories) expect(metricsOf(title)).toContain(`"label":"${name}"`)
  })

  it.each([
    ['Oldest open tasks (started in the time range)', 'oldest open tasks'],
    ['Internal errors', 'errors'],
  ] as const)('queries the logs of all functions for %s', (title, name) => {
    const { query = '' } = widgets.get(title) ?? {}
    expect(query.match(/SOURCE /g)).toHaveLength(functions.length)
    expect(query.endsWith(`| ${queries[name]}`)).toBe(true)
  })

  it('has no overlapping widgets and fits into 24 columns', () => {
    const cells = body.widgets.flatMap(({ x, y, width, height }) =>
      Array.from({ length: width * height }, (_, at) => `${x + (at % width)},${y + Math.floor(at / width)}`),
    )
    expect(new Set(cells).size).toBe(cells.length)
    expect(Math.max(...body.widgets.map(({ x, width }) => x + width))).toBe(24)
  })
})

it('the saved queries cover the logs of all functions, in a folder named like the stack', () => {
  const saved = deployed.properties('AWS::Logs::QueryDefinition')
  expect(Object.fromEntries(saved.map(({ Name, QueryString }) => [Name, QueryString]))).toEqual(
    Object.fromEntries(Object.entries(queries).map(([name, text]) => [`CloudAutomationWebhooks/${name}`, text])),
  )
  for (const { LogGroupNames } of saved)
    expect(new Set(LogGroupNames.map(flat))).toEqual(
      new Set(functions.map(({ Properties }) => flat(Properties.LoggingConfig.LogGroup))),
    )
})

describe('a deployment with all functions', () => {
  const { all, properties, one } = synthesize(
    {
      events: alertRules,
      mcp: true,
      rollout: 'gradual',
      redeliver: { orchestrators: ['github'], minutes: 15 },
      verify: { categories: ['notification'], minutes: 15 },
    },
    withApprovals,
  )

  it('has queries over the logs of each of them', () => {
    const logGroups = all('AWS::Lambda::Function').map(({ Properties }) => flat(Properties.LoggingConfig.LogGroup))
    for (const { LogGroupNames } of properties('AWS::Logs::QueryDefinition'))
      expect(LogGroupNames.map(flat).sort()).toEqual([...logGroups].sort())
  })

  it('shows each queue of dead letters on the dashboard', () => {
    const { widgets } = JSON.parse(flat(one('AWS::CloudWatch::Dashboard').Properties.DashboardBody)) as {
      widgets: { properties: { title: string; metrics?: unknown[][] } }[]
    }
    const graph = widgets.find(({ properties: { title } }) => title === 'Dead letters')
    const labels = graph?.properties.metrics?.map((metric) => JSON.stringify(metric.at(-1)))
    expect(labels).toHaveLength(12)
    expect(labels).toContainEqual(expect.stringContaining('"label":"alerts"'))
  })
})

// Lines of Lambda itself. test/nested/aws-runtime.test.ts has those of its runtime client.
it.each([
  '2026-11-30T10:00:00.000Z 8d1f Task timed out after 28.00 seconds',
  'RequestId: 8d1f Error: Runtime exited with error: signal: killed',
])('the saved query errors finds: %s', (line) => {
  const [, pattern = ''] = /@message like \/(.+)\/$/m.exec(queries.errors) ?? []
  expect(line).toMatch(new RegExp(pattern))
})
