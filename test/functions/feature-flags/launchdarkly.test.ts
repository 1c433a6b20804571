import { readFileSync } from 'node:fs'
import { beforeEach, describe, expect, test } from '@jest/globals'
import { launchdarkly } from '../../../functions/feature-flags/providers/launchdarkly.ts'
import { idOf, type LaunchDarklyServer, startLaunchDarkly } from '../../../infra/platforms/launchdarkly.ts'
import type { FlagProvider } from '../../../shared/providers/flag.ts'
import { flagConformance } from '../../conformance/flag.ts'
import { flagPlatforms } from '../../e2e/platforms.ts'
import { type ClientOptions, clientOf, expectFailure, failureOf, keyOf, startEach } from '../helpers.ts'
import { flagDriver } from './drive.ts'

const server = startEach(startLaunchDarkly)
const provider = launchdarkly as unknown as FlagProvider
const location = { project: 'shop', environment: 'production' }
const connection = () => ({ baseUrl: server.url, token: server.token, ...location })
const { set, request, poll } = flagDriver(provider, connection)
const flag = (key = 'checkout-v2', { state } = server) => {
  const found = state.flags[key]?.environments['production']
  if (!found) throw new Error(`No flag ${key}`)
  return found
}
const calls = (method: string) => server.calls.filter((call) => call.method === method)

const approvalIn = ({ state }: LaunchDarklyServer) => {
  const [found] = state.approvals
  if (!found) throw new Error('There is no approval request')
  return found
}
const reviews = [
  { kind: 'comment', memberId: 'm-1', comment: 'Hm' },
  { kind: 'decline', memberId: 'm-2', comment: 'Not on a Friday' },
  { kind: 'decline', serviceTokenId: 't-1' },
]
flagConformance(provider, flagPlatforms['launchdarkly'], {
  defaults: { baseUrl: 'https://app.launchdarkly.com' },
  unknown: {
    flag: '404 to GET /api/v2/flags/shop/no-such-flag: Unknown feature key',
    environment: 'Unknown environment key',
  },
  projects: { accepted: ['shop', 'Shop_1.x-y'], refused: ['', '../x', 'a/b', '-x'] },
  pending: {
    noun: 'approval request',
    async start() {
      const server = await startLaunchDarkly()
      server.state.guarded = ['production']
      return { server, connection: { baseUrl: server.url, token: server.token, ...location } }
    },
    states: {
      pending: { reach: () => undefined, says: 'pending review (approval request approval-1)' },
      scheduled: {
        reach: (server: LaunchDarklyServer) => Object.assign(approvalIn(server), { status: 'scheduled' }),
        says: 'scheduled (approval request approval-1)',
      },
      approved: {
        reach: (server: LaunchDarklyServer) => Object.assign(approvalIn(server), { reviewStatus: 'approved' }),
        ends: 'pass',
      },
      'approved, but only a person may apply it': {
        reach(server: LaunchDarklyServer) {
          server.state.mayApply = false
          approvalIn(server).reviewStatus = 'approved'
        },
        says: 'approved, waiting for a person to apply it: LaunchDarkly answered 403',
      },
      completed: {
        reach(server: LaunchDarklyServer) {
          approvalIn(server).status = 'completed'
          flag('checkout-v2', server).on = true
        },
        ends: 'pass',
      },
      declined: {
        reach: (server: LaunchDarklyServer) => Object.assign(approvalIn(server), { reviewStatus: 'declined', reviews }),
        ends: 'fail',
        says: 'ended as declined: declined by member m-2: Not on a Friday; declined by service token t-1',
      },
      failed: {
        reach: (server: LaunchDarklyServer) => Object.assign(approvalIn(server), { status: 'failed' }),
        ...{ ends: 'fail', says: 'ended as failed' },
      },
    },
  },
})

describe('LaunchDarkly: set-flag', () => {
  test('turns a flag on by semantic patch and links to it', async () => {
    expect(await set({ state: 'on', comment: 'Launch' })).toMatchObject({
      result: 'pass',
      data: {
        ...{ before: { state: 'off', percentage: 100 }, after: { state: 'on', percentage: 100 } },
        url: `${server.url}/shop/production/features/checkout-v2`,
      },
    })
    expect(calls('PATCH')[0]).toMatchObject({
      headers: {
        ...{ authorization: server.token, 'ld-api-version': '20240415' },
        'content-type': 'application/json; domain-model=launchdarkly.semanticpatch',
      },
      body: { environmentKey: 'production', instructions: [{ kind: 'turnFlagOn' }], comment: 'Launch' },
    })
    // Only the one environment is read.
    expect(calls('GET').every(({ query }) => query.get('env') === 'production')).toBe(true)
  })

  test('rolls a boolean flag out to a percentage', async () => {
    expect(await set({ state: 'on', percentage: 25 })).toMatchObject({
      data: { after: { state: 'on', percentage: 25 } },
    })
    const variations = [25_000, 75_000].map((weight, variation) => ({ variation, weight }))
    expect(flag().fallthrough).toEqual({ rollout: { variations, contextKind: 'user' } })
  })

  test.each([0, 100])('rolls a flag out to %i percent', async (percentage) => {
    const changed = await set({ flag: 'slow-recommendations', percentage })
    expect(changed).toMatchObject({ result: 'pass', data: { before: { percentage: 25 }, after: { percentage } } })
  })

  test('keeps the context kind of the rollout unless the connection sets one', async () => {
    await set({ flag: 'slow-recommendations', percentage: 50 })
    const unchanged = { contextKind: 'organization', bucketBy: 'region' }
    expect(flag('slow-recommendations').fallthrough.rollout).toMatchObject(unchanged)
    await set({ flag: 'slow-recommendations', percentage: 60 }, {}, { contextKind: 'user' })
    const instruction = {
      ...{ kind: 'updateFallthroughVariationOrRollout', rolloutContextKind: 'user' },
      rolloutWeights: { [idOf('slow-recommendations', 1)]: 60_000, [idOf('slow-recommendations', 0)]: 40_000 },
    }
    expect(calls('PATCH').at(-1)?.body).toEqual({ environmentKey: 'production', instructions: [instruction] })
  })

  test('reads a default rule that serves false as 0 percent', async () => {
    flag().fallthrough = { variation: 1 }
    expect(await set({ percentage: 0 })).toMatchObject({ message: expect.stringContaining('already') })
  })

  test('refuses a percentage for a multivariate flag', async () => {
    const words = 'banner serves "red", "green", "blue". A percentage can only be set for a boolean flag.'
    await expectFailure(set({ flag: 'banner', percentage: 5 }), 'refused', words)
    expect(await set({ flag: 'banner', state: 'off' })).toMatchObject({ data: { after: { state: 'off' } } })
    expect(calls('PATCH')).toHaveLength(1)
  })

  test('reports an unknown project', async () => {
    await expectFailure(set({ state: 'on', project: 'cart' }), 'refused', 'Unknown project key')
  })

  test('is refused if the response does not contain the environment', async () => {
    server.failNext(200, { variations: [] })
    const words = 'LaunchDarkly has no environment "production" in the project shop.'
    await expectFailure(set({ state: 'on' }), 'refused', words)
  })

  test('reads the flag of a recorded response', async () => {
    const recorded = readFileSync(new URL('../../fixtures/launchdarkly/flag.json', import.meta.url), 'utf8')
    server.failNext(200, JSON.parse(recorded))
    const url = `${server.url}/fourth-project/fourth-env/features/randomflag`
    const there = { project: 'fourth-project', environment: 'fourth-env' }
    expect(await provider.get(clientOf(provider, connection() as never), there, 'randomflag')).toEqual({
      on: false,
      percentage: undefined,
      url,
    })
  })

  test('reports the missing permission of a read-only token', async () => {
    const words = '403 to PATCH /api/v2/flags/shop/checkout-v2: Access to the requested resource'
    await expectFailure(set({ state: 'on' }, {}, { token: server.readerToken }), 'refused', words)
  })

  test('can be retried after a conflicting change', async () => {
    const message = 'This would cause the pending scheduled change 7 to fail'
    server.failNext(409, { code: 'conflict', message }, { on: 'PATCH' })
    const words = `LaunchDarkly answered 409: the change of checkout-v2 conflicts with another: ${message}`
    await expectFailure(set({ state: 'on' }), 'platform', words)
    expect(await set({ state: 'on' })).toMatchObject({ result: 'pass' })
  })

  test('reports changed and failed flags of one call', async () => {
    const flags = [
      { flag: 'checkout-v2', state: 'on' },
      { flag: 'banner', percentage: 1 },
    ]
    expect(await set({ flags })).toMatchObject({
      result: 'fail',
      data: { changed: ['checkout-v2'], failed: ['banner'] },
    })
  })
})

describe('LaunchDarkly: approval requests', () => {
  beforeEach(() => {
    server.state.guarded = ['production']
  })
  const wanted = { state: 'on', percentage: 10 }
  const ask = (options?: ClientOptions) => request(wanted, options)

  test('have the same instructions, a comment and reviewers', async () => {
    const reviewers = { reviewers: ['507f1f77'], reviewerTeams: ['shop-team'] }
    await request({ ...wanted, comment: 'Launch' }, {}, reviewers)
    expect(approvalIn(server)).toMatchObject({
      ...{ flag: 'checkout-v2', environment: 'production', comment: 'Launch' },
      description: `Set checkout-v2 on and to 10 % (Ref: caw-${keyOf(1)})`,
      notify: { members: ['507f1f77'], teams: ['shop-team'] },
      instructions: [{ kind: 'updateFallthroughVariationOrRollout' }, { kind: 'turnFlagOn' }],
    })
  })

  test('are created again for another event, and without an idempotency key', async () => {
    for (const key of [keyOf(1), keyOf(2), undefined]) await ask({ key })
    expect(server.state.approvals).toHaveLength(3)
    expect(server.state.approvals[2]?.description).toBe('Set checkout-v2 on and to 10 %')
  })

  test('are applied after a conflict and a 5xx response', async () => {
    const waiting = await ask()
    const getStatus = () => poll(waiting, wanted)
    approvalIn(server).reviewStatus = 'approved'
    server.failNext(409, { code: 'optimistic_locking_error', message: 'Changed meanwhile' }, { on: 'POST' })
    const words = '409: the change of checkout-v2 conflicts with another: Changed meanwhile'
    await expectFailure(getStatus(), 'platform', words)
    server.failNext(503, undefined, { on: 'POST' })
    expect(await failureOf(getStatus())).toMatchObject({ transient: true })
    expect(await getStatus()).toMatchObject({ outcome: { result: 'pass', data: { after: { percentage: 10 } } } })
    expect(calls('POST').filter(({ path }) => path.endsWith('/apply'))).toHaveLength(3)
  })

  test('report why LaunchDarkly refuses them', async () => {
    server.failNext(400, { code: 'invalid_request', message: 'integrationConfig is required' }, { on: 'POST' })
    await expectFailure(ask(), 'refused', 'approval-requests: integrationConfig is required')
  })
})
