import { expect, test } from '@jest/globals'
import { useClock, useSandbox } from './use.ts'

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

test('Rundeck runs an execution for five seconds', async () => {
  await run({ key: 'k-1' })
  const started = {
    'date-started': { unixtime: start, date: '2026-11-24T12:00:00Z' },
    job: { options: { key: 'k-1' } },
  }
  expect(await execution()).toMatchObject({ status: 'running', ...started })
  after(5_499)
  expect(await execution()).toMatchObject({ status: 'running' })
  after(5_500)
  const ended = { 'date-ended': { unixtime: start + 5_500 }, successfulNodes: ['shop-1', 'shop-2'] }
  expect(await execution()).toMatchObject({ status: 'succeeded', ...ended })
  expect(await state()).toMatchObject({ completed: true, executionState: 'SUCCEEDED', stepCount: 2 })
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
