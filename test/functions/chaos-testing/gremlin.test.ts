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
    baseUrl: server.url,
    token: server.token,
    allow: [guid],
    project: server.state.team,
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
  type: 'InfraAttack',
  id: '1',
  impact_definition: { infra_command_type: 'latency' },
  state: { lifecycle, ...state },
})
const healthCheck = (lifecycle: string, state: object = {}) => ({
  type: 'SynchronousStatusCheck',
  id: '0',
  name: 'Shop is up',
  state: { lifecycle, ...state },
})

describe('Gremlin: connection', () => {
  test('the check lists the active scenarios', async () => {
    await gremlin.check(connected().client())
    expect(server.calls.map(({ path, query }) => `${path}?${query}`)).toEqual([
      `/v1/scenarios/active?teamId=${server.state.team}`,
    ])
  })

  test("uses Gremlin's own URLs by default", () => {
    expect(gremlin.connection.parse({ token: 'a-token', allow: '*' })).toMatchObject({
      baseUrl: 'https://api.gremlin.com',
      webUrl: 'https://app.gremlin.com',
      allow: ['*'],
    })
  })

  test.each([[undefined], [[]], ['']])('requires a non-empty allow: %j', (allow) => {
    expect(gremlin.connection.safeParse({ token: 'a-token', allow }).success).toBe(false)
  })

  test('an invalid key is a credentials failure without the key', async () => {
    const failure = await failureOf(connected({ token: 'a-wrong-key' }).start(network))
    expect(failure).toMatchObject({ kind: 'credentials' })
    expect(failure.message).toContain('Please provide proper credentials')
    expect(failure.message).not.toContain('a-wrong-key')
  })

  test('the key is a secret', () => {
    expect(secretsIn(gremlin.connection, { token: server.token })).toEqual([server.token])
  })
})

describe('Gremlin: start', () => {
  test('runs the scenario with the key in its hypothesis and returns at once', async () => {
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

  test('takes the scenario from the connection and the hypothesis from the call', async () => {
    await connected({ target: guid }).start({ parameters: { hypothesis: 'Checkout survives' } })
    expect(run().hypothesis).toBe(`Checkout survives; cloud-automation-webhooks ${keyOf(1)}`)
  })

  test("uses the scenario's own hypothesis if there is neither one nor a key", async () => {
    await connected().start(network, { key: undefined })
    expect(calls('POST')[0]?.body).toEqual({})
    expect(calls('GET')).toEqual([])
  })

  test('accepts the number of the run as text', async () => {
    server.state.quoted = true
    expect((await connected().start(network)).outcome.data).toMatchObject({ id })
  })

  test('sends no team if the connection has none', async () => {
    const failure = await failureOf(connected({ project: undefined }).start(network))
    expect(failure.message).toContain('User requires privilege for target team')
    expect(server.calls.map(({ query }) => query.has('teamId'))).toEqual([false, false])
  })

  test('links to the web app of the connection', async () => {
    const { outcome } = await connected({ webUrl: 'https://gremlin.example.com/' }).start(network)
    expect(outcome.data['url']).toBe(`https://gremlin.example.com/scenarios/detail/${guid}/runs/1`)
  })

  test.each([
    ['an invalid target', { target: '../attacks' }, 'input.target must be the GUID of a scenario'],
    ['another team', { project: 'another-team' }, 'input.project is not supported'],
    ['a ref', { ref: '2' }, 'input.ref is not supported'],
    ['a parameter', { parameters: { percent: 100 } }, 'input.parameters may contain only hypothesis'],
    ['a hypothesis that is not text', { parameters: { hypothesis: 1 } }, 'input.parameters.hypothesis must be text'],
  ])('rejects %s before sending a request', async (_what, input, message) => {
    const failure = await failureOf(connected({ allow: '*' }).start({ ...network, ...input }))
    expect(failure).toMatchObject({ kind: 'invalid', status: 400 })
    expect(failure.message).toContain(message)
    expect(server.calls).toEqual([])
  })

  test.each([['another', 'another-*'], ['58ea876e-f74f-4af9-aa87-6ef74f6af927']])(
    'rejects a scenario that the connection does not allow: %j',
    async (...allow) => {
      const failure = await failureOf(connected({ allow }).start(network))
      expect(failure).toMatchObject({ kind: 'refused', status: 422, errors: [{ path: 'input.target' }] })
      expect(failure.message).toContain('outside the blast radius')
      expect(server.calls).toEqual([])
    },
  )

  test('accepts a scenario that matches a prefix', async () => {
    await connected({ allow: '522ceaff-*' }).start(network)
    expect(server.state.runs).toHaveLength(1)
  })

  test('reports the reason that Gremlin gives', async () => {
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

  test('waits for a running run of the same scenario', async () => {
    await connected().start(network, { key: keyOf(2) })
    const failure = await failureOf(connected().start(network))
    expect(failure).toMatchObject({ transient: true, mayHaveWritten: false })
    expect(failure.message).toContain('Scenario run number 1 is in progress')
    server.enter('Successful')
    expect((await connected().start(network)).outcome.data).toMatchObject({ id: `${guid}#2` })
  })

  test('returns Retry-After of Gremlin', async () => {
    server.failNext(429, 'Slow down', { on: 'POST', headers: { 'retry-after': '12' } })
    expect(await failureOf(connected().start(network))).toMatchObject({
      transient: true,
      retryAfter: 12,
      mayHaveWritten: false,
    })
  })

  test('is transient while Gremlin is down', async () => {
    server.down()
    expect(await failureOf(connected().start(network))).toMatchObject({ transient: true, mayHaveWritten: false })
  })
})

describe('Gremlin: start with a lost response', () => {
  test('a retry finds the run by its key, even if it is listed late', async () => {
    await connected().start(network, { key: keyOf(2) })
    server.enter('Successful')
    server.loseNext('POST')
    expect(await failureOf(connected().start(network))).toMatchObject({ transient: true, mayHaveWritten: true })
    server.state.listsLate = 1
    const { outcome } = await connected().start(network, { isRetry: true })
    expect(outcome.data).toMatchObject({ id: `${guid}#2` })
    expect(server.state.runs).toHaveLength(2)
  })

  test.each([
    ['a retry finds the run on the first page, in either naming of fields', false, 1],
    ['a retry searches from the oldest run if Gremlin lists none from the newest', true, 4],
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

  test('a retry starts a run if only other calls have runs', async () => {
    await connected().start(network, { key: keyOf(2) })
    server.enter('Successful')
    server.failNext(502, '<html>', { on: 'POST' })
    await failureOf(connected().start(network))
    await connected().start(network, { isRetry: true })
    expect(server.state.runs).toHaveLength(2)
  })

  test('the outcome is unknown if the key may not read runs', async () => {
    server.state.mayList = false
    server.loseNext('POST')
    expect(await failureOf(connected().start(network))).toMatchObject({ kind: 'doubtful', transient: false })
    expect(await failureOf(connected().start(network, { isRetry: true }))).toMatchObject({ kind: 'doubtful' })
    expect(calls('POST')).toHaveLength(1)
  })

  test('a retry finds the first run of a scenario, even if it is listed late', async () => {
    server.loseNext('POST')
    await failureOf(connected().start(network))
    server.state.listsLate = 1
    expect((await connected().start(network, { isRetry: true })).outcome.data).toMatchObject({ id })
    expect(calls('POST')).toHaveLength(1)
  })

  test('the outcome is unknown if a retry finds no runs', async () => {
    expect(await failureOf(connected().start(network, { isRetry: true }))).toMatchObject({ kind: 'doubtful' })
    expect(calls('POST')).toEqual([])
  })

  test('the outcome is unknown if there are more runs than the search covers', async () => {
    for (let number = 1; number <= 2_001; number++) {
      server.state.runs.push({ number, hypothesis: 'nightly', stage: 'Successful', ended: null, nodes: {} })
    }
    expect(await failureOf(connected().start(network, { isRetry: true }))).toMatchObject({ kind: 'doubtful' })
  })
})

test('Gremlin: a second delivery of an event finds the run after it has ended', async () => {
  await connected().start(network)
  server.enter('Successful')
  expect((await connected().start(network)).outcome.data).toMatchObject({ id })
  expect(calls('POST')).toHaveLength(1)
})

describe('Gremlin: run', () => {
  test.each([
    ['NotStarted', 'keeps running'],
    ['Active', 'keeps running'],
    ['Running', 'keeps running'],
    ['HaltRequested', 'keeps running'],
    ['Successful', 'succeeded', 'pass'],
    ['Completed', 'succeeded', 'pass'],
    ['Failed', 'succeeded', 'fail'],
    ['Halted', 'aborted', 'fail'],
  ])('in the stage %s: %s', async (stage, status, result = '') => {
    const started = await connected().start(network)
    server.enter(stage)
    if (status === 'keeps running') {
      expect(await connected().poll(started, network)).toMatchObject({ status: stage })
    } else {
      expect(await connected().end(started, network)).toMatchObject({ status, result, data: { id, url, state: stage } })
    }
  })

  test.each(['Paused', 'constructor'])('keeps running in the unknown stage %s, and reports it', async (stage) => {
    const started = await connected().start(network)
    server.enter(stage)
    expect(await connected().poll(started, network)).toMatchObject({ status: `${stage} (unknown state)` })
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
  ])('in the stage %s with the result %s, ends as %s, %s', async (stage, found, status, result) => {
    const started = await connected().start(network)
    server.enter(stage, { result: found })
    expect(await connected().end(started, network)).toMatchObject({
      ...{ status, result, data: { state: `${stage}/${found}` } },
    })
  })

  test.each([
    ['Failed', { '0': healthCheck('Failed') }, 'succeeded', 'pass'],
    ['Halted', { '0': latency('Halted', { nodeHaltedById: 'check' }) }, 'succeeded', 'pass'],
    ['Halted', { '0': healthCheck('Successful') }, 'aborted', 'fail'],
    ['Failed', { '0': latency('Failed'), '1': healthCheck('Successful') }, 'errored', 'fail'],
    ['Successful', { '0': healthCheck('Successful') }, 'succeeded', 'fail'],
  ])('with a health check that must fail: %s with %j is %s, %s', async (stage, nodes, status, result) => {
    const started = await connected().start(network)
    server.enter(stage, { nodes, passCriteria: 'AT_LEAST_ONE_FAILED' })
    expect(await connected().end(started, network)).toMatchObject({ status, result })
  })

  test('is read from a list or an object', async () => {
    server.state.inList = true
    const started = await connected().start(network)
    server.enter('Successful')
    expect(await connected().end(started, network)).toMatchObject({ result: 'pass', data: { id, state: 'Successful' } })
    server.failNext(200, [])
    expect(await failureOf(connected().poll(started, network))).toMatchObject({ kind: 'platform', transient: true })
  })

  test('fails and names the health check that halted it', async () => {
    const started = await connected().start(network)
    const branches: Branches = [
      { nodes: { '0': healthCheck('Failed', { failedReason: 'status 503' }) } },
      { nodes: { '0': latency('Halted', { nodeHaltedById: '0' }), '1': latency('NotStarted') } },
    ]
    server.enter('Halted', {
      nodes: { concurrentNode: { type: 'Concurrent', id: 'concurrentNode', state: { lifecycle: 'Failed' }, branches } },
    })
    const ended = await connected().end(started, network)
    expect(ended).toMatchObject({ status: 'succeeded', result: 'fail', data: { injected: ['latency: Halted'] } })
    expect(ended.message).toBe(`Scenario run ${id} ended as Halted: health check "Shop is up" failed (status 503)`)
  })

  test.each([
    ['halted by a step', 'Halted', { '0': latency('Halted', { nodeHaltedById: 'check' }) }, 'succeeded'],
    ['halted after its health check', 'Halted', { '0': latency('Halted'), '1': healthCheck('Failed') }, 'succeeded'],
    ['halted by a person', 'Halted', { '0': latency('Halted'), '1': healthCheck('Successful') }, 'aborted'],
    ['failed by its health check', 'Failed', { '0': latency('Halted'), '1': healthCheck('Failed') }, 'succeeded'],
    ['unable to inject its fault', 'Failed', { '0': latency('Failed'), '1': healthCheck('Successful') }, 'errored'],
  ])('is judged correctly if it was %s', async (_what, stage, nodes, status) => {
    const started = await connected().start(network)
    server.enter(stage, { nodes })
    expect(await connected().end(started, network)).toMatchObject({ status, result: 'fail' })
  })

  test('a failure has the reason that Gremlin gives', async () => {
    const started = await connected().start(network)
    server.enter('Failed', {
      failedReason: 'No targets matched',
      nodes: { '0': latency('Failed', { failedReason: 'agent is idle' }) },
    })
    expect((await connected().end(started, network)).message).toBe(
      `Scenario run ${id} ended as Failed: No targets matched; step "latency" failed (agent is idle)`,
    )
  })

  test.each([false, true])('reports its hypothesis and the injected faults (camel case: %s)', async (camelCase) => {
    server.state.camelCase = camelCase
    const started = await connected().start({ ...network, parameters: { hypothesis: 'Checkout survives' } })
    const flag = { type: 'FailureFlag', id: '3', name: 'http-ingress', state: { lifecycle: 'Successful' } }
    const delay = { type: 'Delay', id: '2', state: { lifecycle: 'Successful' } }
    server.enter('Successful', { nodes: { '0': healthCheck('Successful'), '1': latency('Successful'), delay, flag } })
    expect((await connected().end(started, network)).data).toEqual({
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

  test('is judged by thresholds', async () => {
    const input = { ...network, thresholds: [{ metric: 'duration', op: '<', value: 60 }] }
    const started = await connected().start(input)
    server.enter('Successful')
    expect(await connected().end(started, input)).toMatchObject({
      result: 'fail',
      message: expect.stringContaining('duration is 90, not < 60'),
    })
  })

  test('reports the running steps', async () => {
    const started = await connected().start(network)
    server.enter('Active', { nodes: { '0': healthCheck('Successful'), '1': latency('Active') } })
    expect(await connected().poll(started, network)).toMatchObject({ status: 'Active', progress: 'latency' })
  })

  test('keeps running while Gremlin is down, and is refused if it no longer exists', async () => {
    const started = await connected().start(network)
    server.failNext(500, '<html><title>Oops</title>')
    expect(await failureOf(connected().poll(started, network))).toMatchObject({ transient: true })
    server.failNext(200, { guid })
    expect(await failureOf(connected().poll(started, network))).toMatchObject({ transient: true })
    server.state.runs = []
    expect(await failureOf(connected().poll(started, network))).toMatchObject({
      kind: 'refused',
      message: expect.stringContaining('scenario run not found'),
    })
  })
})

describe('Gremlin: stop', () => {
  test('halts a run by id', async () => {
    await connected().start(network)
    const outcome = await connected().stop({ id })
    expect(outcome).toMatchObject({
      result: 'pass',
      data: { state: 'Halted' },
      message: `Stopped scenario run ${id} (Halted)`,
    })
    expect(calls('POST').at(-1)).toMatchObject({ path: `/v1/scenarios/halt/${guid}/runs/1`, body: undefined })
    expect(calls('POST').at(-1)?.query.get('teamId')).toBe(server.state.team)
  })

  test('also halts it at the deadline', async () => {
    const started = await connected().start(network)
    expect(await connected().stopAtDeadline(started, network)).toBe(true)
    expect(run().stage).toBe('Halted')
  })

  test('waits for a run that is still running', async () => {
    await connected().start(network)
    server.state.slow = true
    expect(await connected().stop({ id })).toMatchObject({ message: 'still HaltRequested' })
  })

  test('passes for a run that has ended, even between the poll and the halt', async () => {
    await connected().start(network)
    server.enter('Successful')
    expect(await connected().stop({ id })).toMatchObject({
      message: `Scenario run ${id} had ended already (Successful)`,
    })
    expect(calls('POST')).toHaveLength(1)
    await gremlin.stop(connected().client(), { id })
    expect(run().stage).toBe('Successful')
  })

  test('reports the reason for a refusal', async () => {
    await connected().start(network)
    server.state.mayRun = false
    expect((await failureOf(connected().stop({ id }))).message).toContain('MINIMUM_TEAM_PRIVILEGES')
    expect((await failureOf(connected().stop({ id: `${guid}#9` }))).message).toContain('scenario run not found')
    server.down()
    expect(await failureOf(connected().stop({ id }))).toMatchObject({ transient: true })
  })

  test.each(['7', guid, `${guid}#x`, `../${guid}#1`, `${guid}#1/..`])('rejects the id %j', async (wrong) => {
    const failure = await failureOf(connected().stop({ id: wrong }))
    expect(failure).toMatchObject({ kind: 'invalid', message: expect.stringContaining('must be a run id such as') })
    expect(server.calls).toEqual([])
  })
})
