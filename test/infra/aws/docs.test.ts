import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from '@jest/globals'
import { awsPermissions } from '../../../infra/aws/aws-permissions.ts'
import { queries } from '../../../infra/aws/queries.ts'
import { readSettings } from '../../../infra/aws/settings.ts'
import { countPolls, idleCosts } from '../../../infra/cli/costs/month.ts'
import { PRICES } from '../../../infra/cli/costs/prices.ts'
import { preview } from '../../../infra/sandbox/keptn/preview.ts'
import { costTables } from '../../../infra/tools/docs/costs.ts'
import { metrics } from '../../../shared/metrics.ts'
import { categoryInfos } from './category-infos.ts'
import { flat, permissionsOf, root, synthesize, tenCategories } from './synthesize.ts'

/** The resources that cost something while nothing is called, and their price: of an alarm, that of each of its metrics. */
const IDLE_PRICES = {
  'AWS::CloudWatch::Alarm': PRICES.alarm.dollars,
  'AWS::CloudWatch::Dashboard': PRICES.dashboard.dollars,
  'AWS::SecretsManager::Secret': PRICES.secret.dollars,
}
const deploy = readFileSync(join(root, 'docs/deploy.md'), 'utf8')
const limits = readFileSync(join(root, 'docs/limits.md'), 'utf8')
const deployed = synthesize()

/** Counts the metrics of an alarm, without the expressions over them. */
function metricsIn(queries: { MetricStat?: object }[]): number {
  return queries.filter(({ MetricStat }) => MetricStat).length
}

/** Returns the cells of the first table after a line. */
function table(text: string, heading: string): string[][] {
  const [, after = ''] = text.split(`\n${heading}`)
  const [rows = ''] = /(?:^\|.*\n)+/m.exec(after) ?? []
  return rows
    .trim()
    .split('\n')
    .slice(2)
    .map((row) =>
      row
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim()),
    )
}

describe('docs/deploy.md', () => {
  it('lists every setting with its default', () => {
    const rows = table(deploy, '## Settings')
    const defaults = readSettings({}, ['slo'])
    const optional = [
      'deadline',
      'alarmEmail',
      'allowedCidrs',
      'vpc',
      'secretsKeyArn',
      'dataKeyArn',
      'awsProviders',
      'runbooks',
      'customDomain',
      'reservedConcurrency',
      'redeliver',
      'events',
      'policy',
      'orchestrators',
      'verify',
    ]
    expect(rows.map(([name]) => name?.replaceAll('`', '')).sort()).toEqual(
      [...Object.keys(defaults), ...optional].sort(),
    )
    const documented = Object.fromEntries(
      rows.map(([name = '', , value = '']) => [name, value].map((cell) => cell.replaceAll('`', ''))),
    )
    for (const name of [
      'stackName',
      'secretPrefix',
      'logRetentionDays',
      'logLevel',
      'waf',
      'wafRateLimit',
      'observability',
      'rollout',
      'auditEvents',
      'tracing',
      'apiGatewayLogRole',
      'terminationProtection',
    ] as const)
      expect(documented[name]).toBe(String(defaults[name]))
  })

  it('contains valid settings for the providers for AWS services', () => {
    const [, json = ''] = /## Providers for AWS services[\s\S]*?```json\n([\s\S]*?)```/.exec(deploy) ?? []
    const { webhooks } = JSON.parse(json).context
    expect(Object.keys(readSettings(webhooks, ['slo']).awsProviders ?? {})).toEqual([
      ...Object.keys(awsPermissions),
      'assumeRoles',
    ])
  })

  it('lists exactly the permissions of each function', () => {
    const rows = table(deploy, '## What each function may do')
    const columns = ['webhook', 'task', 'finisher']
    const functions = deployed.all('AWS::Lambda::Function')
    for (const [at, entry] of columns.entries()) {
      const fn = functions.find(({ Properties }) => Properties.Handler === `${entry}.handler`)
      if (!fn) throw new Error(`No function for ${entry}`)
      const documented = rows
        .filter((row) => row[at + 1] !== '')
        .flatMap(([actions = '']) => actions.replaceAll('`', '').split(', '))
      expect(documented.sort()).toEqual([...permissionsOf(deployed, fn).keys()].sort())
    }
  })

  it('has a webhook.yaml that Keptn accepts', () => {
    const [, yaml = ''] = /^```yaml\n(.*?)^```/ms.exec(deploy) ?? []
    const event = {
      id: 'e1',
      type: 'sh.keptn.event.openticket.triggered',
      shkeptncontext: 'c1',
      data: { project: 'demo', stage: 'production', service: 'shop' },
    }
    const shown = preview(yaml, event, { secret_webhooks_token: 'abc' })
    expect(shown).toEqual({
      results: [{ argv: expect.arrayContaining(['Authorization: Bearer abc']) }],
      warnings: [],
    })
  })

  it('has correct sums of costs', () => {
    for (const heading of ['One million **silent** calls', 'One million **interactive** calls']) {
      const costs = table(deploy, heading).map((row) => Number(row[3]?.replaceAll('*', '')))
      const total = costs.pop()
      expect(costs.reduce((sum, cost) => sum + Math.round(cost * 100), 0) / 100).toBe(total)
    }
    const months = table(deploy, 'Each month, regardless of calls').map((row) =>
      row.slice(1).map((cell) => Number(/[\d.]+$/.exec(cell.replaceAll('*', ''))?.[0] ?? 0)),
    )
    const totals = months.pop()
    expect(totals).toHaveLength(4)
    for (const [column, total] of totals?.entries() ?? [])
      expect(months.reduce((sum, row) => sum + Math.round((row[column] ?? 0) * 100), 0) / 100).toBe(total)
  })

  it('has the computed costs', () => {
    expect(deploy).toContain(costTables())
    const [, polls, operations] =
      table(deploy, 'One million calls, each with').find(([job]) => job === '20 minutes') ?? []
    const expected = countPolls({ seconds: 1_200 }, 2_400)
    expect([Number(polls), Number(operations)]).toEqual([expected, expected + 4])
  })

  it.each([
    [1, 'standard', false, 5.4],
    [1, 'minimal', false, 1.8],
    [10, 'standard', false, 11.3],
    [10, 'minimal', false, 4.1],
    [10, 'standard', true, 11.5],
    [10, 'minimal', true, 5.3],
  ] as const)(
    'has the costs of %d idle categories with %s; verified: %s',
    (count, observability, isVerified, dollars) => {
      const verified = isVerified ? ({ rollout: 'gradual', verify: { categories: ['slo'], minutes: 5 } } as const) : {}
      const all = count === 10 ? categoryInfos : tenCategories.slice(0, 1)
      const stack = synthesize({ observability, ...verified }, all)
      const countOf = (type: string) =>
        stack.properties(type).reduce((sum, { Metrics = [{ MetricStat: {} }] }) => sum + metricsIn(Metrics), 0)
      const idle = Object.entries(IDLE_PRICES).reduce((sum, [type, price]) => sum + countOf(type) * price, 0)
      expect(idle).toBeCloseTo(dollars, 5)
      // Not in the template.
      const others = ['Secrets Manager, yours', 'Scheduled verification']
      const computed = idleCosts({
        categories: count,
        connections: 0,
        hasApprovals: count === 10,
        observability,
        waf: false,
        tracing: false,
        memoryMb: { webhook: 256, task: 512 },
        rollout: isVerified ? 'gradual' : 'immediate',
        verify: isVerified ? { categories: 1, minutes: 5 } : undefined,
      })
      const ofTemplate = computed.filter(({ part }) => !others.includes(part))
      expect(ofTemplate.reduce((sum, part) => sum + part.dollars, 0)).toBeCloseTo(idle, 5)
    },
  )

  it('has the commands that a deployment prints', () => {
    for (const command of ['orchestrator add keptn', 'token create keptn --orchestrator keptn', 'webhooks doctor']) {
      expect(deploy).toContain(command)
      expect(JSON.stringify(deployed.template.toJSON()['Outputs'])).toContain(command)
    }
  })
})

describe('docs/operate.md', () => {
  const operate = readFileSync(join(root, 'docs/operate.md'), 'utf8')

  it('lists exactly the widgets of the dashboard', () => {
    const body = JSON.parse(flat(deployed.one('AWS::CloudWatch::Dashboard').Properties.DashboardBody))
    const titles: string[] = body.widgets.map(({ properties }: { properties: { title: string } }) =>
      properties.title.replace(/ \(.*\)$|, p\d+$/g, ''),
    )
    const named = table(operate, '## What to look at').flatMap(([names = '']) => names.split('; '))
    expect([...new Set(titles)].sort()).toEqual(named.sort())
  })

  it('lists exactly the metrics of the functions', () => {
    const named = table(operate, '## Metrics').map(([name, , dimensions, minimal]) => [name, dimensions, minimal])
    const own = Object.entries(metrics).map(([name, { dimensions, ...more }]) => [
      `\`${name}\``,
      dimensions.map((one) => `\`${one}\``).join(', ') || 'none',
      'hasAlarm' in more ? 'yes' : 'no',
    ])
    expect(named).toEqual(own)
  })

  it('explains each field of the queries', () => {
    const [, rest = ''] = operate.split('## What is in the logs')
    const [explained = ''] = rest.split('\n## Scaling')
    const own = ['@timestamp', '@message', '@log']
    const made = [
      ...Object.values(queries)
        .join(' ')
        .matchAll(/ as (\w+)/g),
    ].map(([, name]) => name)
    const words = Object.values(queries)
      .join('\n')
      .replace(/"[^"]*"|\/[^/\n]*\//g, '')
      .match(/@?[a-zA-Z]+(?:\.[a-zA-Z]+)?/g)
    const language =
      'filter ispresent stats count by sort desc asc in and or like max min earliest limit fields as'.split(' ')
    const fields = [...new Set(words)].filter((word) => ![...own, ...made, ...language].includes(word))
    expect(fields.length).toBeGreaterThan(10)
    expect(fields.filter((field) => !explained.includes(`\`${field}\``))).toEqual([])
  })

  it('contains a valid custom domain', () => {
    const [, json = ''] = /## Custom domain[\s\S]*?```json\n([\s\S]*?)```/.exec(operate) ?? []
    const { customDomain } = readSettings(JSON.parse(json).context.webhooks, ['slo'])
    expect(customDomain).toMatchObject({ name: 'webhooks.example.org', only: false })
  })
})

describe('docs/security.md', () => {
  const security = readFileSync(join(root, 'docs/security.md'), 'utf8')

  it.each([
    ['shared/core/silent/handler.ts', '= 24 * 3_600', 'outcome of a silent call', '24 hours'],
    ['shared/core/task/start-execution.ts', '= 14 * 86_400', 'name of an accepted task', '14 days'],
    ['shared/state/approvals.ts', '= 14 * 86_400', 'approval: its text', '14 days after its deadline'],
    ['shared/state/run-states.ts', '= 31 * 86_400', 'state of a run', '31 days'],
    ['infra/aws/durable-function.ts', 'RETENTION = Duration.days(14)', 'task: event', '14 days after its end'],
    ['infra/aws/durable-function.ts', 'retentionPeriod: Duration.days(14)', 'could not be started', '14 days'],
    ['infra/aws/settings.ts', '.default(90)', 'log lines', '`logRetentionDays`, defaults to 90'],
    ['shared/aws/deployment-secrets.ts', '= 300', 'secrets in use', '5 minutes'],
  ])('has the retention in %s: %s', (file, inCode, data, retention) => {
    expect(readFileSync(join(root, file), 'utf8')).toContain(inCode)
    const row = table(security, '## Stored data').find(([stored = '']) => stored.includes(data))
    expect(row?.[2]).toContain(retention)
  })
})

describe('docs/limits.md', () => {
  it('has the number of resources of ten categories', () => {
    const resourcesOf = (settings: object) =>
      Object.keys(synthesize(settings, categoryInfos).template.toJSON()['Resources']).length
    const minimal = resourcesOf({ observability: 'minimal' })
    const verified = resourcesOf({ rollout: 'gradual', verify: { categories: ['slo'] } })
    expect(limits).toContain(
      `ten categories use ${resourcesOf({})}, with \`minimal\` ${minimal}, with gradual rollouts and \`verify\` ${verified} |`,
    )
  })

  it.each([
    ['shared/core/webhook/body.ts', '256 * 1024', '256 KB'],
    ['shared/core/silent/handler.ts', '= 24_000', '24 s for the platform'],
    ['infra/aws/category-function.ts', 'Duration.seconds(28)', '28 s for the function'],
    ['shared/http/deadline.ts', '= 15_000', '15 s |'],
    ['shared/aws/service.ts', 'ATTEMPT_TIMEOUT_MS = 5_000', '5 s, 10 s with its retries'],
    ['shared/aws/service.ts', 'CALL_TIMEOUT_MS = 10_000', '5 s, 10 s with its retries'],
    ['shared/http/send.ts', '5 * 1024 * 1024', '5 MB, 200 levels of JSON'],
    ['shared/http/parse-body.ts', '= 200', '5 MB, 200 levels of JSON'],
    ['shared/core/silent/handler.ts', '= 24 * 3_600', 'recorded for 24 h'],
    ['shared/core/task/start-execution.ts', '= 14 * 86_400', 'known for 14 days'],
    ['shared/core/max-deadlines.ts', "(hasNeed(category, 'approvals') ? 30 : 7)", 'at most 7 days, or 30 days in'],
    ['shared/core/max-deadlines.ts', 'maxDeadlineOf(category) + DAY_SECONDS', '8 or 31 days'],
    ['infra/aws/alarm-declarations.ts', 'datapointsToAlarm: 3, evaluationPeriods: 12', 'three crashes within an hour'],
    ['shared/core/task/retry-start.ts', '= 2_000', '2,000 after'],
    ['shared/core/task/answer.ts', '= 300', '300, about a day'],
    ['infra/aws/finisher.ts', 'Duration.days(2)', '2 days in all'],
    ['shared/aws/deployment-secrets.ts', '= 300', '| cache | 5 minutes |'],
    ['shared/auth/authenticate.ts', '= 15_000', 'new token of a caller | 15 s'],
    ['shared/auth/callers.ts', 'z.maxLength(10)', 'tokens per caller | 10'],
    ['shared/orchestrators/keptn/reply.ts', '= 60_000', '60,000 bytes'],
    [
      'shared/orchestrators/dynatrace/dynatrace.ts',
      'MAX_WAIT_FOR_PAUSE_MS = 60 * 60_000',
      'for an hour after the end of',
    ],
    ['shared/orchestrators/dynatrace/messages.ts', 'MAX_INPUT_BYTES = 65_536', 'Dynatrace that continues | 64 KB'],
    ['shared/orchestrators/azure-devops/azure-devops.ts', '= 47 * 3_600', 'at most 47 h without'],
    ['shared/orchestrators/azure-devops/azure-devops.ts', 'MAX_UNAUTHORIZED_ATTEMPTS = 12', '12 with 401 or 403'],
  ])('has the value in %s: %s', (file, inCode, inText) => {
    expect(readFileSync(join(root, file), 'utf8')).toContain(inCode)
    expect(limits).toContain(inText)
  })
})
