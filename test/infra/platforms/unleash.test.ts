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

test('A call with no token and one with a wrong token get Unleash’s 401s.', async () => {
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

test('The token is taken bare, and with Bearer before it.', async () => {
  for (const token of [demo.unleash.token, `Bearer ${demo.unleash.token}`]) {
    const { user } = await ok('GET', '/api/admin/user', undefined, token)
    expect(user).toMatchObject({ username: 'webhooks', accountType: 'Service Account' })
  }
})

test('A feature is shown with all its environments and their strategies.', async () => {
  expect(await ok('GET', flag)).toMatchObject({
    name: 'slow-recommendations',
    type: 'kill-switch',
    project: 'default',
    archived: false,
    stale: false,
    createdAt: expect.any(String),
    environments: [
      { name: 'development', type: 'development', enabled: true },
      {
        name: 'production',
        type: 'production',
        enabled: true,
        strategies: [
          {
            id: expect.any(String),
            name: 'flexibleRollout',
            disabled: false,
            sortOrder: 0,
            constraints: [],
            parameters: { groupId: 'slow-recommendations', rollout: '100', stickiness: 'default' },
          },
        ],
      },
      { name: 'production-guarded' },
    ],
  })
})

test('Switching answers 200 and nothing, also where it is so already, and is seen in that environment only.', async () => {
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

test('What is switched on and has only disabled strategies gets one for everybody.', async () => {
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

test('A strategy is added, read, and replaced; what a change does not give is its default, but title and disabled stay.', async () => {
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

test('A change that does not name the strategy anew takes the parameters as they are given.', async () => {
  const [{ id }] = await ok('GET', `${inProduction}/strategies`)
  const { parameters } = await ok('PUT', `${inProduction}/strategies/${id}`, { parameters: { rollout: '34' } })
  expect(parameters).toEqual({ rollout: '34' })
})

const elsewhere = `, but there's a feature with that name in project "default"`
test.each([
  ['GET', `${project}/features/nope`, `There's no feature named "nope" in project "default".`],
  [
    'POST',
    `${project}/features/nope/environments/production/on`,
    `There's no feature named "nope" in project "default".`,
  ],
  [
    'POST',
    '/api/admin/projects/shop/features/checkout-v2/environments/production/on',
    `There's no feature named "checkout-v2" in project "shop"${elsewhere}`,
  ],
  ['GET', `${flag}/environments/staging`, 'Could not find slow-recommendations in staging'],
  ['GET', `${flag}/environments/constructor`, 'Could not find slow-recommendations in constructor'],
  ['POST', `${flag}/environments/staging/off`, 'Could not find environment staging for feature: slow-recommendations'],
  ['GET', `${flag}/environments/staging/strategies`, 'Feature slow-recommendations does not have environment staging'],
  ['GET', `${inProduction}/strategies/nope`, 'Could not find strategy with id: nope'],
  ['PUT', `${inProduction}/strategies/nope`, 'Could not find strategy with id=nope'],
  ['GET', `${project}/change-requests/7`, 'Could not find change request with id: 7'],
])('%s %s is a 404 in Unleash’s words.', async (method, path, message) => {
  const { status, json } = await started.unleash(method, path, method === 'PUT' ? {} : undefined)
  expect(status).toBe(404)
  expect(json).toEqual({ name: 'NotFoundError', message, details: [{ message }] })
})

test('A path that there is not is a 404 with an id.', async () => {
  for (const [method, path] of [
    ['GET', '/api/admin/nothing'],
    ['GET', '/api/client/features'],
    ['DELETE', `${inProduction}/on`],
    ['POST', `${inProduction}/on/more`],
  ] as const) {
    const { status, json } = await started.unleash(method, path)
    const message = `The path you were looking for (${path}) is not available.`
    expect({ path, status }).toEqual({ path, status: 404 })
    expect(json).toEqual({ id: expect.any(String), name: 'NotFoundError', message, details: [{ message }] })
  }
})

test.each([
  ['no name', {}, 'The `/body/name` property is required. It was not present on the data you sent.'],
  ['an unknown name', { name: 'nonesuch' }, 'Could not find strategy type with name nonesuch'],
  [
    'a parameter that is no text',
    { name: 'default', parameters: { x: [1] } },
    'The `/body/parameters/x` property must be string. You sent [1].',
  ],
  [
    'constraints that are no list',
    { name: 'default', constraints: 'x' },
    'The `/body/constraints` property must be array. You sent "x".',
  ],
])('A strategy with %s is refused with a reason.', async (_, body, message) => {
  const { status, json } = await started.unleash('POST', `${inProduction}/strategies`, body)
  expect([status, json.name]).toEqual([400, 'BadDataError'])
  expect(json.details[0].message).toBe(message)
  expect(json.message).toMatch(/^Request validation failed: your request body or params contain invalid data/)
  expect(await ok('GET', `${inProduction}/strategies`)).toHaveLength(1)
})

test('A strategy for an environment that there is not, and a form, are refused.', async () => {
  const { status, json } = await started.unleash('POST', `${flag}/environments/staging/strategies`, { name: 'default' })
  expect([status, json.details]).toEqual([
    400,
    [{ message: 'You have not added the current environment to the project' }],
  ])
  const headers = { authorization: demo.unleash.token, 'content-type': 'application/x-www-form-urlencoded' }
  const form = await started.call('POST', `/unleash${inProduction}/strategies`, 'name=default', headers)
  expect([form.status, form.json]).toMatchObject([415, { id: expect.any(String), name: 'ContentTypeError' }])
})

describe('In an environment that demands change requests', () => {
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
  ])('%s %s is forbidden to everybody, and changes nothing.', async (method, path) => {
    for (const token of [demo.unleash.token, reviewerToken]) {
      const { status, json } = await started.unleash(method, path, { name: 'default' }, token)
      expect([status, json.name]).toEqual([403, 'PermissionError'])
      expect(json.message).toContain('you need the "SKIP_CHANGE_REQUEST" permission.')
    }
    expect(await isOn(inGuarded)).toBe(true)
  })

  test('the environments say so.', async () => {
    expect(await ok('GET', `${requests}/config`)).toMatchObject([
      { environment: 'development', changeRequestEnabled: false },
      { environment: 'production', changeRequestEnabled: false },
      { environment: 'production-guarded', changeRequestEnabled: true, requiredApprovals: 1 },
    ])
  })

  test('a change is asked for, sent to review, approved by somebody else, and made when it is applied.', async () => {
    const asked = await ask(off)
    expect(asked).toMatchObject({
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

  test('strategies are added and changed by a request too.', async () => {
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

  test('what is rejected or cancelled is not made, and can not be applied.', async () => {
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

  test('a further change goes into what the same person has pending, which must be approved anew.', async () => {
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

  test('it can be given a title and comments.', async () => {
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
    ['of an unknown feature', { ...off, feature: 'nope' }, 404],
    ['of no feature', { action: 'updateEnabled', payload: { enabled: true } }, 400],
    ['that nobody knows', { ...off, action: 'explode' }, 400],
    ['without its payload', { ...off, payload: {} }, 400],
  ])('a change %s is refused, and asked for is nothing.', async (_, body, expected) => {
    const path = `${project}/environments/production-guarded/change-requests`
    expect((await started.unleash('POST', path, body)).status).toBe(expected)
    expect(await ok('GET', `${requests}/pending`)).toEqual([])
  })

  test('the page of a request says how it goes on, with commands that a person can paste.', async () => {
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

test('A change request for an environment that demands none is refused.', async () => {
  const change = { feature: 'checkout-v2', action: 'updateEnabled', payload: { enabled: true } }
  expect((await started.unleash('POST', `${project}/environments/production/change-requests`, change)).status).toBe(400)
})

test('The address of a flag shows a page with its state in each environment.', async () => {
  await ok('POST', `${inProduction}/off`)
  const answer = await fetch(`${started.origin}/sandbox/unleash/projects/default/features/slow-recommendations`)
  expect(answer.headers.get('content-security-policy')).toContain("default-src 'none'")
  const text = await answer.text()
  for (const shown of ['slow-recommendations', 'development: on for 100 %', 'production: off for 100 %'])
    expect(text).toContain(shown)
  expect((await fetch(`${started.origin}/sandbox/unleash/projects/default/features/nope`)).status).toBe(404)
})
