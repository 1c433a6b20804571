import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { actions } from '../../../functions/incident-management/actions.ts'
import { rundeck } from '../../../functions/incident-management/providers/rundeck.ts'
import { type RundeckServer, restart, startRundeck } from '../../../infra/platforms/rundeck/server.ts'
import { parseEvent } from '../../../shared/orchestrators/event.ts'
import type { Run, StartJob, StopJob } from '../../../shared/providers/job.ts'
import { stopJob } from '../../../shared/providers/stop-job.ts'
import { clientOf, failureOf, keyOf } from '../helpers.ts'

let server: RundeckServer
beforeEach(async () => {
  server = await startRundeck()
})
afterEach(() => server.close())

type Options = Parameters<typeof clientOf>[2] & { connection?: object }

const runRunbook = actions['run-runbook']
const stopping = stopJob({ summary: 'Stops an execution' })
const values = (more: object = {}) =>
  rundeck.connection.parse({ baseUrl: server.url, token: server.token, project: 'shop', keyOption: 'key', ...more })
const client = ({ connection, ...options }: Options = {}) => clientOf(rundeck, values(connection), options)
const inputOf = (input: object, connection: object = {}) =>
  runRunbook.complete(runRunbook.input.parse({ target: restart, ...input }) as StartJob, {
    event: parseEvent({ id: 'an-event', data: {} }),
    connection: values(connection),
    provider: rundeck,
  })
const start = async (input: object = {}, options: Options = {}) => {
  const started = await runRunbook.run(rundeck, client(options), inputOf(input, options.connection))
  if (!('job' in started)) throw new Error('Nothing was started')
  return started
}
const getStatus = async (run: unknown, input: object = {}, options?: Options) =>
  runRunbook.job?.getStatus(rundeck, client(options), inputOf(input), run)
/** Polls until the execution has ended. */
const waitUntilDone = async (run: unknown, input: object = {}) => {
  for (let pending = run; ; ) {
    const current = await getStatus(pending, input)
    if (current && 'outcome' in current) return current.outcome
    pending = current?.job
  }
}
const stop = (run: Run, options?: Options) => runRunbook.job?.stop(rundeck, client(options), inputOf({}), run)
const execution = (at = 0) => {
  const found = server.state.executions[at]
  if (!found) throw new Error(`No execution ${at}`)
  return found
}
const calls = (method: string) => server.calls.filter((call) => call.method === method)
const link = (id: number) => `${server.url}/project/shop/execution/show/${id}`

describe('Rundeck: connection', () => {
  test('the connection test lists the projects in the configured API version', async () => {
    await rundeck.check(client())
    await rundeck.check(client({ connection: { apiVersion: '41' } }))
    expect(server.calls.map(({ path }) => path)).toEqual(['/api/44/projects', '/api/41/projects'])
    expect(server.calls[0]?.headers['x-rundeck-auth-token']).toBe(server.token)
  })

  test('accepts a base URL with a path', async () => {
    await failureOf(rundeck.check(client({ connection: { baseUrl: `${server.url}/rundeck/` } })).then())
    expect(server.calls[0]?.path).toBe('/rundeck/api/44/projects')
  })

  test('the connection test reports an invalid token without showing it', async () => {
    const failure = await failureOf(rundeck.check(client({ connection: { token: 'a-wrong-token' } })).then())
    expect(failure.message).toContain(
      'Rundeck answered 403 to GET /api/44/projects: (Token:a-wro****) is not authorized',
    )
    expect(failure.kind).toBe('credentials')
    expect(failure.message).not.toContain('a-wrong-token')
  })

  test('reports an API version that Rundeck does not support', async () => {
    const failure = await failureOf(rundeck.check(client({ connection: { apiVersion: 99 } })).then())
    expect(failure).toMatchObject({ kind: 'refused', message: expect.stringContaining('Unsupported API Version "99"') })
  })
})

describe('Rundeck: start', () => {
  test('runs a job by id and returns the running execution with its link', async () => {
    const { outcome, job: pending } = await start({ parameters: { host: 'web1', times: 3, force: true } })
    expect(pending).toMatchObject({ id: '134', url: link(134) })
    expect(outcome).toMatchObject({
      status: 'succeeded',
      result: 'warning',
      message: 'Started execution 134. It is still running: use mode=interactive to wait',
      data: { id: '134', url: link(134), state: 'started' },
      links: { 'rundeck 134': link(134) },
    })
    expect(execution().options).toEqual({ host: 'web1', times: '3', force: 'true', key: keyOf(1) })
  })

  test.each([
    ['ops/web/restart', 'ops/web', restart],
    ['restart', '-', 'a6e1e0f7-ad32-4b93-ba2c-9387be06a146'],
    ['/restart', '-', 'a6e1e0f7-ad32-4b93-ba2c-9387be06a146'],
    ['ops/web/restart all', 'ops/web', 'b152d59b-7d6d-440c-95ea-23dc9fc1db07'],
  ])('finds the job %s of the project', async (target, group, id) => {
    await start({ target })
    expect(execution().job.id).toBe(id)
    expect(server.calls[0]?.query.get('groupPathExact')).toBe(group)
  })

  test('defaults to the job and project of the connection', async () => {
    await start({ target: undefined }, { connection: { target: 'ops/web/restart' } })
    expect(execution().job.id).toBe(restart)
  })

  test('is refused if no job of the project has exactly that name', async () => {
    const failure = await failureOf(start({ target: 'ops/restart' }))
    expect(failure).toMatchObject({
      kind: 'refused',
      message: 'Rundeck has no job "ops/restart" in project shop, or the token has no access to it.',
    })
    server.failNext(200, [{ id: 'x', name: 'restart', group: 'ops/web' }], { on: 'GET' })
    expect((await failureOf(start({ target: 'ops/restart' }))).message).toContain('Rundeck has no job "ops/restart"')
    expect((await failureOf(start({ target: 'restart', project: 'nope' }))).message).toContain(
      '404 to GET /api/44/project/nope/jobs: Project does not exist: nope',
    )
    expect(server.state.executions).toEqual([])
  })

  test.each([
    ['an option is missing', () => server.state.jobs[0]?.required.push('host'), "Option 'host' is required"],
    ['the job is disabled', () => Object.assign(server.state.jobs[0] ?? {}, { isEnabled: false }), 'are disabled'],
    [
      'the token cannot run jobs',
      () => Object.assign(server.state.may, { run: false }),
      'Not authorized for action "Execute"',
    ],
    [
      'the token cannot read executions',
      () => Object.assign(server.state.may, { events: false }),
      'Events in Project shop',
    ],
  ])('reports the message of Rundeck if %s', async (_, change, says) => {
    change()
    const failure = await failureOf(start())
    expect(failure).toMatchObject({ kind: 'refused', status: 422, message: expect.stringContaining(says) })
    expect(server.state.executions).toEqual([])
  })

  test('is refused while a job without parallel executions runs', async () => {
    Object.assign(server.state.jobs[0] ?? {}, { allowsMultiple: false })
    await start()
    const failure = await failureOf(start({}, { key: keyOf(2) }))
    expect(failure).toMatchObject({ kind: 'refused', message: expect.stringContaining('is currently being executed') })
  })

  test.each([
    ['ref', { ref: 'main' }, 'has no versions of a job'],
    ['project', { target: 'restart' }, 'is required for a job that is identified by name'],
    ['parameters.hosts', { parameters: { hosts: ['a', 'b'] } }, 'Write a list as "a,b"'],
    ['parameters.host', { parameters: { host: null } }, 'options are text'],
    ['parameters.key', { parameters: { key: 'mine' } }, 'is the option for the idempotency key'],
  ])('is refused before it is accepted if %s is invalid', (path, input, says) => {
    const wrong = () => inputOf(input, { project: undefined })
    expect(wrong).toThrow(expect.objectContaining({ kind: 'invalid', message: expect.stringContaining(says) }))
    expect(wrong).toThrow(expect.objectContaining({ errors: [expect.objectContaining({ path: `input.${path}` })] }))
  })

  test('encodes names as one path segment', async () => {
    await failureOf(start({ target: 'restart', project: 'a/job' }))
    await failureOf(start({ target: 'x&groupPathExact=ops', project: 'shop' }))
    expect(server.calls.map(({ path }) => path)).toEqual(['/api/44/project/a/job/jobs', '/api/44/project/shop/jobs'])
    expect((await failureOf(start({ target: 'restart', project: '../../job' }))).kind).toBe('invalid')
    expect(server.calls[1]?.query.get('jobExactFilter')).toBe('x&groupPathExact=ops')
  })
})

describe('Rundeck: repeated start', () => {
  test('finds the execution while it runs and after it ended', async () => {
    await start()
    expect((await start()).job).toMatchObject({ id: '134' })
    server.set(134, 'failed')
    expect((await start({}, { isRetry: true })).job).toMatchObject({ id: '134' })
    expect(calls('POST')).toHaveLength(1)
  })

  test('finds the execution after a lost response', async () => {
    server.loseNext('POST')
    expect(await failureOf(start())).toMatchObject({ kind: 'platform', transient: true, mayHaveWritten: true })
    expect((await start({}, { isRetry: true })).job).toMatchObject({ id: '134', url: link(134) })
    expect(server.state.executions).toHaveLength(1)
  })

  test('finds the execution that Rundeck retried itself', async () => {
    server.state.course = { polls: 0, ends: 'failed', retry: { polls: 9, ends: 'succeeded' } }
    const { job: pending } = await start()
    await getStatus(pending)
    expect((await start({}, { isRetry: true })).job).toMatchObject({ id: '135' })
    server.set(135, 'succeeded')
    expect((await start({}, { isRetry: true })).job).toMatchObject({ id: '134' })
  })

  test('starts another execution for another event', async () => {
    for (const key of [keyOf(1), keyOf(2), undefined]) await start({}, { key })
    expect(server.state.executions.map(({ options }) => options['key'])).toEqual([keyOf(1), keyOf(2), undefined])
  })

  test('finds the execution behind hundreds of others, and reports if there are too many', async () => {
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
    const failure = await failureOf(start({}, { isRetry: true }))
    expect(failure).toMatchObject({ kind: 'doubtful', message: expect.stringContaining('It is unknown whether') })
    expect(calls('POST')).toHaveLength(1)
  })
})

describe('Rundeck: without an option for the idempotency key', () => {
  const connection = { keyOption: undefined }

  test('a start is not retried after a lost response', async () => {
    server.loseNext('POST')
    const failure = await failureOf(start({}, { connection }))
    expect(failure).toMatchObject({ kind: 'doubtful', transient: false })
    expect(failure.message).toMatch(/^Rundeck could not be reached.* It is unknown whether an execution was started/)
    expect(failure.message).toContain('Check Rundeck before you repeat the call')
  })

  test('a start is not sent if an earlier attempt may have written', async () => {
    const failure = await failureOf(start({}, { connection, isRetry: true }))
    expect(failure).toMatchObject({ kind: 'doubtful', message: expect.stringContaining('earlier attempt') })
    expect(server.calls).toEqual([])
  })

  test('a start is retried if nothing was sent', async () => {
    await server.close()
    expect(await failureOf(start({}, { connection }))).toMatchObject({ transient: true, mayHaveWritten: false })
    server = await startRundeck()
    await start({}, { connection })
    expect(execution().options).toEqual({})
  })
})

describe('Rundeck: getStatus', () => {
  test('reports the state while it runs', async () => {
    const { job: pending } = await start()
    for (const status of ['running', 'scheduled', 'queued', 'average-duration-exceeded']) {
      server.set(134, status, { polls: 9 })
      expect(await getStatus(pending)).toMatchObject({ status: status })
    }
  })

  test.each([
    ['succeeded', 'succeeded', 'pass'],
    ['failed', 'succeeded', 'fail'],
    ['timedout', 'succeeded', 'fail'],
    ['other', 'succeeded', 'fail'],
    ['aborted', 'aborted', 'fail'],
    ['missed', 'errored', 'fail'],
  ])('takes %s as %s and %s', async (status, as, result) => {
    const { job: pending } = await start()
    server.set(134, status)
    expect(await waitUntilDone(pending)).toMatchObject({
      status: as,
      result,
      data: { id: '134', url: link(134), state: status },
    })
  })

  test.each(['', 'paused', 'constructor'])(
    'never takes the status "%s", which it does not know, for an end',
    async (status) => {
      const { job: pending } = await start()
      server.set(134, status)
      expect(await getStatus(pending)).toMatchObject({ status: `${status} (unknown state)` })
    },
  )

  test('returns duration and nodes, and checks them against thresholds', async () => {
    const { job: pending } = await start()
    server.set(134, 'succeeded')
    const judged = await waitUntilDone(pending, { thresholds: [{ metric: 'duration', op: '<', value: 600, warn: 5 }] })
    expect(judged).toMatchObject({
      result: 'warning',
      message: 'Execution 134 ended as succeeded: duration is 6.614, not < 5',
      data: { duration: 6.614, succeededNodes: ['web3'] },
      links: { 'rundeck 134': link(134) },
    })
    const metrics = ['succeededNodes', 'failedNodes'].map((metric) => ({ metric, op: '>=', value: 1 }))
    expect((await waitUntilDone(pending, { thresholds: metrics })).message).toBe(
      'Execution 134 ended as succeeded: failedNodes is 0, not >= 1',
    )
  })

  test('reports which step failed on which nodes', async () => {
    const { job: pending } = await start()
    server.set(134, 'failed', { failedNodes: ['web1', 'web2'] })
    expect(await waitUntilDone(pending)).toMatchObject({
      message: 'Execution 134 ended as failed: step 2/1 failed on web1, web2',
      data: { failedNodes: ['web1', 'web2'] },
    })
  })

  test('limits the number of failed nodes in the result', async () => {
    const { job: pending } = await start()
    server.set(134, 'failed', { failedNodes: Array.from({ length: 5_000 }, (_, n) => `web${n}`) })
    const outcome = await waitUntilDone(pending)
    expect(outcome.message).toContain('web19, 4980 more')
    expect(JSON.stringify(outcome).length).toBeLessThan(2_000)
  })

  test('is errored if a restart of Rundeck lost the execution', async () => {
    const { job: pending } = await start()
    server.set(134, 'other', { customStatus: 'incomplete' })
    expect(await waitUntilDone(pending)).toMatchObject({
      status: 'errored',
      message: expect.stringContaining('its status is "incomplete"'),
    })
  })

  test('reports a custom status and who aborted', async () => {
    const { job: pending } = await start()
    server.set(134, 'other', { customStatus: 'half done' })
    expect(await waitUntilDone(pending)).toMatchObject({
      message: 'Execution 134 ended as other: its status is "half done", step 2/1 failed',
      data: { customStatus: 'half done' },
    })
    server.set(134, 'running', { polls: 9 })
    delete execution().ended
    await stop({ id: '134' })
    expect((await waitUntilDone(pending)).message).toContain('ended as aborted: by robot')
  })

  test('reports the end even if its steps cannot be read', async () => {
    const { job: pending } = await start()
    server.state.storesState = false
    server.set(134, 'failed')
    expect(await waitUntilDone(pending)).toMatchObject({
      result: 'fail',
      message: expect.stringMatching(
        /^Execution 134 ended as failed: its steps could not be read \(Rundeck answered 404/,
      ),
    })
  })

  test('continues with the execution of a retry by Rundeck', async () => {
    server.state.course = { polls: 0, ends: 'failed', retry: { polls: 0, ends: 'succeeded' } }
    const { job: pending } = await start()
    expect(await getStatus(pending)).toMatchObject({
      status: 'failed-with-retry',
      progress: 'retried as execution 135',
      job: { id: '135', url: link(135) },
    })
    expect(await waitUntilDone(pending)).toMatchObject({ result: 'pass', data: { id: '135', url: link(135) } })
  })

  test('reports the message of Rundeck if the execution cannot be read', async () => {
    expect(await failureOf(getStatus({ id: '99' }).then())).toMatchObject({
      kind: 'refused',
      message: 'Rundeck answered 404 to GET /api/44/execution/99: Execution ID does not exist: 99',
    })
    const { job: pending } = await start()
    server.state.may.read = false
    expect((await failureOf(getStatus(pending).then())).message).toContain(
      '403 to GET /api/44/execution/134: Not authorized',
    )
  })
})

describe('Rundeck: stop', () => {
  test('aborts an execution, also repeatedly', async () => {
    const { job: pending } = await start()
    expect(await stop(pending as Run)).toBe(true)
    expect(await waitUntilDone(pending)).toMatchObject({
      status: 'aborted',
      result: 'fail',
      data: { state: 'aborted' },
    })
    expect(await stop(pending as Run)).toBe(true)
  })

  test('reports the message of Rundeck if it does not abort', async () => {
    server.state.course = { polls: 99, ends: 'succeeded', stubborn: true }
    const { job: pending } = await start()
    server.set(134, 'scheduled')
    const failure = await failureOf(stop(pending as Run)?.then() ?? Promise.resolve())
    expect(failure).toMatchObject({
      kind: 'refused',
      message: 'Rundeck did not abort execution 134: Unable to interrupt.',
    })
    server.state.may.kill = false
    expect((await failureOf(stop(pending as Run)?.then() ?? Promise.resolve())).message).toContain(
      'Not authorized for action "Kill"',
    )
  })

  test('accepts only the id of an execution', async () => {
    await start()
    const event = parseEvent({ id: 'an-event', data: {} })
    const complete = (id: string) =>
      stopping.complete(stopping.input.parse({ id }) as StopJob, {
        event,
        connection: values(),
        provider: rundeck,
      })
    const { outcome, job: pending } = (await stopping.run(rundeck, client(), complete('134'))) as {
      outcome: { data: object }
      job: Run
    }
    expect(outcome.data).toMatchObject({ id: '134', url: link(134) })
    expect(await stopping.job?.getStatus(rundeck, client(), complete('134'), pending)).toMatchObject({
      status: 'running',
    })
    expect(() => complete('../134')).toThrow('must be the number of an execution such as 134')
  })
})

describe('Rundeck: errors', () => {
  const requests = {
    start: () => start({}, { key: keyOf(7) }),
    getStatus: () => getStatus({ id: '134' }).then(),
    stop: () => stop({ id: '134' })?.then() ?? Promise.resolve(),
  }

  beforeEach(async () => {
    await start()
  })

  for (const [name, send] of Object.entries(requests)) {
    test(`${name} can be retried after a 5xx response`, async () => {
      server.failNext(500, '<html><head><title>Rundeck - Error</title></head></html>', { times: 5 })
      const failure = await failureOf(send())
      expect(failure).toMatchObject({ kind: 'platform', transient: true })
      expect(failure.message).toContain('a page titled "Rundeck - Error"')
    })

    test(`${name} can be retried after an HTML page`, async () => {
      server.failNext(200, '<html><head><title>Login</title></head></html>')
      expect(await failureOf(send())).toMatchObject({
        kind: 'platform',
        transient: true,
        message: expect.stringContaining('an unexpected response'),
      })
    })

    test(`${name} reports how long to wait after a 429 response`, async () => {
      server.failNext(429, { message: 'Slow down' }, { headers: { 'retry-after': '30' } })
      expect(await failureOf(send())).toMatchObject({ kind: 'platform', transient: true, retryAfter: 30 })
    })

    test(`${name} can be retried after a broken connection`, async () => {
      server.down()
      expect(await failureOf(send())).toMatchObject({ kind: 'platform', transient: true })
    })

    test(`${name} masks credentials in the message of a refusal`, async () => {
      server.failNext(400, { error: true, message: `no ${server.token}` }, { times: 5 })
      expect((await failureOf(send())).message).toContain('no ***')
    })
  }

  test('fails at the deadline if Rundeck does not respond', async () => {
    server.hang()
    expect(await failureOf(start({}, { deadline: 500 }))).toMatchObject({ kind: 'timeout', transient: true })
  })
})
