import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { type Served, serve } from '../../infra/testing/loopback-server.ts'
import { waitForAll } from '../wait-for-all.ts'
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

const callsOf = (page: string) => shop.calls.filter(({ path }) => path.endsWith(page))
const asked = (parameters: object = {}, page = 'cart') =>
  triggered({
    type: 'sh.keptn.event.test.triggered',
    input: { target: `${shop.url}/api/${page}`, parameters: { rate: 10, duration: 1, ...parameters } },
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

  it('is started by a silent call, which returns the id of its task, and stopped with that id', async () => {
    const event = asked({ duration: 300 }, 'silent')
    const { status, body } = await start(event)
    expect({ status, body }).toMatchObject({ status: 200, body: { result: 'pass', data: { state: 'started' } } })
    await service.until(() => callsOf('silent').length > 0, 'requests')
    const stop = triggered({ input: { id: body.data.id } })
    expect(await service.call('/v1/load-testing/stop-test?connection=shop', stop)).toMatchObject({ status: 200 })
    const query = { method: 'GET' }
    const ended = await service.call(`/v1/load-testing/tasks/${body.data.id}?wait=25`, undefined, query)
    expect(ended.body).toMatchObject({ verdict: 'aborted' })
    expect(await service.repliesTo(event.id)).toEqual({ started: 0, finished: [] })
  })

  it('continues after its process is killed, and is stopped by stop-test', async () => {
    const query = '&mode=interactive&sendStarted=true'
    const long = asked({ rate: 5, duration: 300 }, 'stopped')
    const { body } = await start(long, query)
    await service.until(() => callsOf('stopped').length > 0, 'requests')
    const stop = triggered({ input: { id: body.taskId.slice(0, 20) } })
    const stopping = await service.call(`/v1/load-testing/stop-test?connection=shop${query}`, stop)
    const hasAsked = `task ${stopping.body.taskId.slice(0, 8)} start: succeeded`
    await service.until(() => service.output.includes(hasAsked), 'the stop request')

    const short = asked({ rate: 5, duration: 2 })
    // The segment cannot end before the process is killed: it waits for this answer.
    onRequest = () => {
      if (callsOf('cart').length < 3) return
      shop.holdNext(({ path }) => path.endsWith('cart'))
      onRequest = () => {}
    }
    await start(short, query)
    await service.until(() => callsOf('cart').length > 3, 'requests')
    await service.kill()
    const lost = callsOf('cart').length
    await service.start()
    const [killed, stopped, stops] = await waitForAll([short, long, stop].map(({ id }) => service.finishedOf(id)))
    // An interrupted segment runs again and counts once.
    const requests = callsOf('cart').length - lost
    expect(killed?.finished).toMatchObject([{ status: 'succeeded', test: { requests } }])
    expect(stopped?.finished).toMatchObject([{ status: 'aborted', result: 'fail' }])
    // Not all of the 1,500 requests of the complete test.
    expect(stopped?.finished[0].test.requests).toBeLessThan(1_500)
    expect(stops?.finished).toMatchObject([{ result: 'pass', message: expect.stringContaining('(stopped)') }])
  })
})
