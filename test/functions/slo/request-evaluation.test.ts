import { describe, expect, test } from '@jest/globals'
import * as z from 'zod/mini'
import { serve } from '../../../infra/testing/loopback-server.ts'
import { optional, url } from '../../../shared/fields.ts'
import { getEvaluationStatus } from '../../../shared/providers/evaluation/evaluate.ts'
import {
  defineEvaluationProvider,
  evaluationFields,
  type MeasurementRequest,
} from '../../../shared/providers/evaluation/provider.ts'
import { expectFailure } from '../helpers.ts'
import type { EvaluateOptions } from './drive.ts'
import { play } from './play.ts'

/** The values of the fake platform by the name of the gauge. */
let gauges: Record<string, unknown>
let requests: MeasurementRequest[] = []
const gauge = defineEvaluationProvider({
  title: 'Gauge',
  connection: z.strictObject({ baseUrl: url('The URL'), ...evaluationFields, budget: optional(z.number()) }),
  check: ({ http }) => http.get('values'),
  queryNoun: 'the name of a gauge',
  dataDelay: 60,
  async measure({ http }, request) {
    requests.push(request)
    const { body } = await http.get('values', {
      schema: z.record(z.string(), z.nullable(z.union([z.number(), z.string()]))),
    })
    const measured = request.queries.map(({ name, query }) => {
      const value = body[query] ?? undefined
      return { name, value: typeof value === 'string' ? Number(value) : value, url: `${http.baseUrl}/${query}` }
    })
    return { measured }
  },
})

const { server, ask } = play(gauge, {
  start() {
    gauges = { response: 480, errors: 0.5 }
    requests = []
    return serve(() => ({ status: 200, body: gauges }))
  },
  connection: ({ url }) => ({ baseUrl: url, queries: { p95: 'response', error_rate: 'errors' } }),
})
const thresholds = [{ metric: 'p95', op: '<', value: 500, warn: 400 }]
const sloFile = {
  objectives: [
    { sli: 'p95', pass: [{ criteria: ['<500'] }], weight: 3 },
    { sli: 'error_rate', displayName: 'Errors', pass: [{ criteria: ['<0.1'] }], warning: [{ criteria: ['<1'] }] },
  ],
  total_score: { pass: '90%', warning: '75%' },
}
const run = (input: object, options?: EvaluateOptions, fields?: object) =>
  ask({ timeframe: '5m', ...input }, fields, options)

describe('request-evaluation', () => {
  test('with thresholds measures only their indicators', async () => {
    expect(await run({ thresholds })).toMatchObject({
      status: 'succeeded',
      result: 'warning',
      message: 'The evaluation ended with a warning with a score of 50: p95 is 480, not <400',
      data: { result: 'warning', score: 50, url: `${server.url}/response` },
      links: { 'gauge slo': `${server.url}/response` },
    })
    expect(requests[0]?.queries).toEqual([{ name: 'p95', query: 'response' }])
  })

  test('with an SLO file scores as Keptn does', async () => {
    const { message, data, ...ended } = await run({ sloFile })
    expect(ended).toMatchObject({ status: 'succeeded', result: 'warning' })
    expect(message).toBe('The evaluation ended with a warning with a score of 87.5: Errors is 0.5, not <0.1')
    expect(data).toMatchObject({
      result: 'warning',
      score: 87.5,
      indicatorResults: [
        { displayName: 'p95', status: 'pass', score: 3 },
        { displayName: 'Errors', status: 'warning', score: 0.5, value: { metric: 'error_rate', value: 0.5 } },
      ],
    })
    expect(Date.parse(String(data['timeEnd'])) - Date.parse(String(data['timeStart']))).toBe(300_000)
  })

  test.each([
    ['of the connection', {}, { sloFile }],
    ['of the input, not that of the connection', { sloFile }, { sloFile: { objectives: [] } }],
    ['that is text', { sloFile: JSON.stringify(sloFile) }, {}],
  ])('uses the SLO file %s', async (_, input, more) => {
    expect(await run(input, {}, more)).toMatchObject({ data: { score: 87.5 } })
  })

  test('with thresholds ignores the SLO file of the connection', async () => {
    expect(await run({ thresholds }, {}, { sloFile: 'not even YAML: [' })).toMatchObject({ data: { score: 50 } })
  })

  test('prefers a query of the input to one of the connection', async () => {
    await run({ thresholds, queries: { p95: 'errors' } })
    expect(requests[0]?.queries).toEqual([{ name: 'p95', query: 'errors' }])
  })

  test('without data ends as errored, or with a warning if the connection allows it', async () => {
    gauges = {}
    const words = 'Not evaluated: Gauge has no data, or incomplete data, for p95 (there is no data)'
    expect(await run({ thresholds })).toMatchObject({ status: 'errored', result: 'fail', message: words })
    const message = expect.stringContaining('with a score of 50: p95 was not measured (there is no data)')
    expect(await run({ thresholds }, {}, { noData: 'warning' })).toMatchObject({ result: 'warning', message })
  })

  test('without data succeeds if the objective has no criteria', async () => {
    gauges = { errors: 0 }
    const objectives = [{ sli: 'p95' }, { sli: 'error_rate', pass: [{ criteria: ['<1'] }] }]
    expect(await run({ sloFile: { ...sloFile, objectives } })).toMatchObject({ status: 'succeeded', result: 'pass' })
  })

  test('evaluates the SLO of the service if the connection says so', async () => {
    gauges['checkout'] = 3
    const fields = { queries: undefined, slo: '$SERVICE' }
    const asked = { thresholds: [{ metric: 'checkout', op: '<', value: 5 }] }
    expect(await run(asked, {}, fields)).toMatchObject({ result: 'pass', data: { result: 'pass' } })
    expect(requests[0]?.queries).toEqual([{ name: 'checkout', query: 'checkout' }])
  })

  test('says what to name if neither the call nor the connection names an SLO', async () => {
    const words =
      'input.slo is required, because the connection has no default: send the name of a gauge, or several by name as input.queries'
    await expectFailure(run({}, {}, { queries: undefined }), 'invalid', words)
  })

  test('of more than 50 queries is refused', async () => {
    const many = (count: number, of: string) =>
      Object.fromEntries(Array.from({ length: count }, (_, n) => [`${of}${n}`, 'errors']))
    const [own, asked] = [many(30, 'own'), many(21, 'asked')]
    const objectives = [...Object.keys(own), ...Object.keys(asked)].map((sli) => ({ sli }))
    const input = { queries: asked, sloFile: { objectives, total_score: { pass: '90%' } } }
    const words = 'must be at most 50 (they are 51)'
    await expectFailure(ask(input, { queries: own }), 'invalid', words)
  })

  test('names the first five missed objectives and counts the others', async () => {
    const names = Array.from({ length: 8 }, (_, at) => `m${at}`)
    gauges = Object.fromEntries(names.map((name) => [name, 9]))
    const queries = Object.fromEntries(names.map((name) => [name, name]))
    const { message } = await run({ queries, thresholds: names.map((metric) => ({ metric, op: '<', value: 1 })) })
    expect(message).toMatch(/score of 0: m0 is 9, not <1; .*; m4 is 9, not <1; and 3 more$/)
  })
})

describe('request-evaluation: the evaluated time', () => {
  const length = () => (requests[0]?.end ?? 0) - (requests[0]?.start ?? 0)
  const evaluation = { evaluation: { timeframe: '10m', start: '', end: '' } }
  const test_ = { test: { start: '2026-11-24T09:00:00.000Z', end: '2026-11-24T09:02:00.000Z' } }

  test.each([
    ['the time of the input', { timeframe: '5m' }, { ...evaluation, ...test_ }, 300_000],
    ['the time in evaluation.triggered', {}, { ...evaluation, ...test_ }, 600_000],
    ['the time of the test', {}, test_, 120_000],
    ['the timeframe of the connection', {}, {}, 60_000],
  ])('is %s', async (_, input, data, expected) => {
    await ask({ thresholds, ...input }, { timeframe: '1m' }, { data })
    expect(length()).toBe(expected)
  })

  test('ends at the time of the input and lasts as long as the event says', async () => {
    const end = '2026-11-24T10:00:00.000Z'
    await ask({ thresholds, end }, { timeframe: '1m' }, { data: evaluation })
    expect([length(), requests[0]?.end]).toEqual([600_000, Date.parse(end)])
    const ofTest = ask({ thresholds, end }, { timeframe: '1m' }, { data: test_ })
    await expectFailure(ofTest, 'invalid', 'input.end needs start or timeframe')
  })

  test('of a silent call ends when the data is complete', async () => {
    const before = Date.now()
    await run({ thresholds })
    expect(requests[0]?.end).toBeGreaterThanOrEqual(before - 60_000)
    expect(requests[0]?.end).toBeLessThanOrEqual(Date.now() - 60_000)
  })

  test('of a task waits until the data is complete', async () => {
    const end = Date.now() - 30_000
    const job = { window: { start: end - 300_000, end } }
    const polled = await getEvaluationStatus(gauge as never, undefined as never, { dataDelay: 60 } as never, job)
    expect(polled).toMatchObject({ status: expect.stringMatching(/^waiting for its data until 2\d{3}-/) })
    const { minSeconds } = polled as { minSeconds: number }
    expect(minSeconds).toBeGreaterThan(15)
    expect(minSeconds).toBeLessThanOrEqual(30)
  })
})

describe('request-evaluation: an invalid request or a failure', () => {
  const latency = { ...sloFile, objectives: [{ sli: 'latency' }] }

  test.each([
    [{ thresholds: [{ metric: 'p59', op: '<', value: 1 }] }, {}, 'input.thresholds.0.metric does not name a query.'],
    [{ sloFile: latency }, {}, 'input.sloFile.objectives.0.sli does not name a query. Unknown query "latency".'],
    [{}, { sloFile: latency }, 'sloFile of the connection.objectives.0.sli'],
    [{}, {}, 'input.thresholds or input.sloFile is required: Gauge returns values without a verdict'],
    [{ thresholds }, { queries: undefined }, 'Unknown query "p95". There are no queries.'],
    [{ thresholds, sloFile }, {}, 'input.thresholds '],
    [{ thresholds, queries: { extra: 'x' } }, {}, 'input.queries has extra, which no threshold uses'],
    [{ thresholds, timeframe: 'soon' }, {}, 'input.timeframe must be a duration'],
    [{ thresholds, start: '2026-01-01T00:00:00Z', end: '2025-01-01T00:00:00Z', timeframe: '' }, {}, 'input.'],
  ])('refuses %j with a connection with %j', async (input, more, says) => {
    await expectFailure(run(input, {}, more), 'invalid', says)
    expect(server.calls).toEqual([])
  })

  test('reports an invalid SLO file of the connection as misconfigured', async () => {
    await expectFailure(run({}, {}, { sloFile: 'objectives: 1' }), 'misconfigured', 'sloFile of the connection')
  })

  test('can be retried while the platform is down, in a silent call and in a task', async () => {
    server.down()
    await expectFailure(run({ thresholds }), { transient: true })
    const end = new Date(Date.now() - 120_000).toISOString()
    await expectFailure(run({ thresholds, end }, { interactive: true }), { transient: true })
  })

  test('ends a task with the reason of a refusal', async () => {
    server.failNext(400, { message: 'no such gauge' })
    const end = new Date(Date.now() - 120_000).toISOString()
    const expected = { status: 'errored', result: 'fail', message: expect.stringContaining('no such gauge') }
    expect(await run({ thresholds, end }, { interactive: true })).toMatchObject(expected)
  })

  test('needs an orchestrator and a stage to compare with earlier evaluations', async () => {
    const relative = { ...sloFile, objectives: [{ sli: 'p95', pass: [{ criteria: ['<=+10%'] }] }] }
    await expectFailure(run({ sloFile: relative }), 'misconfigured', 'the caller has no orchestrator to read them from')
    const nameless = { data: { stage: undefined }, orchestrator: 'keptn' }
    await expectFailure(run({ sloFile: relative }, nameless), 'invalid', 'send data.stage')
  })
})
