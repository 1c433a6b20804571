import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { startGoogleCloudMonitoring } from '../../infra/platforms/google-cloud-monitoring.ts'
import { startGrafanaSlo } from '../../infra/platforms/grafana-slo.ts'
import type { Served } from '../../infra/platforms/loopback-server.ts'
import { guid, startNewRelic } from '../../infra/platforms/new-relic.ts'
import { Service, triggered } from './service.ts'

interface Playing {
  server: Served
  connection: object
  slo: string
}

/** Platforms of evaluations that other tests of the bundles do not call. Their SLOs are met. */
const platforms: Record<string, () => Promise<Playing>> = {
  async 'google-cloud-monitoring'() {
    const server = await startGoogleCloudMonitoring()
    const { serviceAccount, privateKey } = server.login
    const connection = { baseUrl: server.url, loginUrl: server.url, serviceAccount, privateKey, project: 'acme-shop' }
    return { server, connection, slo: 'checkout/availability' }
  },
  async 'grafana-slo'() {
    const server = await startGrafanaSlo()
    return { server, connection: { baseUrl: server.url, token: server.token }, slo: 'Checkout' }
  },
  async 'new-relic'() {
    const server = await startNewRelic()
    return { server, connection: { baseUrl: server.url, token: server.token }, slo: guid }
  },
}
const played = new Map<string, Playing>()
let service: Service
beforeAll(async () => {
  const secrets: Record<string, object> = {}
  for (const [name, start] of Object.entries(platforms)) {
    const playing = await start()
    played.set(name, playing)
    const fields = { provider: name, ...playing.connection, dataDelay: 0 }
    secrets[`cloud-automation-webhooks/connections/slo/${name}`] = fields
  }
  service = new Service({ timeScale: 60, secrets })
  await service.start()
})
afterAll(async () => {
  await service.end()
  for (const { server } of played.values()) await server.close()
})

describe.each(Object.keys(platforms))('%s, through the shipped bundles', (name) => {
  const evaluate = (event: object, query = '') => {
    const input = { slo: played.get(name)?.slo, timeframe: '5m' }
    return service.call(`/v1/slo/request-evaluation?connection=${name}${query}`, { ...event, input })
  }

  it('evaluates an SLO silently', async () => {
    expect(await evaluate(triggered())).toMatchObject({ status: 200, body: { result: 'pass', data: { score: 100 } } })
  })

  it('sends one finished event for an interactive call', async () => {
    const event = triggered({ type: 'sh.keptn.event.evaluation.triggered' })
    expect((await evaluate(event, '&mode=interactive&sendStarted=true')).status).toBe(202)
    const { started, finished } = await service.finishedOf(event.id)
    expect([started, finished.length]).toEqual([1, 1])
    expect(finished[0]).toMatchObject({ status: 'succeeded', result: 'pass', evaluation: { score: 100 } })
  })
})
