import { createHash } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { type JenkinsServer, startJenkins } from '../../infra/platforms/jenkins.ts'
import { type Served, serve } from '../../infra/platforms/loopback-server.ts'
import { Service, triggered, until } from './service.ts'

interface KeptnEvent {
  type: string
  triggeredid: string
  data: { message?: string; project: string; stage: string; service: string }
}

/** A Keptn whose validation is not strict, so that it takes any event. */
async function startLenientKeptn(): Promise<Served & { events: KeptnEvent[] }> {
  const events: KeptnEvent[] = []
  const served = await serve(({ method, path, body }) => {
    if (`${method} ${path}` !== 'POST /api/v1/event') return { status: 404 }
    events.push(body as KeptnEvent)
    return { status: 200, body: { keptnContext: 'context' } }
  })
  return { ...served, events }
}

const lenientToken = 'a-token-of-the-lenient-caller'
let jenkins: JenkinsServer
let keptn: Awaited<ReturnType<typeof startLenientKeptn>>
let service: Service
beforeAll(async () => {
  jenkins = await startJenkins()
  keptn = await startLenientKeptn()
  const { url: baseUrl, username, token } = jenkins
  const prefix = 'cloud-automation-webhooks'
  const connection = { provider: 'jenkins', baseUrl, username, token }
  const demoHash = createHash('sha256').update('local-demo-token').digest('hex')
  const hash = createHash('sha256').update(lenientToken).digest('hex')
  service = new Service({
    timeScale: 60,
    webhookTimeout: 8,
    secrets: {
      [`${prefix}/connections/ci-cd/jenkins`]: { ...connection, keyParameter: 'KEY' },
      [`${prefix}/callers`]: {
        demo: { tokens: [`sha256:${demoHash}`], categories: ['*'], orchestrator: 'sandbox' },
        lenient: {
          tokens: [`sha256:${hash}`],
          categories: ['ci-cd'],
          orchestrator: 'lenient',
          connections: { 'ci-cd': 'nowhere', 'ci-cd/trigger-build': 'jenkins' },
        },
      },
      [`${prefix}/orchestrators/lenient`]: { type: 'keptn', baseUrl: keptn.url, token: 'a-token-of-keptn' },
    },
  })
  await service.start()
})
afterAll(async () => {
  await service.end()
  await jenkins.close()
  await keptn.close()
})

const builds = () => jenkins.job('shop/deploy').builds
const newest = () => jenkins.state.queue.at(-1)?.id ?? 0
/** Calls, and waits for the place in the queue that this makes. */
const queued = async (work: () => Promise<unknown>) => {
  const before = newest()
  await work()
  await until(
    async () => newest() !== before,
    20,
    () => 'a place in the queue',
  )
  return newest()
}
const call = (action: string, event: object, query = '', token?: string) =>
  service.call(`/v1/ci-cd/${action}?${token ? '' : 'connection=jenkins&'}${query}`, event, token ? { token } : {})
const asked = (input: object = {}) =>
  triggered({
    type: 'sh.keptn.event.deployment.triggered',
    input: { target: 'shop/deploy', parameters: { STAGE: 'production' }, ...input },
  })
const polledAt = (path: string) =>
  until(
    async () => jenkins.calls.some((one) => one.path.includes(path)),
    20,
    () => `a poll of ${path}\n${service.output.slice(-3_000)}`,
  )

describe('A Jenkins deployment with the shipped bundles', () => {
  it('returns the id and URL of the build at once in silent mode', async () => {
    const { status, body } = await call('trigger-deployment', asked())
    expect({ status, body }).toMatchObject({
      status: 200,
      body: { result: 'pass', data: { id: expect.stringContaining('shop/deploy'), state: 'started' } },
    })
    expect(body.data.url).toContain(jenkins.url)
  })

  it('is polled from the queue until it ends in interactive mode, and sends the results', async () => {
    const event = asked({ thresholds: [{ metric: 'duration', op: '<', value: 60 }] })
    const place = await queued(() => call('trigger-deployment', event, 'mode=interactive&sendStarted=true'))
    await polledAt(`/queue/item/${place}/`)
    const build = jenkins.startBuild(place)
    await polledAt(`/${build.number}/api/json`)
    jenkins.end(build, 'SUCCESS', { tests: { totalCount: 12, failCount: 0, skipCount: 2 } })
    const { started, finished } = await service.finishedOf(event.id)
    expect([started, finished.length]).toEqual([1, 1])
    expect(finished[0]).toMatchObject({
      status: 'succeeded',
      result: 'fail',
      message: expect.stringContaining('duration is 61, not < 60'),
      deployment: { id: expect.stringContaining(`#${build.number}`), thresholds: [{ actual: 61, result: 'fail' }] },
    })
  })

  it('starts once for an event that is delivered twice', async () => {
    const before = jenkins.state.queue.length
    const event = asked()
    await queued(() => call('trigger-deployment', event, 'mode=interactive'))
    expect((await call('trigger-deployment', event, 'mode=interactive')).body.duplicate).toBe(true)
    await until(
      async () => jenkins.state.queue.length > before,
      20,
      () => 'a start',
    )
    jenkins.end(jenkins.startBuild(newest()), 'SUCCESS')
    expect((await service.finishedOf(event.id)).finished).toHaveLength(1)
    expect(jenkins.state.queue.length - before).toBe(1)
  })

  it('sends progress at most once a minute if it is requested', async () => {
    const event = { ...asked(), data: { project: 'shop', stage: 'production', service: 'checkout' } }
    const place = await queued(() => call('trigger-build', event, 'mode=interactive&progress=true', lenientToken))
    await until(
      async () => keptn.events.some(({ type }) => type.endsWith('.status.changed')),
      20,
      () => 'a progress',
    )
    const build = jenkins.startBuild(place)
    await polledAt(`/${build.number}/api/json`)
    jenkins.end(build, 'SUCCESS')
    await until(
      async () => keptn.events.some(({ type }) => type.endsWith('.finished')),
      20,
      () => 'the end',
    )
    const mine = keptn.events.filter(({ triggeredid }) => triggeredid === event.id)
    expect(mine.map(({ type }) => type)).toEqual([
      'sh.keptn.event.deployment.status.changed',
      'sh.keptn.event.deployment.finished',
    ])
    expect(mine[0]?.data).toMatchObject({ project: 'shop', service: 'checkout', message: expect.any(String) })
  })

  it('ends normally if a strict Keptn rejects progress events', async () => {
    const event = asked()
    const place = await queued(() => call('trigger-deployment', event, 'mode=interactive&progress=true'))
    await polledAt(`/queue/item/${place}/`)
    jenkins.end(jenkins.startBuild(place), 'SUCCESS')
    const { finished } = await service.finishedOf(event.id)
    expect(finished).toMatchObject([{ result: 'pass' }])
  })
})

describe('cancel', () => {
  const start = async () => (await call('trigger-deployment', asked())).body.data.id as string
  const cancelling = (id: string) => triggered({ type: 'sh.keptn.event.stop.triggered', input: { id } })

  it('removes a queued build', async () => {
    const id = await start()
    expect(await call('cancel', cancelling(id))).toMatchObject({
      status: 200,
      body: { result: 'pass', message: expect.stringMatching(/^Stopped /) },
    })
    expect(jenkins.state.queue.at(-1)?.cancelled).toBe(true)
  })

  it('stops a running build and waits until it has stopped', async () => {
    const id = await start()
    const build = jenkins.startBuild(newest())
    const event = cancelling(id)
    await call('cancel', event, 'mode=interactive&sendStarted=true')
    const { started, finished } = await service.finishedOf(event.id)
    expect([started, finished.length]).toEqual([1, 1])
    expect(finished[0]).toMatchObject({ result: 'pass', message: expect.stringMatching(/^Stopped .*ABORTED/) })
    expect(builds().find(({ number }) => number === build.number)?.result).toBe('ABORTED')
  })

  it('passes if the build has already ended', async () => {
    const id = await start()
    jenkins.end(jenkins.startBuild(newest()), 'SUCCESS')
    expect(await call('cancel', cancelling(id))).toMatchObject({
      status: 200,
      body: { result: 'pass', message: expect.stringContaining('had ended already (SUCCESS)') },
    })
  })

  it('rejects an invalid id before it accepts the call', async () => {
    expect(await call('cancel', cancelling('../admin'), 'mode=interactive')).toMatchObject({
      status: 400,
      body: { detail: expect.stringContaining('such as') },
    })
  })
})
