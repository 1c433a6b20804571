import { beforeEach, describe, expect, test } from '@jest/globals'
import { githubActions } from '../../../functions/ci-cd/providers/github-actions.ts'
import { startGithubActions } from '../../../infra/platforms/github/actions-server.ts'
import { jobConformance } from '../../conformance/job.ts'
import { ciCdPlatforms } from '../../conformance/job-platforms/ci-cd.ts'
import { expectFailure, failureOf, keyOf, startEach } from '../helpers.ts'
import { secondsOf } from '../job.ts'
import { newest } from '../newest.ts'
import { Pipeline, pipelineActions } from './pipeline.ts'

const server = startEach(startGithubActions)
const repo = 'octo-org/octo-repo'
const deploy = { target: 'deploy.yml', project: repo }
const id = `${repo}#30433642`

const connected = (fields: object = {}) =>
  new Pipeline(githubActions, () => ({ baseUrl: server.url, token: server.token, ...fields }))
/** A connection that can find runs by key. */
const keyed = () => connected({ keyInput: 'key' })
const run = () => newest(server.state.runs)
const step = (name: string, conclusion = 'success') => ({ name, conclusion })

const many = Object.fromEntries(Array.from({ length: 25 }, (_, at) => [`p${at}`, 'x']))
jobConformance(githubActions, pipelineActions, ciCdPlatforms['github-actions'], {
  states: {
    running: ['requested', 'queued', 'pending', 'waiting', 'in_progress'],
    pass: ['completed/success'],
    warning: ['completed/neutral', 'completed/skipped'],
    fail: ['completed/failure', 'completed/timed_out'],
    errored: ['completed/startup_failure', 'completed/action_required', 'completed/stale'],
    aborted: ['completed/cancelled'],
  },
  unknownStates: ['paused', 'completed/exploded'],
  invalidStarts: [
    ['an invalid repository', { project: 'octo-repo' }, 'input.project must look like'],
    ['no repository', { project: undefined }, 'input.project is required'],
    ['the input of the idempotency key', { parameters: { key: 'mine' } }, 'input.parameters must not contain key'],
    ['more inputs than a workflow accepts', { parameters: many }, 'must have at most 24 entries (it has 25)'],
  ],
  invalidIds: [['octo-repo#1', '1', 'octo-org/octo-repo#x', '../..#1', 'octo-org/..#1'], `such as ${id}`],
})

test('GitHub Actions: the check uses an endpoint that every token can read', async () => {
  await githubActions.check(connected().client())
  expect(server.calls.map(({ path }) => path)).toEqual(['/rate_limit'])
  expect(server.calls[0]?.headers['x-github-api-version']).toBe('2022-11-28')
})

describe('GitHub Actions: start', () => {
  test('runs the workflow on the default branch and returns the URL of the run', async () => {
    const { outcome } = await connected().start(deploy)
    expect(outcome.data['url']).toBe(`${server.url}/${repo}/actions/runs/30433642`)
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

  test.each([
    ['an unknown workflow', { target: 'nope.yml' }, '404', 'Not Found'],
    ['a workflow without workflow_dispatch', { target: 'ci.yml' }, '422', "does not have 'workflow_dispatch' trigger"],
    ['an unknown branch', { ref: 'nope' }, '422', 'No ref found for: nope'],
    ['an unknown input', { parameters: { stge: 'prod' } }, '422', 'Unexpected inputs provided: ["stge"]'],
  ])('reports the reason that GitHub gives for %s', async (_what, input, status, reason) => {
    const start = connected().start({ ...deploy, ...input })
    await expectFailure(start, { kind: 'refused', status: 422 }, `GitHub Actions answered ${status} to POST`, reason)
    expect(server.state.runs).toEqual([])
  })

  test('names the missing permission', async () => {
    server.state.mayWrite = false
    await expectFailure(connected().start(deploy), 'refused', '403', 'Resource not accessible by personal access token')
  })

  test('waits after a 403 response of the secondary rate limit', async () => {
    server.failNext(403, { message: 'You have exceeded a secondary rate limit.' }, { headers: { 'retry-after': '30' } })
    await expectFailure(connected().start(deploy), { kind: 'platform', transient: true, retryAfter: 30 })
  })
})

describe('GitHub Actions: start with a lost response', () => {
  test('a retry finds a run that is listed late', async () => {
    server.failNext(502, '<html>', { on: 'POST', done: true })
    await failureOf(keyed().start(deploy))
    server.state.staleLists = 2
    await keyed().start(deploy, { isRetry: true })
    expect(server.state.runs).toHaveLength(1)
  })

  test('is not retried if no input carries the key', async () => {
    server.loseNext('POST')
    await expectFailure(connected().start(deploy), { kind: 'doubtful', transient: false })
    await expectFailure(connected().start(deploy, { isRetry: true }), 'doubtful')
    expect(server.state.runs).toHaveLength(1)
  })
})

describe('GitHub Actions: server that does not return the run', () => {
  beforeEach(() => {
    server.state.returnsRuns = false
  })

  test('the start finds the run by its key', async () => {
    expect((await keyed().start(deploy)).outcome.data).toMatchObject({ id })
    expect(server.state.runs).toHaveLength(1)
  })

  test('starts nothing if the run could not be found', async () => {
    await expectFailure(connected().start(deploy), 'refused', 'Set keyInput in the connection')
    await expectFailure(keyed().start(deploy, { key: undefined }), 'refused', 'Set keyInput in the connection')
    expect(server.state.runs).toEqual([])
  })

  test('the outcome is unknown if the run does not contain its key', async () => {
    Object.assign(server.state.workflows[0] ?? {}, { titleInput: undefined })
    await expectFailure(keyed().start(deploy), 'doubtful', 'Check GitHub before you repeat the call')
    expect(server.state.runs).toHaveLength(1)
  })
})

describe('GitHub Actions: run', () => {
  test('says that it waits for the approval of an environment', async () => {
    const seen = await connected().pollAfter(deploy, () => Object.assign(run(), { status: 'waiting' }))
    expect(seen).toMatchObject({ progress: 'waiting for the approval of an environment' })
  })

  test('reports its times, its attempt and its duration, which thresholds can use', async () => {
    const input = { ...deploy, thresholds: [{ metric: 'duration', op: '<', value: 30 }] }
    const ended = await connected().endAfter(input, () => {
      run().run_attempt = 2
      server.finish('success')
    })
    expect(secondsOf(ended)).toBe(60)
    expect(ended).toMatchObject({
      result: 'fail',
      message: expect.stringContaining('duration is 60, not < 30'),
      data: { attempt: 2, duration: 60, thresholds: [{ metric: 'duration', actual: 60 }] },
    })
  })

  test('a failure names the job and the step, with a link', async () => {
    const fine = Array.from({ length: 100 }, (_, at) => ({ name: `unit ${at}`, conclusion: 'success', steps: [] }))
    const failed = { name: 'e2e', conclusion: 'failure', steps: [step('Check out'), step('Run tests', 'failure')] }
    const ended = await connected().endAfter(deploy, () => server.finish('failure', [...fine, failed]))
    expect(ended.message).toBe(`Run ${id} ended as completed/failure: job "e2e" failed at step "Run tests"`)
    expect(ended.data).toMatchObject({ failedJob: 'e2e', failedStep: 'Run tests' })
    expect(ended.links).toMatchObject({ 'job e2e': expect.stringContaining('/job/399444596') })
  })

  test('is refused if it no longer exists', async () => {
    await expectFailure(
      connected().pollAfter(deploy, () => Object.assign(server.state, { runs: [] })),
      'refused',
    )
  })
})

describe('GitHub Actions: cancel', () => {
  test('cancels a run by number with the repository', async () => {
    await connected().start(deploy)
    const outcome = await connected().stop({ id: '30433642', project: repo })
    expect(outcome).toMatchObject({ result: 'pass', data: { state: 'completed/cancelled' } })
    expect(outcome.message).toContain(`Stopped run ${id}`)
  })

  test('waits for a run that is still running', async () => {
    await connected().start(deploy)
    server.state.ignoresCancel = true
    expect(await connected().stop({ id })).toMatchObject({ message: 'still queued' })
  })

  test('reports the reason that GitHub gives for a refusal', async () => {
    await connected().start(deploy)
    server.state.mayWrite = false
    await expectFailure(connected().stop({ id }), 'refused', 'Resource not accessible')
    await expectFailure(connected().stop({ id: `${repo}#1` }), 'refused', '404 to GET')
  })
})
