import { readFileSync } from 'node:fs'
import { beforeEach, describe, expect, test } from '@jest/globals'
import { launchdarkly } from '../../../../functions/feature-flags/launchdarkly/launchdarkly.ts'
import { newestOf } from '../../../../infra/testing/loopback-server.ts'
import { flagConformance } from '../../../conformance/flag.ts'
import { withState } from '../../../conformance/job.ts'
import { type ClientOptions, expectFailure, failureOf, keyOf } from '../../helpers.ts'
import { flagRow, idOf, type LaunchDarklyServer } from './fake.ts'

const flagIn = ({ state }: LaunchDarklyServer, key = 'checkout-v2') => {
  const found = state.flags[key]?.environments['production']
  if (!found) throw new Error(`No flag ${key}`)
  return found
}
const flag = (key?: string) => flagIn(server, key)

const approvalIn = ({ state }: LaunchDarklyServer) => newestOf(state.approvals)
const reviews = [
  { kind: 'comment', memberId: 'm-1', comment: 'Hm' },
  { kind: 'decline', memberId: 'm-2', comment: 'Not on a Friday' },
  { kind: 'decline', serviceTokenId: 't-1' },
]
const guard = withState({ guarded: ['production'] })
const suite = flagConformance(launchdarkly, flagRow, {
  defaults: { baseUrl: 'https://app.launchdarkly.com' },
  unknown: {
    flag: '404 to GET /api/v2/flags/shop/no-such-flag: Unknown feature key',
    environment: 'Unknown environment key',
  },
  refused: [
    {
      input: { flag: 'banner', percentage: 5 },
      reason: 'banner serves "red", "green", "blue". A percentage can only be set for a boolean flag.',
    },
    { input: { state: 'on', project: 'cart' }, reason: 'Unknown project key' },
    {
      input: { state: 'on' },
      reason: 'LaunchDarkly has no environment "production" in the project shop.',
      change: ({ failNext }) => failNext(200, { variations: [] }),
    },
    {
      input: { state: 'on' },
      reason: '403 to PATCH /api/v2/flags/shop/checkout-v2: Access to the requested resource',
      connection: ({ readerToken: token }) => ({ token }),
    },
    {
      input: { state: 'on' },
      reason: 'approval-requests: integrationConfig is required',
      change: (fake) => {
        guard(fake)
        fake.failNext(400, { code: 'invalid_request', message: 'integrationConfig is required' }, { on: 'POST' })
      },
    },
  ],
  sets: [
    ...[0, 100].map((percentage) => ({
      input: { flag: 'slow-recommendations', percentage },
      outcome: { result: 'pass', data: { before: { percentage: 25 }, after: { percentage } } },
    })),
    {
      input: { percentage: 0 },
      outcome: { message: expect.stringContaining('already') },
      change: (fake) => Object.assign(flagIn(fake), { fallthrough: { variation: 1 } }),
    },
    { input: { flag: 'banner', state: 'off' }, outcome: { data: { after: { state: 'off' } } } },
    {
      input: {
        flags: [
          { flag: 'checkout-v2', state: 'on' },
          { flag: 'banner', percentage: 1 },
        ],
      },
      outcome: { result: 'fail', data: { changed: ['checkout-v2'], failed: ['banner'] } },
    },
  ],
  projects: { accepted: ['shop', 'Shop_1.x-y'], refused: ['', '../x', 'a/b', '-x'] },
  pending: {
    noun: 'approval request',
    guard,
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
          flagIn(server).on = true
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
        ends: 'fail',
        says: 'ended as failed',
      },
    },
  },
})
const { server, provider, client, set, request, poll, calls } = suite

describe('LaunchDarkly: set-flag', () => {
  test('turns a flag on by semantic patch and links to it', async () => {
    expect(await set({ state: 'on', comment: 'Launch' })).toMatchObject({
      result: 'pass',
      data: {
        before: { state: 'off', percentage: 100 },
        after: { state: 'on', percentage: 100 },
        url: `${server.url}/shop/production/features/checkout-v2`,
      },
    })
    expect(calls('PATCH')[0]).toMatchObject({
      headers: {
        authorization: server.token,
        'ld-api-version': '20240415',
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

  test('keeps the context kind of the rollout unless the connection sets one', async () => {
    await set({ flag: 'slow-recommendations', percentage: 50 })
    const unchanged = { contextKind: 'organization', bucketBy: 'region' }
    expect(flag('slow-recommendations').fallthrough.rollout).toMatchObject(unchanged)
    await set({ flag: 'slow-recommendations', percentage: 60 }, {}, { contextKind: 'user' })
    const instruction = {
      kind: 'updateFallthroughVariationOrRollout',
      rolloutContextKind: 'user',
      rolloutWeights: { [idOf('slow-recommendations', 1)]: 60_000, [idOf('slow-recommendations', 0)]: 40_000 },
    }
    expect(calls('PATCH').at(-1)?.body).toEqual({ environmentKey: 'production', instructions: [instruction] })
  })

  test('reads the flag of a recorded response', async () => {
    const recorded = readFileSync(new URL('../../../fixtures/launchdarkly/flag.json', import.meta.url), 'utf8')
    server.failNext(200, JSON.parse(recorded))
    const url = `${server.url}/fourth-project/fourth-env/features/randomflag`
    const there = { project: 'fourth-project', environment: 'fourth-env' }
    expect(await provider.get(client(), there, 'randomflag')).toEqual({
      on: false,
      percentage: undefined,
      url,
    })
  })

  test('can be retried after a conflicting change', async () => {
    const message = 'This would cause the pending scheduled change 7 to fail'
    server.failNext(409, { code: 'conflict', message }, { on: 'PATCH' })
    const words = `LaunchDarkly answered 409: the change of checkout-v2 conflicts with another: ${message}`
    await expectFailure(set({ state: 'on' }), 'platform', words)
    expect(await set({ state: 'on' })).toMatchObject({ result: 'pass' })
  })
})

describe('LaunchDarkly: approval requests', () => {
  beforeEach(() => void guard(server))
  const wanted = { state: 'on', percentage: 10 }
  const ask = (options?: ClientOptions) => request(wanted, options)

  test('have the same instructions, a comment and reviewers', async () => {
    const reviewers = { reviewers: ['507f1f77'], reviewerTeams: ['shop-team'] }
    await request({ ...wanted, comment: 'Launch' }, {}, reviewers)
    expect(approvalIn(server)).toMatchObject({
      flag: 'checkout-v2',
      environment: 'production',
      comment: 'Launch',
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
})
