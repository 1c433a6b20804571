import { isDeepStrictEqual } from 'node:util'
import { expect, test } from '@jest/globals'
import type { Flag, FlagEnvironment, Strategy } from '../../infra/sandbox/platforms/unleash/flags.ts'
import { flagDriver } from '../functions/feature-flags/drive.ts'
import { gradual, flagRow as unleashFlags } from '../functions/feature-flags/unleash/fake.ts'
import { testUnleash } from '../functions/feature-flags/unleash/suite.ts'
import { expectFailure } from '../functions/helpers.ts'
import { send, startedProgram, startPlatform } from './platform.ts'

const { admin = '', token, viewer = '' } = startedProgram().details
const FLAGS = ['checkout-v2', 'slow-recommendations', 'bare']
const ENVIRONMENTS = ['development', 'production']
const project = '/api/admin/projects/default'
const asAdmin = (method: string, path: string, body?: object) => send(method, path, { authorization: admin }, body)

// Two segments and the flags of the fake, for all tests.
for (const name of ['staff', 'partners']) {
  const constraints = [{ contextName: 'country', operator: 'IN', values: ['NO'] }]
  await asAdmin('POST', '/api/admin/segments', { name, constraints })
}
for (const name of [...FLAGS, 'archived']) await asAdmin('POST', `${project}/features`, { name, type: 'release' })
await asAdmin('DELETE', `${project}/features/archived`)
for (const environment of ENVIRONMENTS) {
  await setStrategies('checkout-v2', environment, [gradual('checkout-v2', '25')])
  await setStrategies('slow-recommendations', environment, [gradual('slow-recommendations', '100')])
  await turn('slow-recommendations', environment, true)
}
await turn('checkout-v2', 'development', true)
const initial = await readFlags()

/** Restores what a test has changed. Unleash 8.2 ends if a flag is deleted while it still handles that it was archived. */
async function start() {
  const { flags } = await readFlags()
  for (const name of FLAGS) {
    for (const environment of ENVIRONMENTS) {
      const before = initial.flags[name]?.environments[environment]
      const now = flags[name]?.environments[environment]
      if (!before || !now || isDeepStrictEqual(withoutIds(before), withoutIds(now))) continue
      await setStrategies(name, environment, before.strategies)
      await turn(name, environment, before.enabled)
    }
  }
  const server = await startPlatform(readFlags, { viewerToken: viewer })
  return {
    server: Object.assign(server, {
      setStrategies: (...strategies: Strategy[]) =>
        server.change(() => setStrategies('checkout-v2', 'production', strategies)),
    }),
    connection: { baseUrl: server.url, token, environment: 'production' },
  }
}

function withoutIds({ enabled, strategies }: FlagEnvironment) {
  return { enabled, strategies: strategies.map(({ id: _, ...strategy }) => strategy) }
}

function turn(flag: string, environment: string, isOn: boolean) {
  return asAdmin('POST', `${project}/features/${flag}/environments/${environment}/${isOn ? 'on' : 'off'}`)
}

/** Replaces the strategies of a flag. */
async function setStrategies(flag: string, environment: string, strategies: Strategy[]): Promise<void> {
  const path = `${project}/features/${flag}/environments/${environment}/strategies`
  const earlier = await asAdmin('GET', path)
  for (const { id: _, ...strategy } of strategies) await asAdmin('POST', path, strategy)
  for (const { id } of earlier) await asAdmin('DELETE', `${path}/${id}`)
}

async function readFlags(): Promise<{ flags: Record<string, Pick<Flag, 'environments'>> }> {
  const flags = FLAGS.map(async (name) => {
    const { environments } = await asAdmin('GET', `${project}/features/${name}`)
    const byName = environments.map((environment: { name: string }) => [environment.name, environment])
    return [name, { environments: Object.fromEntries(byName) }] as const
  })
  return { flags: Object.fromEntries(await Promise.all(flags)) }
}

const { server, set, flag, provider } = testUnleash(
  { ...unleashFlags, start },
  // Only Unleash Enterprise has change requests.
  { pending: false },
)

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
