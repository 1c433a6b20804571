import { createHmac } from 'node:crypto'
import { describe, expect, it } from '@jest/globals'
import { INSTALLATION_ID, REPOSITORY_ID, SHA } from '../../../../infra/sandbox/platforms/github/deployments.ts'
import { githubType } from '../../../../shared/orchestrators/github/github.ts'
import { githubSecret } from '../../../../shared/orchestrators/github/secret.ts'
import { startEach } from '../../../functions/helpers.ts'
import { startGithubApp } from '../../../platforms/github/app-server.ts'

const github = startEach(startGithubApp)
const connect = (settings: object = {}) =>
  githubType.connect(githubSecret.parse({ ...github.settings, type: 'github', ...settings }))

const repository = 'octo-org/octo-repo'
const installed = { repository, repositoryId: REPOSITORY_ID, installationId: INSTALLATION_ID }

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
        context: `${repository}/actions/runs/23625057533`,
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
