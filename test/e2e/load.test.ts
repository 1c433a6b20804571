import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { type Served, serve } from '../../infra/platforms/loopback-server.ts'
import { Service, triggered } from './service.ts'

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
    timeScale: 4,
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

  it('continues after its process is killed, is stopped by stop-test, and counts each segment once', async () => {
    const event = asked({ rate: 5, duration: 300 })
    // The segment cannot end before the process is killed: it waits for this answer.
    onRequest = () => {
      if (shop.calls.length === 5) shop.holdNext('GET')
    }
    const { body } = await start(event, '&mode=interactive&sendStarted=true')
    const moreThan = (count: number) => service.until(() => shop.calls.length > count, 'requests')
    await moreThan(5)
    await service.kill()
    const lost = shop.calls.length
    onRequest = () => {}
    await service.start()
    await moreThan(lost)
    const id = body.taskId.slice(0, 20)
    const asks = triggered({ type: 'sh.keptn.event.stoptest.triggered', input: { id } })
    await service.call('/v1/load-testing/stop-test?connection=shop&mode=interactive&sendStarted=true', asks)
    const [test, stop] = await Promise.all([service.finishedOf(event.id, 40), service.finishedOf(asks.id, 40)])
    const requests = shop.calls.length - lost
    expect(test.finished).toMatchObject([{ status: 'aborted', result: 'fail', test: { requests } }])
    // Not all of the 1,500 requests of the complete test.
    expect(requests).toBeLessThan(1_500)
    const message = `Stopped load test ${id} (stopped)`
    expect(stop.finished).toMatchObject([{ status: 'succeeded', result: 'pass', message }])
    const silent = await service.call('/v1/load-testing/stop-test?connection=shop', triggered({ input: { id } }))
    expect(silent).toMatchObject({ status: 200, body: { message: `Load test ${id} had ended already (stopped)` } })
  })
})
