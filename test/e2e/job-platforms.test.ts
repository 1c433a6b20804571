import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import type { GoogleLogin } from '../../infra/platforms/google-login.ts'
import { ciCdPlatforms } from '../conformance/job-platforms/ci-cd.ts'
import { loadTestPlatforms } from '../conformance/job-platforms/load-testing.ts'
import type { PlayedJobs } from '../conformance/job-platforms/platform.ts'
import { Service, triggered, until } from './service.ts'

const { circleci, tekton } = ciCdPlatforms
const pipelines = { category: 'ci-cd', starts: 'trigger-deployment', stops: 'cancel' }
/** Platforms of jobs that other tests of the bundles do not start. */
const platforms = {
  circleci: { ...pipelines, platform: circleci },
  'google-cloud-build': {
    ...{ ...pipelines, platform: ciCdPlatforms['google-cloud-build'] },
    signIn: ({ serviceAccount, privateKey }: GoogleLogin) => ({ serviceAccount, privateKey }),
  },
  'google-cloud-deploy': {
    ...{ ...pipelines, platform: ciCdPlatforms['google-cloud-deploy'] },
    signIn: ({ serviceAccount, workloadIdentityProvider }: GoogleLogin) => ({
      serviceAccount,
      workloadIdentityProvider,
    }),
  },
  'hcp-terraform': { ...pipelines, platform: ciCdPlatforms['hcp-terraform'] },
  'kubernetes-job': { ...pipelines, platform: ciCdPlatforms['kubernetes-job'] },
  tekton: { ...pipelines, platform: tekton },
  'k6-operator': {
    ...{ category: 'load-testing', starts: 'start-test', stops: 'stop-test' },
    platform: loadTestPlatforms['k6-operator'],
  },
}
const played = new Map<string, PlayedJobs>()
function at(name: string): PlayedJobs {
  const found = played.get(name)
  if (!found) throw new Error(`${name} was not started.`)
  return found
}
let service: Service
beforeAll(async () => {
  for (const [name, { platform }] of Object.entries(platforms)) played.set(name, await platform.start())
  const secrets = Object.entries(platforms).map(([provider, { category, ...more }]) => {
    const { connection, server } = at(provider)
    const signIn = 'signIn' in more && 'login' in server ? more.signIn(server.login as GoogleLogin) : undefined
    const fields = signIn ? { ...connection, token: undefined, loginUrl: server.url, ...signIn } : connection
    return [`cloud-automation-webhooks/connections/${category}/${provider}`, { provider, ...fields }]
  })
  service = new Service({ timeScale: 60, secrets: Object.fromEntries(secrets) })
  await service.start()
})
afterAll(async () => {
  await service.end()
  for (const { server } of played.values()) await server.close()
})

describe.each(Object.entries(platforms))('%s, through the shipped bundles', (name, { category, starts, stops }) => {
  const call = (action: string, event: object, query = '') =>
    service.call(`/v1/${category}/${action}?connection=${name}${query}`, event)
  const start = async () => {
    const runs = at(name).runs()
    const event = triggered({ type: 'sh.keptn.event.deployment.triggered', input: at(name).input })
    expect((await call(starts, event, '&mode=interactive&sendStarted=true')).status).toBe(202)
    await until(
      async () => at(name).runs() > runs,
      20,
      () => `a run\n${service.output.slice(-3_000)}`,
    )
    at(name).hasStarted()
    return event
  }

  it('starts a run silently and returns its id', async () => {
    const event = triggered({ input: at(name).input })
    expect(await call(starts, event)).toMatchObject({ status: 200, body: { data: { id: at(name).id() } } })
    at(name).hasStarted()
    at(name).end()
  })

  it('sends one finished event when the run has ended', async () => {
    const event = await start()
    at(name).end()
    const { started, finished } = await service.finishedOf(event.id)
    expect([started, finished.length]).toEqual([1, 1])
    expect(finished[0]).toMatchObject({ result: 'pass', deployment: { id: at(name).id() } })
  })

  it('cancels a run, and its task ends as aborted', async () => {
    const event = await start()
    const cancel = await call(stops, triggered({ input: { id: at(name).id() } }))
    expect(cancel).toMatchObject({ status: 200, body: { result: 'pass' } })
    expect(at(name).hasStopped()).toBe(true)
    const { finished } = await service.finishedOf(event.id)
    expect(finished).toMatchObject([{ status: 'aborted', result: 'fail' }])
  })
})
