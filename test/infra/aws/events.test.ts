import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from '@jest/globals'
import { readEventsFile } from '../../../infra/aws/read-events-file.ts'
import { categoryInfos } from './category-infos.ts'
import {
  awsProviders,
  build,
  flat,
  functionOf,
  permissionsOf,
  type Resource,
  root,
  statementsOf,
  synthesize,
  tenCategories,
  yamlFile,
} from './synthesize.ts'

const two = tenCategories.filter(({ name }) => name === 'slo' || name === 'ci-cd')
const yaml = `sources:
  github: { type: github, wakes: [ci-cd/default, ci-cd/prod] }
  aws: { type: eventbridge, wakes: [ci-cd/build] }
`
const events = yamlFile('stack', yaml)
const documented = readFileSync(join(root, 'docs/sources.md'), 'utf8')
const deployed = synthesize({ events, eventsThrottle: { rate: 7, burst: 8 } }, two)
const receiver = functionOf(deployed, 'events', 'all')

describe('A deployment with events.yaml', () => {
  it('has the same resources as before if the file declares nothing', () => {
    const nothing = synthesize({ events: yamlFile('nothing', 'sources: {}\n') }, two)
    expect(nothing.template.toJSON()).toEqual(synthesize({}, two).template.toJSON())
  })

  it('has one more route with its own throttle, and one more function', () => {
    const before = synthesize({}, two)
    const handlers = ({ all }: typeof before) =>
      all('AWS::Lambda::Function').map(({ Properties }) => Properties.Handler)
    expect(handlers(deployed).filter((handler) => !handlers(before).includes(handler))).toEqual(['events.handler'])
    const { MethodSettings } = deployed.one('AWS::ApiGateway::Stage').Properties
    expect(MethodSettings).toContainEqual(
      expect.objectContaining({
        HttpMethod: 'POST',
        ResourcePath: '/~1events~1{source}',
        ThrottlingRateLimit: 7,
        ThrottlingBurstLimit: 8,
        DataTraceEnabled: false,
      }),
    )
  })

  it('has a route for the handshake of CloudEvents only if a source sends them', () => {
    const file = yamlFile('cloudevents', 'sources: { broker: { type: cloudevents } }')
    const withBroker = synthesize({ events: file, eventsThrottle: { rate: 7, burst: 8 } }, two)
    const methods = ({ all }: typeof deployed) =>
      all('AWS::ApiGateway::Method').filter(({ Properties }) => Properties.HttpMethod === 'OPTIONS')
    expect([methods(deployed).length, methods(withBroker).length]).toEqual([0, 1])
    expect(withBroker.one('AWS::ApiGateway::Stage').Properties.MethodSettings).toContainEqual(
      expect.objectContaining({
        HttpMethod: 'OPTIONS',
        ResourcePath: '/~1events~1{source}',
        ThrottlingRateLimit: 7,
        DataTraceEnabled: false,
      }),
    )
  })

  it('lets the receiver read its secrets and wake tasks of the categories with jobs, and nothing else', () => {
    const permissions = permissionsOf(deployed, receiver)
    const task = functionOf(deployed, 'task', 'ci-cd')
    expect(Object.fromEntries(permissions)).toEqual({
      'logs:CreateLogStream': [expect.anything()],
      'logs:PutLogEvents': [expect.anything()],
      'secretsmanager:GetSecretValue': ['aws', 'github'].map((name) =>
        expect.stringMatching(new RegExp(`:secret:cloud-automation-webhooks/sources/${name}-\\?{6}$`)),
      ),
      'dynamodb:GetItem': [expect.anything()],
      'dynamodb:UpdateItem': [expect.anything()],
      'lambda:SendDurableExecutionCallbackSuccess': [`<${task.id}.Arn>:*`],
    })
    const keys = statementsOf(deployed, receiver).flatMap(({ Action, Condition }) => {
      const allowed = Condition?.['ForAllValues:StringLike']?.['dynamodb:LeadingKeys']
      return allowed === undefined ? [] : [[Action, allowed]]
    })
    expect(keys).toEqual([
      ['dynamodb:GetItem', ['wake#github#*', 'wake#aws#*', 'waiter#ci-cd#*']],
      ['dynamodb:UpdateItem', ['source#github', 'source#aws']],
    ])
  })

  it('gives the file to the functions of the categories that it wakes only, as a new version after a change', () => {
    const fileOf = ({ Properties }: Resource) => Properties.Environment.Variables.WEBHOOKS_EVENTS_FILE
    const functions = (found: typeof deployed, category: string) =>
      ['webhook', 'task'].map((entry) => functionOf(found, entry, category))
    const [file] = new Set(functions(deployed, 'ci-cd').map(fileOf))
    expect(file).toMatch(/^\/opt\/events-[0-9a-f]{12}\.json$/)
    expect(fileOf(receiver)).toBe(file)
    for (const fn of [...functions(deployed, 'ci-cd'), receiver]) expect(fn.Properties.Layers).toHaveLength(1)
    for (const fn of functions(deployed, 'slo')) {
      expect(fileOf(fn)).toBeUndefined()
      expect(fn.Properties.Layers).toBeUndefined()
    }
    const changed = synthesize({ events: yamlFile('changed', yaml.replace('ci-cd/prod', 'ci-cd/test')) }, two)
    expect(functions(changed, 'ci-cd').map(fileOf)).not.toContain(file)
  })

  it('compiles the file to JSON', () => {
    const { app } = build({ events }, two)
    const { directory } = app.synth()
    const [name = ''] = readdirSync(directory).filter((file) => file.startsWith('webhooks-events-'))
    const file = join(directory, name, name.replace(/^webhooks-(.*)$/, '$1.json'))
    expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual({
      sources: {
        github: { type: 'github', wakes: ['ci-cd/default', 'ci-cd/prod'] },
        aws: { type: 'eventbridge', wakes: ['ci-cd/build'] },
      },
    })
  })

  it.each([
    ['broken YAML', 'sources:\n  a: [', /line \d: not valid YAML/],
    ['an unknown type', 'sources:\n  ci:\n    type: githup', /line 3: sources\.ci\.type .*Did you mean "github"/],
    ['an unknown field', 'sources:\n  ci: { type: github }\nrulez: []', /line \d: rulez is not a known field/],
    [
      'an unknown category',
      'sources: { ci: { type: github, wakes: [cicd/x] } }',
      /line 1: sources\.ci\.wakes\.0 .*ci-cd/,
    ],
    [
      'a type that no provider of the category has',
      'sources:\n  ci:\n    type: steadybit\n    wakes:\n      - ci-cd/x',
      /line 5: sources\.ci\.wakes\.0 has no provider whose runs a source of the type steadybit reports/,
    ],
    [
      'a connection of two sources',
      'sources:\n  a: { type: github, wakes: [ci-cd/x] }\n  b: { type: github, wakes: [ci-cd/x] }',
      /line 3: sources\.b\.wakes\.0 is a connection that the source a wakes, too/,
    ],
    ['another type of aws', 'sources: { aws: { type: github } }', /sources\.aws\.type must be eventbridge/],
  ])('is refused if the file has %s', (_name, text, message) => {
    const invalid = yamlFile('invalid', text)
    expect(() => build({ events: invalid }, two)).toThrow(message)
  })

  it.each([...documented.matchAll(/^ *```yaml\n([\s\S]*?)```$/gm)].map(([, text = '']) => text))(
    'accepts the example of docs/sources.md %#',
    (text) => {
      const example = yamlFile('example', text)
      expect(Object.keys(readEventsFile(example, categoryInfos).sources)).not.toEqual([])
    },
  )

  it('is refused without its file', () => {
    expect(() => build({ events: '/no/such/events.yaml' }, two)).toThrow('/no/such/events.yaml cannot be read (ENOENT)')
  })
})

describe('The source aws', () => {
  const rules = ({ all }: typeof deployed) =>
    all('AWS::Events::Rule').filter(({ Properties }) => Properties.Description.startsWith('Ends of runs'))

  it('gets the ends of runs of the services in the settings, with their ARNs, from rules', () => {
    const found = synthesize({ events, awsProviders }, two)
    const patterns = rules(found).map(({ Properties }) => Properties.EventPattern)
    expect(patterns.map(({ source }) => source[0]).sort()).toEqual([
      'aws.appconfig',
      'aws.codebuild',
      'aws.codepipeline',
      'aws.fis',
      'aws.sagemaker',
      'aws.sagemaker',
      'aws.sagemaker',
      'aws.ssm',
      'aws.states',
    ])
    expect(patterns).toContainEqual({
      source: ['aws.codebuild'],
      'detail-type': ['CodeBuild Build State Change'],
      detail: {
        'build-id': [{ prefix: 'arn:aws:codebuild:eu-west-1:123456789012:build/shop-build:' }],
        'build-status': ['SUCCEEDED', 'FAILED', 'FAULT', 'TIMED_OUT', 'STOPPED'],
      },
    })
    const { id } = functionOf(found, 'events', 'all')
    for (const { Properties } of rules(found))
      expect(Properties.Targets.map(({ Arn }: { Arn: unknown }) => flat(Arn))).toEqual([`<${id}.Arn>`])
  })

  it('has no rules unless the file declares it and the settings list a service', () => {
    expect(rules(deployed)).toEqual([])
    const withoutAws = yamlFile('without-aws', 'sources: { github: { type: github } }')
    expect(rules(synthesize({ events: withoutAws, awsProviders }, two))).toEqual([])
  })
})
