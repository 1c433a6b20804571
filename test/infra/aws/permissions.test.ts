import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from '@jest/globals'
import { build as bundle } from 'esbuild'
import { categories } from '../../../functions/index.ts'
import { awsPermissions } from '../../../infra/aws/aws-permissions.ts'
import { permissionsOf as permissionsForArns } from '../../../infra/aws/provider-permissions.ts'
import { temporaryFolder } from '../../temporary-folder.ts'
import { waitForAll } from '../../wait-for-all.ts'
import { categoryInfos } from './category-infos.ts'
import {
  allSettings,
  awsProviders,
  functionOf as find,
  flat,
  isAttached,
  permissionsOf,
  type Resource,
  root,
  synthesize,
  yamlFile,
} from './synthesize.ts'

/** The handler of each function. */
const modules = {
  webhook: 'shared/core/webhook/handler.ts',
  task: 'shared/core/task/handler.ts',
  dispatch: 'shared/dispatch/handler.ts',
  events: 'shared/events/handler.ts',
  finisher: 'shared/core/task/finisher.ts',
  mcp: 'shared/agents/handler.ts',
  stops: 'shared/core/operate-stops.ts',
}
type Entry = keyof typeof modules

/** Actions of Lambda itself with the role of a function. */
const byLambda = ['logs:CreateLogStream', 'logs:PutLogEvents']
const byLambdaOnDeadLetters = ['sqs:SendMessage']
const byLambdaOnQueue = ['sqs:DeleteMessage', 'sqs:GetQueueAttributes', 'sqs:GetQueueUrl', 'sqs:ReceiveMessage']

const servicePrefixes: Record<string, string> = {
  '@aws-sdk/client-appconfig': 'appconfig',
  '@aws-sdk/client-codebuild': 'codebuild',
  '@aws-sdk/client-codepipeline': 'codepipeline',
  '@aws-sdk/client-dynamodb': 'dynamodb',
  '@aws-sdk/client-lambda': 'lambda',
  '@aws-sdk/client-sagemaker': 'sagemaker',
  '@aws-sdk/client-secrets-manager': 'secretsmanager',
  '@aws-sdk/client-sfn': 'states',
  '@aws-sdk/client-ssm': 'ssm',
}
/** IAM actions whose name differs from the API operation. */
const otherNames: Record<string, string> = {
  'lambda:Invoke': 'lambda:InvokeFunction',
  'sqs:SendMessageBatch': 'sqs:SendMessage',
}
/** IAM actions of the functions of shared/aws/lambda.ts. */
const lambdaCalls: Record<string, string> = {
  startExecution: 'InvokeFunction',
  invokeFunction: 'InvokeFunction',
  findExecutionArn: 'ListDurableExecutionsByFunction',
  getExecution: 'GetDurableExecution',
  getHistory: 'GetDurableExecutionHistory',
  historyOf: 'GetDurableExecutionHistory',
  completeCallback: 'SendDurableExecutionCallbackSuccess',
}
/** IAM actions of calls without the SDK, by request; `{}` is an id. */
const restCalls: Record<string, Record<string, string[]>> = {
  fis: {
    // Tags are set at the start.
    'POST experiments': ['StartExperiment', 'TagResource'],
    'GET experiments/{}': ['GetExperiment'],
    'DELETE experiments/{}': ['StopExperiment'],
  },
  // The operation is in the form.
  sns: { 'POST ': ['Publish', 'GetTopicAttributes'] },
  ses: { 'POST v2/email/outbound-emails': ['SendEmail'], 'GET v2/email/identities/{}': ['GetEmailIdentity'] },
  // The operation is in a header.
  monitoring: { 'POST ': ['PutMetricData'] },
  events: { 'POST ': ['PutEvents', 'DescribeEventBus'] },
  'application-signals': { 'POST budget-report': ['BatchGetServiceLevelObjectiveBudgetReport'] },
}

/** Services whose IAM prefix differs from the name in signatures. */
const iamPrefixes: Record<string, string> = { monitoring: 'cloudwatch' }

/** A source for each category whose jobs can be woken, with the name of the category. */
const woken = categoryInfos.flatMap(({ name, notifiedBy: [type] }) => (type === undefined ? [] : [{ name, type }]))
const sources = woken.map(({ name, type }) => `  ${name}: { type: ${type}, wakes: [${name}/default] }`)
/** The rule of a source for each category. */
const rules = categories.flatMap(({ name, actions }) => {
  const [action] = Object.entries(actions).find(([, { type }]) => type !== 'approval') ?? []
  return [`  - { name: ${name}, source: alerts, call: ${name}/${action} }`]
})
const events = yamlFile(
  'permissions',
  ['sources:', '  alerts: { type: http }', ...sources, 'rules:', ...rules].join('\n'),
)
const policy = yamlFile(
  'policy',
  'approval: { connection: ops }\nrules: [{ name: a, oneAtATime: { per: "{connection}" } }]',
)
const deployed = synthesize({ events, policy, auditEvents: true }, categoryInfos)

/** Each provider for an AWS service in each of its categories. */
const awsConnections = categories.flatMap(({ name, providers }) =>
  Object.keys(providers)
    .filter((provider) => provider.startsWith('aws-'))
    .map((provider) => ({ provider, category: name })),
)

/** Large packages that never call AWS. Bundling them takes most of the time. */
const withoutCalls = ['zod', 'zod/*', '@aws-lambda-powertools/jmespath', '@aws-lambda-powertools/jmespath/*']

interface Code {
  text: string
  clients: string[]
}

/** The modules of each function without the providers for AWS services, and of each provider. */
const webhooks = categories.map(({ name }) => [`webhook ${name}`, modules.webhook, `functions/${name}/index.ts`])
const others = [
  ...categories.map(({ name }) => [`task ${name}`, modules.task, `functions/${name}/index.ts`]),
  ['dispatch all', modules.dispatch],
  ['events all', modules.events],
  ['finisher all', modules.finisher],
  ['mcp all', modules.mcp],
  ['stops all', modules.stops],
  ['step-functions', 'shared/orchestrators/step-functions.ts'],
  ...awsConnections.map(({ provider, category }) => [`${provider} ${category}`, moduleOf(category, provider)]),
]
// Only webhooks serve routes and cancel approvals.
const codeOfLists = [
  { lists: webhooks, external: [] },
  { lists: others, external: ['*-route.ts', './cancel.ts'] },
]
const code = new Map((await waitForAll(codeOfLists.map(({ lists, external }) => codeIn(lists, external)))).flat())

/** Bundles the code of modules and their imports, without the AWS SDK and unused code. Each list starts with its name. */
async function codeIn(lists: string[][], external: string[]): Promise<[name: string, Code][]> {
  const folder = temporaryFolder()
  for (const [at, [, ...files]] of lists.entries())
    writeFileSync(
      join(folder, `${at}.ts`),
      files.map((file) => `export * from ${JSON.stringify(join(root, file))}`).join('\n'),
    )
  const { outputFiles, metafile } = await bundle({
    absWorkingDir: root,
    entryPoints: lists.map((_, at) => ({ in: join(folder, `${at}.ts`), out: String(at) })),
    outdir: root,
    bundle: true,
    write: false,
    metafile: true,
    format: 'esm',
    platform: 'node',
    target: 'node24',
    mainFields: ['module', 'main'],
    external: ['@aws-sdk/*', './aws-*', './step-functions.ts', ...withoutCalls, ...external],
  })
  return lists.map(([name = ''], at) => {
    const imported = new Set(metafile.outputs[`${at}.js`]?.imports.map(({ path }) => path))
    const text = outputFiles.find(({ path }) => path === join(root, `${at}.js`))?.text ?? ''
    return [name, { text, clients: [...imported].filter((path) => path.startsWith('@aws-sdk/client-')) }]
  })
}

/** A category may use a provider of another category. */
function moduleOf(category: string, provider: string): string {
  const files = [category, ...categories.map(({ name }) => name)].map(
    (name) => `functions/${name}/${provider}/${provider}.ts`,
  )
  const found = files.find((file) => existsSync(join(root, file)))
  if (!found) throw new Error(`No module for ${provider}`)
  return found
}

/** Returns the code of a function, of a provider of a category, or of an orchestrator. */
function codeOf(...words: string[]): Code {
  const found = code.get(words.join(' '))
  if (!found?.text) throw new Error(`No code of ${words.join(' ')}`)
  return found
}

/** Returns the calls to AWS in code, as IAM actions. */
async function callsIn({ text, clients }: Code): Promise<string[]> {
  const operations = [
    ...[...text.matchAll(/new (?:\w+\.)?([A-Z]\w+Command)\d*\(/g)].map(([, command = '']) => command),
    ...[...text.matchAll(/\bpaginate([A-Z]\w+?)\d*\(/g)].map(([, operation]) => `${operation}Command`),
  ]
  const exported = await waitForAll(
    clients.map(async (client) => ({ client, names: Object.keys((await import(client)) as object) })),
  )
  return unique([
    ...signedCallsIn(text),
    ...serviceCallsIn(text),
    ...operations.map((operation) => {
      const owners = exported
        .filter(({ names }) => names.includes(operation))
        .map(({ client }) => servicePrefixes[client])
      if (owners.length !== 1 || !owners[0])
        throw new Error(`Expected one client with ${operation}: ${owners.join(', ')}`)
      const action = `${owners[0]}:${operation.replace(/Command$/, '')}`
      return otherNames[action] ?? action
    }),
  ])
}

/** Returns the calls of the clients of shared/aws. */
function serviceCallsIn(text: string): string[] {
  const named = [...text.matchAll(/\b(dynamodb|secretsManager|sqs)\d*\(\s*"(\w+)"/g)]
    .map(([, service = '', operation]) => `${service.toLowerCase()}:${operation}`)
    .map((action) => otherNames[action] ?? action)
  const used = Object.entries(lambdaCalls).filter(([name]) =>
    new RegExp(`(?<!function\\*? )\\b${name}\\d*\\(`).test(text),
  )
  if (/(?<!function )\bputEvent\d*\(/.test(text)) named.push('events:PutEvents')
  return [...named, ...used.map(([, action]) => `lambda:${action}`)]
}

/** Returns the calls that a provider signs itself. */
function signedCallsIn(text: string): string[] {
  const [, service] = /\bservice\d*(?::| =) "([a-z-]+)"/i.exec(text) ?? []
  // Every role may ask for its own identity, which a token for Amazon EKS contains.
  if (service === undefined || service === 'sts') return []
  if (service === 'execute-api') return ['execute-api:Invoke']
  const calls = [...text.matchAll(/\bhttp\d*\.(get|post|put|patch|delete|request)\(\s*(?:["`]([^"`]*))?/g)]
  return calls.flatMap(([code, method = '', path = '']) => {
    const actions = restCalls[service]?.[`${method.toUpperCase()} ${path.replace(/\$\{[^}]*\}/g, '{}')}`]
    if (!actions) throw new Error(`Unknown call of ${service}: ${code}. Add it to restCalls.`)
    return actions.map((action) => `${iamPrefixes[service] ?? service}:${action}`)
  })
}

/** Returns the first part of the names of the secrets that a function reads. */
function secretsOf(entry: Entry, category: string): string[] {
  const { text } = codeOf(entry, category)
  const names = [...text.matchAll(/["'`](callers|orchestrators|connections)(?=["'`/])/g)]
  // Libraries also use the word.
  const identity = [...text.matchAll(/readSecret\d*\("(identity|approvals|callbacks|people)"/g)]
  return unique([...names, ...identity].map(([, first = '']) => first))
}

/** Returns the environment variables that a function reads, and the required ones. */
function variablesOf(entry: Entry, category: string): { read: string[]; required: string[] } {
  const { text } = codeOf(entry, category)
  const source = readFileSync(join(root, 'shared/settings.ts'), 'utf8')
  const getters = [...source.matchAll(/get (\w+)\(\)[^{]*\{([^}]*)\}/g)].map(([, name = '', body = '']) => ({
    name,
    variable: /'([A-Z_]+)'/.exec(body)?.[1] ?? '',
    required: body.includes('required('),
  }))
  const used = getters.filter(({ name }) => new RegExp(`\\bsettings\\d*\\.${name}\\b`).test(text))
  return {
    read: unique(used.map(({ variable }) => variable)),
    required: unique(used.filter(({ required }) => required).map(({ variable }) => variable)),
  }
}

function callsOf(entry: Entry, category: string): Promise<string[]> {
  return callsIn(codeOf(entry, category))
}

function unique(names: string[]): string[] {
  return [...new Set(names)].sort()
}

function functionOf(entry: Entry, category: string, stack = deployed): Resource {
  return find(stack, entry, category)
}

const functions: [Entry, string][] = [
  ...categories.flatMap(({ name }): [Entry, string][] => [
    ['webhook', name],
    ['task', name],
  ]),
  ['dispatch', 'all'],
  ['events', 'all'],
  ['finisher', 'all'],
  ['mcp', 'all'],
]

describe.each(functions)('the role of the %s of %s', (entry, category) => {
  const permissions = permissionsOf(deployed, functionOf(entry, category))

  it('allows exactly the calls of its code', async () => {
    const calls = await callsOf(entry, category)
    const dead = entry === 'task' || entry === 'finisher' ? byLambdaOnDeadLetters : []
    const queue = entry === 'dispatch' ? byLambdaOnQueue : []
    expect([...permissions.keys()].sort()).toEqual([...calls, ...byLambda, ...dead, ...queue].sort())
  })

  it('allows exactly the secrets that its code reads', () => {
    const prefix =
      'arn:<AWS::Partition>:secretsmanager:<AWS::Region>:<AWS::AccountId>:secret:cloud-automation-webhooks/'
    const resources: Record<string, string> = {
      callers: 'callers-??????',
      approvals: 'approvals-??????',
      people: 'people-??????',
      connections: `connections/${category}/*`,
      identity: 'identity-??????',
      callbacks: 'callbacks-??????',
      orchestrators: 'orchestrators/*',
    }
    const ofSources = ['alerts', ...woken.map(({ name }) => name)].map((name) => `sources/${name}-??????`)
    const read = entry === 'events' ? ofSources : secretsOf(entry, category)
    // The limits for its rules.
    if (entry === 'webhook') read.push('sources/alerts-??????')
    // The function for agents reads only the names of connections.
    if (entry === 'mcp') expect(read.splice(read.indexOf('connections'), 1)).toEqual(['connections'])
    expect((permissions.get('secretsmanager:GetSecretValue') ?? []).sort()).toEqual(
      read.map((first) => `${prefix}${resources[first] ?? first}`).sort(),
    )
  })

  it('belongs to a function with exactly the variables that its code reads', () => {
    const { read, required } = variablesOf(entry, category)
    const variables = Object.keys(functionOf(entry, category).Properties.Environment.Variables)
    // Every function has the prefix of the secrets. This one reads none.
    if (entry === 'dispatch') read.push('WEBHOOKS_SECRET_PREFIX')
    expect(variables.filter((name) => !read.includes(name))).toEqual([])
    expect(required.filter((name) => !variables.includes(name))).toEqual([])
  })

  it('has no action with a wildcard, and allows all resources only for ListSecrets', () => {
    for (const [action, resources] of permissions) {
      expect(action).not.toContain('*')
      if (resources.includes('*')) expect(action).toBe('secretsmanager:ListSecrets')
    }
  })
})

describe('the permissions for Lambda', () => {
  it('no function may call other functions, except to ask people or the policy, and to wake tasks that wait for it', () => {
    const asks = (action: string, resource: string) =>
      (action === 'lambda:InvokeFunction' && /^<(NotificationTaskLive|TodaysPolicyAsk)/.test(resource)) ||
      action === 'lambda:SendDurableExecutionCallbackSuccess'
    for (const { name } of categories) {
      const mine = functionOf('task', name).id
      const [webhook, task] = [functionOf('webhook', name), functionOf('task', name)]
      for (const fn of [webhook, task]) {
        for (const [action, resources] of permissionsOf(deployed, fn)) {
          if (action.startsWith('lambda:'))
            expect(
              resources.filter(
                (resource) => !resource.startsWith(`<${mine.replace(/Function\w+$/, '')}`) && !asks(action, resource),
              ),
            ).toEqual([])
        }
      }
    }
  })

  it('the function for agents may invoke only the alias of the webhooks that refuses direct calls', () => {
    const invoked = permissionsOf(deployed, functionOf('mcp', 'all')).get('lambda:InvokeFunction')
    expect(invoked).toEqual(categories.map(() => expect.stringMatching(/^<\w+WebhookHttp\w+>$/)))
    const aliases = deployed.properties('AWS::Lambda::Alias').filter(({ Name }) => Name === 'http')
    expect(aliases).toHaveLength(categories.length)
    for (const { FunctionVersion } of aliases)
      expect(flat(FunctionVersion)).toMatch(/^<\w+WebhookFunctionCurrentVersion/)
  })

  it.each([
    ['lambda:InvokeFunction', [/^<\w+TaskLive\w+>$/]],
    ['lambda:ListDurableExecutionsByFunction', [/^<\w+TaskFunction\w+\.Arn>$/, /^<\w+TaskLive\w+>$/]],
    ['lambda:GetDurableExecution', [/^<\w+TaskFunction\w+\.Arn>:\*$/]],
  ])('%s is allowed for the form of ARN that Lambda checks', (action, forms) => {
    const resources = permissionsOf(deployed, functionOf('webhook', categories[0].name)).get(action) ?? []
    expect(resources).toEqual(forms.map((form) => expect.stringMatching(form)))
  })
})

const answers = await callsIn(codeOf('step-functions'))

describe('The orchestrator step-functions', () => {
  const listed = { 'step-functions': awsProviders['step-functions'] }
  const stack = synthesize({ events, awsProviders: listed }, categoryInfos)

  it.each(functions)(
    'lets the %s of %s send answers to the state machines in cdk.json, if it sends answers',
    (entry, category) => {
      const before = permissionsOf(deployed, functionOf(entry, category))
      const added = [...permissionsOf(stack, functionOf(entry, category, stack))].filter(
        ([action]) => !before.has(action),
      )
      const sendsAnswers = entry === 'task' || entry === 'finisher'
      const expected = sendsAnswers ? answers.map((call) => [call, awsProviders['step-functions']]) : []
      expect(added.sort()).toEqual(expected)
    },
  )
})

const roles = ['arn:aws:iam::210987654321:role/webhooks']
const everything = synthesize({ awsProviders: { ...awsProviders, assumeRoles: roles } }, categoryInfos)

/** Returns a stack with a category for each of some connections, which has no other provider. */
function stackOf(connections: typeof awsConnections) {
  return synthesize(
    { awsProviders, observability: 'minimal' },
    connections.map(({ provider, category }) => {
      const info = categoryInfos.find(({ name }) => name === category)
      if (!info) throw new Error(`No category ${category}`)
      return { ...info, name: `${category}-${provider}`, providers: [provider] }
    }),
  )
}

// One stack for all would have too many resources.
const half = Math.ceil(awsConnections.length / 2)
const [first, second] = [stackOf(awsConnections.slice(0, half)), stackOf(awsConnections.slice(half))]

const ofEntries = awsConnections.flatMap(({ provider, category }, at) =>
  (['webhook', 'task'] as const).map((entry) => [provider, entry, category, at < half ? first : second] as const),
)

describe.each(ofEntries)('a connection to %s: the role of the %s of %s', (provider, entry, category, single) => {
  const before = permissionsOf(deployed, functionOf(entry, category))
  // Only the functions of `deployed` send audit events.
  before.delete('events:PutEvents')
  const permissions = permissionsOf(single, functionOf(entry, `${category}-${provider}`, single))
  // The task also answers to Step Functions.
  const added = [...permissions.keys()].filter((action) => !before.has(action) && !answers.includes(action))

  it('allows exactly the calls of its code for the ARNs in cdk.json', async () => {
    const calls = await callsIn(codeOf(provider, category))
    expect(calls.length).toBeGreaterThan(0)
    // Not a call: Systems Manager and SageMaker require it to pass a role.
    expect(added.filter((action) => action !== 'iam:PassRole').sort()).toEqual(calls)
    expect(added.includes('iam:PassRole')).toBe(['aws-sagemaker', 'aws-ssm-automation'].includes(provider))
  })

  it('allows nothing without ARNs in cdk.json', () => {
    const { [provider]: _, ...others } = awsProviders
    const names = categoryInfos.find(({ name }) => name === category)?.providers ?? []
    const without = permissionsForArns(names, others).flatMap(({ actions }) => actions)
    expect(added.filter((action) => without.includes(action))).toEqual([])
  })

  it('contains no action with a wildcard, and only ARNs in cdk.json or below them', () => {
    const named = (awsProviders[provider] ?? []).map((arn) => arn.replace(/\*$/, ''))
    for (const action of added) {
      expect(action).not.toContain('*')
      for (const resource of permissions.get(action) ?? []) {
        const inForm = resource
          .replace(':automation-definition/', ':document/')
          .replace(':execution:', ':stateMachine:')
        const below = named.some((arn) => inForm.startsWith(arn) || arn.startsWith(`${inForm}/`))
        const execution =
          /^arn:aws:(?:ssm:eu-west-1:<AWS::AccountId>:automation-execution|fis:eu-west-1:123456789012:experiment)\/\*$/.test(
            resource,
          )
        const unnamed = ['ssm:CreateOpsItem', 'ssm:DescribeOpsItems', 'cloudwatch:PutMetricData']
        const listed = resource === '*' && unnamed.includes(action)
        expect({ action, resource, ok: below || execution || listed }).toMatchObject({ ok: true })
      }
    }
  })

  it('may assume only the roles in cdk.json', () => {
    const inAll = permissionsOf(everything, functionOf(entry, category, everything))
    expect(inAll.get('sts:AssumeRole')).toEqual(roles)
    expect(permissions.has('sts:AssumeRole')).toBe(false)
  })
})

describe('providers for AWS services', () => {
  it('each have a permissions file, and no other provider has one', () => {
    const names = Object.keys(awsPermissions).filter((name) => name !== 'step-functions')
    expect(unique(awsConnections.map(({ provider }) => provider))).toEqual(names)
  })

  it('only their categories may assume other roles', () => {
    for (const { provider, category } of awsConnections)
      expect(codeOf(provider, category).text).toContain('fromTemporaryCredentials')
    for (const { name } of categories) expect(codeOf('webhook', name).text).not.toContain('fromTemporaryCredentials')
    for (const { name, providers } of categories) {
      const has = Object.keys(providers).some((provider) => provider.startsWith('aws-'))
      for (const entry of ['webhook', 'task'] as const)
        expect(permissionsOf(everything, functionOf(entry, name, everything)).has('sts:AssumeRole')).toBe(has)
    }
    expect(permissionsOf(everything, functionOf('finisher', 'all', everything)).has('sts:AssumeRole')).toBe(false)
  })

  it.each([2, 40, 60])('stay within the limits of IAM, with everything on and %i runbooks', (count) => {
    const documents = Array.from({ length: count }, (_, index) => `Runbook-of-the-shop-${index}`)
    const ssm = documents.map((name) => `arn:aws:ssm:eu-west-1:123456789012:document/${name}`)
    const rules = `approval: { connection: ops }
rules: [{ name: one, oneAtATime: { per: "{connection}" } }, { name: five, atMost: { count: 5, per: PT1H, for: "{connection}" } }]`
    const policy = yamlFile('iam-limits', rules)
    const providers = { ...allSettings.awsProviders, 'aws-ssm-automation': ssm }
    const { events: _, ...settings } = allSettings
    const { all } = synthesize({ ...settings, policy, awsProviders: providers }, categoryInfos)
    const inline = all('AWS::IAM::Policy')
    const own = all('AWS::IAM::ManagedPolicy')
    for (const { Properties } of own) expect(lengthOf(Properties.PolicyDocument)).toBeLessThan(6_144)
    for (const { id } of all('AWS::IAM::Role')) {
      const lengths = inline
        .filter((each) => isAttached(each, id))
        .map(({ Properties }) => lengthOf(Properties.PolicyDocument))
      expect({ id, length: lengths.reduce((sum, length) => sum + length, 0) < 10_240 }).toEqual({ id, length: true })
      expect(own.filter((each) => isAttached(each, id)).length).toBeLessThan(10)
    }
  })

  it('are limited to the regions and namespaces in cdk.json, and passed roles to their service', () => {
    const policies = everything.all('AWS::IAM::Policy')
    const statements = policies.flatMap(({ Properties }) => Properties.PolicyDocument.Statement)
    const of = (action: string) => statements.filter(({ Action }) => [Action].flat().includes(action))
    expect(of('ssm:CreateOpsItem').length).toBeGreaterThan(0)
    expect(of('cloudwatch:PutMetricData').length).toBeGreaterThan(0)
    for (const { Condition } of of('cloudwatch:PutMetricData'))
      expect(Condition).toEqual({ StringEquals: { 'cloudwatch:namespace': ['CloudAutomation/SLO'] } })
    for (const { Condition } of of('ssm:CreateOpsItem'))
      expect(Condition).toEqual({ StringEquals: { 'aws:RequestedRegion': ['eu-west-1'] } })
    for (const { Condition, Resource } of of('iam:PassRole')) {
      const service = [Resource].flat().includes('arn:aws:iam::123456789012:role/trainings') ? 'sagemaker' : 'ssm'
      expect(Condition).toEqual({ StringEquals: { 'iam:PassedToService': `${service}.amazonaws.com` } })
    }
  })
})

/** An ARN that a template names has about as many characters. */
const ARN_LENGTH = 130

/** Returns the length of a policy, as IAM counts it. */
function lengthOf(document: unknown): number {
  return JSON.stringify(document, (_name, value) =>
    typeof value === 'object' && value !== null && ('Ref' in value || 'Fn::GetAtt' in value || 'Fn::Join' in value)
      ? flat(value).replace(/<[^>]*\.Arn>/g, 'x'.repeat(ARN_LENGTH))
      : value,
  ).length
}
