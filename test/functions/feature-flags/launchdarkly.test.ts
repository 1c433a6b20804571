import { readFileSync } from 'node:fs'
import { beforeEach, describe, expect, test } from '@jest/globals'
import { launchdarkly } from '../../../functions/feature-flags/providers/launchdarkly.ts'
import { idOf, startLaunchDarkly } from '../../../infra/platforms/launchdarkly.ts'
import type { PollResult, StartedJob } from '../../../shared/providers/action.ts'
import type { FlagProvider } from '../../../shared/providers/flag.ts'
import { setFlag, setFlags } from '../../../shared/providers/set-flags.ts'
import { flagConformance } from '../../conformance/flag.ts'
import { flagPlatforms } from '../../e2e/platforms.ts'
import { clientOf, expectFailure, failureOf, keyOf, startEach } from '../helpers.ts'
import { startedJob } from '../job.ts'

const server = startEach(startLaunchDarkly)

const provider = launchdarkly as unknown as FlagProvider
const location = { project: 'shop', environment: 'production' }
type Options = Parameters<typeof clientOf>[2] & { token?: string; more?: object }

const client = ({ token = server.token, more = {}, ...options }: Options = {}) =>
  clientOf(provider, { baseUrl: server.url, token, ...more } as never, options)
const input = (changes: object[], more: object = {}) => ({
  changes: changes.map((change) => ({ on: undefined, percentage: undefined, ...change })) as never,
  comment: undefined,
  isSingle: true,
  ...location,
  ...more,
})
const run = (change: object, options?: Options, more?: object) =>
  setFlag.run(provider, client(options), input([{ flag: 'checkout-v2', ...change }], more))
const set = async (...args: Parameters<typeof run>) => (await run(...args)).outcome
const flag = (key = 'checkout-v2') => server.state.flags[key]?.environments['production']
const calls = (method: string) => server.calls.filter((call) => call.method === method)

describe('LaunchDarkly: connection', () => {
  test('the connection test reads the identity of the token', async () => {
    await provider.check(client())
    expect(server.calls.map(({ path }) => path)).toEqual(['/api/v2/caller-identity'])
    expect(server.calls[0]?.headers).toMatchObject({ authorization: server.token, 'ld-api-version': '20240415' })
  })

  test('uses the public instance unless it names another', () => {
    const { baseUrl } = launchdarkly.connection.parse({ token: 'a-token-of-it' })
    expect(baseUrl).toBe('https://app.launchdarkly.com')
  })

  test('accepts keys of projects', () => {
    for (const project of ['shop', 'Shop_1.x-y']) expect(launchdarkly.project.pattern.test(project)).toBe(true)
    for (const project of ['', '../x', 'a/b', '-x']) expect(launchdarkly.project.pattern.test(project)).toBe(false)
  })
})

describe('LaunchDarkly: set-flag', () => {
  test('turns a flag on and off by semantic patch and links to it', async () => {
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

  test('rolls a boolean flag out to a percentage', async () => {
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

  test.each([0, 100])('rolls a flag out to %i percent', async (percentage) => {
    const changed = await set({ flag: 'slow-recommendations', percentage })
    expect(changed).toMatchObject({ result: 'pass', data: { before: { percentage: 25 }, after: { percentage } } })
  })

  test('keeps the context kind of the rollout unless the connection sets one', async () => {
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

  test('reads a default rule that serves false as 0 percent', async () => {
    const there = flag()
    if (there) there.fallthrough = { variation: 1 }
    expect(await set({ percentage: 0 })).toMatchObject({ message: expect.stringContaining('already') })
  })

  test('refuses a percentage for a multivariate flag', async () => {
    const words =
      'banner serves "red", "green", "blue". A percentage can only be set for a boolean flag. Its state can still be set.'
    await expectFailure(set({ flag: 'banner', percentage: 5 }), 'refused', words)
    expect(await set({ flag: 'banner', on: false })).toMatchObject({ data: { after: { state: 'off' } } })
    expect(calls('PATCH')).toHaveLength(1)
  })

  test('reports the message of LaunchDarkly for an unknown flag, environment or project', async () => {
    expect((await failureOf(set({ flag: 'nope', on: true }))).message).toContain(
      '404 to GET /api/v2/flags/shop/nope: Unknown feature key',
    )
    expect((await failureOf(set({ on: true }, {}, { environment: 'nowhere' }))).message).toContain(
      'Unknown environment key',
    )
    expect((await failureOf(set({ on: true }, {}, { project: 'cart' }))).message).toContain('Unknown project key')
  })

  test('is refused if the response does not contain the environment', async () => {
    server.failNext(200, { variations: [] })
    expect((await failureOf(set({ on: true }))).message).toBe(
      'LaunchDarkly has no environment "production" in the project shop.',
    )
  })

  test('reads the flag of a recorded response', async () => {
    const recorded = readFileSync(new URL('../../fixtures/launchdarkly/flag.json', import.meta.url), 'utf8')
    server.failNext(200, JSON.parse(recorded))
    expect(
      await provider.get(client(), { project: 'fourth-project', environment: 'fourth-env' }, 'randomflag'),
    ).toEqual({
      on: false,
      percentage: undefined,
      url: `${server.url}/fourth-project/fourth-env/features/randomflag`,
    })
  })

  test('encodes the key of a flag as one path segment', async () => {
    await failureOf(set({ flag: 'a/x?y', on: true }))
    expect(server.calls[0]?.path).toBe('/api/v2/flags/shop/a/x?y')
    for (const flag of ['..', '../../x']) expect((await failureOf(set({ flag, on: true }))).kind).toBe('invalid')
  })

  test('reports the missing permission of a read-only token', async () => {
    const words = '403 to PATCH /api/v2/flags/shop/checkout-v2: Access to the requested resource'
    await expectFailure(set({ on: true }, { token: server.readerToken }), 'refused', words)
  })

  test('can be retried after a conflicting change', async () => {
    const message = 'This would cause the pending scheduled change 7 to fail'
    server.failNext(409, { code: 'conflict', message }, { on: 'PATCH' })
    const words = `LaunchDarkly answered 409: the change of checkout-v2 conflicts with another: ${message}`
    await expectFailure(set({ on: true }), 'platform', words)
    expect(await set({ on: true })).toMatchObject({ result: 'pass' })
  })

  test('reports the pending change that it would break', async () => {
    server.failNext(400, { code: 'invalid_request', message: 'Causes approval request 7 to fail' }, { on: 'PATCH' })
    const failure = await failureOf(set({ on: true }))
    expect(failure.message).toContain('400 to PATCH /api/v2/flags/shop/checkout-v2: Causes approval request 7 to fail')
  })

  test('reports changed and failed flags of one call', async () => {
    const both = input(
      [
        { flag: 'checkout-v2', on: true },
        { flag: 'banner', percentage: 1 },
      ],
      { isSingle: false },
    )
    expect((await setFlags.run(provider, client(), both)).outcome).toMatchObject({
      result: 'fail',
      data: { changed: ['checkout-v2'], failed: ['banner'] },
    })
  })
})

describe('LaunchDarkly: approval requests', () => {
  beforeEach(() => {
    server.state.guarded = ['production']
  })

  const wanted = { on: true, percentage: 10 }
  const asked = input([{ flag: 'checkout-v2', ...wanted }])
  const ask = async (options?: Options, more?: object) => startedJob(await run(wanted, options, more))
  const getStatus = async ({ job }: StartedJob, options?: Options) =>
    (await setFlag.job?.getStatus(provider, client(options), asked, job)) as PollResult
  const approval = () => {
    const [found] = server.state.approvals
    if (!found) throw new Error('There is no approval request')
    return found
  }

  test('creates a request with the same instructions', async () => {
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

  test('creates one request per event, also after a lost response', async () => {
    server.loseNext('POST')
    expect(await failureOf(ask())).toMatchObject({ transient: true, mayHaveWritten: true })
    expect((await ask({ isRetry: true })).outcome.data['pending']).toMatchObject([{ id: 'approval-1' }])
    await ask()
    expect(server.state.approvals).toHaveLength(1)
    await ask({ key: keyOf(2) })
    await ask({ key: undefined })
    expect(server.state.approvals).toHaveLength(3)
    expect(server.state.approvals[2]?.description).toBe('Set checkout-v2 on and to 10 %')
  })

  test('waits for the review, then applies the request once', async () => {
    const waiting = await ask()
    expect(await getStatus(waiting)).toEqual({ status: 'pending review (approval request approval-1)' })
    approval().reviewStatus = 'approved'
    expect(await getStatus(waiting)).toMatchObject({
      outcome: {
        result: 'pass',
        data: { before: { state: 'off' }, after: { state: 'on', percentage: 10 }, changed: true },
      },
    })
    expect(await getStatus(waiting)).toMatchObject({ outcome: { result: 'pass' } })
    expect(calls('POST').filter(({ path }) => path.endsWith('/apply'))).toHaveLength(1)
  })

  test('waits for a person to apply the request if the token has no permission to', async () => {
    server.state.mayApply = false
    const waiting = await ask()
    approval().reviewStatus = 'approved'
    const seen = await getStatus(waiting)
    expect('status' in seen && seen.status).toContain(
      'approved, waiting for a person to apply it: LaunchDarkly answered 403',
    )
    approval().status = 'completed'
    const there = flag()
    if (there)
      Object.assign(there, { on: true, fallthrough: { rollout: { variations: [{ variation: 0, weight: 10_000 }] } } })
    expect(await getStatus(waiting)).toMatchObject({ outcome: { result: 'pass' } })
  })

  test('retries applying after a conflict, a 5xx response and a lost response', async () => {
    const waiting = await ask()
    approval().reviewStatus = 'approved'
    server.failNext(409, { code: 'optimistic_locking_error', message: 'Changed meanwhile' }, { on: 'POST' })
    expect(await failureOf(getStatus(waiting))).toMatchObject({
      transient: true,
      message: expect.stringContaining('409: the change of checkout-v2 conflicts with another: Changed meanwhile'),
    })
    server.failNext(503, undefined, { on: 'POST' })
    expect(await failureOf(getStatus(waiting))).toMatchObject({ transient: true })
    server.loseNext('POST')
    expect(await failureOf(getStatus(waiting))).toMatchObject({ transient: true })
    expect(await getStatus(waiting)).toMatchObject({ outcome: { result: 'pass' } })
  })

  test('fails with reviewer and comment if the request was declined', async () => {
    const waiting = await ask()
    Object.assign(approval(), {
      reviewStatus: 'declined',
      reviews: [
        { kind: 'comment', memberId: 'm-1', comment: 'Hm' },
        { kind: 'decline', memberId: 'm-2', comment: 'Not on a Friday' },
        { kind: 'decline', serviceTokenId: 't-1' },
      ],
    })
    expect(await getStatus(waiting)).toMatchObject({
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

  test('waits for a scheduled request and fails if it cannot be applied', async () => {
    const waiting = await ask()
    approval().status = 'scheduled'
    expect(await getStatus(waiting)).toEqual({ status: 'scheduled (approval request approval-1)' })
    approval().status = 'failed'
    expect(await getStatus(waiting)).toMatchObject({
      outcome: { result: 'fail', message: expect.stringContaining('ended as failed') },
    })
  })

  test('reports why LaunchDarkly refuses a request', async () => {
    server.failNext(400, { code: 'invalid_request', message: 'integrationConfig is required' }, { on: 'POST' })
    expect((await failureOf(ask())).message).toContain('approval-requests: integrationConfig is required')
  })
})

describe('LaunchDarkly: errors', () => {
  test('waits until the reset time of the rate limit', async () => {
    const reset = { 'x-ratelimit-reset': String(Date.now() + 20_000), 'x-ratelimit-global-remaining': '0' }
    server.failNext(429, { code: 'rate_limited', message: 'Slow down' }, { headers: reset })
    const { retryAfter } = await failureOf(set({ on: true }))
    expect(retryAfter).toBeGreaterThan(15)
    expect(retryAfter).toBeLessThanOrEqual(20)
  })
})

flagConformance(provider, flagPlatforms['launchdarkly'])
