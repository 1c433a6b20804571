import { expect, test } from '@jest/globals'
import { useClock } from './clock.ts'
import { useSandbox } from './use.ts'

const started = useSandbox()
const start = Date.parse('2026-11-24T12:00:00Z')
const after = useClock(start)

const api = '/api/44'
const restart = '3b6c19f6-41ee-475f-8fd0-8f1a26f27a9a'
const ok = async (method: string, path: string, body?: unknown) => {
  const { status, json } = await started.rundeck(method, `${api}/${path}`, body)
  expect({ path, status }).toEqual({ path, status: 200 })
  return json
}
const run = (options?: object) => ok('POST', `job/${restart}/run`, options && { options })
const execution = (id = 1) => ok('GET', `execution/${id}`)
const state = (id = 1) => ok('GET', `execution/${id}/state`)

test('Rundeck finds its jobs by name at the top level', async () => {
  const permalink = `${started.origin}/sandbox/rundeck/project/shop/job/show/${restart}`
  expect(await ok('GET', 'project/shop/jobs?jobExactFilter=restart-checkout&groupPathExact=-')).toMatchObject([
    { id: restart, project: 'shop', permalink },
  ])
  expect(await ok('GET', 'project/shop/jobs?groupPathExact=ops')).toEqual([])
})

test('Rundeck runs an execution for five seconds and shows it on a page', async () => {
  const { permalink } = await run({ service: '<b>checkout</b>', key: 'k-1' })
  expect(await execution()).toMatchObject({
    status: 'running',
    'date-started': { unixtime: start, date: '2026-11-24T12:00:00Z' },
    job: { options: { key: 'k-1' } },
  })
  after(5_499)
  expect(await execution()).toMatchObject({ status: 'running' })
  after(5_500)
  expect(await execution()).toMatchObject({
    status: 'succeeded',
    'date-ended': { unixtime: start + 5_500 },
    successfulNodes: ['shop-1', 'shop-2'],
  })
  expect(await state()).toMatchObject({ completed: true, executionState: 'SUCCEEDED', stepCount: 2 })
  const page = await (await fetch(permalink)).text()
  expect(page).toContain('service: &lt;b&gt;checkout&lt;/b&gt;')
  expect(page).toContain('succeeded')
})

test('A Rundeck execution with the outcome failure fails at its last step on one node', async () => {
  await run({ seconds: 1, outcome: 'failure' })
  expect(await state()).toMatchObject({ completed: false, executionState: 'RUNNING' })
  after(1_500)
  expect(await execution()).toMatchObject({ status: 'failed', successfulNodes: ['shop-1'], failedNodes: ['shop-2'] })
  expect(await state()).toMatchObject({
    steps: [
      { id: '1', executionState: 'SUCCEEDED' },
      {
        id: '2',
        executionState: 'FAILED',
        nodeStates: { 'shop-1': { executionState: 'SUCCEEDED' }, 'shop-2': { executionState: 'FAILED' } },
      },
    ],
  })
})

test('A Rundeck execution with the outcome hang runs until it is aborted', async () => {
  await run({ outcome: 'hang' })
  after(86_400_000)
  expect(await ok('POST', 'execution/1/abort')).toMatchObject({ abort: { status: 'pending' }, execution: { id: '1' } })
  expect(await execution()).toMatchObject({ status: 'running', abortedby: 'sandbox-bot' })
  after(86_400_500)
  expect(await execution()).toMatchObject({ status: 'aborted', abortedby: 'sandbox-bot' })
  expect(await state()).toMatchObject({ executionState: 'ABORTED' })
  expect(await ok('POST', 'execution/1/abort')).toMatchObject({
    abort: { status: 'failed', reason: 'Job is not running' },
  })
})

test('Rundeck executions can vanish or end with a custom status', async () => {
  await run({ outcome: 'vanish' })
  await run({ outcome: 'nonsense' })
  after(5_500)
  const { status, json } = await started.rundeck('GET', `${api}/execution/1`)
  expect([status, json.message]).toEqual([404, 'Execution ID does not exist: 1'])
  expect(await execution(2)).toMatchObject({ status: 'other', customStatus: 'gone fishing' })
})

test('Rundeck lists the executions of a job, running ones last', async () => {
  for (const seconds of [1, 1, 60]) await run({ seconds })
  await ok('POST', 'job/b152d59b-7d6d-440c-95ea-23dc9fc1db07/run', {})
  after(2_000)
  const { executions, paging } = await ok('GET', `job/${restart}/executions?max=2&offset=1`)
  expect(executions).toMatchObject([{ id: 1 }, { id: 3 }])
  expect(paging).toEqual({ count: 2, total: 3, offset: 1, max: 2 })
})

test('The sandbox lists the runs of all platforms in the order of their start', async () => {
  await run()
  after(1_000)
  await started.databricks('POST', '/api/2.2/jobs/run-now', { job_id: 101 })
  after(2_000)
  await started.github('POST', '/repos/acme/shop/actions/workflows/deploy.yml/dispatches', { ref: 'main' })
  after(3_000)
  await run()
  const runs = (await started.call('GET', '/runs')).json as { platform: string }[]
  expect(runs.map(({ platform }) => platform)).toEqual(['rundeck', 'databricks', 'github', 'rundeck'])
})
