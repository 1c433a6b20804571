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
/** As if the newest execution had been requested so many hours earlier. */
const age = (hours: number) => {
  execution().requested = new Date(Date.now() - hours * 3_600_000).toISOString()
}
const action = (actionKind: string, customLabel: string, state: string, more: object = {}) => ({
  ...{ stepType: 'ACTION' as const, actionId: 'com.steadybit.extension_container.network_delay' },
  ...{ actionKind, customLabel, state, ...more },
})

describe('the connection', () => {
  test('is checked with one execution', async () => {
    await steadybit.check(connected().client())
    expect(server.calls).toMatchObject([
      { method: 'POST', path: '/api/experiments/executions', body: { page: 0, size: 1 } },
    ])
  })

  test('is with Steadybit where it names no other place, and runs nothing in parallel', () => {
    expect(steadybit.connection.parse({ token: 'a-token', allow: 'SHOP-1, ADM-*' })).toEqual({
      ...{ baseUrl: 'https://platform.steadybit.com', token: 'a-token', allow: ['SHOP-1', 'ADM-*'] },
      ...{ parallel: 'off', variables: [] },
    })
  })

  test.each([[undefined], [[]], ['']])('must say what may be run: %j is not enough', (allow) => {
    expect(steadybit.connection.safeParse({ token: 'a-token', allow }).success).toBe(false)
  })

  test('says that a token is wrong, and not which', async () => {
    const failure = await failureOf(connected({ token: 'a-wrong-token' }).start(shop))
    expect(failure).toMatchObject({ kind: 'credentials' })
    expect(failure.message).toContain('The access token is not valid.')
    expect(failure.message).not.toContain('a-wrong-token')
  })

  test('has its token masked wherever it turns up', async () => {
    expect(secretsIn(steadybit.connection, { token: server.token })).toEqual([server.token])
    server.state.invalid = `token ${server.token}`
    expect((await failureOf(connected().start(shop))).message).not.toContain(server.token)
  })
})

describe('a start', () => {
  test('runs the experiment with its key in a variable, and answers at once', async () => {
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

  test('takes the experiment from the connection, and sends nothing where the call has no key', async () => {
    await connected({ target: 'SHOP-2' }).start({}, { key: undefined })
    expect(server.calls).toMatchObject([{ path: '/api/experiments/SHOP-2/execute', body: undefined }])
  })

  test('sets the variables that the connection allows, as text', async () => {
    const parameters = { zone: 'a', percent: 50 }
    await connected({ variables: ['zone', 'per*'] }).start({ ...shop, parameters })
    expect(execution().variables).toMatchObject({ zone: 'a', percent: '50' })
  })

  test.each([
    ['a target that is no key', { target: '../templates' }, 'input.target is no experiment'],
    ['a project', { project: 'SHOP' }, 'input.project is of no use'],
    ['a ref', { ref: '2' }, 'input.ref is of no use'],
  ])('is refused before anything is sent for %s', async (_what, input, message) => {
    const failure = await failureOf(connected({ allow: '*' }).start({ ...shop, ...input }))
    expect(failure).toMatchObject({ kind: 'invalid', status: 400 })
    expect(failure.message).toContain(message)
    expect(server.calls).toEqual([])
  })

  test.each([
    ['an experiment', { allow: ['ADM-*', 'SHOP-10'] }, {}, 'outside of the blast radius'],
    ['a variable', {}, { parameters: { zone: '*' } }, 'input.parameters.zone may not be set'],
    [
      'a variable beside others',
      { variables: 'zone' },
      { parameters: { zone: 'a', env: 'b' } },
      'parameters.env may not',
    ],
    [
      'our own variable',
      { variables: '*' },
      { parameters: { cloudAutomationWebhooksKey: keyOf(2) } },
      'cloudAutomationWebhooksKey may not',
    ],
  ])('is refused for %s that the connection does not allow', async (_what, fields, input, message) => {
    const failure = await failureOf(connected(fields).start({ ...shop, ...input }))
    expect(failure).toMatchObject({ kind: 'refused', status: 422 })
    expect(failure.message).toContain(message)
    expect(server.calls).toEqual([])
  })

  test('says in the words of Steadybit why it is refused', async () => {
    expect((await failureOf(connected().start({ target: 'SHOP-9' }))).message).toContain(
      '404 to POST /api/experiments/SHOP-9/execute: Experiment SHOP-9 not found.',
    )
    server.state.mayRun = false
    expect(await failureOf(connected().start(shop))).toMatchObject({
      kind: 'refused',
      message: expect.stringContaining('has no access to the team of the experiment'),
    })
  })

  test('is refused for an experiment that is not valid', async () => {
    server.state.invalid = 'lanes[0].steps[0].blastRadius: Please specify a query to select targets.'
    const failure = await failureOf(connected().start(shop))
    expect(failure).toMatchObject({ kind: 'refused', transient: false })
    expect(failure.message).toContain('Please specify a query to select targets.')
  })

  test.each([409, 422])('waits for another experiment that runs, whether that is a %s', async (status) => {
    const another = {
      ...{ type: 'https://steadybit.com/problems/another-experiment-running-exception', status },
      title: 'Another experiment is running',
    }
    server.failNext(status, another, { on: 'POST' })
    const failure = await failureOf(connected().start(shop, { key: undefined }))
    expect(failure).toMatchObject({ transient: true, afterWrite: false })
    expect(failure.message).toContain('Another experiment is running')
  })

  test('runs beside others where the connection allows that', async () => {
    server.state.busy = true
    expect(await failureOf(connected().start(shop))).toMatchObject({ transient: true, afterWrite: false })
    await connected({ parallel: true }).start(shop)
    expect(starts().map(({ query }) => query.get('allowParallel'))).toEqual(['false', 'true'])
    expect(server.state.executions).toHaveLength(1)
  })

  test('stays away for as long as it is asked to', async () => {
    const headers = { 'ratelimit-limit': '100;w=60', 'ratelimit-remaining': '0', 'ratelimit-reset': '46' }
    server.failNext(429, { title: 'Too Many Requests' }, { on: 'POST', headers })
    expect(await failureOf(connected().start(shop, { key: undefined }))).toMatchObject({
      ...{ transient: true, retryAfter: 46, afterWrite: false },
    })
  })

  test('can be tried again where Steadybit is down', async () => {
    server.down()
    expect(await failureOf(connected().start(shop))).toMatchObject({ transient: true, afterWrite: false })
  })
})

describe('where an execution is', () => {
  let elsewhere: Served
  beforeEach(async () => {
    elsewhere = await serve(() => ({ status: 200, body: { id: 666, state: 'COMPLETED' } }))
  })
  afterEach(() => elsewhere.close())

  test.each([
    ['absolute', () => `${server.url}/api/experiments/executions/123`],
    ['relative', () => '/api/experiments/executions/123'],
  ])('is taken from an %s location, where the answer has no body', async (_what, location) => {
    Object.assign(server.state, { body: 'empty', location: location() })
    const begun = await connected().start(shop)
    expect(begun.outcome.data).toMatchObject({ id, url: `${server.url}/experiments/edit/SHOP-1/executions/123` })
    server.enter('COMPLETED')
    expect(await connected().end(begun, shop)).toMatchObject({ result: 'pass' })
  })

  test('is refused where the location is with another host, which is not asked', async () => {
    Object.assign(server.state, { body: 'empty', location: `${elsewhere.url}/api/experiments/executions/666` })
    const failure = await failureOf(connected().start(shop))
    expect(failure).toMatchObject({ kind: 'refused', transient: false })
    expect(failure.message).toContain(`at ${elsewhere.url}, which is not followed`)
    expect(failure.message).not.toContain(server.token)
    expect(elsewhere.calls).toEqual([])
  })

  test('is asked of the host of the connection only, wherever the location is', async () => {
    server.state.location = `${elsewhere.url}/api/experiments/executions/666`
    const begun = await connected().start(shop)
    expect(begun.outcome.data).toMatchObject({ id })
    server.enter('FAILED')
    expect(await connected().end(begun, shop)).toMatchObject({ result: 'fail', data: { id } })
    expect(elsewhere.calls).toEqual([])
  })

  test.each(['', 'http://[', '/api/experiments/executions/../../users', 'executions/12x'])(
    'is refused where the location is %j',
    async (location) => {
      Object.assign(server.state, { body: 'empty', location })
      const failure = await failureOf(connected().start(shop))
      expect(failure).toMatchObject({ kind: 'refused', transient: false })
      expect(failure.message).toContain('names no execution')
    },
  )

  test.each(['javascript:alert(1)', 'data:text/html,x', 'not a page', ''])(
    'is no link where the page is %j',
    async (uiLocation) => {
      server.state.uiLocation = uiLocation
      const { outcome } = await connected().start(shop)
      expect(outcome.links).toEqual({ 'steadybit 123': `${server.url}/experiments/edit/SHOP-1/executions/123` })
    },
  )
})

describe('a start whose answer was lost', () => {
  // Not by the action: its first POST is that of the look-up.
  const lose = async () => {
    server.loseNext('POST')
    const failure = await failureOf(steadybit.start(connected().client(), shop))
    expect(failure).toMatchObject({ transient: true, afterWrite: true })
  }

  test('is found by its key, once it has started', async () => {
    await lose()
    const waiting = await failureOf(connected().start(shop, { isRetry: true }))
    expect(waiting).toMatchObject({ transient: true })
    expect(waiting.message).toContain('execution 123 of SHOP-1 CREATED')
    server.enter('RUNNING')
    const { outcome } = await connected().start(shop, { isRetry: true })
    expect(outcome.data).toMatchObject({ id, url: `${server.url}/experiments/edit/SHOP-1/executions/123` })
    expect(starts()).toHaveLength(1)
  })

  test('is repeated where it is not there, beside the executions of other calls', async () => {
    await connected().start(shop, { key: keyOf(2) })
    server.enter('COMPLETED')
    await connected().start({ target: 'SHOP-2' }, { key: keyOf(1) })
    await connected().start(shop, { isRetry: true })
    expect(server.state.executions.map(({ key }) => key)).toEqual(['SHOP-1', 'SHOP-2', 'SHOP-1'])
  })

  test('is repeated where an execution of long ago carries its key', async () => {
    await connected().start(shop)
    server.enter('COMPLETED')
    age(26)
    await connected().start(shop)
    server.enter('COMPLETED')
    expect(server.state.executions).toHaveLength(2)
    age(26)
    expect((await connected().start(shop, { isRetry: true })).outcome.data).toMatchObject({ id: '124' })
  })

  test('is in doubt where an execution does not show its variables', async () => {
    server.state.showsVariables = false
    await lose()
    server.enter('RUNNING')
    expect(await failureOf(connected().start(shop, { isRetry: true }))).toMatchObject({ kind: 'doubtful' })
    expect(starts()).toHaveLength(1)
  })

  test('is in doubt where executions can not be seen', async () => {
    server.state.mayList = false
    await lose()
    expect(await failureOf(connected().start(shop, { isRetry: true }))).toMatchObject({ kind: 'doubtful' })
    expect(starts()).toHaveLength(1)
  })
})

test('a second delivery of an event finds the execution, though it has ended', async () => {
  await connected().start(shop)
  server.enter('COMPLETED')
  expect((await connected().start(shop)).outcome.data).toMatchObject({ id })
  expect(starts()).toHaveLength(1)
})

test('a start waits until it is told whose execution the one is that is being prepared', async () => {
  await connected().start(shop, { key: keyOf(2) })
  expect(await failureOf(connected({ parallel: 'on' }).start(shop))).toMatchObject({
    ...{ transient: true, afterWrite: false },
  })
  expect(starts()).toHaveLength(1)
})

describe('an execution', () => {
  test.each([
    ['CREATED', 'goes on'],
    ['REQUESTED', 'goes on'],
    ['PREPARED', 'goes on'],
    ['RUNNING', 'goes on'],
    ['COMPLETED', 'succeeded', 'pass'],
    ['FAILED', 'succeeded', 'fail'],
    ['ERRORED', 'errored', 'fail'],
    ['CANCELED', 'aborted', 'fail'],
  ])('that is %s: it %s', async (state, status, result = '') => {
    const begun = await connected().start(shop)
    server.enter(state)
    if (status === 'goes on') {
      expect(await connected().poll(begun, shop)).toMatchObject({ status: state })
    } else {
      expect(await connected().end(begun, shop)).toMatchObject({ status, result, data: { id, url, state } })
    }
  })

  test.each(['PAUSED', 'constructor'])('whose state %s is not known goes on, and says so', async (state) => {
    const begun = await connected().start(shop)
    server.enter(state)
    expect(await connected().poll(begun, shop)).toMatchObject({ status: `${state} (unknown state)` })
  })

  test('tells the hypothesis and what was injected', async () => {
    const begun = await connected().start(shop)
    const steps = [
      { stepType: 'WAIT' as const, state: 'COMPLETED' },
      action('CHECK', 'Checkout answers', 'COMPLETED'),
      action('ATTACK', 'Slow network', 'COMPLETED', { totalTargetCount: 3 }),
      action('ATTACK', '', 'ERRORED', { totalTargetCount: 0 }),
      action('ATTACK', 'Never reached', 'SKIPPED'),
    ]
    server.enter('COMPLETED', { steps })
    expect((await connected().end(begun, shop)).data).toEqual({
      ...times,
      ...{ id, url, state: 'COMPLETED', experiment: 'SHOP-1', name: 'Shop survives latency', duration: 90 },
      hypothesis: 'Checkout stays below 500 ms',
      injected: [
        'Slow network on 3 targets: COMPLETED',
        'com.steadybit.extension_container.network_delay on 0 targets: ERRORED',
      ],
      failedStep: 'com.steadybit.extension_container.network_delay',
    })
  })

  test('that failed says why, in the words of Steadybit', async () => {
    const begun = await connected().start(shop)
    const steps = [action('CHECK', 'Checkout answers', 'FAILED', { reason: 'success rate 80 %' })]
    server.enter('FAILED', { reason: 'Check failure.', steps })
    const ended = await connected().end(begun, shop)
    expect(ended).toMatchObject({ result: 'fail', data: { failedStep: 'Checkout answers' } })
    expect(ended.message).toBe(
      'Execution 123 ended as FAILED: Check failure.; step "Checkout answers" FAILED (success rate 80 %)',
    )
  })

  test.each([
    ['ERRORED', { failureReason: 'No agent' }, 'Execution 123 ended as ERRORED: No agent'],
    ['CANCELED', { canceledBy: { name: 'Mia', username: 'mia' } }, 'Execution 123 ended as CANCELED: canceled by Mia'],
    ['CANCELED', { reason: 'another experiment was running' }, 'ended as CANCELED: another experiment was running'],
  ])('that is %s with %j says so', async (state, what, message) => {
    const begun = await connected().start(shop)
    server.enter(state, what)
    expect((await connected().end(begun, shop)).message).toContain(message)
  })

  test('keeps its verdict where its steps can not be read, and says so', async () => {
    const begun = await connected().start(shop)
    server.enter('COMPLETED')
    server.state.stepsFail = true
    const ended = await connected().end(begun, shop)
    expect(ended).toMatchObject({ status: 'succeeded', result: 'pass' })
    expect(ended.message).toContain('its steps could not be read (Steadybit answered 502')
  })

  test('is held against thresholds on what is measured', async () => {
    const input = { ...shop, thresholds: [{ metric: 'duration', op: '<', value: 60 }] }
    const begun = await connected().start(input)
    server.enter('COMPLETED')
    expect(await connected().end(begun, input)).toMatchObject({
      result: 'fail',
      message: expect.stringContaining('duration is 90, not < 60'),
    })
  })

  test('is looked at again where Steadybit is down, and refused where it is gone', async () => {
    const begun = await connected().start(shop)
    server.failNext(500, '<html><title>Oops</title>')
    expect(await failureOf(connected().poll(begun, shop))).toMatchObject({ transient: true })
    server.failNext(200, { id: 123 })
    expect(await failureOf(connected().poll(begun, shop))).toMatchObject({ transient: true })
    server.state.executions = []
    expect(await failureOf(connected().poll(begun, shop))).toMatchObject({
      kind: 'refused',
      message: expect.stringContaining('The execution was not found.'),
    })
  })
})

describe('a stop', () => {
  test('cancels an execution by its id alone', async () => {
    await connected().start(shop)
    server.enter('RUNNING')
    const outcome = await connected().stop({ id })
    expect(outcome).toMatchObject({
      ...{ result: 'pass', message: 'Stopped execution 123 (CANCELED)' },
      data: { id, url: `${server.url}/experiments/edit/SHOP-1/executions/123`, state: 'CANCELED' },
    })
    expect(server.calls.filter(({ path }) => path.endsWith('/cancel'))).toMatchObject([
      { method: 'POST', path: '/api/experiments/executions/123/cancel', body: undefined },
    ])
  })

  test('is what the deadline asks for', async () => {
    const begun = await connected().start(shop)
    expect(await connected().stopAtDeadline(begun, shop)).toBe(true)
    expect(execution().state).toBe('CANCELED')
  })

  test('waits for an execution that goes on', async () => {
    await connected().start(shop)
    server.enter('RUNNING')
    server.state.slow = true
    expect(await connected().stop({ id })).toMatchObject({ message: 'still RUNNING' })
  })

  test('passes for an execution that has ended, also between our look and the cancel', async () => {
    await connected().start(shop)
    server.enter('COMPLETED')
    expect(await connected().stop({ id })).toMatchObject({ message: 'Execution 123 had ended already (COMPLETED)' })
    expect(server.calls.filter(({ path }) => path.endsWith('/cancel'))).toEqual([])
    await steadybit.stop(connected().client(), { id })
    expect(execution().state).toBe('COMPLETED')
  })

  test('says why it can not be', async () => {
    await connected().start(shop)
    server.state.mayRun = false
    expect((await failureOf(connected().stop({ id }))).message).toContain('/123/cancel: Access is denied.')
    expect((await failureOf(connected().stop({ id: '9' }))).message).toContain('The execution was not found.')
    server.down()
    expect(await failureOf(connected().stop({ id }))).toMatchObject({ transient: true })
  })

  test.each(['SHOP-1', '../1', '1/2', '12a'])('refuses the id %j', async (wrong) => {
    const failure = await failureOf(connected().stop({ id: wrong }))
    expect(failure).toMatchObject({ kind: 'invalid', message: expect.stringContaining('write its number') })
    expect(server.calls).toEqual([])
  })
})
