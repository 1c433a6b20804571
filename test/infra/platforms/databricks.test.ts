import { expect, test } from '@jest/globals'
import { useClock, useSandbox } from './use.ts'

const started = useSandbox()
const start = Date.parse('2026-11-24T12:00:00Z')
const after = useClock(start)

const api = '/api/2.2/jobs'
const ok = async (method: string, path: string, body?: unknown) => {
  const { status, json } = await started.databricks(method, `${api}/${path}`, body)
  expect({ path, status }).toEqual({ path, status: 200 })
  return json
}
const startRun = async (parameters: object = {}, fields: object = {}): Promise<number> =>
  (await ok('POST', 'run-now', { job_id: 101, job_parameters: parameters, ...fields })).run_id
const run = (id: number) => ok('GET', `runs/get?run_id=${id}`)
const output = async (id: number) => ok('GET', `runs/get-output?run_id=${(await run(id)).tasks[0].run_id}`)
const cancel = (id: number) => ok('POST', 'runs/cancel', { run_id: id })

test.each([
  [0, 'PENDING'],
  [500, 'RUNNING'],
  [10_499, 'RUNNING'],
  [10_500, 'TERMINATED'],
])('A Databricks run is after %d ms %s', async (ms, state) => {
  const id = await startRun()
  after(ms)
  expect(await run(id)).toMatchObject({ start_time: start, status: { state } })
})

test('A Databricks run returns its duration and the output of its task', async () => {
  const id = await startRun({ trials: '40' })
  after(10_500)
  const times = { end_time: start + 10_500, execution_duration: 10_000 }
  expect(await run(id)).toMatchObject({ ...times, state: { result_state: 'SUCCESS' }, tasks: [{ task_key: 'tune' }] })
  expect(JSON.parse((await output(id)).notebook_output.result)).toMatchObject({ accuracy: 0.93, trials: 40 })
})

test('A Databricks run with the outcome failure fails after the given seconds', async () => {
  const id = await startRun({ seconds: '2', outcome: 'failure' })
  after(2_499)
  expect(await run(id)).toMatchObject({ status: { state: 'RUNNING' } })
  after(2_500)
  const details = { termination_details: { code: 'RUN_EXECUTION_ERROR' } }
  expect(await run(id)).toMatchObject({ state: { result_state: 'FAILED' }, status: details })
  expect(await output(id)).toMatchObject({ error: 'RuntimeError: all trials failed' })
})

test('A Databricks run with the outcome hang runs until it is cancelled', async () => {
  const id = await startRun({ outcome: 'hang' })
  after(86_400_000)
  expect(await run(id)).toMatchObject({ status: { state: 'RUNNING' } })
  await cancel(id)
  expect(await run(id)).toMatchObject({ end_time: 0, status: { state: 'TERMINATING' } })
  after(86_400_400)
  // A second request does not delay the end.
  await cancel(id)
  after(86_400_500)
  const ended = await run(id)
  expect(ended).toMatchObject({ state: { result_state: 'CANCELED' }, status: { state: 'TERMINATED' } })
  await cancel(id)
  expect(await run(id)).toEqual(ended)
})

test('Databricks runs can vanish or return an output that is not JSON', async () => {
  const vanished = await startRun({ outcome: 'vanish' })
  const nonsense = await startRun({ outcome: 'nonsense' })
  after(10_500)
  const { status, json } = await started.databricks('GET', `${api}/runs/get?run_id=${vanished}`)
  expect([status, json.message]).toEqual([400, `Run ${vanished} does not exist.`])
  expect((await output(nonsense)).notebook_output.result).toBe('See the log for the result.')
  expect((await started.call('GET', '/runs')).json).toMatchObject([{ id: nonsense, status: 'SUCCESS' }])
})
