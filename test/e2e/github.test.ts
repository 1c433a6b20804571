import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { type GithubAppServer, startGithubApp } from '../../infra/platforms/github/app-server.ts'
import type { Call } from '../../infra/platforms/loopback-server.ts'
import { Service, until } from './service.ts'

let service: Service
let github: GithubAppServer
beforeEach(async () => {
  github = await startGithubApp()
  const secrets = {
    'cloud-automation-webhooks/callers': {
      github: { categories: ['issue-ticketing'], allow: ['issue-ticketing/open-issue'], orchestrator: 'github' },
    },
    'cloud-automation-webhooks/orchestrators/github': {
      ...{ type: 'github', ...github.settings },
      input: "{title: join(' ', ['Release', repository.name, environment])}",
    },
  }
  service = await new Service({ timeScale: 20, secrets }).start()
})
afterEach(async () => {
  await service.end()
  await github.close()
})

const PATH = '/v1/issue-ticketing/open-issue?orchestrator=github&sendStarted=true'
const isDecision = ({ body }: Call) => (body as { state?: string } | undefined)?.state !== undefined
const decisions = () => github.calls.filter(isDecision)

/** Sends a request of the App's webhook. Each delivery has another id. */
let deliveries = 0
function deliver(payload: object) {
  const { headers, body } = github.signed('deployment_protection_rule', payload, `delivery-${++deliveries}`)
  return service.call(PATH, body, { token: null, headers })
}

const waitFor = (condition: () => boolean, what: string) =>
  until(
    async () => condition(),
    30,
    () => `${what}\n${service.output.slice(-4_000)}`,
  )

describe('A deployment that waits', () => {
  it('is approved, and no credential is in the log, the status or a comment', async () => {
    const { payload, environment } = github.startRun()
    const { status, body } = await deliver(payload)
    expect(status).toBe(202)
    await waitFor(() => environment.decision !== null, 'the decision')
    expect(environment).toMatchObject({
      decision: 'approved',
      comments: [expect.stringContaining('started'), expect.stringContaining('Opened issue')],
    })
    const issue = (await service.issues())[0]
    expect(issue).toMatchObject({ title: 'Release octo-repo production' })
    const texts = [service.output, JSON.stringify(body), ...environment.comments].join('\n')
    const { webhookSecret, privateKey } = github.settings
    for (const secret of [webhookSecret, ...privateKey.split('\n').slice(1, 3), ...github.state.tokens.keys()])
      expect(texts).not.toContain(secret)
  })

  it('is decided once if the process is killed before the response of GitHub', async () => {
    const { payload, environment } = github.startRun()
    github.holdNext(isDecision)
    const first = await deliver(payload)
    await waitFor(() => environment.decision !== null, 'the decision')
    await service.kill()
    await service.start()
    const pendingRead = () => github.calls.some(({ path }) => path.endsWith('/pending_deployments'))
    await waitFor(pendingRead, 'the request for the waiting deployments')
    expect((await deliver(payload)).body).toEqual({ ...first.body, duplicate: true })
    expect([environment.decision, decisions().length, (await service.issues()).length]).toEqual(['approved', 1, 1])
  })

  it('is decided once if the process is killed right after the 202 response and GitHub delivers again', async () => {
    const { payload, environment } = github.startRun()
    const first = await deliver(payload)
    await service.kill()
    await service.start()
    const [second, third] = await Promise.all([deliver(payload), deliver(payload)])
    expect([second.body, third.body]).toEqual([{ ...first.body, duplicate: true }, second.body])
    await waitFor(() => environment.decision !== null, 'the decision')
    expect([environment.decision, decisions().length, (await service.issues()).length]).toEqual(['approved', 1, 1])
  })

  it('gets its own decision, regardless of the order of the deliveries', async () => {
    const [first, second] = [github.startRun('staging'), github.startRun('production')]
    const tasks = [await deliver(second.payload), await deliver(first.payload), await deliver(second.payload)]
    expect(tasks.map(({ body }) => body.duplicate)).toEqual([false, false, true])
    await waitFor(() => [first, second].every(({ environment }) => environment.decision !== null), 'both decisions')
    const titles = (await service.issues()).map(({ title }: { title: string }) => title).sort()
    expect([decisions().length, titles]).toEqual([2, ['Release octo-repo production', 'Release octo-repo staging']])
  })
})

describe('A delivery', () => {
  it('with a wrong signature gets 401 and starts nothing', async () => {
    const { headers, body } = github.signed('deployment_protection_rule', github.startRun().payload)
    const changed = body.replace('"production"', '"staging"')
    expect((await service.call(PATH, changed, { token: null, headers })).status).toBe(401)
    expect(await service.issues()).toEqual([])
  })
})
