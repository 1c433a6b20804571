import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { type Served, serve } from '../../infra/platforms/loopback-server.ts'
import { Service, triggered, until } from './service.ts'

let shop: Served
let service: Service
/** A test can react to a request before the shop answers it. */
let onRequest = () => {}
const secret = 'Bearer of-a-robot'
beforeAll(async () => {
  shop = await serve(() => {
    onRequest()
    return { status: 200, body: 'hello' }
  })
  service = new Service({
    timeScale: 60,
    secrets: {
      'cloud-automation-webhooks/connections/load-testing/shop': {
        provider: 'autocannon',
        allow: `${shop.url}/api`,
        headers: { authorization: secret },
        maxRate: 20,
      },
    },
  })
  await service.start()
})
afterAll(async () => {
  await service.end()
  await shop.close()
})
beforeEach(() => {
  shop.calls.length = 0
  onRequest = () => {}
})

const asked = (parameters: object = {}) =>
  triggered({
    type: 'sh.keptn.event.test.triggered',
    input: { target: `${shop.url}/api/cart`, parameters: { rate: 10, duration: 1, ...parameters } },
  })
const start = (event: object, query = '') => service.call(`/v1/load-testing/start-test?connection=shop${query}`, event)

describe('The built-in load generator', () => {
  it('runs inside the task and sends its measurements', async () => {
    const event = asked()
    expect(await start(event, '&mode=interactive&sendStarted=true')).toMatchObject({ status: 202 })
    const { finished } = await service.finishedOf(event.id)
    expect(finished).toMatchObject([{ status: 'succeeded', result: 'pass' }])
    const { requests, dropped } = finished[0].test
    // A busy machine may drop requests that come too late.
    expect(requests + dropped).toBe(10)
    expect(shop.calls.map(({ headers }) => headers['authorization'])).toEqual(Array(requests).fill(secret))
  })

  it('rejects a silent call', async () => {
    const { status, body } = await start(asked())
    expect(status).toBe(400)
    expect(JSON.stringify(body)).toContain('?mode=interactive')
    expect(shop.calls).toEqual([])
  })

  it('describes its plan in a dry run, in silent mode, too', async () => {
    const { status, body } = await start(asked(), '&dryRun=true')
    expect(status).toBe(200)
    expect(body.message).toContain(`10 requests/s of GET ${shop.url}/api/cart for 1 s`)
    expect(shop.calls).toEqual([])
  })

  it('rejects a call over the limits of its connection', async () => {
    const { status, body } = await start(asked({ rate: 21 }), '&mode=interactive')
    expect(status).toBe(400)
    expect(JSON.stringify(body)).toContain('the connection allows at most 20')
  })

  it('is stopped by stop-test with its id, which waits until it has stopped', async () => {
    const event = asked({ duration: 300 })
    const { body } = await start(event, '&mode=interactive&sendStarted=true')
    await until(
      async () => shop.calls.length > 0,
      20,
      () => `requests\n${service.output.slice(-2_000)}`,
    )
    const id = body.taskId.slice(0, 20)
    const asks = triggered({ type: 'sh.keptn.event.stoptest.triggered', input: { id } })
    await service.call('/v1/load-testing/stop-test?connection=shop&mode=interactive&sendStarted=true', asks)
    const [test, stop] = await Promise.all([service.finishedOf(event.id, 40), service.finishedOf(asks.id, 40)])
    expect(test.finished).toMatchObject([{ status: 'aborted', result: 'fail' }])
    expect(stop.finished).toMatchObject([
      { status: 'succeeded', result: 'pass', message: `Stopped load test ${id} (stopped)` },
    ])
    // Not all of the 3,000 requests of the complete test.
    expect(shop.calls.length).toBeLessThan(3_000)
    const silent = await service.call('/v1/load-testing/stop-test?connection=shop', triggered({ input: { id } }))
    expect(silent).toMatchObject({ status: 200, body: { message: `Load test ${id} had ended already (stopped)` } })
  })

  it('is stopped by input.id=last from another event of the same context', async () => {
    const event = asked({ duration: 300 })
    const { body } = await start(event, '&mode=interactive&sendStarted=true')
    await until(
      async () => shop.calls.length > 0,
      20,
      () => `requests\n${service.output.slice(-2_000)}`,
    )
    const stop = (shkeptncontext: string | undefined) =>
      service.call('/v1/load-testing/stop-test?connection=shop', triggered({ shkeptncontext, input: { id: 'last' } }))
    const elsewhere = await stop('another-context')
    expect([elsewhere.status, elsewhere.body.detail]).toEqual([
      404,
      expect.stringContaining('has not started anything with the connection shop in the context another-context'),
    ])
    expect((await stop(undefined)).body.detail).toContain('send the context')
    const stopped = await stop(event.shkeptncontext)
    expect([stopped.status, stopped.body.data.id]).toEqual([200, body.taskId.slice(0, 20)])
    const { finished } = await service.finishedOf(event.id, 40)
    expect(finished).toMatchObject([{ status: 'aborted', result: 'fail' }])
  })

  it('continues after the process is killed in the middle of a segment, and counts the segment once', async () => {
    const event = asked({ rate: 5, duration: 17 })
    // The segment cannot end before the process is killed: it waits for this answer.
    onRequest = () => {
      if (shop.calls.length === 5) shop.holdNext('GET')
    }
    await start(event, '&mode=interactive&sendStarted=true')
    await until(
      async () => shop.calls.length > 5,
      20,
      () => `requests\n${service.output.slice(-2_000)}`,
    )
    await service.kill()
    const lost = shop.calls.length
    onRequest = () => {}
    await service.start()
    const { finished } = await service.finishedOf(event.id)
    expect(finished).toHaveLength(1)
    const { requests, dropped } = finished[0].test
    expect(requests + dropped).toBe(85)
    expect(shop.calls.length - lost).toBe(requests)
  })
})
