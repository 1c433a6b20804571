import { describe, expect, test } from '@jest/globals'
import { growthbook } from '../../../../functions/feature-flags/growthbook/growthbook.ts'
import { newestOf } from '../../../../infra/testing/loopback-server.ts'
import { isWrite } from '../../../conformance/common/requests.ts'
import { flagConformance } from '../../../conformance/flag.ts'
import { withState } from '../../../conformance/job.ts'
import { expectFailure, keyOf } from '../../helpers.ts'
import { flagRow, type GrowthBookServer } from './fake.ts'

const enter = (status: string, reviews: GrowthBookServer['state']['revisions'][number]['reviews'] = []) => ({
  reach: ({ state }: GrowthBookServer) => Object.assign(newestOf(state.revisions), { status, reviews }),
})
const review = (userId: string, status: string) => ({ userId, status, timestamp: '2026-11-27T10:00:00Z' })

const off = { state: 'off' }
const warning = withState({ warning: 'This feature is used in a running experiment' })

const { server, set, calls } = flagConformance(growthbook, flagRow, {
  flag: 'slow-recommendations',
  defaults: { baseUrl: 'https://api.growthbook.io/api', appUrl: 'https://app.growthbook.io' },
  refused: [
    { input: { flag: 'checkout-v2', percentage: 5 }, reason: 'it has 0 rollouts' },
    { input: { flag: 'shared-rollout', percentage: 5 }, reason: 'also applies to other environments' },
    { input: off, reason: 'running experiment', change: warning },
    { input: off, reason: 'requires approval', change: withState({ guarded: true }) },
  ],
  sets: [{ input: off, outcome: { result: 'pass' }, change: warning, connection: { ignoreWarnings: 'on' } }],
  pending: {
    noun: 'revision',
    guard: withState({ guarded: true }),
    connection: { review: 'on' },
    states: {
      draft: { ...enter('draft'), says: 'draft (revision 2)' },
      'pending-review': { ...enter('pending-review'), says: 'pending-review (revision 2)' },
      'an unknown status': { ...enter('unheard-of'), says: 'unheard-of (revision 2)' },
      approved: { ...enter('approved'), ends: 'pass' },
      'approved, but only a person may publish it': {
        reach(server: GrowthBookServer) {
          server.state.mayPublish = false
          newestOf(server.state.revisions).status = 'approved'
        },
        says: 'approved, waiting for a person to publish it: GrowthBook answered 403',
      },
      published: {
        reach({ state }: GrowthBookServer) {
          newestOf(state.revisions).status = 'published'
          Object.assign(state.features['checkout-v2']?.enabled ?? {}, { production: true })
        },
        ends: 'pass',
      },
      'changes-requested': {
        ...enter('changes-requested', [review('u_1', 'approved'), review('u_2', 'changes-requested')]),
        ends: 'fail',
        says: 'ended as changes-requested: changes were requested by u_2',
      },
      discarded: { ...enter('discarded'), ends: 'fail', says: 'the draft was discarded' },
      deleted: {
        reach: ({ state }: GrowthBookServer) => state.revisions.splice(0),
        ends: 'fail',
        says: 'the revision no longer exists',
      },
    },
  },
})

describe('GrowthBook', () => {
  test('toggles a flag directly, with the comment as the reason', async () => {
    expect(await set({ state: 'off', comment: 'Too slow' })).toMatchObject({
      data: { after: { state: 'off', percentage: 25 }, url: 'https://app.growthbook.io/features/slow-recommendations' },
    })
    const body = { environments: { production: false }, reason: 'Too slow' }
    expect(calls('POST')[0]).toMatchObject({ body })
    expect(server.state.features['slow-recommendations']?.enabled).toEqual({ production: false, dev: true })
  })

  test('sets the percentage and the state in one revision, and publishes it', async () => {
    const changed = await set({ state: 'off', percentage: 29, comment: 'Less' })
    expect(changed).toMatchObject({ data: { after: { state: 'off', percentage: 29 } } })
    const revision = 'revisions/2'
    const sent = ['POST revisions', `PUT ${revision}/rules/fr_1`, `POST ${revision}/toggle`, `POST ${revision}/publish`]
    expect(server.calls.filter(isWrite).map(({ method, path }) => `${method} ${path.slice(34)}`)).toEqual(sent)
    expect(newestOf(server.state.revisions).comment).toBe(`Less (Ref: caw-${keyOf(1)})`)
  })

  test('discards a draft that it may not publish, and shows why', async () => {
    server.state.guarded = true
    await expectFailure(set({ percentage: 50 }), 'refused', 'This revision requires approval.')
    expect(server.state.revisions).toMatchObject([{ status: 'discarded' }])
    server.failNext(403, { message: 'You may not discard.' }, { on: ({ path }) => path.endsWith('/discard') })
    await expectFailure(set({ percentage: 50 }, { key: keyOf(2) }), 'refused', 'This revision requires approval.')
  })

  test('continues the draft of an earlier attempt', async () => {
    server.failNext(502, '', { on: 'PUT' })
    await expectFailure(set({ percentage: 50 }), { transient: true })
    expect(await set({ percentage: 50 }, { isRetry: true })).toMatchObject({ data: { after: { percentage: 50 } } })
    expect(server.state.revisions).toHaveLength(1)
  })
})
