import { afterAll, afterEach, describe, expect, it } from '@jest/globals'
import { toxiproxyServer } from '../functions/chaos-testing/toxiproxy/fake.ts'
import { Service, triggered } from './service.ts'

const toxiproxy = await toxiproxyServer()
const service = new Service({
  secrets: {
    'cloud-automation-webhooks/connections/chaos-testing/toxiproxy': {
      provider: 'toxiproxy',
      baseUrl: toxiproxy.url,
      allow: 'checkout-*',
    },
  },
  timeScale: 30,
})
await service.start()
afterAll(async () => {
  await service.end()
  await toxiproxy.close()
})
afterEach(() => {
  toxiproxy.down(false)
  toxics().length = 0
  toxiproxy.calls.length = 0
})

const toxics = () => toxiproxy.proxies.get('checkout-db')?.toxics ?? []
const asked = (duration: number) =>
  triggered({
    type: 'sh.keptn.event.chaos.triggered',
    input: { target: 'checkout-db', parameters: { type: 'latency', attributes: { latency: 300 }, duration } },
  })
const call = (action: string, event: object, query = '') =>
  service.call(`/v1/chaos-testing/${action}?connection=toxiproxy${query}`, event)
/** Starts a fault, and waits until it is injected. Returns the id of the task. */
async function start(event: object): Promise<string> {
  const { status, body } = await call('start-test', event, '&mode=interactive&sendStarted=true')
  expect(status).toBe(202)
  await service.until(() => toxics().length > 0, 'a toxic')
  return body.taskId
}
const removed = () => service.until(() => toxics().length === 0, 'the end of the toxic', 40)

describe('An injected fault', () => {
  it('lasts for its duration and is removed', async () => {
    const event = asked(2)
    const startedAt = Date.now()
    await start(event)
    const { started, finished } = await service.finishedOf(event.id)
    expect(started).toBe(1)
    expect(finished).toMatchObject([{ status: 'succeeded', result: 'pass' }])
    expect(toxics()).toEqual([])
    expect(Date.now() - startedAt).toBeGreaterThanOrEqual(2_000)
  })

  it('is removed by stop-test with input.id=last from another event of the same context', async () => {
    const event = asked(600)
    await start(event)
    const stop = (shkeptncontext: string | undefined) =>
      call('stop-test', triggered({ shkeptncontext, input: { id: 'last' } }))
    const reason = 'has not started anything with the connection toxiproxy in the context another-context'
    expect(await stop('another-context')).toMatchObject({
      status: 404,
      body: { detail: expect.stringContaining(reason) },
    })
    expect((await stop(undefined)).body.detail).toContain('send the context')
    // The id is saved after Toxiproxy has answered, so the fault can be on before `last` finds it.
    let stopped = await stop(event.shkeptncontext)
    await service.until(async () => {
      if (stopped.status === 404) stopped = await stop(event.shkeptncontext)
      return stopped.status !== 404
    }, 'the id of the last run')
    expect(stopped).toMatchObject({
      status: 200,
      body: { message: expect.stringContaining('Stopped fault checkout-db/') },
    })
    expect(toxics()).toEqual([])
    const { finished } = await service.finishedOf(event.id)
    expect(finished).toMatchObject([{ status: 'aborted', message: expect.stringContaining('removed early') }])
  })

  it.each(['the id', 'last'])('of a silent call is removed by a silent stop-test with %s', async (name) => {
    const event = asked(600)
    const { status, body } = await call('start-test', event)
    expect({ status, body }).toMatchObject({ status: 200, body: { result: 'pass', data: { state: 'started' } } })
    const { id, statusUrl } = body.data
    expect((await call('start-test', event)).body).toEqual(body)
    const read = (query = '') => service.call(`${new URL(statusUrl).pathname}${query}`, undefined, { method: 'GET' })
    expect(await read()).toMatchObject({ status: 200, body: { taskId: id, state: 'running' } })
    await service.until(async () => (await read()).body.progress !== '', 'the first poll')
    const stop = { shkeptncontext: event.shkeptncontext, input: { id: name === 'last' ? name : id } }
    expect(await call('stop-test', triggered(stop))).toMatchObject({
      status: 200,
      body: { message: expect.stringContaining('Stopped fault checkout-db/') },
    })
    expect(toxics()).toEqual([])
    expect((await read('?wait=25')).body).toMatchObject({ verdict: 'aborted' })
    expect(await service.repliesTo(event.id)).toEqual({ started: 0, finished: [] })
  })

  it('is removed when Lambda ends its task', async () => {
    const event = asked(600)
    await service.stopTask(await start(event))
    await removed()
    const { finished } = await service.finishedOf(event.id)
    expect(finished).toMatchObject([
      { status: 'errored', message: expect.stringContaining('A cleanup stops the job that the task had started.') },
    ])
  })

  it('is removed after Toxiproxy is back if Lambda ended its task', async () => {
    const event = asked(600)
    const taskId = await start(event)
    toxiproxy.down()
    await service.stopTask(taskId)
    const isCleanup = ({ method }: { method: string }) => method === 'DELETE'
    await service.until(() => toxiproxy.calls.filter(isCleanup).length > 1, 'a second attempt')
    expect(toxics()).toHaveLength(1)
    toxiproxy.down(false)
    await removed()
  })
})
