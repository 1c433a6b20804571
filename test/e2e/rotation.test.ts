import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { tokenHash } from '../../infra/project/token-hash.ts'
import { demo } from '../../infra/sandbox/platforms/sandbox/demo.ts'
import { Service, triggered } from './service.ts'

const prefix = 'cloud-automation-webhooks'
const callers = (...tokens: string[]) => ({
  [`${prefix}/callers`]: { demo: { tokens: tokens.map(tokenHash), categories: ['*'], orchestrator: 'sandbox' } },
})
const connection = (service: Service, token: string, project = 'demo/shop') => ({
  [`${prefix}/connections/issue-ticketing/default`]: {
    provider: 'github',
    baseUrl: `${service.url}/sandbox/github`,
    token,
    project,
  },
})

describe('A runtime that reads the secrets of its state folder', () => {
  const service = new Service()
  beforeAll(() => service.start())
  afterAll(() => service.end())
  const write = (secrets: object) => writeFileSync(join(service.state, 'secrets.json'), JSON.stringify(secrets))

  it('uses a corrected connection with the next call', async () => {
    const open = async () => JSON.stringify((await service.openIssue({ input: { title: 'T' } }, '?dryRun=true')).body)
    for (const project of ['demo/shpo', 'demo/shop']) {
      write(connection(service, demo.githubToken, project))
      expect(await open()).toContain(`/repos/${project}/`)
    }
  })

  it('names a callers secret that is not JSON', async () => {
    write({ [`${prefix}/callers`]: 'not json' })
    expect(await service.openIssue(triggered())).toMatchObject({
      status: 503,
      body: { detail: expect.stringContaining('cloud-automation-webhooks/callers is not valid JSON') },
    })
  })
})

describe('A runtime that caches secrets', () => {
  const service = new Service({ timeScale: 60, secrets: callers(demo.callerToken), cacheSecrets: true })
  beforeAll(() => service.start())
  afterAll(() => service.end())

  it('uses a rotated platform token at once', async () => {
    const open = async () => (await service.openIssue({ input: { title: 'T' } })).status
    service.rotate({ ...callers(demo.callerToken), ...connection(service, 'an-old-token') })
    expect(await open()).toBe(422)
    service.rotate({ ...callers(demo.callerToken), ...connection(service, demo.githubToken) })
    expect(await open()).toBe(200)
  })

  it('accepts a new caller token at once, and rejects a wrong one', async () => {
    const status = async (token: string) => (await service.openIssue(triggered(), '?dryRun=true', { token })).status
    service.rotate(callers(demo.callerToken, 'second-token'))
    expect([await status('second-token'), await status(demo.callerToken)]).toEqual([200, 200])
    for (let n = 0; n < 5; n++) expect(await status('wrong-token')).toBe(401)
  })

  it('completes a task that was accepted before a rotation', async () => {
    await service.fault({ target: 'github', kind: '503' })
    const event = triggered()
    expect((await service.openIssue(event, '?mode=interactive')).status).toBe(202)
    service.rotate({ ...callers(demo.callerToken), ...connection(service, demo.githubToken) })
    await service.clearFaults()
    expect((await service.finishedOf(event.id)).finished).toMatchObject([{ result: 'pass' }])
  })
})
