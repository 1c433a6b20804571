import { readFileSync } from 'node:fs'
import { beforeEach, describe, expect, test } from '@jest/globals'
import type { ChangeRequest } from '../../../../infra/sandbox/platforms/unleash/changes.ts'
import { withState } from '../../../conformance/job.ts'
import { type ClientOptions, failureOf, keyOf } from '../../helpers.ts'
import { flagRow, type UnleashServer } from './fake.ts'
import { testUnleash } from './suite.ts'

const guard = withState({ guarded: ['production'] })
/** Returns a function that changes the request, such as its state. */
const change =
  (fields: object) =>
  ({ requests }: UnleashServer) =>
    requests.change(1, fields)
const createdBy = { username: 'mia' }
const decided = { rejections: [{ createdBy }], comments: [{ text: 'Not on a Friday', createdBy }] }
const time = '2026-12-01T06:00:00.000Z'
const suspended = { scheduledAt: time, status: 'suspended', reason: 'The strategy was deleted' }
const {
  server,
  set,
  flag,
  request: requestChange,
  poll,
} = testUnleash(flagRow, {
  refused: [
    {
      input: { state: 'on' },
      reason: 'The path you were looking for is not available.',
      change: (fake) => {
        guard(fake)
        const message = 'The path you were looking for is not available.'
        fake.failNext(404, { name: 'NotFoundError', message }, { on: 'POST' })
      },
    },
  ],
  pending: {
    noun: 'change request',
    guard,
    states: {
      'In review': { reach: () => undefined, says: 'In review (change request 1)' },
      Scheduled: {
        reach: change({ state: 'Scheduled', schedule: suspended }),
        says: `Scheduled for ${time}, suspended: The strategy was deleted (change request 1)`,
      },
      Approved: { reach: change({ state: 'Approved' }), ends: 'pass' },
      'Approved, but only a person may apply it': {
        reach(server: UnleashServer) {
          server.state.mayApply = false
          server.requests.change(1, { state: 'Approved' })
        },
        says: 'Approved, but must be applied by someone else, because Unleash refused it:',
      },
      ...Object.fromEntries(
        ['Rejected', 'Cancelled'].map((state) => [
          state,
          {
            reach: change({ state, ...decided }),
            ends: 'fail' as const,
            says: `change request 1 ended as ${state}: by mia; mia says: Not on a Friday`,
          },
        ]),
      ),
    },
  },
})

describe('Unleash: change requests', () => {
  beforeEach(() => void guard(server))

  const wanted = { state: 'on', percentage: 10 }
  const ask = (options?: ClientOptions, more: object = {}) => requestChange({ ...wanted, ...more }, options)
  const request = (id = 1) => {
    const found = server.requests.get(id)
    if (!found) throw new Error('There is no change request')
    return found
  }
  const changesOf = ({ features }: ChangeRequest) =>
    features.flatMap(({ name, changes }) => changes.map(({ action, payload }) => ({ feature: name, action, payload })))

  test('creates one with all changes and sends it to review', async () => {
    const { outcome } = await ask({}, { comment: 'Launch' })
    const [strategy] = flag().strategies
    const url = `${server.url}/projects/default/change-requests/1`
    expect(outcome.data).toMatchObject({ pending: [{ id: '1', noun: 'change request', url }] })
    expect(request()).toMatchObject({
      state: 'In review',
      environment: 'production',
      title: `Launch (caw-${keyOf(1)})`,
      comments: [{ text: 'Launch' }],
    })
    expect(changesOf(request())).toMatchObject([
      {
        feature: 'checkout-v2',
        action: 'updateStrategy',
        payload: { id: strategy?.id, name: 'flexibleRollout', parameters: { rollout: '10', groupId: 'checkout-v2' } },
      },
      { feature: 'checkout-v2', action: 'updateEnabled', payload: { enabled: true } },
    ])
    expect(flag().enabled).toBe(false)
  })

  test('requests a strategy for a flag without strategies', async () => {
    await set({ flag: 'bare', percentage: 10 })
    const expected = [{ action: 'addStrategy', payload: { name: 'flexibleRollout', parameters: { rollout: '10' } } }]
    expect(changesOf(request())).toMatchObject(expected)
  })

  test.each([
    ['was created', () => server.loseNext('POST')],
    [
      'was named',
      () => {
        // The first PUT is the one that is not allowed.
        server.failNext(403, { message: 'you need the "SKIP_CHANGE_REQUEST" permission' }, { on: 'PUT' })
        server.loseNext('PUT')
      },
    ],
  ])('a retry continues if the connection broke after the draft %s', async (_, breakOff) => {
    breakOff()
    expect(await failureOf(ask())).toMatchObject({ transient: true, mayHaveWritten: true })
    expect(request().state).toBe('Draft')
    await ask({ isRetry: true })
    expect(server.requests.list()).toHaveLength(1)
    expect(request()).toMatchObject({ state: 'In review', title: expect.stringContaining(keyOf(1)) })
    expect(changesOf(request())).toHaveLength(2)
  })

  test('waits while the request of another call is open', async () => {
    await ask()
    const other = await failureOf(set({ flag: 'bare', state: 'on' }, { key: keyOf(2) }))
    expect(other).toMatchObject({ kind: 'platform', transient: true })
    expect(other.message).toBe(
      `Unleash has the open change request 1 "Set feature flags (caw-${keyOf(1)})" of this user in production, and would add this change to it. It is In review: apply or cancel it first.`,
    )
    expect(changesOf(request())).toHaveLength(2)
    change({ state: 'Cancelled' })(server)
    await set({ flag: 'bare', state: 'on' }, { key: keyOf(2) })
    expect(request(2)).toMatchObject({ state: 'In review', title: expect.stringContaining(keyOf(2)) })
  })

  test('does not submit a draft that a person creates with the same token', async () => {
    await ask({ key: undefined })
    const { features, createdAt, createdBy: person } = request()
    const added = { id: 3, action: 'updateEnabled', payload: { enabled: true }, createdAt, createdBy: person }
    change({ state: 'Draft', features: [...features, { name: 'bare', changes: [added] }] })(server)
    expect(await failureOf(ask())).toMatchObject({ kind: 'platform', transient: true })
    expect(request().state).toBe('Draft')
  })

  test('creates one request for all flags of a call', async () => {
    const all = {
      flags: [
        { flag: 'checkout-v2', state: 'on' },
        { flag: 'slow-recommendations', state: 'off' },
      ],
    }
    const both = await requestChange(all)
    expect(both.outcome.message).toContain('change request 1 for checkout-v2, slow-recommendations')
    expect(changesOf(request()).map(({ feature }) => feature)).toEqual(['checkout-v2', 'slow-recommendations'])
    change({ state: 'Approved' })(server)
    const expected = { outcome: { result: 'pass', data: { changed: ['checkout-v2', 'slow-recommendations'] } } }
    expect(await poll(both, all)).toMatchObject(expected)
  })
})

/** Requests to a real Unleash 8.2 and its responses, in this order. */
const recorded = [
  'user-wrong-token feature feature-missing feature-in-another-project feature-archived off-archived on feature-on',
  'on-unknown-environment on-missing strategy-changed strategy-missing off on-without-strategy',
  'feature-without-strategy-on strategy-added on-guarded',
].flatMap((line) => line.split(' '))

test('the fake Unleash responds as a real one', async () => {
  const recordings = new URL('../../../fixtures/unleash/', import.meta.url)
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
    // The real server returns more properties.
    if (body === null) expect({ name, body: answer.body }).toEqual({ name, body: null })
    else expect({ name, body: withoutGenerated(answer.body) }).toMatchObject({ name, body: withoutGenerated(body) })
  }
})

function withoutGenerated(body: unknown): unknown {
  return JSON.parse(JSON.stringify(body), (name, value) => (['id', 'createdAt'].includes(name) ? `any ${name}` : value))
}
