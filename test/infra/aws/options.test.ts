import { describe, expect, it } from '@jest/globals'
import { permissionsOf, type Resource, synthesize, tenCategories } from './synthesize.ts'

describe('a category that is switched off', () => {
  it('has none of its resources, and no place in those of others', () => {
    const categories = Object.fromEntries(tenCategories.map(({ name }) => [name, name === 'slo']))
    const { template, all } = synthesize({ categories })
    expect(all('AWS::Lambda::Function')).toHaveLength(3)
    expect(JSON.stringify(template.toJSON())).not.toMatch(/issue-ticketing|IssueTicketing/)
  })
})

describe('a setting', () => {
  const slo = tenCategories.filter(({ name }) => name === 'slo')
  const unchanged = synthesize({}, slo)
  const changed = (settings: object) => synthesize(settings, slo)

  it('memory is what the functions get', () => {
    const found = changed({ memory: { webhook: 256, task: 1024 } })
    const sizes = found
      .all('AWS::Lambda::Function')
      .map(({ Properties }) => [Properties.Handler, Properties.MemorySize])
    expect(Object.fromEntries(sizes)).toEqual({
      'task.handler': 1024,
      'webhook.handler': 256,
      'finisher.handler': 1024,
    })
  })

  it('deadline, secretPrefix and logLevel are what the functions are told', () => {
    const found = changed({ deadline: 'PT2H', secretPrefix: 'acme/hooks', logLevel: 'DEBUG' })
    expect(environmentOf(found.all('AWS::Lambda::Function'), 'webhook')).toMatchObject({
      WEBHOOKS_DEADLINE: 'PT2H',
      WEBHOOKS_SECRET_PREFIX: 'acme/hooks',
      WEBHOOKS_LOG_LEVEL: 'DEBUG',
    })
    expect(JSON.stringify(found.template.toJSON())).not.toContain('secret:cloud-automation-webhooks')
  })

  it('logRetentionDays is for every log', () => {
    const groups = changed({ logRetentionDays: 7 }).all('AWS::Logs::LogGroup')
    expect(groups.map(({ Properties }) => Properties.RetentionInDays)).toEqual([7, 7, 7, 7])
  })

  it('throttle is for the stage', () => {
    const stage = changed({ throttle: { rate: 5, burst: 6 } }).one('AWS::ApiGateway::Stage')
    expect(stage.Properties.MethodSettings).toEqual([
      expect.objectContaining({ ThrottlingRateLimit: 5, ThrottlingBurstLimit: 6 }),
    ])
  })

  it('tracing turns X-Ray on, for API and functions', () => {
    const { all, one } = changed({ tracing: true })
    expect(one('AWS::ApiGateway::Stage').Properties.TracingEnabled).toBe(true)
    for (const { Properties } of all('AWS::Lambda::Function'))
      expect(Properties.TracingConfig).toEqual({ Mode: 'Active' })
  })

  it('alarmEmail subscribes to the alarms', () => {
    changed({ alarmEmail: 'ops@example.org' }).template.hasResourceProperties('AWS::SNS::Subscription', {
      Protocol: 'email',
      Endpoint: 'ops@example.org',
    })
  })

  it('allowedCidrs turns every other address away', () => {
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

  it('waf puts the managed rules in front, none of which blocks for the text of an event', () => {
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
    expect(unchanged.all('AWS::WAFv2::WebACL')).toEqual([])
  })

  it('apiGatewayLogRole leaves the account alone where it is off', () => {
    expect(unchanged.all('AWS::ApiGateway::Account')).toHaveLength(1)
    expect(changed({ apiGatewayLogRole: false }).all('AWS::ApiGateway::Account')).toEqual([])
  })

  it('vpc puts every function into it', () => {
    const vpc = { subnetIds: ['subnet-0123abcd'], securityGroupIds: ['sg-0123abcd'] }
    const found = changed({ vpc })
    for (const fn of found.all('AWS::Lambda::Function')) {
      expect(fn.Properties.VpcConfig).toEqual({ SubnetIds: vpc.subnetIds, SecurityGroupIds: vpc.securityGroupIds })
      expect(permissionsOf(found, fn).get('ec2:CreateNetworkInterface')).toEqual(['*'])
    }
  })

  it('secretsKeyArn lets the functions decrypt with that key, through Secrets Manager alone', () => {
    const key = 'arn:aws:kms:eu-west-1:123456789012:key/1234abcd'
    const found = changed({ secretsKeyArn: key })
    for (const fn of found.all('AWS::Lambda::Function'))
      expect(permissionsOf(found, fn).get('kms:Decrypt')).toEqual([key])
    expect(JSON.stringify(found.all('AWS::IAM::Policy'))).toContain('kms:ViaService')
  })
})

function environmentOf(found: Resource[], entry: string): Record<string, unknown> {
  return found.find(({ Properties }) => Properties.Handler === `${entry}.handler`)?.Properties.Environment.Variables
}
