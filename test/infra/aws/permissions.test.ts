import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from '@jest/globals'
import { build as bundle } from 'esbuild'
import { categories } from '../../../functions/index.ts'
import { type AwsProvider, providerAccess } from '../../../infra/aws/provider-permissions.ts'
import { awsProviders, functionOf as find, permissionsOf, type Resource, root, synthesize } from './synthesize.ts'

/** Which module is the entry point of which function. */
const modules = {
  webhook: 'shared/core/http/handler.ts',
  task: 'shared/core/task/handler.ts',
  finisher: 'shared/core/task/finisher.ts',
}
type Entry = keyof typeof modules

/** What Lambda does with a function's role by itself. */
const byLambda = ['logs:CreateLogStream', 'logs:PutLogEvents']
const byLambdaOnDeadLetters = ['sqs:SendMessage']

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
/** Where the action has another name than the API's operation. */
const otherNames: Record<string, string> = { 'lambda:Invoke': 'lambda:InvokeFunction' }
/** What IAM asks for where a service is called without the SDK, by its calls; `{}` is an id. */
const restCalls: Record<string, Record<string, string[]>> = {
  fis: {
    // They are tagged as they are started.
    'POST experiments': ['StartExperiment', 'TagResource'],
    'GET experiments/{}': ['GetExperiment'],
    'DELETE experiments/{}': ['StopExperiment'],
  },
  // Which call it is stands in the form.
  sns: { 'POST ': ['Publish', 'GetTopicAttributes'] },
  // Which call it is stands in a header.
  monitoring: { 'POST ': ['PutMetricData'] },
  events: { 'POST ': ['PutEvents', 'DescribeEventBus'] },
  'application-signals': { 'POST budget-report': ['BatchGetServiceLevelObjectiveBudgetReport'] },
}

/** Where IAM calls a service otherwise than signatures do. */
const iamPrefixes: Record<string, string> = { monitoring: 'cloudwatch' }

const deployed = synthesize({}, categories)
const code = new Map<string, Promise<{ text: string; clients: string[] }>>()

/** All code that a function may run, but that of providers that are part of AWS. */
function codeOf(entry: Entry, category: string) {
  return codeIn(modules[entry], ...(entry === 'finisher' ? [] : [`functions/${category}/index.ts`]))
}

/** The code of modules and of all that they use, less the AWS SDK: what is never used is shaken out. */
function codeIn(...files: string[]) {
  const key = files.join()
  const found = code.get(key) ?? bundled(files)
  code.set(key, found)
  return found
}

async function bundled(files: string[]) {
  // Doors are opened by the webhook alone.
  const doors = files.includes(modules.webhook) ? [] : ['*-door.ts']
  const { outputFiles, metafile } = await bundle({
    absWorkingDir: root,
    stdin: {
      contents: files.map((file) => `export * from './${file}'`).join('\n'),
      resolveDir: root,
      loader: 'ts',
    },
    bundle: true,
    write: false,
    metafile: true,
    format: 'esm',
    platform: 'node',
    target: 'node24',
    mainFields: ['module', 'main'],
    external: ['@aws-sdk/*', './providers/aws-*', ...doors],
  })
  const imports = Object.values(metafile.outputs).flatMap((output) => output.imports)
  return {
    text: outputFiles.map(({ text }) => text).join('\n'),
    clients: [...new Set(imports.map(({ path }) => path))].filter((path) => path.startsWith('@aws-sdk/client-')),
  }
}

/** The calls to AWS in code, as IAM actions. */
async function callsIn({ text, clients }: { text: string; clients: string[] }): Promise<string[]> {
  const operations = [
    ...[...text.matchAll(/new (?:\w+\.)?([A-Z]\w+Command)\d*\(/g)].map(([, command = '']) => command),
    ...[...text.matchAll(/\bpaginate([A-Z]\w+?)\d*\(/g)].map(([, operation]) => `${operation}Command`),
  ]
  const exported = await Promise.all(
    clients.map(async (client) => ({ client, names: Object.keys((await import(client)) as object) })),
  )
  return unique([
    ...signedCallsIn(text),
    ...operations.map((operation) => {
      const owners = exported
        .filter(({ names }) => names.includes(operation))
        .map(({ client }) => servicePrefixes[client])
      if (owners.length !== 1 || !owners[0]) throw new Error(`Whose is ${operation}? ${owners.join(', ')}`)
      const action = `${owners[0]}:${operation.replace(/Command$/, '')}`
      return otherNames[action] ?? action
    }),
  ])
}

/** The calls that no client of the SDK sends: those are signed for their service. */
function signedCallsIn(text: string): string[] {
  const [, service] = /\bservice\d*(?::| =) "([a-z-]+)"/.exec(text) ?? []
  if (service === undefined) return []
  if (service === 'execute-api') return ['execute-api:Invoke']
  const calls = [...text.matchAll(/\bhttp\d*\.(get|post|put|patch|delete|request)\(\s*(?:["`]([^"`]*))?/g)]
  return calls.flatMap(([code, method = '', path = '']) => {
    const actions = restCalls[service]?.[`${method.toUpperCase()} ${path.replace(/\$\{[^}]*\}/g, '{}')}`]
    if (!actions) throw new Error(`What does IAM ask for where ${service} is called with ${code}?`)
    return actions.map((action) => `${iamPrefixes[service] ?? service}:${action}`)
  })
}

/** The first parts of the names of the secrets that a function's code reads. */
async function secretsOf(entry: Entry, category: string): Promise<string[]> {
  const { text } = await codeOf(entry, category)
  const names = [...text.matchAll(/["'`](callers|orchestrators|connections|approvals)(?=["'`/])/g)]
  // Libraries use the word too.
  const identity = [...text.matchAll(/readSecret\d*\("(identity)"/g)]
  return unique([...names, ...identity].map(([, first = '']) => first))
}

/** The variables that a function's code reads, and which of them it can not do without. */
async function variablesOf(entry: Entry, category: string): Promise<{ read: string[]; required: string[] }> {
  const { text } = await codeOf(entry, category)
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

async function callsOf(entry: Entry, category: string): Promise<string[]> {
  return callsIn(await codeOf(entry, category))
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
  ['finisher', 'all'],
]

describe.each(functions)('the role of the %s of %s', (entry, category) => {
  const permissions = permissionsOf(deployed, functionOf(entry, category))

  it('allows the calls that its code makes, and no others', async () => {
    const calls = await callsOf(entry, category)
    const dead = entry === 'webhook' ? [] : byLambdaOnDeadLetters
    expect([...permissions.keys()].sort()).toEqual([...calls, ...byLambda, ...dead].sort())
  })

  it('opens the secrets that its code reads, and no others', async () => {
    const prefix =
      'arn:<AWS::Partition>:secretsmanager:<AWS::Region>:<AWS::AccountId>:secret:cloud-automation-webhooks/'
    const resources: Record<string, string> = {
      callers: 'callers-??????',
      approvals: 'approvals-??????',
      connections: `connections/${category}/*`,
      identity: 'identity-??????',
      orchestrators: 'orchestrators/*',
    }
    const read = await secretsOf(entry, category)
    expect(permissions.get('secretsmanager:GetSecretValue')?.sort()).toEqual(
      read.map((first) => `${prefix}${resources[first]}`),
    )
  })

  it('is for a function that is told what its code asks for, and nothing else', async () => {
    const { read, required } = await variablesOf(entry, category)
    const told = Object.keys(functionOf(entry, category).Properties.Environment.Variables)
    expect(told.filter((name) => !read.includes(name))).toEqual([])
    expect(required.filter((name) => !told.includes(name))).toEqual([])
  })

  it('has no action with a star, and a bare star for a resource only where AWS knows no other', () => {
    for (const [action, resources] of permissions) {
      expect(action).not.toContain('*')
      if (resources.includes('*')) expect(action).toBe('secretsmanager:ListSecrets')
    }
  })
})

describe('what is written in one place and used in another', () => {
  it('the calls are found at all', async () => {
    expect(await callsOf('webhook', categories[0].name)).toEqual(
      expect.arrayContaining(['dynamodb:PutItem', 'lambda:InvokeFunction', 'secretsmanager:GetSecretValue']),
    )
    expect(await callsOf('finisher', 'all')).toContain('lambda:GetDurableExecutionHistory')
  })

  it('the tasks of other categories are out of reach', () => {
    for (const { name } of categories) {
      const mine = functionOf('task', name).id
      const [webhook, task] = [functionOf('webhook', name), functionOf('task', name)]
      for (const fn of [webhook, task]) {
        for (const [action, resources] of permissionsOf(deployed, fn)) {
          if (action.startsWith('lambda:'))
            expect(
              resources.filter((resource) => !resource.startsWith(`<${mine.replace(/Function\w+$/, '')}`)),
            ).toEqual([])
        }
      }
    }
  })

  it.each([
    ['lambda:InvokeFunction', [/^<\w+TaskLive\w+>$/]],
    ['lambda:ListDurableExecutionsByFunction', [/^<\w+TaskFunction\w+\.Arn>$/, /^<\w+TaskLive\w+>$/]],
    ['lambda:GetDurableExecution', [/^<\w+TaskFunction\w+\.Arn>:\*$/]],
  ])('%s is allowed in the form of ARN that Lambda holds it against', (action, forms) => {
    const resources = permissionsOf(deployed, functionOf('webhook', categories[0].name)).get(action) ?? []
    expect(resources).toEqual(forms.map((form) => expect.stringMatching(form)))
  })
})

/** Every provider that is part of AWS, in each category that has it. */
const providers = categories.flatMap(({ name, providers }) =>
  Object.keys(providers)
    .filter((provider) => provider.startsWith('aws-'))
    .flatMap((provider) =>
      (['webhook', 'task'] as const).map((entry) => [provider as AwsProvider, entry, name] as const),
    ),
)

/** A category may use the providers of another. */
function moduleOf(category: string, provider: string): string {
  const files = [category, ...categories.map(({ name }) => name)].map(
    (name) => `functions/${name}/providers/${provider}.ts`,
  )
  const found = files.find((file) => existsSync(join(root, file)))
  if (!found) throw new Error(`Where is ${provider}?`)
  return found
}

describe.each(providers)('a connection to %s: the role of the %s of %s', (provider, entry, category) => {
  const before = permissionsOf(deployed, functionOf(entry, category))
  const configured = (settings: object) => {
    const stack = synthesize({ awsProviders: settings }, categories)
    return permissionsOf(stack, functionOf(entry, category, stack))
  }
  const permissions = configured({ [provider]: awsProviders[provider] })
  const added = [...permissions.keys()].filter((action) => !before.has(action))

  it('allows the calls of its code where cdk.json names what it may use, and no others', async () => {
    const calls = await callsIn(await codeIn(moduleOf(category, provider)))
    expect(calls.length).toBeGreaterThan(0)
    // Not a call: Systems Manager asks for it where a runbook is given a role, and SageMaker where a job is.
    expect(added.filter((action) => action !== 'iam:PassRole').sort()).toEqual(calls)
    expect(added.includes('iam:PassRole')).toBe(['aws-sagemaker', 'aws-ssm-automation'].includes(provider))
  })

  it('allows none of them where it does not', async () => {
    const others = Object.fromEntries(Object.entries(awsProviders).filter(([name]) => name !== provider))
    for (const settings of [{}, others]) {
      const without = configured(settings)
      expect(added.filter((action) => without.has(action))).toEqual([])
    }
  })

  it('names no action with a star, and nothing but what cdk.json names and what is below it', () => {
    const named = awsProviders[provider].map((arn) => arn.replace(/\*$/, ''))
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

  it('may assume the roles that cdk.json names, and none where it names none', () => {
    const roles = ['arn:aws:iam::210987654321:role/webhooks']
    expect(configured({ assumeRoles: roles }).get('sts:AssumeRole')).toEqual(roles)
    expect(permissions.has('sts:AssumeRole')).toBe(false)
  })
})

describe('providers that are part of AWS', () => {
  it('are each in the table of permissions, and nothing else is', () => {
    expect(unique(providers.map(([provider]) => provider))).toEqual(Object.keys(providerAccess).sort())
  })

  it('are the only ones that can assume another role, and only where they are used', async () => {
    for (const [provider, , category] of providers) {
      const { text } = await codeIn(moduleOf(category, provider))
      expect(/fromTemporaryCredentials/.test(text)).toBe(true)
    }
    for (const { name } of categories)
      expect(/fromTemporaryCredentials/.test((await codeOf('webhook', name)).text)).toBe(false)
    const everything = synthesize(
      { awsProviders: { ...awsProviders, assumeRoles: ['arn:aws:iam::210987654321:role/x'] } },
      categories,
    )
    for (const { name, providers } of categories) {
      const has = Object.keys(providers).some((provider) => provider.startsWith('aws-'))
      for (const entry of ['webhook', 'task'] as const)
        expect(permissionsOf(everything, functionOf(entry, name, everything)).has('sts:AssumeRole')).toBe(has)
    }
    expect(permissionsOf(everything, functionOf('finisher', 'all', everything)).has('sts:AssumeRole')).toBe(false)
  })

  it('are held to the regions and namespaces that are named, and roles to the service that they are passed to', () => {
    const policies = synthesize({ awsProviders }, categories).all('AWS::IAM::Policy')
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
