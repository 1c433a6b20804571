import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { ciCdPlatforms } from '../conformance/job-platforms/ci-cd.ts'
import { loadTestPlatforms } from '../conformance/job-platforms/load-testing.ts'
import type { PlayedJobs } from '../conformance/job-platforms/platform.ts'
import { Service, triggered, until } from './service.ts'

const { circleci, tekton } = ciCdPlatforms
const pipelines = { category: 'ci-cd', starts: 'trigger-deployment', stops: 'cancel' }
/** Platforms of jobs that other tests of the bundles do not start. */
const platforms = {
  circleci: { ...pipelines, platform: circleci },
  'kubernetes-job': { ...pipelines, platform: ciCdPlatforms['kubernetes-job'] },
  tekton: { ...pipelines, platform: tekton },
  'k6-operator': {
    ...{ category: 'load-testing', starts: 'start-test', stops: 'stop-test' },
    platform: loadTestPlatforms['k6-operator'],
  },
}
const played = new Map<string, PlayedJobs>()
let service: Service
beforeAll(async () => {
  for (const [name, { platform }] of Object.entries(platforms)) played.set(name, await platform.start())
  const secrets = [...played].map(([provider, { connection }]) => [
    `cloud-automation-webhooks/connections/${platforms[provider as keyof typeof platforms].category}/${provider}`,
    { provider, ...connection },
  ])
  service = new Service({ timeScale: 60, secrets: Object.fromEntries(secrets) })
  await service.start()
})
afterAll(async () => {
  await service.end()
  for (const { server } of played.values()) await server.close()
})

describe.each(Object.entries(platforms))('%s, through the shipped bundles', (name, { category, starts, stops }) => {
  const at = () => {
    const found = played.get(name)
    if (!found) throw new Error(`${name} was not started.`)
    return found
  }
  const call = (action: string, event: object, query = '') =>
    service.call(`/v1/${category}/${action}?connection=${name}${query}`, event)
  const start = async () => {
    const runs = at().runs()
    const event = triggered({ type: 'sh.keptn.event.deployment.triggered', input: at().input })
    expect((await call(starts, event, '&mode=interactive&sendStarted=true')).status).toBe(202)
    await until(
      async () => at().runs() > runs,
      20,
      () => `a run\n${service.output.slice(-3_000)}`,
    )
    at().hasStarted()
    return event
  }

  it('starts a run silently and returns its id', async () => {
    const event = triggered({ input: at().input })
    expect(await call(starts, event)).toMatchObject({ status: 200, body: { data: { id: at().id() } } })
    at().hasStarted()
    at().end()
  })

  it('sends one finished event when the run has ended', async () => {
    const event = await start()
    at().end()
    const { started, finished } = await service.finishedOf(event.id)
    expect([started, finished.length]).toEqual([1, 1])
    expect(finished[0]).toMatchObject({ result: 'pass', deployment: { id: at().id() } })
  })

  it('cancels a run, and its task ends as aborted', async () => {
    const event = await start()
    const cancel = await call(stops, triggered({ input: { id: at().id() } }))
    expect(cancel).toMatchObject({ status: 200, body: { result: 'pass' } })
    expect(at().hasStopped()).toBe(true)
    const { finished } = await service.finishedOf(event.id)
    expect(finished).toMatchObject([{ status: 'aborted', result: 'fail' }])
  })
})
