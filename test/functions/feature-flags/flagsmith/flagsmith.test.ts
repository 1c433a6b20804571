import { describe, expect, test } from '@jest/globals'
import { flagsmith } from '../../../../functions/feature-flags/flagsmith/flagsmith.ts'
import { flagConformance } from '../../../conformance/flag.ts'
import { failureOf } from '../../helpers.ts'
import { type FlagsmithServer, flagRow } from './fake.ts'

const turnOn = { state: 'on' }
const approvals =
  (count: number) =>
  ({ state }: FlagsmithServer) =>
    Object.assign(state.environments['Prod1key'] ?? {}, { approvals: count })
const { server, provider, client, set, calls } = flagConformance(flagsmith, flagRow, {
  refusal: (detail) => ({ detail }),
  defaults: { baseUrl: 'https://api.flagsmith.com' },
  unknown: {
    flag: 'Flagsmith has no feature "no-such-flag" in the project of this environment.',
    environment: '404 to GET /api/v1/environments/no-such-one/: No Environment matches the given query.',
  },
  check: ['GET /api/v1/environments/Prod1key/'],
  checks: [{ connection: { environment: undefined }, requests: ['GET /api/v1/projects/'] }],
  invalidInputs: [
    {
      input: { percentage: 25 },
      message: 'input.percentage is not supported for checkout-v2: Flagsmith rolls out by segments and',
    },
    { input: { project: 'shop' }, message: 'Flagsmith has no projects' },
  ],
  refused: [
    {
      input: turnOn,
      reason:
        '403 to PATCH /api/v1/environments/Prod1key/featurestates/231/: You do not have permission to perform this action.',
      connection: ({ userToken }) => ({ token: `Token ${userToken}` }),
    },
    ...[0, 2].map((count) => ({
      input: turnOn,
      reason: `This environment requires change requests (with ${count} approvals). Change checkout-v2 in Flagsmith.`,
      change: approvals(count),
    })),
    {
      input: turnOn,
      reason: 'enabled: Must be a valid boolean.',
      change: ({ failNext }) => failNext(400, { enabled: ['Must be a valid boolean.'] }, { on: 'PATCH' }),
    },
  ],
})
const environment = (key = 'Prod1key') => {
  const found = server.state.environments[key]
  if (!found) throw new Error(`No environment ${key}`)
  return found
}
const enabled = (key?: string, feature = 83_755) =>
  environment(key).states.find((state) => state.feature === feature && state.segment === null)?.enabled

test.each([
  ['the API key of an organisation', () => server.token, () => `Api-Key ${server.token}`],
  ['an API key with its prefix', () => `Api-Key ${server.token}`, () => `Api-Key ${server.token}`],
  ['the token of a user', () => `Token ${server.userToken}`, () => `Token ${server.userToken}`],
])('Flagsmith: the connection sends %s', async (_, token, sent) => {
  await provider.check(client({ token: token() }))
  expect(server.calls[0]?.headers['authorization']).toBe(sent())
})

test('Flagsmith: set-flag changes the state of the feature by name, and links to it', async () => {
  const url = `${server.url}/project/12/environment/Prod1key/features?feature=83755`
  expect(await set(turnOn)).toMatchObject({ message: 'checkout-v2 in Prod1key is on, and was off', data: { url } })
  expect(calls('PATCH')).toMatchObject([
    { path: '/api/v1/environments/Prod1key/featurestates/231/', body: { enabled: true } },
  ])
})

test('Flagsmith: set-flag links to the dashboard of the cloud, which has another host', async () => {
  const { http } = client()
  const elsewhere = { get: http.get.bind(http), baseUrl: 'https://api.flagsmith.com' }
  const bound = Object.defineProperty(client(), 'http', { value: elsewhere })
  const location = { project: undefined, environment: 'Prod1key' }
  expect((await provider.get(bound, location, 'checkout-v2')).url).toBe(
    'https://app.flagsmith.com/project/12/environment/Prod1key/features?feature=83755',
  )
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
