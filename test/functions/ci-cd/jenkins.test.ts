import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { jenkins } from '../../../functions/ci-cd/providers/jenkins.ts'
import { type JenkinsServer, startJenkins } from '../../../infra/platforms/jenkins.ts'
import { secretsIn } from '../../../shared/fields.ts'
import type { StartedJob } from '../../../shared/providers/action.ts'
import { failureOf, keyOf } from '../helpers.ts'
import { Pipeline } from './pipeline.ts'

let server: JenkinsServer
beforeEach(async () => {
  server = await startJenkins()
})
afterEach(() => server.close())

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

describe('Jenkins: connection', () => {
  test('the check reads the user of the token', async () => {
    await jenkins.check(connected().client())
    expect(server.calls.map(({ path }) => path)).toEqual(['/me/api/json'])
  })

  test('an invalid token is a credentials failure with the reason of Jenkins, without the token', async () => {
    const failure = await failureOf(connected({ token: 'a-wrong-token' }).start(deploy))
    expect(failure).toMatchObject({ kind: 'credentials' })
    expect(failure.message).toMatch(/: Invalid password\/token for user: robot$/)
    expect(failure.message).not.toContain('a-wrong-token')
  })

  test('the token is a secret', async () => {
    expect(secretsIn(jenkins.connection, { token: server.token })).toEqual([server.token])
    const basic = Buffer.from(`${server.username}:${server.token}`).toString('base64')
    server.failNext(400, `no ${server.token}, nor ${basic}`)
    expect((await failureOf(connected().start(deploy))).message).toContain('no ***, nor ***')
  })
})

describe('Jenkins: start', () => {
  test('queues a build and returns its queue item, regardless of the host in the location', async () => {
    const { outcome } = await connected().start(deploy)
    const url = `${server.url}/job/shop/job/deploy/`
    expect(outcome).toMatchObject({
      status: 'succeeded',
      result: 'pass',
      message: `Started build ${queued}`,
      data: { id: queued, url, state: 'started' },
      links: { [`jenkins ${queued}`]: url },
    })
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
    ['a project', { project: 'shop' }, 'input.project is not supported'],
    ['an invalid job', { target: 'shop//deploy' }, 'input.target must be a job such as folder/job'],
    ['a path traversal', { target: '../script' }, 'input.target must be a job'],
    ['the parameter of the idempotency key', { parameters: { KEY: 'mine' } }, 'input.parameters must not contain KEY'],
  ])('rejects %s before sending a request', async (_what, input, message) => {
    const failure = await failureOf(keyed().start({ ...deploy, ...input }))
    expect(failure).toMatchObject({ kind: 'invalid', status: 400 })
    expect(failure.message).toContain(message)
    expect(server.calls).toEqual([])
  })

  test('rejects a parameter that Jenkins would ignore', async () => {
    for (const [target, message] of [
      ['shop/deploy', 'The Jenkins job shop/deploy has no parameter STGE. Its parameters: STAGE, KEY.'],
      ['shop/nightly', 'The Jenkins job shop/nightly has no parameter STGE. It has no parameters.'],
    ]) {
      const failure = await failureOf(connected().start({ target, parameters: { STGE: 'prod' } }))
      expect(failure).toMatchObject({ kind: 'refused', status: 422, message })
    }
    expect(places()).toEqual([])
  })

  test('reports the reason that Jenkins gives', async () => {
    expect((await failureOf(connected().start({ target: 'shop/nope' }))).message).toBe(
      'Jenkins answered 404 to GET /job/shop/job/nope/api/json: Not Found',
    )
    server.job('shop/deploy').buildable = false
    expect((await failureOf(connected().start(deploy))).message).toMatch(
      /409 to POST .*: shop\/deploy is not buildable!$/,
    )
    server.state.may.build = false
    expect(await failureOf(connected().start(deploy))).toMatchObject({
      kind: 'refused',
      message: expect.stringMatching(/: robot is missing the Job\/Build permission$/),
    })
    expect(places()).toEqual([])
  })

  test('names the permission that some versions hide in a comment', async () => {
    const body = `<html><body>Authentication required\n<!--\nPermission you need to have (but didn't): hudson.model.Hudson.Read\n--></body></html>`
    server.failNext(403, body)
    expect((await failureOf(connected().start(deploy))).message).toMatch(/\(but didn't\): hudson\.model\.Hudson\.Read$/)
  })

  test('is refused if Jenkins redirects instead', async () => {
    server.failNext(302, undefined, { on: 'POST', headers: { location: 'https://sso.example.com/login' } })
    const failure = await failureOf(connected().start(deploy))
    expect(failure).toMatchObject({ kind: 'refused', message: expect.stringContaining('https://sso.example.com') })
  })
})

describe('Jenkins: start with a lost response', () => {
  test('a retry finds the key in the queue', async () => {
    server.loseNext('POST')
    expect(await failureOf(keyed().start(deploy))).toMatchObject({ transient: true, mayHaveWritten: true })
    const { outcome } = await keyed().start(deploy, { isRetry: true })
    expect(outcome.data).toMatchObject({ id: queued })
    expect(calls('POST')).toHaveLength(1)
  })

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

  test('a retry starts a build if only other calls have builds', async () => {
    await keyed().start(deploy, { key: keyOf(2) })
    server.failNext(502, '<html>', { on: 'POST' })
    await failureOf(keyed().start(deploy))
    await keyed().start(deploy, { isRetry: true })
    expect(places().map(({ parameters }) => parameters.at(-1)?.value)).toEqual([keyOf(2), keyOf(1)])
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

  test('is transient if nothing was sent', async () => {
    server.down()
    expect(await failureOf(connected().start(deploy))).toMatchObject({ kind: 'platform', transient: true })
    server.down(false)
    server.failNext(503, '<html><title>Jenkins is getting ready to work</title></html>')
    expect((await failureOf(connected().start(deploy))).message).toContain('Jenkins is getting ready to work')
  })

  test('returns Retry-After of Jenkins', async () => {
    server.failNext(429, 'slow down', { headers: { 'retry-after': '30' } })
    expect(await failureOf(keyed().start(deploy))).toMatchObject({ kind: 'platform', retryAfter: 30 })
  })
})

describe('Jenkins: second delivery of an event', () => {
  test('finds the build after it has ended', async () => {
    await keyed().start(deploy)
    server.end(server.startBuild(17), 'SUCCESS')
    expect((await keyed().start(deploy)).outcome.data).toMatchObject({ id })
    expect(calls('POST')).toHaveLength(1)
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
    const failure = await failureOf(connected().poll(started, deploy))
    expect(failure).toMatchObject({ kind: 'refused' })
    expect(failure.message).toContain('neither the queue item 17 nor a build of shop/deploy')
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
  test.each([
    ['SUCCESS', 'succeeded', 'pass'],
    ['UNSTABLE', 'succeeded', 'warning'],
    ['FAILURE', 'succeeded', 'fail'],
    ['NOT_BUILT', 'errored', 'fail'],
    ['ABORTED', 'aborted', 'fail'],
  ])('with the result %s, ends as %s, %s', async (result, status, expected) => {
    const { started, build } = await running()
    server.end(build, result)
    const url = `${server.url}/job/shop/job/deploy/1/`
    expect(await connected().end(started, deploy)).toMatchObject({
      status,
      result: expected,
      data: { id, url, state: result, duration: 61 },
      links: { [`jenkins ${id}`]: url, console: `${url}console` },
    })
  })

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

  test('is judged by thresholds', async () => {
    const input = { ...deploy, thresholds: [{ metric: 'testsFailed', op: '<=', value: 5, warn: 1 }] }
    const { started, build } = await running(input)
    server.end(build, 'SUCCESS', { tests: { totalCount: 40, failCount: 2, skipCount: 0 } })
    expect(await connected().end(started, input)).toMatchObject({ result: 'warning' })
  })

  test('keeps running while Jenkins is down, and is refused if it no longer exists', async () => {
    const { started } = await running()
    const later = await pollOn(started, deploy)
    server.failNext(500, '<html><title>Oops! - Jenkins</title></html>')
    expect(await failureOf(connected().poll(later, deploy))).toMatchObject({ transient: true })
    server.job('shop/deploy').builds = []
    expect(await failureOf(connected().poll(later, deploy))).toMatchObject({ kind: 'refused' })
  })
})

describe('Jenkins: cancel', () => {
  test('removes a build from the queue', async () => {
    await connected().start(deploy)
    const outcome = await connected().cancel({ id: queued })
    expect(outcome).toMatchObject({ result: 'pass', message: `Stopped build ${queued} (CANCELLED)` })
    expect(places()[0]?.cancelled).toBe(true)
  })

  test('stops a build, even by the id of its queue item', async () => {
    const { build } = await running()
    const outcome = await connected().cancel({ id: queued })
    expect(outcome).toMatchObject({ result: 'pass', data: { id, state: 'ABORTED' } })
    expect(build.result).toBe('ABORTED')
    expect(calls('POST').at(-1)?.path).toBe('/job/shop/job/deploy/1/stop')
  })

  test('stops a build at the deadline that has left the queue since the last poll', async () => {
    const { build } = await running()
    await jenkins.stop(connected().client(), { id: queued })
    expect(build.result).toBe('ABORTED')
  })

  test('passes for a build that has ended', async () => {
    const { build } = await running()
    server.end(build, 'SUCCESS')
    expect(await connected().cancel({ id })).toMatchObject({ message: `Build ${id} had ended already (SUCCESS)` })
    expect(calls('POST')).toHaveLength(1)
  })

  test('passes for a build that was removed from the queue', async () => {
    await connected().start(deploy)
    await connected().cancel({ id: queued })
    await jenkins.stop(connected().client(), { id: queued })
    expect(await connected().cancel({ id: queued })).toMatchObject({ message: expect.stringContaining('had ended') })
    expect(calls('POST')).toHaveLength(2)
  })

  test('reports the reason that Jenkins gives for a refusal', async () => {
    await connected().start(deploy)
    server.state.may.cancel = false
    expect((await failureOf(connected().cancel({ id: queued }))).message).toMatch(
      /: Item for id \(17\) is not cancellable$/,
    )
    server.startBuild(17)
    expect((await failureOf(connected().cancel({ id }))).message).toMatch(
      /: robot is missing the Job\/Cancel permission$/,
    )
    expect((await failureOf(connected().cancel({ id: 'shop/deploy#9' }))).message).toContain('404 to GET')
  })

  test.each(['shop/deploy', '#1', 'shop/deploy#x', '../script#1', 'shop//deploy#1', 'a#b#1'])(
    'rejects the id %s',
    async (id) => {
      const failure = await failureOf(connected().cancel({ id }))
      expect(failure).toMatchObject({ kind: 'invalid' })
      expect(failure.message).toContain('such as folder/job#123')
    },
  )
})
