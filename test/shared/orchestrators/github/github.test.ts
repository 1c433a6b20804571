import { createHmac, generateKeyPairSync } from 'node:crypto'
import { describe, expect, it } from '@jest/globals'
import { INSTALLATION_ID, REPOSITORY_ID, SHA } from '../../../../infra/sandbox/platforms/github/deployments.ts'
import type { Call } from '../../../../infra/sandbox/platforms/loopback-server.ts'
import type { Answer, AnsweredTask } from '../../../../shared/orchestrators/orchestrator.ts'
import { type Outcome, passed } from '../../../../shared/outcome.ts'
import { clearSecrets, containsSecret } from '../../../../shared/redact.ts'
import { orchestratorConformance } from '../../../conformance/orchestrator.ts'
import { type GithubAppServer, startGithubApp } from '../../../platforms/github/app-server.ts'

const repository = 'octo-org/octo-repo'
const installed = { repository, repositoryId: REPOSITORY_ID, installationId: INSTALLATION_ID }
const FIRST_RUN_ID = 23_625_057_533

async function start(settings: object) {
  const server = await startGithubApp()
  return {
    server,
    settings: { ...server.settings, ...settings },
    secrets: [server.settings.webhookSecret, server.settings.privateKey],
    reset() {
      server.reset()
      server.startRun()
    },
  }
}

const hook = 'https://webhooks.example.com/v1'
const lacks = (state: object, message: string) => ({
  settings: {},
  failure: { message: expect.stringContaining(message) },
  change: (server: GithubAppServer) => Object.assign(server.state, state),
})

type Body = { state?: string; comment?: string; status?: string; output?: { title: string } } | undefined

const {
  server: github,
  connect,
  task,
} = orchestratorConformance('github', {
  async start() {
    const kindOf = ({ method, path, body }: Call): Answer['kind'] | undefined => {
      if (method !== 'POST' || !path.endsWith('/deployment_protection_rule')) return undefined
      const { state, comment = '' } = (body as Body) ?? {}
      if (state !== undefined) return 'finished'
      return comment.includes('started') ? 'started' : 'progress'
    }
    const played = await start({})
    const shown = () => played.server.runs[0]?.environments[0]?.decision
    return { ...played, kindOf, identityOf: ({ text }) => text, shown }
  },
  body: { id: 'a deployment' },
  replyTo: JSON.stringify({ ...installed, runId: FIRST_RUN_ID, environment: 'production' }),
  required: ['id'],
  sends: ['started', 'progress', 'finished'],
  verdicts: [
    { verdict: 'pass', shown: 'approved' },
    { verdict: 'warning', shown: 'approved' },
    { verdict: 'warning', shown: 'rejected', settings: { onWarning: 'reject' } },
    { verdict: 'fail', shown: 'rejected' },
    { verdict: 'errored', shown: 'rejected' },
    { verdict: 'aborted', shown: 'rejected' },
  ],
  failedChecks: [
    lacks({ permissions: { actions: 'read', deployments: 'read' } }, 'the permission deployments: write'),
    lacks({ permissions: { deployments: 'write' } }, 'the permission actions: read'),
    lacks({ events: [] }, 'the event deployment_protection_rule'),
    lacks({ hook: { url: `${hook}/slo/evaluate`, content_type: 'json' } }, 'orchestrator=<name>'),
    lacks({ hook: { url: `${hook}/?orchestrator=github`, content_type: 'form' } }, 'application/json'),
  ],
})

describe('With report: check', () => {
  orchestratorConformance('github', {
    async start() {
      const kindOf = ({ method, path, body }: Call): Answer['kind'] | undefined => {
        if (method === 'GET' || !/\/check-runs(\/\d+)?$/.test(path)) return undefined
        const { status, output } = (body as Body) ?? {}
        if (status === 'completed') return 'finished'
        return output?.title === 'Started' ? 'started' : 'progress'
      }
      const played = await start({ report: 'check' })
      const shown = () => played.server.state.checks.map(({ conclusion }) => conclusion)
      return { ...played, kindOf, identityOf: (call) => String(kindOf(call)), shown }
    },
    body: { id: 'run-42', repository, sha: SHA },
    required: ['id', 'repository', 'sha'],
    sends: ['started', 'progress', 'finished'],
    verdicts: [
      { verdict: 'pass', shown: ['success'] },
      { verdict: 'warning', shown: ['neutral'] },
      { verdict: 'warning', shown: ['failure'], settings: { onWarning: 'reject' } },
      { verdict: 'fail', shown: ['failure'] },
      { verdict: 'errored', shown: ['failure'] },
      { verdict: 'aborted', shown: ['cancelled'] },
    ],
  })
})

const outcome = passed('Passed: 0 errors', { id: '7' }, { 'k6 run': 'https://k6.example.com/runs/7' })
const finished = (of: Outcome = outcome): Answer => ({ kind: 'finished', outcome: of })
const failed: Outcome = { ...outcome, result: 'fail', message: '2 tests failed' }

const taskId = 'a'.repeat(40)
const taskFor = (address: object): AnsweredTask => ({ ...task(), replyTo: JSON.stringify(address) })

describe('A deployment', () => {
  function waiting(settings?: object) {
    const { run, environment } = github.startRun()
    const task = taskFor({ ...installed, runId: run.id, environment: environment.name })
    const send = (answer: Answer, attempts = 0) => connect(settings).send(task, answer, attempts)
    return { run, environment, send }
  }
  const decisions = () => github.calls.filter(({ body }) => (body as Body)?.state !== undefined)

  it('gets a comment with the message, the links and the task', async () => {
    const { environment, send } = waiting()
    await send(finished())
    expect(environment.comments).toEqual([
      `✅ pass\\: Passed\\: 0 errors\n\n- [k6 run](https://k6.example.com/runs/7)\n\n[Task ${taskId}](https://webhooks.example.com/v1/load-testing/tasks/${taskId})`,
    ])
  })

  it('gets a comment of at most 1,024 characters that always names the task', async () => {
    const { environment, send } = waiting()
    await send(finished({ ...failed, message: '*'.repeat(5_000) }))
    expect(environment.comments[0]?.length).toBeLessThanOrEqual(1_024)
    expect(environment.comments[0]?.length).toBeGreaterThan(900)
    expect(environment.comments[0]).toContain(taskId)
  })

  it('is decided without a comment if its ten comments are used up', async () => {
    const { environment, send } = waiting()
    environment.comments.push(...Array.from({ length: 10 }, (_, index) => `comment ${index}`))
    expect(await send({ kind: 'started' })).toBe('sent')
    expect(await send(finished())).toBe('sent')
    expect([environment.decision, environment.comments.length]).toEqual(['approved', 10])
    // Only the waiting deployments show a decision without a comment.
    github.calls.splice(0)
    expect(await send(finished(), 1)).toBe('sent')
    expect(decisions()).toEqual([])
  })

  it.each([false, true])('whose response was lost is decided once, with another rule: %s', async (hasOtherRule) => {
    const { environment, send } = waiting()
    environment.hasOtherRule = hasOtherRule
    github.loseNext(({ path }) => path.endsWith('/deployment_protection_rule'))
    await expect(send(finished())).rejects.toMatchObject({ transient: true })
    expect(await send(finished(), 1)).toBe('sent')
    expect([environment.decision, decisions().length]).toEqual(['approved', 1])
  })

  it('whose request never arrived is decided by the next attempt, also after a comment about the task', async () => {
    const { environment, send } = waiting()
    await send({ kind: 'started' })
    github.failNext(502, {}, { on: 'POST', times: 2 })
    await expect(send(finished())).rejects.toMatchObject({ transient: true })
    github.recover()
    expect(await send(finished(), 1)).toBe('sent')
    expect(environment.decision).toBe('approved')
  })

  it.each(['approved', 'rejected'] as const)('that was %s by another way wants no answer', async (decision) => {
    const { environment, send } = waiting()
    environment.decision = decision
    expect(await send(finished(failed))).toBe('unwanted')
    expect(environment.decision).toBe(decision)
  })

  const removeApp = () => {
    github.state.tokens.clear()
    github.state.isInstalled = false
  }
  it.each([
    ['a deleted run', () => github.runs.splice(0)],
    ['an App that was removed', removeApp],
  ])('of %s wants no answer after five attempts', async (_what, remove) => {
    const { send } = waiting()
    remove()
    for (const attempts of [0, 1, 2, 3])
      await expect(send(finished(), attempts)).rejects.toMatchObject({ kind: 'refused' })
    expect(await send(finished(), 4)).toBe('unwanted')
  })

  it.each([
    [401, 'credentials'],
    [403, 'refused'],
  ])('that answers %i is answered after it was corrected', async (status, kind) => {
    const { environment, send } = waiting()
    const isDecision = ({ path }: Call) => path.endsWith('/deployment_protection_rule')
    github.failNext(status, { message: 'Resource not accessible by integration' }, { on: isDecision, times: 2 })
    await expect(send(finished(), 8)).rejects.toMatchObject({ kind })
    github.recover()
    expect(await send(finished(), 9)).toBe('sent')
    expect(environment.decision).toBe('approved')
  })
})

describe('A token of an installation', () => {
  const tokenRequests = () => github.calls.filter(({ path }) => path.endsWith('/access_tokens'))
  const waiting = () => taskFor({ ...installed, runId: github.startRun().run.id, environment: 'production' })
  const answer = () => connect().send(waiting(), finished(), 0)

  it('is limited to the repository and what the answer needs, is used again, and is masked', async () => {
    github.state.tokens.clear()
    const appId = 'Iv23liExample'
    const task = waiting()
    for (const answer of [{ kind: 'started' as const }, finished()]) {
      clearSecrets()
      await connect({ appId }).send(task, answer, 0)
    }
    expect(tokenRequests().map(({ body }) => body)).toEqual([
      { repository_ids: [REPOSITORY_ID], permissions: { actions: 'read', deployments: 'write' } },
    ])
    const [token = ''] = github.state.tokens.keys()
    expect(containsSecret(`echo ${token}`)).toBe(true)
  })

  it('that expired early is replaced', async () => {
    await answer()
    for (const token of github.state.tokens.values()) token.expiresAt = 0
    expect(await answer()).toBe('sent')
  })

  it.each([
    [{ isInstalled: false }, 'refused'],
    [{ permissions: { deployments: 'read' } }, 'credentials'],
    [{ appIds: ['another'] }, 'credentials'],
  ])('that GitHub does not issue (%j) is a failure', async (state, kind) => {
    github.state.tokens.clear()
    await answer().catch(() => undefined)
    const { appIds } = github.state
    Object.assign(github.state, state)
    await expect(answer()).rejects.toMatchObject({ kind })
    Object.assign(github.state, { appIds })
  })

  it('is signed with a key in either format', async () => {
    const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2_048 })
    const before = github.state.publicKey
    github.state.publicKey = () => publicKey
    clearSecrets()
    for (const type of ['pkcs1', 'pkcs8'] as const) {
      const pem = privateKey.export({ type, format: 'pem' }).toString()
      await connect({ privateKey: pem }).check()
      await connect({ privateKey: pem.replaceAll('\n', '\\n') }).check()
    }
    github.state.publicKey = before
    expect(containsSecret(String(github.calls.at(-1)?.headers['authorization']))).toBe(true)
  })
})

describe('A check run', () => {
  const send = (answer: Answer, attempts = 0, settings = {}) =>
    connect({ report: 'check', ...settings }).send(taskFor({ repository, sha: SHA }), answer, attempts)

  it('is created when the task starts, and completed by its result', async () => {
    await send({ kind: 'started' })
    expect(github.state.checks).toMatchObject([{ status: 'in_progress', conclusion: null, external_id: taskId }])
    await send({ kind: 'progress', message: '50 % of the requests' })
    await send(finished())
    const output = { title: 'Passed: 0 errors', summary: expect.stringContaining(taskId) }
    const details_url = 'https://k6.example.com/runs/7'
    const shown = { name: 'load-testing/start-test', status: 'completed', conclusion: 'success', details_url, output }
    expect(github.state.checks).toMatchObject([shown])
  })

  it('whose response was lost exists once', async () => {
    github.loseNext(({ method, path }) => method === 'POST' && path.endsWith('/check-runs'))
    await expect(send(finished())).rejects.toMatchObject({ transient: true })
    expect(await send(finished(), 1)).toBe('sent')
    expect(github.state.checks).toHaveLength(1)
  })

  it('that is completed does not change to progress', async () => {
    await send(finished())
    await send({ kind: 'progress', message: 'late' })
    expect(github.state.checks).toMatchObject([{ status: 'completed', conclusion: 'success' }])
  })

  it('of an unknown commit ends the attempts', async () => {
    github.state.commits = []
    await expect(send(finished())).rejects.toMatchObject({ kind: 'refused' })
    expect(await send(finished(), 4)).toBe('unwanted')
  })
})

describe('A request of the webhook', () => {
  const receiveBytes = (headers: Record<string, string>, body: string, settings?: object) =>
    connect(settings).receive?.({ headers, rawBody: () => Buffer.from(body) })
  const receive = (event: string, payload: object, settings: object = {}, changed: Record<string, string> = {}) => {
    const { headers, body } = github.signed(event, payload)
    return receiveBytes({ ...headers, ...changed }, body, settings)
  }
  const requested = () => github.startRun().payload
  const rule = 'deployment_protection_rule'

  it('asks for a task with the input of the expression', async () => {
    const input = "{target: repository.name, parameters: {sha: sha, note: 'from GitHub'}}"
    expect(await receive(rule, requested(), { input })).toMatchObject({
      caller: 'github',
      body: {
        id: expect.stringMatching(/^[0-9a-f]{64}$/),
        context: `${repository}/actions/runs/${FIRST_RUN_ID + 1}`,
        project: 'octo-org',
        service: 'octo-repo',
        stage: 'production',
        input: { target: 'octo-repo', parameters: { sha: SHA, note: 'from GitHub' } },
      },
    })
  })

  it.each([
    ['a wrong signature', { 'x-hub-signature-256': `sha256=${'0'.repeat(64)}` }],
    ['no signature', { 'x-hub-signature-256': '' }],
    ['only the old signature', { 'x-hub-signature-256': '', 'x-hub-signature': 'sha1=00' }],
  ])('with %s is refused', async (_what, headers) => {
    await expect(receive(rule, requested(), {}, headers)).rejects.toMatchObject({ kind: 'unauthenticated' })
  })

  const webhookSecret = 'another-webhook-secret-0123456789'
  it.each([
    [{ repositories: ['octo-org/other'] }, 'forbidden'],
    [{ repositories: ['octo/*'] }, 'forbidden'],
    [{ input: 'null' }, 'invalid'],
    [{ input: "'text'" }, 'invalid'],
    [{ input: 'nothing(' }, 'misconfigured'],
    [{ report: 'check' }, 'invalid'],
    [{ webhookSecret }, 'unauthenticated'],
  ])('for a deployment is refused with the settings %j', async (settings, kind) => {
    await expect(receive(rule, requested(), settings)).rejects.toMatchObject({ kind })
  })

  it.each([
    ['all repositories of an owner', () => ({ repositories: ['octo-org/*'] })],
    ['its repository', () => ({ repositories: [repository] })],
    ['its previous secret', () => ({ webhookSecret, previousWebhookSecret: github.settings.webhookSecret })],
  ])('is accepted with settings that allow %s', async (_what, settings) => {
    expect(await receive(rule, requested(), settings())).toBeDefined()
  })

  it.each([
    ['ping', { zen: 'Design for failure.' }],
    ['installation', { action: 'created' }],
    [rule, { action: 'completed' }],
    ['check_suite', { action: 'requested' }],
  ])('of the event %s (%j) calls for nothing', async (event, payload) => {
    expect(await receive(event, payload)).toBeUndefined()
  })

  it.each([
    ['https://evil.example.com/repos/octo-org/octo-repo/actions/runs/1/deployment_protection_rule'],
    ['OTHER/repos/octo-org/octo-repo/actions/runs/1/deployment_protection_rule'],
    ['BASE/repos/octo-org/evil-repo/actions/runs/1/deployment_protection_rule'],
    ['BASE/repos/octo-org/octo-repo/actions/runs/1/../2/deployment_protection_rule'],
    ['BASE/repos/octo-org/octo-repo/actions/runs/x/deployment_protection_rule'],
    ['BASE/repos/octo-org/octo-repo/actions/runs/1/deployment_protection_rule?x=1'],
  ])('with the callback URL %s is refused', async (url) => {
    const other = github.url.replace('127.0.0.1', '127.0.0.2')
    const payload = { ...requested(), deployment_callback_url: url.replace('BASE', github.url).replace('OTHER', other) }
    await expect(receive(rule, payload)).rejects.toMatchObject({ errors: [{ path: 'deployment_callback_url' }] })
    expect(github.calls).toEqual([])
  })

  it('that was recorded is read', async () => {
    const payload = {
      action: 'requested',
      environment: 'release',
      event: 'workflow_dispatch',
      deployment_callback_url:
        'https://api.github.com/repos/octo-org/example/actions/runs/23625057533/deployment_protection_rule',
      deployment: { id: 4_189_575_565, environment: 'release' },
      pull_requests: [],
      sha: '47efb7196c2a1a2fd3f52f2c59f0e2dd3d0e4d54',
      ref: 'main',
      repository: { id: 1_192_056_896, name: 'example', full_name: 'octo-org/example', owner: { login: 'octo-org' } },
      sender: { login: 'octocat', id: 1 },
      installation: { id: 119_022_551 },
    }
    const call = await receive(rule, payload, { baseUrl: 'https://api.github.com' })
    expect(JSON.parse(call?.replyTo ?? '')).toEqual({
      repository: 'octo-org/example',
      repositoryId: 1_192_056_896,
      installationId: 119_022_551,
      runId: 23_625_057_533,
      environment: 'release',
    })
  })

  it('of GitHub Enterprise Server has the path of its API', async () => {
    const baseUrl = 'https://github.example.com/api/v3'
    const deployment_callback_url = `${baseUrl}/repos/${repository}/actions/runs/7/deployment_protection_rule`
    const call = await receive(rule, { ...requested(), deployment_callback_url }, { baseUrl })
    expect(JSON.parse(call?.replyTo ?? '')).toMatchObject({ runId: 7 })
  })

  it('has the signature of the example in the documentation of GitHub', async () => {
    // https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries#testing-the-webhook-payload-validation
    const headers = { 'x-hub-signature-256': 'sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17' }
    const call = receiveBytes(headers, 'Hello, World!', { webhookSecret: "It's a Secret to Everybody" })
    await expect(call).rejects.toThrow('The body is not a JSON object')
  })

  it.each(['not JSON', '[]'])('with the body %s is refused', async (body) => {
    const signature = createHmac('sha256', github.settings.webhookSecret).update(body).digest('hex')
    const headers = { ...github.signed('ping', {}).headers, 'x-hub-signature-256': `sha256=${signature}` }
    await expect(receiveBytes(headers, body)).rejects.toMatchObject({ kind: 'invalid' })
  })

  describe('for a commit', () => {
    const suite = (change: object = {}) => ({
      action: 'requested',
      repository: { id: REPOSITORY_ID, name: 'octo-repo', full_name: repository, owner: { login: 'octo-org' } },
      installation: { id: INSTALLATION_ID },
      check_suite: { id: 5, head_sha: SHA, head_branch: 'main', updated_at: '2026-11-27T10:00:00Z', ...change },
    })
    const report = { report: 'check' }

    it('asks for a task if the expression selects it', async () => {
      const input = "check_suite.head_branch == 'main' && {target: repository.name} || null"
      expect(await receive('check_suite', suite(), { ...report, input })).toMatchObject({
        body: { context: `${repository}/commit/${SHA}`, input: { target: 'octo-repo' } },
        replyTo: JSON.stringify({ ...installed, sha: SHA }),
      })
      expect(await receive('check_suite', suite({ head_branch: 'docs' }), { ...report, input })).toBeUndefined()
    })

    it('is another call when people request it again', async () => {
      const { check_suite: _, ...rest } = suite()
      const ids = await Promise.all([
        receive('check_suite', suite(), report),
        receive('check_suite', { ...suite(), action: 'rerequested' }, report),
        receive('check_suite', { ...suite({ updated_at: '2026-11-27T11:00:00Z' }), action: 'rerequested' }, report),
        receive('check_run', { ...rest, action: 'rerequested', check_run: { id: 9, head_sha: SHA } }, report),
      ])
      expect(new Set(ids.map((call) => call?.body['id'])).size).toBe(4)
    })
  })
})

it('The connection test refuses a key that is not a private key, without quoting it', async () => {
  const privateKey = 'not-a-private-key-0123456789'
  const error = await connect({ privateKey }).check().catch(String)
  expect(error).toContain('privateKey must be')
  expect(error).not.toContain(privateKey)
})
