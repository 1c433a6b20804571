import { describe, expect, test } from '@jest/globals'
import { flagsmith } from '../../../functions/feature-flags/providers/flagsmith.ts'
import { startFlagsmith } from '../../../infra/platforms/flagsmith.ts'
import type { FlagProvider } from '../../../shared/providers/flag.ts'
import { flagConformance } from '../../conformance/flag.ts'
import { flagPlatforms } from '../../e2e/platforms.ts'
import { clientOf, expectFailure, failureOf, startEach } from '../helpers.ts'
import { flagDriver } from './drive.ts'

const server = startEach(startFlagsmith)

const provider = flagsmith as unknown as FlagProvider
const connection = () => ({ baseUrl: server.url, token: server.token, environment: 'Prod1key' })
const client = (more: object = {}) => clientOf(provider, { ...connection(), ...more } as never)
const { set } = flagDriver(provider, connection)
const turnOn = { state: 'on' }
const environment = (key = 'Prod1key') => {
  const found = server.state.environments[key]
  if (!found) throw new Error(`No environment ${key}`)
  return found
}
const enabled = (key?: string, feature = 83_755) =>
  environment(key).states.find((state) => state.feature === feature && state.segment === null)?.enabled
const calls = (method: string) => server.calls.filter((call) => call.method === method)

describe('Flagsmith: connection', () => {
  test('the connection test reads the environment, else the projects', async () => {
    await provider.check(client())
    await provider.check(client({ environment: undefined }))
    expect(server.calls.map(({ path }) => path)).toEqual(['/api/v1/environments/Prod1key/', '/api/v1/projects/'])
  })

  test.each([
    ['the API key of an organisation', () => server.token, () => `Api-Key ${server.token}`],
    ['an API key with its prefix', () => `Api-Key ${server.token}`, () => `Api-Key ${server.token}`],
    ['the token of a user', () => `Token ${server.userToken}`, () => `Token ${server.userToken}`],
  ])('sends %s', async (_, token, sent) => {
    await provider.check(client({ token: token() }))
    expect(server.calls[0]?.headers['authorization']).toBe(sent())
  })
})

test.each([
  [
    { percentage: 25 },
    'input.percentage is not supported for checkout-v2: Flagsmith rolls out by segments and variants',
  ],
  [{ project: 'shop' }, 'Flagsmith has no projects'],
])('Flagsmith: refuses %j before sending a request', async (input, words) => {
  await expectFailure(set({ ...turnOn, ...input }), 'invalid', words)
  expect(server.calls).toEqual([])
})

describe('Flagsmith: set-flag', () => {
  test('changes the state of the feature by name, and links to it', async () => {
    const url = `${server.url}/project/12/environment/Prod1key/features?feature=83755`
    expect(await set(turnOn)).toMatchObject({ message: 'checkout-v2 in Prod1key is on, and was off', data: { url } })
    expect(calls('PATCH')).toMatchObject([
      { path: '/api/v1/environments/Prod1key/featurestates/231/', body: { enabled: true } },
    ])
  })

  test('links to the dashboard of the cloud, which has another host', async () => {
    const { http } = client()
    const elsewhere = { get: http.get.bind(http), baseUrl: 'https://api.flagsmith.com' }
    const bound = Object.defineProperty(client(), 'http', { value: elsewhere })
    const location = { project: undefined, environment: 'Prod1key' }
    expect((await provider.get(bound, location, 'checkout-v2')).url).toBe(
      'https://app.flagsmith.com/project/12/environment/Prod1key/features?feature=83755',
    )
  })

  test('reports the missing permission of a read-only token', async () => {
    const words = ['403 to PATCH', 'You do not have permission to perform this action.']
    await expectFailure(set(turnOn, {}, { token: `Token ${server.userToken}` }), 'refused', ...words)
  })

  test.each([0, 2])('is refused if the environment requires change requests with %i approvals', async (approvals) => {
    environment().approvals = approvals
    const words = `This environment requires change requests (with ${approvals} approvals). Change checkout-v2 in Flagsmith.`
    await expectFailure(set(turnOn), 'refused', words)
    expect(calls('PATCH')).toEqual([])
  })
})

describe('Flagsmith: environment with feature versioning', () => {
  const versioned = { ...turnOn, environment: 'Versioned1key' }

  test('publishes a version that keeps the overrides', async () => {
    expect(await set({ ...versioned, comment: 'Launch' })).toMatchObject({ result: 'pass' })
    const [version] = environment('Versioned1key').versions
    expect(version).toMatchObject({ published: true, description: 'Launch' })
    const expected = [
      [7, false],
      [null, true],
    ]
    expect(version?.states.map(({ segment, enabled }) => [segment, enabled])).toEqual(expected)
    expect(enabled('Versioned1key')).toBe(true)
    expect(enabled('Versioned1key', 83_756)).toBe(true)
  })

  test('a retry publishes a new version after a failed attempt', async () => {
    server.failNext(503, undefined, { on: 'PATCH' })
    expect(await failureOf(set(versioned))).toMatchObject({ transient: true, mayHaveWritten: true })
    expect(enabled('Versioned1key')).toBe(false)
    expect(await set(versioned, { isRetry: true })).toMatchObject({ result: 'pass' })
    expect(environment('Versioned1key').versions.map(({ published }) => published)).toEqual([false, true])
  })
})

test('Flagsmith: reports the invalid field', async () => {
  server.failNext(400, { enabled: ['Must be a valid boolean.'] }, { on: 'PATCH' })
  await expectFailure(set(turnOn), 'refused', 'enabled: Must be a valid boolean.')
})

flagConformance(provider, flagPlatforms['flagsmith'], {
  refusal: (detail) => ({ detail }),
  defaults: { baseUrl: 'https://api.flagsmith.com' },
  unknown: {
    flag: 'Flagsmith has no feature "no-such-flag" in the project of this environment.',
    environment: '404 to GET /api/v1/environments/no-such-one/: No Environment matches the given query.',
  },
})
