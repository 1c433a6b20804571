import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { engineKeyOf } from '../../infra/sandbox/engines/place.ts'
import { demo } from '../../infra/sandbox/platforms/sandbox/demo.ts'
import {
  ALERT_SOURCE,
  alertBody,
  alertToken,
} from '../../infra/sandbox/platforms/sandbox/notifications/alert-example.ts'
import { Service } from './service.ts'

const service = new Service({ timeScale: 30 })
beforeAll(() => service.start())
afterAll(() => service.end())

describe('the alerts of the sandbox', () => {
  it('open an issue, which their end closes', async () => {
    const token = alertToken({ url: service.url, key: () => engineKeyOf({ callerToken: demo.callerToken }) })
    const send = (status: 'firing' | 'resolved') =>
      service.call(`/v1/events/${ALERT_SOURCE}`, alertBody(status, '2026-11-30T10:00:00Z'), { token })
    const states = async () =>
      (await service.issues()).filter(({ title }) => title === 'DiskFull').map(({ state }) => state)
    expect(await send('firing')).toMatchObject({ status: 200, body: { calls: 1 } })
    await service.until(async () => (await states())[0] === 'open', 'the issue')
    await send('resolved')
    await service.until(async () => (await states())[0] === 'closed', 'its end')
    expect(await states()).toEqual(['closed'])
  })
})
