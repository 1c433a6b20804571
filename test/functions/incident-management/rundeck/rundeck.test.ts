import { describe, expect, test } from '@jest/globals'
import { rundeck } from '../../../../functions/incident-management/rundeck/rundeck.ts'
import { jobConformance } from '../../../conformance/job.ts'
import { type ClientOptions, expectFailure, keyOf } from '../../helpers.ts'
import { runbookActions } from '../runbook.ts'
import { jobRow, restart as restartId } from './fake.ts'

const restart = { target: restartId }
const start = (input: object = {}, options?: ClientOptions) => connected().start({ ...restart, ...input }, options)
/** Runs the job to an end. */
const endIn = (status: string, more: object = {}) => connected().endAfter(restart, () => server.set(134, status, more))
const execution = (at = 0) => {
  const found = server.state.executions[at]
  if (!found) throw new Error(`No execution ${at}`)
  return found
}
const calls = (method: string) => server.calls.filter((call) => call.method === method)
const link = (id: number) => `${server.url}/project/shop/execution/show/${id}`

const { server, connected } = jobConformance(rundeck, runbookActions, jobRow, {
  states: {
    running: ['running', 'scheduled', 'queued', 'average-duration-exceeded'],
    pass: ['succeeded'],
    fail: ['failed', 'timedout', 'other'],
    errored: ['missed'],
    aborted: ['aborted'],
  },
  otherStates: ['failed-with-retry', 'incomplete', 'retried'],
  unknownStates: ['', 'paused', 'constructor'],
  invalidStarts: [
    { name: 'a ref', input: { ref: 'main' }, message: 'has no versions of a job' },
    {
      name: 'a name alone',
      input: { target: 'restart' },
      message: 'is required for a job that is identified by name',
      connection: { project: undefined },
    },
    { name: 'a list', input: { parameters: { hosts: ['a', 'b'] } }, message: 'Write a list as "a,b"' },
    { name: 'no value', input: { parameters: { host: null } }, message: 'options are text' },
    {
      name: 'the option of the key',
      input: { parameters: { key: 'mine' } },
      message: 'is the option for the idempotency key',
    },
  ],
  check: ['GET /api/44/projects'],
  checks: [{ connection: { apiVersion: '41' }, requests: ['GET /api/41/projects'] }],
  failedChecks: [
    { reason: '404 to GET /rundeck/api/44/projects', connection: ({ url }) => ({ baseUrl: `${url}/rundeck/` }) },
    { reason: 'Unsupported API Version "99"', connection: { apiVersion: 99 } },
    {
      reason: '403 to GET /api/44/projects: (Token:a-wro****) is not authorized',
      connection: { token: 'a-wrong-token' },
      kind: 'credentials',
    },
  ],
  refusedPolls: [
    {
      change: ({ state }) => Object.assign(state, { executions: [] }),
      reason: 'execution/134: Execution ID does not exist: 134',
    },
    {
      change: ({ state }) => Object.assign(state.may, { read: false }),
      reason: '403 to GET /api/44/execution/134: Not authorized',
    },
  ],
  invalidIds: { ids: ['../134', 'x'], message: 'must be the number of an execution such as 134' },
  refused: [
    {
      name: 'a job of another group',
      input: { target: 'ops/restart' },
      reason: 'Rundeck has no job "ops/restart" in project shop, or the token',
    },
    {
      name: 'an unknown project',
      input: { target: 'restart', project: 'nope' },
      reason: '404 to GET /api/44/project/nope/jobs: Project does not exist',
    },
    {
      name: 'a missing option',
      change: ({ state }) => state.jobs[0]?.required.push('host'),
      reason: "Option 'host' is required",
    },
    {
      name: 'a disabled job',
      change: ({ state }) => Object.assign(state.jobs[0] ?? {}, { isEnabled: false }),
      reason: 'are disabled',
    },
    {
      name: 'a token that cannot run jobs',
      change: ({ state }) => Object.assign(state.may, { run: false }),
      reason: 'for action "Execute"',
    },
    {
      name: 'a token that cannot read',
      change: ({ state }) => Object.assign(state.may, { events: false }),
      reason: 'Events in Project shop',
    },
  ],
  measures: {
    end: (server) => server.set(134, 'succeeded'),
    metrics: { duration: 7, failedNodes: 0, succeededNodes: 1 },
    data: { duration: 7, succeededNodes: ['web3'] },
  },
})

describe('Rundeck: start', () => {
  test('runs a job by id with its options and the key, and returns the link of the execution', async () => {
    const { outcome } = await start({ parameters: { host: 'web1', times: 3, force: true } })
    expect(outcome.message).toBe('Started execution 134. It is still running: use mode=interactive to wait')
    expect(outcome.data).toMatchObject({ id: '134', url: link(134) })
    expect(execution().options).toEqual({ host: 'web1', times: '3', force: 'true', key: keyOf(1) })
  })

  test.each([
    ['ops/web/restart', 'ops/web', restartId],
    ['restart', '-', 'a6e1e0f7-ad32-4b93-ba2c-9387be06a146'],
    ['/restart', '-', 'a6e1e0f7-ad32-4b93-ba2c-9387be06a146'],
    ['ops/web/restart all', 'ops/web', 'b152d59b-7d6d-440c-95ea-23dc9fc1db07'],
  ])('finds the job %s of the project', async (target, group, id) => {
    await start({ target })
    expect(execution().job.id).toBe(id)
    expect(server.calls[0]?.query.get('groupPathExact')).toBe(group)
  })

  test('does not run a job with another group', async () => {
    server.failNext(200, [{ id: 'x', name: 'restart', group: 'ops/web' }], { on: 'GET' })
    await expectFailure(start({ target: 'ops/restart' }), 'refused', 'Rundeck has no job "ops/restart"')
  })

  test('is refused while a job without parallel executions runs', async () => {
    Object.assign(server.state.jobs[0] ?? {}, { allowsMultiple: false })
    await start()
    await expectFailure(start({}, { key: keyOf(2) }), 'refused', 'is currently being executed')
  })
})

test('Rundeck: a repeated start finds the execution that Rundeck retried itself', async () => {
  server.state.course = { polls: 0, ends: 'failed', retry: { polls: 9, ends: 'succeeded' } }
  await connected().poll(await start(), restart)
  expect((await start({}, { isRetry: true })).job).toMatchObject({ id: '135' })
  server.set(135, 'succeeded')
  expect((await start({}, { isRetry: true })).job).toMatchObject({ id: '134' })
})

test('Rundeck: a repeated start finds the execution behind hundreds of others, and reports if there are too many', async () => {
  await start()
  server.set(134, 'succeeded')
  const many = (count: number) => {
    for (let n = 0; n < count; n++) {
      const id = 135 + server.state.executions.length
      server.state.executions.push({ ...execution(), id, options: {}, started: 2e12, ended: 2e12 + id })
    }
  }
  many(950)
  expect((await start({}, { isRetry: true })).job).toMatchObject({ id: '134' })
  many(100)
  await expectFailure(start({}, { isRetry: true }), 'unconfirmed', 'It is unknown whether')
  expect(calls('POST')).toHaveLength(1)
})

test('Rundeck: a start without an option for the idempotency key sends no option', async () => {
  await connected({ keyOption: undefined }).start(restart)
  expect(execution().options).toEqual({})
})

describe('Rundeck: getStatus', () => {
  test('reports which step failed on which nodes', async () => {
    const failedNodes = ['web1', 'web2']
    expect(await endIn('failed', { failedNodes })).toMatchObject({
      message: 'Execution 134 ended as failed: step 2/1 failed on web1, web2',
      data: { failedNodes },
    })
  })

  test('limits the number of failed nodes in the result', async () => {
    const outcome = await endIn('failed', { failedNodes: Array.from({ length: 5_000 }, (_, n) => `web${n}`) })
    expect(outcome.message).toContain('web19, 4980 more')
    expect(JSON.stringify(outcome).length).toBeLessThan(2_000)
  })

  test.each([
    ['incomplete', 'errored'],
    ['half done', 'succeeded'],
  ])('with the custom status %s ends as %s', async (customStatus, status) => {
    const ended = await endIn('other', { customStatus })
    expect(ended).toMatchObject({ status, result: 'fail' })
    expect(ended.message).toContain(`ended as other: its status is "${customStatus}"`)
  })

  test('reports who aborted', async () => {
    expect((await endIn('aborted', { abortedby: 'robot' })).message).toContain('ended as aborted: by robot')
  })

  test('reports the end even if its steps cannot be read', async () => {
    server.state.storesState = false
    const { result, message } = await endIn('failed')
    expect(result).toBe('fail')
    expect(message).toMatch(/^Execution 134 ended as failed: its steps could not be read \(Rundeck answered 404/)
  })

  test('continues with the execution of a retry by Rundeck', async () => {
    server.state.course = { polls: 0, ends: 'failed', retry: { polls: 0, ends: 'succeeded' } }
    const started = await start()
    const retried = await connected().poll(started, restart)
    expect(retried).toMatchObject({
      status: 'failed-with-retry',
      progress: 'retried as execution 135',
      job: { id: '135', url: link(135) },
    })
    const job = 'job' in retried ? retried.job : undefined
    const ended = await connected().end({ ...started, job }, restart)
    expect(ended).toMatchObject({ result: 'pass', data: { id: '135', url: link(135) } })
  })
})

test.each([
  ['it cannot be interrupted', () => undefined, 'Rundeck did not abort execution 134: Unable to interrupt.'],
  ['the token may not', () => Object.assign(server.state.may, { kill: false }), 'Not authorized for action "Kill"'],
])('Rundeck: reports why it does not abort an execution if %s', async (_, change, message) => {
  server.state.course = { polls: 99, ends: 'succeeded', stubborn: true }
  await start()
  change()
  await expectFailure(connected().stop({ id: '134' }), 'refused', message)
})
