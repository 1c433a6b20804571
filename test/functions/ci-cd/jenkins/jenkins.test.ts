import { describe, expect, test } from '@jest/globals'
import { jenkins } from '../../../../functions/ci-cd/jenkins/jenkins.ts'
import type { StartedJob } from '../../../../shared/providers/action.ts'
import { vendorStates } from '../../../conformance/job/vendor-states.ts'
import { jobConformance, withState } from '../../../conformance/job.ts'
import { expectFailure, failureOf, keyOf } from '../../helpers.ts'
import { pipelineActions } from '../pipeline.ts'
import { jobRow } from './fake.ts'
import type { JenkinsServer } from './server.ts'
import { listedStates } from './states.ts'

const deploy = { target: 'shop/deploy' }
const queued = 'shop/deploy#queue-17'
const id = 'shop/deploy#1'

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

const unknown = 'The Jenkins job shop/deploy has no parameter STGE'
const deploying = (status: string) => [
  { name: 'Build', status: 'SUCCESS' },
  { name: 'Deploy', status },
]
const error = { message: 'script returned exit code 1', type: 'hudson.AbortException' }
const failed = [
  { name: 'Build', status: 'SUCCESS' },
  { name: 'Test', status: 'FAILED', error },
]
const building = (fields: object) => (fake: JenkinsServer) => Object.assign(fake.startBuild(17), fields)

const { server, connected } = jobConformance(jenkins, pipelineActions, jobRow, {
  states: vendorStates(listedStates, {
    running: ['QUEUED'],
    warning: ['UNSTABLE'],
    errored: ['NOT_BUILT'],
    aborted: ['CANCELLED'],
  }),
  otherStates: ['BUILDING'],
  unknownStates: ['SHINY'],
  hasPaths: true,
  invalidStarts: [
    { name: 'a project', input: { project: 'shop' }, message: 'input.project is not supported' },
    {
      name: 'an invalid job',
      input: { target: 'shop//deploy' },
      message: 'input.target must be a job such as folder/job',
    },
    { name: 'a path traversal', input: { target: '../script' }, message: 'input.target must be a job' },
    {
      name: 'the parameter of the idempotency key',
      input: { parameters: { KEY: 'mine' } },
      message: 'input.parameters must not contain KEY',
    },
  ],
  url: '/job/shop/job/deploy/',
  refused: [
    {
      name: 'a build that a plugin keeps out of the queue',
      change: withState({ refusesAll: true }),
      reason: 'Jenkins put no build of shop/deploy into its queue',
    },
    {
      name: 'a redirect to another page',
      change: ({ failNext }) => failNext(302, '', { on: 'POST', headers: { location: '/login?from=%2F' } }),
      reason: '/login, which is not followed. Check the URL',
    },
    {
      name: 'a parameter of a job without parameters',
      input: { target: 'shop/nightly', parameters: { STGE: 'prod' } },
      reason: 'The Jenkins job shop/nightly has no parameter STGE. It has no parameters.',
    },
    {
      name: 'an unknown job',
      input: { target: 'shop/nope' },
      reason: '404 to GET /job/shop/job/nope/api/json: Not Found',
    },
    {
      name: 'a disabled job',
      change: ({ job }) => Object.assign(job('shop/deploy'), { buildable: false }),
      reason: 'is not buildable!',
    },
    {
      name: 'a permission',
      change: ({ state }) => Object.assign(state.may, { build: false }),
      reason: 'missing the Job/Build permission',
    },
    {
      name: 'a parameter that Jenkins would ignore',
      input: { parameters: { STGE: 'prod' } },
      reason: `${unknown}. Its parameters: STAGE, KEY.`,
    },
  ],
  reports: [
    {
      name: 'why it waits',
      change: () => {},
      reported: { status: 'QUEUED', progress: 'In the quiet period. Expires in 4.9 sec' },
    },
    {
      name: 'that it was removed from the queue',
      change: ({ state }) => Object.assign(state.queue[0] ?? {}, { cancelled: true }),
      reported: { message: `Build ${queued} ended as CANCELLED: it was removed from the queue` },
    },
    {
      name: 'its stage',
      change: building({ stages: deploying('IN_PROGRESS') }),
      reported: { progress: 'stage 2, Deploy' },
    },
    {
      name: 'that its stage waits for input',
      change: building({ stages: deploying('PAUSED_PENDING_INPUT') }),
      reported: { progress: 'stage 2, Deploy, waiting for input' },
    },
    {
      name: 'the stage that failed, the reason and its tests',
      change: (fake) =>
        fake.end(fake.startBuild(17), 'FAILURE', {
          stages: failed,
          tests: { totalCount: 40, failCount: 2, skipCount: 3 },
        }),
      reported: {
        message: `Build ${id} ended as FAILURE: stage "Test" failed: script returned exit code 1; 2 of 40 tests failed`,
        data: { failedStage: 'Test', duration: 61, tests: 40, testsFailed: 2, testsSkipped: 3, testsPassed: 35 },
        links: { tests: expect.stringContaining('/job/shop/job/deploy/1/testReport/') },
      },
    },
  ],
  check: ['GET /me/api/json'],
  lost: [{ name: 'if the job does not define that parameter', change: () => {}, input: { target: 'shop/nightly' } }],
  refusedStops: [
    {
      change: (fake) => {
        fake.startBuild(17)
        fake.state.may.cancel = false
      },
      reason: ': robot is missing the Job/Cancel permission',
    },
    { id: 'shop/deploy#9', reason: '404 to GET' },
  ],
  invalidIds: {
    ids: ['shop/deploy', '#1', 'shop/deploy#x', '../script#1', 'shop//deploy#1', 'a#b#1'],
    message: 'such as folder/job#123',
  },
  refusal: (reason) => reason,
})

test('Jenkins: reports why it rejects the token, and masks its encoded form', async () => {
  const start = connected({ token: 'a-wrong-token', keyParameter: undefined }).start(deploy)
  await expectFailure(start, 'credentials', 'Invalid password/token')
  server.failNext(400, `no ${Buffer.from(`${server.username}:${server.token}`).toString('base64')}`)
  await expectFailure(connected().start(deploy), 'refused', 'no ***')
})

test('Jenkins: without keyParameter, a start is the build with the same parameters that waits in the queue', async () => {
  const job = connected({ keyParameter: undefined })
  const first = await job.start(deploy)
  const second = await job.start(deploy, { key: keyOf(2) })
  expect(second.outcome.data['id']).toBe(first.outcome.data['id'])
  expect(places()).toHaveLength(1)
})

describe('Jenkins: start', () => {
  test('sends parameters as text, and the key in the parameter of the connection', async () => {
    server.job('shop/deploy').parameters.push('REPLICAS', 'DRY')
    await connected().start({ ...deploy, parameters: { STAGE: 'a b&c=d', REPLICAS: 3, DRY: false } })
    const given = Object.fromEntries(places()[0]?.parameters.map(({ name, value }) => [name, value]) ?? [])
    expect(given).toEqual({ STAGE: 'a b&c=d', REPLICAS: '3', DRY: 'false', KEY: keyOf(1) })
  })

  test('runs a job without parameters, and a branch of a multibranch pipeline', async () => {
    await connected().start({ target: 'shop/nightly' })
    const { outcome } = await connected().start({ target: 'shop/app', ref: 'feature/cart' })
    expect(places().map(({ job }) => job.name)).toEqual(['shop/nightly', 'shop/app/feature%2Fcart'])
    expect(outcome.data).toMatchObject({ id: 'shop/app/feature%2Fcart#queue-18' })
  })

  test('names the permission that some versions hide in a comment', async () => {
    const body = `<html><body>Authentication required\n<!--\nPermission you need to have (but didn't): hudson.model.Hudson.Read\n--></body></html>`
    server.failNext(403, body)
    expect((await failureOf(connected().start(deploy))).message).toMatch(/\(but didn't\): hudson\.model\.Hudson\.Read$/)
  })
})

test('Jenkins: a retry of a start finds a build whose start returned no location', async () => {
  server.failNext(201, undefined, { on: 'POST', done: true })
  expect(await failureOf(connected().start(deploy))).toMatchObject({ kind: 'platform', mayHaveWritten: true })
  await connected().start(deploy, { isRetry: true })
  expect(places()).toHaveLength(1)
})

test('Jenkins: a run that leaves the queue during a search is found', async () => {
  await connected().start(deploy)
  server.calls.length = 0
  const leavesAfterFirstRequest = () => {
    if (server.calls.length === 2) {
      server.startBuild(17)
      places().length = 0
    }
    return false
  }
  server.failNext(500, {}, { on: leavesAfterFirstRequest })
  expect(await jenkins.find?.(connected().client(), deploy)).toMatchObject({ id: queued })
})

test('Jenkins: a queue item becomes a build with another id, which is polled from then on', async () => {
  const { started, build } = await running()
  const later = await pollOn(started, deploy)
  expect(later.job).toMatchObject({ id, url: `${server.url}/job/shop/job/deploy/1/` })
  places().length = 0
  server.end(build, 'SUCCESS')
  expect(await connected().end(later, deploy)).toMatchObject({ result: 'pass', data: { id, state: 'SUCCESS' } })
})

test('Jenkins: a queue item is found among the builds after Jenkins has deleted the item', async () => {
  const { started, build } = await running()
  server.startBuild(17).queueId = 99
  places().length = 0
  server.end(build, 'SUCCESS')
  expect(await connected().end(started, deploy)).toMatchObject({ data: { id } })
  server.job('shop/deploy').builds = []
  const polled = connected().poll(started, deploy)
  await expectFailure(polled, 'refused', 'neither the queue item 17 nor a build of shop/deploy')
})

test('Jenkins: a build keeps running while it is building, even with a result, and with an unknown result', async () => {
  const { started, build } = await running()
  Object.assign(build, { result: 'FAILURE' })
  expect(await connected().poll(started, deploy)).toMatchObject({ status: 'BUILDING' })
  server.end(build, 'SHINY')
  expect(await connected().poll(started, deploy)).toMatchObject({ status: 'SHINY (unknown state)' })
})

test('Jenkins: a build has a verdict without the plugin for stages, and in a job without stages', async () => {
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

describe('Jenkins: cancel', () => {
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

  test('reports the reason that Jenkins gives for a refused removal from the queue', async () => {
    await connected().start(deploy)
    server.state.may.cancel = false
    await expectFailure(connected().stop({ id: queued }), 'refused', ': Item for id (17) is not cancellable')
  })
})
