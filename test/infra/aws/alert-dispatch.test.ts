import { describe, expect, it } from '@jest/globals'
import {
  build,
  flat,
  functionOf,
  permissionsOf,
  type Resource,
  statementsOf,
  synthesize,
  tenCategories,
  withApprovals,
  yamlFile,
} from './synthesize.ts'

const two = tenCategories.filter(({ name }) => name === 'slo' || name === 'ci-cd')
const yaml = `sources:
  alerts: { type: http }
  github: { type: github, wakes: [ci-cd/default] }
  aws: { type: eventbridge, patterns: [{ source: [aws.cloudwatch], detail-type: [CloudWatch Alarm State Change] }] }
rules:
  - { name: build, source: alerts, call: ci-cd/do-it }
`
const events = yamlFile('rules', yaml)
const deployed = synthesize({ events }, two)
const dispatch = functionOf(deployed, 'dispatch', 'all')
const receiver = functionOf(deployed, 'events', 'all')
const secretsOf = (fn: Resource) => permissionsOf(deployed, fn).get('secretsmanager:GetSecretValue') ?? []

describe('A deployment with rules', () => {
  it('has a queue with dead letters for 14 days, which a limited number of invocations read', () => {
    const { Properties } = deployed.one('AWS::Lambda::EventSourceMapping')
    expect(Properties).toMatchObject({
      BatchSize: 10,
      FunctionResponseTypes: ['ReportBatchItemFailures'],
      ScalingConfig: { MaximumConcurrency: 5 },
    })
    const queue = deployed.all('AWS::SQS::Queue').find(({ id }) => flat(Properties.EventSourceArn).includes(id))
    expect(queue?.Properties).toMatchObject({
      MessageRetentionPeriod: 1_209_600,
      VisibilityTimeout: 6 * dispatch.Properties.Timeout,
      RedrivePolicy: { maxReceiveCount: 1_000 },
    })
  })

  it('lets the function for alerts invoke the called webhooks through their alias, and nothing else', () => {
    const webhook = functionOf(deployed, 'webhook', 'ci-cd')
    const aliases = deployed.all('AWS::Lambda::Alias').filter(({ Properties }) => Properties.Name === 'events')
    expect(aliases.map(({ Properties }) => flat(Properties.FunctionName))).toEqual([`<${webhook.id}>`])
    const permissions = permissionsOf(deployed, dispatch)
    expect([...permissions.keys()].sort()).toEqual([
      'dynamodb:GetItem',
      'dynamodb:PutItem',
      'dynamodb:UpdateItem',
      'lambda:InvokeFunction',
      'logs:CreateLogStream',
      'logs:PutLogEvents',
      'sqs:ChangeMessageVisibility',
      'sqs:DeleteMessage',
      'sqs:GetQueueAttributes',
      'sqs:GetQueueUrl',
      'sqs:ReceiveMessage',
      'sqs:SendMessage',
    ])
    expect(permissions.get('lambda:InvokeFunction')).toEqual([`<${aliases[0]?.id}>`])
    const keys = statementsOf(deployed, dispatch).flatMap(
      ({ Condition }) => Condition?.['ForAllValues:StringLike']?.['dynamodb:LeadingKeys'] ?? [],
    )
    expect(new Set(keys)).toEqual(new Set(['alert#alerts#*', 'alert-call#alerts#*', 'alert-group#alerts#*']))
  })

  it('lets the receiver send messages, and call nothing', () => {
    const permissions = permissionsOf(deployed, receiver)
    expect(permissions.has('sqs:SendMessage')).toBe(true)
    expect(permissions.has('lambda:InvokeFunction')).toBe(false)
  })

  it('lets the called webhooks read the limits of the source', () => {
    const alerts = expect.stringContaining('/sources/alerts-')
    expect(secretsOf(functionOf(deployed, 'webhook', 'ci-cd'))).toContainEqual(alerts)
    expect(secretsOf(functionOf(deployed, 'webhook', 'slo'))).not.toContainEqual(alerts)
    expect(secretsOf(functionOf(deployed, 'task', 'ci-cd'))).not.toContainEqual(alerts)
  })

  it('receives the events of AWS that the patterns select', () => {
    const rules = deployed
      .all('AWS::Events::Rule')
      .filter(({ Properties }) => /rules of events/.test(Properties.Description))
    expect(rules.map(({ Properties }) => Properties.EventPattern)).toEqual([
      { source: ['aws.cloudwatch'], 'detail-type': ['CloudWatch Alarm State Change'] },
    ])
    const invoke = deployed
      .all('AWS::Lambda::Permission')
      .filter(({ Properties }) => Properties.Principal === 'events.amazonaws.com')
    expect(invoke.map(({ Properties }) => flat(Properties.SourceArn))).toContain(`<${rules[0]?.id}.Arn>`)
  })

  it('has alarms for refused calls, for rules that cannot be evaluated, and for crashes', () => {
    const names = (found: typeof deployed) =>
      found.all('AWS::CloudWatch::Alarm').map(({ id }) => id.replace(/[0-9A-F]{8}$/, ''))
    const before = names(synthesize({ events: yamlFile('none', yaml.replace(/rules:[\s\S]*/, '')) }, two))
    expect(
      names(deployed)
        .filter((name) => !before.includes(name))
        .sort(),
    ).toEqual(['AlarmsAlertErrors', 'AlarmsAlertTasksErrored', 'AlarmsAlertsRefused', 'AlarmsRuleProblems'])
    const [alarm] = deployed.all('AWS::CloudWatch::Alarm').filter(({ id }) => id.startsWith('AlarmsAlertErrors'))
    const watched = JSON.stringify(alarm?.Properties.Metrics)
    for (const bundle of ['events', 'dispatch']) expect(watched).toContain(functionOf(deployed, bundle, 'all').id)
  })

  it('has neither queue nor function without rules', () => {
    const without = synthesize({ events: yamlFile('none', yaml.replace(/rules:[\s\S]*/, '')) }, two)
    const handlers = without.all('AWS::Lambda::Function').map(({ Properties }) => Properties.Handler)
    expect(handlers).toContain('events.handler')
    expect(handlers).not.toContain('dispatch.handler')
    expect(without.all('AWS::Lambda::EventSourceMapping')).toEqual([])
  })
})

describe('A rule', () => {
  const rule = (fields: string) => `sources: { a: { type: http }, b: { type: http } }\nrules:\n  - ${fields}`
  it.each([
    ['an unknown category', '{ name: x, source: a, call: cicd/trigger-build }', /line 3: rules\.0\.call .*ci-cd/],
    ['an unknown action', '{ name: x, source: a, call: ci-cd/do-itt }', /rules\.0\.call .*do-it/],
    [
      'an unknown source',
      '{ name: x, source: c, call: ci-cd/do-it }',
      /rules\.0\.source is not declared\. Sources: a, b/,
    ],
    ['an unknown field', '{ name: x, source: a, call: ci-cd/do-it, when: y }', /when is not a known field/],
    [
      'a broken expression',
      '{ name: x, source: a, call: ci-cd/do-it, input: "{a: " }',
      /input must be a JMESPath expression/,
    ],
    [
      'nothing that identifies an alert',
      '{ name: x, source: a, call: ci-cd/do-it, each: alerts }',
      /rules\.0\.key is required: notifications of the type http do not say what identifies an alert/,
    ],
    [
      'closes without its rule',
      '{ name: x, source: a, call: ci-cd/do-it, key: id, on: done, closes: y }',
      /closes is the name of no rule/,
    ],
    [
      'closes with another key',
      '{ name: x, source: a, call: ci-cd/do-it, key: id }\n  - { name: y, source: a, on: done, call: ci-cd/do-it, key: number, closes: x }',
      /rules\.1\.closes must name a rule that opens something, with the same source, each and key/,
    ],
    [
      'the name of another rule',
      '{ name: x, source: a, call: ci-cd/do-it }\n  - { name: x, source: a, call: ci-cd/do-it }',
      /rules\.1\.name is the name of another rule/,
    ],
    [
      'a group with a period that is too short',
      "{ name: x, source: a, call: ci-cd/do-it, group: { by: id, max: 1, per: PT1S, input: '{a: more}' } }",
      /rules\.0\.group\.per must be between PT1M and P1D/,
    ],
  ])('is refused with %s', (_name, fields, message) => {
    expect(() => build({ events: yamlFile('invalid', rule(fields)) }, two)).toThrow(message)
  })

  it('cannot ask for an approval by itself', () => {
    const notification = withApprovals.filter(({ name }) => name === 'notification')
    const file = yamlFile('invalid', rule('{ name: x, source: a, call: notification/ask-approval }'))
    expect(() => build({ events: file }, notification)).toThrow('rules.0.call cannot be called by a rule')
  })
})
