import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import type { FlagPlatform } from '../conformance/platform.ts'
import { flagPlatforms } from './platforms.ts'
import { Service, triggered, until } from './service.ts'

type Played = Awaited<ReturnType<FlagPlatform['start']>>

const played: Record<string, Played> = {}
let service: Service
beforeAll(async () => {
  for (const [provider, { start }] of Object.entries(flagPlatforms)) played[provider] = await start()
  const secrets = Object.entries(played).map(([provider, { connection }]) => [
    `cloud-automation-webhooks/connections/feature-flags/${provider}`,
    { provider, ...connection },
  ])
  service = new Service({ timeScale: 60, secrets: Object.fromEntries(secrets) })
  await service.start()
})
afterAll(async () => {
  await service.end()
  for (const { server } of Object.values(played)) await server.close()
})

/** Ends what a platform does by itself after a while. */
async function settling<T>(provider: string, work: Promise<T>): Promise<T> {
  const timer = setInterval(() => played[provider]?.complete?.(), 100)
  try {
    return await work
  } finally {
    clearInterval(timer)
  }
}

describe.each(Object.entries(flagPlatforms))('%s, through the shipped bundles', (provider, { flags: { off, on } }) => {
  const set = (action: string, event: object, more = '') =>
    service.call(`/v1/feature-flags/${action}?connection=${provider}${more}`, event)
  const interactively = async (action: string, input: object) => {
    const event = triggered({ type: 'sh.keptn.event.toggle.triggered', input })
    expect((await set(action, event, '&mode=interactive&sendStarted=true')).status).toBe(202)
    const { started, finished } = await settling(provider, service.finishedOf(event.id))
    expect([started, finished.length]).toEqual([1, 1])
    return finished[0]
  }
  const silently = (input: object, more = '') => settling(provider, set('set-flag', triggered({ input }), more))
  const writes = () => played[provider]?.server.calls.filter(({ method }) => method !== 'GET').length

  it('turns a flag on and off silently, and returns both states as read back', async () => {
    expect(await silently({ flag: off, state: 'on' })).toMatchObject({
      status: 200,
      body: { result: 'pass', data: { before: { state: 'off' }, after: { state: 'on' }, changed: true } },
    })
    expect(await silently({ flag: off, state: 'off' })).toMatchObject({
      status: 200,
      body: { result: 'pass', data: { before: { state: 'on' }, after: { state: 'off' }, changed: true } },
    })
  })

  it('writes nothing if the flag already has the state', async () => {
    const before = writes()
    expect(await silently({ flag: off, state: 'off' })).toMatchObject({
      status: 200,
      body: { result: 'pass', message: expect.stringContaining('already'), data: { changed: false } },
    })
    expect(writes()).toBe(before)
  })

  it('turns a flag off and on interactively, and sends both states', async () => {
    expect(await interactively('set-flag', { flag: on, state: 'off' })).toMatchObject({
      result: 'pass',
      toggle: { before: { state: 'on' }, after: { state: 'off' } },
    })
    expect(await interactively('set-flag', { flag: on, state: 'on' })).toMatchObject({
      result: 'pass',
      toggle: { before: { state: 'off' }, after: { state: 'on' } },
    })
  })

  it('sets several flags and reports each', async () => {
    const input = { flags: [{ flag: off, state: 'on' }, on], state: 'off' }
    expect(await interactively('set-flags', input)).toMatchObject({
      result: 'pass',
      toggle: {
        flags: [
          { flag: off, before: { state: 'off' }, after: { state: 'on' } },
          { flag: on, before: { state: 'on' }, after: { state: 'off' } },
        ],
        changed: [off, on],
        failed: [],
      },
    })
  })

  it("rejects an unknown flag with the platform's reason, and changes no other flag", async () => {
    const before = writes()
    const answer = await settling(
      provider,
      set('set-flags', triggered({ input: { flags: `${off},no-such-flag`, state: 'off' } })),
    )
    expect(answer).toMatchObject({ status: 422, body: { detail: expect.stringMatching(/no-such-flag|404|403/) } })
    expect(writes()).toBe(before)
  })

  it('rejects an unknown environment', async () => {
    expect(await silently({ flag: off, state: 'off', environment: 'nowhere' })).toMatchObject({
      status: 422,
      body: { detail: expect.any(String) },
    })
  })

  it('returns the request in a dry run and sends nothing', async () => {
    const before = writes()
    const { status, body } = await silently({ flag: off, state: 'off' }, '&dryRun=true')
    expect([status, body.message]).toEqual([200, expect.stringContaining('nothing was sent')])
    const { token } = (played[provider]?.connection ?? {}) as { token?: string }
    if (token) expect(JSON.stringify(body)).not.toContain(token)
    expect(writes()).toBe(before)
  })

  it('is called again until it is back', async () => {
    played[provider]?.server.down()
    const event = triggered({ type: 'sh.keptn.event.toggle.triggered', input: { flag: on, state: 'on' } })
    await set('set-flag', event, '&mode=interactive')
    const asked = played[provider]?.server.calls.length ?? 0
    await until(
      async () => (played[provider]?.server.calls.length ?? 0) > asked + 1,
      20,
      () => 'two attempts',
    )
    played[provider]?.server.down(false)
    const { finished } = await settling(provider, service.finishedOf(event.id))
    expect(finished).toMatchObject([{ result: 'pass', toggle: { after: { state: 'on' } } }])
  })
})
