import { expect, test } from '@jest/globals'
import { useClock, useSandbox } from './use.ts'

const started = useSandbox()
const actions = '/repos/acme/shop/actions'
const deploy = `${actions}/workflows/deploy.yml`
const after = useClock(Date.parse('2026-11-24T12:00:00Z'))

const dispatch = (body: Record<string, unknown> = {}, workflow = deploy) =>
  started.github('POST', `${workflow}/dispatches`, { ref: 'main', return_run_details: true, ...body })
const run = async (id = 1) => (await started.github('GET', `${actions}/runs/${id}`)).json
const jobs = async (id = 1) => (await started.github('GET', `${actions}/runs/${id}/jobs`)).json

test.each([
  [0, 'queued', null, 'queued'],
  [499, 'queued', null, 'queued'],
  [500, 'in_progress', null, 'in_progress'],
  [2_499, 'in_progress', null, 'in_progress'],
  [2_500, 'completed', 'success', 'completed'],
])('A GitHub Actions run is after %d ms %s', async (ms, status, conclusion, ofJob) => {
  await dispatch()
  after(ms)
  const times =
    status === 'completed' ? { run_started_at: '2026-11-24T12:00:00Z', updated_at: '2026-11-24T12:00:02Z' } : {}
  expect(await run()).toMatchObject({ status, conclusion, ...times })
  expect(await jobs()).toMatchObject({ total_count: 1, jobs: [{ status: ofJob, conclusion }] })
})

test.each([
  ['of a workflow named fail*', {}, `${actions}/workflows/fail.yml`, 'fail'],
  ['whose input outcome says so', { inputs: { outcome: 'failure' } }, deploy, 'deploy'],
])('A GitHub Actions run %s fails at a step of its job', async (_, body, workflow, name) => {
  await dispatch(body, workflow)
  after(2_000)
  expect(await run()).toMatchObject({ status: 'in_progress', conclusion: null })
  after(2_500)
  expect(await run()).toMatchObject({ status: 'completed', conclusion: 'failure' })
  const [job] = (await jobs()).jobs
  expect(job).toMatchObject({ name, conclusion: 'failure' })
  expect(job.steps).toMatchObject([
    { conclusion: 'success' },
    { name: `Run ${name}`, conclusion: 'failure' },
    { conclusion: 'success' },
  ])
})

test('GitHub Actions cancels a run after a moment and rejects a completed one', async () => {
  await dispatch()
  after(1_000)
  const cancel = () => started.github('POST', `${actions}/runs/1/cancel`)
  expect(await cancel()).toMatchObject({ status: 202, json: {} })
  after(1_400)
  expect(await run()).toMatchObject({ status: 'in_progress' })
  // A second one does not put it off.
  expect((await cancel()).status).toBe(202)
  after(1_500)
  expect(await run()).toMatchObject({ status: 'completed', conclusion: 'cancelled' })
  const late = await cancel()
  expect(late).toMatchObject({ status: 409, json: { message: 'Cannot cancel a workflow run that is completed.' } })
  expect(await run()).toMatchObject({ conclusion: 'cancelled' })
})
