import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { steadybit } from '../../../functions/chaos-testing/providers/steadybit.ts'
import { type Served, serve } from '../../../infra/platforms/loopback-server.ts'
import { type SteadybitServer, startSteadybit } from '../../../infra/platforms/steadybit.ts'
import { secretsIn } from '../../../shared/fields.ts'
import { failureOf, keyOf } from '../helpers.ts'
import { times } from '../times.ts'
import { experiment } from './experiment.ts'

let server: SteadybitServer
beforeEach(async () => {
  server = await startSteadybit()
})
afterEach(() => server.close())

const shop = { target: 'SHOP-1' }
const id = '123'
const url = 'https://platform.steadybit.com/experiments/edit/SHOP-1/executions/123?tenant=demo&team=SHOP'
const connected = (fields: object = {}) =>
  experiment(steadybit, () => ({ baseUrl: server.url, token: server.token, allow: ['SHOP-*'], ...fields }))
const starts = () => server.calls.filter(({ path }) => path.endsWith('/execute'))
const execution = () => {
  const found = server.state.executions.at(-1)
  if (!found) throw new Error('There is no execution')
  return found
}
/** Makes the newest execution older by the given hours. */
const age = (hours: number) => {
  execution().requested = new Date(Date.now() - hours * 3_600_000).toISOString()
}
const action = (actionKind: string, customLabel: string, state: string, more: object = {}) => ({
  stepType: 'ACTION' as const,
  actionId: 'com.steadybit.extension_container.network_delay',
  actionKind,
  customLabel,
  state,
  ...more,
})

describe('Steadybit: connection', () => {
  test('the check lists one execution', async () => {
    await steadybit.check(connected().client())
    expect(server.calls).toMatchObject([
      { method: 'POST', path: '/api/experiments/executions', body: { page: 0, size: 1 } },
    ])
  })

  test("uses Steadybit's own URL and no parallel runs by default", () => {
    expect(steadybit.connection.parse({ token: 'a-token', allow: 'SHOP-1, ADM-*' })).toEqual({
      baseUrl: 'https://platform.steadybit.com',
      token: 'a-token',
      allow: ['SHOP-1', 'ADM-*'],
      parallel: 'off',
      variables: [],
    })
  })

  test.each([[undefined], [[]], ['']])('requires a non-empty allow: %j', (allow) => {
    expect(steadybit.connection.safeParse({ token: 'a-token', allow }).success).toBe(false)
  })

  test('an invalid token is a credentials failure without the token', async () => {
    const failure = await failureOf(connected({ token: 'a-wrong-token' }).start(shop))
    expect(failure).toMatchObject({ kind: 'credentials' })
    expect(failure.message).toContain('The access token is not valid.')
    expect(failure.message).not.toContain('a-wrong-token')
  })

  test('the token is a secret', async () => {
    expect(secretsIn(steadybit.connection, { token: server.token })).toEqual([server.token])
    server.state.invalid = `token ${server.token}`
    expect((await failureOf(connected().start(shop))).message).not.toContain(server.token)
  })
})

describe('Steadybit: start', () => {
  test('runs the experiment with the key in a variable and returns at once', async () => {
    const { outcome } = await connected().start(shop)
    expect(outcome).toMatchObject({
      status: 'succeeded',
      result: 'pass',
      data: { id, url, state: 'started' },
      links: { 'steadybit 123': url },
    })
    expect(execution().variables).toEqual({ cloudAutomationWebhooksKey: keyOf(1) })
    expect(starts()[0]).toMatchObject({ path: '/api/experiments/SHOP-1/execute' })
    expect(starts()[0]?.query.get('allowParallel')).toBe('false')
  })

  test('takes the experiment from the connection, and sends no body without a key', async () => {
    await connected({ target: 'SHOP-2' }).start({}, { key: undefined })
    expect(server.calls).toMatchObject([{ path: '/api/experiments/SHOP-2/execute', body: undefined }])
  })

  test('sets the variables that the connection allows, as text', async () => {
    const parameters = { zone: 'a', percent: 50 }
    await connected({ variables: ['zone', 'per*'] }).start({ ...shop, parameters })
    expect(execution().variables).toMatchObject({ zone: 'a', percent: '50' })
  })

  test.each([
    ['an invalid target', { target: '../templates' }, 'input.target must be an experiment key'],
    ['a project', { project: 'SHOP' }, 'input.project is not supported'],
    ['a ref', { ref: '2' }, 'input.ref is not supported'],
  ])('rejects %s before sending a request', async (_what, input, message) => {
    const failure = await failureOf(connected({ allow: '*' }).start({ ...shop, ...input }))
    expect(failure).toMatchObject({ kind: 'invalid', status: 400 })
    expect(failure.message).toContain(message)
    expect(server.calls).toEqual([])
  })

  test.each([
    ['an experiment', { allow: ['ADM-*', 'SHOP-10'] }, {}, 'outside the blast radius'],
    ['a variable', {}, { parameters: { zone: '*' } }, 'input.parameters.zone may not be set'],
    [
      'one of several variables',
      { variables: 'zone' },
      { parameters: { zone: 'a', env: 'b' } },
      'parameters.env may not',
    ],
    [
      'the variable of the idempotency key',
      { variables: '*' },
      { parameters: { cloudAutomationWebhooksKey: keyOf(2) } },
      'cloudAutomationWebhooksKey may not',
    ],
  ])('rejects %s that the connection does not allow', async (_what, fields, input, message) => {
    const failure = await failureOf(connected(fields).start({ ...shop, ...input }))
    expect(failure).toMatchObject({ kind: 'refused', status: 422 })
    expect(failure.message).toContain(message)
    expect(server.calls).toEqual([])
  })

  test('reports the reason that Steadybit gives', async () => {
    expect((await failureOf(connected().start({ target: 'SHOP-9' }))).message).toContain(
      '404 to POST /api/experiments/SHOP-9/execute: Experiment SHOP-9 not found.',
    )
    server.state.mayRun = false
    expect(await failureOf(connected().start(shop))).toMatchObject({
      kind: 'refused',
      message: expect.stringContaining('has no access to the team of the experiment'),
    })
  })

  test('rejects an invalid experiment', async () => {
    server.state.invalid = 'lanes[0].steps[0].blastRadius: Please specify a query to select targets.'
    const failure = await failureOf(connected().start(shop))
    expect(failure).toMatchObject({ kind: 'refused', transient: false })
    expect(failure.message).toContain('Please specify a query to select targets.')
  })

  test.each([409, 422])('waits for another running experiment, reported with %s', async (status) => {
    const another = {
      type: 'https://steadybit.com/problems/another-experiment-running-exception',
      status,
      title: 'Another experiment is running',
    }
    server.failNext(status, another, { on: 'POST' })
    const failure = await failureOf(connected().start(shop, { key: undefined }))
    expect(failure).toMatchObject({ transient: true, mayHaveWritten: false })
    expect(failure.message).toContain('Another experiment is running')
  })

  test('runs in parallel with others if the connection allows it', async () => {
    server.state.busy = true
    expect(await failureOf(connected().start(shop))).toMatchObject({ transient: true, mayHaveWritten: false })
    await connected({ parallel: true }).start(shop)
    expect(starts().map(({ query }) => query.get('allowParallel'))).toEqual(['false', 'true'])
    expect(server.state.executions).toHaveLength(1)
  })

  test('returns the wait time of Steadybit', async () => {
    const headers = { 'ratelimit-limit': '100;w=60', 'ratelimit-remaining': '0', 'ratelimit-reset': '46' }
    server.failNext(429, { title: 'Too Many Requests' }, { on: 'POST', headers })
    expect(await failureOf(connected().start(shop, { key: undefined }))).toMatchObject({
      transient: true,
      retryAfter: 46,
      mayHaveWritten: false,
    })
  })

  test('is transient while Steadybit is down', async () => {
    server.down()
    expect(await failureOf(connected().start(shop))).toMatchObject({ transient: true, mayHaveWritten: false })
  })
})

describe('Steadybit: id of an execution', () => {
  let elsewhere: Served
  beforeEach(async () => {
    elsewhere = await serve(() => ({ status: 200, body: { id: 666, state: 'COMPLETED' } }))
  })
  afterEach(() => elsewhere.close())

  test.each([
    ['absolute', () => `${server.url}/api/experiments/executions/123`],
    ['relative', () => '/api/experiments/executions/123'],
  ])('comes from an %s location if the response has no body', async (_what, location) => {
    Object.assign(server.state, { body: 'empty', location: location() })
    const started = await connected().start(shop)
    expect(started.outcome.data).toMatchObject({ id, url: `${server.url}/experiments/edit/SHOP-1/executions/123` })
    server.enter('COMPLETED')
    expect(await connected().end(started, shop)).toMatchObject({ result: 'pass' })
  })

  test('is rejected if the location is on another host, which receives no request', async () => {
    Object.assign(server.state, { body: 'empty', location: `${elsewhere.url}/api/experiments/executions/666` })
    const failure = await failureOf(connected().start(shop))
    expect(failure).toMatchObject({ kind: 'refused', transient: false })
    expect(failure.message).toContain(`its location is at ${elsewhere.url}`)
    expect(failure.message).not.toContain(server.token)
    expect(elsewhere.calls).toEqual([])
  })

  test('is used only on the host of the connection, regardless of the location', async () => {
    server.state.location = `${elsewhere.url}/api/experiments/executions/666`
    const started = await connected().start(shop)
    expect(started.outcome.data).toMatchObject({ id })
    server.enter('FAILED')
    expect(await connected().end(started, shop)).toMatchObject({ result: 'fail', data: { id } })
    expect(elsewhere.calls).toEqual([])
  })

  test.each(['', 'http://[', '/api/experiments/executions/../../users', 'executions/12x'])(
    'is rejected if the location is %j',
    async (location) => {
      Object.assign(server.state, { body: 'empty', location })
      const failure = await failureOf(connected().start(shop))
      expect(failure).toMatchObject({ kind: 'refused', transient: false })
      expect(failure.message).toContain('returned no execution id')
    },
  )

  test.each(['javascript:alert(1)', 'data:text/html,x', 'not a page', ''])(
    'has no link if the page is %j',
    async (uiLocation) => {
      server.state.uiLocation = uiLocation
      const { outcome } = await connected().start(shop)
      expect(outcome.links).toEqual({ 'steadybit 123': `${server.url}/experiments/edit/SHOP-1/executions/123` })
    },
  )
})

describe('Steadybit: start with a lost response', () => {
  // Calls the provider directly, because the action sends a POST to search first.
  const lose = async () => {
    server.loseNext('POST')
    const failure = await failureOf(steadybit.start(connected().client(), shop))
    expect(failure).toMatchObject({ transient: true, mayHaveWritten: true })
  }

  test('a retry finds the execution by its key once it has started', async () => {
    await lose()
    const waiting = await failureOf(connected().start(shop, { isRetry: true }))
    expect(waiting).toMatchObject({ transient: true })
    expect(waiting.message).toContain('execution 123 of SHOP-1 as CREATED')
    server.enter('RUNNING')
    const { outcome } = await connected().start(shop, { isRetry: true })
    expect(outcome.data).toMatchObject({ id, url: `${server.url}/experiments/edit/SHOP-1/executions/123` })
    expect(starts()).toHaveLength(1)
  })

  test('a retry starts the experiment if only other calls have executions', async () => {
    await connected().start(shop, { key: keyOf(2) })
    server.enter('COMPLETED')
    await connected().start({ target: 'SHOP-2' }, { key: keyOf(1) })
    await connected().start(shop, { isRetry: true })
    expect(server.state.executions.map(({ key }) => key)).toEqual(['SHOP-1', 'SHOP-2', 'SHOP-1'])
  })

  test('a repeated call ignores an execution that is older than a day, but a retry finds it', async () => {
    await connected().start(shop)
    server.enter('COMPLETED')
    age(26)
    await connected().start(shop)
    server.enter('COMPLETED')
    expect(server.state.executions).toHaveLength(2)
    age(26)
    expect((await connected().start(shop, { isRetry: true })).outcome.data).toMatchObject({ id: '124' })
  })

  test('the outcome is unknown if an execution has no variables', async () => {
    server.state.showsVariables = false
    await lose()
    server.enter('RUNNING')
    expect(await failureOf(connected().start(shop, { isRetry: true }))).toMatchObject({ kind: 'doubtful' })
    expect(starts()).toHaveLength(1)
  })

  test('the outcome is unknown if the token may not read executions', async () => {
    server.state.mayList = false
    await lose()
    expect(await failureOf(connected().start(shop, { isRetry: true }))).toMatchObject({ kind: 'doubtful' })
    expect(starts()).toHaveLength(1)
  })
})

test('Steadybit: a second delivery of an event finds the execution after it has ended', async () => {
  await connected().start(shop)
  server.enter('COMPLETED')
  expect((await connected().start(shop)).outcome.data).toMatchObject({ id })
  expect(starts()).toHaveLength(1)
})

test('Steadybit: a start waits until it is known to whom a preparing execution belongs', async () => {
  await connected().start(shop, { key: keyOf(2) })
  expect(await failureOf(connected({ parallel: 'on' }).start(shop))).toMatchObject({
    transient: true,
    mayHaveWritten: false,
  })
  expect(starts()).toHaveLength(1)
})

describe('Steadybit: execution', () => {
  test.each([
    ['CREATED', 'keeps running'],
    ['REQUESTED', 'keeps running'],
    ['PREPARED', 'keeps running'],
    ['RUNNING', 'keeps running'],
    ['COMPLETED', 'succeeded', 'pass'],
    ['FAILED', 'succeeded', 'fail'],
    ['ERRORED', 'errored', 'fail'],
    ['CANCELED', 'aborted', 'fail'],
  ])('in the state %s: %s', async (state, status, result = '') => {
    const started = await connected().start(shop)
    server.enter(state)
    if (status === 'keeps running') {
      expect(await connected().poll(started, shop)).toMatchObject({ status: state })
    } else {
      expect(await connected().end(started, shop)).toMatchObject({ status, result, data: { id, url, state } })
    }
  })

  test.each(['PAUSED', 'constructor'])('keeps running in the unknown state %s, and reports it', async (state) => {
    const started = await connected().start(shop)
    server.enter(state)
    expect(await connected().poll(started, shop)).toMatchObject({ status: `${state} (unknown state)` })
  })

  test('reports the hypothesis and the injected faults', async () => {
    const started = await connected().start(shop)
    const steps = [
      { stepType: 'WAIT' as const, state: 'COMPLETED' },
      action('CHECK', 'Checkout answers', 'COMPLETED'),
      action('ATTACK', 'Slow network', 'COMPLETED', { totalTargetCount: 3 }),
      action('ATTACK', '', 'ERRORED', { totalTargetCount: 0 }),
      action('ATTACK', 'Never reached', 'SKIPPED'),
    ]
    server.enter('COMPLETED', { steps })
    expect((await connected().end(started, shop)).data).toEqual({
      ...times,
      id,
      url,
      state: 'COMPLETED',
      experiment: 'SHOP-1',
      name: 'Shop survives latency',
      duration: 90,
      hypothesis: 'Checkout stays below 500 ms',
      injected: [
        'Slow network on 3 targets: COMPLETED',
        'com.steadybit.extension_container.network_delay on 0 targets: ERRORED',
      ],
      failedStep: 'com.steadybit.extension_container.network_delay',
    })
  })

  test('a failure has the reason that Steadybit gives', async () => {
    const started = await connected().start(shop)
    const steps = [action('CHECK', 'Checkout answers', 'FAILED', { reason: 'success rate 80 %' })]
    server.enter('FAILED', { reason: 'Check failure.', steps })
    const ended = await connected().end(started, shop)
    expect(ended).toMatchObject({ result: 'fail', data: { failedStep: 'Checkout answers' } })
    expect(ended.message).toBe(
      'Execution 123 ended as FAILED: Check failure.; step "Checkout answers" FAILED (success rate 80 %)',
    )
  })

  test.each([
    ['ERRORED', { failureReason: 'No agent' }, 'Execution 123 ended as ERRORED: No agent'],
    ['CANCELED', { canceledBy: { name: 'Mia', username: 'mia' } }, 'Execution 123 ended as CANCELED: canceled by Mia'],
    ['CANCELED', { reason: 'another experiment was running' }, 'ended as CANCELED: another experiment was running'],
  ])('in the state %s with %j, reports the reason', async (state, what, message) => {
    const started = await connected().start(shop)
    server.enter(state, what)
    expect((await connected().end(started, shop)).message).toContain(message)
  })

  test('has its verdict even if its steps cannot be read, and reports that', async () => {
    const started = await connected().start(shop)
    server.enter('COMPLETED')
    server.state.stepsFail = true
    const ended = await connected().end(started, shop)
    expect(ended).toMatchObject({ status: 'succeeded', result: 'pass' })
    expect(ended.message).toContain('its steps could not be read (Steadybit answered 502')
  })

  test('is judged by thresholds', async () => {
    const input = { ...shop, thresholds: [{ metric: 'duration', op: '<', value: 60 }] }
    const started = await connected().start(input)
    server.enter('COMPLETED')
    expect(await connected().end(started, input)).toMatchObject({
      result: 'fail',
      message: expect.stringContaining('duration is 90, not < 60'),
    })
  })

  test('keeps running while Steadybit is down, and is refused if it no longer exists', async () => {
    const started = await connected().start(shop)
    server.failNext(500, '<html><title>Oops</title>')
    expect(await failureOf(connected().poll(started, shop))).toMatchObject({ transient: true })
    server.failNext(200, { id: 123 })
    expect(await failureOf(connected().poll(started, shop))).toMatchObject({ transient: true })
    server.state.executions = []
    expect(await failureOf(connected().poll(started, shop))).toMatchObject({
      kind: 'refused',
      message: expect.stringContaining('The execution was not found.'),
    })
  })
})

describe('Steadybit: stop', () => {
  test('cancels an execution by id', async () => {
    await connected().start(shop)
    server.enter('RUNNING')
    const outcome = await connected().stop({ id })
    expect(outcome).toMatchObject({
      result: 'pass',
      message: 'Stopped execution 123 (CANCELED)',
      data: { id, url: `${server.url}/experiments/edit/SHOP-1/executions/123`, state: 'CANCELED' },
    })
    expect(server.calls.filter(({ path }) => path.endsWith('/cancel'))).toMatchObject([
      { method: 'POST', path: '/api/experiments/executions/123/cancel', body: undefined },
    ])
  })

  test('also cancels it at the deadline', async () => {
    const started = await connected().start(shop)
    expect(await connected().stopAtDeadline(started, shop)).toBe(true)
    expect(execution().state).toBe('CANCELED')
  })

  test('waits for an execution that is still running', async () => {
    await connected().start(shop)
    server.enter('RUNNING')
    server.state.slow = true
    expect(await connected().stop({ id })).toMatchObject({ message: 'still RUNNING' })
  })

  test('passes for an execution that has ended, even between the poll and the cancellation', async () => {
    await connected().start(shop)
    server.enter('COMPLETED')
    expect(await connected().stop({ id })).toMatchObject({ message: 'Execution 123 had ended already (COMPLETED)' })
    expect(server.calls.filter(({ path }) => path.endsWith('/cancel'))).toEqual([])
    await steadybit.stop(connected().client(), { id })
    expect(execution().state).toBe('COMPLETED')
  })

  test('reports the reason for a refusal', async () => {
    await connected().start(shop)
    server.state.mayRun = false
    expect((await failureOf(connected().stop({ id }))).message).toContain('/123/cancel: Access is denied.')
    expect((await failureOf(connected().stop({ id: '9' }))).message).toContain('The execution was not found.')
    server.down()
    expect(await failureOf(connected().stop({ id }))).toMatchObject({ transient: true })
  })

  test.each(['SHOP-1', '../1', '1/2', '12a'])('rejects the id %j', async (wrong) => {
    const failure = await failureOf(connected().stop({ id: wrong }))
    expect(failure).toMatchObject({ kind: 'invalid', message: expect.stringContaining('must be an execution number') })
    expect(server.calls).toEqual([])
  })
})
