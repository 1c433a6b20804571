import { expect, test } from '@jest/globals'
import { useClock } from './clock.ts'
import { useSandbox } from './use.ts'

const started = useSandbox()
const begin = Date.parse('2026-11-24T12:00:00Z')
const after = useClock(begin)

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
const list = async (query = '') => {
  const { executions, paging } = await ok('GET', `job/${restart}/executions${query}`)
  return { ids: executions.map(({ id }: { id: number }) => id), paging }
}

test('A call with no token and one with a wrong token are refused.', async () => {
  const none = await started.call('GET', `/rundeck${api}/projects`)
  expect([none.status, none.json]).toEqual([
    403,
    {
      error: true,
      apiversion: 48,
      errorCode: 'unauthorized',
      message: '(unauthenticated) is not authorized for: /api/44/projects',
    },
  ])
  const token = { 'x-rundeck-auth-token': 'wrong-token' }
  const wrong = await started.call('GET', `/rundeck${api}/projects`, undefined, token)
  expect([wrong.status, wrong.json.message]).toEqual([403, '(Token:wrong****) is not authorized for: /api/44/projects'])
})

test('There is a project with two jobs, found by their names, in no group.', async () => {
  expect(await ok('GET', 'projects')).toMatchObject([{ name: 'shop' }])
  const all = await ok('GET', 'project/shop/jobs')
  expect(all.map(({ name, group }: { name: string; group: null }) => [name, group])).toEqual([
    ['restart-checkout', null],
    ['clear-cache', null],
  ])
  const named = async (query: string) => (await ok('GET', `project/shop/jobs?${query}`)).length
  expect(await ok('GET', 'project/shop/jobs?jobExactFilter=restart-checkout&groupPathExact=-')).toMatchObject([
    { id: restart, project: 'shop', permalink: `${started.origin}/sandbox/rundeck/project/shop/job/show/${restart}` },
  ])
  expect(await named('jobExactFilter=restart')).toBe(0)
  expect(await named('groupPathExact=ops')).toBe(0)
})

test('An execution runs for five seconds, and succeeds on every node.', async () => {
  const shown = await run({ service: 'checkout', key: 'k-1' })
  expect(shown).toMatchObject({
    id: 1,
    href: `${started.origin}/sandbox/rundeck/api/44/execution/1`,
    permalink: `${started.origin}/sandbox/rundeck/project/shop/execution/show/1`,
    status: 'running',
    project: 'shop',
    'date-started': { unixtime: begin, date: '2026-11-24T12:00:00Z' },
    job: { id: restart, name: 'restart-checkout', options: { service: 'checkout', key: 'k-1' } },
    argstring: '-service checkout -key k-1',
  })
  expect(shown).not.toHaveProperty('date-ended')
  after(5_499)
  expect(await execution()).toMatchObject({ status: 'running' })
  after(5_500)
  expect(await execution()).toMatchObject({
    status: 'succeeded',
    'date-ended': { unixtime: begin + 5_500, date: '2026-11-24T12:00:05Z' },
    successfulNodes: ['shop-1', 'shop-2'],
  })
  expect(await state()).toMatchObject({ completed: true, executionState: 'SUCCEEDED', stepCount: 2 })
})

test('One that is told to fail does so at its last step, on one node.', async () => {
  await run({ seconds: 1, outcome: 'failure' })
  expect(await state()).toMatchObject({ completed: false, executionState: 'RUNNING' })
  after(1_500)
  expect(await execution()).toMatchObject({
    status: 'failed',
    successfulNodes: ['shop-1'],
    failedNodes: ['shop-2'],
    job: { options: { seconds: '1', outcome: 'failure' } },
  })
  expect(await state()).toMatchObject({
    executionState: 'FAILED',
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

test('One that hangs runs until it is aborted, which takes a moment.', async () => {
  await run({ outcome: 'hang' })
  after(86_400_000)
  expect(await execution()).toMatchObject({ status: 'running' })
  const href = `${started.origin}/sandbox/rundeck/api/44/execution/1`
  expect(await ok('POST', 'execution/1/abort')).toEqual({
    abort: { status: 'pending' },
    execution: { id: '1', status: 'running', href },
  })
  expect(await execution()).toMatchObject({ status: 'running', abortedby: 'sandbox-bot' })
  after(86_400_500)
  expect(await execution()).toMatchObject({ status: 'aborted', abortedby: 'sandbox-bot' })
  expect(await state()).toMatchObject({ executionState: 'ABORTED' })
  expect(await ok('POST', 'execution/1/abort')).toEqual({
    abort: { status: 'failed', reason: 'Job is not running' },
    execution: { id: '1', status: 'aborted', href },
  })
})

test('One that vanishes is gone when it should end, and one that ends in nonsense has a status of its own.', async () => {
  await run({ outcome: 'vanish' })
  await run({ outcome: 'nonsense' })
  after(5_500)
  const { status, json } = await started.rundeck('GET', `${api}/execution/1`)
  expect([status, json.errorCode, json.message]).toEqual([
    404,
    'api.error.item.doesnotexist',
    'Execution ID does not exist: 1',
  ])
  expect(await execution(2)).toMatchObject({ status: 'other', customStatus: 'gone fishing' })
  expect((await list()).ids).toEqual([2])
})

test('Executions are listed by their job, newest first, page by page, or as far as they run.', async () => {
  for (const seconds of [1, 1, 60]) await run({ seconds })
  await ok('POST', 'job/b152d59b-7d6d-440c-95ea-23dc9fc1db07/run', {})
  after(2_000)
  expect(await list()).toEqual({ ids: [2, 1, 3], paging: { count: 3, total: 3, offset: 0, max: 20 } })
  expect(await list('?max=2&offset=1')).toEqual({ ids: [1, 3], paging: { count: 2, total: 3, offset: 1, max: 2 } })
  expect((await list('?status=running')).ids).toEqual([3])
})

test('The runs of all platforms are listed in the order in which they began.', async () => {
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

test.each([
  ['a job that there is not', 'POST', 'job/nope/run', 404, 'Job ID does not exist: nope'],
  ['the executions of none', 'GET', 'job/nope/executions', 404, 'Job ID does not exist: nope'],
  ['a project that there is not', 'GET', 'project/nope/jobs', 404, 'Project does not exist: nope'],
  ['an execution that there is not', 'GET', 'execution/7', 404, 'Execution ID does not exist: 7'],
  ['the state of none', 'GET', 'execution/7/state', 404, 'Execution ID does not exist: 7'],
  ['an execution that is no number', 'POST', 'execution/x/abort', 404, 'Execution ID does not exist: x'],
])('%s is refused in its words.', async (_, method, path, status, message) => {
  const answer = await started.rundeck(method, `${api}/${path}`, method === 'POST' ? {} : undefined)
  expect([answer.status, answer.json]).toEqual([
    status,
    { error: true, apiversion: 48, errorCode: 'api.error.item.doesnotexist', message },
  ])
})

test('Options that are no object, and a version that it does not have, are refused.', async () => {
  const listed = await started.rundeck('POST', `${api}/job/${restart}/run`, { options: ['a'] })
  expect([listed.status, listed.json.errorCode]).toEqual([400, 'api.error.invalid.request'])
  const newer = await started.rundeck('GET', '/api/49/projects')
  expect([newer.status, newer.json.errorCode]).toEqual([400, 'api.error.api-version.unsupported'])
  expect(started.sandbox.rundeck.runs('')).toEqual([])
})

test('What is no part of its API is no JSON.', async () => {
  for (const [method, path] of [
    ['GET', `${api}/job/${restart}`],
    ['DELETE', `${api}/execution/1`],
    ['GET', `${api}/execution/1/state/x`],
    ['GET', '/api/x/projects'],
    ['GET', '/'],
  ] as const) {
    const { status, json } = await started.rundeck(method, path)
    expect({ path, status, json }).toEqual({ path, status: 404, json: undefined })
  }
})

test('The page of an execution shows everything as text.', async () => {
  const { permalink } = await run({ service: '<b>checkout</b>' })
  after(5_500)
  const text = await (await fetch(permalink)).text()
  expect(text).toContain('service: &lt;b&gt;checkout&lt;/b&gt;')
  expect(text).toContain('succeeded')
  expect(text).not.toContain('<b>')
  expect((await started.call('GET', '/rundeck/project/shop/execution/show/7')).status).toBe(404)
  expect((await started.call('GET', '/rundeck/project/other/execution/show/1')).status).toBe(404)
})
