import { describe, expect, test } from '@jest/globals'
import { gremlin } from '../../../../functions/chaos-testing/gremlin/gremlin.ts'
import { vendorStates } from '../../../conformance/job/vendor-states.ts'
import { jobConformance, withState } from '../../../conformance/job.ts'
import { expectFailure, failureOf, keyOf, times } from '../../helpers.ts'
import { experimentActions } from '../../job-actions.ts'
import { type GremlinServer, jobRow } from './fake.ts'
import { listedStates } from './states.ts'

const guid = '522ceaff-995f-43f4-acea-ff995f03f44e'
const other = '58ea876e-f74f-4af9-aa87-6ef74f6af927'
const network = { target: guid }
const id = `${guid}#1`
const url = `https://app.gremlin.com/scenarios/detail/${guid}/runs/1`
const calls = (method: string) => server.calls.filter((call) => call.method === method)
const endIn = (stage: string, what: Parameters<GremlinServer['enter']>[1] = {}) =>
  connected().endAfter(network, () => server.enter(stage, what))
const step =
  (type: string, more: object) =>
  (lifecycle: string, state: object = {}) => ({
    type,
    id: '0',
    ...more,
    state: { lifecycle, ...state },
  })
const latency = step('InfraAttack', { impact_definition: { infra_command_type: 'latency' } })
const healthCheck = step('SynchronousStatusCheck', { name: 'Shop is up' })
const halted = latency('Halted', { nodeHaltedById: 'check' })
const succeeded = healthCheck('Successful')
/** Adds runs of other calls. */
const addRuns = (count: number) => {
  for (let number = 1; number <= count; number++)
    server.state.runs.push({ number, hypothesis: 'nightly', stage: 'Successful', ended: null, nodes: {} })
}

const { server, connected } = jobConformance(gremlin, experimentActions, jobRow, {
  states: vendorStates(listedStates, { running: ['Active', 'HaltRequested'] }),
  unsupported: ['project', 'ref'],
  invalidStarts: [
    {
      name: 'an invalid target',
      input: { target: '../attacks' },
      message: 'input.target must be the GUID of a scenario',
    },
    {
      name: 'a parameter',
      input: { parameters: { percent: 100 } },
      message: 'input.parameters may contain only hypothesis',
    },
    {
      name: 'a hypothesis that is not text',
      input: { parameters: { hypothesis: 1 } },
      message: 'input.parameters.hypothesis must be text',
    },
  ],
  forbidden: [
    {
      name: 'a scenario with another prefix',
      message: 'outside the blast radius',
      connection: { allow: ['another', 'another-*'] },
    },
    { name: 'a similar scenario', message: 'outside the blast radius', connection: { allow: [`${guid}7`] } },
  ],
  defaults: { baseUrl: 'https://api.gremlin.com', webUrl: 'https://app.gremlin.com' },
  url,
  stores: { read: ({ state }) => state.runs[0]?.hypothesis, expected: `cloud-automation-webhooks ${keyOf(1)}` },
  sends: [
    {
      name: 'the hypothesis of the call before the key',
      input: { parameters: { hypothesis: 'Checkout survives' } },
      request: { body: { hypothesis: `Checkout survives; cloud-automation-webhooks ${keyOf(1)}` } },
    },
  ],
  waits: [{ name: 'a running run of the scenario', change: 'running', reason: 'Scenario run number 1 is in progress' }],
  lost: [
    { name: 'if the key may not read runs', change: withState({ mayList: false }) },
    { name: 'if there are no runs', change: withState({ runs: [] }) },
    { name: 'if there are more runs than the search covers', change: () => addRuns(2_001) },
  ],
  reports: [
    {
      name: 'its number as text',
      change: ({ state }) => Object.assign(state, { quoted: true }),
      reported: { job: { id } },
    },
    {
      name: 'the running steps',
      change: ({ enter }) => enter('Active', { nodes: { '0': healthCheck('Successful'), '1': latency('Active') } }),
      reported: { status: 'Active', progress: 'latency' },
    },
  ],
  invalidIds: { ids: ['7', guid, `${guid}#x`, `../${guid}#1`, `${guid}#1/..`], message: 'must be a run id such as' },
  refused: [
    {
      name: 'an unknown scenario',
      input: { target: other },
      reason: `404 to POST /v1/scenarios/${other}/runs: ${other} not found`,
    },
    { name: 'a key that may not run it', change: withState({ mayRun: false }), reason: 'User requires privilege' },
  ],
  measures: { end: ({ enter }) => enter('Successful'), metrics: { duration: 90 } },
  slowStop: { state: 'HaltRequested', change: withState({ slow: true }) },
  refusedStops: [
    { change: withState({ mayRun: false }), reason: 'MINIMUM_TEAM_PRIVILEGES' },
    { id: `${guid}#9`, reason: 'scenario run not found' },
  ],
  check: ['GET /v1/scenarios/active'],
  refusal: (reason) => reason,
})

test('Gremlin: a start sends no team if the connection has none', async () => {
  await expectFailure(connected({ project: undefined }).start(network), {}, 'User requires privilege for target team')
  expect(server.calls.map(({ query }) => query.has('teamId'))).toEqual([false, false])
})

describe('Gremlin: retry of a start', () => {
  const retry = () => connected().start(network, { isRetry: true })
  const lose = async () => {
    server.loseNext('POST')
    return failureOf(connected().start(network))
  }

  test.each([
    ['finds the run on the first page, in either naming of fields', false, 1],
    ['searches from the oldest run if Gremlin lists none from the newest', true, 4],
  ])('%s', async (_, listsForwardOnly, pages) => {
    Object.assign(server.state, { camelCase: true, listsForwardOnly })
    addRuns(104)
    await lose()
    server.calls.length = 0
    expect((await retry()).outcome.data).toMatchObject({ id: `${guid}#105` })
    expect([calls('POST').length, calls('GET').length]).toEqual([0, pages])
  })
})

describe('Gremlin: run', () => {
  test.each([
    ['Successful', 'Passed', 'succeeded', 'pass'],
    ['Successful', 'Failed', 'succeeded', 'fail'],
    ['Successful', 'Unsure', 'succeeded', 'warning'],
    ['Completed', 'Failed', 'succeeded', 'fail'],
    ['Failed', 'Passed', 'succeeded', 'pass'],
    ['Halted', 'Passed', 'succeeded', 'pass'],
    ['Halted', 'Failed', 'succeeded', 'fail'],
    ['Halted', 'Unsure', 'aborted', 'fail'],
  ])('in the stage %s with the result %s, ends as %s, %s', async (stage, found, status, result) => {
    expect(await endIn(stage, { result: found })).toMatchObject({
      status,
      result,
      data: { state: `${stage}/${found}` },
    })
  })

  const inverted = { passCriteria: 'AT_LEAST_ONE_FAILED' }
  test.each<[what: string, stage: string, nodes: object, more: object, status: string, result?: string]>([
    ['that must fail and failed', 'Failed', { '0': healthCheck('Failed') }, inverted, 'succeeded', 'pass'],
    ['that must fail and halted it', 'Halted', { '0': halted }, inverted, 'succeeded', 'pass'],
    ['that must fail, halted by a person', 'Halted', { '0': healthCheck('Successful') }, inverted, 'aborted'],
    ['that must fail, without a fault', 'Failed', { '0': latency('Failed'), '1': succeeded }, inverted, 'errored'],
    ['that must fail and passed', 'Successful', { '0': succeeded }, inverted, 'succeeded'],
    ['that halted it', 'Halted', { '0': halted }, {}, 'succeeded'],
    ['that failed, and then halted', 'Halted', { '0': latency('Halted'), '1': healthCheck('Failed') }, {}, 'succeeded'],
    ['that passed, halted by a person', 'Halted', { '0': latency('Halted'), '1': succeeded }, {}, 'aborted'],
    ['that failed it', 'Failed', { '0': latency('Halted'), '1': healthCheck('Failed') }, {}, 'succeeded'],
    ['that passed, without a fault', 'Failed', { '0': latency('Failed'), '1': succeeded }, {}, 'errored'],
  ])('with a health check %s: %s is judged correctly', async (_what, stage, nodes, more, status, result = 'fail') => {
    expect(await endIn(stage, { nodes: nodes as never, ...more })).toMatchObject({ status, result })
  })

  test('is read from a list or an object', async () => {
    server.state.inList = true
    expect(await endIn('Successful')).toMatchObject({ result: 'pass', data: { id, state: 'Successful' } })
    server.failNext(200, [])
    await expectFailure(gremlin.getStatus(connected().client(), { id }), { kind: 'platform', transient: true })
  })

  test('fails and names the health check that halted it', async () => {
    const branches: { nodes: Record<string, ReturnType<typeof latency>> }[] = [
      { nodes: { '0': healthCheck('Failed', { failedReason: 'status 503' }) } },
      { nodes: { '0': latency('Halted', { nodeHaltedById: '0' }), '1': latency('NotStarted') } },
    ]
    const concurrent = { type: 'Concurrent', id: 'concurrentNode', state: { lifecycle: 'Failed' }, branches }
    expect(await endIn('Halted', { nodes: { concurrentNode: concurrent } })).toMatchObject({
      status: 'succeeded',
      result: 'fail',
      data: { injected: ['latency: Halted'] },
      message: `Scenario run ${id} ended as Halted: health check "Shop is up" failed (status 503)`,
    })
  })

  test('has the reason that Gremlin gives for a failure', async () => {
    const nodes = { '0': latency('Failed', { failedReason: 'agent is idle' }) }
    expect((await endIn('Failed', { failedReason: 'No targets matched', nodes })).message).toBe(
      `Scenario run ${id} ended as Failed: No targets matched; step "latency" failed (agent is idle)`,
    )
  })

  test.each([false, true])('reports its hypothesis and the injected faults (camel case: %s)', async (camelCase) => {
    server.state.camelCase = camelCase
    const flag = step('FailureFlag', { name: 'http-ingress' })('Successful')
    const nodes = {
      '0': healthCheck('Successful'),
      '1': latency('Successful'),
      '2': step('Delay', {})('Successful'),
      flag,
    }
    const input = { ...network, parameters: { hypothesis: 'Checkout survives' } }
    const { data } = await connected().endAfter(input, () => server.enter('Successful', { nodes }))
    expect(data).toEqual({
      ...times,
      id,
      url,
      state: 'Successful',
      scenario: 'Unreliable network',
      duration: 90,
      hypothesis: 'Checkout survives',
      injected: ['latency: Successful', 'http-ingress: Successful'],
    })
  })
})

test('Gremlin: every request names the team', async () => {
  await gremlin.check(connected().client())
  await connected().start(network)
  await connected().stop({ id })
  const teams = server.calls.map(({ query }) => query.get('teamId'))
  expect(new Set(teams)).toEqual(new Set([server.state.team]))
})
