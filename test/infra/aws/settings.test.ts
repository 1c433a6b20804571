import { describe, expect, it } from '@jest/globals'
import { categories } from '../../../functions/index.ts'
import { readSettings, SettingsError } from '../../../infra/aws/settings.ts'
import { awsProviders, shipped } from './synthesize.ts'

const names = ['issue-ticketing', 'feature-flags']
const certificateArn = 'arn:aws:acm:eu-west-1:123456789012:certificate/1234abcd-12ab-34cd-56ef-1234567890ab'
const customDomain = { name: 'webhooks.example.org', certificateArn }
const vpc = { subnetIds: ['subnet-0123abcd'], securityGroupIds: ['sg-0123456789abcdef0'] }

function errorOf(settings: unknown): string {
  try {
    readSettings(settings, names)
  } catch (error) {
    if (error instanceof SettingsError) return error.message
    throw error
  }
  return 'nothing'
}

describe('the settings in cdk.json', () => {
  it('are all optional', () => {
    expect(readSettings(undefined, names)).toEqual({
      stackName: 'CloudAutomationWebhooks',
      secretPrefix: 'cloud-automation-webhooks',
      categories: {},
      memory: { webhook: 256, task: 512 },
      logRetentionDays: 90,
      logLevel: 'INFO',
      throttle: { rate: 50, burst: 100 },
      eventsThrottle: { rate: 200, burst: 400 },
      publicThrottle: { rate: 10, burst: 20 },
      observability: 'standard',
      approvalAlarm: 'PT1H',
      rollout: 'immediate',
      auditEvents: false,
      tracing: false,
      waf: false,
      wafRateLimit: 2_000,
      apiGatewayLogRole: true,
      mcp: true,
      terminationProtection: false,
    })
  })

  it('are valid in cdk.json', () => {
    expect(() => readSettings(shipped, Object.keys(shipped.categories))).not.toThrow()
  })

  it('list every category in cdk.json', () => {
    expect(Object.keys(shipped.categories)).toEqual(categories.map(({ name }) => name))
  })

  it.each([
    { stackName: 'Webhooks-staging' },
    { secretPrefix: 'acme/webhooks' },
    { categories: { 'feature-flags': false } },
    { memory: { webhook: 128, task: 10_240 } },
    { deadline: 'PT2H' },
    { logRetentionDays: 3653 },
    { logLevel: 'DEBUG' },
    { throttle: { rate: 1, burst: 5_000 } },
    { publicThrottle: { rate: 1, burst: 5_000 } },
    { eventsThrottle: { rate: 1, burst: 5_000 } },
    { events: 'events.yaml' },
    { policy: 'policy.yaml' },
    { waf: true, wafRateLimit: 10 },
    { tracing: true },
    { observability: 'minimal' },
    { redeliver: { orchestrators: ['github'], minutes: 5 } },
    { rollout: 'gradual' },
    { verify: { categories: ['feature-flags'], minutes: 60 } },
    { orchestrators: { keptn: ['*'], 'github-checks': ['feature-flags'] } },
    { alarmEmail: 'ops@example.org' },
    { allowedCidrs: ['192.0.2.0/24', '198.51.100.7/32'] },
    { waf: true },
    { apiGatewayLogRole: false },
    { secretsKeyArn: 'arn:aws:kms:eu-west-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab' },
    { dataKeyArn: 'arn:aws:kms:eu-west-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab' },
    { reservedConcurrency: { webhook: 5 } },
    { vpc },
    { customDomain },
    { customDomain: { ...customDomain, only: true, hostedZone: { id: 'Z0123456789ABC', name: 'example.org' } } },
    { terminationProtection: true },
    { runbooks: 'https://git.example.org/webhooks/docs/runbooks/' },
    { awsProviders: {} },
    { awsProviders: { ...awsProviders, assumeRoles: ['arn:aws:iam::210987654321:role/path/webhooks'] } },
  ])('accept %j', (settings) => {
    expect(readSettings(settings, names)).toMatchObject(settings)
  })

  it.each([
    [{ stackName: '1st' }, 'stackName: must be up to 100 letters, digits and dashes'],
    [{ secretPrefix: '/webhooks/' }, 'secretPrefix: must be letters, digits and _+=.@-, separated by single slashes'],
    [{ secretPrefix: 'a'.repeat(201) }, 'secretPrefix: must have at most 200 characters'],
    [{ categories: { 'feature-flag': true } }, 'Unknown category "feature-flag". Did you mean "feature-flags"?'],
    [{ categories: { 'feature-flags': 'on' } }, 'categories.feature-flags: must be true or false, not "on"'],
    [{ categories: { 'issue-ticketing': false, 'feature-flags': false } }, 'categories: enable at least one'],
    [{ memory: 512 }, 'memory: must be an object of webhook, task'],
    [{ memory: { webhook: 64 } }, 'memory.webhook: must be at least 128 (MB)'],
    [{ memory: { task: 10_241 } }, 'memory.task: must be at most 10240 (MB)'],
    [{ memory: { task: '512' } }, 'memory.task: must be an integer of MB from 128 to 10240, not "512"'],
    [{ memory: { tasks: 512 } }, 'memory.tasks is not a known field. Did you mean "task"?'],
    [{ deadline: '2 hours' }, 'deadline: must be an ISO 8601 duration such as PT30M, PT2H or P1D, not "2 hours"'],
    [{ deadline: 7_200 }, 'deadline: must be an ISO 8601 duration such as PT30M, PT2H or P1D, not 7200'],
    [{ deadline: 'P8D' }, 'deadline: must be at most P7D, not "P8D"'],
    ...['1 hour', 'PT30S'].map((approvalAlarm): [object, string] => [
      { approvalAlarm },
      `approvalAlarm: must be an ISO 8601 duration of at least PT1M, such as PT1H, not "${approvalAlarm}"`,
    ]),
    [{ logRetentionDays: 91 }, 'logRetentionDays: must be one of 1, 3, 5, 7, 14, 30, 60, 90,'],
    [{ logLevel: 'TRACE' }, 'logLevel: must be DEBUG, INFO, WARN or ERROR, not "TRACE"'],
    [{ events: true }, 'events: must be the path of a file, such as events.yaml, not true'],
    [{ policy: true }, 'policy: must be the path of a file, such as policy.yaml, not true'],
    [{ orchestrators: ['github'] }, 'orchestrators: must be an object of lists of categories'],
    [{ orchestrators: { GitHub: ['*'] } }, 'orchestrators.GitHub: must be the name of an orchestrator'],
    [{ orchestrators: { github: [] } }, 'orchestrators.github: must list at least one'],
    [{ orchestrators: { github: ['slow'] } }, 'orchestrators.github: Unknown category "slow".'],
    [{ rollout: 'canary' }, 'rollout: must be immediate or gradual, not "canary"'],
    [{ verify: 'PT5M' }, 'verify: must be an object of categories, minutes'],
    [{ verify: { minutes: 5 } }, 'verify.categories: must be a list, each a category'],
    [{ verify: { categories: [] } }, 'verify.categories: must list at least one'],
    [
      { verify: { categories: ['feature-flags'], minutes: 0 } },
      'verify.minutes: must be an integer from 1 to 60, not 0',
    ],
    [{ verify: { categories: ['feature-flag'] } }, 'verify.categories: Unknown category "feature-flag". Did you mean'],
    [
      { verify: { categories: ['feature-flags'] }, categories: { 'feature-flags': false } },
      'verify.categories: Unknown category "feature-flags". Categories: issue-ticketing.',
    ],
    [{ throttle: { rate: 0 } }, 'throttle.rate: must be an integer from 1 to 10000, not 0'],
    [{ throttle: { burst: 1.5 } }, 'throttle.burst: must be an integer from 1 to 5000, not 1.5'],
    [{ throttle: { limit: 5 } }, 'throttle.limit is not a known field. Fields: rate, burst'],
    [{ publicThrottle: { limit: 5 } }, 'publicThrottle.limit is not a known field. Fields: rate, burst'],
    [{ wafRateLimit: 9 }, 'wafRateLimit: must be an integer from 10 to 2000000000, not 9'],
    [{ auditEvents: 'yes' }, 'auditEvents: must be true or false, not "yes"'],
    [{ tracing: 'yes' }, 'tracing: must be true or false, not "yes"'],
    [{ alarmEmail: 'ops' }, 'alarmEmail: must be an e-mail address, not "ops"'],
    [{ allowedCidrs: [] }, 'allowedCidrs: must list at least one range; remove the setting to allow all addresses'],
    [{ allowedCidrs: '192.0.2.0/24' }, 'allowedCidrs: must be a list of IPv4 ranges such as 192.0.2.0/24'],
    [{ allowedCidrs: ['192.0.2.1'] }, 'allowedCidrs.0: must be an IPv4 range such as 192.0.2.0/24, not "192.0.2.1"'],
    [{ allowedCidrs: ['192.0.2.0/33'] }, 'allowedCidrs.0: must be an IPv4 range'],
    [{ allowedCidrs: ['2001:db8::/32'] }, 'allowedCidrs.0: must be an IPv4 range'],
    [{ waf: 'on' }, 'waf: must be true or false, not "on"'],
    [{ apiGatewayLogRole: 1 }, 'apiGatewayLogRole: must be true or false, not 1'],
    [{ secretsKeyArn: 'alias/mine' }, 'secretsKeyArn: must be the ARN of a KMS key'],
    [{ dataKeyArn: 'alias/mine' }, 'dataKeyArn: must be the ARN of a KMS key'],
    [{ reservedConcurrency: { task: 0 } }, 'reservedConcurrency.task: must be an integer from 1 to 10000, not 0'],
    [{ reservedConcurrency: { tasks: 5 } }, 'reservedConcurrency.tasks is not a known field. Did you mean "task"?'],
    [
      { customDomain: 'webhooks.example.org' },
      'customDomain: must be an object of name, certificateArn, hostedZone, only',
    ],
    [{ terminationProtection: 'on' }, 'terminationProtection: must be true or false, not "on"'],
    [{ runbooks: 'docs/runbooks' }, 'runbooks: must be a URL with a trailing slash, such as https://'],
    [{ vpc: 'vpc-0123abcd' }, 'vpc: must be an object of subnetIds, securityGroupIds'],
    [{ vpc: { ...vpc, subnetIds: undefined } }, 'vpc.subnetIds: must be a list, each the id of a subnet'],
    [{ vpc: { ...vpc, subnetIds: ['10.0.0.0/8'] } }, 'vpc.subnetIds.0: must be the id of a subnet, subnet-..'],
    [{ vpc: { ...vpc, securityGroupIds: [] } }, 'vpc.securityGroupIds: must list at least one: the id of a security'],
    [{ vpc: { ...vpc, securityGroupIds: ['default'] } }, 'vpc.securityGroupIds.0: must be the id of a security group'],
    [{ vpc: { ...vpc, vpcId: 'vpc-1' } }, 'vpc.vpcId is not a known field. Fields: subnetIds, securityGroupIds'],
    [
      { awsProviders: 'all' },
      'awsProviders: must be an object of aws-appconfig, aws-application-signals, aws-cloudwatch, aws-codebuild, aws-codepipeline, aws-dlt, aws-eventbridge, aws-fis, aws-opscenter, aws-sagemaker, aws-ses, aws-sns, aws-ssm-automation, aws-step-functions, step-functions, assumeRoles',
    ],
    [{ awsProviders: { 'aws-kinesis': [] } }, 'awsProviders.aws-kinesis is not a known field. Fields: aws-appconfig, '],
    [{ awsProviders: { 'aws-opscenter': true } }, 'awsProviders.aws-opscenter: must be a list of ARNs, not true'],
    [
      { awsProviders: { 'aws-appconfig': ['arn:aws:appconfig:eu-west-1:123456789012:application/a'] } },
      'awsProviders.aws-appconfig: must be arn:aws:appconfig:<region>:<account>:application/<id>/environment/<id> or',
    ],
    [{ awsProviders: { 'aws-opscenter': [7] } }, 'awsProviders.aws-opscenter.0: must be an ARN, not 7'],
    [
      { awsProviders: { assumeRoles: ['webhooks'] } },
      'awsProviders.assumeRoles.0: must be the ARN of a role, arn:aws:iam::<account>:role/<name>, not "webhooks"',
    ],
    [{ alarmMail: 'ops@example.org' }, 'alarmMail is not a known field. Did you mean "alarmEmail"?'],
    ['{"waf":true}', 'webhooks: must be an object'],
  ])('reject %j', (settings, message) => {
    expect(errorOf(settings)).toContain(`\n  - ${message}`)
  })

  const zone = { id: 'Z0123456789ABC', name: 'example.org' }
  it.each([
    [{ name: undefined }, '.name: must be a host name, such as webhooks.example.org'],
    [{ name: 'https://a.b' }, '.name: must be a lowercase host name, such as webhooks.example.org, not "https://a.b"'],
    [{ certificateArn: 'webhooks' }, '.certificateArn: must be the ARN of a certificate: arn:aws:acm:'],
    [{ hostedZone: { ...zone, id: 'a.b' } }, '.hostedZone.id: must be the id of a hosted zone, Z.., not "a.b"'],
    [
      { hostedZone: { ...zone, name: 'ample.org' } },
      '.hostedZone.name: must be a zone that webhooks.example.org is in, not "ample.org"',
    ],
    [{ onyl: true }, '.onyl is not a known field. Did you mean "only"?'],
    [{ hostedZone: { ...zone, arn: 'a' } }, '.hostedZone.arn is not a known field. Fields: id, name'],
  ])('reject a customDomain with %j', (changes, message) => {
    expect(errorOf({ customDomain: { ...customDomain, ...changes } })).toContain(`\n  - customDomain${message}`)
  })

  const arn = (service: string, name: string) => `arn:aws:${service}:eu-west-1:123456789012:${name}`
  it.each([
    ['aws-opscenter', '*', 'arn:aws:ssm:<region>:<account>:opsitem/*'],
    ['aws-codepipeline', arn('codepipeline', '*'), 'arn:aws:codepipeline:<region>:<account>:<name>'],
    [
      'aws-ssm-automation',
      arn('ssm', 'document/*'),
      'arn:aws:ssm:<region>:<account>:document/<name> or arn:aws:iam::<account>:role/<name>',
    ],
    ['aws-sns', arn('sns', '*'), 'arn:aws:sns:<region>:<account>:<name>'],
    ['aws-cloudwatch', 'AWS/Lambda', '<namespace of metrics, such as CloudAutomation/SLO>'],
    ['aws-eventbridge', arn('events', 'event-bus/*'), 'arn:aws:events:<region>:<account>:event-bus/<name>'],
  ])('reject an ARN of %s: %s', (provider, value, form) => {
    const message = `\n  - awsProviders.${provider}: must be ${form}, not "${value}"`
    expect(errorOf({ awsProviders: { [provider]: [value] } })).toContain(message)
  })

  it.each([
    ['aws-ssm-automation', ['arn:aws:iam::123456789012:role/a'], 'ssm:<region>:<account>:document/<name>'],
    ['aws-codebuild', [arn('codebuild', 'report-group/a-b')], 'codebuild:<region>:<account>:project/<name>'],
    [
      'aws-appconfig',
      awsProviders['aws-appconfig']?.slice(0, 2),
      'appconfig:<region>:<account>:deploymentstrategy/<id>',
    ],
  ])('reject ARNs of %s of which one is missing: %j', (provider, arns, form) => {
    const message = `\n  - awsProviders.${provider}: must list at least one arn:aws:${form}`
    expect(errorOf({ awsProviders: { [provider]: arns } })).toContain(message)
  })

  it('report all errors at once', () => {
    expect(errorOf({ waf: 'on', memory: { webhook: 1 }, colour: 'red' }).split('\n  - ')).toHaveLength(4)
  })
})
