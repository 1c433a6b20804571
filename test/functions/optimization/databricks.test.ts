import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { actions } from '../../../functions/optimization/actions.ts'
import { databricks } from '../../../functions/optimization/providers/databricks.ts'
import { type DatabricksServer, startDatabricks } from '../../../infra/platforms/databricks/server.ts'
import { secretsIn } from '../../../shared/fields.ts'
import { redact } from '../../../shared/redact.ts'
import { jobConformance } from '../../conformance/job.ts'
import { optimizationPlatforms } from '../../conformance/job-platforms/optimization.ts'
import { failureOf, keyOf } from '../helpers.ts'
import { Job } from '../job.ts'

let server: DatabricksServer
beforeEach(async () => {
  server = await startDatabricks()
})
afterEach(() => server.close())

const tune = { target: '11223344' }
const id = '455644833'
const url = 'https://shop.cloud.databricks.com/?o=1#job/11223344/run/455644833'
const endTime = 1_764_000_090_400

const connected = (fields: object = {}) =>
  new Job(databricks, { start: actions['start-model'], stop: actions['stop-model'] }, () => ({
    baseUrl: server.url,
    token: server.token,
    ...fields,
  }))
const asPrincipal = (fields: object = {}) =>
  connected({ token: undefined, clientId: server.clientId, clientSecret: server.clientSecret, ...fields })
const calls = (path: string) => server.calls.filter((call) => call.path === `/api/2.2/jobs/${path}`)
const newestRun = () => {
  const found = server.state.runs.at(-1)
  if (!found) throw new Error('The fake has no run')
  return found
}
const ended = (code: string, type = 'CLIENT_ERROR', message = '') => ({
  status: { state: 'TERMINATED', termination_details: { code, type, message } },
})
const succeeded = ended('SUCCESS', 'SUCCESS')
const failed = ended('RUN_EXECUTION_ERROR', 'CLIENT_ERROR', 'Workload failed, see run output for details')
const skipped = ended('SKIPPED', 'CLIENT_ERROR', 'An upstream task failed.')

jobConformance(
  databricks,
  { start: actions['start-model'], stop: actions['stop-model'] },
  optimizationPlatforms.databricks,
  {
    states: {
      running: ['BLOCKED', 'PENDING', 'QUEUED', 'RUNNING', 'TERMINATING', 'WAITING'],
      pass: ['SUCCESS'],
      warning: ['SUCCESS_WITH_FAILURES'],
      fail: ['RUN_EXECUTION_ERROR'],
      aborted: ['USER_CANCELED', 'CANCELED'],
      errored: [
        ...['BREAKING_CHANGE', 'BUDGET_POLICY_LIMIT_EXCEEDED', 'CLOUD_FAILURE', 'CLUSTER_ERROR', 'DISABLED'],
        ...['CLUSTER_REQUEST_LIMIT_EXCEEDED', 'DRIVER_ERROR', 'FEATURE_DISABLED', 'INTERNAL_ERROR', 'SKIPPED'],
        ...['INVALID_CLUSTER_REQUEST', 'INVALID_RUN_CONFIGURATION', 'LIBRARY_INSTALLATION_ERROR'],
        ...['MAX_CONCURRENT_RUNS_EXCEEDED', 'MAX_JOB_QUEUE_SIZE_EXCEEDED', 'MAX_SPARK_CONTEXTS_EXCEEDED'],
        ...['REPOSITORY_CHECKOUT_FAILED', 'RESOURCE_NOT_FOUND', 'STORAGE_ACCESS_ERROR', 'UNAUTHORIZED_ERROR'],
        'WORKSPACE_RUN_LIMIT_EXCEEDED',
      ],
    },
    // Of the older API.
    otherStates: [
      ...['WAITING_FOR_RETRY', 'FAILED', 'TIMEDOUT', 'EXCLUDED', 'MAXIMUM_CONCURRENT_RUNS_REACHED'],
      ...['UPSTREAM_CANCELED', 'UPSTREAM_FAILED'],
    ],
  },
)

describe('Databricks: the connection', () => {
  test('distinguishes an invalid token from missing permissions, which are both a 403 response', async () => {
    const wrong = await failureOf(connected({ token: 'a-wrong-token' }).start(tune))
    expect(wrong).toMatchObject({ kind: 'credentials', mayHaveWritten: false })
    expect(wrong.message).toContain('Invalid access token.')
    expect(wrong.message).not.toContain('a-wrong-token')
    server.state.may.run = false
    const denied = await failureOf(connected().start(tune))
    expect(denied).toMatchObject({ kind: 'refused', status: 422 })
    expect(denied.message).toContain('does not have Manage Run permissions')
  })

  test('gets a token for a service principal and replaces it when it is refused', async () => {
    const started = await asPrincipal().start(tune)
    await asPrincipal().poll(started, tune)
    expect(server.state.given).toBe(1)
    expect(calls('run-now')[0]?.headers['authorization']).toBe('Bearer a-token-of-databricks-1')
    server.state.accessTokens = []
    expect(await failureOf(asPrincipal().poll(started, tune))).toMatchObject({ kind: 'credentials' })
    expect(await asPrincipal().poll(started, tune)).toMatchObject({ status: 'PENDING' })
    expect(server.state.given).toBe(2)
  })

  test('reports an invalid secret of the service principal without showing it', async () => {
    const failure = await failureOf(asPrincipal({ clientSecret: 'a-wrong-secret' }).start(tune))
    expect(failure).toMatchObject({ kind: 'credentials', mayHaveWritten: false })
    expect(failure.message).toContain('Client authentication failed')
    expect(failure.message).not.toContain('a-wrong-secret')
  })

  test('is misconfigured without credentials', async () => {
    const failure = await failureOf(asPrincipal({ clientSecret: undefined }).start(tune))
    expect(failure).toMatchObject({ kind: 'misconfigured' })
    expect(failure.message).toContain('has no credentials. Add clientId and clientSecret, or token')
  })

  test('masks the secret of the service principal also in the header', async () => {
    const secrets = { clientSecret: server.clientSecret, token: server.token }
    expect(secretsIn(databricks.connection, secrets)).toEqual([server.clientSecret, server.token])
    await asPrincipal().start(tune)
    const sent = String(server.calls[0]?.headers['authorization']).replace('Basic ', '')
    expect(redact(`with ${sent}`)).toBe('with ***')
  })
})

describe('Databricks: a start', () => {
  test('runs the job with the idempotency key as its token and returns at once', async () => {
    const { outcome } = await connected().start(tune)
    const composed = `${server.url}/#job/11223344/run/${id}`
    expect(outcome).toMatchObject({
      result: 'pass',
      message: `Started run ${id}`,
      data: { id, url: composed, state: 'started' },
      links: { [`databricks ${id}`]: composed },
    })
    expect(calls('run-now').map(({ body }) => body)).toEqual([{ job_id: 11223344, idempotency_token: keyOf(1) }])
  })

  test('sends the parameters as text', async () => {
    await connected(tune).start({ parameters: { service: 'checkout', trials: 20 } })
    expect(newestRun().job_parameters).toMatchObject([
      { name: 'service', value: 'checkout' },
      { name: 'trials', value: '20' },
    ])
  })

  test('finds a job by its name if the name is unique', async () => {
    expect((await connected().start({ target: 'Tune checkout' })).outcome.data).toMatchObject({ id })
    server.state.jobs.push({ job_id: 2, name: 'tune checkout', parameters: {} })
    const two = await failureOf(connected().start({ target: 'tune checkout' }))
    expect(two).toMatchObject({ kind: 'refused', message: expect.stringContaining('Databricks has more than one job') })
    const none = await failureOf(connected().start({ target: 'tune basket' }))
    expect(none).toMatchObject({
      kind: 'refused',
      message: expect.stringContaining('no job named tune basket'),
    })
    expect(server.state.runs).toHaveLength(1)
  })

  test.each([
    ['a project', { project: 'shop' }, 'input.project is not supported'],
    ['a version', { ref: 'main' }, 'input.ref is not supported'],
    ['an invalid number', { target: '9007199254740993' }, 'input.target must be the id of a job'],
    ['zero', { target: '0' }, 'input.target must be the id of a job'],
  ])('is refused for %s before anything is sent', async (_what, input, message) => {
    const failure = await failureOf(connected().start({ ...tune, ...input }))
    expect(failure).toMatchObject({ kind: 'invalid', status: 400 })
    expect(failure.message).toContain(message)
    expect(server.calls).toEqual([])
  })

  test('shows the reason of Databricks', async () => {
    for (const [input, words] of [
      [{ target: '1' }, 'Job 1 does not exist.'],
      [{ parameters: { stge: 'x' } }, 'Job parameter stge is not defined.'],
    ] as const) {
      const failure = await failureOf(connected().start({ ...tune, ...input }))
      expect(failure).toMatchObject({ kind: 'refused', status: 422, mayHaveWritten: false })
      expect(failure.message).toContain(words)
    }
  })

  test('of a continuous job has an unknown outcome, because Databricks returns no run and another start would restart it', async () => {
    server.failNext(200, {}, { on: 'POST' })
    const failure = await failureOf(connected().start(tune))
    expect(failure).toMatchObject({ kind: 'doubtful', transient: false })
    expect(failure.message).toContain('the start of job 11223344 but returned no run')
  })

  test('waits as long as Databricks asks for if too many runs exist', async () => {
    const said = { error_code: 'REQUEST_LIMIT_EXCEEDED', message: 'There are already 5 active runs (limit: 5).' }
    server.failNext(429, said, { headers: { 'retry-after': '9' } })
    const failure = await failureOf(connected().start(tune))
    expect(failure).toMatchObject({ transient: true, mayHaveWritten: false, retryAfter: 9 })
    expect(failure.message).toContain('There are already 5 active runs')
  })
})

describe('Databricks: a retry of a start', () => {
  test('finds the run of the first attempt, also after it has ended', async () => {
    server.loseNext('POST')
    expect(await failureOf(connected().start(tune))).toMatchObject({ transient: true, mayHaveWritten: true })
    server.show({ ...succeeded, end_time: endTime })
    const started = await connected().start(tune, { isRetry: true })
    expect(started.outcome.data).toMatchObject({ id })
    expect(await connected().end(started, tune)).toMatchObject({ result: 'pass' })
    expect(server.state.runs).toHaveLength(1)
  })

  test('starts another run for another event or without a key', async () => {
    await connected().start(tune)
    for (const key of [keyOf(2), undefined, undefined]) await connected().start(tune, { key })
    expect(server.state.runs).toHaveLength(4)
  })
})

const errored = ['errored', 'fail']
const stillRunning = ['running', '']

describe('Databricks: a run', () => {
  test('links to its own page after the first poll', async () => {
    const started = await connected().start(tune)
    const { job: pending } = (await connected().poll(started, tune)) as { job: object }
    expect(pending).toMatchObject({ id, url })
    server.show({ run_page_url: 'javascript:alert(1)' })
    expect(await connected().poll({ ...started, job: pending }, tune)).toMatchObject({ job: { id, url } })
  })

  test('reports the running tasks', async () => {
    const started = await connected().start(tune)
    expect(await connected().poll(started, tune)).toMatchObject({ status: 'PENDING', progress: undefined })
    server.task('prepare', succeeded)
    server.task('train', { status: { state: 'RUNNING' } })
    server.task('compare', { status: { state: 'BLOCKED' } })
    server.show({ status: { state: 'RUNNING' } })
    expect(await connected().poll(started, tune)).toMatchObject({
      status: 'RUNNING',
      progress: '1 of 3 tasks done, running train',
    })
  })

  test('that is queued reports why', async () => {
    const started = await connected().start(tune)
    const queue_reason = 'Queued due to reaching maximum concurrent runs of 1.'
    server.show({ status: { state: 'QUEUED' }, state: { life_cycle_state: 'QUEUED', queue_reason } })
    expect(await connected().poll(started, tune)).toMatchObject({ status: 'QUEUED', progress: queue_reason })
  })

  // Every status that the API names, and every code of an end.
  test.each([
    ...['BLOCKED', 'PENDING', 'QUEUED', 'RUNNING', 'TERMINATING', 'WAITING'].map((word) => [word, '', ...stillRunning]),
    ['TERMINATED', 'SUCCESS', 'succeeded', 'pass'],
    ['TERMINATED', 'SUCCESS_WITH_FAILURES', 'succeeded', 'warning'],
    ['TERMINATED', 'RUN_EXECUTION_ERROR', 'succeeded', 'fail'],
    ['TERMINATED', 'USER_CANCELED', 'aborted', 'fail'],
    ['TERMINATED', 'CANCELED', 'aborted', 'fail'],
    ['TERMINATED', 'BREAKING_CHANGE', ...errored],
    ['TERMINATED', 'BUDGET_POLICY_LIMIT_EXCEEDED', ...errored],
    ['TERMINATED', 'CLOUD_FAILURE', ...errored],
    ['TERMINATED', 'CLUSTER_ERROR', ...errored],
    ['TERMINATED', 'CLUSTER_REQUEST_LIMIT_EXCEEDED', ...errored],
    ['TERMINATED', 'DISABLED', ...errored],
    ['TERMINATED', 'DRIVER_ERROR', ...errored],
    ['TERMINATED', 'FEATURE_DISABLED', ...errored],
    ['TERMINATED', 'INTERNAL_ERROR', ...errored],
    ['TERMINATED', 'INVALID_CLUSTER_REQUEST', ...errored],
    ['TERMINATED', 'INVALID_RUN_CONFIGURATION', ...errored],
    ['TERMINATED', 'LIBRARY_INSTALLATION_ERROR', ...errored],
    ['TERMINATED', 'MAX_CONCURRENT_RUNS_EXCEEDED', ...errored],
    ['TERMINATED', 'MAX_JOB_QUEUE_SIZE_EXCEEDED', ...errored],
    ['TERMINATED', 'MAX_SPARK_CONTEXTS_EXCEEDED', ...errored],
    ['TERMINATED', 'REPOSITORY_CHECKOUT_FAILED', ...errored],
    ['TERMINATED', 'RESOURCE_NOT_FOUND', ...errored],
    ['TERMINATED', 'SKIPPED', ...errored],
    ['TERMINATED', 'STORAGE_ACCESS_ERROR', ...errored],
    ['TERMINATED', 'UNAUTHORIZED_ERROR', ...errored],
    ['TERMINATED', 'WORKSPACE_RUN_LIMIT_EXCEEDED', ...errored],
  ])('with the status %s and the code %s: %s %s', async (word, code, status, result) => {
    const started = await connected().start(tune)
    const type = status === 'succeeded' ? 'SUCCESS' : 'INTERNAL_ERROR'
    server.show({
      status: { state: word, ...(code ? { termination_details: { code, type, message: 'So.' } } : {}) },
      end_time: code ? endTime : 0,
    })
    const seen = await connected().poll(started, tune)
    if (code === '') expect(seen).toMatchObject({ status: word })
    else
      expect(seen).toMatchObject({
        outcome: {
          ...{ status, result, message: `Run ${id} ended as ${code}: So.` },
          data: { id, url, state: code, duration: 90 },
          links: { [`databricks ${id}`]: url },
        },
      })
  })

  // All older states, without a newer one.
  test.each([
    ...['BLOCKED', 'PENDING', 'QUEUED', 'RUNNING', 'TERMINATING', 'WAITING_FOR_RETRY'].map((word) => [
      word,
      '',
      ...stillRunning,
    ]),
    ['SKIPPED', '', ...errored],
    ['INTERNAL_ERROR', '', ...errored],
    // As of a job in which a task has failed.
    ['INTERNAL_ERROR', 'FAILED', 'succeeded', 'fail'],
    ['TERMINATED', 'SUCCESS', 'succeeded', 'pass'],
    ['TERMINATED', 'SUCCESS_WITH_FAILURES', 'succeeded', 'warning'],
    ['TERMINATED', 'FAILED', 'succeeded', 'fail'],
    ['TERMINATED', 'TIMEDOUT', 'succeeded', 'fail'],
    ['TERMINATED', 'CANCELED', 'aborted', 'fail'],
    ['TERMINATED', 'DISABLED', ...errored],
    ['TERMINATED', 'EXCLUDED', ...errored],
    ['TERMINATED', 'MAXIMUM_CONCURRENT_RUNS_REACHED', ...errored],
    ['TERMINATED', 'UPSTREAM_CANCELED', ...errored],
    ['TERMINATED', 'UPSTREAM_FAILED', ...errored],
  ])('in the state %s with the result %s: %s %s', async (life_cycle_state, result_state, status, result) => {
    const started = await connected().start(tune)
    newestRun().status = undefined
    server.show({ state: { life_cycle_state, ...(result_state ? { result_state } : {}), state_message: 'So.' } })
    const seen = await connected().poll(started, tune)
    const state = result_state || life_cycle_state
    if (result === '') expect(seen).toMatchObject({ status: state })
    else expect(seen).toMatchObject({ outcome: { status, result, message: `Run ${id} ended as ${state}: So.` } })
  })

  test('that is terminating has not ended, although it already has a code', async () => {
    const started = await connected().start(tune)
    server.show({ status: { ...ended('SUCCESS', 'SUCCESS').status, state: 'TERMINATING' } })
    expect(await connected().poll(started, tune)).toMatchObject({ status: 'TERMINATING' })
  })

  test('that timed out is not a cancellation, although its code says so', async () => {
    const started = await connected().start(tune)
    server.show({ ...ended('CANCELED'), state: { life_cycle_state: 'TERMINATED', result_state: 'TIMEDOUT' } })
    expect(await connected().end(started, tune)).toMatchObject({ status: 'succeeded', data: { state: 'TIMEDOUT' } })
  })

  test('with an unknown code ends with its result, and without a result is running', async () => {
    const started = await connected().start(tune)
    server.show({ ...ended('SHINY_NEW_CODE'), state: { life_cycle_state: 'TERMINATED', result_state: 'FAILED' } })
    expect(await connected().end(started, tune)).toMatchObject({ result: 'fail', data: { state: 'FAILED' } })
    server.show({ ...ended('SHINY_NEW_CODE', 'SUCCESS'), state: { life_cycle_state: 'TERMINATED' } })
    expect(await connected().poll(started, tune)).toMatchObject({
      status: 'SHINY_NEW_CODE (unknown state)',
    })
    server.show({ status: { state: 'HIBERNATING' } })
    expect(await connected().poll(started, tune)).toMatchObject({ status: 'HIBERNATING (unknown state)' })
  })

  test('that failed names the task and its error with a link', async () => {
    const started = await connected().start(tune)
    server.task('compare', skipped)
    const task = server.task('train', { ...failed, output: { error: 'ValueError: no trials left', error_trace: '..' } })
    server.task('prepare', succeeded)
    server.show({ ...failed, end_time: endTime })
    const end = await connected().end(started, tune)
    expect(end.message).toBe(`Run ${id} ended as RUN_EXECUTION_ERROR: task train failed: ValueError: no trials left`)
    expect(end.data).toMatchObject({ failedTask: 'train', terminationType: 'CLIENT_ERROR' })
    expect(end.links).toMatchObject({
      'task train': `https://shop.cloud.databricks.com/?o=1#job/11223344/run/${task}`,
    })
    expect(calls('runs/get-output').map(({ query }) => query.get('run_id'))).toEqual([String(task)])
  })

  test('that succeeded does not report a failed attempt of a task', async () => {
    const started = await connected().start(tune)
    const again = server.task('train', { ...succeeded, attempt: 1, output: { notebook_output: { result: '0.93' } } })
    server.task('train', { ...failed, attempt: 0 })
    server.show({ ...succeeded, end_time: endTime })
    const end = await connected().end(started, tune)
    expect(end.data).toMatchObject({ output: 0.93 })
    expect(end.data).not.toHaveProperty('failedTask')
    expect(calls('runs/get-output').map(({ query }) => query.get('run_id'))).toEqual([String(again)])
  })

  test('of one task returns the output of its notebook, and thresholds apply to its numbers', async () => {
    const thresholds = [
      { metric: 'p95', op: '<', value: 300 },
      { metric: 'duration', op: '<', value: 60 },
    ]
    const input = { ...tune, thresholds }
    const started = await connected().start(input)
    const output = { p95: 312, best: { cpu: 2 } }
    server.task('train', {
      ...succeeded,
      output: { notebook_output: { result: JSON.stringify(output), truncated: false } },
    })
    server.show({ ...succeeded, end_time: endTime, run_duration: 75_000 })
    const end = await connected().end(started, input)
    expect(end).toMatchObject({ result: 'fail', data: { output, duration: 75 } })
    expect(end.message).toContain('p95 is 312, not < 300; duration is 75, not < 60')
  })

  test('of one task can return text or nothing', async () => {
    const started = await connected().start(tune)
    const task = server.task('train', { ...succeeded, output: { notebook_output: { result: 'dbfs:/models/7' } } })
    server.show({ ...succeeded, end_time: endTime })
    expect((await connected().end(started, tune)).data).toMatchObject({ output: 'dbfs:/models/7' })
    server.state.outputs[task] = { notebook_output: {} }
    const { data, message } = await connected().end(started, tune)
    expect(data).not.toHaveProperty('output')
    expect(message).toBe(`Run ${id} ended as SUCCESS`)
  })

  test('clips an output that is too large for events', async () => {
    const started = await connected().start(tune)
    server.task('train', { ...succeeded, output: { notebook_output: { result: 'x'.repeat(4_001) } } })
    server.show({ ...succeeded, end_time: endTime })
    const end = await connected().end(started, tune)
    expect(end.data).toMatchObject({ output: `${'x'.repeat(1_999)}…` })
  })

  test('of several successful tasks reads no output', async () => {
    const started = await connected().start(tune)
    for (const key of ['train', 'compare']) server.task(key, succeeded)
    server.show({ ...succeeded, end_time: endTime })
    expect(await connected().end(started, tune)).toMatchObject({ result: 'pass' })
    expect(calls('runs/get-output')).toEqual([])
  })

  test('has a verdict if the output cannot be read', async () => {
    const started = await connected().start(tune)
    server.task('train', failed)
    server.show({ ...failed, end_time: Date.now() })
    server.state.may.seeOutput = false
    expect((await connected().end(started, tune)).message).toMatch(
      /task train failed: Workload failed, see run output for details; its output cannot be read: .+View permissions/,
    )
  })

  test('retries to read its output for a limited time', async () => {
    const started = await connected().start(tune)
    server.task('train', succeeded)
    server.show({ ...succeeded, end_time: Date.now() - 60_000 })
    const fail = () => {
      // The first request reads the run.
      server.failNext(200, newestRun())
      server.failNext(503, '<html><title>Unavailable</title></html>')
    }
    fail()
    expect(await failureOf(connected().poll(started, tune))).toMatchObject({ transient: true })
    server.show({ end_time: Date.now() - 900_000 })
    fail()
    const end = await connected().end(started, tune)
    expect(end).toMatchObject({ result: 'pass' })
    expect(end.message).toContain('its output cannot be read: Databricks answered 503')
  })

  test('can be polled again if Databricks is down, and is refused if it does not exist', async () => {
    const started = await connected().start(tune)
    server.failNext(500, '<html><title>Oops</title></html>')
    expect(await failureOf(connected().poll(started, tune))).toMatchObject({ transient: true })
    server.hang()
    expect(await failureOf(databricks.getStatus(connected().client({ deadline: 100 }), { id }))).toMatchObject({
      kind: 'timeout',
    })
    server.hang(false)
    server.state.runs = []
    expect(await failureOf(connected().poll(started, tune))).toMatchObject({
      kind: 'refused',
      message: expect.stringContaining(`Run ${id} does not exist.`),
    })
  })
})

describe('Databricks: stop-model', () => {
  test('cancels a run and waits until it has ended', async () => {
    await connected().start(tune)
    expect(await connected().stop({ id })).toMatchObject({ message: 'still TERMINATING' })
    expect(calls('runs/cancel').map(({ body }) => body)).toEqual([{ run_id: 455644833 }])
    server.show({ ...ended('USER_CANCELED', 'SUCCESS', 'Run cancelled by mia.'), end_time: endTime })
    expect(await connected().stop({ id: 455644833 })).toMatchObject({
      message: `Run ${id} had ended already (USER_CANCELED)`,
      data: { id, url, state: 'USER_CANCELED' },
    })
  })

  test('passes if the run ends before the stop', async () => {
    await connected().start(tune)
    server.show({ ...succeeded, end_time: endTime })
    await databricks.stop(connected().client(), { id })
    expect(newestRun().status).toMatchObject({ state: 'TERMINATED' })
  })

  test('shows the reason of Databricks', async () => {
    await connected().start(tune)
    expect((await failureOf(connected().stop({ id: '1' }))).message).toContain('Run 1 does not exist.')
    server.state.may.run = false
    expect((await failureOf(connected().stop({ id }))).message).toContain('does not have Manage Run permissions')
  })

  test.each(['tune', '11223344#1', '9007199254740993', '-1'])('refuses the id %s', async (wrong) => {
    const failure = await failureOf(connected().stop({ id: wrong }))
    expect(failure).toMatchObject({ kind: 'invalid' })
    expect(failure.message).toContain('input.id must be the number of a run')
  })
})
