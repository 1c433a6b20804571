import { readFileSync } from 'node:fs'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { unleash } from '../../../functions/feature-flags/providers/unleash.ts'
import { gradual, startUnleash, type UnleashServer } from '../../../infra/platforms/unleash/server.ts'
import { secretsIn } from '../../../shared/fields.ts'
import type { PollResult, StartedJob } from '../../../shared/providers/action.ts'
import { type FlagProvider, setFlag, setFlags } from '../../../shared/providers/flag.ts'
import { clientOf, failureOf, keyOf } from '../helpers.ts'

let server: UnleashServer
beforeEach(async () => {
  server = await startUnleash()
})
afterEach(() => server.close())

const provider = unleash as unknown as FlagProvider
type Options = Parameters<typeof clientOf>[2] & { token?: string }
interface More {
  environment?: string
  project?: string
  comment?: string
  single?: false
}

const client = ({ token = server.token, ...options }: Options = {}) =>
  clientOf(provider, { baseUrl: server.url, token } as never, options)
const input = (changes: object[], more: More = {}) => ({
  changes: changes.map((change) => ({ on: undefined, percentage: undefined, ...change })) as never,
  comment: undefined,
  single: true,
  project: 'default',
  environment: 'production',
  ...more,
})
const set = async (change: object, options?: Options, more?: More) =>
  setFlag.run(provider, client(options), input([{ flag: 'checkout-v2', ...change }], more))
const flag = (key = 'checkout-v2', environment = 'production') => {
  const found = server.state.flags[key]?.environments[environment]
  if (!found) throw new Error(`There is no ${key} in ${environment}`)
  return found
}
const writes = () =>
  server.calls.filter(({ method }) => method !== 'GET').map(({ method, path }) => `${method} ${path.split('/').at(-1)}`)

describe('the connection', () => {
  test('is checked by asking who the token is', async () => {
    await provider.check(client())
    expect(server.calls.map(({ path }) => path)).toEqual(['/api/admin/user'])
    expect(server.calls[0]?.headers['authorization']).toBe(server.token)
  })

  test('says that a token is wrong, and does not show it', async () => {
    const failure = await failureOf(Promise.resolve(provider.check(client({ token: 'a-wrong-token' }))))
    expect(failure.kind).toBe('credentials')
    expect(failure.message).toContain('401 to GET /api/admin/user: You must log in to use Unleash.')
    expect(failure.message).not.toContain('a-wrong-token')
  })

  test('has the project default unless it names another, and masks its token', () => {
    const values = unleash.connection.parse({ baseUrl: 'https://unleash.example.com', token: 'a-token-of-it' })
    expect(values.project).toBe('default')
    expect(secretsIn(unleash.connection, values)).toEqual(['a-token-of-it'])
  })

  test('knows projects by their ids', () => {
    for (const project of ['default', 'Shop_1.x~y-z']) expect(unleash.project.pattern.test(project)).toBe(true)
    for (const project of ['', '../x', 'a b']) expect(unleash.project.pattern.test(project)).toBe(false)
  })
})

describe('a flag', () => {
  test('is turned on and off in one environment, and linked', async () => {
    expect(await set({ on: true })).toMatchObject({
      result: 'pass',
      message: 'checkout-v2 in production is on (25 %), and was off (25 %)',
      data: { url: `${server.url}/projects/default/features/checkout-v2` },
    })
    await set({ flag: 'slow-recommendations', on: false })
    expect([flag().enabled, flag('slow-recommendations').enabled]).toEqual([true, false])
    expect(flag('slow-recommendations', 'development').enabled).toBe(true)
    expect(writes()).toEqual(['POST on', 'POST off'])
  })

  test('is left alone where it is so already', async () => {
    expect(await set({ on: false, percentage: 25 })).toMatchObject({ message: expect.stringContaining('already') })
    expect(writes()).toEqual([])
  })

  test('is rolled out by its strategy, of which all else stays', async () => {
    const kept = {
      title: 'Europe',
      sortOrder: 3,
      constraints: [{ contextName: 'country', operator: 'IN', values: ['NO'] }],
      variants: [{ name: 'blue', weight: 1_000 }],
      segments: [1, 2],
    }
    const parameters = { groupId: 'of-its-own', rollout: '25', stickiness: 'userId' }
    flag().strategies = [gradual('checkout-v2', '25', { ...kept, parameters })]
    const [before] = flag().strategies
    expect(await set({ percentage: 50 })).toMatchObject({ data: { after: { state: 'off', percentage: 50 } } })
    expect(flag().strategies).toEqual([{ ...before, ...kept, parameters: { ...parameters, rollout: '50' } }])
  })

  test('is rolled out before it goes on, and goes off before it is rolled out', async () => {
    await set({ on: true, percentage: 5 })
    await set({ on: false, percentage: 100 })
    const { id } = flag().strategies[0] ?? {}
    expect(writes()).toEqual([`PUT ${id}`, 'POST on', 'POST off', `PUT ${id}`])
  })

  test('without a strategy gets one, so that it never goes on for everybody', async () => {
    expect(await set({ flag: 'bare', on: true, percentage: 10 })).toMatchObject({
      data: { before: { state: 'off' }, after: { state: 'on', percentage: 10 } },
    })
    expect(flag('bare').strategies).toMatchObject([
      { name: 'flexibleRollout', parameters: { rollout: '10', stickiness: 'default', groupId: 'bare' } },
    ])
  })

  test('with nothing but disabled strategies gets one too', async () => {
    flag().strategies = [gradual('checkout-v2', '25', { disabled: true })]
    expect(await set({ percentage: 10 })).toMatchObject({ result: 'pass', data: { after: { percentage: 10 } } })
    expect(flag().strategies).toHaveLength(2)
  })

  test('takes no percentage where it is not clear what that would be of', async () => {
    const strategies = [gradual('checkout-v2', '25', { title: 'Europe' }), gradual('checkout-v2', '50')]
    flag().strategies = strategies
    const failure = await failureOf(set({ on: false, percentage: 5 }))
    expect(failure).toMatchObject({ kind: 'refused' })
    expect(failure.message).toBe(
      'Unleash lets checkout-v2 out by Europe (25 %), flexibleRollout (50 %): a percentage can only be set where exactly one strategy rolls out gradually. Its state can be set.',
    )
    flag().strategies = [gradual('checkout-v2', '0', { name: 'userWithId', parameters: { userIds: 'mia' } })]
    expect((await failureOf(set({ percentage: 5 }))).message).toContain('out by userWithId: a percentage')
    expect(writes()).toEqual([])
    expect(await set({ on: true })).toMatchObject({ message: 'checkout-v2 in production is on, and was off' })
  })

  test('with several strategies of one percentage has that', async () => {
    flag().strategies = [gradual('checkout-v2', '30', { title: 'Europe' }), gradual('checkout-v2', '30')]
    expect(await set({ percentage: 30 })).toMatchObject({ message: expect.stringContaining('(30 %) already') })
  })

  test('that is not there, or archived, is refused in the words of Unleash', async () => {
    expect((await failureOf(set({ flag: 'nope', on: true }))).message).toContain(
      `404 to GET /api/admin/projects/default/features/nope: There's no feature named "nope" in project "default"`,
    )
    expect((await failureOf(set({ on: true }, {}, { project: 'shop' }))).message).toContain(
      `but there's a feature with that name in project "default"`,
    )
    Object.assign(server.state.flags['bare'] ?? {}, { archived: true })
    expect((await failureOf(set({ flag: 'bare', on: true }))).message).toContain(
      'Could not find feature flag with name bare',
    )
  })

  test('is refused with the environments there are where it has not the one', async () => {
    const failure = await failureOf(set({ on: true }, {}, { environment: 'nowhere' }))
    expect(failure).toMatchObject({ kind: 'refused' })
    expect(failure.message).toBe(
      'checkout-v2 has no environment "nowhere" in Unleash; it has: development, production.',
    )
  })

  test('of any name stays one part of the path', async () => {
    await failureOf(set({ flag: 'a/x?y', on: true }))
    expect(server.calls[0]?.path).toBe('/api/admin/projects/default/features/a/x?y')
    for (const flag of ['..', '../../x']) expect((await failureOf(set({ flag, on: true }))).kind).toBe('invalid')
  })

  test('may not be changed by who only looks', async () => {
    const failure = await failureOf(set({ on: true }, { token: server.viewerToken }))
    expect(failure).toMatchObject({ kind: 'refused', status: 422 })
    expect(failure.message).toContain('403 to POST')
    expect(failure.message).toContain('you need the "UPDATE_FEATURE_ENVIRONMENT" permission')
    expect(server.state.requests).toEqual([])
  })

  test('is changed once where the answer was lost', async () => {
    server.loseNext('POST')
    expect(await failureOf(set({ on: true }))).toMatchObject({ transient: true, afterWrite: true })
    expect(await set({ on: true }, { repeated: true })).toMatchObject({ message: expect.stringContaining('already') })
    expect(writes()).toEqual(['POST on'])
  })

  test('is one of several', async () => {
    const all = input(
      [
        { flag: 'checkout-v2', on: true },
        { flag: 'slow-recommendations', on: false },
      ],
      { single: false },
    )
    expect(await setFlags.run(provider, client(), all)).toMatchObject({
      result: 'pass',
      data: { changed: ['checkout-v2', 'slow-recommendations'] },
    })
  })
})

describe('where changes need a change request', () => {
  beforeEach(() => {
    server.state.guarded = ['production']
  })

  const wanted = { on: true, percentage: 10 }
  const asked = input([{ flag: 'checkout-v2', ...wanted }])
  const ask = async (options?: Options, more?: More) => (await set(wanted, options, more)) as StartedJob
  const look = async ({ job }: StartedJob) =>
    (await setFlag.job?.getStatus(provider, client(), asked, job)) as PollResult
  const request = (at = 0) => {
    const found = server.state.requests[at]
    if (!found) throw new Error('There is no change request')
    return found
  }

  test('it makes one of all that is to change, and sends it to review', async () => {
    const { outcome } = await ask({}, { comment: 'Launch' })
    const [strategy] = flag().strategies
    expect(outcome).toMatchObject({
      result: 'warning',
      message: expect.stringContaining('it waits for change request 1 for checkout-v2'),
      data: {
        changed: false,
        pending: [{ id: '1', noun: 'change request', url: `${server.url}/projects/default/change-requests/1` }],
      },
    })
    expect(request()).toMatchObject({
      state: 'In review',
      environment: 'production',
      title: `Launch (caw-${keyOf(1)})`,
      comments: [{ text: 'Launch' }],
      changes: [
        {
          feature: 'checkout-v2',
          action: 'updateStrategy',
          payload: { id: strategy?.id, name: 'flexibleRollout', parameters: { rollout: '10', groupId: 'checkout-v2' } },
        },
        { feature: 'checkout-v2', action: 'updateEnabled', payload: { enabled: true } },
      ],
    })
    expect(flag().enabled).toBe(false)
  })

  test('it asks for a strategy where there is none', async () => {
    await set({ flag: 'bare', percentage: 10 })
    expect(request().changes).toMatchObject([
      { action: 'addStrategy', payload: { name: 'flexibleRollout', parameters: { rollout: '10' } } },
    ])
  })

  test('it asks once for a key', async () => {
    await ask()
    expect((await ask()).outcome.data['pending']).toMatchObject([{ id: '1' }])
    expect(request().changes).toHaveLength(2)
    expect(request().title).toBe(`Set feature flags (caw-${keyOf(1)})`)
  })

  test.each([
    ['was made', () => server.loseNext('POST')],
    [
      'was named',
      () => {
        // The first PUT is the one that is not allowed.
        server.failNext(403, { message: 'you need the "SKIP_CHANGE_REQUEST" permission' }, { on: 'PUT' })
        server.loseNext('PUT')
      },
    ],
  ])('it goes on from where a try broke off after the draft %s', async (_, breakOff) => {
    breakOff()
    expect(await failureOf(ask())).toMatchObject({ transient: true, afterWrite: true })
    expect(request().state).toBe('Draft')
    await ask({ repeated: true })
    expect(server.state.requests).toHaveLength(1)
    expect(request()).toMatchObject({ state: 'In review', title: expect.stringContaining(keyOf(1)) })
    expect(request().changes).toHaveLength(2)
  })

  test('it waits while one of another call is open, which it would change', async () => {
    await ask()
    const other = await failureOf(set({ flag: 'bare', on: true }, { key: keyOf(2) }))
    expect(other).toMatchObject({ kind: 'platform', transient: true })
    expect(other.message).toBe(
      `Unleash adds to change request 1 "Set feature flags (caw-${keyOf(1)})" whatever else this user changes in production: it is In review, and must be applied or cancelled before.`,
    )
    expect(request().changes).toHaveLength(2)
    request().state = 'Cancelled'
    await set({ flag: 'bare', on: true }, { key: keyOf(2) })
    expect(request(1)).toMatchObject({ state: 'In review', title: expect.stringContaining(keyOf(2)) })
  })

  test('it does not send what somebody drafts with the same token', async () => {
    await ask({ key: undefined })
    Object.assign(request(), { state: 'Draft' })
    request().changes.push({ feature: 'bare', action: 'updateEnabled', payload: { enabled: true } })
    expect(await failureOf(ask())).toMatchObject({ kind: 'platform', transient: true })
    expect(request().state).toBe('Draft')
  })

  test('it makes one for all flags of a call', async () => {
    const all = input(
      [
        { flag: 'checkout-v2', on: true },
        { flag: 'slow-recommendations', on: false },
      ],
      { single: false },
    )
    const both = (await setFlags.run(provider, client(), all)) as StartedJob
    expect(both.outcome.message).toContain('change request 1 for checkout-v2, slow-recommendations')
    expect(request().changes.map(({ feature }) => feature)).toEqual(['checkout-v2', 'slow-recommendations'])
    request().state = 'Approved'
    expect(await setFlags.job?.getStatus(provider, client(), all, both.job)).toMatchObject({
      outcome: { result: 'pass', data: { changed: ['checkout-v2', 'slow-recommendations'] } },
    })
  })

  test('it waits for the review, then applies it once', async () => {
    const waiting = await ask()
    expect(await look(waiting)).toEqual({ status: 'In review (change request 1)' })
    request().state = 'Approved'
    expect(await look(waiting)).toMatchObject({
      outcome: {
        result: 'pass',
        message: 'checkout-v2 in production is on (10 %), and was off (25 %)',
        links: { 'unleash change request 1': `${server.url}/projects/default/change-requests/1` },
      },
    })
    expect(await look(waiting)).toMatchObject({ outcome: { result: 'pass' } })
    const applied = server.calls.filter(({ body }) => (body as { state?: string } | undefined)?.state === 'Applied')
    expect(applied).toHaveLength(1)
  })

  test('it waits for somebody else to apply it where it may not', async () => {
    server.state.mayApply = false
    const waiting = await ask()
    request().state = 'Approved'
    const seen = await look(waiting)
    expect('status' in seen && seen.status).toContain('Approved, to be applied by somebody else, since Unleash says:')
    expect('status' in seen && seen.status).toContain('"APPLY_CHANGE_REQUEST" permission')
  })

  test('it applies again where the answer was lost', async () => {
    const waiting = await ask()
    request().state = 'Approved'
    server.loseNext('PUT')
    expect(await failureOf(look(waiting))).toMatchObject({ transient: true })
    expect(await look(waiting)).toMatchObject({ outcome: { result: 'pass' } })
  })

  test.each(['Rejected', 'Cancelled'] as const)('it fails where it was %s, with who and why', async (state) => {
    const waiting = await ask()
    const comments = [{ text: 'Not on a Friday', by: 'mia' }]
    Object.assign(request(), { state, rejections: ['mia'], comments })
    expect(await look(waiting)).toMatchObject({
      outcome: {
        status: 'succeeded',
        result: 'fail',
        message: `checkout-v2 in production was not set to on (10 %): change request 1 ended as ${state}: by mia; mia says: Not on a Friday`,
      },
    })
  })

  test('it says for when it is scheduled, and why that does not go on', async () => {
    const waiting = await ask()
    const schedule = {
      scheduledAt: '2026-12-01T06:00:00.000Z',
      status: 'suspended',
      reason: 'The strategy was deleted',
    }
    Object.assign(request(), { state: 'Scheduled', schedule })
    expect(await look(waiting)).toEqual({
      status: 'Scheduled for 2026-12-01T06:00:00.000Z, suspended: The strategy was deleted (change request 1)',
    })
  })

  test('it says where there are no change requests to be had', async () => {
    const message = 'The path you were looking for is not available.'
    server.failNext(404, { name: 'NotFoundError', message }, { on: 'POST' })
    expect((await failureOf(set({ on: true }))).message).toContain(message)
  })
})

describe('where Unleash fails', () => {
  test('it can be tried again after a 5xx, a connection that breaks and a time-out', async () => {
    server.failNext(503, '<html><title>503 Service Unavailable</title></html>')
    const failure = await failureOf(set({ on: true }))
    expect(failure).toMatchObject({ kind: 'platform', transient: true })
    expect(failure.message).toContain('503 Service Unavailable')
    server.hang()
    expect(await failureOf(set({ on: true }, { deadline: 500 }))).toMatchObject({ kind: 'timeout', transient: true })
    server.hang(false)
    server.down()
    expect(await failureOf(set({ on: true }))).toMatchObject({ kind: 'platform', transient: true })
  })

  test('it stays away for as long as it is asked to', async () => {
    server.failNext(429, { message: 'Too many requests' }, { headers: { 'retry-after': '5' } })
    expect(await failureOf(set({ on: true }))).toMatchObject({ transient: true, retryAfter: 5 })
  })

  test('it says the details, to which its message may only point', async () => {
    const message = 'Request validation failed: your request body or params contain invalid data'
    const details = [{ message: 'The `/body/parameters` property must be object.' }, { message }]
    server.failNext(400, { name: 'BadDataError', message, details }, { on: 'POST' })
    expect((await failureOf(set({ on: true }))).message).toContain(`: ${message}; ${details[0]?.message}`)
  })

  test('it leaves no secret in what it says', async () => {
    server.failNext(400, { message: `no ${server.token}` }, { on: 'POST' })
    expect((await failureOf(set({ on: true }))).message).toContain('no ***')
  })
})

/** What a real Unleash 8.2 was asked, in this order, and what it answered. */
const recorded = [
  'user-wrong-token',
  'feature',
  'feature-missing',
  'feature-in-another-project',
  'feature-archived',
  'off-archived',
  'on',
  'feature-on',
  'on-unknown-environment',
  'on-missing',
  'strategy-changed',
  'strategy-missing',
  'off',
  'on-without-strategy',
  'feature-without-strategy-on',
  'strategy-added',
  'on-guarded',
]

test('the server that the tests use answers as a real Unleash did', async () => {
  Object.assign(server.state.flags, { archived: { archived: true, environments: {} } })
  const recordings = new URL('../../fixtures/unleash/', import.meta.url)
  for (const name of recorded) {
    const { request, answer } = JSON.parse(readFileSync(new URL(`${name}.json`, recordings), 'utf8'))
    if (name === 'on-guarded') server.state.guarded = ['production']
    const id = flag().strategies[0]?.id ?? ''
    const here = await fetch(`${server.url}${request.path.replace('{strategyId}', id)}`, {
      method: request.method,
      headers: { 'content-type': 'application/json', authorization: request.token ?? server.token },
      ...(request.body === undefined ? {} : { body: JSON.stringify(request.body) }),
    })
    const text = await here.text()
    const body = text === '' ? null : JSON.parse(text)
    expect({ name, status: here.status }).toEqual({ name, status: answer.status })
    // A real one tells more of a flag.
    if (body === null) expect({ name, body: answer.body }).toEqual({ name, body: null })
    else expect({ name, body: withoutIds(answer.body) }).toMatchObject({ name, body: withoutIds(body) })
  }
})

function withoutIds(body: unknown): unknown {
  return JSON.parse(JSON.stringify(body), (name, value) => (name === 'id' ? 'an id' : value))
}
