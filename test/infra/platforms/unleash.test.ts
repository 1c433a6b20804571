import { describe, expect, test } from '@jest/globals'
import { demo } from '../../../infra/platforms/sandbox/demo.ts'
import { useSandbox } from './use.ts'

const started = useSandbox()
const project = '/api/admin/projects/default'
const flag = `${project}/features/slow-recommendations`
const inProduction = `${flag}/environments/production`
const inGuarded = `${flag}/environments/production-guarded`
const { reviewerToken } = demo.unleash

const ok = async (method: string, path: string, body?: unknown, token?: string) => {
  const { status, json } = await started.unleash(method, path, body, token)
  expect({ path, status }).toEqual({ path, status: 200 })
  return json
}
const isOn = async (place = inProduction) => (await ok('GET', place)).enabled

test('Unleash rejects requests without a valid token', async () => {
  const none = await started.call('POST', `/unleash${inProduction}/off`)
  expect([none.status, none.json.name]).toEqual([401, 'AuthenticationRequired'])
  const wrong = await started.unleash('POST', `${inProduction}/off`, undefined, 'wrong')
  expect(wrong.status).toBe(401)
  expect(wrong.json).toEqual({
    id: expect.any(String),
    name: 'UnauthorizedError',
    message: 'You must log in to use Unleash.',
    details: [{ message: 'You must log in to use Unleash.' }],
  })
  expect(await isOn()).toBe(true)
})

test('Unleash enables and disables a flag in one environment', async () => {
  for (const [what, expected] of [
    ['off', false],
    ['off', false],
    ['on', true],
    ['on', true],
  ] as const) {
    expect(await started.unleash('POST', `${inProduction}/${what}`)).toMatchObject({ status: 200, text: '' })
    expect(await isOn()).toBe(expected)
  }
  await ok('POST', `${inProduction}/off`, {})
  expect(await isOn(`${flag}/environments/development`)).toBe(true)
  expect(started.seen.map(({ note }) => note)).toContain('slow-recommendations is off in production')
})

test('Unleash enables a flag without active strategies for everyone', async () => {
  const [{ id }] = await ok('GET', `${inProduction}/strategies`)
  await ok('PUT', `${inProduction}/strategies/${id}`, { name: 'default', disabled: true })
  await ok('POST', `${inProduction}/off`)
  expect(await ok('GET', `${inProduction}/strategies`)).toHaveLength(1)
  await ok('POST', `${inProduction}/on`)
  expect(await ok('GET', `${inProduction}/strategies`)).toMatchObject([
    { id, name: 'default', disabled: true },
    { name: 'flexibleRollout', disabled: false, parameters: { rollout: '100' } },
  ])
})

test('Unleash replaces a strategy but keeps its title and whether it is disabled', async () => {
  const strategies = `${project}/features/checkout-v2/environments/production/strategies`
  const added = await ok('POST', strategies, {
    name: 'flexibleRollout',
    title: 'Testers',
    disabled: true,
    parameters: { rollout: 10, groupId: 'g' },
    constraints: [{ contextName: 'userId', operator: 'IN', values: ['1'] }],
  })
  expect(added).toMatchObject({
    title: 'Testers',
    disabled: true,
    sortOrder: 1,
    parameters: { rollout: '10', groupId: 'g', stickiness: 'default' },
    constraints: [{ contextName: 'userId' }],
  })
  expect(await ok('GET', `${strategies}/${added.id}`)).toEqual(added)
  expect(
    await ok('PUT', `${strategies}/${added.id}`, { name: 'flexibleRollout', parameters: { rollout: '50' } }),
  ).toEqual({
    ...added,
    constraints: [],
    parameters: { rollout: '50', groupId: 'checkout-v2', stickiness: 'default' },
  })
})

test('Unleash does not add default parameters to a change without a strategy name', async () => {
  const [{ id }] = await ok('GET', `${inProduction}/strategies`)
  const { parameters } = await ok('PUT', `${inProduction}/strategies/${id}`, { parameters: { rollout: '34' } })
  expect(parameters).toEqual({ rollout: '34' })
})

test.each([
  ['no name', {}, 'The `/body/name` property is required. It was not present on the data you sent.'],
  ['an unknown name', { name: 'nonesuch' }, 'Could not find strategy type with name nonesuch'],
  [
    'a parameter that is not text',
    { name: 'default', parameters: { x: [1] } },
    'The `/body/parameters/x` property must be string. You sent [1].',
  ],
  [
    'constraints that are not a list',
    { name: 'default', constraints: 'x' },
    'The `/body/constraints` property must be array. You sent "x".',
  ],
])('Unleash rejects a strategy with %s', async (_, body, message) => {
  const { status, json } = await started.unleash('POST', `${inProduction}/strategies`, body)
  expect([status, json.name]).toEqual([400, 'BadDataError'])
  expect(json.details[0].message).toBe(message)
  expect(json.message).toMatch(/^Request validation failed: your request body or params contain invalid data/)
  expect(await ok('GET', `${inProduction}/strategies`)).toHaveLength(1)
})

describe('Unleash: an environment with change requests', () => {
  const requests = `${project}/change-requests`
  const ask = (body: unknown, token?: string) =>
    ok('POST', `${project}/environments/production-guarded/change-requests`, body, token)
  const off = { feature: 'slow-recommendations', action: 'updateEnabled', payload: { enabled: false } }
  const move = (id: number, state: string, token?: string) =>
    started.unleash('PUT', `${requests}/${id}/state`, { state }, token)

  test.each([
    ['POST', `${inGuarded}/off`],
    ['POST', `${inGuarded}/strategies`],
    ['PUT', `${inGuarded}/strategies/slow-recommendations-production-guarded-strategy`],
  ])('rejects %s %s', async (method, path) => {
    for (const token of [demo.unleash.token, reviewerToken]) {
      const { status, json } = await started.unleash(method, path, { name: 'default' }, token)
      expect([status, json.name]).toEqual([403, 'PermissionError'])
      expect(json.message).toContain('you need the "SKIP_CHANGE_REQUEST" permission.')
    }
    expect(await isOn(inGuarded)).toBe(true)
  })

  test('makes a change after review, approval and application', async () => {
    expect(await ask(off)).toMatchObject({
      id: 1,
      state: 'Draft',
      environment: 'production-guarded',
      project: 'default',
      minApprovals: 1,
      createdBy: { username: 'webhooks' },
      features: [
        { name: 'slow-recommendations', changes: [{ id: 1, action: 'updateEnabled', payload: { enabled: false } }] },
      ],
      segments: [],
      stateTimestamps: { Draft: expect.any(String) },
    })
    expect((await move(1, 'In review')).json).toEqual({ state: 'In review' })
    expect((await move(1, 'Approved')).status).toBe(403)
    expect((await move(1, 'Approved', reviewerToken)).json).toEqual({ state: 'Approved' })
    expect(await isOn(inGuarded)).toBe(true)
    expect((await move(1, 'Applied')).json).toEqual({ state: 'Applied' })
    expect(await isOn(inGuarded)).toBe(false)
    const applied = await ok('GET', `${requests}/1`)
    expect(applied).toMatchObject({ state: 'Applied', approvals: [{ createdBy: { username: 'reviewer' } }] })
    expect(Object.keys(applied.stateTimestamps)).toEqual(['Draft', 'In review', 'Approved', 'Applied'])
  })

  test('adds and changes strategies', async () => {
    const id = 'slow-recommendations-production-guarded-strategy'
    await ask([
      { ...off, action: 'updateStrategy', payload: { id, name: 'flexibleRollout', parameters: { rollout: '5' } } },
      { ...off, action: 'addStrategy', payload: { name: 'default', parameters: {}, constraints: [] } },
    ])
    await move(1, 'In review')
    await move(1, 'Approved', reviewerToken)
    await move(1, 'Applied')
    expect(await ok('GET', `${inGuarded}/strategies`)).toMatchObject([
      { id, parameters: { rollout: '5' } },
      { name: 'default' },
    ])
  })

  test('does not apply a rejected or canceled request', async () => {
    await ask(off)
    expect((await move(1, 'Approved', reviewerToken)).status).toBe(400)
    await move(1, 'In review')
    expect((await move(1, 'Rejected', reviewerToken)).json).toEqual({ state: 'Rejected' })
    expect((await move(1, 'Applied')).status).toBe(400)
    expect((await ask(off)).id).toBe(2)
    expect((await move(2, 'Cancelled')).json).toEqual({ state: 'Cancelled' })
    expect((await move(2, 'In review')).status).toBe(400)
    expect(await isOn(inGuarded)).toBe(true)
  })

  test('adds a further change to the open request of the person and resets its approval', async () => {
    await ask(off)
    await move(1, 'In review')
    await move(1, 'Approved', reviewerToken)
    const more = await ask({ ...off, feature: 'checkout-v2' })
    expect(more).toMatchObject({ id: 1, state: 'In review', approvals: [] })
    expect(more.features.map(({ name }: { name: string }) => name)).toEqual(['slow-recommendations', 'checkout-v2'])
    expect((await ask(off, reviewerToken)).id).toBe(2)
    expect(await ok('GET', `${requests}/pending/checkout-v2`)).toMatchObject([{ id: 1 }])
    expect(await ok('GET', `${requests}/pending/slow-recommendations`)).toMatchObject([{ id: 1 }, { id: 2 }])
    expect(await ok('GET', `${requests}/pending`)).toMatchObject([{ id: 1 }])
    expect(await ok('GET', `${requests}/pending`, undefined, reviewerToken)).toMatchObject([{ id: 2 }])
  })

  test('changes the title and adds comments', async () => {
    await ask(off)
    await ok('PUT', `${requests}/1/title`, { title: 'Switch it off' })
    await ok('POST', `${requests}/1/comments`, { text: 'P-220355' })
    await ok('PUT', `${requests}/1/state`, { state: 'In review', comment: 'Please' })
    expect(await ok('GET', `${requests}/1`)).toMatchObject({
      title: 'Switch it off',
      comments: [{ text: 'P-220355', createdBy: { username: 'webhooks' } }, { text: 'Please' }],
    })
  })

  test.each([
    ['of an unknown flag', { ...off, feature: 'nope' }, 404],
    ['without a flag', { action: 'updateEnabled', payload: { enabled: true } }, 400],
    ['with an unknown action', { ...off, action: 'explode' }, 400],
    ['without a payload', { ...off, payload: {} }, 400],
  ])('rejects a change %s', async (_, body, expected) => {
    const path = `${project}/environments/production-guarded/change-requests`
    expect((await started.unleash('POST', path, body)).status).toBe(expected)
    expect(await ok('GET', `${requests}/pending`)).toEqual([])
  })

  test('shows the next steps on the page of a request, with commands', async () => {
    await ask({ ...off, feature: 'checkout-v2', payload: { enabled: true, note: '<script>' } })
    await move(1, 'In review')
    const [{ changeRequests }] = (await started.call('GET', '/flags')).json
    expect(changeRequests).toMatchObject([{ id: 1, state: 'In review', environment: 'production-guarded' }])
    const page = await (await fetch(changeRequests[0].url)).text()
    expect(page).not.toContain('<script>')
    expect(page).toContain(reviewerToken)
    expect(page).toContain(`${started.origin}/sandbox/unleash${requests}/1/state`)
    expect((await fetch(`${changeRequests[0].url}0`)).status).toBe(404)
  })
})

test('Unleash rejects a change request for an environment that does not use them', async () => {
  const change = { feature: 'checkout-v2', action: 'updateEnabled', payload: { enabled: true } }
  expect((await started.unleash('POST', `${project}/environments/production/change-requests`, change)).status).toBe(400)
})

test('Unleash shows the state of a flag on its page', async () => {
  await ok('POST', `${inProduction}/off`)
  const answer = await fetch(`${started.origin}/sandbox/unleash/projects/default/features/slow-recommendations`)
  expect(answer.headers.get('content-security-policy')).toContain("default-src 'none'")
  const text = await answer.text()
  for (const shown of ['slow-recommendations', 'development: on for 100 %', 'production: off for 100 %'])
    expect(text).toContain(shown)
  expect((await fetch(`${started.origin}/sandbox/unleash/projects/default/features/nope`)).status).toBe(404)
})
