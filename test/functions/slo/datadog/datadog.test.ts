import { describe, expect, test } from '@jest/globals'
import { datadog } from '../../../../functions/slo/datadog/datadog.ts'
import { newestOf } from '../../../../infra/testing/loopback-server.ts'
import { apiKey, applicationKey, availability, startDatadog } from '../../../platforms/datadog.ts'
import { expectFailure } from '../../helpers.ts'
import { playEvaluations, time, withSlo } from '../play.ts'

const newest = () => newestOf(server.state.slos)
const only95 = [{ timeframe: '7d', target: 95 }]
const zero = { error_type: 'ZERO_VALUED_DENOMINATOR', error_message: 'The denominator is zero valued' }
const histories = () => server.calls.filter(({ path }) => path.endsWith('/history'))

const { server, ask } = playEvaluations(datadog, {
  start: startDatadog,
  connection: ({ url }) => ({ baseUrl: url, apiKey, applicationKey }),
  input: { slo: availability },
  refusal: (reason) => ({ errors: [reason] }),
  check: [
    {
      method: 'GET',
      path: '/api/v1/slo',
      query: new URLSearchParams('limit=1'),
      headers: { 'dd-api-key': apiKey, 'dd-application-key': applicationKey },
    },
  ],
  failedChecks: [
    {
      reason: 'Failed permission authorization checks',
      change: ({ state }) => Object.assign(state, { applicationKeys: { [applicationKey]: [] } }),
    },
  ],
  invalid: [{ site: 'evil.example.com' }],
  urls: {
    'https://api.datadoghq.com': {},
    'https://api.us3.datadoghq.com': { site: 'us3.datadoghq.com' },
    'https://api.datadoghq.eu': { site: 'datadoghq.eu' },
    'https://proxy.example.com': { site: 'datadoghq.eu', baseUrl: 'https://proxy.example.com' },
  },
  // The fake has a target of 95 and a warning of 98.
  verdicts: {
    '100': { arrange: withSlo({ value: 100 }), result: 'pass', value: 100 },
    '98': { arrange: withSlo({ value: 98 }), result: 'pass', value: 98 },
    '97.99': { arrange: withSlo({ value: 97.99 }), result: 'warning', value: 97.99 },
    '95': { arrange: withSlo({ value: 95 }), result: 'warning', value: 95 },
    '94.99': { arrange: withSlo({ value: 94.99 }), result: 'fail', value: 94.99 },
    '0': { arrange: withSlo({ value: 0 }), result: 'fail', value: 0 },
    '95 without a warning': { arrange: withSlo({ value: 95, thresholds: only95 }), result: 'pass', value: 95 },
    '94.99 without a warning': { arrange: withSlo({ value: 94.99, thresholds: only95 }), result: 'fail', value: 94.99 },
  },
  gaps: {
    'no value': { arrange: withSlo({ value: null, errors: [zero] }), message: '(The denominator is zero valued)' },
    'a failure of one monitor': { arrange: withSlo({ failures: [{ error: 'one monitor' }] }), message: 'one monitor' },
    'an error with a type only': {
      arrange: withSlo({ errors: [{ error_type: 'NO_DATA', error_message: '' }] }),
      message: 'NO_DATA',
    },
    'a preliminary value': { arrange: withSlo({ preview: true }), message: 'the value is preliminary' },
  },
  reason: (at, error) => withSlo({ failures: [{ error }] })(at),
  unknown: {
    'an unknown name': { slo: 'Cart', message: 'The query of Cart: Datadog has no SLO with the name or id "Cart".' },
    'a name in another case': { slo: 'checkout availability', message: 'Datadog has no SLO with the name or id' },
    'a name that is a path': { slo: '../../events', message: 'Datadog has no SLO with the name or id "../../events".' },
    'a name that two SLOs have': {
      slo: 'Checkout availability',
      message: `Use one of these ids: ${availability}, ${'f'.repeat(32)}.`,
      change: ({ server: { state } }) =>
        (state.slos = state.slos.flatMap((slo) => [slo, { ...slo, id: 'f'.repeat(32) }])),
    },
    'an unknown id': {
      slo: 'a'.repeat(32),
      message: `Datadog answered 404 to GET /api/v1/slo/${'a'.repeat(32)}: SLO not found`,
    },
  },
})

describe('Datadog: an SLO', () => {
  test('covers the requested time in seconds and is compared with its own target', async () => {
    const { data, links } = await ask()
    const expected = [`/api/v1/slo/${availability}`, `/api/v1/slo/${availability}/history`]
    expect(server.calls.map(({ path }) => path)).toEqual(expected)
    const period = { from_ts: '1763978400', to_ts: '1763978700', target: '95' }
    expect(Object.fromEntries(histories()[0]?.query ?? [])).toEqual(period)
    const targets = {
      passTargets: [{ criteria: '>=98', targetValue: 98, violated: false }],
      warningTargets: [{ criteria: '>=95', targetValue: 95, violated: false }],
    }
    expect(data['indicatorResults']).toMatchObject([{ displayName: availability, ...targets }])
    expect(data).toMatchObject({ score: 100, timeStart: time.start, timeEnd: time.end, errorBudget: 90 })
    expect(links).toEqual({ 'datadog slo': `https://app.datadoghq.com/slo?slo_id=${availability}` })
  })

  test.each([
    ['datadoghq.eu', 'https://app.datadoghq.eu/slo'],
    ['us5.datadoghq.com', 'https://us5.datadoghq.com/slo'],
    ['ddog-gov.com', 'https://app.ddog-gov.com/slo'],
    ['us2.ddog-gov.com', 'https://us2.ddog-gov.com/slo'],
  ])('of %s links to %s', async (site, start) => {
    const { data } = await ask({}, { site })
    expect(data['url']).toBe(`${start}?slo_id=${availability}`)
  })

  test('uses the target of its own timeframe', async () => {
    newest().thresholds = [
      { timeframe: '30d', target: 99.9 },
      { timeframe: '7d', target: 95 },
    ]
    expect((await ask()).data).toMatchObject({ result: 'pass' })
    delete newest().timeframe
    expect((await ask()).data).toMatchObject({ result: 'fail' })
  })
})

test('Datadog: the name of an SLO is found by the complete name', async () => {
  server.state.slos.unshift({ ...newest(), id: 'f'.repeat(32), name: 'Checkout availability (old)', value: 1 })
  const outcome = await ask({ slo: 'Checkout availability' })
  expect(outcome).toMatchObject({ result: 'pass' })
  expect(server.calls.map(({ path }) => path)).toEqual(['/api/v1/slo', `/api/v1/slo/${availability}/history`])
  expect(server.calls[0]?.query.get('query')).toBe('Checkout availability')
})

test('Datadog: missing data ends as errored if a 200 response contains an error', async () => {
  server.failNext(200, { data: { id: availability, name: 'x', thresholds: [{ timeframe: '7d', target: 95 }] } })
  server.failNext(200, { errors: [{ error: 'query timed out' }], data: null })
  expect(await ask()).toMatchObject({ status: 'errored', message: expect.stringContaining('query timed out') })
})

test('Datadog: missing data of a target is refused', async () => {
  newest().thresholds = []
  await expectFailure(ask(), 'refused', 'The SLO "Checkout availability" has no target')
})
