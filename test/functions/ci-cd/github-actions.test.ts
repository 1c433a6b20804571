import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { githubActions } from '../../../functions/ci-cd/providers/github-actions.ts'
import { type GithubActionsServer, startGithubActions } from '../../../infra/platforms/github/actions-server.ts'
import { secretsIn } from '../../../shared/fields.ts'
import { failureOf, keyOf } from '../helpers.ts'
import { secondsOf } from '../job.ts'
import { Pipeline } from './pipeline.ts'

let server: GithubActionsServer
beforeEach(async () => {
  server = await startGithubActions()
})
afterEach(() => server.close())

const repo = 'octo-org/octo-repo'
const deploy = { target: 'deploy.yml', project: repo }
const id = `${repo}#30433642`

const connected = (fields: object = {}) =>
  new Pipeline(githubActions, () => ({ baseUrl: server.url, token: server.token, ...fields }))
/** A connection that can find runs by key. */
const keyed = () => connected({ keyInput: 'key' })
const calls = (method: string) => server.calls.filter((call) => call.method === method)
const run = () => {
  const found = server.state.runs.at(-1)
  if (!found) throw new Error('There is no run')
  return found
}
const step = (name: string, conclusion = 'success') => ({ name, conclusion })

describe('GitHub Actions: connection', () => {
  test('the check uses an endpoint that every token can read', async () => {
    await githubActions.check(connected().client())
    expect(server.calls.map(({ path }) => path)).toEqual(['/rate_limit'])
    expect(server.calls[0]?.headers['x-github-api-version']).toBe('2022-11-28')
  })

  test('an invalid token is a credentials failure without the token', async () => {
    const failure = await failureOf(connected({ token: 'a-wrong-token' }).start(deploy))
    expect(failure).toMatchObject({ kind: 'credentials' })
    expect(failure.message).toContain('Bad credentials')
    expect(failure.message).not.toContain('a-wrong-token')
  })

  test('the token is a secret', () => {
    expect(secretsIn(githubActions.connection, { token: server.token })).toEqual([server.token])
  })
})

describe('GitHub Actions: start', () => {
  test('runs the workflow on the default branch and returns the run at once', async () => {
    const { outcome } = await connected().start(deploy)
    const url = `${server.url}/${repo}/actions/runs/30433642`
    expect(outcome).toMatchObject({
      status: 'succeeded',
      result: 'pass',
      data: { id, url, state: 'started' },
      links: { [`github-actions ${id}`]: url },
    })
    expect(run()).toMatchObject({ workflow: 'deploy.yml', ref: 'main', inputs: {} })
  })

  test('takes workflow, repository and branch from the connection', async () => {
    await connected({ target: '161335', project: repo, ref: 'release/1.2' }).start({})
    expect(run()).toMatchObject({ workflow: 'deploy.yml', ref: 'release/1.2' })
  })

  test('prefers the input to the connection, and accepts a file with its path', async () => {
    const pipeline = connected({ target: 'ci.yml', project: 'octo-org/other', ref: 'release/1.2' })
    await pipeline.start({ target: '.github/workflows/deploy.yml', project: repo, ref: 'main' })
    expect(run()).toMatchObject({ workflow: 'deploy.yml', ref: 'main' })
  })

  test('sends inputs as text, and the key in the input of the connection', async () => {
    server.state.workflows[0]?.inputs.push('replicas', 'dry', 'tags')
    await keyed().start({ ...deploy, parameters: { stage: 'prod', replicas: 3, dry: false, tags: ['a', 'b'] } })
    expect(run().inputs).toEqual({ stage: 'prod', replicas: '3', dry: 'false', tags: '["a","b"]', key: keyOf(1) })
  })

  test('sends no key if the call has none', async () => {
    await keyed().start(deploy, { key: undefined })
    expect(run().inputs).toEqual({})
  })

  test.each([
    ['an invalid repository', { project: 'octo-repo' }, 'input.project must look like'],
    ['no repository', { project: undefined }, 'input.project is required'],
    ['the input of the idempotency key', { parameters: { key: 'mine' } }, 'input.parameters must not contain key'],
    [
      'more inputs than a workflow accepts',
      { parameters: Object.fromEntries(Array.from({ length: 25 }, (_, at) => [`p${at}`, 'x'])) },
      'input.parameters must have at most 24 entries (it has 25)',
    ],
  ])('rejects %s before sending a request', async (_what, input, message) => {
    const failure = await failureOf(keyed().start({ ...deploy, ...input }))
    expect(failure).toMatchObject({ kind: 'invalid', status: 400 })
    expect(failure.message).toContain(message)
    expect(server.calls).toEqual([])
  })

  test.each([
    ['an unknown workflow', { target: 'nope.yml' }, '404', 'Not Found'],
    ['a workflow without workflow_dispatch', { target: 'ci.yml' }, '422', "does not have 'workflow_dispatch' trigger"],
    ['an unknown branch', { ref: 'nope' }, '422', 'No ref found for: nope'],
    ['an unknown input', { parameters: { stge: 'prod' } }, '422', 'Unexpected inputs provided: ["stge"]'],
  ])('reports the reason that GitHub gives for %s', async (_what, input, status, reason) => {
    const failure = await failureOf(connected().start({ ...deploy, ...input }))
    expect(failure).toMatchObject({ kind: 'refused', status: 422 })
    expect(failure.message).toContain(`GitHub Actions answered ${status} to POST`)
    expect(failure.message).toContain(reason)
    expect(server.state.runs).toEqual([])
  })

  test('names the missing permission', async () => {
    server.state.mayWrite = false
    const failure = await failureOf(connected().start(deploy))
    expect(failure.message).toContain('403 to POST')
    expect(failure.message).toContain('Resource not accessible by personal access token')
  })

  test('returns Retry-After of GitHub', async () => {
    server.failNext(403, { message: 'You have exceeded a secondary rate limit.' }, { headers: { 'retry-after': '30' } })
    expect(await failureOf(connected().start(deploy))).toMatchObject({
      kind: 'platform',
      transient: true,
      retryAfter: 30,
    })
  })
})

describe('GitHub Actions: start with a lost response', () => {
  test('a retry finds the run by the key in its name', async () => {
    server.loseNext('POST')
    expect(await failureOf(keyed().start(deploy))).toMatchObject({ transient: true, mayHaveWritten: true })
    const { outcome } = await keyed().start(deploy, { isRetry: true })
    expect(outcome.data).toMatchObject({ id, url: `${server.url}/${repo}/actions/runs/30433642` })
    expect(calls('POST')).toHaveLength(1)
  })

  test('a retry finds a run that is listed late', async () => {
    server.failNext(502, '<html>', { on: 'POST', done: true })
    await failureOf(keyed().start(deploy))
    server.state.staleLists = 2
    await keyed().start(deploy, { isRetry: true })
    expect(server.state.runs).toHaveLength(1)
  })

  test('a retry starts a run if only other calls have runs', async () => {
    await keyed().start(deploy, { key: keyOf(2) })
    server.failNext(502, '<html>', { on: 'POST' })
    await failureOf(keyed().start(deploy))
    await keyed().start(deploy, { isRetry: true })
    expect(server.state.runs.map(({ title }) => title)).toEqual([`Deploy ${keyOf(2)}`, `Deploy ${keyOf(1)}`])
  })

  test('is not retried if no input carries the key', async () => {
    server.loseNext('POST')
    const failure = await failureOf(connected().start(deploy))
    expect(failure).toMatchObject({ kind: 'doubtful', transient: false })
    expect(await failureOf(connected().start(deploy, { isRetry: true }))).toMatchObject({ kind: 'doubtful' })
    expect(server.state.runs).toHaveLength(1)
  })

  test('is transient if nothing was sent', async () => {
    server.down()
    expect(await failureOf(connected({ ref: 'main' }).start(deploy))).toMatchObject({ status: 502 })
  })
})

describe('GitHub Actions: second delivery of an event', () => {
  test('finds the run after it has ended', async () => {
    await keyed().start(deploy)
    server.finish('success')
    const { outcome } = await keyed().start(deploy)
    expect(outcome.data).toMatchObject({ id })
    expect(calls('POST')).toHaveLength(1)
  })
})

describe('GitHub Actions: server that does not return the run', () => {
  beforeEach(() => {
    server.state.returnsRuns = false
  })

  test('the start finds the run by its key', async () => {
    const { outcome } = await keyed().start(deploy)
    expect(outcome.data).toMatchObject({ id })
    expect(server.state.runs).toHaveLength(1)
  })

  test('starts nothing if the run could not be found', async () => {
    for (const [pipeline, options] of [
      [connected(), {}],
      [keyed(), { key: undefined }],
    ] as const) {
      const failure = await failureOf(pipeline.start(deploy, options))
      expect(failure).toMatchObject({ kind: 'refused' })
      expect(failure.message).toContain('Set keyInput in the connection')
    }
    expect(server.state.runs).toEqual([])
  })

  test('the outcome is unknown if the run does not contain its key', async () => {
    const [workflow] = server.state.workflows
    if (workflow) workflow.titleInput = undefined
    const failure = await failureOf(keyed().start(deploy))
    expect(failure).toMatchObject({ kind: 'doubtful' })
    expect(failure.message).toContain('Check GitHub before you repeat the call')
    expect(server.state.runs).toHaveLength(1)
  })
})

describe('GitHub Actions: run', () => {
  test.each([
    ['queued', 'queued', undefined],
    ['in_progress', 'in_progress', undefined],
    ['waiting', 'waiting', 'waiting for the approval of an environment'],
    ['paused', 'paused (unknown state)', undefined],
  ])('keeps running in the state %s', async (status, running, step) => {
    const started = await connected().start(deploy)
    run().status = status
    expect(await connected().poll(started, deploy)).toMatchObject({ status: running, progress: step })
  })

  test.each([
    ['success', 'succeeded', 'pass'],
    ['neutral', 'succeeded', 'warning'],
    ['skipped', 'succeeded', 'warning'],
    ['failure', 'succeeded', 'fail'],
    ['timed_out', 'succeeded', 'fail'],
    ['cancelled', 'aborted', 'fail'],
    ['startup_failure', 'errored', 'fail'],
    ['action_required', 'errored', 'fail'],
    ['stale', 'errored', 'fail'],
  ])('completed with %s, ends as %s, %s', async (conclusion, status, result) => {
    const started = await connected().start(deploy)
    server.finish(conclusion)
    const ended = await connected().end(started, deploy)
    expect(secondsOf(ended)).toBe(60)
    expect(ended).toMatchObject({
      status,
      result,
      data: { id, state: `completed/${conclusion}`, duration: 60 },
      links: { [`github-actions ${id}`]: `${server.url}/${repo}/actions/runs/30433642` },
    })
  })

  test('keeps running with an unknown conclusion', async () => {
    const started = await connected().start(deploy)
    server.finish('exploded')
    expect(await connected().poll(started, deploy)).toMatchObject({ status: expect.stringContaining('unknown state') })
  })

  test('a failure names the job and the step, with a link', async () => {
    const started = await connected().start(deploy)
    const fine = Array.from({ length: 100 }, (_, at) => ({ name: `unit ${at}`, conclusion: 'success', steps: [] }))
    const failed = { name: 'e2e', conclusion: 'failure', steps: [step('Check out'), step('Run tests', 'failure')] }
    server.finish('failure', [...fine, failed])
    const ended = await connected().end(started, deploy)
    expect(ended.message).toBe(`Run ${id} ended as completed/failure: job "e2e" failed at step "Run tests"`)
    expect(ended.data).toMatchObject({ failedJob: 'e2e', failedStep: 'Run tests' })
    expect(ended.links).toMatchObject({ 'job e2e': expect.stringContaining('/job/399444596') })
  })

  test('reports its attempt and its duration, which thresholds can use', async () => {
    const input = { ...deploy, thresholds: [{ metric: 'duration', op: '<', value: 30 }] }
    const started = await connected().start(input)
    run().run_attempt = 2
    server.finish('success')
    expect(await connected().end(started, input)).toMatchObject({
      result: 'fail',
      message: expect.stringContaining('duration is 60, not < 30'),
      data: { attempt: 2, thresholds: [{ metric: 'duration', actual: 60 }] },
    })
  })

  test('keeps running while GitHub is down, and is refused if it no longer exists', async () => {
    const started = await connected().start(deploy)
    server.failNext(500, '<html><title>Unicorn!</title>')
    expect(await failureOf(connected().poll(started, deploy))).toMatchObject({ transient: true })
    server.state.runs = []
    expect(await failureOf(connected().poll(started, deploy))).toMatchObject({ kind: 'refused' })
  })
})

describe('GitHub Actions: cancel', () => {
  test('cancels a run by id, or by number with the repository', async () => {
    for (const input of [{ id }, { id: '30433643', project: repo }]) {
      await connected().start(deploy)
      const outcome = await connected().cancel(input)
      expect(outcome).toMatchObject({ result: 'pass', data: { state: 'completed/cancelled' } })
      expect(outcome.message).toContain('Stopped run octo-org/octo-repo#3043364')
    }
  })

  test('waits for a run that is still running', async () => {
    await connected().start(deploy)
    server.state.ignoresCancel = true
    expect(await connected().cancel({ id })).toMatchObject({ message: 'still queued' })
  })

  test('passes for a run that has ended, even between the poll and the cancellation', async () => {
    await connected().start(deploy)
    server.finish('success')
    expect(await connected().cancel({ id })).toMatchObject({
      message: `Run ${id} had ended already (completed/success)`,
    })
    expect(calls('POST')).toHaveLength(1)
    await githubActions.stop(connected().client(), { id })
    expect(run().conclusion).toBe('success')
  })

  test('reports the reason that GitHub gives for a refusal', async () => {
    await connected().start(deploy)
    server.state.mayWrite = false
    expect((await failureOf(connected().cancel({ id }))).message).toContain('Resource not accessible')
    expect((await failureOf(connected().cancel({ id: `${repo}#1` }))).message).toContain('404 to GET')
  })

  test.each(['octo-repo#1', '1', 'octo-org/octo-repo#x', '../..#1', 'octo-org/..#1'])(
    'rejects the id %s',
    async (id) => {
      const failure = await failureOf(connected().cancel({ id }))
      expect(failure).toMatchObject({ kind: 'invalid' })
      expect(failure.message).toContain('such as octo-org/octo-repo#30433642')
    },
  )
})
