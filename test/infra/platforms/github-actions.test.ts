import { expect, test } from '@jest/globals'
import { useClock } from './clock.ts'
import { useSandbox } from './use.ts'

const started = useSandbox()
const actions = '/repos/acme/shop/actions'
const deploy = `${actions}/workflows/deploy.yml`
const after = useClock(Date.parse('2026-11-24T12:00:00Z'))

const dispatch = (body: Record<string, unknown> = {}, workflow = deploy) =>
  started.github('POST', `${workflow}/dispatches`, { ref: 'main', return_run_details: true, ...body })
const run = async (id = 1) => (await started.github('GET', `${actions}/runs/${id}`)).json
const jobs = async (id = 1) => (await started.github('GET', `${actions}/runs/${id}/jobs`)).json
const list = async (query = '', of = deploy) => (await started.github('GET', `${of}/runs${query}`)).json

test('GitHub Actions returns the started run with return_run_details', async () => {
  const { status, json } = await dispatch()
  expect([status, json]).toEqual([
    200,
    {
      workflow_run_id: 1,
      run_url: `${started.origin}/sandbox/github${actions}/runs/1`,
      html_url: `${started.origin}/sandbox/github/acme/shop/actions/runs/1`,
    },
  ])
  expect(await run()).toMatchObject({ event: 'workflow_dispatch', head_branch: 'main', html_url: json.html_url })
})

test('GitHub Actions returns nothing without it, and lists the run with its inputs in the title', async () => {
  const { status, text } = await dispatch({ return_run_details: undefined, inputs: { stage: 'prod', key: 'k-1' } })
  expect([status, text]).toEqual([204, ''])
  const found = await list('?event=workflow_dispatch&per_page=1')
  expect(found).toMatchObject({ total_count: 1, workflow_runs: [{ id: 1, display_title: 'Deploy prod k-1' }] })
})

test('GitHub Actions queues a run for half a second and completes it after two seconds', async () => {
  await dispatch()
  expect(await run()).toMatchObject({ status: 'queued', conclusion: null })
  expect(await jobs()).toMatchObject({ total_count: 1, jobs: [{ status: 'queued', steps: [] }] })
  after(499)
  expect(await run()).toMatchObject({ status: 'queued' })
  after(500)
  expect(await run()).toMatchObject({ status: 'in_progress', conclusion: null })
  after(2_499)
  expect(await run()).toMatchObject({ status: 'in_progress', updated_at: '2026-11-24T12:00:00Z' })
  after(2_500)
  expect(await run()).toMatchObject({
    status: 'completed',
    conclusion: 'success',
    run_started_at: '2026-11-24T12:00:00Z',
    updated_at: '2026-11-24T12:00:02Z',
  })
  const [job] = (await jobs()).jobs
  expect(job).toMatchObject({ name: 'deploy', status: 'completed', conclusion: 'success' })
  expect(job.steps.map(({ conclusion }: { conclusion: string }) => conclusion)).toEqual(Array(3).fill('success'))
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

test('A GitHub Actions run fails only because of its input outcome', async () => {
  await dispatch({ inputs: { image: 'fail-over:1' } })
  after(2_500)
  expect(await run()).toMatchObject({ conclusion: 'success' })
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

test('A GitHub Actions run that is canceled while it is queued has no steps', async () => {
  await dispatch()
  await started.github('POST', `${actions}/runs/1/cancel`)
  after(499)
  expect(await run()).toMatchObject({ status: 'queued' })
  after(500)
  expect((await jobs()).jobs).toMatchObject([{ conclusion: 'cancelled', steps: [], runner_name: null }])
})

const many = Object.fromEntries(Array.from({ length: 26 }, (_, at) => [`input${at}`, 'x']))
test.each([
  ['no ref', { ref: undefined }, 'Invalid request.\n\n"ref" wasn\'t supplied.'],
  ['a ref that is not text', { ref: 1 }, "Invalid request.\n\nFor 'properties/ref', 1 is not a string."],
  ['a ref that there is not', { ref: 'missing-branch' }, 'No ref found for: missing-branch'],
  ['undeclared inputs', { inputs: { stage: 'a', b: 'c' } }, 'Unexpected inputs provided: ["b"]'],
  [
    'inputs that are not an object',
    { inputs: 'a' },
    'Invalid request.\n\nFor \'properties/inputs\', "a" is not an object.',
  ],
  [
    'more than 25 inputs',
    { inputs: many },
    'Invalid request.\n\nNo more than 25 properties are allowed; 26 were supplied.',
  ],
  ['an unknown field', { reff: 'main' }, 'Invalid request.\n\n"reff" is not a permitted key.'],
  [
    'details that are neither asked for nor not',
    { return_run_details: 'yes' },
    'Invalid request.\n\nFor \'properties/return_run_details\', "yes" is not a boolean.',
  ],
])('GitHub Actions rejects a start with %s', async (_, body, message) => {
  const { status, json } = await dispatch(body)
  expect([status, json.message]).toEqual([422, message])
  expect(started.sandbox.github.runs('')).toEqual([])
})

test('GitHub Actions rejects a body that is not JSON and a request without a token', async () => {
  expect((await started.github('POST', `${deploy}/dispatches`, '{')).status).toBe(400)
  expect((await started.call('POST', `/github${deploy}/dispatches`, { ref: 'main' })).status).toBe(401)
  expect(started.sandbox.github.runs('')).toEqual([])
})

test('GitHub Actions finds a workflow by its file, and by its id after its first run', async () => {
  await dispatch()
  const { workflow_id } = await run()
  const byId = `${actions}/workflows/${workflow_id}`
  expect((await dispatch({}, byId)).json.workflow_run_id).toBe(2)
  expect((await list('', byId)).total_count).toBe(2)
  expect(await run(2)).toMatchObject({ workflow_id, run_number: 2, path: '.github/workflows/deploy.yml' })
  for (const name of ['missing.yml', 'deploy', '4711']) {
    expect((await dispatch({}, `${actions}/workflows/${name}`)).status).toBe(404)
  }
  expect((await dispatch({}, '/repos/acme/missing/actions/workflows/deploy.yml')).status).toBe(404)
})

test('GitHub Actions lists runs by workflow, event, state and branch, newest first', async () => {
  await dispatch()
  await dispatch({ ref: 'refs/heads/next' })
  await dispatch({}, `${actions}/workflows/build.yml`)
  after(2_500)
  await dispatch()
  const ids = async (query: string, of = actions) =>
    (await list(query, of)).workflow_runs.map(({ id }: { id: number }) => id)
  expect(await ids('')).toEqual([4, 3, 2, 1])
  expect(await ids('', deploy)).toEqual([4, 2, 1])
  expect(await ids('?status=success')).toEqual([3, 2, 1])
  expect(await ids('?status=queued')).toEqual([4])
  expect(await ids('?branch=next')).toEqual([2])
  expect(await ids('?event=push')).toEqual([])
  expect(await ids('', '/repos/acme/other/actions')).toEqual([])
  const { json, headers } = await started.github('GET', `${actions}/runs?per_page=3`)
  expect(json.total_count).toBe(4)
  const next = /<([^>]+)>; rel="next"/.exec(headers.get('link') ?? '')?.[1] ?? ''
  expect(await ids(new URL(next).search)).toEqual([1])
  expect((await started.github('GET', `${actions}/runs/1/jobs?page=2`)).json).toMatchObject({
    total_count: 1,
    jobs: [],
  })
})

test('GitHub Actions does not find unknown paths and runs of other repositories', async () => {
  await dispatch()
  for (const [method, path] of [
    ['GET', `${actions}/runs/99`],
    ['GET', `${actions}/runs/x`],
    ['GET', '/repos/acme/other/actions/runs/1'],
    ['DELETE', `${actions}/runs/1`],
    ['POST', `${actions}/runs`],
    ['GET', `${actions}/runs/1/jobs/1`],
    ['GET', `${deploy}/dispatches`],
    ['GET', `${actions}/secrets`],
    ['GET', actions],
  ] as const) {
    expect({ path, ...(await started.github(method, path)) }).toMatchObject({ path, status: 404 })
  }
})

test('GitHub shows a run and its job on a page, escaped', async () => {
  const { html_url } = (await dispatch({ inputs: { image: '<b>shop</b>:1' } })).json
  after(2_500)
  const pages = [html_url, (await jobs()).jobs[0].html_url]
  for (const url of pages) {
    const text = await (await fetch(url)).text()
    expect(text).toContain('image: &lt;b&gt;shop&lt;/b&gt;:1')
    expect(text).toContain('completed (success)')
    expect(text).not.toContain('<b>')
  }
  expect((await started.call('GET', '/github/acme/shop/actions/runs/99')).status).toBe(404)
})
