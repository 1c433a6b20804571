import { describe, expect, test } from '@jest/globals'
import { jenkins } from '../../../functions/ci-cd/providers/jenkins.ts'
import { startJenkins } from '../../../infra/platforms/jenkins.ts'
import type { StartedJob } from '../../../shared/providers/action.ts'
import { jobConformance } from '../../conformance/job.ts'
import { ciCdPlatforms } from '../../conformance/job-platforms/ci-cd.ts'
import { expectFailure, failureOf, keyOf, startEach } from '../helpers.ts'
import { Pipeline, pipelineActions } from './pipeline.ts'

const server = startEach(startJenkins)
const deploy = { target: 'shop/deploy' }
const queued = 'shop/deploy#queue-17'
const id = 'shop/deploy#1'

const connected = (fields: object = {}) =>
  new Pipeline(jenkins, () => ({ baseUrl: server.url, username: server.username, token: server.token, ...fields }))
/** A connection that can find builds by key. */
const keyed = () => connected({ keyParameter: 'KEY' })
const calls = (method: string) => server.calls.filter((call) => call.method === method)
const places = () => server.state.queue
/** Starts a build that leaves the queue. */
const running = async (input: object = deploy) => {
  const started = await connected().start(input)
  const build = server.startBuild(17)
  return { started, build }
}
/** Polls and returns the job in the state that the poll saved. */
const pollOn = async (started: StartedJob, input: object) => {
  const result = await connected().poll(started, input)
  if ('outcome' in result) throw new Error(`The build has ended: ${result.outcome.message}`)
  return { ...started, job: result.job }
}

jobConformance(jenkins, pipelineActions, ciCdPlatforms.jenkins, {
  states: {
    running: ['QUEUED'],
    pass: ['SUCCESS'],
    warning: ['UNSTABLE'],
    fail: ['FAILURE'],
    errored: ['NOT_BUILT'],
    aborted: ['ABORTED', 'CANCELLED'],
  },
  otherStates: ['BUILDING'],
  unknownStates: ['SHINY'],
  hasPaths: true,
  invalidStarts: [
    ['a project', { project: 'shop' }, 'input.project is not supported'],
    ['an invalid job', { target: 'shop//deploy' }, 'input.target must be a job such as folder/job'],
    ['a path traversal', { target: '../script' }, 'input.target must be a job'],
    ['the parameter of the idempotency key', { parameters: { KEY: 'mine' } }, 'input.parameters must not contain KEY'],
  ],
  invalidIds: [
    ['shop/deploy', '#1', 'shop/deploy#x', '../script#1', 'shop//deploy#1', 'a#b#1'],
    'such as folder/job#123',
  ],
  refusal: (reason) => reason,
})

test('Jenkins: the check reads the user of the token', async () => {
  await jenkins.check(connected().client())
  expect(server.calls.map(({ path }) => path)).toEqual(['/me/api/json'])
})

test('Jenkins: reports why it rejects the token, and masks its encoded form', async () => {
  await expectFailure(connected({ token: 'a-wrong-token' }).start(deploy), 'credentials', 'Invalid password/token')
  server.failNext(400, `no ${Buffer.from(`${server.username}:${server.token}`).toString('base64')}`)
  await expectFailure(connected().start(deploy), 'refused', 'no ***')
})

describe('Jenkins: start', () => {
  test('queues a build and returns its queue item, regardless of the host in the location', async () => {
    const { outcome } = await connected().start(deploy)
    expect(outcome.data).toMatchObject({ id: queued, url: `${server.url}/job/shop/job/deploy/` })
    expect(places()).toMatchObject([{ job: { name: 'shop/deploy' } }])
  })

  test('sends parameters as text, and the key in the parameter of the connection', async () => {
    server.job('shop/deploy').parameters.push('REPLICAS', 'DRY')
    await keyed().start({ ...deploy, parameters: { STAGE: 'a b&c=d', REPLICAS: 3, DRY: false } })
    const given = Object.fromEntries(places()[0]?.parameters.map(({ name, value }) => [name, value]) ?? [])
    expect(given).toEqual({ STAGE: 'a b&c=d', REPLICAS: '3', DRY: 'false', KEY: keyOf(1) })
  })

  test('uses the defaults of the job if there are no parameters', async () => {
    await connected({ target: 'shop/deploy' }).start({})
    expect(places()[0]?.parameters).toContainEqual({ name: 'STAGE', value: 'default' })
  })

  test('runs a job without parameters, and a branch of a multibranch pipeline', async () => {
    await keyed().start({ target: 'shop/nightly' })
    const { outcome } = await keyed().start({ target: 'shop/app', ref: 'feature/cart' })
    expect(places().map(({ job }) => job.name)).toEqual(['shop/nightly', 'shop/app/feature%2Fcart'])
    expect(outcome.data).toMatchObject({ id: 'shop/app/feature%2Fcart#queue-18' })
  })

  test.each([
    ['shop/deploy', 'Its parameters: STAGE, KEY.'],
    ['shop/nightly', 'It has no parameters.'],
  ])('rejects a parameter that Jenkins would ignore in %s', async (target, known) => {
    const message = `The Jenkins job ${target} has no parameter STGE. ${known}`
    const start = connected().start({ target, parameters: { STGE: 'prod' } })
    await expectFailure(start, { kind: 'refused', status: 422, message })
    expect(places()).toEqual([])
  })

  test.each([
    ['an unknown job', () => undefined, { target: 'shop/nope' }, '404 to GET /job/shop/job/nope/api/json: Not Found'],
    ['a disabled job', () => Object.assign(server.job('shop/deploy'), { buildable: false }), {}, 'is not buildable!'],
    ['a permission', () => Object.assign(server.state.may, { build: false }), {}, 'missing the Job/Build permission'],
  ])('reports the reason that Jenkins gives for %s', async (_what, prepare, input, reason) => {
    prepare()
    await expectFailure(connected().start({ ...deploy, ...input }), 'refused', reason)
    expect(places()).toEqual([])
  })

  test('names the permission that some versions hide in a comment', async () => {
    const body = `<html><body>Authentication required\n<!--\nPermission you need to have (but didn't): hudson.model.Hudson.Read\n--></body></html>`
    server.failNext(403, body)
    expect((await failureOf(connected().start(deploy))).message).toMatch(/\(but didn't\): hudson\.model\.Hudson\.Read$/)
  })

  test('is refused if Jenkins redirects instead', async () => {
    server.failNext(302, undefined, { on: 'POST', headers: { location: 'https://sso.example.com/login' } })
    await expectFailure(connected().start(deploy), 'refused', 'https://sso.example.com')
  })
})

describe('Jenkins: start with a lost response', () => {
  test('a retry finds the key among the builds', async () => {
    server.failNext(502, '<html>', { on: 'POST', done: true })
    await failureOf(keyed().start(deploy))
    server.startBuild(17)
    const { outcome } = await keyed().start(deploy, { isRetry: true })
    expect(outcome.data).toMatchObject({ id, url: `${server.url}/job/shop/job/deploy/1/` })
    expect(calls('POST')).toHaveLength(1)
  })

  test('a retry finds a build whose start returned no location', async () => {
    server.failNext(201, undefined, { on: 'POST', done: true })
    expect(await failureOf(keyed().start(deploy))).toMatchObject({ kind: 'platform', mayHaveWritten: true })
    await keyed().start(deploy, { isRetry: true })
    expect(places()).toHaveLength(1)
  })

  test.each([
    ['the connection names no parameter for the key', () => connected(), deploy],
    ['the job does not define that parameter', () => keyed(), { target: 'shop/nightly' }],
  ])('is not retried if %s', async (_what, pipeline, input) => {
    server.loseNext('POST')
    expect(await failureOf(pipeline().start(input))).toMatchObject({ kind: 'doubtful', transient: false })
    expect(await failureOf(pipeline().start(input, { isRetry: true }))).toMatchObject({ kind: 'doubtful' })
    expect(places()).toHaveLength(1)
  })
})

describe('Jenkins: queue item', () => {
  test('keeps running and reports why it waits', async () => {
    const started = await connected().start(deploy)
    const result = await connected().poll(started, deploy)
    expect(result).toMatchObject({ status: 'QUEUED', progress: 'In the quiet period. Expires in 4.9 sec' })
  })

  test('becomes a build with another id, which is polled from then on', async () => {
    const { started, build } = await running()
    const later = await pollOn(started, deploy)
    expect(later.job).toMatchObject({ id, url: `${server.url}/job/shop/job/deploy/1/` })
    places().length = 0
    server.end(build, 'SUCCESS')
    expect(await connected().end(later, deploy)).toMatchObject({ result: 'pass', data: { id, state: 'SUCCESS' } })
  })

  test('is found among the builds after Jenkins has deleted the item', async () => {
    const { started, build } = await running()
    server.startBuild(17).queueId = 99
    places().length = 0
    server.end(build, 'SUCCESS')
    expect(await connected().end(started, deploy)).toMatchObject({ data: { id } })
    server.job('shop/deploy').builds = []
    const polled = connected().poll(started, deploy)
    await expectFailure(polled, 'refused', 'neither the queue item 17 nor a build of shop/deploy')
  })

  test('is aborted if it is removed from the queue', async () => {
    const started = await connected().start(deploy)
    Object.assign(places()[0] ?? {}, { cancelled: true })
    expect(await connected().end(started, deploy)).toMatchObject({
      status: 'aborted',
      result: 'fail',
      message: `Build ${queued} ended as CANCELLED: it was removed from the queue`,
    })
  })
})

describe('Jenkins: build', () => {
  test('keeps running while it is building, even with a result, and with an unknown result', async () => {
    const { started, build } = await running()
    Object.assign(build, { result: 'FAILURE' })
    expect(await connected().poll(started, deploy)).toMatchObject({ status: 'BUILDING' })
    server.end(build, 'SHINY')
    expect(await connected().poll(started, deploy)).toMatchObject({ status: 'SHINY (unknown state)' })
  })

  test('of a pipeline reports its stage, and whether that waits for input', async () => {
    const { started, build } = await running()
    build.stages = [
      { name: 'Build', status: 'SUCCESS' },
      { name: 'Deploy', status: 'IN_PROGRESS' },
    ]
    expect(await connected().poll(started, deploy)).toMatchObject({ progress: 'stage 2, Deploy' })
    Object.assign(build.stages[1] ?? {}, { status: 'PAUSED_PENDING_INPUT' })
    expect(await connected().poll(started, deploy)).toMatchObject({
      progress: 'stage 2, Deploy, waiting for input',
    })
  })

  test('a failure names the stage and the reason, and counts the tests', async () => {
    const { started, build } = await running()
    const error = { message: 'script returned exit code 1', type: 'hudson.AbortException' }
    const stages = [
      { name: 'Build', status: 'SUCCESS' },
      { name: 'Test', status: 'FAILED', error },
    ]
    server.end(build, 'FAILURE', { stages, tests: { totalCount: 40, failCount: 2, skipCount: 3 } })
    const ended = await connected().end(started, deploy)
    expect(ended.message).toBe(
      `Build ${id} ended as FAILURE: stage "Test" failed: script returned exit code 1; 2 of 40 tests failed`,
    )
    const counted = { tests: 40, testsFailed: 2, testsSkipped: 3, testsPassed: 35 }
    expect(ended.data).toMatchObject({ failedStage: 'Test', duration: 61, ...counted })
    expect(ended.links).toMatchObject({ tests: `${server.url}/job/shop/job/deploy/1/testReport/` })
  })

  test('has a verdict without the plugin for stages, and in a job without stages', async () => {
    const { started, build } = await running()
    server.state.hasStageView = false
    server.end(build, 'FAILURE')
    expect((await connected().end(started, deploy)).message).toBe(`Build ${id} ended as FAILURE`)
    await connected().start({ target: 'shop/nightly' })
    server.end(server.startBuild(18), 'FAILURE')
    server.calls.length = 0
    await connected().poll({ ...started, job: { id: 'shop/nightly#1' } }, { target: 'shop/nightly' })
    expect(server.calls.map(({ path }) => path)).toEqual(['/job/shop/job/nightly/1/api/json'])
  })
})

describe('Jenkins: cancel', () => {
  test('removes a build from the queue', async () => {
    await connected().start(deploy)
    const outcome = await connected().stop({ id: queued })
    expect(outcome).toMatchObject({ result: 'pass', message: `Stopped build ${queued} (CANCELLED)` })
    expect(places()[0]?.cancelled).toBe(true)
  })

  test('stops a build, even by the id of its queue item', async () => {
    const { build } = await running()
    const outcome = await connected().stop({ id: queued })
    expect(outcome).toMatchObject({ result: 'pass', data: { id, state: 'ABORTED' } })
    expect(build.result).toBe('ABORTED')
    expect(calls('POST').at(-1)?.path).toBe('/job/shop/job/deploy/1/stop')
  })

  test('stops a build at the deadline that has left the queue since the last poll', async () => {
    const { build } = await running()
    await jenkins.stop(connected().client(), { id: queued })
    expect(build.result).toBe('ABORTED')
  })

  test('reports the reason that Jenkins gives for a refusal', async () => {
    await connected().start(deploy)
    server.state.may.cancel = false
    await expectFailure(connected().stop({ id: queued }), 'refused', ': Item for id (17) is not cancellable')
    server.startBuild(17)
    await expectFailure(connected().stop({ id }), 'refused', ': robot is missing the Job/Cancel permission')
    await expectFailure(connected().stop({ id: 'shop/deploy#9' }), 'refused', '404 to GET')
  })
})
