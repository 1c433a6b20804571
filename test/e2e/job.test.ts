import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { type RundeckServer, restart, startRundeck } from '../../infra/platforms/rundeck/server.ts'
import { Service, triggered } from './service.ts'

let rundeck: RundeckServer
let service: Service
beforeAll(async () => {
  rundeck = await startRundeck()
  const connection = {
    provider: 'rundeck',
    baseUrl: rundeck.url,
    token: rundeck.token,
    project: 'shop',
    keyOption: 'key',
  }
  service = new Service({
    timeScale: 60,
    // A silent call polls for some fifteen seconds: on a busy machine, even a short run takes several.
    webhookTimeout: 20,
    secrets: { 'cloud-automation-webhooks/connections/incident-management/runbooks': connection },
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

/** Runs that this test started. */
const started = () => rundeck.state.executions.slice(before)
const posts = () => rundeck.calls.filter(({ method }) => method === 'POST').length
const run = (event: object, query = '') =>
  service.call(`/v1/incident-management/run-runbook?connection=runbooks${query}`, event)
const asked = (input: object = {}) =>
  triggered({ type: 'sh.keptn.event.runbook.triggered', input: { target: restart, ...input } })
const interactive = '&mode=interactive&sendStarted=true'

describe('An interactive run', () => {
  it('is accepted, polled, and sends one finished event with its result', async () => {
    rundeck.state.course = { polls: 3, ends: 'succeeded' }
    const event = asked({ target: 'ops/web/restart', parameters: { host: 'web1' } })
    expect(await run(event, interactive)).toMatchObject({ status: 202 })
    const replies = await service.finishedOf(event.id)
    const [execution] = started()
    const url = `${rundeck.url}/project/shop/execution/show/${execution?.id}`
    const finished = {
      status: 'succeeded',
      result: 'pass',
      message: `Execution ${execution?.id} ended as succeeded`,
      runbook: { id: String(execution?.id), url, state: 'succeeded', duration: 6.614, succeededNodes: ['web3'] },
      labels: { [`rundeck ${execution?.id}`]: url },
    }
    expect(replies).toMatchObject({ started: 1, finished: [finished] })
    expect([started().length, execution?.options['host']]).toEqual([1, 'web1'])
  })

  it('with an invalid target is rejected before it is accepted', async () => {
    expect(await run(asked({ ref: 'main' }), interactive)).toMatchObject({
      status: 400,
      body: { detail: expect.stringContaining('has no versions'), errors: [{ path: 'input.ref' }] },
    })
  })
})

describe('A silent run', () => {
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
