import { expect, test } from '@jest/globals'
import type { Strategy } from '../../infra/sandbox/platforms/unleash/flags.ts'
import { flagDriver } from '../functions/feature-flags/drive.ts'
import { testUnleash } from '../functions/feature-flags/unleash.ts'
import { expectFailure } from '../functions/helpers.ts'
import { gradual, unleashFlags } from '../platforms/unleash/server.ts'
import { send, startedProgram, startPlatform } from './platform.ts'

const { admin = '', token, viewer = '' } = startedProgram().details
const FLAGS = ['checkout-v2', 'slow-recommendations', 'bare']
const project = '/api/admin/projects/default'
const asAdmin = (method: string, path: string, body?: object) => send(method, path, { authorization: admin }, body)

// Two segments and an archived flag, for all tests.
for (const name of ['staff', 'partners']) {
  const constraints = [{ contextName: 'country', operator: 'IN', values: ['NO'] }]
  await asAdmin('POST', '/api/admin/segments', { name, constraints })
}
await create('archived')
await asAdmin('DELETE', `${project}/features/archived`)

/** Replaces the flags with those of the fake. */
async function start() {
  await remove()
  for (const name of FLAGS) await create(name)
  for (const name of FLAGS.slice(0, 2)) {
    for (const environment of ['development', 'production'])
      await setStrategies(name, environment, [gradual(name, name === 'checkout-v2' ? '25' : '100')])
    await asAdmin('POST', `${project}/features/${name}/environments/development/on`)
  }
  await asAdmin('POST', `${project}/features/slow-recommendations/environments/production/on`)
  const server = await startPlatform(readFlags, { viewerToken: viewer })
  return {
    server: Object.assign(server, {
      setStrategies: (...strategies: Strategy[]) =>
        server.change(() => setStrategies('checkout-v2', 'production', strategies)),
    }),
    connection: { baseUrl: server.url, token, environment: 'production' },
  }
}

async function create(name: string): Promise<void> {
  await asAdmin('POST', `${project}/features`, { name, type: 'release' })
}

async function remove(): Promise<void> {
  const { features } = await asAdmin('GET', `${project}/features`)
  const names = features.map(({ name }: { name: string }) => name)
  if (names.length === 0) return
  await asAdmin('POST', `${project}/archive`, { features: names })
  await asAdmin('POST', `${project}/delete`, { features: names })
}

/** Replaces the strategies of a flag. */
async function setStrategies(flag: string, environment: string, strategies: Strategy[]): Promise<void> {
  const path = `${project}/features/${flag}/environments/${environment}/strategies`
  for (const { id } of await asAdmin('GET', path)) await asAdmin('DELETE', `${path}/${id}`)
  for (const { id: _, ...strategy } of strategies) await asAdmin('POST', path, strategy)
}

async function readFlags() {
  const flags = FLAGS.map(async (name) => {
    const { environments } = await asAdmin('GET', `${project}/features/${name}`)
    const byName = environments.map((environment: { name: string }) => [environment.name, environment])
    return [name, { environments: Object.fromEntries(byName) }] as const
  })
  return { flags: Object.fromEntries(await Promise.all(flags)) }
}

const { server, set, flag, provider } = testUnleash({ ...unleashFlags, start })

test('Unleash: the link of a flag leads to its page', async () => {
  const { data } = await set({ state: 'on' })
  expect((await fetch(String(data['url']))).status).toBe(200)
})

test('Unleash: a protected environment needs a change request, which only Enterprise has', async () => {
  const guarded = { flag: 'bare', state: 'on', environment: 'development' }
  await expectFailure(set(guarded), 'refused', '404 to GET', '/change-requests/pending', 'not available')
  expect(flag('bare', 'development').enabled).toBe(false)
  // A user with the permission skips change requests.
  const asAdministrator = flagDriver(provider, () => ({ baseUrl: server.url, token: admin }))
  expect(await asAdministrator.set(guarded)).toMatchObject({ result: 'pass' })
})
