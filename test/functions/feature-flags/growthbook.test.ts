import { describe, expect, test } from '@jest/globals'
import { growthbook } from '../../../functions/feature-flags/providers/growthbook.ts'
import { type GrowthBookServer, startGrowthBook } from '../../../infra/platforms/growthbook.ts'
import { newestOf } from '../../../infra/platforms/loopback-server.ts'
import type { FlagProvider } from '../../../shared/providers/flag.ts'
import { flagConformance } from '../../conformance/flag.ts'
import { flagPlatforms } from '../../e2e/platforms.ts'
import { expectFailure, keyOf, startEach } from '../helpers.ts'
import { flagDriver } from './drive.ts'

const server = startEach(startGrowthBook)
const provider = growthbook as unknown as FlagProvider
const connection = () => ({ baseUrl: server.url, token: server.token, environment: 'production' })
const { set } = flagDriver(provider, connection, 'slow-recommendations')
const writes = () =>
  server.calls.filter(({ method }) => method !== 'GET').map(({ method, path }) => `${method} ${path.slice(34)}`)

const enter = (status: string, reviews: GrowthBookServer['state']['revisions'][number]['reviews'] = []) => ({
  reach: ({ state }: GrowthBookServer) => Object.assign(newestOf(state.revisions), { status, reviews }),
})
const review = (userId: string, status: string) => ({ userId, status, timestamp: '2026-11-27T10:00:00Z' })

flagConformance(provider, flagPlatforms['growthbook'], {
  defaults: { baseUrl: 'https://api.growthbook.io/api', appUrl: 'https://app.growthbook.io' },
  pending: {
    noun: 'revision',
    async start() {
      const server = await startGrowthBook()
      server.state.guarded = true
      const { url: baseUrl, token } = server
      return { server, connection: { baseUrl, token, environment: 'production', review: 'on' } }
    },
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
        ...{ ends: 'fail', says: 'ended as changes-requested: changes were requested by u_2' },
      },
      discarded: { ...enter('discarded'), ends: 'fail', says: 'the draft was discarded' },
      deleted: {
        reach: ({ state }: GrowthBookServer) => state.revisions.splice(0),
        ...{ ends: 'fail', says: 'the revision no longer exists' },
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
    expect(server.calls.find(({ method }) => method === 'POST')).toMatchObject({ body })
    expect(server.state.features['slow-recommendations']?.enabled).toEqual({ production: false, dev: true })
  })

  test('sets the percentage and the state in one revision, and publishes it', async () => {
    const changed = await set({ state: 'off', percentage: 29, comment: 'Less' })
    expect(changed).toMatchObject({ data: { after: { state: 'off', percentage: 29 } } })
    const revision = 'revisions/2'
    expect(writes()).toEqual([
      'POST revisions',
      `PUT ${revision}/rules/fr_1`,
      `POST ${revision}/toggle`,
      `POST ${revision}/publish`,
    ])
    expect(newestOf(server.state.revisions).comment).toBe(`Less (Ref: caw-${keyOf(1)})`)
  })

  test('continues the draft of an earlier attempt', async () => {
    server.failNext(502, '', { on: 'PUT' })
    await expectFailure(set({ percentage: 50 }), { transient: true })
    expect(await set({ percentage: 50 }, { isRetry: true })).toMatchObject({ data: { after: { percentage: 50 } } })
    expect(server.state.revisions).toHaveLength(1)
  })

  test('refuses a percentage without a rollout for the environment alone', async () => {
    await expectFailure(set({ flag: 'checkout-v2', percentage: 5 }), 'refused', 'it has 0 rollouts')
    await expectFailure(set({ flag: 'shared-rollout', percentage: 5 }), 'refused', 'also applies to other environments')
    expect(server.state.revisions).toEqual([])
  })

  test('shows a warning, and ignores it only if the connection says so', async () => {
    server.state.warning = 'This feature is used in a running experiment'
    await expectFailure(set({ state: 'off' }), 'refused', 'running experiment')
    expect(await set({ state: 'off' }, {}, { ignoreWarnings: 'on' })).toMatchObject({ result: 'pass' })
  })

  test('shows that a change needs an approval if the connection does not request one', async () => {
    server.state.guarded = true
    await expectFailure(set({ state: 'off' }), 'refused', 'requires approval')
  })
})
