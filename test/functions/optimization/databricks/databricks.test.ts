import { describe, expect, test } from '@jest/globals'
import { databricks } from '../../../../functions/optimization/databricks/databricks.ts'
import { newestOf } from '../../../../infra/testing/loopback-server.ts'
import { secretsIn } from '../../../../shared/fields.ts'
import { redact } from '../../../../shared/redact.ts'
import { vendorStates } from '../../../conformance/job/vendor-states.ts'
import { jobConformance } from '../../../conformance/job.ts'
import { expectFailure, keyOf } from '../../helpers.ts'
import { modelActions } from '../../job-actions.ts'
import { jobRow, oldDatabricksJob } from './fake.ts'
import { currentStates, olderStates } from './states.ts'

const tune = { target: '11223344' }
const id = '455644833'
const url = 'https://shop.cloud.databricks.com/?o=1#job/11223344/run/455644833'
const end_time = 1_764_000_090_400

const asPrincipal = (fields: object = {}) =>
  connected({ token: undefined, clientId: server.clientId, clientSecret: server.clientSecret, ...fields })
const calls = (path: string) => server.calls.filter((call) => call.path === `/api/2.2/jobs/${path}`)
const run = () => newestOf(server.state.runs)
const ended = (code: string, type = 'CLIENT_ERROR', message = '') => ({
  status: { state: 'TERMINATED', termination_details: { code, type, message } },
  end_time,
})
const succeeded = ended('SUCCESS', 'SUCCESS')
const failed = ended('RUN_EXECUTION_ERROR', 'CLIENT_ERROR', 'Workload failed, see run output for details')
const skipped = ended('SKIPPED', 'CLIENT_ERROR', 'An upstream task failed.')
/** Shows these tasks and this state, and polls. */
const endWith = (tasks: Record<string, Parameters<typeof server.task>[1]>, changes: object, input: object = tune) =>
  connected().endAfter(input, () => {
    for (const [key, task] of Object.entries(tasks)) server.task(key, task)
    server.show(changes)
  })
const withOutput = (notebook_output: object) => ({ ...succeeded, output: { notebook_output } })

const others = { TERMINATED: 'has ended: its result, or the code of its end, says how' }
const current = vendorStates(
  currentStates,
  {
    running: ['BLOCKED'],
    pass: ['SUCCESS'],
    warning: ['SUCCESS_WITH_FAILURES'],
    fail: ['RUN_EXECUTION_ERROR'],
    aborted: ['USER_CANCELED', 'CANCELED'],
    errored: [
      'BREAKING_CHANGE',
      'BUDGET_POLICY_LIMIT_EXCEEDED',
      'CLOUD_FAILURE',
      'CLUSTER_ERROR',
      'CLUSTER_REQUEST_LIMIT_EXCEEDED',
      'DISABLED',
      'DRIVER_ERROR',
      'FEATURE_DISABLED',
      'INTERNAL_ERROR',
      'INVALID_CLUSTER_REQUEST',
      'INVALID_RUN_CONFIGURATION',
      'LIBRARY_INSTALLATION_ERROR',
      'MAX_CONCURRENT_RUNS_EXCEEDED',
      'MAX_JOB_QUEUE_SIZE_EXCEEDED',
      'MAX_SPARK_CONTEXTS_EXCEEDED',
      'REPOSITORY_CHECKOUT_FAILED',
      'RESOURCE_NOT_FOUND',
      'SKIPPED',
      'STORAGE_ACCESS_ERROR',
      'UNAUTHORIZED_ERROR',
      'WORKSPACE_RUN_LIMIT_EXCEEDED',
    ],
  },
  others,
)
const old = vendorStates(
  olderStates,
  {
    running: ['BLOCKED', 'WAITING_FOR_RETRY'],
    warning: ['SUCCESS_WITH_FAILURES'],
    fail: ['TIMEDOUT'],
    errored: [
      'DISABLED',
      'EXCLUDED',
      'INTERNAL_ERROR',
      'MAXIMUM_CONCURRENT_RUNS_REACHED',
      'SKIPPED',
      'UPSTREAM_CANCELED',
      'UPSTREAM_FAILED',
    ],
  },
  others,
)
const otherStates = [current, old].flatMap((states) => Object.values(states).flat())

const { server, connected } = jobConformance(databricks, modelActions, jobRow, {
  states: current,
  otherStates,
  unsupported: ['project', 'ref'],
  invalidStarts: [
    {
      name: 'an invalid number',
      input: { target: '9007199254740993' },
      message: 'input.target must be the id of a job',
    },
    { name: 'zero', input: { target: '0' }, message: 'input.target must be the id of a job' },
  ],
  refused: [
    { name: 'an unknown job', input: { target: '1' }, reason: 'Job 1 does not exist.' },
    {
      name: 'an unknown parameter',
      input: { parameters: { stge: 'x' } },
      reason: 'Job parameter stge is not defined.',
    },
    {
      name: 'a token that may not run it',
      change: ({ state }) => Object.assign(state.may, { run: false }),
      reason: 'Manage Run permissions',
    },
  ],
  failedChecks: [
    { reason: 'Invalid access token.', connection: { token: 'a-wrong-token' }, kind: 'credentials' },
    {
      reason: 'has no credentials. Add clientId and clientSecret, or token',
      connection: { token: undefined },
      kind: 'misconfigured',
    },
    {
      reason: 'Client authentication failed',
      connection: ({ clientId }) => ({ token: undefined, clientId, clientSecret: 'a-wrong-secret' }),
      kind: 'credentials',
    },
  ],
  slowStop: { state: 'TERMINATING' },
  stopsBy: { id: Number(id) },
  url: ({ url }) => `${url}/#job/11223344/run/${id}`,
  refusedStops: [
    { change: ({ state }) => Object.assign(state.may, { run: false }), reason: 'does not have Manage Run permissions' },
    { id: '1', reason: 'Run 1 does not exist.' },
  ],
  sends: [
    { name: 'the key as its token', request: { body: { job_id: 11223344, idempotency_token: keyOf(1) } } },
    {
      name: 'the parameters as text',
      input: { parameters: { service: 'checkout', trials: 20 } },
      request: { body: { job_parameters: { service: 'checkout', trials: '20' } } },
    },
  ],
  reports: [
    {
      name: 'why it is queued',
      change: ({ show }) => {
        const queue_reason = 'Queued due to reaching maximum concurrent runs of 1.'
        show({ status: { state: 'QUEUED' }, state: { life_cycle_state: 'QUEUED', queue_reason } })
      },
      reported: { status: 'QUEUED', progress: 'Queued due to reaching maximum concurrent runs of 1.' },
    },
    {
      name: 'that it is terminating, although it already has a code',
      change: ({ show }) => show({ status: { ...succeeded.status, state: 'TERMINATING' } }),
      reported: { status: 'TERMINATING' },
    },
  ],
  invalidIds: {
    ids: ['tune', '11223344#1', '9007199254740993', '-1'],
    message: 'input.id must be the number of a run',
  },
})
describe('of the older API', () => {
  jobConformance(databricks, modelActions, oldDatabricksJob, {
    name: 'Databricks: older API',
    states: old,
    otherStates,
  })
})

test('Databricks: the connection gets a token for a service principal and replaces it when it is refused', async () => {
  const started = await asPrincipal().start(tune)
  await asPrincipal().poll(started, tune)
  expect(server.state.issued).toBe(1)
  expect(calls('run-now')[0]?.headers['authorization']).toBe('Bearer a-token-of-databricks-1')
  server.state.accessTokens = []
  expect(await asPrincipal().poll(started, tune)).toMatchObject({ status: 'PENDING' })
  expect(server.state.issued).toBe(2)
})

test('Databricks: the connection masks the secret of the service principal also in the header', async () => {
  const { clientSecret, token } = server
  expect(secretsIn(databricks.connection, { clientSecret, token })).toEqual([clientSecret, token])
  await asPrincipal().start(tune)
  const sent = String(server.calls[0]?.headers['authorization']).replace('Basic ', '')
  expect(redact(`with ${sent}`)).toBe('with ***')
})

test('Databricks: a start finds a job by its name if the name is unique', async () => {
  expect((await connected().start({ target: 'Tune checkout' })).outcome.data).toMatchObject({ id })
  server.state.jobs.push({ job_id: 2, name: 'tune checkout', parameters: {} })
  await expectFailure(connected().start({ target: 'tune checkout' }), 'refused', 'Databricks has more than one job')
  await expectFailure(connected().start({ target: 'tune basket' }), 'refused', 'no job named tune basket')
  expect(server.state.runs).toHaveLength(1)
})

test('Databricks: a start of a continuous job has an unknown outcome, because Databricks returns no run and another start would restart it', async () => {
  server.failNext(200, {}, { on: 'POST' })
  const message = 'the start of job 11223344 but returned no run'
  await expectFailure(connected().start(tune), { kind: 'unconfirmed', transient: false }, message)
})

describe('Databricks: a run', () => {
  test('links to its own page after the first poll', async () => {
    const started = await connected().start(tune)
    const { job } = (await connected().poll(started, tune)) as { job: object }
    expect(job).toMatchObject({ id, url })
    server.show({ run_page_url: 'javascript:alert(1)' })
    expect(await connected().poll({ ...started, job }, tune)).toMatchObject({ job: { id, url } })
  })

  test('reports the running tasks', async () => {
    const polled = await connected().pollAfter(tune, () => {
      server.task('prepare', succeeded)
      server.task('train', { status: { state: 'RUNNING' } })
      server.task('compare', { status: { state: 'BLOCKED' } })
      server.show({ status: { state: 'RUNNING' } })
    })
    expect(polled).toMatchObject({ status: 'RUNNING', progress: '1 of 3 tasks done, running train' })
  })

  test('that ended has the message, the page and the duration', async () => {
    expect(await endWith({}, ended('CLOUD_FAILURE', 'CLOUD_FAILURE', 'So.'))).toMatchObject({
      status: 'errored',
      message: `Run ${id} ended as CLOUD_FAILURE: So.`,
      data: { url, duration: 90 },
      links: { [`databricks ${id}`]: url },
    })
  })

  test('of a job in which a task has failed fails, although its older state is an error', async () => {
    const state = { life_cycle_state: 'INTERNAL_ERROR', result_state: 'FAILED', state_message: 'So.' }
    const message = `Run ${id} ended as FAILED: So.`
    expect(await endWith({}, { status: undefined, state })).toMatchObject({
      status: 'succeeded',
      result: 'fail',
      message,
    })
  })

  const withResult = (result_state: string) => ({ state: { life_cycle_state: 'TERMINATED', result_state } })
  test.each([
    ['that timed out is not a cancellation, although its code says so', 'CANCELED', 'TIMEDOUT'],
    ['with an unknown code ends with its result', 'SHINY_NEW_CODE', 'FAILED'],
  ])('%s', async (_what, code, state) => {
    const end = await endWith({}, { ...ended(code), ...withResult(state) })
    expect(end).toMatchObject({ status: 'succeeded', result: 'fail', data: { state } })
  })

  test('that failed names the task and its error with a link', async () => {
    const train = { ...failed, output: { error: 'ValueError: no trials left', error_trace: '..' } }
    const end = await endWith({ compare: skipped, train, prepare: succeeded }, failed)
    expect(end.message).toBe(`Run ${id} ended as RUN_EXECUTION_ERROR: task train failed: ValueError: no trials left`)
    expect(end.data).toMatchObject({ failedTask: 'train', terminationType: 'CLIENT_ERROR' })
    const task = run().tasks.find(({ task_key }) => task_key === 'train')?.run_id
    const page = `https://shop.cloud.databricks.com/?o=1#job/11223344/run/${task}`
    expect(end.links).toMatchObject({ 'task train': page })
    expect(calls('runs/get-output').map(({ query }) => query.get('run_id'))).toEqual([String(task)])
  })

  test('that succeeded does not report a failed attempt of a task', async () => {
    const end = await connected().endAfter(tune, () => {
      server.task('train', { ...withOutput({ result: '0.93' }), attempt: 1 })
      server.task('train', { ...failed, attempt: 0 })
      server.show(succeeded)
    })
    expect(end.data).toMatchObject({ output: 0.93 })
    expect(end.data).not.toHaveProperty('failedTask')
    expect(calls('runs/get-output')).toHaveLength(1)
  })

  test('of one task returns the output of its notebook, and thresholds apply to its numbers', async () => {
    const thresholds = [
      { metric: 'p95', op: '<', value: 300 },
      { metric: 'duration', op: '<', value: 60 },
    ]
    const output = { p95: 312, best: { cpu: 2 } }
    const train = withOutput({ result: JSON.stringify(output), truncated: false })
    const end = await endWith({ train }, { ...succeeded, run_duration: 75_000 }, { ...tune, thresholds })
    expect(end).toMatchObject({ result: 'fail', data: { output, duration: 75 } })
    expect(end.message).toContain('p95 is 312, not < 300; duration is 75, not < 60')
  })

  test.each([
    ['text', 'dbfs:/models/7', 'dbfs:/models/7'],
    ['nothing', undefined, undefined],
    ['too much for events, which is clipped', 'x'.repeat(4_001), `${'x'.repeat(1_999)}…`],
  ])('of one task can return %s', async (_what, result, output) => {
    const { data, message } = await endWith({ train: withOutput({ result }) }, succeeded)
    expect(data['output']).toBe(output)
    expect(message).toBe(`Run ${id} ended as SUCCESS`)
  })

  test('of several successful tasks reads no output', async () => {
    expect(await endWith({ train: succeeded, compare: succeeded }, succeeded)).toMatchObject({ result: 'pass' })
    expect(calls('runs/get-output')).toEqual([])
  })

  test('has a verdict if the output cannot be read', async () => {
    server.state.may.seeOutput = false
    const { message } = await endWith({ train: failed }, { ...failed, end_time: Date.now() })
    expect(message).toMatch(
      /task train failed: Workload failed, see run output for details; its output cannot be read: .+View permissions/,
    )
  })

  test.each([
    ['is read again a minute after the end', 60_000, 'Databricks answered 503'],
    ['is given up after 15 minutes', 900_000, 'its output cannot be read: Databricks answered 503'],
  ])('whose output fails to load %s', async (_what, ago, message) => {
    const polled = connected().endAfter(tune, () => {
      server.task('train', succeeded)
      server.show({ ...succeeded, end_time: Date.now() - ago })
      // The first request reads the run.
      server.failNext(200, run())
      server.failNext(503, '<html><title>Unavailable</title></html>')
    })
    if (ago === 60_000) await expectFailure(polled, { transient: true }, message)
    else expect((await polled).message).toContain(message)
  })
})
