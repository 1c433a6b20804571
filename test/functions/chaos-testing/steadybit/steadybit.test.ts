import { describe, expect, test } from '@jest/globals'
import { steadybit } from '../../../../functions/chaos-testing/steadybit/steadybit.ts'
import { newestOf, serve } from '../../../../infra/testing/loopback-server.ts'
import { vendorStates } from '../../../conformance/job/vendor-states.ts'
import { jobConformance, withState } from '../../../conformance/job.ts'
import { expectFailure, keyOf, startEach, times } from '../../helpers.ts'
import { experimentActions } from '../../job-actions.ts'
import { jobRow, type SteadybitServer } from './fake.ts'
import { listedStates } from './states.ts'

const shop = { target: 'SHOP-1' }
const id = '123'
const url = 'https://platform.steadybit.com/experiments/edit/SHOP-1/executions/123?tenant=demo&team=SHOP'
const starts = () => server.calls.filter(({ path }) => path.endsWith('/execute'))
const execution = () => newestOf(server.state.executions)
const endIn = (state: string, what: Parameters<SteadybitServer['enter']>[1] = {}) =>
  connected().endAfter(shop, () => server.enter(state, what))
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
const busy = 'https://steadybit.com/problems/another-experiment-running-exception'
const isStart = ({ path }: { path: string }) => path.endsWith('/execute')
const runWith = (changes: object) => (fake: SteadybitServer) => {
  fake.enter('RUNNING')
  Object.assign(fake.state, changes)
}
const waiting = { transient: true, mayHaveWritten: false }

const { server, connected } = jobConformance(steadybit, experimentActions, jobRow, {
  states: vendorStates(listedStates, { running: ['REQUESTED', 'PREPARED'] }),
  ignored: /\/executions\/\d+$/,
  unsupported: ['project', 'ref'],
  invalidStarts: [
    { name: 'an invalid target', input: { target: '../templates' }, message: 'input.target must be an experiment key' },
  ],
  forbidden: [
    { name: 'an experiment', message: 'outside the blast radius', connection: { allow: ['ADM-*', 'SHOP-10'] } },
    { name: 'a variable', input: { parameters: { zone: '*' } }, message: 'input.parameters.zone may not be set' },
    {
      name: 'one of several variables',
      input: { parameters: { zone: 'a', env: 'b' } },
      message: 'parameters.env may not',
      connection: { variables: 'zone' },
    },
    {
      name: 'the variable of the idempotency key',
      input: { parameters: { cloudAutomationWebhooksKey: keyOf(2) } },
      message: 'cloudAutomationWebhooksKey may not',
      connection: { variables: '*' },
    },
  ],
  refused: [
    {
      name: 'an unknown experiment',
      input: { target: 'SHOP-9' },
      reason: 'SHOP-9/execute: Experiment SHOP-9 not found.',
    },
    {
      name: 'another team',
      change: withState({ mayRun: false }),
      reason: 'has no access to the team of the experiment',
    },
    {
      name: 'an invalid experiment',
      change: withState({ invalid: 'Please specify a query.' }),
      reason: 'Please specify a query.',
    },
  ],
  measures: { end: ({ enter }) => enter('COMPLETED'), metrics: { duration: 90 } },
  slowStop: { state: 'RUNNING', change: withState({ slow: true }) },
  refusedStops: [
    { change: withState({ mayRun: false }), reason: '/123/cancel: Access is denied.' },
    { id: '9', reason: 'The execution was not found.' },
  ],
  check: ['POST /api/experiments/executions'],
  defaults: { baseUrl: 'https://platform.steadybit.com', parallel: 'off', variables: [] },
  sends: [
    {
      name: 'the variables that the connection allows, as text',
      input: { parameters: { zone: 'a', percent: 50 } },
      request: { body: { variables: { zone: 'a', percent: '50' } } },
      connection: { variables: ['zone', 'per*'] },
    },
  ],
  waits: [409, 422].map((status) => ({
    name: `another experiment, reported with ${status}`,
    change: ({ failNext }) => failNext(status, { type: busy, status, title: 'It is running' }, { on: isStart }),
    reason: 'It is running',
  })),
  lost: [
    { name: 'if an execution has no variables', change: runWith({ showsVariables: false }) },
    { name: 'if the token may not read executions', change: runWith({ mayList: false }) },
  ],
  reports: [
    {
      name: 'that its steps cannot be read',
      change: ({ state, enter }) => {
        state.stepsFail = true
        enter('COMPLETED')
      },
      reported: {
        result: 'pass',
        message: expect.stringContaining('its steps could not be read (Steadybit answered 502'),
      },
    },
  ],
  url,
  stores: { read: ({ state }) => state.executions[0]?.variables, expected: { cloudAutomationWebhooksKey: keyOf(1) } },
  invalidIds: { ids: ['SHOP-1', '../1', '1/2', '12a'], message: 'must be an execution number' },
})

test('Steadybit: a start runs in parallel with others if the connection allows it', async () => {
  server.state.busy = true
  await expectFailure(connected().start(shop), waiting)
  await connected({ parallel: true }).start(shop)
  expect(starts().map(({ query }) => query.get('allowParallel'))).toEqual(['false', 'true'])
  expect(server.state.executions).toHaveLength(1)
})

describe('Steadybit: id of an execution', () => {
  const elsewhere = startEach(() => serve(() => ({ status: 200, body: { id: 666, state: 'COMPLETED' } })))

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
    const message = `its location is at ${elsewhere.url}`
    await expectFailure(connected().start(shop), { kind: 'refused', transient: false }, message)
    expect(elsewhere.calls).toEqual([])
  })

  test('is used only on the host of the connection, regardless of the location', async () => {
    server.state.location = `${elsewhere.url}/api/experiments/executions/666`
    expect(await endIn('FAILED')).toMatchObject({ result: 'fail', data: { id } })
    expect(elsewhere.calls).toEqual([])
  })

  test.each(['', 'http://[', '/api/experiments/executions/../../users', 'executions/12x'])(
    'is rejected if the location is %j',
    async (location) => {
      Object.assign(server.state, { body: 'empty', location })
      const refused = { kind: 'refused', transient: false }
      await expectFailure(connected().start(shop), refused, 'returned no execution id')
    },
  )

  test.each(['javascript:alert(1)', 'data:text/html,x', 'not a page', ''])(
    'has no link of Steadybit if the page is %j',
    async (uiLocation) => {
      server.state.uiLocation = uiLocation
      const { outcome } = await connected().start(shop)
      expect(outcome.links).toEqual({ 'steadybit 123': `${server.url}/experiments/edit/SHOP-1/executions/123` })
    },
  )
})

describe('Steadybit: retry of a start', () => {
  const retry = () => connected().start(shop, { isRetry: true })
  const lose = async () => {
    server.loseNext(({ path }) => path.endsWith('/execute'))
    await expectFailure(connected().start(shop), { transient: true, mayHaveWritten: true })
  }

  test('waits for the execution to start, because it then shows its key', async () => {
    await lose()
    await expectFailure(retry(), { transient: true }, 'execution 123 of SHOP-1 as CREATED')
    server.enter('RUNNING')
    expect((await retry()).outcome.data).toMatchObject({ id })
    expect(starts()).toHaveLength(1)
  })

  test('finds an execution that is older than a day, which a repeated call ignores', async () => {
    for (const count of [1, 2]) {
      await connected().start(shop)
      server.enter('COMPLETED')
      expect(server.state.executions).toHaveLength(count)
      age(26)
    }
    expect((await retry()).outcome.data).toMatchObject({ id: '124' })
  })

  test('of another call waits until it is known to whom a preparing execution belongs', async () => {
    await connected().start(shop, { key: keyOf(2) })
    await expectFailure(connected({ parallel: 'on' }).start(shop), waiting)
    expect(starts()).toHaveLength(1)
  })
})

describe('Steadybit: execution', () => {
  test('reports the hypothesis and the injected faults', async () => {
    const steps = [
      { stepType: 'WAIT' as const, state: 'COMPLETED' },
      action('CHECK', 'Checkout answers', 'COMPLETED'),
      action('ATTACK', 'Slow network', 'COMPLETED', { totalTargetCount: 3 }),
      action('ATTACK', '', 'ERRORED', { totalTargetCount: 0 }),
      action('ATTACK', 'Never reached', 'SKIPPED'),
    ]
    const unnamed = 'com.steadybit.extension_container.network_delay'
    expect((await endIn('COMPLETED', { steps })).data).toEqual({
      ...times,
      id,
      url,
      state: 'COMPLETED',
      experiment: 'SHOP-1',
      name: 'Shop survives latency',
      duration: 90,
      hypothesis: 'Checkout stays below 500 ms',
      injected: ['Slow network on 3 targets: COMPLETED', `${unnamed} on 0 targets: ERRORED`],
      failedStep: unnamed,
    })
  })

  const steps = [action('CHECK', 'Checkout answers', 'FAILED', { reason: 'success rate 80 %' })]
  test.each([
    [
      'FAILED',
      { reason: 'Check failure.', steps },
      'Check failure.; step "Checkout answers" FAILED (success rate 80 %)',
    ],
    ['ERRORED', { failureReason: 'No agent' }, 'No agent'],
    ['CANCELED', { canceledBy: { name: 'Mia', username: 'mia' } }, 'canceled by Mia'],
    ['CANCELED', { reason: 'another experiment was running' }, 'another experiment was running'],
  ])('in the state %s with %j, reports the reason', async (state, what, reason) => {
    expect((await endIn(state, what)).message).toBe(`Execution 123 ended as ${state}: ${reason}`)
  })
})
