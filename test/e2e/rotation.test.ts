import { createHash } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, expect, it } from '@jest/globals'
import { demo } from '../../infra/platforms/sandbox/demo.ts'
import { Service, triggered } from './service.ts'

let service: Service
afterEach(() => service.end())

const prefix = 'cloud-automation-webhooks'
const hash = (token: string) => `sha256:${createHash('sha256').update(token).digest('hex')}`
const connection = (token: string) => ({
  [`${prefix}/connections/issue-ticketing/default`]: {
    provider: 'github',
    baseUrl: `${service.url}/sandbox/github`,
    token,
    project: 'demo/shop',
  },
})
const callers = (...tokens: string[]) => ({
  [`${prefix}/callers`]: { demo: { tokens: tokens.map(hash), categories: ['*'], orchestrator: 'sandbox' } },
})

it('A corrected connection works with the next call', async () => {
  service = await new Service().start()
  const open = async () => JSON.stringify((await service.openIssue({ input: { title: 'T' } }, '?dryRun=true')).body)
  const project = (name: string) => {
    const [path = '', value = {}] = Object.entries(connection(demo.githubToken))[0] ?? []
    return { [path]: { ...value, project: name } }
  }
  writeFileSync(join(service.state, 'secrets.json'), JSON.stringify(project('demo/shpo')))
  expect(await open()).toContain('/repos/demo/shpo/')
  writeFileSync(join(service.state, 'secrets.json'), JSON.stringify(project('demo/shop')))
  expect(await open()).toContain('/repos/demo/shop/')
})

it('A rotated platform token is used at once although the old one is cached', async () => {
  service = await new Service({ secrets: callers(demo.callerToken), cacheSecrets: true }).start()
  const open = async () => (await service.openIssue({ input: { title: 'T' } })).status
  service.rotate({ ...callers(demo.callerToken), ...connection('an-old-token') })
  expect(await open()).toBe(422)
  service.rotate({ ...callers(demo.callerToken), ...connection(demo.githubToken) })
  expect(await open()).toBe(200)
})

it('A new caller token works at once, and a wrong one does not read the secret repeatedly', async () => {
  service = await new Service({ secrets: callers('first-token'), cacheSecrets: true }).start()
  const status = async (token: string) => (await service.openIssue(triggered(), '?dryRun=true', { token })).status
  expect(await status('first-token')).toBe(200)
  service.rotate(callers('first-token', 'second-token'))
  expect(await status('second-token')).toBe(200)
  expect(await status('first-token')).toBe(200)
  for (let n = 0; n < 5; n++) expect(await status('wrong-token')).toBe(401)
})

it('A task that was accepted before a token rotation completes after it', async () => {
  service = await new Service({ timeScale: 60, secrets: callers(demo.callerToken), cacheSecrets: true }).start()
  await service.fault({ target: 'github', kind: '503' })
  const event = triggered()
  expect((await service.openIssue(event, '?mode=interactive')).status).toBe(202)
  service.rotate({ ...callers(demo.callerToken), ...connection(demo.githubToken) })
  await service.clearFaults()
  expect((await service.finishedOf(event.id)).finished).toMatchObject([{ result: 'pass' }])
})

it('A callers secret that is not JSON is named in the response', async () => {
  service = await new Service({ secrets: callers(demo.callerToken) }).start()
  service.rotate({ [`${prefix}/callers`]: 'not json' })
  expect(await service.openIssue(triggered())).toMatchObject({
    status: 503,
    body: { detail: expect.stringContaining('cloud-automation-webhooks/callers is not valid JSON') },
  })
})
