import { describe, expect, it } from '@jest/globals'
import { App } from 'aws-cdk-lib/core'
import { readSettings, SettingsError } from '../../../infra/aws/settings.ts'
import { WebhooksStack } from '../../../infra/aws/stack.ts'
import { categoryInfos as categories } from './category-infos.ts'
import { flat, type Resource, synthesize, tenCategories } from './synthesize.ts'

const deployed = synthesize()
const functions = deployed.all('AWS::Lambda::Function')
const durable = functions.filter(({ Properties }) => Properties.DurableConfig)
const tasks = durable.filter(({ Properties }) => Properties.Handler === 'task.handler')
const webhooks = functions.filter(({ Properties }) => Properties.Handler === 'webhook.handler')
const [finisher] = durable.filter(({ Properties }) => Properties.Handler === 'finisher.handler')
const api = deployed.one('AWS::ApiGateway::RestApi')
const outputs = deployed.template.toJSON()['Outputs'] as Record<string, { Value: unknown }>

/** Returns the length of the pattern of a rule with the longest ARNs that AWS generates. */
function lengthOf({ EventPattern: { detail, ...pattern } }: Resource['Properties']): number {
  const arn = `arn:aws:lambda:ap-southeast-1:123456789012:function:${'f'.repeat(64)}`
  const functionArn = prefixesOf(detail).map((prefix) => ({ prefix: prefix.replace(/<\w+\.Arn>/g, arn) }))
  return JSON.stringify({ ...pattern, detail: { ...detail, functionArn } }).length
}

const prefixesOf = (detail: { functionArn: { prefix: unknown }[] }) =>
  detail.functionArn.map(({ prefix }) => flat(prefix))

describe('every function', () => {
  it('runs on arm64 with nodejs24.x, and gets the secret prefix, the log level and the namespace of metrics', () => {
    expect(functions).toHaveLength(24)
    const Variables = {
      WEBHOOKS_SECRET_PREFIX: 'cloud-automation-webhooks',
      WEBHOOKS_LOG_LEVEL: 'INFO',
      WEBHOOKS_METRICS_NAMESPACE: 'CloudAutomationWebhooks',
      WEBHOOKS_USAGE_METRICS: 'true',
    }
    const shared = { Architectures: ['arm64'], Runtime: 'nodejs24.x', Environment: { Variables } }
    for (const { Properties } of functions) expect(Properties).toMatchObject(shared)
    // Webhooks have the size with the lowest cost per call: see docs/bench.md.
    const sizes = (found: typeof functions) => new Set(found.map(({ Properties }) => Properties.MemorySize))
    expect([sizes(webhooks), sizes(durable)]).toEqual([new Set([256]), new Set([512])])
  })

  it('has no fixed name, so that it can be replaced', () => {
    expect(functions.filter(({ Properties }) => Properties.FunctionName !== undefined)).toEqual([])
  })

  it('has its own log group with the configured retention', () => {
    const groups = deployed.all('AWS::Logs::LogGroup')
    const used = functions.map(({ Properties }) => flat(Properties.LoggingConfig.LogGroup))
    expect(new Set(used).size).toBe(functions.length)
    expect(groups.map(({ Properties }) => Properties.RetentionInDays)).toEqual(Array(functions.length + 1).fill(90))
  })

  it('has its own role without managed policies', () => {
    expect(new Set(functions.map(({ Properties }) => flat(Properties.Role))).size).toBe(functions.length)
    const managed = deployed.all('AWS::IAM::Role').filter(({ Properties }) => Properties.ManagedPolicyArns)
    expect(managed.map(({ id }) => id)).toEqual([expect.stringContaining('CloudWatchRole')])
  })
})

describe('a webhook', () => {
  it('times out before API Gateway does', () => {
    expect(webhooks).toHaveLength(10)
    for (const { Properties } of webhooks) expect(Properties.Timeout).toBe(28)
  })

  it('gets the alias of its own task and the table', () => {
    const table = deployed.one('AWS::DynamoDB::Table')
    for (const { id, Properties } of webhooks) {
      const { WEBHOOKS_TASK_FUNCTION, WEBHOOKS_STATE_TABLE } = Properties.Environment.Variables
      expect(flat(WEBHOOKS_TASK_FUNCTION)).toMatch(new RegExp(`^<${id.split('Webhook')[0]}TaskLive`))
      expect(flat(WEBHOOKS_STATE_TABLE)).toBe(`<${table.id}>`)
    }
  })

  it('can be invoked only by API Gateway, on its own paths', () => {
    const permissions = deployed.properties('AWS::Lambda::Permission')
    const ofApi = permissions.filter(({ Principal }) => Principal === 'apigateway.amazonaws.com')
    const paths = tenCategories.map(({ name }) => `${name}/*`)
    expect(ofApi.map(({ SourceArn }) => flat(SourceArn).split('/*/')[1])).toEqual([...paths, 'mcp'])
  })
})

describe('a durable function', () => {
  it('runs for at most a day longer than the maximum deadline, and is retained for two weeks', () => {
    expect(tasks).toHaveLength(10)
    for (const { Properties } of tasks)
      expect(Properties).toMatchObject({
        Timeout: 300,
        DurableConfig: { ExecutionTimeout: 8 * 86_400, RetentionPeriodInDays: 14 },
      })
    const all = synthesize({}, categories).properties('AWS::Lambda::Function')
    const days = all
      .filter(({ Handler }) => Handler === 'task.handler')
      .map(({ DurableConfig }) => DurableConfig.ExecutionTimeout / 86_400)
    // Notification has approvals.
    expect(days).toEqual(categories.map(({ name }) => (name === 'notification' ? 31 : 8)))
    expect(finisher?.Properties.DurableConfig).toEqual({ ExecutionTimeout: 2 * 86_400, RetentionPeriodInDays: 14 })
  })

  it('has the alias live and retains old versions, as each webhook does', () => {
    const versions = deployed.all('AWS::Lambda::Version')
    const published = functions.filter(
      ({ Properties }) => !['mcp.handler', 'policy.handler', 'stops.handler'].includes(Properties.Handler),
    )
    expect(versions).toHaveLength(published.length)
    for (const version of versions)
      expect(version).toMatchObject({ DeletionPolicy: 'Retain', UpdateReplacePolicy: 'Retain' })
    const aliases = deployed.properties('AWS::Lambda::Alias').filter(({ Name }) => Name === 'live')
    expect(aliases.map(({ Name, FunctionName }) => [Name, flat(FunctionName)])).toEqual(
      published.map(({ id }) => ['live', `<${id}>`]),
    )
  })

  it('has its own dead-letter queue', () => {
    const queues = durable.map(({ Properties }) => flat(Properties.DeadLetterConfig.TargetArn))
    expect(new Set(queues).size).toBe(11)
    for (const properties of deployed.properties('AWS::SQS::Queue'))
      expect(properties).toMatchObject({ MessageRetentionPeriod: 14 * 86_400, SqsManagedSseEnabled: true })
  })
})

describe('the finisher', () => {
  const rulesIn = (stack: typeof deployed) =>
    stack.all('AWS::Events::Rule').filter(({ Properties }) => Properties.EventPattern !== undefined)
  const [rule, ...otherRules] = rulesIn(deployed)
  if (!rule || otherRules.length > 0) throw new Error('Expected exactly one rule for the finisher')

  it('starts for each task that Lambda failed, timed out or stopped, but never for itself, within the EventBridge limit', () => {
    const { detail, ...pattern } = rule.Properties.EventPattern
    expect(pattern).toEqual({ source: ['aws.lambda'], 'detail-type': ['Durable Execution Status Change'] })
    expect(detail.status).toEqual(['FAILED', 'TIMED_OUT', 'STOPPED'])
    expect(prefixesOf(detail)).toEqual(tasks.map(({ id }) => `<${id}.Arn>`))
    expect(lengthOf(rule.Properties)).toBeLessThan(2048)
  })

  it('uses several rules within the EventBridge limit for many categories', () => {
    const many = Array.from({ length: 15 }, (_, at) => ({
      ...(tenCategories[0] as (typeof tenCategories)[number]),
      name: `incident-management-${String.fromCharCode(97 + at)}`,
    }))
    const stack = synthesize({}, many)
    const rules = rulesIn(stack).map(({ Properties }) => Properties)
    const all = stack.all('AWS::Lambda::Function').filter(({ Properties }) => Properties.Handler === 'task.handler')
    const prefixes = rules.flatMap(({ EventPattern }) => prefixesOf(EventPattern.detail))
    expect(prefixes.sort()).toEqual(all.map(({ id }) => `<${id}.Arn>`).sort())
    for (const found of rules) {
      expect(lengthOf(found)).toBeLessThan(2048)
      expect(flat(found.Targets[0].Arn)).toMatch(/^<FinisherLive/)
    }
  })

  it('is retried for a day; then the event goes to its dead-letter queue', () => {
    const [target] = rule.Properties.Targets
    expect(flat(target.Arn)).toMatch(/^<FinisherLive/)
    expect(target.RetryPolicy).toEqual({ MaximumEventAgeInSeconds: 86_400, MaximumRetryAttempts: 185 })
    expect(flat(target.DeadLetterConfig.Arn)).toBe(flat(finisher?.Properties.DeadLetterConfig.TargetArn))
  })
})

it('the state table has the key id, expires items and is billed per request', () => {
  deployed.template.hasResourceProperties('AWS::DynamoDB::Table', {
    KeySchema: [{ AttributeName: 'id', KeyType: 'HASH' }],
    AttributeDefinitions: [{ AttributeName: 'id', AttributeType: 'S' }],
    TimeToLiveSpecification: { AttributeName: 'expiration', Enabled: true },
    BillingMode: 'PAY_PER_REQUEST',
    PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
  })
})

describe('the stack', () => {
  it('stays below the limits of CloudFormation with ten categories', () => {
    const { Resources } = deployed.template.toJSON()
    expect(Object.keys(Resources).length).toBeLessThan(350)
    expect(JSON.stringify(deployed.template.toJSON()).length).toBeLessThan(500_000)
  })

  it('outputs the URLs and the next commands', () => {
    expect(Object.keys(outputs)).toEqual([
      'ApiUrl',
      ...['ChaosTesting', 'CiCd', 'Optimization', 'FeatureFlags', 'IncidentManagement', 'IssueTicketing'].map(
        (name) => `${name}Url`,
      ),
      ...['LoadTesting', 'Notification', 'Slo', 'Remediation'].map((name) => `${name}Url`),
      'AlarmTopic',
      'NextSteps',
    ])
    expect(flat(outputs['CiCdUrl']?.Value)).toBe(
      `https://<${api.id}>.execute-api.<AWS::Region>.<AWS::URLSuffix>/v1/ci-cd`,
    )
    const steps = flat(outputs['NextSteps']?.Value)
    expect(steps).toMatch(
      /export AWS_REGION=<AWS::Region> WEBHOOKS_SECRET_PREFIX=cloud-automation-webhooks WEBHOOKS_URL=https:\S+/,
    )
    for (const command of ['orchestrator add keptn', 'connect chaos-testing/default', 'token create keptn', 'doctor'])
      expect(steps).toContain(`npx webhooks ${command}`)
    expect(steps).toContain('send chaos-testing/do-it --token "$TOKEN" --dry-run')
    expect(steps).toContain('config chaos-testing/do-it --mode interactive')
  })

  it('reports a missing bundle', () => {
    const build = () =>
      new WebhooksStack(new App(), 'Webhooks', {
        settings: readSettings({}, ['slo']),
        categories: tenCategories.filter(({ name }) => name === 'slo'),
        bundles: '/nowhere',
      })
    expect(build).toThrow(SettingsError)
    expect(build).toThrow('The bundle /nowhere/policy/policy.js does not exist. Run npm run build first.')
  })
})

describe('deleting the stack', () => {
  it('removes what a running task needs before its function, so docs/operate.md requires that tasks have ended', () => {
    for (const { id } of tasks) {
      const dependent = ['Events::Rule', 'IAM::ManagedPolicy', 'Lambda::Function', 'Lambda::Alias']
        .flatMap((type) => deployed.all(`AWS::${type}`))
        .filter(({ Properties }) => JSON.stringify(Properties).includes(`"${id}"`))
      const names = dependent.map((resource) => resource.id).join(' ')
      const category = id.replace(/TaskFunction.*/, '')
      for (const name of ['FinisherEnded', `${category}TaskOwnExecutions`, `${category}TaskLive`])
        expect(names).toContain(name)
    }
  })

  it('retains only shared resources of the account and published versions', () => {
    const resources = Object.values<Resource>(deployed.template.toJSON()['Resources'])
    const retained = resources.filter(({ DeletionPolicy = 'Delete' }) => DeletionPolicy !== 'Delete')
    const types = ['AWS::ApiGateway::Account', 'AWS::IAM::Role', 'AWS::Lambda::Version']
    expect([...new Set(retained.map(({ Type }) => Type))].sort()).toEqual(types)
  })
})

it.each(['identity', 'callbacks'])('the stack generates the key of %s and deletes it with the stack', (name) => {
  const secrets = deployed.all('AWS::SecretsManager::Secret')
  const secret = secrets.find(({ Properties }) => Properties.Name === `cloud-automation-webhooks/${name}`)
  expect(secret?.Properties.GenerateSecretString).toMatchObject({ GenerateStringKey: 'key', PasswordLength: 64 })
  expect(secret?.DeletionPolicy).toBe('Delete')
})
