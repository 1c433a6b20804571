import { describe, expect, test } from '@jest/globals'
import { flagsmith } from '../../../functions/feature-flags/providers/flagsmith.ts'
import { startFlagsmith } from '../../../infra/platforms/flagsmith.ts'
import type { FlagProvider } from '../../../shared/providers/flag.ts'
import { setFlag } from '../../../shared/providers/set-flags.ts'
import { flagConformance } from '../../conformance/flag.ts'
import { flagPlatforms } from '../../e2e/platforms.ts'
import { clientOf, expectFailure, failureOf, startEach } from '../helpers.ts'

const server = startEach(startFlagsmith)

const provider = flagsmith as unknown as FlagProvider
type Options = Parameters<typeof clientOf>[2] & { token?: string }

const client = ({ token = server.token, ...options }: Options = {}) =>
  clientOf(provider, { baseUrl: server.url, token, environment: 'Prod1key' } as never, options)
const input = (changes: object[], more: object = {}) => ({
  changes: changes.map((change) => ({ on: undefined, percentage: undefined, ...change })) as never,
  comment: undefined,
  isSingle: true,
  project: undefined,
  environment: 'Prod1key',
  ...more,
})
const set = async (
  on: boolean,
  options?: Options,
  more: { flag?: string; environment?: string; comment?: string } = {},
) => {
  const { flag = 'checkout-v2', ...location } = more
  return (await setFlag.run(provider, client(options), input([{ flag, on }], location))).outcome
}
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
    await provider.check(clientOf(provider, { baseUrl: server.url, token: server.token } as never))
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

describe('Flagsmith: input', () => {
  const complete = (asked: object) =>
    setFlag.complete(setFlag.input.parse(asked) as never, {
      event: { data: {} } as never,
      connection: { environment: 'Prod1key' },
      provider,
    })

  test('refuses a percentage before sending a request', () => {
    expect(() => complete({ flag: 'checkout-v2', state: 'on', percentage: 25 })).toThrow(
      'input.percentage is not supported for checkout-v2: Flagsmith rolls out by segments and variants. Set only its state',
    )
  })

  test('refuses a project', () => {
    expect(complete({ flag: 'checkout-v2', state: 'on' })).toMatchObject({ project: undefined })
    expect(() => complete({ flag: 'checkout-v2', state: 'on', project: 'shop' })).toThrow('Flagsmith has no projects')
  })
})

describe('Flagsmith: set-flag', () => {
  test('turns a flag on and off by name and links to it', async () => {
    expect(await set(true)).toMatchObject({
      result: 'pass',
      message: 'checkout-v2 in Prod1key is on, and was off',
      data: {
        before: { state: 'off' },
        after: { state: 'on' },
        changed: true,
        url: `${server.url}/project/12/environment/Prod1key/features?feature=83755`,
      },
    })
    const expected = [['/api/v1/environments/Prod1key/featurestates/231/', { enabled: true }]]
    expect(calls('PATCH').map(({ path, body }) => [path, body])).toEqual(expected)
    await set(false)
    expect(enabled()).toBe(false)
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

  test('reports an unknown flag or environment', async () => {
    const words = 'Flagsmith has no feature "nope" in the project of this environment.'
    await expectFailure(set(true, {}, { flag: 'nope' }), 'refused', words)
    expect((await failureOf(set(true, {}, { environment: 'Nowhere1key' }))).message).toContain(
      '404 to GET /api/v1/environments/Nowhere1key/: No Environment matches the given query.',
    )
  })

  test('reports the missing permission of a read-only token', async () => {
    await expectFailure(
      set(true, { token: `Token ${server.userToken}` }),
      'refused',
      '403 to PATCH',
      'You do not have permission to perform this action.',
    )
  })

  test.each([0, 2])('is refused if the environment requires change requests with %i approvals', async (approvals) => {
    environment().approvals = approvals
    const words = `This environment requires change requests (with ${approvals} approvals). Change checkout-v2 in Flagsmith.`
    await expectFailure(set(true), 'refused', words)
    expect(calls('PATCH')).toEqual([])
  })
})

describe('Flagsmith: environment with feature versioning', () => {
  const versioned = { environment: 'Versioned1key' }

  test('publishes a version that keeps the overrides', async () => {
    expect(await set(true, {}, { ...versioned, comment: 'Launch' })).toMatchObject({ result: 'pass' })
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
    expect(await failureOf(set(true, {}, versioned))).toMatchObject({ transient: true, mayHaveWritten: true })
    expect(enabled('Versioned1key')).toBe(false)
    expect(await set(true, { isRetry: true }, versioned)).toMatchObject({ result: 'pass' })
    expect(environment('Versioned1key').versions.map(({ published }) => published)).toEqual([false, true])
  })
})

describe('Flagsmith: errors', () => {
  test('reports the invalid field', async () => {
    server.failNext(400, { enabled: ['Must be a valid boolean.'] }, { on: 'PATCH' })
    expect((await failureOf(set(true))).message).toContain('enabled: Must be a valid boolean.')
  })
})

flagConformance(provider, flagPlatforms['flagsmith'], {
  refusal: (detail) => ({ detail }),
  defaults: { baseUrl: 'https://api.flagsmith.com' },
})
