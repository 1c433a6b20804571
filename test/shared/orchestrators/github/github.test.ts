import { generateKeyPairSync } from 'node:crypto'
import { describe, expect, it } from '@jest/globals'
import { INSTALLATION_ID, REPOSITORY_ID, SHA } from '../../../../infra/sandbox/platforms/github/deployments.ts'
import type { Call } from '../../../../infra/testing/loopback-server.ts'
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

it('The connection test refuses a key that is not a private key, without quoting it', async () => {
  const privateKey = 'not-a-private-key-0123456789'
  const error = await connect({ privateKey }).check().catch(String)
  expect(error).toContain('privateKey must be')
  expect(error).not.toContain(privateKey)
})
