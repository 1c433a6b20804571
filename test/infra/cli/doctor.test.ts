import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { beforeEach, describe, expect, it } from '@jest/globals'
import { hashSources, recordBuild } from '../../../infra/build/up-to-date.ts'
import { bundles } from '../../../infra/cli/doctor/installation.ts'
import { webhookConfigs } from '../../../infra/cli/doctor/webhook-configs.ts'
import { tokenHash } from '../../../infra/project/token-hash.ts'
import { demo } from '../../../infra/sandbox/platforms/sandbox/demo.ts'
import { temporaryFolder } from '../../temporary-folder.ts'
import { aws, type DeployedFunction } from './aws.ts'
import { sandbox } from './sandbox.ts'
import { webhooks } from './webhooks.ts'

interface Finding {
  what: string
  state: string
  found: string
  advice?: string
}

const folder = temporaryFolder()
beforeEach(() => {
  aws.reset()
  aws.functions = [webhook, task]
  aws.alarms = [alarm('ApiFailures')]
})

const webhook: DeployedFunction = {
  logicalId: 'CiCdWebhookFunction1A2B3C4D',
  isDurable: false,
  versions: [3, 4],
  live: 4,
}
const task: DeployedFunction = { logicalId: 'CiCdTaskFunction5E6F7A8B', isDurable: true, versions: [1, 2], live: 2 }
const alarm = (name: string, StateValue = 'OK', ActionsEnabled = true) => ({
  AlarmName: `CloudAutomationWebhooks-${name}`,
  StateValue,
  ActionsEnabled,
})

const { store } = aws
const caller = (orchestrator: string) => ({
  tokens: [`sha256:${'a'.repeat(64)}`],
  categories: ['*'],
  orchestrator,
})

/** Returns all findings, and the first of each subject. */
async function doctor(env: Record<string, string> = aws.env, cwd?: string) {
  const { code, out } = await webhooks('doctor --json', { env, ...(cwd ? { cwd } : {}) })
  const findings = JSON.parse(out) as Finding[]
  const of = Object.fromEntries(findings.toReversed().map(({ what, ...finding }) => [what, finding]))
  return { code, out, findings, of }
}
const ok = (found: unknown) => ({ state: 'ok', found })
const note = (found: unknown, advice: string) => ({ state: 'note', found, advice: expect.stringContaining(advice) })
const wrong = (found: string, advice: string) => ({
  state: 'wrong',
  found: expect.stringContaining(found),
  advice: expect.stringContaining(advice),
})

describe('webhooks doctor', () => {
  it('reports a valid setup', async () => {
    store('identity', { key: 'k'.repeat(64) })
    store('callbacks', { key: 'k'.repeat(64) })
    store('callers', { keptn: caller('keptn') })
    store('orchestrators/keptn', { type: 'keptn', baseUrl: `${sandbox.url}/sandbox/keptn`, token: demo.keptnToken })
    store('connections/issue-ticketing/default', {
      provider: 'github',
      baseUrl: `${sandbox.url}/sandbox/github`,
      token: demo.githubToken,
    })
    const { of } = await doctor({ ...aws.env, WEBHOOKS_URL: sandbox.url })
    expect(of).toMatchObject({
      node: ok(process.version),
      AWS: ok('arn:aws:iam::123456789012:user/Jane (account 123456789012), region eu-west-1'),
      concurrency: ok('1000 concurrent executions in this account and region'),
      'identity key': { state: 'ok' },
      'callbacks key': { state: 'ok' },
      'caller keptn': ok('may call *; results go to keptn'),
      'orchestrator keptn': { state: 'ok' },
      'connection issue-ticketing/default': ok('github'),
      API: { state: 'ok' },
      'stack CloudAutomationWebhooks': ok('2 functions'),
      'reserved concurrency': ok('none'),
      aliases: ok('live is the newest version of 2 functions'),
      versions: ok('2 old versions'),
      alarms: ok('1, none in alarm'),
    })
    // The bundles of this machine may be outdated.
    const { bundles: _, ...others } = of
    expect(Object.values(others).filter(({ state }) => state === 'wrong')).toEqual([])
  })

  it('gives advice for each problem and exits with 1', async () => {
    store('callers', { keptn: caller('prod') })
    store('orchestrators/keptn', { type: 'keptn', baseUrl: `${sandbox.url}/sandbox/keptn`, token: 'a-wrong-token' })
    store('connections/issue-ticketing/default', { provider: 'github', token: 'a-wrong-token', baseUrl: sandbox.url })
    const { code, out, findings, of } = await doctor({ ...aws.env, WEBHOOKS_URL: 'http://127.0.0.1:9' })
    expect(of).toMatchObject({
      'identity key': wrong('', 'npx cdk deploy'),
      'callbacks key': wrong('', 'npx cdk deploy'),
      'caller keptn': wrong('', 'Run npx webhooks orchestrator add prod.'),
      'orchestrator keptn': wrong('401', ''),
      'connection issue-ticketing/default': wrong('', 'webhooks connect issue-ticketing/default'),
      API: wrong('', 'Check WEBHOOKS_URL.'),
    })
    expect(findings.filter(({ state, advice }) => state === 'wrong' && !advice)).toEqual([])
    expect(out).not.toContain('a-wrong-token')
    expect(code).toBe(1)
  })

  it.each([
    ['a caller', 'a-token-for-verify', ok('valid for the caller verify')],
    ['no caller', 'another-token', wrong('of no caller', 'Run npx webhooks token rotate <caller> --for-verify.')],
    ['a secret that is not valid', 1, wrong('token must be text', '')],
  ])('checks the token for verify: that of %s', async (_, token, finding) => {
    store('callers', { verify: { tokens: [tokenHash('a-token-for-verify')], categories: ['*'], allow: [] } })
    store('verify', { token })
    expect((await doctor()).of).toMatchObject({ 'verify token': finding })
  })

  it('warns about credentials that are sent over plain HTTP', async () => {
    store('identity', { key: 'k'.repeat(64) })
    store('orchestrators/keptn', { type: 'keptn', baseUrl: 'http://keptn.invalid/keptn', token: 'a-keptn-token' })
    store('connections/issue-ticketing/default', { provider: 'github', baseUrl: sandbox.url, token: 'a-github-token' })
    store('orchestrators/jenkins', {
      type: 'callback',
      allow: ['http://jenkins.invalid/webhook-step/'],
      signingKey: `whsec_${'A'.repeat(32)}`,
    })
    const { findings } = await doctor()
    expect(findings.filter(({ found }) => found.includes('uses plain HTTP'))).toEqual(
      ['jenkins', 'keptn'].map((name) => ({
        what: `orchestrator ${name}`,
        ...note(`http://${name}.invalid uses plain HTTP`, 'use https://'),
      })),
    )
  })

  it('reports what is wrong with the stack', async () => {
    const versions = Array.from({ length: 30 }, (_, at) => at + 1)
    aws.functions = [
      { ...webhook, reserved: 0, live: 0 },
      { ...task, live: 0 },
      { ...task, logicalId: 'SloTaskFunction', versions, live: 29 },
    ]
    aws.alarms = [alarm('CiCdTasksFailed', 'ALARM'), alarm('ApiFailures', 'OK', false)]
    const { code, findings } = await doctor()
    for (const finding of [
      { what: 'reserved concurrency', ...wrong('0 for CiCdWebhookFunction', '') },
      { what: 'aliases', ...wrong('CiCdWebhookFunction, CiCdTaskFunction have no alias live', '') },
      { what: 'versions', ...note(expect.anything(), 'Run npx webhooks versions prune.') },
      { what: 'alarms', ...wrong('in alarm: CiCdTasksFailed', '') },
      { found: 'actions are disabled: ApiFailures' },
    ])
      expect(findings).toContainEqual(expect.objectContaining(finding))
    expect(code).toBe(1)
  })

  const quota = '10 concurrent executions in this account and region; calls above this limit fail with 5xx'
  const old = { state: 'note', found: expect.stringContaining('not the newest version') }
  it.each([
    ['a low limit', { concurrency: 10 }, 'concurrency', note(quota, 'request-service-quota-increase')],
    ['an old alias', { functions: [{ ...task, versions: [1, 2, 3] }] }, 'aliases', old],
    ['a missing stack', { functions: [] }, 'stack CloudAutomationWebhooks', { state: 'note' }],
  ])('notes %s', async (_, state, what, finding) => {
    Object.assign(aws, state)
    expect((await doctor()).of).toMatchObject({ [what]: finding })
  })

  it('reports missing AWS credentials as a note', async () => {
    const { of } = await doctor({})
    expect(of).toMatchObject({ AWS: note('no credentials or no region', ''), secrets: { state: 'note' } })
    expect(of['local runtime']?.state).not.toBe('wrong')
  })

  it('reports expired credentials', async () => {
    aws.error = { type: 'ExpiredTokenException', message: 'The security token included in the request is expired' }
    expect(await doctor()).toMatchObject({ code: 1, of: { AWS: wrong('', 'Log in again') } })
  })

  it('prints a table with the advice below each line', async () => {
    const { out } = await webhooks('doctor')
    expect(out).toMatch(/^ +what +found\nok +node +v\d+/)
    expect(out).toMatch(/note +AWS +no credentials or no region\n +-> The local runtime does not need them\./)
  })
})

describe('webhookConfigs', () => {
  const write = (name: string, query: string, sendFinished: boolean) => {
    const url = `https://h.example/v1/issue-ticketing/open-issue${query}`
    const subscription = {
      type: 'sh.keptn.event.openticket.triggered',
      subscriptionID: name,
      sendFinished,
      requests: [{ url, method: 'POST' }],
    }
    const config = { apiVersion: 'webhookconfig.keptn.sh/v1beta1', spec: { webhooks: [subscription] } }
    writeFileSync(join(folder, name), JSON.stringify(config))
  }
  const checkFiles = (...files: string[]) => webhookConfigs(files.map((file) => join(folder, file)))

  it('finds the file in the working directory and checks it for contradictory events', async () => {
    write('webhook.yaml', '', false)
    const problem = 'sh.keptn.event.openticket.triggered: openticket.finished is never sent, so the sequence hangs.'
    expect(await doctor({}, folder)).toMatchObject({
      code: 1,
      of: {
        'webhook configuration': ok('webhook.yaml, subscriptions: 1'),
        'subscription webhook.yaml': wrong(problem, 'Add mode=interactive to the URL'),
      },
    })
  })

  it('checks several files together', () => {
    write('project.yaml', '?mode=interactive', false)
    write('stage.yaml', '?mode=interactive', false)
    expect(checkFiles('project.yaml').map(({ state }) => state)).toEqual(['ok'])
    expect(checkFiles('project.yaml', 'stage.yaml').map(({ state }) => state)).toEqual(['ok', 'ok', 'wrong'])
  })

  it('notes a silent evaluation, whose warning Keptn would lose', () => {
    write('silent.yaml', '', true)
    const file = join(folder, 'silent.yaml')
    writeFileSync(file, readFileSync(file, 'utf8').replace('issue-ticketing/open-issue', 'slo/request-evaluation'))
    const found = expect.stringContaining('if the result is warning, Keptn finishes openticket with pass.')
    expect(checkFiles('silent.yaml')).toMatchObject([{ state: 'ok' }, { state: 'note', found }])
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
  const root = join(folder, 'project')
  beforeEach(() => rmSync(root, { recursive: true, force: true }))
  const file = (name: string, text = '') => {
    mkdirSync(dirname(join(root, name)), { recursive: true })
    writeFileSync(join(root, name), text)
  }
  const check = () => bundles(root, join(root, 'dist'), [['ci-cd', 'webhook.js']])[0]
  const build = (...deleted: string[]) => {
    file('dist/ci-cd/webhook.js')
    recordBuild(join(root, 'dist'), { hash: hashSources(root), files: ['ci-cd/webhook.js', ...deleted] })
  }

  it('reports missing bundles, and bundles that are older than a source', () => {
    expect(check()).toMatchObject({ state: 'wrong', found: 'missing: ci-cd', advice: 'Run npm run build.' })
    file('shared/http/client.ts', 'one')
    build()
    expect(check()).toMatchObject(ok('1, up to date'))
    file('shared/http/client.ts', 'two')
    expect(check()).toMatchObject({ state: 'wrong', found: 'a source changed after the build' })
  })

  it('reports a deleted file of the build', () => {
    build('ci-cd/task.js')
    expect(check()).toMatchObject({ state: 'wrong' })
  })
})
