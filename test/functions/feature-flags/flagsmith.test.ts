import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { flagsmith } from '../../../functions/feature-flags/providers/flagsmith.ts'
import { type FlagsmithServer, startFlagsmith } from '../../../infra/platforms/flagsmith.ts'
import { secretsIn } from '../../../shared/fields.ts'
import { type FlagProvider, setFlag, setFlags } from '../../../shared/providers/flag.ts'
import { clientOf, failureOf } from '../helpers.ts'

let server: FlagsmithServer
beforeEach(async () => {
  server = await startFlagsmith()
})
afterEach(() => server.close())

const provider = flagsmith as unknown as FlagProvider
type Options = Parameters<typeof clientOf>[2] & { token?: string }

const client = ({ token = server.token, ...options }: Options = {}) =>
  clientOf(provider, { baseUrl: server.url, token, environment: 'Prod1key' } as never, options)
const input = (changes: object[], more: object = {}) => ({
  changes: changes.map((change) => ({ on: undefined, percentage: undefined, ...change })) as never,
  comment: undefined,
  single: true,
  project: undefined,
  environment: 'Prod1key',
  ...more,
})
const set = async (
  on: boolean,
  options?: Options,
  more: { flag?: string; environment?: string; comment?: string } = {},
) => {
  const { flag = 'checkout-v2', ...place } = more
  return setFlag.run(provider, client(options), input([{ flag, on }], place))
}
const environment = (key = 'Prod1key') => {
  const found = server.state.environments[key]
  if (!found) throw new Error(`There is no environment ${key}`)
  return found
}
const enabled = (key?: string, feature = 83_755) =>
  environment(key).states.find((state) => state.feature === feature && state.segment === null)?.enabled
const calls = (method: string) => server.calls.filter((call) => call.method === method)

describe('the connection', () => {
  test('is checked with its environment, else with the projects that its key may see', async () => {
    await provider.check(client())
    await provider.check(clientOf(provider, { baseUrl: server.url, token: server.token } as never))
    expect(server.calls.map(({ path }) => path)).toEqual(['/api/v1/environments/Prod1key/', '/api/v1/projects/'])
  })

  test.each([
    ['a key of the organisation', () => server.token, () => `Api-Key ${server.token}`],
    ['one as the dashboard shows it', () => `Api-Key ${server.token}`, () => `Api-Key ${server.token}`],
    ['a token of a user', () => `Token ${server.userToken}`, () => `Token ${server.userToken}`],
  ])('takes %s', async (_, token, sent) => {
    await provider.check(client({ token: token() }))
    expect(server.calls[0]?.headers['authorization']).toBe(sent())
  })

  test('says that a key is wrong, and does not show it', async () => {
    server.failNext(401, { detail: 'Invalid token a-wrong-key.' })
    const failure = await failureOf(Promise.resolve(provider.check(client({ token: 'Api-Key a-wrong-key' }))))
    expect(failure.kind).toBe('credentials')
    expect(failure.message).toContain('Invalid token ***')
  })

  test('goes to the cloud where it names no other, and masks its token', () => {
    const { baseUrl } = flagsmith.connection.parse({ token: 'a-token-of-it' })
    expect(baseUrl).toBe('https://api.flagsmith.com')
    expect(secretsIn(flagsmith.connection, { baseUrl, token: 'a-token-of-it' })).toEqual(['a-token-of-it'])
  })
})

describe('the input', () => {
  const complete = (asked: object) =>
    setFlag.complete(setFlag.input.parse(asked) as never, {
      event: { data: {} } as never,
      connection: { environment: 'Prod1key' },
      provider,
    })

  test('is refused where it has a percentage, before anything is asked', () => {
    expect(() => complete({ flag: 'checkout-v2', state: 'on', percentage: 25 })).toThrow(
      'input.percentage is not possible for checkout-v2: Flagsmith rolls out by segments and variants; set its state alone',
    )
  })

  test('needs no project, and takes none', () => {
    expect(complete({ flag: 'checkout-v2', state: 'on' })).toMatchObject({ project: undefined })
    expect(() => complete({ flag: 'checkout-v2', state: 'on', project: 'shop' })).toThrow('Flagsmith has no projects')
  })
})

describe('a flag', () => {
  test('is turned on and off by its name, and linked', async () => {
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
    expect(calls('PATCH').map(({ path, body }) => [path, body])).toEqual([
      ['/api/v1/environments/Prod1key/featurestates/231/', { enabled: true }],
    ])
    await set(false)
    expect(enabled()).toBe(false)
  })

  test('is linked to the dashboard of the cloud, which has a host of its own', async () => {
    const { http } = client()
    const elsewhere = { get: http.get.bind(http), baseUrl: 'https://api.flagsmith.com' }
    const bound = Object.defineProperty(client(), 'http', { value: elsewhere })
    const place = { project: undefined, environment: 'Prod1key' }
    expect((await provider.get(bound, place, 'checkout-v2')).url).toBe(
      'https://app.flagsmith.com/project/12/environment/Prod1key/features?feature=83755',
    )
  })

  test('is left alone where it is so already', async () => {
    expect(await set(false)).toMatchObject({ message: 'checkout-v2 in Prod1key was off already' })
    expect(calls('PATCH')).toEqual([])
  })

  test('that is not there is refused, as is an environment in the words of the platform', async () => {
    const failure = await failureOf(set(true, {}, { flag: 'nope' }))
    expect(failure).toMatchObject({ kind: 'refused' })
    expect(failure.message).toBe(`Flagsmith has no feature "nope" in this environment's project.`)
    expect((await failureOf(set(true, {}, { environment: 'Nowhere1key' }))).message).toContain(
      '404 to GET /api/v1/environments/Nowhere1key/: No Environment matches the given query.',
    )
  })

  test('of any name is no more than a name', async () => {
    await failureOf(set(true, {}, { flag: 'a&feature=83756' }))
    expect(server.calls.at(-1)?.query.get('feature_name')).toBe('a&feature=83756')
    await failureOf(set(true, {}, { environment: 'a/x' }))
    expect(server.calls.at(-1)?.path).toBe('/api/v1/environments/a/x/')
    expect((await failureOf(set(true, {}, { environment: '../x' }))).kind).toBe('invalid')
  })

  test('may not be changed by who only looks', async () => {
    const failure = await failureOf(set(true, { token: `Token ${server.userToken}` }))
    expect(failure).toMatchObject({ kind: 'refused', status: 422 })
    expect(failure.message).toContain('403 to PATCH')
    expect(failure.message).toContain('You do not have permission to perform this action.')
  })

  test.each([0, 2])('is refused if its environment has change requests with %i approvals', async (approvals) => {
    environment().approvals = approvals
    const failure = await failureOf(set(true))
    expect(failure).toMatchObject({ kind: 'refused' })
    expect(failure.message).toBe(
      `Change requests (with ${approvals} approvals) are on in this environment: change checkout-v2 in Flagsmith.`,
    )
    expect(calls('PATCH')).toEqual([])
  })

  test('is changed once where the answer was lost', async () => {
    server.loseNext('PATCH')
    expect(await failureOf(set(true))).toMatchObject({ transient: true, afterWrite: true })
    expect(await set(true, { repeated: true })).toMatchObject({ message: expect.stringContaining('already') })
    expect(calls('PATCH')).toHaveLength(1)
  })

  test('is one of several', async () => {
    const both = input(
      [
        { flag: 'checkout-v2', on: true },
        { flag: 'slow-recommendations', on: false },
      ],
      { single: false },
    )
    expect(await setFlags.run(provider, client(), both)).toMatchObject({
      result: 'pass',
      data: { changed: ['checkout-v2', 'slow-recommendations'] },
    })
  })
})

describe('an environment with feature versioning', () => {
  const versioned = { environment: 'Versioned1key' }

  test('gets a new version, which leaves overrides as they are', async () => {
    expect(await set(true, {}, { ...versioned, comment: 'Launch' })).toMatchObject({ result: 'pass' })
    const [version] = environment('Versioned1key').versions
    expect(version).toMatchObject({ published: true, description: 'Launch' })
    expect(version?.states.map(({ segment, enabled }) => [segment, enabled])).toEqual([
      [7, false],
      [null, true],
    ])
    expect(enabled('Versioned1key')).toBe(true)
    expect(enabled('Versioned1key', 83_756)).toBe(true)
  })

  test('is not changed by a version that was not published, and is by the next try', async () => {
    server.failNext(503, undefined, { on: 'PATCH' })
    expect(await failureOf(set(true, {}, versioned))).toMatchObject({ transient: true, afterWrite: true })
    expect(enabled('Versioned1key')).toBe(false)
    expect(await set(true, { repeated: true }, versioned)).toMatchObject({ result: 'pass' })
    expect(environment('Versioned1key').versions.map(({ published }) => published)).toEqual([false, true])
  })
})

describe('where Flagsmith fails', () => {
  test('it can be tried again after a 5xx, a connection that breaks and a time-out', async () => {
    server.failNext(502, '<html><title>502 Bad Gateway</title></html>')
    const failure = await failureOf(set(true))
    expect(failure).toMatchObject({ kind: 'platform', transient: true })
    expect(failure.message).toContain('502 Bad Gateway')
    server.hang()
    expect(await failureOf(set(true, { deadline: 500 }))).toMatchObject({ kind: 'timeout', transient: true })
    server.hang(false)
    server.down()
    expect(await failureOf(set(true))).toMatchObject({ kind: 'platform', transient: true })
  })

  test('it stays away for as long as it is asked to', async () => {
    const detail = 'Request was throttled. Expected available in 3 seconds.'
    server.failNext(429, { detail }, { headers: { 'retry-after': '3' } })
    expect(await failureOf(set(true))).toMatchObject({ transient: true, retryAfter: 3 })
  })

  test('it says which value it does not take', async () => {
    server.failNext(400, { enabled: ['Must be a valid boolean.'] }, { on: 'PATCH' })
    expect((await failureOf(set(true))).message).toContain('enabled: Must be a valid boolean.')
  })

  test('it leaves no secret in what it says', async () => {
    server.failNext(400, { detail: `no ${server.token}` }, { on: 'PATCH' })
    expect((await failureOf(set(true))).message).toContain('no ***')
  })
})
