import { afterAll, describe, expect, it } from '@jest/globals'
import { isWrite } from '../conformance/common/requests.ts'
import type { FlagPlatform } from '../conformance/platform.ts'
import { startWith } from '../conformance/row.ts'
import { flagRow as awsAppconfigFlags } from '../functions/feature-flags/aws-appconfig/fake.ts'
import { flagRow as unleashFlags } from '../functions/feature-flags/unleash/fake.ts'
import { startGoogleCloudMonitoring } from '../functions/slo/google-cloud-monitoring/fake.ts'
import { waitForAll } from '../wait-for-all.ts'
import { awsCredentials, Service, triggered } from './service.ts'

// The servers that simulate AWS accept only this access key.
process.env['AWS_ACCESS_KEY_ID'] = awsCredentials.accessKeyId

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

/** One that changes flags with a client of AWS, some time later, and one that changes them at once. */
const flagPlatforms = { 'aws-appconfig': awsAppconfigFlags, unleash: unleashFlags }
/** One that signs in. Other tests of the bundles evaluate with other providers. */
const evaluations = {
  'google-cloud-monitoring': {
    slo: 'checkout/availability',
    start: startWith(startGoogleCloudMonitoring, ({ url, login: { serviceAccount, privateKey } }) => ({
      connection: { baseUrl: url, loginUrl: url, serviceAccount, privateKey, project: 'acme-shop', dataDelay: 0 },
    })),
  },
}
const tried: Tried[] = [
  ...Object.entries<FlagPlatform>(flagPlatforms).map(([provider, { start, flags }]): Tried => {
    const set = [{ flag: flags.off }, { before: off, after: on, changed: true }] as const
    return {
      provider,
      action: 'feature-flags/set-flag',
      start,
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
const secrets = await waitForAll(
  tried.map(async ({ provider, action, start }) => {
    const playing = await start()
    played.set(provider, playing)
    const [category] = action.split('/')
    const connection = { provider, ...playing.connection }
    return [category, ...(category === 'feature-flags' ? ['remediation'] : [])].map(
      (name) => [`cloud-automation-webhooks/connections/${name}/${provider}`, connection] as const,
    )
  }),
)
const service = new Service({ timeScale: 60, secrets: Object.fromEntries(secrets.flat()) })
await service.start()
afterAll(async () => {
  await service.end()
  for (const { server } of played.values()) await server.close()
})

/** Ends what a platform does by itself after a while. */
async function complete<T>(provider: string, work: Promise<T>): Promise<T> {
  const timer = setInterval(() => played.get(provider)?.complete?.(), 100)
  try {
    return await work
  } finally {
    clearInterval(timer)
  }
}

describe.each(tried)('$provider, through the shipped bundles', ({ provider, action, silent, interactive }) => {
  const settling = <T>(work: Promise<T>) => complete(provider, work)
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

describe.each(Object.entries<FlagPlatform>(flagPlatforms))(
  'toggle-flag without a state, with %s',
  (provider, { flags }) => {
    const called = () => triggered({ type: 'sh.keptn.event.check.triggered', input: { flag: flags.off } })
    const toggle = (event = called(), query = '') =>
      complete(provider, service.call(`/v1/remediation/toggle-flag?connection=${provider}${query}`, event))
    const loseWrite = () => played.get(provider)?.server.loseNext(isWrite)

    it('switches the flag once per call, although responses are lost and calls are repeated', async () => {
      const event = called()
      const first = await toggle(event)
      expect(first).toMatchObject({ status: 200, body: { result: 'pass', data: { changed: true } } })
      const { before, after } = first.body.data
      expect(new Set([before.state, after.state])).toEqual(new Set(['on', 'off']))
      expect((await toggle(event)).body).toEqual(first.body)
      loseWrite()
      expect(await toggle()).toMatchObject({ status: 200, body: { data: { after: { state: before.state } } } })
      loseWrite()
      const interactive = called()
      await toggle(interactive, '&mode=interactive&sendStarted=true')
      const { finished } = await complete(provider, service.finishedOf(interactive.id))
      expect(finished).toMatchObject([{ result: 'pass', check: { after: { state: after.state } } }])
      expect((await toggle()).body.data).toMatchObject({ before: { state: after.state }, changed: true })
    })
  },
)
