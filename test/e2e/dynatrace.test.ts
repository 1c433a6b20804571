import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { type EnvironmentServer, startEnvironment } from '../../infra/platforms/dynatrace/environment-server.ts'
import { demo } from '../../infra/platforms/sandbox/demo.ts'
import { continued, type DynatraceCaller, dynatraceSecrets, startService } from './dynatrace-service.ts'
import { type Service, until } from './service.ts'

const { release } = demo.workflows
let service: Service
let environment: EnvironmentServer
beforeAll(async () => {
  environment = await startEnvironment()
  service = await startService(environment)
})
afterAll(async () => {
  await service.end()
  await environment.close()
})
beforeEach(() => {
  environment.recover()
  environment.empty()
  environment.calls.splice(0)
})
afterEach(() => expect(dynatraceSecrets.filter((secret) => service.output.includes(secret))).toEqual([]))

const waitFor = <T>(find: () => T | undefined, what: string): Promise<T> =>
  until(
    async () => find() !== undefined,
    30,
    () => `${what}\n${service.output.slice(-4_000)}`,
  ).then(() => find() as T)
const isPost =
  (end: string) =>
  ({ method, path }: { method: string; path: string }) =>
    method === 'POST' && path.endsWith(end)
const call = (token: DynatraceCaller, execution: string) =>
  service.call(
    '/v1/issue-ticketing/open-issue?mode=interactive',
    { id: 'open_issue', dynatrace: { execution }, input: { title: 'Checkout is slow' } },
    { token },
  )

describe('A runtime that is killed', () => {
  it('while it resumes an execution has resumed it once, and opened one issue', async () => {
    const before = (await service.issues()).length
    const { id: execution } = environment.automation.start(release)
    environment.automation.set(execution, 'PAUSED')
    environment.holdNext(isPost('/resume'))
    const first = await call('token-for-resume', execution)
    await waitFor(() => environment.calls.find(isPost('/resume')), 'the request to resume')
    await service.kill()
    environment.automation.set(execution, 'SUCCESS')
    await service.start()
    expect((await call('token-for-resume', execution)).body).toEqual({ ...first.body, duplicate: true })
    const { pathname } = new URL(first.body.statusUrl)
    await until(
      async () =>
        (await service.call(pathname, undefined, { method: 'GET', token: 'token-for-resume' })).body.state ===
        'finished',
      30,
      () => service.output.slice(-4_000),
    )
    expect(environment.calls.filter(isPost('/resume'))).toHaveLength(1)
    expect(environment.grail.events().map((event) => event['event.status'])).toEqual(['finished'])
    expect(await service.issues()).toHaveLength(before + 1)
  })

  it('while it runs a workflow sends the same qualifier again, which runs it once', async () => {
    const before = (await service.issues()).length
    environment.holdNext(isPost('/run'))
    const { body } = await call('token-for-run', environment.automation.start(release).id)
    await waitFor(() => continued(environment)[0], 'the workflow')
    await service.kill()
    await service.start()
    await waitFor(() => environment.calls.filter(isPost('/run'))[1], 'the repeated request')
    expect(continued(environment)).toMatchObject([
      { input: { taskId: body.taskId, verdict: 'pass', task: 'open_issue' } },
    ])
    expect(await service.issues()).toHaveLength(before + 1)
  })
})

describe('A call of a workflow', () => {
  it('is one task for repeated and reordered calls of an execution, and another one for each execution', async () => {
    const [one, two] = [environment.automation.start(release).id, environment.automation.start(release).id]
    const bodies = await Promise.all(
      [one, two, one, two, one].map((execution) => call('token-for-run', execution).then(({ body }) => body.taskId)),
    )
    expect(new Set(bodies).size).toBe(2)
    await waitFor(() => continued(environment)[1], 'both continuations')
    expect(
      continued(environment)
        .map(({ input }) => input['execution'])
        .sort(),
    ).toEqual([one, two].sort())
  })

  it.each([
    [429, { 'retry-after': '1' }],
    [503, {}],
    [400, {}],
  ])('gets its result although Dynatrace answers %i at first', async (status, headers) => {
    environment.failNext(
      status,
      { error: { code: status, message: 'not now' } },
      { on: isPost('/run'), times: 2, headers },
    )
    await call('token-for-run', environment.automation.start(release).id)
    await waitFor(() => continued(environment)[0], 'the workflow')
    expect(environment.calls.filter(isPost('/run'))).toHaveLength(3)
  })

  it('without its fields gets all that is missing', async () => {
    const { status, body } = await service.call(
      '/v1/issue-ticketing/open-issue?mode=interactive',
      {},
      { token: 'token-for-run' },
    )
    expect([status, body.errors.map(({ path }: { path: string }) => path)]).toEqual([
      400,
      ['id', 'dynatrace.execution'],
    ])
  })
})
