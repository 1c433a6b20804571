import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { type RundeckServer, restart, startRundeck } from '../../infra/platforms/rundeck/server.ts'
import { Service, triggered, until } from './service.ts'

let rundeck: RundeckServer
let service: Service
beforeAll(async () => {
  rundeck = await startRundeck()
  const connection = { provider: 'rundeck', baseUrl: rundeck.url, token: rundeck.token, project: 'shop' }
  service = new Service({
    timeScale: 60,
    // A silent call polls for some fifteen seconds: a busy machine needs several for a short run.
    // A silent call polls for some fifteen seconds: on a busy machine, even a short run takes several.
    webhookTimeout: 20,
    secrets: {
      'cloud-automation-webhooks/connections/incident-management/runbooks': { ...connection, keyOption: 'key' },
      'cloud-automation-webhooks/connections/incident-management/keyless': connection,
    },
  })
  await service.start()
})
afterAll(async () => {
  await service.end()
  await rundeck.close()
})

let before: number
beforeEach(() => {
  before = rundeck.state.executions.length
  rundeck.state.course = { polls: 1, ends: 'succeeded' }
})
afterEach(() => rundeck.down(false))

/** Runs that this test started. */
const started = () => rundeck.state.executions.slice(before)
const posts = () => rundeck.calls.filter(({ method }) => method === 'POST').length
const run = (event: object, query = '', connection = 'runbooks') =>
  service.call(`/v1/incident-management/run-runbook?connection=${connection}${query}`, event)
const asked = (input: object = {}) =>
  triggered({ type: 'sh.keptn.event.runbook.triggered', input: { target: restart, ...input } })
const interactive = '&mode=interactive&sendStarted=true'
/** An interactive call that is accepted. */
const startRun = async (input: object = {}, query = '', connection?: string) => {
  const event = asked(input)
  expect(await run(event, `${interactive}${query}`, connection)).toMatchObject({ status: 202 })
  return event
}
const hasStarted = () =>
  until(
    async () => started().length > 0,
    20,
    () => `an execution\n${service.output.slice(-4_000)}`,
  )
const wasSeen = async () => {
  await hasStarted()
  const [execution] = started()
  const { id, polls } = execution ?? { id: 0, polls: 0 }
  await until(
    async () => (started()[0]?.polls ?? 0) < polls,
    20,
    () => `a poll of ${id}`,
  )
  return id
}
const ended = async (event: { id: string }) => {
  const { started, finished } = await service.finishedOf(event.id)
  expect([started, finished.length]).toEqual([1, 1])
  return finished[0]
}

describe('An interactive run', () => {
  it('is accepted, polled, and sends one finished event with its result', async () => {
    rundeck.state.course = { polls: 3, ends: 'succeeded' }
    const finished = await ended(await startRun({ target: 'ops/web/restart', parameters: { host: 'web1' } }))
    const [execution] = started()
    const url = `${rundeck.url}/project/shop/execution/show/${execution?.id}`
    expect(finished).toMatchObject({
      status: 'succeeded',
      result: 'pass',
      message: `Execution ${execution?.id} ended as succeeded`,
      runbook: { id: String(execution?.id), url, state: 'succeeded', duration: 6.614, succeededNodes: ['web3'] },
      labels: { [`rundeck ${execution?.id}`]: url },
    })
    expect([started().length, execution?.options['host']]).toEqual([1, 'web1'])
  })

  it('that fails ends as succeeded and fail, with the failed step', async () => {
    rundeck.state.course = { polls: 1, ends: 'failed', failedNodes: ['web1'] }
    expect(await ended(await startRun())).toMatchObject({
      status: 'succeeded',
      result: 'fail',
      message: expect.stringContaining('ended as failed: step 2/1 failed on web1'),
      runbook: { state: 'failed', failedNodes: ['web1'] },
    })
  })

  it('that Rundeck retries ends like the last attempt', async () => {
    rundeck.state.course = { polls: 1, ends: 'failed', retry: { polls: 2, ends: 'succeeded' } }
    const finished = await ended(await startRun())
    expect(finished).toMatchObject({ result: 'pass', runbook: { id: String(started()[1]?.id) } })
  })

  it('that misses a threshold fails and reports by how much', async () => {
    const thresholds = [{ metric: 'duration', op: '<', value: 5 }]
    expect(await ended(await startRun({ thresholds }))).toMatchObject({
      status: 'succeeded',
      result: 'fail',
      message: expect.stringContaining('ended as succeeded: duration is 6.614, not < 5'),
      runbook: { thresholds: [{ metric: 'duration', op: '<', value: 5, actual: 6.614, result: 'fail' }] },
    })
  })

  it('starts once for an event that is delivered twice, at once or later', async () => {
    const event = asked()
    const answers = await Promise.all([1, 2, 3].map(() => run(event, interactive)))
    expect(answers.map(({ status }) => status)).toEqual([202, 202, 202])
    await ended(event)
    expect((await run(event, interactive)).body).toMatchObject({ duplicate: true, taskId: answers[0]?.body.taskId })
    expect(started()).toHaveLength(1)
  })

  it('that Rundeck refuses to start ends as errored with the reason', async () => {
    const job = rundeck.state.jobs[0]
    job?.required.push('host')
    expect(await ended(await startRun())).toMatchObject({
      status: 'errored',
      result: 'fail',
      message: expect.stringContaining("Option 'host' is required"),
    })
    job?.required.pop()
    expect(started()).toHaveLength(0)
  })

  it('with an invalid target is rejected before it is accepted', async () => {
    expect(await run(asked({ ref: 'main' }), interactive)).toMatchObject({
      status: 400,
      body: { detail: expect.stringContaining('has no versions'), errors: [{ path: 'input.ref' }] },
    })
  })
})

describe('During polling', () => {
  it('a process that is killed continues with the same run', async () => {
    rundeck.state.course.polls = 20
    const event = await startRun()
    await wasSeen()
    await service.kill()
    await service.start()
    expect(await ended(event)).toMatchObject({ status: 'succeeded', result: 'pass' })
    expect(started()).toHaveLength(1)
  })
})

describe('A silent run', () => {
  it('that is short returns its result, and a repeat returns the same', async () => {
    const event = asked()
    const answer = await run(event)
    expect(answer).toMatchObject({
      status: 200,
      body: { status: 'succeeded', result: 'pass', data: { id: String(started()[0]?.id), state: 'succeeded' } },
    })
    expect((await run(event)).body).toEqual(answer.body)
    expect(started()).toHaveLength(1)
  })

  it('that fails returns 422 with the reason and the data', async () => {
    rundeck.state.course = { polls: 1, ends: 'failed', failedNodes: ['web1'] }
    expect(await run(asked())).toMatchObject({
      status: 422,
      body: {
        detail: expect.stringContaining('ended as failed: step 2/1 failed on web1'),
        result: 'fail',
        data: { state: 'failed', failedNodes: ['web1'] },
      },
    })
  })

  it('returns 200 for a warning and 422 for a missed threshold', async () => {
    const thresholds = (value: number) => JSON.stringify([{ metric: 'duration', op: '<', value, warn: 5 }])
    expect(await run(asked({ thresholds: thresholds(10) }))).toMatchObject({ status: 200, body: { result: 'warning' } })
    expect(await run(asked({ thresholds: thresholds(6) }))).toMatchObject({
      status: 422,
      body: { detail: expect.stringContaining('duration is 6.614, not < 6') },
    })
    expect(await run(asked({ thresholds: 'duration<6' }))).toMatchObject({ status: 400 })
  })

  it('accepts parameters and thresholds from a form', async () => {
    const { id, type } = asked()
    const form = new URLSearchParams({
      ...{ id, type, 'input.target': 'ops/web/restart', 'input.parameters.host': 'web1', 'input.onDeadline': 'stop' },
      'input.thresholds': JSON.stringify([{ metric: 'duration', op: '<', value: 600 }]),
    })
    expect(await run(form)).toMatchObject({ status: 200, body: { result: 'pass' } })
    expect(started()[0]?.options).toEqual({ host: 'web1', key: expect.stringMatching(/^[0-9a-f]{40}$/) })
  })

  it('that takes longer returns its id and that it is still running', async () => {
    rundeck.state.course = { polls: 100_000, ends: 'succeeded' }
    const { status, body } = await run(asked())
    const [execution] = started()
    expect([status, body.result, body.data.id]).toEqual([200, 'warning', String(execution?.id)])
    expect(body.message).toContain('It is still running: use mode=interactive to wait')
    expect(execution?.status).toBe('running')
  })

  it('is only described in a dry run', async () => {
    const posted = posts()
    const { status, body } = await run(
      asked({ target: 'ops/web/restart', parameters: { host: 'web1' } }),
      '&dryRun=true',
    )
    expect(status).toBe(200)
    expect(body.data.request).toMatchObject({
      method: 'POST',
      url: `${rundeck.url}/api/44/job/${restart}/run`,
      headers: { 'x-rundeck-auth-token': '***' },
      body: { options: { host: 'web1' } },
    })
    expect([posts(), started().length]).toEqual([posted, 0])
  })
})

it('A Rundeck connection rejects open-ticket and lists its actions', async () => {
  expect(
    await service.call('/v1/incident-management/open-ticket?connection=runbooks', { input: { title: 'Down' } }),
  ).toMatchObject({ status: 400, body: { detail: expect.stringMatching(/runbooks.*run-runbook/) } })
})

it('The token of Rundeck appears in no event, response or log line', async () => {
  expect(service.output + JSON.stringify(await service.events())).not.toContain(rundeck.token)
})
