import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from '@jest/globals'
import { build as bundle } from 'esbuild'
import { categories } from '../../../functions/index.ts'
import { permissionsOf, type Resource, root, synthesize } from './synthesize.ts'

/** Which module is the entry point of which function. */
const modules = {
  webhook: 'shared/function/webhook.ts',
  task: 'shared/function/task.ts',
  finisher: 'shared/function/finisher.ts',
}
type Entry = keyof typeof modules

/** What Lambda does with a function's role by itself. */
const byLambda = ['logs:CreateLogStream', 'logs:PutLogEvents']
const byLambdaOnDeadLetters = ['sqs:SendMessage']

const servicePrefixes: Record<string, string> = {
  '@aws-sdk/client-dynamodb': 'dynamodb',
  '@aws-sdk/client-lambda': 'lambda',
  '@aws-sdk/client-secrets-manager': 'secretsmanager',
}
/** Where the action has another name than the API's operation. */
const otherNames: Record<string, string> = { 'lambda:Invoke': 'lambda:InvokeFunction' }

const deployed = synthesize({}, categories)
const code = new Map<string, { text: string; clients: string[] }>()

/** All code that a function may run, less the AWS SDK: what is never used is shaken out. */
async function codeOf(entry: Entry, category: string) {
  const key = `${category}/${entry}`
  const known = code.get(key)
  if (known) return known
  const { outputFiles, metafile } = await bundle({
    absWorkingDir: root,
    stdin: {
      contents: [
        `export * from './${modules[entry]}'`,
        ...(entry === 'finisher' ? [] : [`export * from './functions/${category}/index.ts'`]),
      ].join('\n'),
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
    external: ['@aws-sdk/*'],
  })
  const imports = Object.values(metafile.outputs).flatMap((output) => output.imports)
  const found = {
    text: outputFiles.map(({ text }) => text).join('\n'),
    clients: [...new Set(imports.map(({ path }) => path))].filter((path) => path.startsWith('@aws-sdk/client-')),
  }
  code.set(key, found)
  return found
}

/** The calls to AWS in a function's code, as IAM actions. */
async function callsOf(entry: Entry, category: string): Promise<string[]> {
  const { text, clients } = await codeOf(entry, category)
  const operations = [
    ...[...text.matchAll(/new (?:\w+\.)?([A-Z]\w+Command)\d*\(/g)].map(([, command = '']) => command),
    ...[...text.matchAll(/\bpaginate([A-Z]\w+?)\d*\(/g)].map(([, operation]) => `${operation}Command`),
  ]
  const exported = await Promise.all(
    clients.map(async (client) => ({ client, names: Object.keys((await import(client)) as object) })),
  )
  return unique(
    operations.map((operation) => {
      const owners = exported
        .filter(({ names }) => names.includes(operation))
        .map(({ client }) => servicePrefixes[client])
      if (owners.length !== 1 || !owners[0]) throw new Error(`Whose is ${operation}? ${owners.join(', ')}`)
      const action = `${owners[0]}:${operation.replace(/Command$/, '')}`
      return otherNames[action] ?? action
    }),
  )
}

/** The first parts of the names of the secrets that a function's code reads. */
async function secretsOf(entry: Entry, category: string): Promise<string[]> {
  const { text } = await codeOf(entry, category)
  return unique(
    [...text.matchAll(/["'`](callers|orchestrators|connections)(?=["'`/])/g)].map(([, first = '']) => first),
  )
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

function unique(names: string[]): string[] {
  return [...new Set(names)].sort()
}

function functionOf(entry: Entry, category: string): Resource {
  const id = entry === 'finisher' ? 'Finisher' : category.replace(/(?:^|-)(\w)/g, (_, letter) => letter.toUpperCase())
  const found = deployed
    .all('AWS::Lambda::Function')
    .find((fn) => fn.Properties.Handler === `${entry}.handler` && fn.id.startsWith(id))
  if (!found) throw new Error(`There is no function for ${entry} of ${category}.`)
  return found
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
      connections: `connections/${category}/*`,
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
