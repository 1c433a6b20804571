import { randomUUID } from 'node:crypto'
import { beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals'
import { tokenHash } from '../../infra/project/token-hash.ts'
import { webhookHeaders } from '../../infra/sandbox/platforms/github/deployments.ts'
import type { Call } from '../../infra/testing/loopback-server.ts'
import { MAX_RESPONSE_MS } from '../../shared/orchestrators/github/limits.ts'
import { startOnce } from '../functions/helpers.ts'
import { startGithubApp } from '../platforms/github/app-server.ts'
import { type Interruption, interruptions } from './execution.ts'
import { category, useLifecycle } from './platform.ts'
import { fireTimers, passTime } from './runner.ts'

const { lifecycle, platform } = useLifecycle()
const github = startOnce(startGithubApp)
beforeAll(() => {
  lifecycle.store('callbacks', { key: 'a-key-for-reply-addresses-of-the-tests-0123456789' })
  const allow = [`${category.name}/start-run`, `${category.name}/start-and-leave`]
  const caller = { categories: [category.name], allow, orchestrator: 'github' }
  const elsewhere = { categories: ['*'], orchestrator: 'another' }
  lifecycle.store('callers', { github: caller, nowhere: { categories: ['*'] }, elsewhere })
})
beforeEach(() => {
  github.reset()
  orchestrator()
})

function orchestrator(settings: object = {}) {
  const input = '{target: repository.name}'
  lifecycle.replace('orchestrators/github', { type: 'github', ...github.settings, input, ...settings })
}

const RULE = 'deployment_protection_rule'
const START = 'start-run?orchestrator=github&connection=job'

/** Sends a request of the App's webhook. */
async function deliver(target: string, payload: object, { event = RULE, headers = {}, timeLeftMs = 20_000 } = {}) {
  const { headers: signed, body } = github.signed(event, payload)
  return lifecycle.send('POST', target, { headers: { ...signed, ...headers }, body, timeLeftMs })
}

/** Starts a run of GitHub, and runs the task that it asks for. */
async function gate(target = START, options: { interruption?: Interruption } = {}) {
  const { payload, environment, run } = github.startRun()
  const task = lifecycle.accepted(await deliver(target, payload))
  return { ...(await lifecycle.run(task, options)), task, environment, run }
}

describe('A deployment that waits', () => {
  it.each([
    ['done', 'approved'],
    ['broken', 'rejected'],
  ])('for a run that ends as %s is %s', async (state, decision) => {
    platform.states = ['busy', state]
    const { environment, unanswered } = await gate()
    expect(environment).toMatchObject({ decision, comments: [expect.stringMatching(/^[✅❌]/u)] })
    expect(unanswered).toBeUndefined()
  })

  it('gets at most eight comments before the decision', async () => {
    platform.states = Array.from({ length: 2_000 }, (_, index) => `busy ${index}`)
    const { environment } = await gate(`${START}&sendStarted=true&progress=true&deadline=PT30M`)
    expect(environment.decision).toBe('rejected')
    expect(environment.comments.length).toBeGreaterThan(3)
    expect(environment.comments.length).toBeLessThanOrEqual(9)
    expect(environment.comments[0]).toContain('started')
  })

  it('is rejected if the platform refuses the run', async () => {
    platform.failNext(403, { message: 'no' }, { on: 'POST' })
    expect((await gate()).environment.decision).toBe('rejected')
  })

  it('is decided once regardless of when the task crashes', async () => {
    const { checkpoints } = await gate(`${START}&sendStarted=true`)
    for (const { name, interruption } of interruptions(checkpoints, 'crash')) {
      github.calls.splice(0)
      const { environment, status } = await gate(`${START}&sendStarted=true`, { interruption })
      const sent = github.calls.filter(({ body }) => (body as { state?: string })?.state !== undefined).length
      const { decision } = environment
      expect({ name, status, decision, sent }).toEqual({ name, status: 'SUCCEEDED', decision: 'approved', sent: 1 })
    }
  })

  it('is rejected by the finisher if Lambda ends the task', async () => {
    const { environment, arn, status } = await gate(START, {
      interruption: { checkpoint: 'start SUCCEED', isRecorded: true, effect: 'end' },
    })
    if (status !== 'SUCCEEDED') await lifecycle.finish(arn)
    expect(environment.decision).toBe('rejected')
  })

  it('that no longer waits ends the attempts, and the task records it', async () => {
    const { payload, environment } = github.startRun()
    const task = lifecycle.accepted(await deliver(START, payload))
    environment.decision = 'rejected'
    expect((await lifecycle.run(task)).unanswered).toBe('unwanted')
  })

  it('is decided after an hour without GitHub', async () => {
    github.failNext(503, {}, { times: 20, on: ({ path }: Call) => path.endsWith(RULE) })
    expect((await gate()).environment.decision).toBe('approved')
  })

  it('shows no credential in the task', async () => {
    github.failNext(
      500,
      { message: `key ${github.settings.privateKey}` },
      { times: 2, on: ({ path }) => path.endsWith(RULE) },
    )
    const { result, task } = await gate()
    const history = `${JSON.stringify(task)}${JSON.stringify(result.getHistoryEvents())}`
    const tokens = [...github.state.tokens.keys()]
    expect(tokens).not.toEqual([])
    for (const secret of [...tokens, github.settings.webhookSecret, 'PRIVATE KEY'])
      expect(history).not.toContain(secret)
  })
})

describe('A delivery', () => {
  it('that is repeated, also after the end, is the same task', async () => {
    const { payload } = github.startRun()
    const first = await deliver(START, payload)
    expect(await deliver(START, payload)).toEqual({ ...first, body: { ...first.body, duplicate: true } })
    await lifecycle.run(lifecycle.newest())
    expect(await deliver(START, payload)).toMatchObject({ body: { taskId: first.body.taskId, duplicate: true } })
    expect(platform.runs).toHaveLength(1)
  })

  it('of a run that was started again is another task', async () => {
    const [first, second] = [github.startRun(), github.startRun()]
    const again = {
      ...second.payload,
      deployment_callback_url: undefined,
      ...first.payload,
      deployment: { id: 9 },
    }
    const taskIds = [await deliver(START, first.payload), await deliver(START, again)].map(({ body }) => body.taskId)
    expect(new Set(taskIds).size).toBe(2)
  })

  it.each([
    ['ping', { zen: 'Keep it logically awesome.' }],
    [RULE, { action: 'completed' }],
  ])('of %s gets 200 and starts nothing', async (event, payload) => {
    const before = lifecycle.invocations.length
    expect((await deliver(START, payload, { event })).status).toBe(200)
    expect(lifecycle.invocations).toHaveLength(before)
  })

  it('with a wrong signature gets 401 and starts nothing', async () => {
    const before = lifecycle.invocations.length
    const { payload } = github.startRun()
    for (const signature of [`sha256=${'0'.repeat(64)}`, '', `sha1=${'0'.repeat(40)}`])
      expect((await deliver(START, payload, { headers: { 'x-hub-signature-256': signature } })).status).toBe(401)
    expect(lifecycle.invocations).toHaveLength(before)
  })

  it('is accepted with any white space, because the signature covers its bytes', async () => {
    const body = JSON.stringify(github.startRun().payload, undefined, 2)
    const headers = webhookHeaders(github.settings.webhookSecret, RULE, randomUUID(), body)
    expect(await lifecycle.send('POST', START, { headers, body })).toMatchObject({ status: 202 })
  })

  it('that is not JSON gets 401 without its signature, and 400 with it', async () => {
    const body = 'not JSON'
    const headers = (secret: string) => webhookHeaders(secret, RULE, randomUUID(), body)
    const send = async (secret: string) =>
      (await lifecycle.send('POST', START, { headers: headers(secret), body })).status
    expect([await send('another-secret'), await send(github.settings.webhookSecret)]).toEqual([401, 400])
  })

  it('is accepted right after the secret was changed', async () => {
    orchestrator({ webhookSecret: 'an-outdated-webhook-secret-0123456789' })
    const { payload } = github.startRun()
    expect((await deliver(START, payload)).status).toBe(401)
    lifecycle.store('orchestrators/github', { type: 'github', ...github.settings, input: '{target: repository.name}' })
    passTime(20)
    expect((await deliver(START, payload)).status).toBe(202)
  })

  it.each(['unknown', 'poll', 'keptn', '../callers', ''])('for the orchestrator "%s" gets 401', async (name) => {
    const { payload } = github.startRun()
    lifecycle.aws.calls.splice(0)
    const target = `start-run?orchestrator=${encodeURIComponent(name)}&connection=job`
    expect((await deliver(target, payload)).status).toBe(401)
    // Each name would be another request to Secrets Manager.
    expect(lifecycle.aws.calls.filter(({ text }) => text.includes(`orchestrators/${name}"`))).toEqual([])
  })

  it.each(['nowhere', 'elsewhere'])('for a caller whose results go %s gets 403', async (name) => {
    orchestrator({ caller: name })
    const { status, body } = await deliver(START, github.startRun().payload)
    expect({ status, body }).toMatchObject({
      status: 403,
      body: { detail: expect.stringContaining('"orchestrator": "github"') },
    })
  })

  it.each([
    ['dryRun=true', 'dryRun'],
    ['input.target=other', 'input.target'],
    ['id=another', 'id'],
    ['when=fail', 'when'],
    ['mode=silent', 'mode'],
    ['deadline=P29DT1S', 'deadline'],
  ])('with ?%s is refused, because the signature does not cover the URL', async (query, path) => {
    const { payload } = github.startRun()
    expect(await deliver(`${START}&${query}`, payload)).toMatchObject({ status: 400, body: { errors: [{ path }] } })
  })

  it.each([
    ['open-ticket?orchestrator=github&connection=ticket', 403],
    ['unknown-action?orchestrator=github', 403],
    ['start-run?orchestrator=github&connection=unknown', 404],
  ])('to %s gets %i', async (target, status) => {
    expect((await deliver(target, github.startRun().payload)).status).toBe(status)
  })

  it.each([
    ['another connection', 'start-run?orchestrator=github&connection=blind'],
    ['another action', 'start-and-leave?orchestrator=github&connection=job'],
  ])('that was accepted is refused at %s, which would decide the deployment again', async (_, target) => {
    const { payload } = github.startRun()
    expect((await deliver(START, payload)).status).toBe(202)
    const { status, body } = await deliver(target, payload)
    expect([status, body.detail]).toEqual([
      403,
      expect.stringMatching(/^This signed message was sent to testing\/start-run/),
    ])
    passTime(30 * 3_600)
    expect(await deliver(START, payload)).toMatchObject({ status: 202, body: { duplicate: true } })
  })

  it('gets its response before GitHub gives up, even if Lambda does not respond', async () => {
    let timeOut = () => {}
    let waitedMs = 0
    const timeouts = jest.spyOn(AbortSignal, 'timeout').mockImplementation((milliseconds) => {
      const controller = new AbortController()
      timeOut = () => {
        waitedMs += milliseconds
        fireTimers(milliseconds / 1_000)
        controller.abort(new DOMException('The operation timed out.', 'TimeoutError'))
      }
      return controller.signal
    })
    const isStart = ({ path }: Call) => {
      if (!path.endsWith('/invocations')) return false
      setImmediate(timeOut)
      return true
    }
    for (let attempt = 0; attempt < 3; attempt++) lifecycle.aws.holdNext(isStart)
    const { payload } = github.startRun()
    const { status } = await deliver(START, payload)
    lifecycle.aws.recover()
    timeouts.mockRestore()
    expect([status, waitedMs > 0, waitedMs < MAX_RESPONSE_MS]).toEqual([202, true, true])
    expect((await deliver(START, payload)).status).toBe(202)
  })
})

describe('A caller with a token', () => {
  it('cannot approve a deployment', async () => {
    lifecycle.replace('callers', {
      github: { categories: [category.name], orchestrator: 'github' },
      keptn: { tokens: [tokenHash('token-of-the-caller')], categories: ['*'], orchestrator: 'github' },
    })
    const { run, environment } = github.startRun()
    const call = { id: 'x', repository: run.repository, runId: run.id, environment: environment.name }
    const { status, body } = await lifecycle.post('start-run?connection=job&mode=interactive', { ...call, input: {} })
    expect({ status, body }).toMatchObject({ status: 400, body: { errors: [{ path: 'orchestrator' }] } })
  })

  it('gets a check run with report: check', async () => {
    orchestrator({ report: 'check' })
    const [sha = ''] = github.state.commits
    const call = { id: 'run-42', repository: 'octo-org/octo-repo', sha, input: { target: 'x' } }
    const response = await lifecycle.post('start-run?connection=job&mode=interactive&sendStarted=true', call)
    const { id } = await lifecycle.run(lifecycle.accepted(response))
    expect(github.state.checks).toMatchObject([{ external_id: id, conclusion: 'success' }])
  })
})
