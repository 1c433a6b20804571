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
/** A connection that can look builds up. */
const keyed = () => connected({ keyParameter: 'KEY' })
const calls = (method: string) => server.calls.filter((call) => call.method === method)
const places = () => server.state.queue
/** A start that has left the queue. */
const running = async (input: object = deploy) => {
  const begun = await connected().start(input)
  const build = server.startBuild(17)
  return { begun, build }
}
/** As the framework goes on: with what the look has made of it. */
const lookOn = async (begun: StartedJob, input: object) => {
  const look = await connected().poll(begun, input)
  if ('outcome' in look) throw new Error(`It has ended: ${look.outcome.message}`)
  return { ...begun, pending: look.job }
}

describe('the connection', () => {
  test('is checked with the user of the token', async () => {
    await jenkins.check(connected().client())
    expect(server.calls.map(({ path }) => path)).toEqual(['/me/api/json'])
  })

  test('says that a token is wrong in the words of Jenkins, and not which', async () => {
    const failure = await failureOf(connected({ token: 'a-wrong-token' }).start(deploy))
    expect(failure).toMatchObject({ kind: 'credentials' })
    expect(failure.message).toMatch(/: Invalid password\/token for user: robot$/)
    expect(failure.message).not.toContain('a-wrong-token')
  })

  test('has its token masked wherever it turns up', async () => {
    expect(secretsIn(jenkins.connection, { token: server.token })).toEqual([server.token])
    const basic = Buffer.from(`${server.username}:${server.token}`).toString('base64')
    server.failNext(400, `no ${server.token}, nor ${basic}`)
    expect((await failureOf(connected().start(deploy))).message).toContain('no ***, nor ***')
  })
})

describe('a start', () => {
  test('queues a build, and answers its place in the queue at once, whatever host Jenkins believes to be', async () => {
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

  test('gives the parameters as text, and the key where a parameter takes it', async () => {
    server.job('shop/deploy').parameters.push('REPLICAS', 'DRY')
    await keyed().start({ ...deploy, parameters: { STAGE: 'a b&c=d', REPLICAS: 3, DRY: false } })
    const given = Object.fromEntries(places()[0]?.parameters.map(({ name, value }) => [name, value]) ?? [])
    expect(given).toEqual({ STAGE: 'a b&c=d', REPLICAS: '3', DRY: 'false', KEY: keyOf(1) })
  })

  test('takes the defaults where no parameters are given', async () => {
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
    ['a project', { project: 'shop' }, 'input.project is of no use here'],
    ['a job that is none', { target: 'shop//deploy' }, 'input.target is no job: write it like folder/job'],
    ['a way out of its folder', { target: '../script' }, 'input.target is no job'],
    ['the parameter that takes our key', { parameters: { KEY: 'mine' } }, 'input.parameters must not set KEY'],
  ])('is refused before anything is sent for %s', async (_what, input, message) => {
    const failure = await failureOf(keyed().start({ ...deploy, ...input }))
    expect(failure).toMatchObject({ kind: 'invalid', status: 400 })
    expect(failure.message).toContain(message)
    expect(server.calls).toEqual([])
  })

  test('is refused for a parameter that Jenkins would leave out without a word', async () => {
    for (const [target, message] of [
      ['shop/deploy', 'Jenkins has no parameter STGE of shop/deploy: it has STAGE, KEY.'],
      ['shop/nightly', 'Jenkins has no parameter STGE of shop/nightly: it has none.'],
    ]) {
      const failure = await failureOf(connected().start({ target, parameters: { STGE: 'prod' } }))
      expect(failure).toMatchObject({ kind: 'refused', status: 422, message })
    }
    expect(places()).toEqual([])
  })

  test('says in the words of Jenkins what is wrong', async () => {
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

  test('names the permission that a version without a sentence for it hides in a comment', async () => {
    const body = `<html><body>Authentication required\n<!--\nPermission you need to have (but didn't): hudson.model.Hudson.Read\n--></body></html>`
    server.failNext(403, body)
    expect((await failureOf(connected().start(deploy))).message).toMatch(/\(but didn't\): hudson\.model\.Hudson\.Read$/)
  })

  test('is refused where Jenkins sends a browser elsewhere instead', async () => {
    server.failNext(302, undefined, { on: 'POST', headers: { location: 'https://sso.example.com/login' } })
    const failure = await failureOf(connected().start(deploy))
    expect(failure).toMatchObject({ kind: 'refused', message: expect.stringContaining('https://sso.example.com') })
  })
})

describe('a start whose answer was lost', () => {
  test('is found by its key in the queue', async () => {
    server.loseNext('POST')
    expect(await failureOf(keyed().start(deploy))).toMatchObject({ transient: true, afterWrite: true })
    const { outcome } = await keyed().start(deploy, { isRetry: true })
    expect(outcome.data).toMatchObject({ id: queued })
    expect(calls('POST')).toHaveLength(1)
  })

  test('is found by its key among the builds', async () => {
    server.failNext(502, '<html>', { on: 'POST', done: true })
    await failureOf(keyed().start(deploy))
    server.startBuild(17)
    const { outcome } = await keyed().start(deploy, { isRetry: true })
    expect(outcome.data).toMatchObject({ id, url: `${server.url}/job/shop/job/deploy/1/` })
    expect(calls('POST')).toHaveLength(1)
  })

  test('is found where Jenkins took it and did not say where', async () => {
    server.failNext(201, undefined, { on: 'POST', done: true })
    expect(await failureOf(keyed().start(deploy))).toMatchObject({ kind: 'platform', afterWrite: true })
    await keyed().start(deploy, { isRetry: true })
    expect(places()).toHaveLength(1)
  })

  test('is started where it is not there, beside the builds of others', async () => {
    await keyed().start(deploy, { key: keyOf(2) })
    server.failNext(502, '<html>', { on: 'POST' })
    await failureOf(keyed().start(deploy))
    await keyed().start(deploy, { isRetry: true })
    expect(places().map(({ parameters }) => parameters.at(-1)?.value)).toEqual([keyOf(2), keyOf(1)])
  })

  test.each([
    ['the connection names no parameter for the key', () => connected(), deploy],
    ['the job does not have that parameter', () => keyed(), { target: 'shop/nightly' }],
  ])('is not repeated where %s', async (_what, pipeline, input) => {
    server.loseNext('POST')
    expect(await failureOf(pipeline().start(input))).toMatchObject({ kind: 'doubtful', transient: false })
    expect(await failureOf(pipeline().start(input, { isRetry: true }))).toMatchObject({ kind: 'doubtful' })
    expect(places()).toHaveLength(1)
  })

  test('is a fault that goes away where nothing was sent', async () => {
    server.down()
    expect(await failureOf(connected().start(deploy))).toMatchObject({ kind: 'platform', transient: true })
    server.down(false)
    server.failNext(503, '<html><title>Jenkins is getting ready to work</title></html>')
    expect((await failureOf(connected().start(deploy))).message).toContain('Jenkins is getting ready to work')
  })

  test('waits as long as it is asked to', async () => {
    server.failNext(429, 'slow down', { headers: { 'retry-after': '30' } })
    expect(await failureOf(keyed().start(deploy))).toMatchObject({ kind: 'platform', retryAfter: 30 })
  })
})

describe('a second delivery of an event', () => {
  test('finds the build, though it has ended', async () => {
    await keyed().start(deploy)
    server.end(server.startBuild(17), 'SUCCESS')
    expect((await keyed().start(deploy)).outcome.data).toMatchObject({ id })
    expect(calls('POST')).toHaveLength(1)
  })
})

describe('a place in the queue', () => {
  test('goes on, and says why it waits', async () => {
    const begun = await connected().start(deploy)
    const look = await connected().poll(begun, deploy)
    expect(look).toMatchObject({ status: 'QUEUED', progress: 'In the quiet period. Expires in 4.9 sec' })
  })

  test('becomes a build of another name, which is looked at from then on', async () => {
    const { begun, build } = await running()
    const later = await lookOn(begun, deploy)
    expect(later.pending).toMatchObject({ id, url: `${server.url}/job/shop/job/deploy/1/` })
    places().length = 0
    server.end(build, 'SUCCESS')
    expect(await connected().end(later, deploy)).toMatchObject({ result: 'pass', data: { id, state: 'SUCCESS' } })
  })

  test('is found among the builds where Jenkins has forgotten it', async () => {
    const { begun, build } = await running()
    server.startBuild(17).queueId = 99
    places().length = 0
    server.end(build, 'SUCCESS')
    expect(await connected().end(begun, deploy)).toMatchObject({ data: { id } })
    server.job('shop/deploy').builds = []
    const failure = await failureOf(connected().poll(begun, deploy))
    expect(failure).toMatchObject({ kind: 'refused' })
    expect(failure.message).toContain('neither place 17 of its queue nor the build of shop/deploy')
  })

  test('that is taken out of the queue ends as aborted', async () => {
    const begun = await connected().start(deploy)
    Object.assign(places()[0] ?? {}, { cancelled: true })
    expect(await connected().end(begun, deploy)).toMatchObject({
      status: 'aborted',
      result: 'fail',
      message: `Build ${queued} ended as CANCELLED: it was taken out of the queue`,
    })
  })
})

describe('a build', () => {
  test.each([
    ['SUCCESS', 'succeeded', 'pass'],
    ['UNSTABLE', 'succeeded', 'warning'],
    ['FAILURE', 'succeeded', 'fail'],
    ['NOT_BUILT', 'errored', 'fail'],
    ['ABORTED', 'aborted', 'fail'],
  ])('with the result %s ends as %s, %s', async (result, status, expected) => {
    const { begun, build } = await running()
    server.end(build, result)
    const url = `${server.url}/job/shop/job/deploy/1/`
    expect(await connected().end(begun, deploy)).toMatchObject({
      status,
      result: expected,
      data: { id, url, state: result, duration: 61 },
      links: { [`jenkins ${id}`]: url, console: `${url}console` },
    })
  })

  test('goes on while it is building, whatever result it has by then, and with a result that is not known', async () => {
    const { begun, build } = await running()
    Object.assign(build, { result: 'FAILURE' })
    expect(await connected().poll(begun, deploy)).toMatchObject({ status: 'BUILDING' })
    server.end(build, 'SHINY')
    expect(await connected().poll(begun, deploy)).toMatchObject({ status: 'SHINY (unknown state)' })
  })

  test('of a pipeline says in which stage it is, and whether it waits for somebody', async () => {
    const { begun, build } = await running()
    build.stages = [
      { name: 'Build', status: 'SUCCESS' },
      { name: 'Deploy', status: 'IN_PROGRESS' },
    ]
    expect(await connected().poll(begun, deploy)).toMatchObject({ progress: 'stage 2, Deploy' })
    Object.assign(build.stages[1] ?? {}, { status: 'PAUSED_PENDING_INPUT' })
    expect(await connected().poll(begun, deploy)).toMatchObject({
      progress: 'stage 2, Deploy, which waits for an input',
    })
  })

  test('that failed names the stage and why, and counts the tests', async () => {
    const { begun, build } = await running()
    const error = { message: 'script returned exit code 1', type: 'hudson.AbortException' }
    const stages = [
      { name: 'Build', status: 'SUCCESS' },
      { name: 'Test', status: 'FAILED', error },
    ]
    server.end(build, 'FAILURE', { stages, tests: { totalCount: 40, failCount: 2, skipCount: 3 } })
    const ended = await connected().end(begun, deploy)
    expect(ended.message).toBe(
      `Build ${id} ended as FAILURE: stage "Test" failed: script returned exit code 1; 2 of 40 tests failed`,
    )
    const counted = { tests: 40, testsFailed: 2, testsSkipped: 3, testsPassed: 35 }
    expect(ended.data).toMatchObject({ failedStage: 'Test', duration: 61, ...counted })
    expect(ended.links).toMatchObject({ tests: `${server.url}/job/shop/job/deploy/1/testReport/` })
  })

  test('is looked at without the plugin for stages, and of a job that has none', async () => {
    const { begun, build } = await running()
    server.state.hasStageView = false
    server.end(build, 'FAILURE')
    expect((await connected().end(begun, deploy)).message).toBe(`Build ${id} ended as FAILURE`)
    await connected().start({ target: 'shop/nightly' })
    server.end(server.startBuild(18), 'FAILURE')
    server.calls.length = 0
    await connected().poll({ ...begun, job: { id: 'shop/nightly#1' } }, { target: 'shop/nightly' })
    expect(server.calls.map(({ path }) => path)).toEqual(['/job/shop/job/nightly/1/api/json'])
  })

  test('is held against thresholds', async () => {
    const input = { ...deploy, thresholds: [{ metric: 'testsFailed', op: '<=', value: 5, warn: 1 }] }
    const { begun, build } = await running(input)
    server.end(build, 'SUCCESS', { tests: { totalCount: 40, failCount: 2, skipCount: 0 } })
    expect(await connected().end(begun, input)).toMatchObject({ result: 'warning' })
  })

  test('is looked at again where Jenkins is down, and refused where it is gone', async () => {
    const { begun } = await running()
    const later = await lookOn(begun, deploy)
    server.failNext(500, '<html><title>Oops! - Jenkins</title></html>')
    expect(await failureOf(connected().poll(later, deploy))).toMatchObject({ transient: true })
    server.job('shop/deploy').builds = []
    expect(await failureOf(connected().poll(later, deploy))).toMatchObject({ kind: 'refused' })
  })
})

describe('cancel', () => {
  test('takes a build out of the queue', async () => {
    await connected().start(deploy)
    const outcome = await connected().cancel({ id: queued })
    expect(outcome).toMatchObject({ result: 'pass', message: `Stopped build ${queued} (CANCELLED)` })
    expect(places()[0]?.cancelled).toBe(true)
  })

  test('stops a build, also by the place in the queue that it had', async () => {
    const { build } = await running()
    const outcome = await connected().cancel({ id: queued })
    expect(outcome).toMatchObject({ result: 'pass', data: { id, state: 'ABORTED' } })
    expect(build.result).toBe('ABORTED')
    expect(calls('POST').at(-1)?.path).toBe('/job/shop/job/deploy/1/stop')
  })

  test('stops at the deadline what has left the queue since the last look', async () => {
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

  test('leaves alone what was taken out of the queue', async () => {
    await connected().start(deploy)
    await connected().cancel({ id: queued })
    await jenkins.stop(connected().client(), { id: queued })
    expect(await connected().cancel({ id: queued })).toMatchObject({ message: expect.stringContaining('had ended') })
    expect(calls('POST')).toHaveLength(2)
  })

  test('says why Jenkins does not do it', async () => {
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
    'refuses the id %s',
    async (id) => {
      const failure = await failureOf(connected().cancel({ id }))
      expect(failure).toMatchObject({ kind: 'invalid' })
      expect(failure.message).toContain('write it like folder/job#123')
    },
  )
})
