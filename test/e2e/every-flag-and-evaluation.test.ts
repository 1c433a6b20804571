import { afterAll, describe, expect, it } from '@jest/globals'
import { startGoogleCloudMonitoring } from '../../infra/platforms/google-cloud-monitoring.ts'
import { startGrafanaSlo } from '../../infra/platforms/grafana-slo.ts'
import { guid, startNewRelic } from '../../infra/platforms/new-relic.ts'
import { type FlagPlatform, play } from '../conformance/platform.ts'
import { flagPlatforms } from './platforms.ts'
import { Service, triggered } from './service.ts'

type Played = Awaited<ReturnType<FlagPlatform['start']>>
interface Tried {
  provider: string
  action: string
  start(): Promise<Played>
  /** A call, and the data of its result. */
  silent: [input: object, data: object]
  interactive: [input: object, data: object]
}

const score = { score: 100 }
const [on, off] = [{ state: 'on' }, { state: 'off' }]

/** Platforms of evaluations that other tests of the bundles do not call. Their SLOs are met. */
const evaluations = {
  'google-cloud-monitoring': {
    slo: 'checkout/availability',
    start: play(startGoogleCloudMonitoring, ({ url, login: { serviceAccount, privateKey } }) => ({
      connection: { baseUrl: url, loginUrl: url, serviceAccount, privateKey, project: 'acme-shop', dataDelay: 0 },
    })),
  },
  'grafana-slo': {
    slo: 'Checkout',
    start: play(startGrafanaSlo, ({ url: baseUrl, token }) => ({ connection: { baseUrl, token, dataDelay: 0 } })),
  },
  'new-relic': {
    slo: guid,
    start: play(startNewRelic, ({ url: baseUrl, token }) => ({ connection: { baseUrl, token, dataDelay: 0 } })),
  },
}
const tried: Tried[] = [
  ...Object.entries(flagPlatforms).map(([provider, { start, flags }]): Tried => {
    const set = [{ flag: flags.off }, { before: off, after: on, changed: true }] as const
    return {
      ...{ provider, action: 'feature-flags/set-flag', start },
      silent: [{ ...set[0], state: 'on' }, set[1]],
      interactive: [
        { flag: flags.on, state: 'off' },
        { before: on, after: off },
      ],
    }
  }),
  ...Object.entries(evaluations).map(([provider, { slo, start }]): Tried => {
    const evaluate: [object, object] = [{ slo, timeframe: '5m' }, score]
    return { provider, action: 'slo/request-evaluation', start, silent: evaluate, interactive: evaluate }
  }),
]

const played = new Map<string, Played>()
const secrets = await Promise.all(
  tried.map(async ({ provider, action, start }) => {
    const playing = await start()
    played.set(provider, playing)
    const [category] = action.split('/')
    const connection = { provider, ...playing.connection }
    return [`cloud-automation-webhooks/connections/${category}/${provider}`, connection]
  }),
)
const service = new Service({ timeScale: 60, secrets: Object.fromEntries(secrets) })
await service.start()
afterAll(async () => {
  await service.end()
  for (const { server } of played.values()) await server.close()
})

describe.each(tried)('$provider, through the shipped bundles', ({ provider, action, silent, interactive }) => {
  /** Ends what a platform does by itself after a while. */
  async function settling<T>(work: Promise<T>): Promise<T> {
    const timer = setInterval(() => played.get(provider)?.complete?.(), 100)
    try {
      return await work
    } finally {
      clearInterval(timer)
    }
  }
  const call = (input: object, query = '', event = triggered({ input })) =>
    service.call(`/v1/${action}?connection=${provider}${query}`, event)

  it('returns the result of a silent call', async () => {
    const [input, data] = silent
    expect(await settling(call(input))).toMatchObject({ status: 200, body: { result: 'pass', data } })
  })

  it('sends one finished event for an interactive call', async () => {
    const [input, result] = interactive
    const event = triggered({ type: 'sh.keptn.event.check.triggered', input })
    expect((await call(input, '&mode=interactive&sendStarted=true', event)).status).toBe(202)
    const { started, finished } = await settling(service.finishedOf(event.id))
    expect({ started, finished }).toMatchObject({ started: 1, finished: [{ result: 'pass', check: result }] })
  })
})
