import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { gremlin } from '../../../functions/chaos-testing/providers/gremlin.ts'
import { type GremlinServer, startGremlin } from '../../../infra/platforms/gremlin.ts'
import { secretsIn } from '../../../shared/fields.ts'
import { failureOf, keyOf } from '../helpers.ts'
import { times } from '../times.ts'
import { experiment } from './experiment.ts'

let server: GremlinServer
beforeEach(async () => {
  server = await startGremlin()
})
afterEach(() => server.close())

const guid = '522ceaff-995f-43f4-acea-ff995f03f44e'
const network = { target: guid }
const id = `${guid}#1`
const url = `https://app.gremlin.com/scenarios/detail/${guid}/runs/1`
const connected = (fields: object = {}) =>
  experiment(gremlin, () => ({
    ...{ baseUrl: server.url, token: server.token, allow: [guid], project: server.state.team },
    ...fields,
  }))
const calls = (method: string) => server.calls.filter((call) => call.method === method)
const run = () => {
  const found = server.state.runs.at(-1)
  if (!found) throw new Error('There is no run')
  return found
}
type Branches = NonNullable<ReturnType<typeof run>['nodes'][string]['branches']>
const latency = (lifecycle: string, state: object = {}) => ({
  ...{ type: 'InfraAttack', id: '1', impact_definition: { infra_command_type: 'latency' } },
  state: { lifecycle, ...state },
})
const healthCheck = (lifecycle: string, state: object = {}) => ({
  ...{ type: 'SynchronousStatusCheck', id: '0', name: 'Shop is up' },
  state: { lifecycle, ...state },
})

describe('the connection', () => {
  test('is checked with the scenarios that are under way', async () => {
    await gremlin.check(connected().client())
    expect(server.calls.map(({ path, query }) => `${path}?${query}`)).toEqual([
      `/v1/scenarios/active?teamId=${server.state.team}`,
    ])
  })

  test('is with Gremlin where it names no other place', () => {
    expect(gremlin.connection.parse({ token: 'a-token', allow: '*' })).toMatchObject({
      baseUrl: 'https://api.gremlin.com',
      webUrl: 'https://app.gremlin.com',
      allow: ['*'],
    })
  })

  test.each([[undefined], [[]], ['']])('must say what may be run: %j is not enough', (allow) => {
    expect(gremlin.connection.safeParse({ token: 'a-token', allow }).success).toBe(false)
  })

  test('says that a key is wrong, and not which', async () => {
    const failure = await failureOf(connected({ token: 'a-wrong-key' }).start(network))
    expect(failure).toMatchObject({ kind: 'credentials' })
    expect(failure.message).toContain('Please provide proper credentials')
    expect(failure.message).not.toContain('a-wrong-key')
  })

  test('has its key masked wherever it turns up', () => {
    expect(secretsIn(gremlin.connection, { token: server.token })).toEqual([server.token])
  })
})

describe('a start', () => {
  test('runs the scenario with its key in the hypothesis, and answers at once', async () => {
    const { outcome } = await connected().start(network)
    expect(outcome).toMatchObject({
      status: 'succeeded',
      result: 'pass',
      data: { id, url, state: 'started' },
      links: { [`gremlin ${id}`]: url },
    })
    expect(run().hypothesis).toBe(`cloud-automation-webhooks ${keyOf(1)}`)
    expect(calls('POST')[0]).toMatchObject({ path: `/v1/scenarios/${guid}/runs` })
    expect(calls('POST')[0]?.query.get('teamId')).toBe(server.state.team)
  })

  test('takes the scenario from the connection, and a hypothesis from the call', async () => {
    await connected({ target: guid }).start({ parameters: { hypothesis: 'Checkout survives' } })
    expect(run().hypothesis).toBe(`Checkout survives; cloud-automation-webhooks ${keyOf(1)}`)
  })

  test('leaves the hypothesis to the scenario where there is neither one nor a key', async () => {
    await connected().start(network, { key: undefined })
    expect(calls('POST')[0]?.body).toEqual({})
    expect(calls('GET')).toEqual([])
  })

  test('takes the number of the run also as text', async () => {
    server.state.quoted = true
    expect((await connected().start(network)).outcome.data).toMatchObject({ id })
  })

  test('asks for no team where the connection names none', async () => {
    const failure = await failureOf(connected({ project: undefined }).start(network))
    expect(failure.message).toContain('User requires privilege for target team')
    expect(server.calls.map(({ query }) => query.has('teamId'))).toEqual([false, false])
  })

  test('links to where people see runs', async () => {
    const { outcome } = await connected({ webUrl: 'https://gremlin.example.com/' }).start(network)
    expect(outcome.data['url']).toBe(`https://gremlin.example.com/scenarios/detail/${guid}/runs/1`)
  })

  test.each([
    ['a target that is no id', { target: '../attacks' }, 'input.target is no scenario'],
    ['another team', { project: 'another-team' }, 'input.project must be left out'],
    ['a ref', { ref: '2' }, 'input.ref is of no use'],
    ['a parameter', { parameters: { percent: 100 } }, 'input.parameters takes nothing but hypothesis'],
    ['a hypothesis that is no text', { parameters: { hypothesis: 1 } }, 'input.parameters.hypothesis must be text'],
  ])('is refused before anything is sent for %s', async (_what, input, message) => {
    const failure = await failureOf(connected({ allow: '*' }).start({ ...network, ...input }))
    expect(failure).toMatchObject({ kind: 'invalid', status: 400 })
    expect(failure.message).toContain(message)
    expect(server.calls).toEqual([])
  })

  test.each([['another', 'another-*'], ['58ea876e-f74f-4af9-aa87-6ef74f6af927']])(
    'is refused for a scenario that the connection does not allow: %j',
    async (...allow) => {
      const failure = await failureOf(connected({ allow }).start(network))
      expect(failure).toMatchObject({ kind: 'refused', status: 422, errors: [{ path: 'input.target' }] })
      expect(failure.message).toContain('outside of the blast radius')
      expect(server.calls).toEqual([])
    },
  )

  test('is taken for a scenario whose beginning the connection allows', async () => {
    await connected({ allow: '522ceaff-*' }).start(network)
    expect(server.state.runs).toHaveLength(1)
  })

  test('says in the words of Gremlin why it is refused', async () => {
    const target = '58ea876e-f74f-4af9-aa87-6ef74f6af927'
    const missing = await failureOf(connected({ allow: '*' }).start({ target }))
    expect(missing.message).toContain(`404 to POST /v1/scenarios/${target}/runs: ${target} not found`)
    server.failNext(400, 'Bad Request: no targets', { on: 'POST' })
    expect((await failureOf(connected().start(network))).message).toContain('Bad Request: no targets')
    server.state.mayRun = false
    expect(await failureOf(connected().start(network))).toMatchObject({
      kind: 'refused',
      message: expect.stringContaining(`403 to POST /v1/scenarios/${guid}/runs: User requires privilege`),
    })
  })

  test('waits for a run of the same scenario that is in progress', async () => {
    await connected().start(network, { key: keyOf(2) })
    const failure = await failureOf(connected().start(network))
    expect(failure).toMatchObject({ transient: true, afterWrite: false })
    expect(failure.message).toContain('Scenario run number 1 is in progress')
    server.enter('Successful')
    expect((await connected().start(network)).outcome.data).toMatchObject({ id: `${guid}#2` })
  })

  test('stays away for as long as it is asked to', async () => {
    server.failNext(429, 'Slow down', { on: 'POST', headers: { 'retry-after': '12' } })
    expect(await failureOf(connected().start(network))).toMatchObject({
      ...{ transient: true, retryAfter: 12, afterWrite: false },
    })
  })

  test('can be tried again where Gremlin is down', async () => {
    server.down()
    expect(await failureOf(connected().start(network))).toMatchObject({ transient: true, afterWrite: false })
  })
})

describe('a start whose answer was lost', () => {
  test('is found by the key in its hypothesis, also where it is listed late', async () => {
    await connected().start(network, { key: keyOf(2) })
    server.enter('Successful')
    server.loseNext('POST')
    expect(await failureOf(connected().start(network))).toMatchObject({ transient: true, afterWrite: true })
    server.state.listsLate = 1
    const { outcome } = await connected().start(network, { isRetry: true })
    expect(outcome.data).toMatchObject({ id: `${guid}#2` })
    expect(server.state.runs).toHaveLength(2)
  })

  test.each([
    ['is found on the first page of the newest runs, however names are written', false, 1],
    ['is found from the oldest run on if Gremlin shows none from the newest on', true, 4],
  ])('%s', async (_, listsForwardOnly, pages) => {
    Object.assign(server.state, { camelCase: true, listsForwardOnly })
    for (let number = 1; number <= 104; number++) {
      server.state.runs.push({ number, hypothesis: 'nightly', stage: 'Successful', ended: null, nodes: {} })
    }
    server.loseNext('POST')
    await failureOf(connected().start(network))
    server.calls.length = 0
    const { outcome } = await connected().start(network, { isRetry: true })
    expect(outcome.data).toMatchObject({ id: `${guid}#105` })
    expect(calls('POST')).toEqual([])
    expect(calls('GET')).toHaveLength(pages)
  })

  test('is repeated where it is not there, beside the runs of other calls', async () => {
    await connected().start(network, { key: keyOf(2) })
    server.enter('Successful')
    server.failNext(502, '<html>', { on: 'POST' })
    await failureOf(connected().start(network))
    await connected().start(network, { isRetry: true })
    expect(server.state.runs).toHaveLength(2)
  })

  test('is in doubt where the runs can not be seen', async () => {
    server.state.mayList = false
    server.loseNext('POST')
    expect(await failureOf(connected().start(network))).toMatchObject({ kind: 'doubtful', transient: false })
    expect(await failureOf(connected().start(network, { isRetry: true }))).toMatchObject({ kind: 'doubtful' })
    expect(calls('POST')).toHaveLength(1)
  })

  test('is found where it is the first run, and listed late', async () => {
    server.loseNext('POST')
    await failureOf(connected().start(network))
    server.state.listsLate = 1
    expect((await connected().start(network, { isRetry: true })).outcome.data).toMatchObject({ id })
    expect(calls('POST')).toHaveLength(1)
  })

  test('is in doubt where a repeat hears that there is no run at all', async () => {
    expect(await failureOf(connected().start(network, { isRetry: true }))).toMatchObject({ kind: 'doubtful' })
    expect(calls('POST')).toEqual([])
  })

  test('is in doubt where the scenario has run more often than can be searched', async () => {
    for (let number = 1; number <= 2_001; number++) {
      server.state.runs.push({ number, hypothesis: 'nightly', stage: 'Successful', ended: null, nodes: {} })
    }
    expect(await failureOf(connected().start(network, { isRetry: true }))).toMatchObject({ kind: 'doubtful' })
  })
})

test('a second delivery of an event finds the run, though it has ended', async () => {
  await connected().start(network)
  server.enter('Successful')
  expect((await connected().start(network)).outcome.data).toMatchObject({ id })
  expect(calls('POST')).toHaveLength(1)
})

describe('a run', () => {
  test.each([
    ['NotStarted', 'goes on'],
    ['Active', 'goes on'],
    ['Running', 'goes on'],
    ['HaltRequested', 'goes on'],
    ['Successful', 'succeeded', 'pass'],
    ['Completed', 'succeeded', 'pass'],
    ['Failed', 'succeeded', 'fail'],
    ['Halted', 'aborted', 'fail'],
  ])('that is %s: it %s', async (stage, status, result = '') => {
    const begun = await connected().start(network)
    server.enter(stage)
    if (status === 'goes on') {
      expect(await connected().poll(begun, network)).toMatchObject({ status: stage })
    } else {
      expect(await connected().end(begun, network)).toMatchObject({ status, result, data: { id, url, state: stage } })
    }
  })

  test.each(['Paused', 'constructor'])('whose stage %s is not known goes on, and says so', async (stage) => {
    const begun = await connected().start(network)
    server.enter(stage)
    expect(await connected().poll(begun, network)).toMatchObject({ status: `${stage} (unknown state)` })
  })

  test.each([
    ['Successful', 'Passed', 'succeeded', 'pass'],
    ['Successful', 'Failed', 'succeeded', 'fail'],
    ['Successful', 'Unsure', 'succeeded', 'warning'],
    ['Completed', 'Failed', 'succeeded', 'fail'],
    ['Failed', 'Passed', 'succeeded', 'pass'],
    ['Halted', 'Passed', 'succeeded', 'pass'],
    ['Halted', 'Failed', 'succeeded', 'fail'],
    ['Halted', 'Unsure', 'aborted', 'fail'],
  ])('that is %s with the result %s ends as %s, %s', async (stage, found, status, result) => {
    const begun = await connected().start(network)
    server.enter(stage, { result: found })
    expect(await connected().end(begun, network)).toMatchObject({
      ...{ status, result, data: { state: `${stage}/${found}` } },
    })
  })

  test.each([
    ['Failed', { '0': healthCheck('Failed') }, 'succeeded', 'pass'],
    ['Halted', { '0': latency('Halted', { nodeHaltedById: 'check' }) }, 'succeeded', 'pass'],
    ['Halted', { '0': healthCheck('Successful') }, 'aborted', 'fail'],
    ['Failed', { '0': latency('Failed'), '1': healthCheck('Successful') }, 'errored', 'fail'],
    ['Successful', { '0': healthCheck('Successful') }, 'succeeded', 'fail'],
  ])(
    'of a scenario that is meant to fail a health check: %s with %j is %s, %s',
    async (stage, nodes, status, result) => {
      const begun = await connected().start(network)
      server.enter(stage, { nodes, passCriteria: 'AT_LEAST_ONE_FAILED' })
      expect(await connected().end(begun, network)).toMatchObject({ status, result })
    },
  )

  test('that is answered as a list is read like one that is not', async () => {
    server.state.inList = true
    const begun = await connected().start(network)
    server.enter('Successful')
    expect(await connected().end(begun, network)).toMatchObject({ result: 'pass', data: { id, state: 'Successful' } })
    server.failNext(200, [])
    expect(await failureOf(connected().poll(begun, network))).toMatchObject({ kind: 'platform', transient: true })
  })

  test('that a health check has halted has failed, and says which', async () => {
    const begun = await connected().start(network)
    const branches: Branches = [
      { nodes: { '0': healthCheck('Failed', { failedReason: 'status 503' }) } },
      { nodes: { '0': latency('Halted', { nodeHaltedById: '0' }), '1': latency('NotStarted') } },
    ]
    server.enter('Halted', {
      nodes: { concurrentNode: { type: 'Concurrent', id: 'concurrentNode', state: { lifecycle: 'Failed' }, branches } },
    })
    const ended = await connected().end(begun, network)
    expect(ended).toMatchObject({ status: 'succeeded', result: 'fail', data: { injected: ['latency: Halted'] } })
    expect(ended.message).toBe(`Scenario run ${id} ended as Halted: health check "Shop is up" failed (status 503)`)
  })

  test.each([
    ['halted by a step', 'Halted', { '0': latency('Halted', { nodeHaltedById: 'check' }) }, 'succeeded'],
    ['halted after its health check', 'Halted', { '0': latency('Halted'), '1': healthCheck('Failed') }, 'succeeded'],
    ['halted by a person', 'Halted', { '0': latency('Halted'), '1': healthCheck('Successful') }, 'aborted'],
    ['failed by its health check', 'Failed', { '0': latency('Halted'), '1': healthCheck('Failed') }, 'succeeded'],
    ['unable to inject its fault', 'Failed', { '0': latency('Failed'), '1': healthCheck('Successful') }, 'errored'],
  ])('that was %s ends as it should', async (_what, stage, nodes, status) => {
    const begun = await connected().start(network)
    server.enter(stage, { nodes })
    expect(await connected().end(begun, network)).toMatchObject({ status, result: 'fail' })
  })

  test('that failed says why, in the words of Gremlin', async () => {
    const begun = await connected().start(network)
    server.enter('Failed', {
      failedReason: 'No targets matched',
      nodes: { '0': latency('Failed', { failedReason: 'agent is idle' }) },
    })
    expect((await connected().end(begun, network)).message).toBe(
      `Scenario run ${id} ended as Failed: No targets matched; step "latency" failed (agent is idle)`,
    )
  })

  test.each([false, true])('tells what it was about and what was injected (camel case: %s)', async (camelCase) => {
    server.state.camelCase = camelCase
    const begun = await connected().start({ ...network, parameters: { hypothesis: 'Checkout survives' } })
    const flag = { type: 'FailureFlag', id: '3', name: 'http-ingress', state: { lifecycle: 'Successful' } }
    const delay = { type: 'Delay', id: '2', state: { lifecycle: 'Successful' } }
    server.enter('Successful', { nodes: { '0': healthCheck('Successful'), '1': latency('Successful'), delay, flag } })
    expect((await connected().end(begun, network)).data).toEqual({
      ...times,
      ...{
        id,
        url,
        state: 'Successful',
        scenario: 'Unreliable network',
        hypothesis: 'Checkout survives',
        duration: 90,
      },
      injected: ['latency: Successful', 'http-ingress: Successful'],
    })
  })

  test('is held against thresholds on what is measured', async () => {
    const input = { ...network, thresholds: [{ metric: 'duration', op: '<', value: 60 }] }
    const begun = await connected().start(input)
    server.enter('Successful')
    expect(await connected().end(begun, input)).toMatchObject({
      result: 'fail',
      message: expect.stringContaining('duration is 90, not < 60'),
    })
  })

  test('tells which steps it is at', async () => {
    const begun = await connected().start(network)
    server.enter('Active', { nodes: { '0': healthCheck('Successful'), '1': latency('Active') } })
    expect(await connected().poll(begun, network)).toMatchObject({ status: 'Active', progress: 'latency' })
  })

  test('is looked at again where Gremlin is down, and refused where it is gone', async () => {
    const begun = await connected().start(network)
    server.failNext(500, '<html><title>Oops</title>')
    expect(await failureOf(connected().poll(begun, network))).toMatchObject({ transient: true })
    server.failNext(200, { guid })
    expect(await failureOf(connected().poll(begun, network))).toMatchObject({ transient: true })
    server.state.runs = []
    expect(await failureOf(connected().poll(begun, network))).toMatchObject({
      kind: 'refused',
      message: expect.stringContaining('scenario run not found'),
    })
  })
})

describe('a stop', () => {
  test('halts a run by its id alone', async () => {
    await connected().start(network)
    const outcome = await connected().stop({ id })
    expect(outcome).toMatchObject({
      ...{ result: 'pass', data: { state: 'Halted' }, message: `Stopped scenario run ${id} (Halted)` },
    })
    expect(calls('POST').at(-1)).toMatchObject({ path: `/v1/scenarios/halt/${guid}/runs/1`, body: undefined })
    expect(calls('POST').at(-1)?.query.get('teamId')).toBe(server.state.team)
  })

  test('is what the deadline asks for', async () => {
    const begun = await connected().start(network)
    expect(await connected().stopAtDeadline(begun, network)).toBe(true)
    expect(run().stage).toBe('Halted')
  })

  test('waits for a run that goes on', async () => {
    await connected().start(network)
    server.state.slow = true
    expect(await connected().stop({ id })).toMatchObject({ message: 'still HaltRequested' })
  })

  test('passes for a run that has ended, also between our look and the halt', async () => {
    await connected().start(network)
    server.enter('Successful')
    expect(await connected().stop({ id })).toMatchObject({
      message: `Scenario run ${id} had ended already (Successful)`,
    })
    expect(calls('POST')).toHaveLength(1)
    await gremlin.stop(connected().client(), { id })
    expect(run().stage).toBe('Successful')
  })

  test('says why it can not be', async () => {
    await connected().start(network)
    server.state.mayRun = false
    expect((await failureOf(connected().stop({ id }))).message).toContain('MINIMUM_TEAM_PRIVILEGES')
    expect((await failureOf(connected().stop({ id: `${guid}#9` }))).message).toContain('scenario run not found')
    server.down()
    expect(await failureOf(connected().stop({ id }))).toMatchObject({ transient: true })
  })

  test.each(['7', guid, `${guid}#x`, `../${guid}#1`, `${guid}#1/..`])('refuses the id %j', async (wrong) => {
    const failure = await failureOf(connected().stop({ id: wrong }))
    expect(failure).toMatchObject({ kind: 'invalid', message: expect.stringContaining('write it like') })
    expect(server.calls).toEqual([])
  })
})
