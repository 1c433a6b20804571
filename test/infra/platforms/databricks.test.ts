import { expect, test } from '@jest/globals'
import { useClock } from './clock.ts'
import { useSandbox } from './use.ts'

const started = useSandbox()
const begin = Date.parse('2026-11-24T12:00:00Z')
const after = useClock(begin)

const api = '/api/2.2/jobs'
const ok = async (method: string, path: string, body?: unknown) => {
  const { status, json } = await started.databricks(method, `${api}/${path}`, body)
  expect({ path, status }).toEqual({ path, status: 200 })
  return json
}
const start = async (parameters?: object, more: object = {}): Promise<number> =>
  (await ok('POST', 'run-now', { job_id: 101, ...(parameters ? { job_parameters: parameters } : {}), ...more })).run_id
const run = (id: number) => ok('GET', `runs/get?run_id=${id}`)
const output = async (id: number) => ok('GET', `runs/get-output?run_id=${(await run(id)).tasks[0].run_id}`)
const cancel = (id: number) => ok('POST', 'runs/cancel', { run_id: id })

test('A call with no token and one with a wrong token are refused by its gateway.', async () => {
  const none = await started.call('GET', `/databricks${api}/list`)
  expect([none.status, none.json]).toEqual([
    401,
    { error_code: 401, message: 'Credential was not sent or was of an unsupported type for this API.' },
  ])
  const wrong = await started.call('GET', `/databricks${api}/list`, undefined, { authorization: 'Bearer wrong' })
  expect([wrong.status, wrong.json]).toEqual([403, { error_code: 403, message: 'Invalid access token.' }])
})

test('There is one job, found by its name and by its id.', async () => {
  const job = { job_id: 101, settings: { name: 'tune-recommender', format: 'MULTI_TASK' } }
  expect(await ok('GET', 'list?limit=1')).toMatchObject({ jobs: [job] })
  expect(await ok('GET', 'list?name=Tune-Recommender')).toMatchObject({ jobs: [job] })
  expect(await ok('GET', 'list?name=tune')).toEqual({ has_more: false })
  expect(await ok('GET', 'get?job_id=101')).toMatchObject(job)
})

test('A run waits half a second, works for ten, and ends well, with its one task and its page.', async () => {
  const id = await start({ trials: '40' })
  expect(await run(id)).toMatchObject({
    job_id: 101,
    run_id: id,
    number_in_job: id,
    run_name: 'tune-recommender',
    run_type: 'JOB_RUN',
    start_time: begin,
    end_time: 0,
    run_duration: 0,
    state: { life_cycle_state: 'PENDING' },
    status: { state: 'PENDING' },
    job_parameters: expect.arrayContaining([
      { name: 'trials', default: '20', value: '40' },
      { name: 'service', default: 'shop', value: 'shop' },
    ]),
  })
  after(500)
  expect(await run(id)).toMatchObject({ state: { life_cycle_state: 'RUNNING' }, status: { state: 'RUNNING' } })
  expect((await run(id)).state).not.toHaveProperty('result_state')
  after(10_499)
  expect(await run(id)).toMatchObject({ status: { state: 'RUNNING' } })
  after(10_500)
  const ended = await run(id)
  expect(ended).toMatchObject({
    end_time: begin + 10_500,
    run_duration: 10_500,
    execution_duration: 10_000,
    state: { life_cycle_state: 'TERMINATED', result_state: 'SUCCESS', user_cancelled_or_timedout: false },
    status: { state: 'TERMINATED', termination_details: { code: 'SUCCESS', type: 'SUCCESS' } },
    tasks: [{ task_key: 'tune', attempt_number: 0, status: { state: 'TERMINATED' } }],
  })
  expect(ended.tasks[0].run_id).not.toBe(id)
  const page = await (await fetch(ended.run_page_url)).text()
  expect(page).toContain('tune-recommender')
  expect(page).toContain('SUCCESS')
})

test('What it has found is the output of its task: its best configuration, and numbers.', async () => {
  const id = await start({ trials: '40' })
  expect(await output(id)).toEqual({ metadata: expect.objectContaining({ task_key: 'tune' }) })
  after(20_000)
  const { notebook_output } = await output(id)
  expect(notebook_output.truncated).toBe(false)
  expect(JSON.parse(notebook_output.result)).toEqual({
    best: { factors: 96, regularization: 0.04, learningRate: 0.012 },
    accuracy: 0.93,
    accuracyBefore: 0.88,
    trials: 40,
  })
})

test('The output of a whole run is refused: it has tasks.', async () => {
  const id = await start()
  const { status, json } = await started.databricks('GET', `${api}/runs/get-output?run_id=${id}`)
  expect([status, json.error_code]).toEqual([400, 'INVALID_PARAMETER_VALUE'])
  expect(json.message).toContain('runs with multiple tasks is not supported')
})

test('One idempotency token is one run, however often it is sent, and in whatever state that is.', async () => {
  const token = { idempotency_token: 'a'.repeat(64) }
  const id = await start({ seconds: '1' }, token)
  expect(await start({ seconds: '9' }, token)).toBe(id)
  after(60_000)
  expect(await start(undefined, token)).toBe(id)
  const others = [await start(), await start(), await start(undefined, { idempotency_token: '' })]
  expect(new Set([id, ...others]).size).toBe(4)
})

test('A run may say how long it takes, and that it fails.', async () => {
  const id = await start({ seconds: '2', outcome: 'failure' })
  after(2_499)
  expect(await run(id)).toMatchObject({ status: { state: 'RUNNING' } })
  after(2_500)
  const message = 'Workload failed, see run output for details'
  expect(await run(id)).toMatchObject({
    state: { life_cycle_state: 'TERMINATED', result_state: 'FAILED', state_message: message },
    status: { termination_details: { code: 'RUN_EXECUTION_ERROR', type: 'CLIENT_ERROR', message } },
  })
  expect(await output(id)).toMatchObject({
    error: 'RuntimeError: no trial got through',
    error_trace: expect.any(String),
  })
})

test('A run that hangs goes on until it is cancelled, which takes a moment.', async () => {
  const id = await start({ outcome: 'hang' })
  after(86_400_000)
  expect(await run(id)).toMatchObject({ status: { state: 'RUNNING' } })
  expect(await cancel(id)).toEqual({})
  const termination_details = { code: 'USER_CANCELED', type: 'SUCCESS', message: 'Run cancelled by sandbox-bot.' }
  expect(await run(id)).toMatchObject({
    end_time: 0,
    state: { life_cycle_state: 'TERMINATING', user_cancelled_or_timedout: true },
    status: { state: 'TERMINATING', termination_details },
  })
  after(86_400_400)
  // A second one does not put it off.
  await cancel(id)
  after(86_400_500)
  expect(await run(id)).toMatchObject({
    state: { life_cycle_state: 'TERMINATED', result_state: 'CANCELED' },
    status: { state: 'TERMINATED', termination_details },
  })
})

test('A run that vanishes is gone when it should end, and one that ends in nonsense ends well, with no JSON.', async () => {
  const gone = await start({ outcome: 'vanish' })
  const odd = await start({ outcome: 'nonsense' })
  await run(gone)
  after(10_500)
  const { status, json } = await started.databricks('GET', `${api}/runs/get?run_id=${gone}`)
  expect([status, json.message]).toEqual([400, `Run ${gone} does not exist.`])
  expect(await run(odd)).toMatchObject({ state: { result_state: 'SUCCESS' } })
  expect((await output(odd)).notebook_output.result).toBe('See the log for what was found.')
  expect((await started.call('GET', '/runs')).json).toMatchObject([{ id: odd, status: 'SUCCESS' }])
})

test('What has ended stays as it is when it is cancelled.', async () => {
  const id = await start()
  after(10_500)
  const ended = await run(id)
  await cancel(id)
  after(20_000)
  expect(await run(id)).toEqual(ended)
})

test.each([
  ['a job that there is not', 'POST', 'run-now', { job_id: 1 }, 'INVALID_PARAMETER_VALUE', 'Job 1 does not exist.'],
  ['no job', 'POST', 'run-now', {}, 'INVALID_PARAMETER_VALUE', 'Job 0 does not exist.'],
  [
    'a parameter that the job does not have',
    'POST',
    'run-now',
    { job_id: 101, job_parameters: { depth: '1' } },
    'INVALID_PARAMETER_VALUE',
    'Job parameter depth is not defined.',
  ],
  [
    'a number as a parameter',
    'POST',
    'run-now',
    { job_id: 101, job_parameters: { trials: 5 } },
    'MALFORMED_REQUEST',
    'Could not parse request object: job_parameters',
  ],
  [
    'a token that is too long',
    'POST',
    'run-now',
    { job_id: 101, idempotency_token: 'a'.repeat(65) },
    'INVALID_PARAMETER_VALUE',
    'The idempotency token must have at most 64 characters.',
  ],
  ['what is not JSON', 'POST', 'run-now', '{', 'MALFORMED_REQUEST', 'Invalid JSON given in the body of the request'],
  [
    'a run that there is not',
    'GET',
    'runs/get?run_id=7',
    undefined,
    'INVALID_PARAMETER_VALUE',
    'Run 7 does not exist.',
  ],
  ['no run', 'GET', 'runs/get', undefined, 'INVALID_PARAMETER_VALUE', 'Missing required field: run_id'],
  ['the end of nothing', 'POST', 'runs/cancel', {}, 'INVALID_PARAMETER_VALUE', 'Missing required field: run_id'],
])('%s is refused in its words.', async (_, method, path, body, error_code, message) => {
  const { status, json } = await started.databricks(method, `${api}/${path}`, body)
  expect([status, json]).toEqual([400, { error_code, message }])
  expect(started.sandbox.databricks.runs('')).toEqual([])
})

test('What is no part of the API is not found.', async () => {
  for (const [method, path] of [
    ['GET', '/api/2.2/jobs/run-now'],
    ['GET', '/api/2.0/clusters/list'],
    ['POST', '/api/2.2/jobs/create'],
  ] as const) {
    const { status, json } = await started.databricks(method, path)
    expect([status, json.error_code, json.message]).toEqual([
      404,
      'ENDPOINT_NOT_FOUND',
      `No API found for '${method} ${path}'`,
    ])
  }
  expect((await started.call('GET', '/databricks/jobs/101/runs/7')).status).toBe(404)
})

test('The page of a run shows everything as text.', async () => {
  const id = await start({ service: '<b>shop</b>' })
  const text = await (await fetch((await run(id)).run_page_url)).text()
  expect(text).toContain('service: &lt;b&gt;shop&lt;/b&gt;')
  expect(text).not.toContain('<b>')
})
