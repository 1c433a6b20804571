import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from '@jest/globals'
import { useClock, useSandbox } from './use.ts'

const started = useSandbox()
const start = Date.parse('2026-11-24T12:00:00Z')
const after = useClock(start)

const jobs = '/api/2.2/jobs'
const restart = '/api/44/job/3b6c19f6-41ee-475f-8fd0-8f1a26f27a9a'
const actions = '/repos/acme/shop/actions'
const run = '700000002'

/** How to start the first run on each platform, and the path of the run. */
const platforms = {
  databricks: {
    path: `${jobs}/runs/get?run_id=${run}`,
    start: `${jobs}/run-now`,
    inputs: 'job_parameters',
    job_id: 101,
  },
  rundeck: { path: '/api/44/execution/1', start: `${restart}/run`, inputs: 'options' },
  github: {
    path: `${actions}/runs/1`,
    start: `${actions}/workflows/deploy.yml/dispatches`,
    inputs: 'inputs',
    ref: 'main',
  },
}
type Name = keyof typeof platforms

const send = (name: Name, method: string, path: string, body?: object) => started[name](method, path, body)
const get = async (name: Name, path: string) => (await send(name, 'GET', path)).json
const read = (name: Name) => get(name, platforms[name].path)
async function startRun(name: Name, values: object = {}): Promise<void> {
  const { path: _path, start, inputs, ...fields } = platforms[name]
  expect((await send(name, 'POST', start, { ...fields, [inputs]: values })).status).toBeLessThan(300)
}

const succeeded = {
  start_time: start,
  end_time: start + 10_500,
  execution_duration: 10_000,
  status: { state: 'TERMINATED' },
  state: { result_state: 'SUCCESS' },
  tasks: [{ task_key: 'tune' }],
}
const failed = { state: { result_state: 'FAILED' }, status: { termination_details: { code: 'RUN_EXECUTION_ERROR' } } }
const startTimes = {
  'date-started': { unixtime: start, date: '2026-11-24T12:00:00Z' },
  job: { options: { key: 'k-1' } },
}
const ended = { 'date-ended': { unixtime: start + 5_500 }, successfulNodes: ['shop-1', 'shop-2'] }
const inTime = { run_started_at: '2026-11-24T12:00:00Z', updated_at: '2026-11-24T12:00:02Z' }
const failure = { outcome: 'failure' }
const hang = { outcome: 'hang' }

test.each<[Name, object, number, object]>([
  ['databricks', {}, 0, { status: { state: 'PENDING' } }],
  ['databricks', {}, 500, { status: { state: 'RUNNING' } }],
  ['databricks', {}, 10_499, { status: { state: 'RUNNING' } }],
  ['databricks', {}, 10_500, succeeded],
  ['databricks', { seconds: '2', ...failure }, 2_499, { status: { state: 'RUNNING' } }],
  ['databricks', { seconds: '2', ...failure }, 2_500, failed],
  ['databricks', hang, 86_400_000, { status: { state: 'RUNNING' } }],
  ['rundeck', { key: 'k-1' }, 0, { status: 'running', ...startTimes }],
  ['rundeck', {}, 5_499, { status: 'running' }],
  ['rundeck', {}, 5_500, { status: 'succeeded', ...ended }],
  [
    'rundeck',
    { seconds: 1, ...failure },
    1_500,
    { status: 'failed', successfulNodes: ['shop-1'], failedNodes: ['shop-2'] },
  ],
  ['rundeck', hang, 86_400_000, { status: 'running' }],
  ['rundeck', { outcome: 'nonsense' }, 5_500, { status: 'other', customStatus: 'gone fishing' }],
  ['github', {}, 0, { status: 'queued', conclusion: null }],
  ['github', {}, 499, { status: 'queued', conclusion: null }],
  ['github', {}, 500, { status: 'in_progress', conclusion: null }],
  ['github', {}, 2_499, { status: 'in_progress', conclusion: null }],
  ['github', {}, 2_500, { status: 'completed', conclusion: 'success', ...inTime }],
  ['github', failure, 2_499, { status: 'in_progress', conclusion: null }],
  ['github', failure, 2_500, { status: 'completed', conclusion: 'failure' }],
])('A run of %s with the inputs %j is after %d ms %j', async (name, inputs, ms, expected) => {
  await startRun(name, inputs)
  after(ms)
  expect(await read(name)).toMatchObject(expected)
})

const outputOf = async (id: string | number = run) => {
  const { tasks } = await get('databricks', `${jobs}/runs/get?run_id=${id}`)
  return get('databricks', `${jobs}/runs/get-output?run_id=${tasks[0].run_id}`)
}

test('A Databricks run returns the output of its task, its error, or an output that is not JSON', async () => {
  await startRun('databricks', { trials: '40' })
  await startRun('databricks', failure)
  await startRun('databricks', { outcome: 'nonsense' })
  after(10_500)
  const [success, error, nonsense] = (await started.call('GET', '/runs')).json.map(({ id }: { id: number }) => id)
  expect(JSON.parse((await outputOf(success)).notebook_output.result)).toMatchObject({ accuracy: 0.93, trials: 40 })
  expect(await outputOf(error)).toMatchObject({ error: expect.stringMatching(/^RuntimeError: all \w+ failed$/) })
  expect((await outputOf(nonsense)).notebook_output.result).toBe('See the log for the result.')
})

test.each([
  ['databricks', 400, `Run ${run} does not exist.`],
  ['rundeck', 404, 'Execution ID does not exist: 1'],
] as const)('A run of %s can vanish', async (name, status, message) => {
  await startRun(name, { outcome: 'vanish' })
  after(10_500)
  expect(await send(name, 'GET', platforms[name].path)).toMatchObject({ status, json: { message } })
})

test('A Rundeck execution shows the state of each step, and fails at the last one on one node', async () => {
  const states = () => get('rundeck', '/api/44/execution/1/state')
  await startRun('rundeck', { seconds: 1, ...failure })
  expect(await states()).toMatchObject({ completed: false, executionState: 'RUNNING', stepCount: 2 })
  after(1_500)
  const nodeStates = { 'shop-1': { executionState: 'SUCCEEDED' }, 'shop-2': { executionState: 'FAILED' } }
  expect(await states()).toMatchObject({
    completed: true,
    steps: [
      { id: '1', executionState: 'SUCCEEDED' },
      { id: '2', executionState: 'FAILED', nodeStates },
    ],
  })
})

test.each([
  [0, 'queued', null],
  [500, 'in_progress', null],
  [2_500, 'completed', 'success'],
])('The job of a GitHub Actions run is after %d ms %s', async (ms, status, conclusion) => {
  await startRun('github')
  after(ms)
  expect(await get('github', `${actions}/runs/1/jobs`)).toMatchObject({
    total_count: 1,
    jobs: [{ status, conclusion }],
  })
})

test('A GitHub Actions run of a workflow named fail* fails at a step of its job', async () => {
  await send('github', 'POST', `${actions}/workflows/fail.yml/dispatches`, { ref: 'main' })
  after(2_500)
  const { jobs } = await get('github', `${actions}/runs/1/jobs`)
  const steps = [{ conclusion: 'success' }, { name: 'Run fail', conclusion: 'failure' }, { conclusion: 'success' }]
  expect(jobs).toMatchObject([{ name: 'fail', conclusion: 'failure', steps }])
})

const cancellations: Record<Name, { path: string; first: object; before: object; end: object; late: object }> = {
  databricks: {
    path: `${jobs}/runs/cancel`,
    first: { status: 200 },
    late: { status: 200 },
    before: { end_time: 0, status: { state: 'TERMINATING' } },
    end: { state: { result_state: 'CANCELED' }, status: { state: 'TERMINATED' } },
  },
  rundeck: {
    path: '/api/44/execution/1/abort',
    first: { json: { abort: { status: 'pending' }, execution: { id: '1' } } },
    before: { status: 'running', abortedby: 'sandbox-bot' },
    end: { status: 'aborted', abortedby: 'sandbox-bot' },
    late: { json: { abort: { status: 'failed', reason: 'Job is not running' } } },
  },
  github: {
    path: `${actions}/runs/1/cancel`,
    first: { status: 202, json: {} },
    before: { status: 'in_progress' },
    end: { status: 'completed', conclusion: 'cancelled' },
    late: { status: 409, json: { message: 'Cannot cancel a workflow run that is completed.' } },
  },
}

test.each(['databricks', 'rundeck', 'github'] as const)(
  'A canceled run of %s ends after half a second',
  async (name) => {
    const { path, first, before, end, late } = cancellations[name]
    const cancel = () => send(name, 'POST', path, { run_id: Number(run) })
    await startRun(name, name === 'github' ? {} : hang)
    after(1_000)
    expect(await cancel()).toMatchObject(first)
    after(1_400)
    expect(await read(name)).toMatchObject(before)
    // A second request does not delay the end.
    await cancel()
    after(1_500)
    const ended = await read(name)
    expect(ended).toMatchObject(end)
    expect(await cancel()).toMatchObject(late)
    expect(await read(name)).toEqual(ended)
  },
)

test('The sandbox lists the runs of all platforms in the order of their start', async () => {
  for (const [at, name] of (['rundeck', 'databricks', 'github', 'rundeck'] as const).entries()) {
    after(at * 1_000)
    await startRun(name)
  }
  const runs = (await started.call('GET', '/runs')).json as { platform: string }[]
  expect(runs.map(({ platform }) => platform)).toEqual(['rundeck', 'databricks', 'github', 'rundeck'])
})

test('A notification of GitHub has the fields of a recorded one', async () => {
  await startRun('github')
  after(2_500)
  const { action, workflow_run, workflow, sender } = JSON.parse(
    readFileSync(join(import.meta.dirname, '../../../fixtures/sources/github/workflow_run.completed.json'), 'utf8'),
  )
  const { body } = started.sandbox.github.notification(1, 'http://127.0.0.1/sandbox/github') ?? {}
  expect(missingFields({ action, workflow_run, workflow, repository: workflow_run.repository, sender }, body)).toEqual(
    [],
  )
})

/** Returns the paths of the fields that the second value does not have. */
function missingFields(expected: unknown, value: unknown): string[] {
  if (expected === null || typeof expected !== 'object' || Array.isArray(expected)) return []
  return Object.entries(expected).flatMap(([name, field]) => {
    const own = (value as Record<string, unknown> | null | undefined)?.[name]
    return own === undefined ? [name] : missingFields(field, own).map((path) => `${name}.${path}`)
  })
}
