import { readFileSync } from 'node:fs'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { launchdarkly } from '../../../functions/feature-flags/providers/launchdarkly.ts'
import { idOf, type LaunchDarklyServer, startLaunchDarkly } from '../../../infra/platforms/launchdarkly.ts'
import { secretsIn } from '../../../shared/fields.ts'
import type { Outcome } from '../../../shared/outcome.ts'
import type { PollResult, StartedJob } from '../../../shared/providers/action.ts'
import { type FlagProvider, setFlag, setFlags } from '../../../shared/providers/flag.ts'
import { clientOf, failureOf, keyOf } from '../helpers.ts'

let server: LaunchDarklyServer
beforeEach(async () => {
  server = await startLaunchDarkly()
})
afterEach(() => server.close())

const provider = launchdarkly as unknown as FlagProvider
const place = { project: 'shop', environment: 'production' }
type Options = Parameters<typeof clientOf>[2] & { token?: string; more?: object }

const client = ({ token = server.token, more = {}, ...options }: Options = {}) =>
  clientOf(provider, { baseUrl: server.url, token, ...more } as never, options)
const input = (changes: object[], more: object = {}) => ({
  changes: changes.map((change) => ({ on: undefined, percentage: undefined, ...change })) as never,
  comment: undefined,
  single: true,
  ...place,
  ...more,
})
const set = async (change: object, options?: Options, more?: object) =>
  setFlag.run(provider, client(options), input([{ flag: 'checkout-v2', ...change }], more))
const flag = (key = 'checkout-v2') => server.state.flags[key]?.environments['production']
const calls = (method: string) => server.calls.filter((call) => call.method === method)

describe('the connection', () => {
  test('is checked by asking who the token is', async () => {
    await provider.check(client())
    expect(server.calls.map(({ path }) => path)).toEqual(['/api/v2/caller-identity'])
    expect(server.calls[0]?.headers).toMatchObject({ authorization: server.token, 'ld-api-version': '20240415' })
  })

  test('says that a token is wrong', async () => {
    const failure = await failureOf(Promise.resolve(provider.check(client({ token: 'a-wrong-token' }))))
    expect(failure.kind).toBe('credentials')
    expect(failure.message).toContain('Invalid access token')
  })

  test('goes to the public instance where it names no other, and masks its token', () => {
    const { baseUrl } = launchdarkly.connection.parse({ token: 'a-token-of-it' })
    expect(baseUrl).toBe('https://app.launchdarkly.com')
    expect(secretsIn(launchdarkly.connection, { baseUrl, token: 'a-token-of-it' })).toEqual(['a-token-of-it'])
  })

  test('knows projects by their keys', () => {
    for (const project of ['shop', 'Shop_1.x-y']) expect(launchdarkly.project.pattern.test(project)).toBe(true)
    for (const project of ['', '../x', 'a/b', '-x']) expect(launchdarkly.project.pattern.test(project)).toBe(false)
  })
})

describe('a flag', () => {
  test('is turned on and off by a semantic patch, and linked to where the platform shows it', async () => {
    expect(await set({ on: true }, {}, { comment: 'Launch' })).toMatchObject({
      result: 'pass',
      data: {
        before: { state: 'off', percentage: 100 },
        after: { state: 'on', percentage: 100 },
        url: `${server.url}/shop/production/features/checkout-v2`,
      },
    })
    expect(calls('PATCH')[0]).toMatchObject({
      headers: { 'content-type': 'application/json; domain-model=launchdarkly.semanticpatch' },
      body: { environmentKey: 'production', instructions: [{ kind: 'turnFlagOn' }], comment: 'Launch' },
    })
    await set({ on: false })
    expect(flag()?.on).toBe(false)
    // Only the one environment is read.
    expect(calls('GET').every(({ query }) => query.get('env') === 'production')).toBe(true)
  })

  test('is left alone where it is so already', async () => {
    expect(await set({ on: false, percentage: 100 })).toMatchObject({ message: expect.stringContaining('already') })
    expect(calls('PATCH')).toEqual([])
  })

  test('is rolled out by percentage between true and false', async () => {
    expect(await set({ on: true, percentage: 25 })).toMatchObject({ data: { after: { state: 'on', percentage: 25 } } })
    expect(flag()?.fallthrough).toEqual({
      rollout: {
        variations: [
          { variation: 0, weight: 25_000 },
          { variation: 1, weight: 75_000 },
        ],
        contextKind: 'user',
      },
    })
  })

  test.each([0, 100])('is rolled out to %i percent', async (percentage) => {
    const changed = await set({ flag: 'slow-recommendations', percentage })
    expect(changed).toMatchObject({ result: 'pass', data: { before: { percentage: 25 }, after: { percentage } } })
  })

  test('keeps what its percentage is taken of, unless the connection says otherwise', async () => {
    await set({ flag: 'slow-recommendations', percentage: 50 })
    expect(flag('slow-recommendations')?.fallthrough.rollout).toMatchObject({
      contextKind: 'organization',
      bucketBy: 'region',
    })
    await set({ flag: 'slow-recommendations', percentage: 60 }, { more: { contextKind: 'user' } })
    const instruction = {
      kind: 'updateFallthroughVariationOrRollout',
      rolloutContextKind: 'user',
      rolloutWeights: { [idOf('slow-recommendations', 1)]: 60_000, [idOf('slow-recommendations', 0)]: 40_000 },
    }
    expect(calls('PATCH').at(-1)?.body).toEqual({ environmentKey: 'production', instructions: [instruction] })
  })

  test('that serves the plain false has 0 percent', async () => {
    const there = flag()
    if (there) there.fallthrough = { variation: 1 }
    expect(await set({ percentage: 0 })).toMatchObject({ message: expect.stringContaining('already') })
  })

  test('of more than true and false has a state, and no percentage', async () => {
    const failure = await failureOf(set({ flag: 'banner', percentage: 5 }))
    expect(failure).toMatchObject({ kind: 'refused' })
    expect(failure.message).toBe(
      'banner serves "red", "green", "blue": a percentage can only be set for a flag of true and false. Its state can be set.',
    )
    expect(await set({ flag: 'banner', on: false })).toMatchObject({ data: { after: { state: 'off' } } })
    expect(calls('PATCH')).toHaveLength(1)
  })

  test('that is not there is refused in the words of the platform, as is an environment', async () => {
    expect((await failureOf(set({ flag: 'nope', on: true }))).message).toContain(
      '404 to GET /api/v2/flags/shop/nope: Unknown feature key',
    )
    expect((await failureOf(set({ on: true }, {}, { environment: 'nowhere' }))).message).toContain(
      'Unknown environment key',
    )
    expect((await failureOf(set({ on: true }, {}, { project: 'cart' }))).message).toContain('Unknown project key')
  })

  test('is refused where the answer is without the environment', async () => {
    server.failNext(200, { variations: [] })
    expect((await failureOf(set({ on: true }))).message).toBe('LaunchDarkly has no environment "production" in shop.')
  })

  test('is read as a real LaunchDarkly has shown one, here without its rollout', async () => {
    const shown = readFileSync(new URL('../../fixtures/launchdarkly/flag.json', import.meta.url), 'utf8')
    server.failNext(200, JSON.parse(shown))
    expect(
      await provider.get(client(), { project: 'fourth-project', environment: 'fourth-env' }, 'randomflag'),
    ).toEqual({
      on: false,
      percentage: undefined,
      url: `${server.url}/fourth-project/fourth-env/features/randomflag`,
    })
  })

  test('of any name stays one part of the path', async () => {
    await failureOf(set({ flag: 'a/x?y', on: true }))
    expect(server.calls[0]?.path).toBe('/api/v2/flags/shop/a/x?y')
    for (const flag of ['..', '../../x']) expect((await failureOf(set({ flag, on: true }))).kind).toBe('invalid')
  })

  test('may not be changed by a token that only reads', async () => {
    const failure = await failureOf(set({ on: true }, { token: server.readerToken }))
    expect(failure).toMatchObject({ kind: 'refused', status: 422 })
    expect(failure.message).toContain('403 to PATCH /api/v2/flags/shop/checkout-v2: Access to the requested resource')
  })

  test('is tried again where another change was under way', async () => {
    const message = 'This would cause the pending scheduled change 7 to fail'
    server.failNext(409, { code: 'conflict', message }, { on: 'PATCH' })
    const failure = await failureOf(set({ on: true }))
    expect(failure).toMatchObject({ kind: 'platform', transient: true })
    expect(failure.message).toBe(
      `LaunchDarkly answered 409: the change of checkout-v2 conflicts with another: ${message}`,
    )
    expect(await set({ on: true })).toMatchObject({ result: 'pass' })
  })

  test('is refused with the reason where it would break a pending change', async () => {
    server.failNext(400, { code: 'invalid_request', message: 'Causes approval request 7 to fail' }, { on: 'PATCH' })
    const failure = await failureOf(set({ on: true }))
    expect(failure.message).toContain('400 to PATCH /api/v2/flags/shop/checkout-v2: Causes approval request 7 to fail')
  })

  test('is changed once where the answer was lost', async () => {
    server.loseNext('PATCH')
    expect(await failureOf(set({ on: true }))).toMatchObject({ transient: true, afterWrite: true })
    expect(await set({ on: true }, { repeated: true })).toMatchObject({
      message: 'checkout-v2 in production was on (100 %) already, or an earlier try has set it',
    })
    expect(calls('PATCH')).toHaveLength(1)
  })

  test('is one of several', async () => {
    const both = input(
      [
        { flag: 'checkout-v2', on: true },
        { flag: 'banner', percentage: 1 },
      ],
      { single: false },
    )
    expect(await setFlags.run(provider, client(), both)).toMatchObject({
      result: 'fail',
      data: { changed: ['checkout-v2'], failed: ['banner'] },
    })
  })
})

describe('where changes must be approved', () => {
  beforeEach(() => {
    server.state.guarded = ['production']
  })

  const wanted = { on: true, percentage: 10 }
  const asked = input([{ flag: 'checkout-v2', ...wanted }])
  const ask = async (options?: Options, more?: object) => (await set(wanted, options, more)) as StartedJob
  const look = async ({ job }: StartedJob, options?: Options) =>
    (await setFlag.job?.getStatus(provider, client(options), asked, job)) as PollResult
  const approval = () => {
    const [found] = server.state.approvals
    if (!found) throw new Error('There is no approval request')
    return found
  }

  test('it asks for the approval of the same instructions', async () => {
    const { outcome } = await ask(
      { more: { reviewers: ['507f1f77'], reviewerTeams: ['shop-team'] } },
      { comment: 'Launch' },
    )
    expect(outcome).toMatchObject({
      result: 'warning',
      message: expect.stringContaining('approval request approval-1 for checkout-v2'),
      data: { changed: false, pending: [{ id: 'approval-1', noun: 'approval request' }] },
    })
    expect(approval()).toMatchObject({
      flag: 'checkout-v2',
      environment: 'production',
      description: `Set checkout-v2 on and to 10 % (Ref: caw-${keyOf(1)})`,
      comment: 'Launch',
      notify: { members: ['507f1f77'], teams: ['shop-team'] },
      instructions: [{ kind: 'updateFallthroughVariationOrRollout' }, { kind: 'turnFlagOn' }],
    })
    expect(flag()?.on).toBe(false)
  })

  test('it asks once for a key, also where the answer was lost, and again for another', async () => {
    server.loseNext('POST')
    expect(await failureOf(ask())).toMatchObject({ transient: true, afterWrite: true })
    expect((await ask({ repeated: true })).outcome.data['pending']).toMatchObject([{ id: 'approval-1' }])
    await ask()
    expect(server.state.approvals).toHaveLength(1)
    await ask({ key: keyOf(2) })
    await ask({ key: undefined })
    expect(server.state.approvals).toHaveLength(3)
    expect(server.state.approvals[2]?.description).toBe('Set checkout-v2 on and to 10 %')
  })

  test('it waits for the review, then applies it once', async () => {
    const waiting = await ask()
    expect(await look(waiting)).toEqual({ status: 'pending review (approval request approval-1)' })
    approval().reviewStatus = 'approved'
    expect(await look(waiting)).toMatchObject({
      outcome: {
        result: 'pass',
        data: { before: { state: 'off' }, after: { state: 'on', percentage: 10 }, changed: true },
      },
    })
    expect(await look(waiting)).toMatchObject({ outcome: { result: 'pass' } })
    expect(calls('POST').filter(({ path }) => path.endsWith('/apply'))).toHaveLength(1)
  })

  test('it waits for somebody else to apply it where it may not', async () => {
    server.state.mayApply = false
    const waiting = await ask()
    approval().reviewStatus = 'approved'
    const seen = await look(waiting)
    expect('status' in seen && seen.status).toContain(
      'approved, to be applied by somebody else, since LaunchDarkly answered 403',
    )
    approval().status = 'completed'
    const there = flag()
    if (there)
      Object.assign(there, { on: true, fallthrough: { rollout: { variations: [{ variation: 0, weight: 10_000 }] } } })
    expect(await look(waiting)).toMatchObject({ outcome: { result: 'pass' } })
  })

  test('it applies again where another change was under way, or LaunchDarkly was down', async () => {
    const waiting = await ask()
    approval().reviewStatus = 'approved'
    server.failNext(409, { code: 'optimistic_locking_error', message: 'Changed meanwhile' }, { on: 'POST' })
    expect(await failureOf(look(waiting))).toMatchObject({
      transient: true,
      message: expect.stringContaining('409: the change of checkout-v2 conflicts with another: Changed meanwhile'),
    })
    server.failNext(503, undefined, { on: 'POST' })
    expect(await failureOf(look(waiting))).toMatchObject({ transient: true })
    server.loseNext('POST')
    expect(await failureOf(look(waiting))).toMatchObject({ transient: true })
    expect(await look(waiting)).toMatchObject({ outcome: { result: 'pass' } })
  })

  test('it fails where it was declined, with who and why', async () => {
    const waiting = await ask()
    Object.assign(approval(), {
      reviewStatus: 'declined',
      reviews: [
        { kind: 'comment', memberId: 'm-1', comment: 'Hm' },
        { kind: 'decline', memberId: 'm-2', comment: 'Not on a Friday' },
        { kind: 'decline', serviceTokenId: 't-1' },
      ],
    })
    expect(await look(waiting)).toMatchObject({
      outcome: {
        status: 'succeeded',
        result: 'fail',
        message: expect.stringContaining(
          'approval request approval-1 ended as declined: declined by member m-2: Not on a Friday; declined by service token t-1',
        ),
        data: { after: { state: 'off' } },
      },
    })
  })

  test('it fails where it could not be applied, and waits for what is scheduled', async () => {
    const waiting = await ask()
    approval().status = 'scheduled'
    expect(await look(waiting)).toEqual({ status: 'scheduled (approval request approval-1)' })
    approval().status = 'failed'
    expect(await look(waiting)).toMatchObject({
      outcome: { result: 'fail', message: expect.stringContaining('ended as failed') },
    })
  })

  test('it says what LaunchDarkly asks for where it refuses the request', async () => {
    server.failNext(400, { code: 'invalid_request', message: 'integrationConfig is required' }, { on: 'POST' })
    expect((await failureOf(ask())).message).toContain('approval-requests: integrationConfig is required')
  })
})

describe('where LaunchDarkly fails', () => {
  test('it can be tried again after a 5xx, a connection that breaks and a time-out', async () => {
    server.failNext(503, { message: 'Service Unavailable' })
    expect(await failureOf(set({ on: true }))).toMatchObject({ kind: 'platform', transient: true })
    server.hang()
    expect(await failureOf(set({ on: true }, { deadline: 500 }))).toMatchObject({ kind: 'timeout', transient: true })
    server.hang(false)
    server.down()
    expect(await failureOf(set({ on: true }))).toMatchObject({ kind: 'platform', transient: true })
  })

  test('it stays away for as long as it is asked to, in either dialect', async () => {
    server.failNext(429, { code: 'rate_limited', message: 'Slow down' }, { headers: { 'retry-after': '7' } })
    expect(await failureOf(set({ on: true }))).toMatchObject({ transient: true, retryAfter: 7 })
    const reset = { 'x-ratelimit-reset': String(Date.now() + 20_000), 'x-ratelimit-global-remaining': '0' }
    server.failNext(429, { code: 'rate_limited', message: 'Slow down' }, { headers: reset })
    const { retryAfter } = await failureOf(set({ on: true }))
    expect(retryAfter).toBeGreaterThan(15)
    expect(retryAfter).toBeLessThanOrEqual(20)
  })

  test('it leaves no secret in what it says', async () => {
    server.failNext(400, { code: 'invalid_request', message: `no ${server.token}` }, { on: 'PATCH' })
    expect((await failureOf(set({ on: true }))).message).toContain('no ***')
    expect(JSON.stringify((await set({ on: true })) as Outcome)).not.toContain(server.token)
  })
})
