import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { hashSources, recordBuild } from '../../../infra/build/up-to-date.ts'
import { bundles } from '../../../infra/cli/doctor/installation.ts'
import { webhookConfigs } from '../../../infra/cli/doctor/webhook-configs.ts'
import { demo } from '../../../infra/platforms/sandbox/demo.ts'
import { type DeployedFunction, startAws, type TestAws } from './aws.ts'
import { startSandbox } from './sandbox.ts'
import { webhooks } from './webhooks.ts'

interface Finding {
  what: string
  state: string
  found: string
  advice?: string
}

const prefix = 'cloud-automation-webhooks'
let aws: TestAws
let sandbox: Awaited<ReturnType<typeof startSandbox>>
beforeAll(async () => {
  aws = await startAws()
  sandbox = await startSandbox()
})
afterAll(async () => {
  await aws.close()
  await sandbox.close()
})
beforeEach(() => {
  aws.secrets.clear()
  aws.error = undefined
  aws.concurrency = 1_000
  aws.functions = [webhook, task]
  aws.alarms = [alarm('ApiFailures')]
})

const webhook: DeployedFunction = { logicalId: 'CiCdWebhookFunction1A2B3C4D', isDurable: false, versions: [] }
const task: DeployedFunction = { logicalId: 'CiCdTaskFunction5E6F7A8B', isDurable: true, versions: [1, 2], live: 2 }
const alarm = (name: string, StateValue = 'OK', ActionsEnabled = true) => ({
  ...{ AlarmName: `CloudAutomationWebhooks-${name}`, StateValue, ActionsEnabled },
})

const store = (name: string, value: unknown) => aws.secrets.set(`${prefix}/${name}`, JSON.stringify(value))
const caller = (orchestrator: string) => ({
  tokens: [`sha256:${'a'.repeat(64)}`],
  categories: ['*'],
  orchestrator,
})

async function doctor(env: Record<string, string>, ...args: string[]) {
  const { code, out } = await webhooks(['doctor', '--json', ...args], { env })
  const findings = JSON.parse(out) as Finding[]
  return { code, out, findings, of: (what: string) => findings.find((finding) => finding.what === what) }
}

describe('webhooks doctor', () => {
  it('reports a valid setup', async () => {
    store('identity', { key: 'k'.repeat(64) })
    store('callbacks', { key: 'k'.repeat(64) })
    store('callers', { keptn: caller('keptn') })
    store('orchestrators/keptn', { type: 'keptn', baseUrl: `${sandbox.url}/sandbox/keptn`, token: demo.keptnToken })
    store('connections/issue-ticketing/default', {
      ...{ provider: 'github', baseUrl: `${sandbox.url}/sandbox/github`, token: demo.githubToken },
    })
    const { findings, of } = await doctor({ ...aws.env, WEBHOOKS_URL: sandbox.url })
    expect(of('node')).toMatchObject({ state: 'ok', found: process.version })
    expect(of('AWS')).toMatchObject({
      state: 'ok',
      found: 'arn:aws:iam::123456789012:user/Jane (account 123456789012), region eu-west-1',
    })
    expect(of('concurrency')).toMatchObject({
      state: 'ok',
      found: '1000 concurrent executions in this account and region',
    })
    expect(of('identity key')).toMatchObject({ state: 'ok' })
    expect(of('callbacks key')).toMatchObject({ state: 'ok' })
    expect(of('caller keptn')).toMatchObject({ state: 'ok', found: 'may call *; results go to keptn' })
    expect(of('orchestrator keptn')).toMatchObject({ state: 'ok' })
    expect(of('connection issue-ticketing/default')).toMatchObject({ state: 'ok', found: 'github' })
    expect(of('API')).toMatchObject({ state: 'ok' })
    // The bundles of this machine may be outdated.
    expect(findings.filter(({ what, state }) => what !== 'bundles' && state === 'wrong')).toEqual([])
  })

  it('gives advice for each problem and exits with 1', async () => {
    store('callers', { keptn: caller('prod') })
    store('orchestrators/keptn', { type: 'keptn', baseUrl: `${sandbox.url}/sandbox/keptn`, token: 'a-wrong-token' })
    store('connections/issue-ticketing/default', { provider: 'github', token: 'a-wrong-token', baseUrl: sandbox.url })
    const { code, out, findings, of } = await doctor({ ...aws.env, WEBHOOKS_URL: 'http://127.0.0.1:9' })
    for (const key of ['identity key', 'callbacks key'])
      expect(of(key)).toMatchObject({ state: 'wrong', advice: expect.stringContaining('npx cdk deploy') })
    expect(of('caller keptn')).toMatchObject({ state: 'wrong', advice: 'Run webhooks orchestrator add prod.' })
    expect(of('orchestrator keptn')).toMatchObject({ state: 'wrong', found: expect.stringContaining('401') })
    expect(of('connection issue-ticketing/default')).toMatchObject({
      state: 'wrong',
      advice: expect.stringContaining('webhooks connect issue-ticketing/default'),
    })
    expect(of('API')).toMatchObject({ state: 'wrong', advice: 'Check WEBHOOKS_URL.' })
    expect(findings.filter(({ state, advice }) => state === 'wrong' && !advice)).toEqual([])
    expect(out).not.toContain('a-wrong-token')
    expect(code).toBe(1)
  })

  it('warns about the low concurrency limit of a new account', async () => {
    aws.concurrency = 10
    const { of } = await doctor(aws.env)
    expect(of('concurrency')).toMatchObject({
      state: 'note',
      found: '10 concurrent executions in this account and region; calls above this limit fail with 5xx',
      advice: expect.stringContaining('request-service-quota-increase'),
    })
  })

  it('warns about credentials that are sent over plain HTTP', async () => {
    store('identity', { key: 'k'.repeat(64) })
    store('orchestrators/keptn', { type: 'keptn', baseUrl: 'http://keptn.invalid/keptn', token: 'a-keptn-token' })
    store('connections/issue-ticketing/default', { provider: 'github', baseUrl: sandbox.url, token: 'a-github-token' })
    store('orchestrators/jenkins', {
      ...{ type: 'callback', allow: ['http://jenkins.invalid/webhook-step/'], signingKey: `whsec_${'A'.repeat(32)}` },
    })
    const { findings } = await doctor(aws.env)
    expect(findings.filter(({ found }) => found.includes('uses plain HTTP'))).toEqual([
      {
        what: 'orchestrator jenkins',
        state: 'note',
        found: 'http://jenkins.invalid uses plain HTTP',
        advice: expect.stringContaining('use https://'),
      },
      {
        what: 'orchestrator keptn',
        state: 'note',
        found: 'http://keptn.invalid uses plain HTTP',
        advice: expect.stringContaining('use https://'),
      },
    ])
  })

  it('checks the concurrency, aliases, versions and alarms of the stack', async () => {
    const { of } = await doctor(aws.env)
    expect(of('stack CloudAutomationWebhooks')).toMatchObject({ state: 'ok', found: '2 functions' })
    expect(of('reserved concurrency')).toMatchObject({ state: 'ok', found: 'none' })
    expect(of('aliases')).toMatchObject({ state: 'ok', found: 'live is the newest version of 1 functions' })
    expect(of('versions')).toMatchObject({ state: 'ok', found: '1 old versions' })
    expect(of('alarms')).toMatchObject({ state: 'ok', found: '1, none in alarm' })
  })

  it('reports what is wrong with the stack', async () => {
    const versions = Array.from({ length: 30 }, (_, at) => at + 1)
    aws.functions = [
      { ...webhook, reserved: 0 },
      { ...task, live: 0 },
      { ...task, logicalId: 'SloTaskFunction', versions, live: 29 },
    ]
    aws.alarms = [alarm('CiCdTasksFailed', 'ALARM'), alarm('ApiFailures', 'OK', false)]
    const { code, findings, of } = await doctor(aws.env)
    expect(of('reserved concurrency')).toMatchObject({
      state: 'wrong',
      found: expect.stringMatching(/^0 for CiCdWebhookFunction/),
    })
    expect(of('aliases')).toMatchObject({
      state: 'wrong',
      found: expect.stringContaining('CiCdTaskFunction have no alias live'),
    })
    expect(of('versions')).toMatchObject({ state: 'note', advice: 'Run webhooks versions prune.' })
    expect(of('alarms')).toMatchObject({ state: 'wrong', found: 'in alarm: CiCdTasksFailed' })
    expect(findings).toContainEqual(expect.objectContaining({ found: 'actions are disabled: ApiFailures' }))
    expect(code).toBe(1)
    aws.functions = [{ ...task, versions: [1, 2, 3] }]
    expect((await doctor(aws.env)).of('aliases')).toMatchObject({
      state: 'note',
      found: expect.stringContaining('not the newest version'),
    })
  })

  it('notes that the stack is not deployed', async () => {
    aws.functions = []
    expect((await doctor(aws.env)).of('stack CloudAutomationWebhooks')).toMatchObject({ state: 'note' })
  })

  it('reports missing AWS credentials as a note', async () => {
    const { of } = await doctor({})
    expect(of('AWS')).toMatchObject({ state: 'note', found: 'no credentials or no region' })
    expect(of('secrets')).toMatchObject({ state: 'note' })
    expect(of('local runtime')?.state).not.toBe('wrong')
  })

  it('reports expired credentials', async () => {
    aws.error = { type: 'ExpiredTokenException', message: 'The security token included in the request is expired' }
    const { code, of } = await doctor(aws.env)
    expect(of('AWS')).toMatchObject({ state: 'wrong', advice: expect.stringContaining('Log in again') })
    expect(code).toBe(1)
  })

  it('prints a table with the advice below each line', async () => {
    const { out } = await webhooks(['doctor'])
    expect(out).toMatch(/^ +what +found\nok +node +v\d+/)
    expect(out).toMatch(/note +AWS +no credentials or no region\n +-> The local runtime does not need them\./)
  })
})

describe('webhookConfigs', () => {
  let folder: string
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'doctor-'))
  })
  afterEach(() => rmSync(folder, { recursive: true }))

  const write = (name: string, query: string, sendFinished: boolean) => {
    const url = `https://h.example/v1/issue-ticketing/open-issue${query}`
    const subscription = {
      ...{ type: 'sh.keptn.event.openticket.triggered', subscriptionID: name, sendFinished },
      requests: [{ url, method: 'POST' }],
    }
    const config = { apiVersion: 'webhookconfig.keptn.sh/v1beta1', spec: { webhooks: [subscription] } }
    writeFileSync(join(folder, name), JSON.stringify(config))
  }
  const checkFiles = (...files: string[]) => webhookConfigs(files.map((file) => join(folder, file)))

  it('finds the file in the working directory and checks it for contradictory events', async () => {
    write('webhook.yaml', '', false)
    const { code, out } = await webhooks(['doctor', '--json'], { cwd: folder })
    const findings = JSON.parse(out) as Finding[]
    expect(findings).toContainEqual({
      what: 'webhook configuration',
      state: 'ok',
      found: 'webhook.yaml, subscriptions: 1',
    })
    expect(findings).toContainEqual({
      what: 'subscription webhook.yaml',
      state: 'wrong',
      found: 'sh.keptn.event.openticket.triggered: openticket.finished is never sent, so the sequence hangs.',
      advice: expect.stringContaining('Add mode=interactive to the URL'),
    })
    expect(code).toBe(1)
  })

  it('checks several files together', () => {
    write('project.yaml', '?mode=interactive', false)
    write('stage.yaml', '?mode=interactive', false)
    expect(checkFiles('project.yaml').map(({ state }) => state)).toEqual(['ok'])
    expect(checkFiles('project.yaml', 'stage.yaml').map(({ state }) => state)).toEqual(['ok', 'ok', 'wrong'])
  })

  it('reports files that Keptn would reject or that cannot be read', () => {
    writeFileSync(join(folder, 'empty.yaml'), 'apiVersion: webhookconfig.keptn.sh/v1beta1')
    expect(checkFiles('empty.yaml', 'missing.yaml')).toMatchObject([
      { state: 'wrong', found: expect.stringContaining("missing 'webhooks[]' part") },
      { state: 'wrong', found: expect.stringContaining('ENOENT'), advice: 'Check the path given as --webhook-config.' },
    ])
  })
})

describe('bundles', () => {
  let root: string
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'doctor-'))
  })
  afterEach(() => rmSync(root, { recursive: true }))
  const file = (name: string, text = '') => {
    mkdirSync(dirname(join(root, name)), { recursive: true })
    writeFileSync(join(root, name), text)
  }
  const check = () => bundles(root, join(root, 'dist'), [['ci-cd', 'webhook.js']])[0]
  const build = () => {
    file('dist/ci-cd/webhook.js')
    recordBuild(join(root, 'dist'), { hash: hashSources(root), files: ['ci-cd/webhook.js'] })
  }

  it('reports missing bundles', () => {
    expect(check()).toMatchObject({ state: 'wrong', found: 'missing: ci-cd', advice: 'Run npm run build.' })
  })

  it('reports bundles that are older than a source', () => {
    file('shared/http/client.ts', 'one')
    build()
    expect(check()).toMatchObject({ state: 'ok', found: '1, up to date' })
    file('shared/http/client.ts', 'two')
    expect(check()).toMatchObject({ state: 'wrong', found: 'a source changed after the build' })
  })

  it('reports a deleted file of the build', () => {
    build()
    file('dist/ci-cd/webhook.js')
    recordBuild(join(root, 'dist'), { hash: hashSources(root), files: ['ci-cd/webhook.js', 'ci-cd/task.js'] })
    expect(check()).toMatchObject({ state: 'wrong' })
  })
})
