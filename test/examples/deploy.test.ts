import { execFile } from 'node:child_process'
import { chmodSync, globSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'
import { search } from '@aws-lambda-powertools/jmespath'
import { afterAll, beforeEach, describe, expect, it } from '@jest/globals'
import { parse } from 'yaml'
import { quoteForShell } from '../../infra/project/shell-words.ts'
import { tokenHash } from '../../infra/project/token-hash.ts'
import { definePlatform } from '../../infra/testing/define-platform.ts'
import { ok, serve } from '../../infra/testing/loopback-server.ts'
import { requireHeader } from '../../infra/testing/require-header.ts'
import { synthesize } from '../infra/aws/synthesize.ts'
import { aws } from '../infra/cli/aws.ts'
import { temporaryFolder } from '../temporary-folder.ts'

const ROOT = join(import.meta.dirname, '../..')
const WEBHOOKS_URL = 'https://abc.execute-api.eu-west-1.amazonaws.com/v1'
const MACHINE = 'arn:aws:states:eu-west-1:123456789012:stateMachine:remediation'
const run = promisify(execFile)

/** A command that a script ran. */
interface Command {
  program: string
  args: string[]
  stdin: string
  /** The contents of the files that the arguments name. */
  files: string[]
}

/** Returns what a command prints. */
let answer: (command: Command) => string = () => ''
const commands: Command[] = []
// No vendor's tool runs: the tests are about the arguments of the commands and their order. The CLI of this project is the real one.
const recorder = await serve(({ text }) => {
  const { stdin, ...command } = JSON.parse(text)
  const files = command.args.flatMap((arg: string) => /^(?:--resource=|file:\/\/)(.+)$/.exec(arg)?.[1] ?? [])
  const recorded: Command = { ...command, stdin, files: files.map((file: string) => readFileSync(file, 'utf8')) }
  commands.push(recorded)
  return { status: 200, body: answer(recorded), headers: { 'content-type': 'text/plain' } }
})
afterAll(() => recorder.close())
beforeEach(() => {
  commands.splice(0)
  answer = () => ''
  aws.reset()
})

const scratch = temporaryFolder()
const recordScript = join(scratch, 'record.cjs')
writeFileSync(
  recordScript,
  `const [program, ...args] = process.argv.slice(2)
const reads = args.includes('-') || args.some((arg) => arg.endsWith('/dev/stdin'))
const stdin = reads ? require('node:fs').readFileSync(0, 'utf8') : ''
const body = JSON.stringify({ program, args, stdin })
fetch('${recorder.url}', { method: 'POST', body }).then(async (response) => process.stdout.write(await response.text()))
`,
)
/** Returns a script that runs Node.js. A path in its first line could not contain spaces. */
const script = (args: string[], first = '') =>
  `#!/bin/sh\n${first}exec ${[process.execPath, '--no-warnings', ...args].map(quoteForShell).join(' ')} "$@"\n`
const recording = (program: string) => script([recordScript, program])
const cli = script([join(ROOT, 'infra/cli/main.ts')], 'shift\n')

/** Creates a folder for PATH. */
function executables(name: string, programs: Record<string, string>): string {
  const folder = join(scratch, name)
  mkdirSync(folder)
  for (const [program, text] of Object.entries(programs)) {
    writeFileSync(join(folder, program), text)
    chmodSync(join(folder, program), 0o755)
  }
  return folder
}
const tools = executables('tools', {
  aws: recording('aws'),
  kubectl: recording('kubectl'),
  keptn: recording('keptn'),
  npx: cli,
})

/** Runs a script of the examples in the folder of the project. */
async function deploy(script: string, env: Record<string, string>, { args = [] as string[], path = tools } = {}) {
  const program = script.endsWith('.mjs') ? process.execPath : 'sh'
  const PATH = [path, join(process.execPath, '..'), process.env['PATH']].join(delimiter)
  return run(program, [`examples/${script}`, ...args], { cwd: ROOT, env: { ...aws.env, PATH, ...env } })
}

/** Returns the commands as lines, without the options that are not listed. */
const lines = () => commands.map(({ program, args }) => [program, ...args].join(' '))

const scripts = globSync('*/{deploy,setup}.{sh,mjs}', { cwd: join(ROOT, 'examples') })

it.each(scripts)('%s names a variable that is not set, and what to set it to', async (script) => {
  await expect(deploy(script, {})).rejects.toMatchObject({
    stderr: expect.stringMatching(/[A-Z]+_?[A-Z]+(?:: | is not set\. )Set it to .{15}/),
  })
  expect(commands).toEqual([])
})

it.each(scripts.filter((script) => script.endsWith('.sh')))('%s is valid for a POSIX shell', async (script) => {
  await run('sh', ['-n', join(ROOT, 'examples', script)])
})

describe('argo-rollouts/deploy.sh', () => {
  const settings = { WEBHOOKS_URL, CLUSTER: 'blue', IMAGE: 'registry.example.com/cart:2' }

  it('saves the token of a new caller, and applies the files with the settings', async () => {
    const { stdout, stderr } = await deploy('argo-rollouts/deploy.sh', settings)
    expect(lines()).toEqual([
      'kubectl get secret webhooks --ignore-not-found --output name',
      'kubectl create secret generic webhooks --from-file token=/dev/stdin',
      'kubectl apply --filename -',
      'kubectl apply --filename -',
    ])
    const [, created, ...applied] = commands.map(({ stdin }) => stdin)
    const { tokens, categories } = aws.stored('callers')['argo-rollouts']
    expect([tokens, categories]).toEqual([[tokenHash(created ?? '')], ['load-testing']])
    expect(stdout + stderr).not.toContain(created)
    const [template, rollout] = applied.map((text) => parse(text))
    expect(template.spec.metrics[0].provider.web.url).toMatch(
      'https://abc.execute-api.eu-west-1.amazonaws.com/v1/load-testing/start-test?mode=gate',
    )
    expect(rollout.spec.template.spec.containers[0].image).toBe(settings.IMAGE)
    expect(JSON.stringify(rollout.spec.strategy)).toContain('{"name":"cluster","value":"blue"}')
  })

  it('creates no token if the cluster has one', async () => {
    answer = ({ args }) => (args[0] === 'get' ? 'secret/webhooks\n' : '')
    await deploy('argo-rollouts/deploy.sh', settings)
    expect(lines().filter((line) => !line.includes('apply'))).toHaveLength(1)
    expect(aws.stored('callers')).toBeNull()
  })
})

describe('step-functions-remediation/deploy.sh', () => {
  /** Answers a query as the AWS CLI does with --output text. */
  const textOf = (args: readonly string[], data: object) => {
    const found = search(args[args.indexOf('--query') + 1] ?? '', data as Parameters<typeof search>[1])
    return `${[found].flat().join('\t')}\n`
  }
  const aliases = synthesize().all('AWS::Lambda::Alias')
  const StackResourceSummaries = aliases.map(({ id, Type }) => ({
    LogicalResourceId: id,
    ResourceType: Type,
    PhysicalResourceId: `arn:aws:lambda:eu-west-1:123456789012:function:${id}`,
  }))
  const Stacks = [{ Outputs: [{ OutputKey: 'StateMachineArn', OutputValue: MACHINE }] }]
  const asAws = ({ args }: Command) => (args[1] === 'deploy' ? '' : textOf(args, { StackResourceSummaries, Stacks }))

  it('deploys the template with the aliases of the webhooks, and prints the setting for cdk.json', async () => {
    answer = asAws
    const { stdout } = await deploy('step-functions-remediation/deploy.sh', { ALARM: 'checkout-errors' })
    expect(aws.stored('orchestrators/step-functions')).toEqual({ type: 'step-functions' })
    const { remediation } = aws.stored('callers')
    expect(remediation).toMatchObject({
      categories: ['remediation', 'slo', 'issue-ticketing'],
      orchestrator: 'step-functions',
    })
    const alias = (name: string) =>
      expect.stringMatching(new RegExp(`^${name}Webhook=arn:\\S+:function:${name}WebhookLive\\w+$`))
    expect(commands.map(({ args }) => args[1])).toEqual([
      ...Array(3).fill('list-stack-resources'),
      'deploy',
      'describe-stacks',
    ])
    expect(commands[3]?.args.slice(-4)).toEqual([
      'AlarmName=checkout-errors',
      alias('Remediation'),
      alias('Slo'),
      alias('IssueTicketing'),
    ])
    expect(stdout.trim().split('\n').at(-1)).toBe(`"awsProviders": { "step-functions": ["${MACHINE}"] }`)

    await deploy('step-functions-remediation/deploy.sh', { ALARM: 'checkout-errors' })
    expect(aws.stored('callers')).toEqual({ remediation })
  })

  it('deploys nothing if the stack has no webhooks', async () => {
    answer = () => '\n'
    await expect(deploy('step-functions-remediation/deploy.sh', { ALARM: 'a', STACK: 'Other' })).rejects.toMatchObject({
      stderr: expect.stringContaining(
        'The stack Other has no alias live of the Remediation webhook. Deploy the webhooks',
      ),
    })
    expect(lines()).toHaveLength(1)
    expect(aws.stored('callers')).toBeNull()
  })
})

describe('dynatrace-problem/deploy.mjs', () => {
  const token = 'dt0s16.SAMPLE.SECRET'
  /** @see WorkflowCreate and WorkflowUpdate in the package @dynatrace-sdk/client-automation */
  const fields = ['description', 'input', 'schemaVersion', 'tasks', 'title', 'trigger', 'type']
  const startAutomation = definePlatform({
    base: '/platform/automation/v1',
    state: () => ({ workflows: new Map<string, Record<string, unknown>>() }),
    refuses: requireHeader('authorization', `Bearer ${token}`, { status: 401, body: { error: { message: 'no' } } }),
    routes: {
      'PUT /workflows/{id}': ({ state: { workflows }, params: { id }, body }) => {
        if (!workflows.has(id)) return undefined
        workflows.set(id, body)
        return body
      },
      'POST /workflows': ({ state: { workflows }, body: { id, ...others } }) => {
        workflows.set(id, others)
        return { status: 201, body: others }
      },
    },
  })

  it('creates the workflow, and updates the same one next time', async () => {
    const dynatrace = await startAutomation()
    const env = { WEBHOOKS_URL, DYNATRACE_URL: dynatrace.url, DYNATRACE_TOKEN: `${token}\n` }
    const first = await deploy('dynatrace-problem/deploy.mjs', env)
    const second = await deploy('dynatrace-problem/deploy.mjs', env)
    const refused = deploy('dynatrace-problem/deploy.mjs', { ...env, DYNATRACE_TOKEN: 'dt0s16.OTHER' })
    await expect(refused).rejects.toMatchObject({
      stderr: 'Dynatrace responded with 401: {"error":{"message":"no"}}\n',
    })
    await dynatrace.close()
    const page = `${dynatrace.url}/ui/apps/dynatrace.automations/workflows/`
    expect(first.stdout).toContain(`Created the workflow "Problem to issue and feature flag": ${page}`)
    expect(second.stdout).toBe(first.stdout.replace('Created', 'Updated'))
    const [workflow = {}, ...others] = dynatrace.state.workflows.values()
    expect(others).toEqual([])
    expect(Object.keys(workflow).sort()).toEqual(fields)
    expect(Object.keys(Object(workflow['trigger']).eventTrigger)).toEqual(['isActive', 'triggerConfiguration'])
    const sent = JSON.stringify(workflow)
    expect(sent).toContain('"https://abc.execute-api.eu-west-1.amazonaws.com/v1/issue-ticketing/open-issue"')
    expect(sent).not.toMatch(/null|example\.com/)
    const unreachable = deploy('dynatrace-problem/deploy.mjs', env)
    await expect(unreachable).rejects.toMatchObject({
      stderr: `Cannot send a request to ${dynatrace.url}: ECONNREFUSED\n`,
    })
  })
})

describe('keptn-release/deploy.mjs', () => {
  const startKeptn = definePlatform({
    base: '/api',
    state: () => ({ secrets: [] as unknown[], subscriptions: {} as Record<string, unknown>, hasProject: false }),
    refuses: requireHeader('x-token', 'keptn-api-token', { status: 401 }),
    routes: {
      'GET /controlPlane/v1/project/release-demo': ({ state }) => (state.hasProject ? {} : undefined),
      'PUT /secrets/v1/secret': ({ state, body }) =>
        state.secrets.length > 0 ? ok(state.secrets.push(body)) : undefined,
      'POST /secrets/v1/secret': ({ state, body }) => ({ status: 201, body: state.secrets.push(body) }),
      'GET /controlPlane/v1/uniform/registration': ({ query }) =>
        query.get('name') === 'webhook-service' ? [{ id: 'a1', name: 'webhook-service' }] : [],
      'PUT /controlPlane/v1/uniform/registration/a1/subscription/{id}': ({ state, params: { id }, body }) => {
        state.subscriptions[id] = body
        return { status: 201, body: { id } }
      },
    },
  })

  it('creates the project, its files, its secret and its subscriptions, and updates them next time', async () => {
    const keptn = await startKeptn()
    const env = {
      WEBHOOKS_URL,
      WEBHOOKS_TOKEN: 'the-token',
      KEPTN_API: `${keptn.url}/api`,
      KEPTN_TOKEN: 'keptn-api-token',
    }
    const git = ['--git-remote-url=https://git.example.com/release.git', '--git-user=jane', '--git-token=git-token']
    const { stdout } = await deploy('keptn-release/deploy.mjs', env, { args: git })
    const place = '--project=release-demo --service=casdemoapp --all-stages'
    const add = expect.stringMatching(
      `^keptn add-resource ${place} --resource=.*/webhook.yaml --resourceUri=webhook/webhook.yaml$`,
    )
    const shipyard = join(ROOT, 'examples/keptn-release/shipyard.yaml')
    expect(lines()).toEqual([
      `keptn create project release-demo --shipyard=${shipyard} ${git.join(' ')}`,
      'keptn create service casdemoapp --project=release-demo',
      add,
    ])
    const { webhooks } = parse(commands[2]?.files[0] ?? '').spec
    expect(webhooks[0].requests[0].url).toMatch(
      'https://abc.execute-api.eu-west-1.amazonaws.com/v1/ci-cd/trigger-deployment?mode=interactive',
    )
    const { secretRef } = webhooks[0].envFrom[0]
    expect(keptn.state.secrets).toEqual([
      { name: secretRef.name, scope: 'keptn-webhook-service', data: { [secretRef.key]: 'the-token' } },
    ])
    const subscriptions = webhooks.map(({ subscriptionID, type }: { subscriptionID: string; type: string }) => [
      subscriptionID,
      { event: type, filter: { projects: ['release-demo'] } },
    ])
    expect(keptn.state.subscriptions).toEqual(Object.fromEntries(subscriptions))
    expect(stdout).not.toContain('the-token')

    keptn.state.hasProject = true
    const refused = deploy('keptn-release/deploy.mjs', { ...env, KEPTN_TOKEN: 'other' })
    await expect(refused).rejects.toMatchObject({
      stderr: expect.stringMatching(/^Keptn responded to GET \/controlPlane\/v1\/project\/release-demo with 401: /),
    })
    commands.splice(0)
    await deploy('keptn-release/deploy.mjs', { ...env, WEBHOOKS_TOKEN: 'another' })
    expect(lines()).toEqual([add])
    expect(keptn.state.secrets).toMatchObject([{ data: { token: 'the-token' } }, { data: { token: 'another' } }])
    await keptn.close()
  })
})

it('agent-registry/deploy.sh creates the record of the tools of the caller', async () => {
  const mcp = await serve(({ path, headers }) =>
    path === '/v1/mcp' && headers.authorization === 'Bearer the-token'
      ? ok({ jsonrpc: '2.0', id: 1, result: { tools: [{ name: 'ci-cd_trigger-build' }] } })
      : { status: 404 },
  )
  const env = { WEBHOOKS_URL: `${mcp.url}/v1`, WEBHOOKS_TOKEN: 'the-token', REGISTRY_ID: 'r-1' }
  await deploy('agent-registry/deploy.sh', env)
  await mcp.close()
  expect(lines()).toEqual([
    expect.stringMatching(
      '^aws agent-registry-control create-registry-record --registry-id r-1 --cli-input-json file://',
    ),
  ])
  const { descriptors } = JSON.parse(commands[0]?.files[0] ?? '')
  expect(descriptors.mcpServer.additionalData.tools.data).toContain('ci-cd_trigger-build')
  expect(JSON.parse(descriptors.mcpServer.data).remotes).toMatchObject([{ url: `${mcp.url}/v1/mcp` }])
})

it('github-gate-k6/setup.sh saves the connection, and creates the App of the organization', async () => {
  // Both commands need the network.
  const path = executables('recorded-cli', { npx: recording('npx') })
  await deploy('github-gate-k6/setup.sh', { WEBHOOKS_URL, ORGANIZATION: 'acme' }, { path })
  expect(lines()).toEqual([
    'npx webhooks connect load-testing/k6 --from-file examples/github-gate-k6/connection.json',
    `npx webhooks github manifest k6-gate --url ${WEBHOOKS_URL} --action load-testing/start-test --connection k6 --deadline PT1H --organization acme --repositories acme/*`,
  ])
})
