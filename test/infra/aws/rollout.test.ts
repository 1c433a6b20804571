import { describe, expect, it } from '@jest/globals'
import {
  flat,
  functionOf,
  permissionsOf,
  type Resource,
  statementsOf,
  synthesize,
  tenCategories,
} from './synthesize.ts'

const deployed = synthesize()
const gradual = synthesize({ rollout: 'gradual' })
const verified = synthesize({ verify: { categories: ['slo', 'ci-cd'], minutes: 10 } })
const isWebhook = ({ Properties }: Resource) => Properties.Handler === 'webhook.handler'
const webhooks = deployed.all('AWS::Lambda::Function').filter(isWebhook)
const aliasOf = (stack: typeof deployed, fn: Resource) =>
  stack.all('AWS::Lambda::Alias').find(({ Properties }) => flat(Properties.FunctionName) === `<${fn.id}>`)
const verifyIn = (stack: typeof deployed) =>
  stack.all('AWS::Lambda::Function').filter(({ Properties }) => Properties.Handler === 'verify.handler')

describe('each webhook', () => {
  it('has the alias live on a version of its own, which later deployments keep', () => {
    for (const fn of webhooks) {
      const [, version] = /^<(\w+)\.Version>$/.exec(flat(aliasOf(deployed, fn)?.Properties.FunctionVersion)) ?? []
      const published = deployed.all('AWS::Lambda::Version').find(({ id }) => id === version)
      expect(flat(published?.Properties.FunctionName)).toBe(`<${fn.id}>`)
      expect(published?.DeletionPolicy).toBe('Retain')
    }
  })

  it('is invoked by API Gateway through the alias only, which alone allows it', () => {
    // The function for agents has no versions.
    const agents = `<${functionOf(deployed, 'mcp', 'all').id}.Arn>`
    const aliases = [...webhooks.map((fn) => `<${aliasOf(deployed, fn)?.id}>`), agents]
    const invoked = deployed.properties('AWS::ApiGateway::Method').map(({ Integration }) => flat(Integration.Uri))
    expect(invoked.map((uri) => /functions\/(\S+)\/invocations$/.exec(uri)?.[1])).toEqual(aliases)
    const permissions = deployed.properties('AWS::Lambda::Permission')
    const ofApi = permissions.filter(({ Principal }) => Principal === 'apigateway.amazonaws.com')
    expect(ofApi.map(({ FunctionName }) => flat(FunctionName))).toEqual(aliases)
  })

  it('gets all calls on its new version at once by default', () => {
    for (const fn of webhooks) expect(aliasOf(deployed, fn)).not.toHaveProperty('UpdatePolicy')
    for (const type of ['Application', 'DeploymentGroup']) expect(deployed.all(`AWS::CodeDeploy::${type}`)).toEqual([])
    expect(verifyIn(deployed)).toEqual([])
  })
})

describe('rollout: gradual', () => {
  const groups = gradual.all('AWS::CodeDeploy::DeploymentGroup')

  it('moves the alias for agents after the calls of all others', () => {
    const ofAgents = gradual.all('AWS::Lambda::Alias').filter(({ Properties }) => Properties.Name === 'http')
    expect(ofAgents).toHaveLength(webhooks.length)
    for (const { DependsOn } of ofAgents) expect(DependsOn).toContainEqual(expect.stringMatching(/WebhookLive/))
  })

  const application = gradual.one('AWS::CodeDeploy::Application').id
  const [hook, ...others] = verifyIn(gradual)
  if (!hook) throw new Error('no hook')

  it('shifts a tenth of the calls of each webhook for five minutes, in one application', () => {
    expect(gradual.one('AWS::CodeDeploy::Application').Properties).toEqual({ ComputePlatform: 'Lambda' })
    expect(groups.map(({ Properties }) => Properties.DeploymentGroupName)).toEqual(
      tenCategories.map(({ name }) => name),
    )
    for (const { Properties } of groups) {
      expect(flat(Properties.ApplicationName)).toBe(`<${application}>`)
      expect(Properties).toMatchObject({
        DeploymentConfigName: 'CodeDeployDefault.LambdaCanary10Percent5Minutes',
        DeploymentStyle: { DeploymentOption: 'WITH_TRAFFIC_CONTROL', DeploymentType: 'BLUE_GREEN' },
      })
    }
  })

  it('rolls back a deployment that fails or is stopped, and one during which the webhook crashes', () => {
    for (const { Properties } of groups) {
      expect(Properties.AutoRollbackConfiguration).toEqual({
        Enabled: true,
        Events: ['DEPLOYMENT_FAILURE', 'DEPLOYMENT_STOP_ON_REQUEST', 'DEPLOYMENT_STOP_ON_ALARM'],
      })
      expect(Properties.AlarmConfiguration).toMatchObject({ Enabled: true, Alarms: [expect.anything()] })
      const [{ Name }] = Properties.AlarmConfiguration.Alarms
      const alarm = gradual.all('AWS::CloudWatch::Alarm').find(({ id }) => flat(Name) === `<${id}>`)
      expect(alarm?.Properties).toMatchObject({ MetricName: 'Errors', Threshold: 0 })
      const watched = flat(alarm?.Properties.Dimensions[0].Value)
      const category = Properties.DeploymentGroupName.replaceAll('-', '')
      expect(watched.toLowerCase()).toMatch(new RegExp(`^<${category}webhookfunction`))
    }
  })

  it('has these alarms with observability: minimal, too', () => {
    const minimal = synthesize({ rollout: 'gradual', observability: 'minimal' })
    const errors = minimal.all('AWS::CloudWatch::Alarm').filter(({ id }) => /WebhookErrors[0-9A-F]{8}$/.test(id))
    expect(errors).toHaveLength(tenCategories.length)
  })

  it('lets the alias of each webhook use its group, and the hook before calls shift', () => {
    expect(others).toEqual([])
    for (const fn of gradual.all('AWS::Lambda::Function').filter(isWebhook)) {
      const { UpdatePolicy, DependsOn } = aliasOf(gradual, fn) as Resource & {
        UpdatePolicy: object
        DependsOn: string[]
      }
      const group = groups.find(({ id }) => id.startsWith(`Rollout${fn.id.split('Webhook')[0]}`))
      expect(UpdatePolicy).toEqual({
        CodeDeployLambdaAliasUpdate: {
          ApplicationName: { Ref: application },
          DeploymentGroupName: { Ref: group?.id },
          BeforeAllowTrafficHook: { Ref: hook.id },
        },
      })
      // CodeDeploy needs its permissions for the update.
      expect(DependsOn.some((id) => id.startsWith('RolloutRoleDefaultPolicy'))).toBe(true)
    }
  })

  it('passes the new version of each webhook to the hook', () => {
    const versions = JSON.parse(flat(hook.Properties.Environment.Variables.WEBHOOKS_NEW_VERSIONS))
    expect(Object.keys(versions)).toEqual(tenCategories.map(({ name }) => name))
    for (const fn of gradual.all('AWS::Lambda::Function').filter(isWebhook)) {
      const version = flat(aliasOf(gradual, fn)?.Properties.FunctionVersion)
      expect(Object.values(versions)).toContain(`<${fn.id}>:${version}`)
    }
  })

  it('lets the hook read its token, invoke versions of webhooks and report to the groups, and nothing else', () => {
    const statements = permissionsOf(gradual, hook)
    expect([...statements.keys()].filter((action) => !action.startsWith('logs:')).sort()).toEqual([
      'codedeploy:GetDeployment',
      'codedeploy:PutLifecycleEventHookExecutionStatus',
      'lambda:InvokeFunction',
      'secretsmanager:GetSecretValue',
    ])
    expect(statements.get('secretsmanager:GetSecretValue')).toEqual([
      expect.stringMatching(/:secret:cloud-automation-webhooks\/verify-\?{6}$/),
    ])
    expect(statements.get('lambda:InvokeFunction')?.sort()).toEqual(webhooks.map(({ id }) => `<${id}.Arn>:*`).sort())
    for (const action of ['GetDeployment', 'PutLifecycleEventHookExecutionStatus'])
      expect(
        statements
          .get(`codedeploy:${action}`)
          ?.map((arn) => arn.split(':').at(-1))
          .sort(),
      ).toEqual(groups.map(({ id }) => `<${application}>/<${id}>`).sort())
  })

  it('lets CodeDeploy change the aliases of the webhooks and invoke the hook, without a managed policy', () => {
    const [role, ...more] = gradual
      .all('AWS::IAM::Role')
      .filter(({ Properties }) => JSON.stringify(Properties.AssumeRolePolicyDocument).includes('codedeploy'))
    expect(more).toEqual([])
    expect(role?.Properties.ManagedPolicyArns).toBeUndefined()
    for (const { Properties } of groups) expect(flat(Properties.ServiceRoleArn)).toBe(`<${role?.id}.Arn>`)
    const attached = { Properties: { Role: { 'Fn::GetAtt': [role?.id] } } } as unknown as Resource
    const allowed = statementsOf(gradual, attached).map(({ Action, Resource }) => [
      Action,
      [Resource].flat().map(flat).sort(),
    ])
    expect(allowed).toEqual([
      [
        ['lambda:GetAlias', 'lambda:GetProvisionedConcurrencyConfig', 'lambda:UpdateAlias'],
        webhooks.flatMap(({ id }) => [`<${id}.Arn>`, `<${id}.Arn>:live`]).sort(),
      ],
      ['lambda:InvokeFunction', [`<${hook.id}.Arn>`]],
      ['cloudwatch:DescribeAlarms', ['*']],
    ])
  })

  it('stays below the limit of CloudFormation with ten categories', () => {
    expect(Object.keys(gradual.template.toJSON()['Resources']).length).toBeLessThan(375)
  })
})

describe('verify', () => {
  const [fn, ...others] = verifyIn(verified)
  if (!fn) throw new Error('no function')

  it('calls the categories through the public URL on a schedule, and does not repeat a run', () => {
    expect(others).toEqual([])
    const { WEBHOOKS_URL, WEBHOOKS_VERIFY } = fn.Properties.Environment.Variables
    expect([flat(WEBHOOKS_URL), WEBHOOKS_VERIFY]).toEqual([
      expect.stringMatching(/^https:\/\/<ApiRest\w+>\.execute-api\.<AWS::Region>\.<AWS::URLSuffix>$/),
      'slo,ci-cd',
    ])
    const rule = verified
      .properties('AWS::Events::Rule')
      .find(({ Description }) => Description === 'Verification of the deployment')
    expect(rule).toMatchObject({ ScheduleExpression: 'rate(10 minutes)', State: 'ENABLED' })
    expect(flat(rule.Targets[0].Arn)).toBe(`<${fn.id}.Arn>`)
    expect(verified.one('AWS::Lambda::EventInvokeConfig').Properties).toMatchObject({ MaximumRetryAttempts: 0 })
  })

  it('may only read its token', () => {
    const statements = permissionsOf(verified, fn)
    expect([...statements.keys()].filter((action) => !action.startsWith('logs:'))).toEqual([
      'secretsmanager:GetSecretValue',
    ])
    expect(statements.get('secretsmanager:GetSecretValue')).toEqual([
      expect.stringMatching(/:secret:cloud-automation-webhooks\/verify-\?{6}$/),
    ])
  })

  it.each(['standard', 'minimal'])('has an alarm for two runs without success, or without a run (%s)', (level) => {
    const stack = synthesize({ verify: { categories: ['slo'], minutes: 10 }, observability: level })
    const alarm = stack.all('AWS::CloudWatch::Alarm').find(({ id }) => id.startsWith('AlarmsVerifyFailed'))
    expect(alarm?.Properties).toMatchObject({
      ComparisonOperator: 'LessThanThreshold',
      Threshold: 1,
      EvaluationPeriods: 2,
      TreatMissingData: 'breaching',
    })
    const [passes, ...counted] = alarm?.Properties.Metrics ?? []
    expect(passes).toMatchObject({ Expression: 'FILL(runs, 0) - FILL(failures, 0)', ReturnData: true })
    expect(
      counted.map(({ Id, MetricStat: { Metric, Period, Stat } }: Resource['Properties']) => [
        Id,
        Metric.MetricName,
        Period,
        Stat,
        flat(Metric.Dimensions[0].Value),
      ]),
    ).toEqual([
      ['runs', 'Invocations', 600, 'Sum', `<${verifyIn(stack)[0]?.id}>`],
      ['failures', 'Errors', 600, 'Sum', `<${verifyIn(stack)[0]?.id}>`],
    ])
  })
})
