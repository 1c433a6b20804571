import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { actions } from '../../../functions/optimization/actions.ts'
import { databricks } from '../../../functions/optimization/providers/databricks.ts'
import { type DatabricksServer, startDatabricks } from '../../../infra/platforms/databricks/server.ts'
import { secretsIn } from '../../../shared/fields.ts'
import { redact } from '../../../shared/redact.ts'
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
const newest = () => {
  const found = server.state.runs.at(-1)
  if (!found) throw new Error('There is no run')
  return found
}
const ended = (code: string, type = 'CLIENT_ERROR', message = '') => ({
  status: { state: 'TERMINATED', termination_details: { code, type, message } },
})
const succeeded = ended('SUCCESS', 'SUCCESS')
const failed = ended('RUN_EXECUTION_ERROR', 'CLIENT_ERROR', 'Workload failed, see run output for details')
const skipped = ended('SKIPPED', 'CLIENT_ERROR', 'An upstream task failed.')

describe('the connection', () => {
  test('is checked with the list of jobs', async () => {
    await databricks.check(connected().client())
    expect(server.calls.map(({ path, query }) => `${path}?${query}`)).toEqual(['/api/2.2/jobs/list?limit=1'])
  })

  test('tells a token that is wrong from a lack of rights, though both are answered with 403', async () => {
    const wrong = await failureOf(connected({ token: 'a-wrong-token' }).start(tune))
    expect(wrong).toMatchObject({ kind: 'credentials', afterWrite: false })
    expect(wrong.message).toContain('Invalid access token.')
    expect(wrong.message).not.toContain('a-wrong-token')
    server.state.may.run = false
    const denied = await failureOf(connected().start(tune))
    expect(denied).toMatchObject({ kind: 'refused', status: 422 })
    expect(denied.message).toContain('does not have Manage Run permissions')
  })

  test('of a service principal fetches a token, and uses it until it is not taken any more', async () => {
    const begun = await asPrincipal().start(tune)
    await asPrincipal().poll(begun, tune)
    expect(server.state.given).toBe(1)
    expect(calls('run-now')[0]?.headers['authorization']).toBe('Bearer a-token-of-databricks-1')
    server.state.accessTokens = []
    expect(await failureOf(asPrincipal().poll(begun, tune))).toMatchObject({ kind: 'credentials' })
    expect(await asPrincipal().poll(begun, tune)).toMatchObject({ status: 'PENDING' })
    expect(server.state.given).toBe(2)
  })

  test('says that the secret of the service principal is wrong, and not which', async () => {
    const failure = await failureOf(asPrincipal({ clientSecret: 'a-wrong-secret' }).start(tune))
    expect(failure).toMatchObject({ kind: 'credentials', afterWrite: false })
    expect(failure.message).toContain('Client authentication failed')
    expect(failure.message).not.toContain('a-wrong-secret')
  })

  test('without either is said to be wrong', async () => {
    const failure = await failureOf(asPrincipal({ clientSecret: undefined }).start(tune))
    expect(failure).toMatchObject({ kind: 'misconfigured' })
    expect(failure.message).toContain('needs clientId and clientSecret, or a token')
  })

  test('has its secrets masked wherever they turn up', async () => {
    const secrets = { clientSecret: server.clientSecret, token: server.token }
    expect(secretsIn(databricks.connection, secrets)).toEqual([server.clientSecret, server.token])
    await asPrincipal().start(tune)
    const sent = String(server.calls[0]?.headers['authorization']).replace('Basic ', '')
    expect(redact(`with ${sent}`)).toBe('with ***')
  })
})

describe('a start', () => {
  test('runs the job with the key of the call as its token, and answers at once', async () => {
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

  test('gives parameters of the job, which are text', async () => {
    await connected(tune).start({ parameters: { service: 'checkout', trials: 20 } })
    expect(newest().job_parameters).toMatchObject([
      { name: 'service', value: 'checkout' },
      { name: 'trials', value: '20' },
    ])
  })

  test('takes a job by its name, where it is the only one of that name', async () => {
    expect((await connected().start({ target: 'Tune checkout' })).outcome.data).toMatchObject({ id })
    server.state.jobs.push({ job_id: 2, name: 'tune checkout', parameters: {} })
    const two = await failureOf(connected().start({ target: 'tune checkout' }))
    expect(two).toMatchObject({ kind: 'refused', message: expect.stringContaining('More than one job of Databricks') })
    const none = await failureOf(connected().start({ target: 'tune basket' }))
    expect(none).toMatchObject({
      kind: 'refused',
      message: expect.stringContaining('no job that is named tune basket'),
    })
    expect(server.state.runs).toHaveLength(1)
  })

  test.each([
    ['a project', { project: 'shop' }, 'input.project is of no use'],
    ['a version', { ref: 'main' }, 'input.ref is of no use'],
    ['a number that is no id', { target: '9007199254740993' }, 'input.target is no job'],
    ['zero', { target: '0' }, 'input.target is no job'],
  ])('is refused before anything is sent for %s', async (_what, input, message) => {
    const failure = await failureOf(connected().start({ ...tune, ...input }))
    expect(failure).toMatchObject({ kind: 'invalid', status: 400 })
    expect(failure.message).toContain(message)
    expect(server.calls).toEqual([])
  })

  test('says in the words of Databricks what it refuses', async () => {
    for (const [input, words] of [
      [{ target: '1' }, 'Job 1 does not exist.'],
      [{ parameters: { stge: 'x' } }, 'Job parameter stge is not defined.'],
    ] as const) {
      const failure = await failureOf(connected().start({ ...tune, ...input }))
      expect(failure).toMatchObject({ kind: 'refused', status: 422, afterWrite: false })
      expect(failure.message).toContain(words)
    }
  })

  test('ends with an unknown outcome for a continuous job: Databricks names no run, and another try would restart it', async () => {
    server.failNext(200, {}, { on: 'POST' })
    const failure = await failureOf(connected().start(tune))
    expect(failure).toMatchObject({ kind: 'doubtful', transient: false })
    expect(failure.message).toContain('names no run of job 11223344')
  })

  test('waits where too many run, as long as Databricks asks for', async () => {
    const said = { error_code: 'REQUEST_LIMIT_EXCEEDED', message: 'There are already 5 active runs (limit: 5).' }
    server.failNext(429, said, { headers: { 'retry-after': '9' } })
    const failure = await failureOf(connected().start(tune))
    expect(failure).toMatchObject({ transient: true, afterWrite: false, retryAfter: 9 })
    expect(failure.message).toContain('There are already 5 active runs')
  })
})

describe('a start whose answer was lost', () => {
  test('is one with its repeat, also when it has ended', async () => {
    server.loseNext('POST')
    expect(await failureOf(connected().start(tune))).toMatchObject({ transient: true, afterWrite: true })
    server.show({ ...succeeded, end_time: endTime })
    const begun = await connected().start(tune, { isRetry: true })
    expect(begun.outcome.data).toMatchObject({ id })
    expect(await connected().end(begun, tune)).toMatchObject({ result: 'pass' })
    expect(server.state.runs).toHaveLength(1)
  })

  test('is not one with that of another call, nor with one that has no key', async () => {
    await connected().start(tune)
    for (const key of [keyOf(2), undefined, undefined]) await connected().start(tune, { key })
    expect(server.state.runs).toHaveLength(4)
  })

  test('is a fault that goes away where Databricks is down', async () => {
    server.down()
    expect(await failureOf(connected().start(tune))).toMatchObject({ kind: 'platform', transient: true })
    server.down(false)
    server.failNext(503, { error_code: 'TEMPORARILY_UNAVAILABLE', message: 'Try again' })
    expect(await failureOf(connected().start(tune))).toMatchObject({ transient: true, afterWrite: true })
  })
})

const errored = ['errored', 'fail']
const goesOn = ['goes on', '']

describe('a run', () => {
  test('leads to its own page once it is seen', async () => {
    const begun = await connected().start(tune)
    const { job: pending } = (await connected().poll(begun, tune)) as { job: object }
    expect(pending).toMatchObject({ id, url })
    server.show({ run_page_url: 'javascript:alert(1)' })
    expect(await connected().poll({ ...begun, job: pending }, tune)).toMatchObject({ job: { id, url } })
  })

  test('goes on, and says which tasks do', async () => {
    const begun = await connected().start(tune)
    expect(await connected().poll(begun, tune)).toMatchObject({ status: 'PENDING', progress: undefined })
    server.task('prepare', succeeded)
    server.task('train', { status: { state: 'RUNNING' } })
    server.task('compare', { status: { state: 'BLOCKED' } })
    server.show({ status: { state: 'RUNNING' } })
    expect(await connected().poll(begun, tune)).toMatchObject({
      status: 'RUNNING',
      progress: '1 of 3 tasks done, on train',
    })
  })

  test('that is queued says why', async () => {
    const begun = await connected().start(tune)
    const queue_reason = 'Queued due to reaching maximum concurrent runs of 1.'
    server.show({ status: { state: 'QUEUED' }, state: { life_cycle_state: 'QUEUED', queue_reason } })
    expect(await connected().poll(begun, tune)).toMatchObject({ status: 'QUEUED', progress: queue_reason })
  })

  // Every status that the API names, and every code of an end.
  test.each([
    ...['BLOCKED', 'PENDING', 'QUEUED', 'RUNNING', 'TERMINATING', 'WAITING'].map((word) => [word, '', ...goesOn]),
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
    const begun = await connected().start(tune)
    const type = status === 'succeeded' ? 'SUCCESS' : 'INTERNAL_ERROR'
    server.show({
      status: { state: word, ...(code ? { termination_details: { code, type, message: 'So.' } } : {}) },
      end_time: code ? endTime : 0,
    })
    const seen = await connected().poll(begun, tune)
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

  // Every state of the older kind, where the newer is not there.
  test.each([
    ...['BLOCKED', 'PENDING', 'QUEUED', 'RUNNING', 'TERMINATING', 'WAITING_FOR_RETRY'].map((word) => [
      word,
      '',
      ...goesOn,
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
    const begun = await connected().start(tune)
    newest().status = undefined
    server.show({ state: { life_cycle_state, ...(result_state ? { result_state } : {}), state_message: 'So.' } })
    const seen = await connected().poll(begun, tune)
    const state = result_state || life_cycle_state
    if (result === '') expect(seen).toMatchObject({ status: state })
    else expect(seen).toMatchObject({ outcome: { status, result, message: `Run ${id} ended as ${state}: So.` } })
  })

  test('that is being ended has not ended, though its code is there', async () => {
    const begun = await connected().start(tune)
    server.show({ status: { ...ended('SUCCESS', 'SUCCESS').status, state: 'TERMINATING' } })
    expect(await connected().poll(begun, tune)).toMatchObject({ status: 'TERMINATING' })
  })

  test('that was out of time is no cancellation, as its code has it', async () => {
    const begun = await connected().start(tune)
    server.show({ ...ended('CANCELED'), state: { life_cycle_state: 'TERMINATED', result_state: 'TIMEDOUT' } })
    expect(await connected().end(begun, tune)).toMatchObject({ status: 'succeeded', data: { state: 'TIMEDOUT' } })
  })

  test('with a code that is not known ends by its result, and without one goes on', async () => {
    const begun = await connected().start(tune)
    server.show({ ...ended('SHINY_NEW_CODE'), state: { life_cycle_state: 'TERMINATED', result_state: 'FAILED' } })
    expect(await connected().end(begun, tune)).toMatchObject({ result: 'fail', data: { state: 'FAILED' } })
    server.show({ ...ended('SHINY_NEW_CODE', 'SUCCESS'), state: { life_cycle_state: 'TERMINATED' } })
    expect(await connected().poll(begun, tune)).toMatchObject({
      status: 'SHINY_NEW_CODE (unknown state)',
    })
    server.show({ status: { state: 'HIBERNATING' } })
    expect(await connected().poll(begun, tune)).toMatchObject({ status: 'HIBERNATING (unknown state)' })
  })

  test('that failed names the task and its error, with a link', async () => {
    const begun = await connected().start(tune)
    server.task('compare', skipped)
    const task = server.task('train', { ...failed, output: { error: 'ValueError: no trials left', error_trace: '..' } })
    server.task('prepare', succeeded)
    server.show({ ...failed, end_time: endTime })
    const end = await connected().end(begun, tune)
    expect(end.message).toBe(`Run ${id} ended as RUN_EXECUTION_ERROR: task train failed: ValueError: no trials left`)
    expect(end.data).toMatchObject({ failedTask: 'train', terminationType: 'CLIENT_ERROR' })
    expect(end.links).toMatchObject({
      'task train': `https://shop.cloud.databricks.com/?o=1#job/11223344/run/${task}`,
    })
    expect(calls('runs/get-output').map(({ query }) => query.get('run_id'))).toEqual([String(task)])
  })

  test('that succeeded says nothing of a task that failed before it was tried again', async () => {
    const begun = await connected().start(tune)
    const again = server.task('train', { ...succeeded, attempt: 1, output: { notebook_output: { result: '0.93' } } })
    server.task('train', { ...failed, attempt: 0 })
    server.show({ ...succeeded, end_time: endTime })
    const end = await connected().end(begun, tune)
    expect(end.data).toMatchObject({ output: 0.93 })
    expect(end.data).not.toHaveProperty('failedTask')
    expect(calls('runs/get-output').map(({ query }) => query.get('run_id'))).toEqual([String(again)])
  })

  test('of one task answers what its notebook does, whose numbers thresholds are held against', async () => {
    const thresholds = [
      { metric: 'p95', op: '<', value: 300 },
      { metric: 'duration', op: '<', value: 60 },
    ]
    const input = { ...tune, thresholds }
    const begun = await connected().start(input)
    const output = { p95: 312, best: { cpu: 2 } }
    server.task('train', {
      ...succeeded,
      output: { notebook_output: { result: JSON.stringify(output), truncated: false } },
    })
    server.show({ ...succeeded, end_time: endTime, run_duration: 75_000 })
    const end = await connected().end(begun, input)
    expect(end).toMatchObject({ result: 'fail', data: { output, duration: 75 } })
    expect(end.message).toContain('p95 is 312, not < 300; duration is 75, not < 60')
  })

  test('of one task may answer text, or nothing', async () => {
    const begun = await connected().start(tune)
    const task = server.task('train', { ...succeeded, output: { notebook_output: { result: 'dbfs:/models/7' } } })
    server.show({ ...succeeded, end_time: endTime })
    expect((await connected().end(begun, tune)).data).toMatchObject({ output: 'dbfs:/models/7' })
    server.state.outputs[task] = { notebook_output: {} }
    const { data, message } = await connected().end(begun, tune)
    expect(data).not.toHaveProperty('output')
    expect(message).toBe(`Run ${id} ended as SUCCESS`)
  })

  test('shows the beginning of an output that is too large for events', async () => {
    const begun = await connected().start(tune)
    server.task('train', { ...succeeded, output: { notebook_output: { result: 'x'.repeat(4_001) } } })
    server.show({ ...succeeded, end_time: endTime })
    const end = await connected().end(begun, tune)
    expect(end.data).toMatchObject({ output: `${'x'.repeat(1_999)}…` })
  })

  test('of several tasks that all succeeded asks none of them', async () => {
    const begun = await connected().start(tune)
    for (const key of ['train', 'compare']) server.task(key, succeeded)
    server.show({ ...succeeded, end_time: endTime })
    expect(await connected().end(begun, tune)).toMatchObject({ result: 'pass' })
    expect(calls('runs/get-output')).toEqual([])
  })

  test('has a verdict where the output of its task may not be read', async () => {
    const begun = await connected().start(tune)
    server.task('train', failed)
    server.show({ ...failed, end_time: Date.now() })
    server.state.may.seeOutput = false
    expect((await connected().end(begun, tune)).message).toMatch(
      /task train failed: Workload failed, see run output for details; its output can not be read: .+View permissions/,
    )
  })

  test('waits for its output where Databricks is down, but not for ever', async () => {
    const begun = await connected().start(tune)
    server.task('train', succeeded)
    server.show({ ...succeeded, end_time: Date.now() - 60_000 })
    const fail = () => {
      // The first is the look at the run.
      server.failNext(200, newest())
      server.failNext(503, '<html><title>Unavailable</title></html>')
    }
    fail()
    expect(await failureOf(connected().poll(begun, tune))).toMatchObject({ transient: true })
    server.show({ end_time: Date.now() - 900_000 })
    fail()
    const end = await connected().end(begun, tune)
    expect(end).toMatchObject({ result: 'pass' })
    expect(end.message).toContain('its output can not be read: Databricks answered 503')
  })

  test('is looked at again where Databricks is down, and refused where it is gone', async () => {
    const begun = await connected().start(tune)
    server.failNext(500, '<html><title>Oops</title></html>')
    expect(await failureOf(connected().poll(begun, tune))).toMatchObject({ transient: true })
    server.hang()
    expect(await failureOf(databricks.getStatus(connected().client({ deadline: 100 }), { id }))).toMatchObject({
      kind: 'timeout',
    })
    server.hang(false)
    server.state.runs = []
    expect(await failureOf(connected().poll(begun, tune))).toMatchObject({
      kind: 'refused',
      message: expect.stringContaining(`Run ${id} does not exist.`),
    })
  })
})

describe('stop-model', () => {
  test('asks for the end of a run, and waits until it has ended', async () => {
    await connected().start(tune)
    expect(await connected().stop({ id })).toMatchObject({ message: 'still TERMINATING' })
    expect(calls('runs/cancel').map(({ body }) => body)).toEqual([{ run_id: 455644833 }])
    server.show({ ...ended('USER_CANCELED', 'SUCCESS', 'Run cancelled by mia.'), end_time: endTime })
    expect(await connected().stop({ id: 455644833 })).toMatchObject({
      message: `Run ${id} had ended already (USER_CANCELED)`,
      data: { id, url, state: 'USER_CANCELED' },
    })
  })

  test('passes where it has ended between our look and the stop', async () => {
    await connected().start(tune)
    server.show({ ...succeeded, end_time: endTime })
    await databricks.stop(connected().client(), { id })
    expect(newest().status).toMatchObject({ state: 'TERMINATED' })
  })

  test('says why Databricks does not do it', async () => {
    await connected().start(tune)
    expect((await failureOf(connected().stop({ id: '1' }))).message).toContain('Run 1 does not exist.')
    server.state.may.run = false
    expect((await failureOf(connected().stop({ id }))).message).toContain('does not have Manage Run permissions')
  })

  test.each(['tune', '11223344#1', '9007199254740993', '-1'])('refuses the id %s', async (wrong) => {
    const failure = await failureOf(connected().stop({ id: wrong }))
    expect(failure).toMatchObject({ kind: 'invalid' })
    expect(failure.message).toContain('input.id is no run: write its number')
  })
})
