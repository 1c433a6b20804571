import { describe, expect, it } from '@jest/globals'
import { build, flat, permissionsOf, type Resource, type Synthesized, synthesize, tenCategories } from './synthesize.ts'

it('a disabled category has no resources', () => {
  const categories = Object.fromEntries(tenCategories.map(({ name }) => [name, name === 'slo']))
  const { template, all } = synthesize({ categories })
  expect(all('AWS::Lambda::Function')).toHaveLength(6)
  expect(JSON.stringify(template.toJSON())).not.toMatch(/issue-ticketing|IssueTicketing/)
})

describe('a setting', () => {
  const slo = tenCategories.filter(({ name }) => name === 'slo')
  const unchanged = synthesize({}, slo)
  const isSchedule = ({ Properties }: Resource) => Properties.Description === 'Failed deliveries of GitHub'
  const changed = (settings: object) => synthesize(settings, slo)

  it('memory sets the memory of the functions', () => {
    expect(byHandler(changed({ memory: { webhook: 320, task: 1024 } }), 'MemorySize')).toEqual({
      'task.handler': 1024,
      'webhook.handler': 320,
      'mcp.handler': 320,
      'policy.handler': 320,
      'stops.handler': 1024,
      'finisher.handler': 1024,
    })
  })

  it('deadline, secretPrefix and logLevel become environment variables', () => {
    const found = changed({ deadline: 'PT2H', secretPrefix: 'acme/hooks', logLevel: 'DEBUG' })
    const variables = { WEBHOOKS_SECRET_PREFIX: 'acme/hooks', WEBHOOKS_LOG_LEVEL: 'DEBUG', WEBHOOKS_DEADLINE: 'PT2H' }
    expect(byHandler(found, 'Environment')['webhook.handler'].Variables).toMatchObject(variables)
    expect(JSON.stringify(found.template.toJSON())).not.toContain('secret:cloud-automation-webhooks')
  })

  it('logRetentionDays applies to all logs', () => {
    const groups = changed({ logRetentionDays: 7 }).all('AWS::Logs::LogGroup')
    expect(groups.map(({ Properties }) => Properties.RetentionInDays)).toEqual([7, 7, 7, 7, 7, 7, 7])
  })

  it('throttle applies to the stage', () => {
    const stage = changed({ throttle: { rate: 5, burst: 6 } }).one('AWS::ApiGateway::Stage')
    expect(stage.Properties.MethodSettings).toEqual([
      expect.objectContaining({ ThrottlingRateLimit: 5, ThrottlingBurstLimit: 6 }),
    ])
  })

  it('tracing enables X-Ray for the API and the functions', () => {
    const { all, one } = changed({ tracing: true })
    expect(one('AWS::ApiGateway::Stage').Properties.TracingEnabled).toBe(true)
    for (const { Properties } of all('AWS::Lambda::Function'))
      expect(Properties).toMatchObject({
        TracingConfig: { Mode: 'Active' },
        Environment: { Variables: { WEBHOOKS_TRACING: 'true' } },
      })
  })

  it('auditEvents lets webhooks, tasks, the finisher and the function of stops send only their own events to the default bus', () => {
    const { all } = changed({ auditEvents: true, stackName: 'Acme' })
    const functions = all('AWS::Lambda::Function').map(({ id, Properties }) => ({
      kind: /Webhook|Task|Finisher|Stops/.exec(id)?.[0],
      source: Properties.Environment?.Variables.WEBHOOKS_AUDIT_EVENTS,
    }))
    for (const { kind, source } of functions) expect(source).toBe(kind === undefined ? undefined : 'Acme')
    const statements = all('AWS::IAM::Policy')
      .flatMap(({ Properties }) => Properties.PolicyDocument.Statement)
      .filter(({ Action }) => Action === 'events:PutEvents')
    expect(statements).toHaveLength(functions.filter(({ kind }) => kind !== undefined).length)
    for (const { Resource, Condition } of statements) {
      expect(JSON.stringify(Resource)).toMatch(/:event-bus\/default"/)
      expect(Condition).toEqual({
        StringEquals: { 'events:source': 'Acme', 'events:detail-type': 'Action ended' },
      })
    }
    expect(JSON.stringify(changed({}).template.toJSON())).not.toMatch(/AUDIT_EVENTS|events:PutEvents/)
  })

  it('alarmEmail subscribes to the topic', () => {
    changed({ alarmEmail: 'ops@example.org' }).template.hasResourceProperties('AWS::SNS::Subscription', {
      Protocol: 'email',
      Endpoint: 'ops@example.org',
    })
  })

  it('orchestrators limits the secrets of orchestrators that the functions of a category read', () => {
    const two = tenCategories.filter(({ name }) => name === 'slo' || name === 'ci-cd')
    const orchestrators = { keptn: ['*'], checks: ['slo'], gates: ['ci-cd'] }
    const found = synthesize({ orchestrators }, two)
    const readable = (description: string) => {
      const fn = found.all('AWS::Lambda::Function').find(({ Properties }) => Properties.Description === description)
      if (!fn) throw new Error(`There is no function "${description}".`)
      const secrets = permissionsOf(found, fn).get('secretsmanager:GetSecretValue') ?? []
      return secrets.flatMap((arn) => /orchestrators\/(.+)$/.exec(arn)?.[1] ?? []).sort()
    }
    for (const kind of ['the webhook', 'interactive calls']) {
      expect(readable(`Handles slo: ${kind}`)).toEqual(['checks-??????', 'keptn-??????'])
      expect(readable(`Handles ci-cd: ${kind}`)).toEqual(['gates-??????', 'keptn-??????'])
    }
    const finisher = 'Sends the finished event of tasks that Lambda ended'
    expect(readable(finisher)).toEqual(['checks-??????', 'gates-??????', 'keptn-??????'])
  })

  it('redeliver adds a schedule, whose function reads only the secrets of its orchestrators', () => {
    const { all } = changed({ redeliver: { orchestrators: ['github', 'checks'] } })
    const [fn, ...others] = all('AWS::Lambda::Function').filter(
      ({ Properties: { Handler } }) => Handler === 'redeliver.handler',
    )
    expect(others).toEqual([])
    expect(fn?.Properties.Environment.Variables).toMatchObject({ WEBHOOKS_REDELIVER: 'github,checks' })
    const schedule = all('AWS::Events::Rule').find(isSchedule)
    expect(schedule?.Properties.ScheduleExpression).toBe('rate(15 minutes)')
    const role = fn?.Properties.Role['Fn::GetAtt'][0]
    const statements = all('AWS::IAM::Policy')
      .filter(({ Properties }) => Properties.Roles.some(({ Ref }: { Ref: string }) => Ref === role))
      .flatMap(({ Properties }) => Properties.PolicyDocument.Statement)
      .filter(({ Action }) => !JSON.stringify(Action).includes('logs:'))
    expect(statements).toMatchObject([{ Action: 'secretsmanager:GetSecretValue' }])
    expect(statements[0].Resource.map((arn: unknown) => flat(arn)?.split('secret:')[1])).toEqual([
      'cloud-automation-webhooks/orchestrators/checks-??????',
      'cloud-automation-webhooks/orchestrators/github-??????',
    ])
    expect(unchanged.all('AWS::Events::Rule').some(isSchedule)).toBe(false)
  })

  it('allowedCidrs denies all other addresses', () => {
    const limited = changed({ allowedCidrs: ['192.0.2.0/24'] }).one('AWS::ApiGateway::RestApi')
    expect(limited.Properties.Policy.Statement).toEqual([
      expect.objectContaining({ Effect: 'Allow', Action: 'execute-api:Invoke' }),
      expect.objectContaining({
        Effect: 'Deny',
        Action: 'execute-api:Invoke',
        Condition: { NotIpAddress: { 'aws:SourceIp': ['192.0.2.0/24'] } },
      }),
    ])
    expect(unchanged.one('AWS::ApiGateway::RestApi').Properties.Policy).toBeUndefined()
  })

  it('waf adds managed rules that never block because of event texts', () => {
    const { all, one } = changed({ waf: true })
    const acl = one('AWS::WAFv2::WebACL')
    const common = acl.Properties.Rules.find((rule: { Name: string }) => rule.Name === 'AWSManagedRulesCommonRuleSet')
    const counted = common.Statement.ManagedRuleGroupStatement.RuleActionOverrides.map(
      (rule: { Name: string; ActionToUse: object }) => [rule.Name, Object.keys(rule.ActionToUse)],
    )
    for (const rule of [
      'SizeRestrictions_BODY',
      'CrossSiteScripting_BODY',
      'GenericRFI_BODY',
      'GenericRFI_QUERYARGUMENTS',
    ])
      expect(counted).toContainEqual([rule, ['Count']])
    expect(all('AWS::WAFv2::WebACLAssociation')).toHaveLength(1)
    expect(acl.Properties.Rules.map(({ Priority }: { Priority: number }) => Priority)).toEqual([0, 1, 2])
    expect(unchanged.all('AWS::WAFv2::WebACL')).toEqual([])
  })

  describe('customDomain', () => {
    const certificateArn = 'arn:aws:acm:eu-west-1:123456789012:certificate/1234abcd'
    const customDomain = { name: 'webhooks.example.org', certificateArn }
    const outputsOf = ({ template }: typeof unchanged) => template.toJSON()['Outputs'] as Record<string, Output>

    it('maps the domain to the stage with the same base path and requires TLS 1.2', () => {
      const found = changed({ customDomain })
      expect(found.one('AWS::ApiGateway::DomainName').Properties).toEqual({
        DomainName: 'webhooks.example.org',
        EndpointConfiguration: { Types: ['REGIONAL'] },
        RegionalCertificateArn: certificateArn,
        SecurityPolicy: 'TLS_1_2',
      })
      const mappings = found.properties('AWS::ApiGateway::BasePathMapping')
      expect(mappings.map(({ BasePath }) => BasePath)).toEqual(['v1', '.well-known'])
      for (const { DomainName, RestApiId, Stage } of mappings)
        expect([DomainName, RestApiId, Stage].map(flat)).toEqual(
          ['DomainName', 'RestApi', 'Stage'].map((type) => `<${found.one(`AWS::ApiGateway::${type}`).id}>`),
        )
      expect(unchanged.all('AWS::ApiGateway::DomainName')).toEqual([])
    })

    it('appears in the outputs, with the target of the DNS record', () => {
      const outputs = outputsOf(changed({ customDomain }))
      expect(outputs['ApiUrl']?.Value).toBe('https://webhooks.example.org/v1')
      expect(outputs['SloUrl']?.Value).toBe('https://webhooks.example.org/v1/slo')
      expect(flat(outputs['NextSteps']?.Value)).toContain('WEBHOOKS_URL=https://webhooks.example.org\n')
      expect(flat(outputs['DomainTarget']?.Value)).toMatch(/^<ApiDomainName\w+\.RegionalDomainName>$/)
      expect(outputs['DomainTarget']?.Description).toBe('Create a CNAME record from webhooks.example.org to this host')
      expect(outputsOf(unchanged)).not.toHaveProperty('DomainTarget')
    })

    it('creates a record in the hosted zone', () => {
      const found = changed({
        customDomain: { ...customDomain, hostedZone: { id: 'Z0123456789ABC', name: 'example.org' } },
      })
      expect(found.one('AWS::Route53::RecordSet').Properties).toMatchObject({
        Name: 'webhooks.example.org.',
        Type: 'A',
        HostedZoneId: 'Z0123456789ABC',
        AliasTarget: { HostedZoneId: { 'Fn::GetAtt': [expect.anything(), 'RegionalHostedZoneId'] } },
      })
      expect(changed({ customDomain }).all('AWS::Route53::RecordSet')).toEqual([])
    })

    it('lets agents sign in: metadata, and a challenge that API Gateway sends itself', () => {
      const found = changed({ customDomain })
      const mcp = found.all('AWS::Lambda::Function').find(({ Properties }) => Properties.Handler === 'mcp.handler')
      const resource = 'https://webhooks.example.org/v1/mcp'
      expect(mcp?.Properties.Environment.Variables.WEBHOOKS_MCP_URL).toBe(resource)
      const { AuthorizerUri, ...authorizer } = found.one('AWS::ApiGateway::Authorizer').Properties
      // Without a cache, because API Gateway would need a header that each request has.
      expect(authorizer).toMatchObject({ Type: 'REQUEST', AuthorizerResultTtlInSeconds: 0 })
      expect(flat(AuthorizerUri)).toContain(mcp?.id)
      const methods = found.properties('AWS::ApiGateway::Method')
      expect(methods.filter(({ AuthorizationType }) => AuthorizationType === 'CUSTOM')).toHaveLength(1)
      expect(methods.filter(({ HttpMethod }) => HttpMethod === 'GET')).toMatchObject([{ AuthorizationType: 'NONE' }])
      const paths = found.properties('AWS::ApiGateway::Resource').map(({ PathPart }) => PathPart)
      expect(paths.slice(-4)).toEqual(['mcp', 'oauth-protected-resource', 'v1', 'mcp'])
      const { MethodSettings } = found.one('AWS::ApiGateway::Stage').Properties
      expect(MethodSettings).toContainEqual(
        expect.objectContaining({ ResourcePath: '/~1oauth-protected-resource~1v1~1mcp', ThrottlingRateLimit: 10 }),
      )
      const challenge = found
        .properties('AWS::ApiGateway::GatewayResponse')
        .find(({ ResponseType }) => ResponseType === 'UNAUTHORIZED')
      expect([challenge?.StatusCode, challenge?.ResponseParameters['gatewayresponse.header.WWW-Authenticate']]).toEqual(
        [
          '401',
          `'Bearer resource_metadata="https://webhooks.example.org/.well-known/oauth-protected-resource/v1/mcp"'`,
        ],
      )
    })

    it.each([{}, { customDomain, mcp: false }])('lets no agent sign in with %p', (settings) => {
      const found = changed(settings)
      expect(found.all('AWS::ApiGateway::Authorizer')).toEqual([])
      expect(JSON.stringify(found.template.toJSON())).not.toMatch(
        /WEBHOOKS_MCP_URL|oauth-protected-resource|WWW-Authenticate|well-known/,
      )
    })

    it('can disable the default host', () => {
      const rest = (settings: object) => changed(settings).one('AWS::ApiGateway::RestApi').Properties
      expect(rest({ customDomain: { ...customDomain, only: true } }).DisableExecuteApiEndpoint).toBe(true)
      expect(rest({ customDomain }).DisableExecuteApiEndpoint).toBe(false)
    })
  })

  it('terminationProtection protects the stack', () => {
    expect(build({ terminationProtection: true }, slo).stack.terminationProtection).toBe(true)
    expect(build({}, slo).stack.terminationProtection).toBe(false)
  })

  it('runbooks is the URL in alarm descriptions', () => {
    const runbooks = 'https://git.example.org/webhooks/docs/runbooks/'
    for (const { Properties } of changed({ runbooks }).all('AWS::CloudWatch::Alarm'))
      expect(Properties.AlarmDescription).toMatch(
        / What to do: https:\/\/git\.example\.org\/webhooks\/docs\/runbooks\/[a-z-]+\.md$/,
      )
  })

  it('observability: minimal has no dashboard, and one alarm for the crashes of all tasks', () => {
    const minimal = changed({ observability: 'minimal' })
    expect(minimal.all('AWS::CloudWatch::Dashboard')).toEqual([])
    const alarms = minimal.properties('AWS::CloudWatch::Alarm')
    expect(alarms.flatMap(({ MetricName }) => MetricName ?? []).sort()).toEqual([
      '5XXError',
      'AnswersLost',
      'ApproximateNumberOfMessagesVisible',
      'ApproximateNumberOfMessagesVisible',
      'ApproximateRunningDurableExecutionsUtilization',
      'Errors',
      'SecretsInInput',
      'StopsInForce',
      'ThrottledCalls',
    ])
    for (const properties of minimal.properties('AWS::Lambda::Function'))
      expect(properties.Environment?.Variables ?? {}).not.toHaveProperty('WEBHOOKS_USAGE_METRICS')
  })

  it('observability: minimal counts the errors that Lambda reports for each task function, ten in an alarm', () => {
    const [slo] = tenCategories.filter(({ name }) => name === 'slo')
    if (!slo) throw new Error('no slo')
    const eleven = Array.from({ length: 11 }, (_, at) => ({ ...slo, name: `slo-${String.fromCharCode(97 + at)}` }))
    const { all, properties } = synthesize({ observability: 'minimal' }, eleven)
    const sums = properties('AWS::CloudWatch::Alarm').filter(({ Metrics }) => Metrics)
    const watched = sums.map(({ Metrics: [sum, ...metrics], ...alarm }) => {
      expect(sum).toMatchObject({ Expression: 'SUM(METRICS())', ReturnData: true })
      expect(alarm).toMatchObject({ Threshold: 0, DatapointsToAlarm: 3, EvaluationPeriods: 12 })
      return metrics.map(({ MetricStat: { Metric, Stat } }: { MetricStat: Resource['Properties'] }) => [
        Metric.Namespace,
        Metric.MetricName,
        Stat,
        flat(Metric.Dimensions[0].Value),
      ])
    })
    expect(watched.map((metrics) => metrics.length)).toEqual([10, 1])
    const tasks = all('AWS::Lambda::Function').filter(({ Properties }) => Properties.Handler === 'task.handler')
    const expected = tasks.map(({ id }) => ['AWS/Lambda', 'Errors', 'Sum', `<${id}>`])
    expect(watched.flat().sort()).toEqual(expected.sort())
  })

  it('apiGatewayLogRole: false leaves the account unchanged', () => {
    expect(unchanged.all('AWS::ApiGateway::Account')).toHaveLength(1)
    expect(changed({ apiGatewayLogRole: false }).all('AWS::ApiGateway::Account')).toEqual([])
  })

  it.each([
    [{}, 2_000],
    [{ wafRateLimit: 300 }, 300],
  ])('waf limits the rate of each address (%j)', (more, Limit) => {
    const [rule] = changed({ waf: true, ...more })
      .one('AWS::WAFv2::WebACL')
      .Properties.Rules.filter(({ Name }: { Name: string }) => Name === 'RateLimit')
    expect(rule).toMatchObject({
      Action: { Block: {} },
      Statement: { RateBasedStatement: { AggregateKeyType: 'IP', Limit, EvaluationWindowSec: 60 } },
    })
  })

  it('vpc connects every function', () => {
    const vpc = { subnetIds: ['subnet-0123abcd'], securityGroupIds: ['sg-0123abcd'] }
    const found = changed({ vpc })
    for (const fn of found.all('AWS::Lambda::Function')) {
      expect(fn.Properties.VpcConfig).toEqual({ SubnetIds: vpc.subnetIds, SecurityGroupIds: vpc.securityGroupIds })
      expect(permissionsOf(found, fn).get('ec2:CreateNetworkInterface')).toEqual(['*'])
    }
  })

  it('dataKeyArn encrypts table, dead letters, logs, topic and task data, and adds no permission', () => {
    const key = 'arn:aws:kms:eu-west-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab'
    const found = changed({ dataKeyArn: key })
    expect(found.one('AWS::DynamoDB::Table').Properties.SSESpecification).toEqual({
      SSEEnabled: true,
      SSEType: 'KMS',
      KMSMasterKeyId: key,
    })
    for (const properties of found.properties('AWS::SQS::Queue'))
      expect(properties).toMatchObject({ KmsMasterKeyId: key, SqsManagedSseEnabled: false })
    for (const properties of found.properties('AWS::Logs::LogGroup')) expect(properties.KmsKeyId).toBe(key)
    expect(found.one('AWS::SNS::Topic').Properties.KmsMasterKeyId).toBe(key)
    const functions = found.all('AWS::Lambda::Function')
    const durable = functions.filter(({ Properties }) => Properties.DurableConfig)
    // One category and the finisher.
    expect(durable).toHaveLength(2)
    for (const { Properties } of durable) expect(Properties.DurableConfig.KMSKeyArn).toBe(key)
    for (const fn of functions)
      expect([...permissionsOf(found, fn).keys()].filter((action) => action.startsWith('kms:'))).toEqual([])
  })

  it('reservedConcurrency applies to webhooks or tasks, never to the finisher', () => {
    const reserved = (settings: object) => byHandler(changed(settings), 'ReservedConcurrentExecutions')
    expect(reserved({ reservedConcurrency: { webhook: 5, task: 7 } })).toEqual({
      'webhook.handler': 5,
      'task.handler': 7,
      'finisher.handler': undefined,
    })
    expect(reserved({ reservedConcurrency: { task: 7 } })).toMatchObject({ 'webhook.handler': undefined })
  })

  it('secretsKeyArn allows decryption with the key, only through Secrets Manager', () => {
    const key = 'arn:aws:kms:eu-west-1:123456789012:key/12345678-1234-1234-1234-123456789012'
    const found = changed({ secretsKeyArn: key })
    const readers = found
      .all('AWS::Lambda::Function')
      .filter(({ Properties }) => Properties.Handler !== 'policy.handler')
    for (const fn of readers) expect(permissionsOf(found, fn).get('kms:Decrypt')).toEqual([key])
    expect(JSON.stringify(found.all('AWS::IAM::Policy'))).toContain('kms:ViaService')
  })
})

interface Output {
  Value: unknown
  Description?: string
}

/** Returns a property of each function by its handler. */
function byHandler({ all }: Synthesized, property: string) {
  return Object.fromEntries(
    all('AWS::Lambda::Function').map(({ Properties }) => [Properties.Handler, Properties[property]]),
  )
}
