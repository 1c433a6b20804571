import { afterAll, afterEach, beforeAll, expect, it } from '@jest/globals'
import { demo } from '../../infra/sandbox/platforms/sandbox/demo.ts'
import { Service, triggered } from './service.ts'

const service = new Service({
  timeScale: 60,
  secrets: (url) => ({
    'cloud-automation-webhooks/orchestrators/sandbox': {
      type: 'keptn',
      baseUrl: `${url}/sandbox/keptn`,
      oauth: { tokenUrl: `${url}/sandbox/sso/oauth2/token`, ...demo.oauth },
    },
  }),
})
beforeAll(() => service.start())
afterAll(() => service.end())
afterEach(() => service.clearFaults())

async function send() {
  const event = triggered()
  expect((await service.openIssue(event, '?mode=interactive&sendStarted=true')).status).toBe(202)
  const { started, finished } = await service.finishedOf(event.id)
  return [started, finished.length, finished[0].result]
}

it('Events use an OAuth token until it expires', async () => {
  expect(await send()).toEqual([1, 1, 'pass'])
  const asked = (await service.requests('sso')).length
  expect(await send()).toEqual([1, 1, 'pass'])
  expect(asked).toBeGreaterThan(0)
  // Each execution environment has its own; there are four at the most.
  expect((await service.requests('sso')).length).toBeLessThanOrEqual(4)
})

it('An OAuth token that Keptn rejects is replaced', async () => {
  await service.fault({ target: 'keptn', kind: '401', count: 1, match: { method: 'POST', path: '/api/v1/event' } })
  expect(await send()).toEqual([1, 1, 'pass'])
})

it('An OAuth server outage delays events and loses none', async () => {
  await service.fault({ target: 'keptn', kind: '401', count: 1, match: { method: 'POST', path: '/api/v1/event' } })
  await service.fault({ target: 'sso', kind: '503', count: 3 })
  expect(await send()).toEqual([1, 1, 'pass'])
})
