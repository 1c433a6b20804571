import { beforeEach, describe, expect, test } from '@jest/globals'
import { keptn } from '../../../../functions/slo/keptn/keptn.ts'
import type { MeasurementRequest } from '../../../../shared/providers/evaluation/provider.ts'
import { clientOf, expectFailure, failureOf, keyOf } from '../../helpers.ts'
import type { EvaluateOptions } from '../drive.ts'
import { playEvaluations, time } from '../play.ts'
import { evaluated, type KeptnServer, startKeptn } from './fake.ts'

const context = '5a9f4b3e-0000-4000-8000-000000000000'
/** The sequence that calls the webhook: see `evaluate`. */
const callingSequence = '0f4a9d0e-51a1-4d3e-8f6b-0f6a0d1f8c11'
const place = { project: 'shop', stage: 'production', service: 'checkout' }

const run = (input?: object, fields?: object, options: EvaluateOptions = {}) =>
  ask(input, fields, { task: 'check-slo', interactive: true, ...options })
/** Sets how the next evaluation ends, by poll. */
const end = (...polls: KeptnServer['state']['ends']) => void Object.assign(server.state, { ends: polls })
const task = (data: object) => ({ of: 'task' as const, data })
const client = (options: Parameters<typeof clientOf>[2] = {}, more: object = {}) =>
  clientOf(keptn, keptn.connection.parse(connected(more)), options)
const asked: MeasurementRequest = {
  queries: [],
  start: Date.parse(time.start),
  end: Date.parse(time.end),
  ...place,
  shkeptncontext: callingSequence,
}
const posts = () => server.calls.filter(({ method, path }) => method === 'POST' && path.endsWith('/evaluation'))
/** Records the first event of the calling sequence. */
const startSequence = (data: object) =>
  server.record({ type: 'sh.keptn.event.production.delivery.triggered', shkeptncontext: callingSequence, data })
const finishedData = (data: object, message = 'The reason') => ({ ...evaluated, ...data, message })

const {
  server,
  ask,
  connection: connected,
} = playEvaluations(keptn, {
  async start() {
    const server = await startKeptn()
    server.state.ends = [[task(evaluated)]]
    return server
  },
  connection: ({ url, token }) => ({ baseUrl: url, token }),
  call: { task: 'check-slo', interactive: true },
  failedChecks: [{ reason: '', connection: { token: undefined }, kind: 'misconfigured' }],
  verdicts: {
    pass: { arrange: () => end([task({ ...evaluated, result: 'pass' })]), result: 'pass' },
    warning: { arrange: () => end([task({ ...evaluated, result: 'warning' })]), result: 'warning' },
    fail: { arrange: () => end([task({ ...evaluated, result: 'fail' })]), result: 'fail' },
  },
})

// The first poll finds no end.
beforeEach(() => end([], [task(evaluated)]))

describe('Keptn: an evaluation', () => {
  test('starts once, with its time in UTC and the idempotency key, and is polled until it ends', async () => {
    const { status, result, message, data, links } = await run()
    expect([status, result]).toEqual(['succeeded', 'warning'])
    expect(message).toBe('The evaluation ended with a warning with a score of 75: error_rate is 1.2, not <1')
    expect(posts().map(({ path, body }) => [path, body])).toEqual([
      [
        '/api/controlPlane/v1/project/shop/stage/production/service/checkout/evaluation',
        { start: '2025-11-24T10:00:00', end: '2025-11-24T10:05:00', labels: { webhooksKey: keyOf(1) } },
      ],
    ])
    const url = `${server.url}/bridge/project/shop/sequence/${context}`
    expect(links).toEqual({ 'keptn slo': url })
    expect(data).toMatchObject({ result: 'warning', score: 75, url, timeStart: '2026-11-24T10:00:00.000Z' })
  })

  test('has the format of every other evaluation', async () => {
    expect((await run()).data['indicatorResults']).toEqual([
      {
        displayName: 'Response time P95',
        status: 'pass',
        score: 1,
        keySli: true,
        value: { metric: 'response_time_p95', value: 356.9040412824373, success: true },
        passTargets: evaluated.evaluation.indicatorResults[0]?.passTargets,
        warningTargets: [],
      },
      {
        displayName: 'error_rate',
        status: 'warning',
        score: 0.5,
        keySli: false,
        value: { metric: 'error_rate', value: 1.2, success: true },
        passTargets: [{ criteria: '<1', targetValue: 1, violated: true }],
        warningTargets: [{ criteria: '<2', targetValue: 2, violated: false }],
      },
    ])
  })

  test('ignores invalid objectives', async () => {
    const [first] = evaluated.evaluation.indicatorResults
    const indicatorResults = [null, 'pass', { ...first, status: 'great' }, { ...first, passTargets: [{}, 7] }]
    const evaluation = { indicatorResults, score: 'high', timeStart: 7, comparedEvents: null }
    end([task({ ...evaluated, evaluation })])
    expect((await run()).data).toMatchObject({
      score: 0,
      timeStart: time.start,
      comparedEvents: [],
      indicatorResults: [{ displayName: 'Response time P95', passTargets: [] }],
    })
  })

  test('uses the result of Keptn if another service also ended the task', async () => {
    const other = { of: 'task', source: 'webhook-service', data: { status: 'errored', result: 'fail' } } as const
    end([other, task(evaluated), other])
    expect(await run()).toMatchObject({ status: 'succeeded', result: 'warning' })
  })

  test('uses the project, stage and service of the connection', async () => {
    await run({}, { stage: 'quality-gate' })
    end([task(evaluated)])
    await run({}, { project: 'gates', bridgeUrl: 'https://bridge.example.com/' })
    expect(posts().map(({ path }) => path.slice('/api/controlPlane/v1/'.length))).toEqual([
      'project/shop/stage/quality-gate/service/checkout/evaluation',
      'project/gates/stage/production/service/checkout/evaluation',
    ])
  })
})

describe('Keptn: a missing evaluation', () => {
  test.each([
    ['errored', finishedData({ status: 'errored', result: 'fail' }, 'lighthouse failed because get-sli failed')],
    [
      // Keptn passes it.
      'without objectives',
      {
        status: 'succeeded',
        result: 'pass',
        message: 'no evaluation performed by lighthouse because no SLI-provider configured for project shop',
        evaluation: { indicatorResults: null, result: 'pass', score: 0, sloFileContent: '' },
      },
    ],
    ['without a result', finishedData({ result: '' })],
    ['without an evaluation', finishedData({ evaluation: 'none' })],
  ])('(%s) ends as errored with the reason of Keptn', async (_what, data) => {
    end([task(data)])
    const { status, result, message } = await run()
    expect([status, result]).toEqual(['errored', 'fail'])
    const url = `${server.url}/bridge/project/shop/sequence/${context}`
    expect(message).toBe(`Keptn did not evaluate checkout in production: ${data.message} (${url})`)
  })

  test('ends as errored at the second poll after its sequence ended', async () => {
    const data = { status: 'errored', result: 'fail', message: 'sequence timed out' }
    end([{ of: 'sequence', data }])
    expect(await run()).toMatchObject({ status: 'errored', message: expect.stringContaining('sequence timed out') })
  })

  test('ends as errored if it was aborted, although Keptn reports a pass', async () => {
    end([{ of: 'sequence', data: { status: 'aborted', result: 'pass' } }])
    const { status, message } = await run()
    expect([status, message]).toEqual(['errored', expect.stringContaining('no reason given (status aborted)')])
  })

  test('is polled again if only the end of its sequence is recorded', async () => {
    const data = { status: 'succeeded', result: 'pass' }
    end([{ of: 'sequence', data }], [task(evaluated)])
    expect(await run()).toMatchObject({ status: 'succeeded', result: 'warning' })
  })
})

describe('Keptn: a call', () => {
  test('for less than a minute is refused with the reason of Keptn', async () => {
    await expectFailure(run({ end: '2025-11-24T10:00:59Z' }), 'refused', 'at least 1 minute after start')
  })

  test.each([
    ['that is silent', {}, { interactive: false }, 'mode'],
    ['of an event without a stage', {}, { data: { stage: '' } }, 'data.stage'],
    ['of a service that is a path', {}, { data: { service: '../evaluation' } }, 'data.service'],
    ['of a project that is a filter', {}, { data: { project: 'shop AND data.stage:x' } }, 'data.project'],
    ['for a time in the future', { end: '2099-01-01T00:00:00Z', start: '2098-12-31T00:00:00Z' }, {}, 'input.end'],
    ['with an SLO file', { sloFile: { objectives: [{ sli: 'p95' }], total_score: { pass: '90%' } } }, {}, 'input'],
    ['with queries', { queries: { p95: 'x' } }, {}, 'input'],
    ['of the task evaluation', {}, { task: 'evaluation' }, 'type'],
  ])('%s is refused with 400', async (_what, input, options, path) => {
    await expectFailure(run(input, {}, options), { kind: 'invalid', status: 400, errors: [{ path }] })
    expect(server.calls).toEqual([])
  })

  test('from a sequence of the same service and stage is refused because it would wait for itself', async () => {
    startSequence(place)
    await expectFailure(run(), 'refused', 'the evaluation and this sequence would wait for each other')
    expect(posts()).toEqual([])
  })

  test('from another stage of the same Keptn is evaluated', async () => {
    startSequence(place)
    expect(await run({}, { stage: 'quality-gate' })).toMatchObject({ status: 'succeeded', result: 'warning' })
  })

  test('from the sequence of an evaluation is refused because it would start an endless loop', async () => {
    await run({}, { stage: 'quality-gate' })
    const again = { ...asked, shkeptncontext: context }
    await expectFailure(keptn.startMeasurement(client({ key: keyOf(2) }), again), 'refused', 'an endless loop')
    expect(posts()).toHaveLength(1)
  })

  test('from the sequence of an evaluation that a person triggered is evaluated', async () => {
    startSequence({ ...place, stage: 'quality-gate', labels: { by: 'Jane Doe' } })
    const expected = { keptnContext: context }
    expect(await keptn.startMeasurement(client({}, { stage: 'quality-gate' }), asked)).toEqual(expected)
  })

  test('is refused if the connection cannot read the sequence', async () => {
    server.state.mayRead = false
    await expectFailure(run(), 'refused', 'not allowed to read')
    expect(posts()).toEqual([])
  })
})

describe('Keptn: a retry', () => {
  test('finds the evaluation of the first attempt, even if it is recorded late', async () => {
    server.loseNext('POST')
    const expected = { transient: true, mayHaveWritten: true }
    await expectFailure(keptn.startMeasurement(client(), asked), expected)
    server.state.staleSearches = 1
    expect(await keptn.startMeasurement(client({ isRetry: true }), asked)).toEqual({ keptnContext: context })
    expect(posts()).toHaveLength(1)
  })

  test('finds the first evaluation if a person ran it again', async () => {
    await keptn.startMeasurement(client(), asked)
    const [first] = server.events()
    if (first) server.record({ ...first, id: 'again', shkeptncontext: 'another' })
    expect(await keptn.startMeasurement(client({ isRetry: true }), asked)).toEqual({ keptnContext: context })
  })

  test('starts the evaluation if the first attempt did not, in addition to those of other calls', async () => {
    await keptn.startMeasurement(client({ key: keyOf(2) }), asked)
    server.failNext(502, '<html>', { on: 'POST' })
    await failureOf(keptn.startMeasurement(client(), asked))
    await keptn.startMeasurement(client({ isRetry: true }), asked)
    expect(server.events()).toHaveLength(2)
  })
})
