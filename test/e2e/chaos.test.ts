import { StopDurableExecutionCommand } from '@aws-sdk/client-lambda'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { type ToxiproxyServer, toxiproxyServer } from '../../infra/platforms/toxiproxy/server.ts'
import { Service, triggered, until } from './service.ts'

let toxiproxy: ToxiproxyServer
let service: Service
beforeAll(async () => {
  toxiproxy = await toxiproxyServer()
  service = new Service({
    secrets: {
      'cloud-automation-webhooks/connections/chaos-testing/toxiproxy': {
        provider: 'toxiproxy',
        baseUrl: toxiproxy.url,
        allow: 'checkout-*',
      },
    },
    timeScale: 10,
  })
  await service.start()
})
afterAll(async () => {
  await service.end()
  await toxiproxy.close()
})
beforeEach(() => {
  toxiproxy.calls.length = 0
})
afterEach(() => {
  toxiproxy.hang(false)
  toxiproxy.down(false)
  toxics().length = 0
})

const toxics = () => toxiproxy.proxies.get('checkout-db')?.toxics ?? []
const asked = (duration: number, more: object = {}) =>
  triggered({
    type: 'sh.keptn.event.chaos.triggered',
    input: {
      target: 'checkout-db',
      parameters: { type: 'latency', attributes: { latency: 300 }, duration },
      ...more,
    },
  })
const call = (action: string, event: object, query = '') =>
  service.call(`/v1/chaos-testing/${action}?connection=toxiproxy${query}`, event)
const start = (event: object, query = '') => call('start-test', event, `&mode=interactive&sendStarted=true${query}`)
const injected = () =>
  until(
    async () => toxics().length > 0,
    20,
    () => `a toxic\n${service.output.slice(-2_000)}`,
  )
const removed = (seconds = 20) =>
  until(
    async () => toxics().length === 0,
    seconds,
    () => `the end of the toxic\n${service.output.slice(-2_000)}`,
  )
const injections = () => toxiproxy.calls.filter(({ method }) => method === 'POST').length

describe('An injected fault', () => {
  it('lasts for its duration and is removed', async () => {
    const event = asked(2)
    const startedAt = Date.now()
    expect(await start(event)).toMatchObject({ status: 202 })
    await injected()
    const { started, finished } = await service.finishedOf(event.id)
    expect(started).toBe(1)
    expect(finished).toMatchObject([{ status: 'succeeded', result: 'pass' }])
    expect(toxics()).toEqual([])
    expect(Date.now() - startedAt).toBeGreaterThanOrEqual(2_000)
  })

  it('is injected once for a repeated event', async () => {
    const event = asked(1)
    await Promise.all([start(event), start(event)])
    await service.finishedOf(event.id)
    expect(injections()).toBe(1)
  })

  it('is removed by stop-test with its id, and its own task reports it', async () => {
    const event = asked(600)
    await start(event)
    await injected()
    const stopped = await call('stop-test', triggered({ input: { id: `checkout-db/${toxics()[0]?.name}` } }))
    expect(stopped).toMatchObject({
      status: 200,
      body: { message: expect.stringContaining('Stopped fault checkout-db/') },
    })
    expect(toxics()).toEqual([])
    const { finished } = await service.finishedOf(event.id)
    expect(finished).toMatchObject([{ status: 'aborted', message: expect.stringContaining('removed early') }])
  })

  it('is removed by stop-test with input.id=last from another event of the same context', async () => {
    const event = asked(600)
    await start(event)
    await injected()
    const { shkeptncontext } = event
    // The id is saved after Toxiproxy has answered, so the fault can be on before `last` finds it.
    let stopped = await call('stop-test', triggered({ shkeptncontext, input: { id: 'last' } }))
    await until(
      async () => {
        if (stopped.status === 404)
          stopped = await call('stop-test', triggered({ shkeptncontext, input: { id: 'last' } }))
        return stopped.status !== 404
      },
      20,
      () => 'the id of the last run',
    )
    expect(stopped).toMatchObject({
      status: 200,
      body: { message: expect.stringContaining('Stopped fault checkout-db/') },
    })
    expect(toxics()).toEqual([])
    const { finished } = await service.finishedOf(event.id)
    expect(finished).toMatchObject([{ status: 'aborted', message: expect.stringContaining('removed early') }])
  })

  it('is removed at the deadline', async () => {
    const event = asked(600)
    await start(event, '&deadline=PT8S')
    const { finished } = await service.finishedOf(event.id)
    expect(finished).toMatchObject([
      { status: 'errored', message: expect.stringContaining('The deadline of 8 s passed') },
    ])
    expect(toxics()).toEqual([])
  })

  it('is removed after the platform refused to report and to remove it', async () => {
    const event = asked(600)
    await start(event)
    await injected()
    toxiproxy.failNext(403, 'Forbidden', { on: 'GET', times: 5 })
    toxiproxy.failNext(403, 'Forbidden', { on: 'DELETE', times: 2 })
    const { finished } = await service.finishedOf(event.id, 60)
    expect(finished).toMatchObject([
      {
        status: 'errored',
        message: expect.stringContaining('no longer reports this job, and the job was stopped'),
      },
    ])
    expect(toxics()).toEqual([])
  })

  it('is removed at the deadline with a token that was corrected only then', async () => {
    const event = asked(600)
    await start(event, '&deadline=PT8S')
    await injected()
    toxiproxy.failNext(401, 'Unauthorized', { on: 'DELETE', times: 5 })
    const { finished } = await service.finishedOf(event.id, 60)
    expect(finished).toMatchObject([{ status: 'errored' }])
    expect(toxics()).toEqual([])
  })

  it('is removed after a crash while it is active', async () => {
    const event = asked(3)
    await start(event)
    await injected()
    await service.kill()
    await service.start()
    const { finished } = await service.finishedOf(event.id)
    expect(finished).toMatchObject([{ result: 'pass' }])
    expect(toxics()).toEqual([])
    expect(injections()).toBe(1)
  })

  it('is removed after a crash while it is injected', async () => {
    toxiproxy.holdNext('POST')
    const event = asked(2)
    await start(event)
    await injected()
    await service.kill()
    await service.start()
    const { finished } = await service.finishedOf(event.id, 40)
    expect(finished).toMatchObject([{ result: 'pass' }])
    expect(toxics()).toEqual([])
    // The second attempt found the fault of the first.
    expect(injections()).toBe(1)
  })

  it('is removed when Lambda ends its task', async () => {
    const event = asked(600)
    await start(event)
    await injected()
    await stopTask()
    await removed()
    const { finished } = await service.finishedOf(event.id)
    expect(finished).toMatchObject([
      { status: 'errored', message: expect.stringContaining('A cleanup stops the job that the task had started.') },
    ])
  })

  it('is removed after Toxiproxy is back if Lambda ended its task', async () => {
    const event = asked(600)
    await start(event)
    await injected()
    toxiproxy.down()
    await stopTask()
    await service.finishedOf(event.id, 1).catch(() => undefined)
    expect(toxics()).toHaveLength(1)
    toxiproxy.down(false)
    await removed(40)
  })

  it('is removed if its start was abandoned after a lost response', async () => {
    toxiproxy.holdNext('POST')
    const event = asked(600)
    await start(event, '&deadline=PT2S')
    const { finished } = await service.finishedOf(event.id, 40)
    expect(finished).toMatchObject([{ status: 'errored', result: 'fail' }])
    expect(toxics()).toEqual([])
  })
})

describe('a call', () => {
  it('is refused with 422 outside the blast radius, also an interactive one', async () => {
    const { status, body } = await start(asked(1, { target: 'orders-db' }))
    expect(status).toBe(422)
    expect(body.detail).toContain('outside the blast radius: the connection allows checkout-*')
    expect(toxiproxy.calls).toEqual([])
  })

  it('is rejected in silent mode because no task would remove the fault', async () => {
    const { status, body } = await call('start-test', asked(1))
    expect(status).toBe(400)
    expect(body.detail).toContain('Call it with ?mode=interactive')
  })
})

async function stopTask(): Promise<void> {
  const { tasks } = (await service.call('/tasks', undefined, { method: 'GET' })).body
  const client = service.lambdaClient()
  const running = tasks.find(
    ({ functionName, status }: { functionName: string; status: string }) =>
      functionName === 'chaos-testing-task' && status === 'RUNNING',
  )
  await client.send(new StopDurableExecutionCommand({ DurableExecutionArn: running.arn }))
}
