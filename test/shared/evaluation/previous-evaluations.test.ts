import { describe, expect, test } from '@jest/globals'
import { serve } from '../../../infra/testing/loopback-server.ts'
import { evaluationIn } from '../../../shared/evaluation/evaluation.ts'
import { previousEvaluationIn } from '../../../shared/evaluation/previous-evaluations.ts'
import { keptn } from '../../../shared/orchestrators/keptn/keptn.ts'
import { expectFailure, failureOf, startEach } from '../../functions/helpers.ts'

const indicator = (metric: string, value: unknown, status = 'pass', success: unknown = true) => ({
  displayName: metric,
  status,
  value: { metric, value, success },
})
const evaluation = { result: 'pass', score: 100, indicatorResults: [indicator('p95', 200)] }
const finished = (data: object, type = 'sh.keptn.event.evaluation.finished') => ({
  id: 'e1',
  type,
  source: 'lighthouse-service',
  data: { project: 'shop', stage: 'production', service: 'checkout', ...data },
})

describe('previousEvaluationIn', () => {
  const measured = [{ metric: 'p95', value: 200, status: 'pass' }]

  test('reads events of Keptn and of this project', () => {
    const expected = { id: 'e1', result: 'pass', measured }
    expect(previousEvaluationIn(finished({ result: 'pass', evaluation }))).toEqual(expected)
  })

  test('reads the event of another task', () => {
    const event = finished({ result: 'warning', 'check-slo': evaluation }, 'sh.keptn.event.check-slo.finished')
    expect(previousEvaluationIn(event)).toMatchObject({ measured })
  })

  test('reads the response to a silent call that webhook-service stores', () => {
    const answer = { status: 'succeeded', result: 'pass', message: 'Passed', data: evaluation, links: {} }
    const stored = finished({ result: 'pass', evaluation: { responses: [answer] } })
    expect(previousEvaluationIn(stored)).toMatchObject({ measured })
    expect(evaluationIn({ timeframe: '5m', responses: [answer] })).toMatchObject({ score: 100 })
  })

  test('omits indicators that were not measured', () => {
    const indicatorResults = [
      indicator('a', 1, 'fail'),
      indicator('b', 0, 'fail', false),
      indicator('c', 'NaN'),
      { status: 'pass' },
      null,
    ]
    const event = finished({ result: 'fail', evaluation: { ...evaluation, result: 'fail', indicatorResults } })
    const measured = [{ metric: 'a', value: 1, status: 'fail' }]
    expect(previousEvaluationIn(event)).toEqual({ id: 'e1', result: 'fail', measured })
  })

  test.each([
    [null],
    [{}],
    [finished({})],
    [{ ...finished({ result: 'pass', evaluation }), id: 7 }],
    [finished({ result: 'odd', evaluation: { score: 1 } })],
    [finished({ status: 'errored', result: 'fail', evaluation: { score: 0, result: 'fail' } })],
  ])('returns undefined for %j', (event) => {
    expect(previousEvaluationIn(event)).toBeUndefined()
  })
})

describe('Keptn: previous evaluations', () => {
  const server = startEach(() =>
    serve(() => ({ status: 200, body: { events: [finished({ result: 'pass', evaluation }), {}] } })),
  )

  const place = { project: 'shop', stage: 'production', service: 'checkout' }
  const of = { task: 'evaluation', ...place, results: ['pass'], limit: 3 }
  const ask = (more: Partial<typeof of> = {}) =>
    keptn({ type: 'keptn', baseUrl: server.url, token: 'a-token-of-keptn' }).evaluations({ ...of, ...more })

  test('are requested with the same query as in Keptn', async () => {
    expect(await ask()).toMatchObject([{ id: 'e1' }])
    const [call] = server.calls
    expect(call?.path).toBe('/api/mongodb-datastore/event/type/sh.keptn.event.evaluation.finished')
    const terms = ['project:shop', 'stage:production', 'service:checkout', 'status:succeeded', 'result:pass']
    const filter = terms.map((term) => `data.${term}`).join(' AND ')
    expect(Object.fromEntries(call?.query ?? [])).toEqual({ filter, excludeInvalidated: 'true', limit: '3' })
    await ask({ results: ['pass', 'warning'] })
    expect(server.calls[1]?.query.get('filter')).toMatch(/ AND data\.result:pass,warning$/)
    await ask({ results: [] })
    expect(server.calls[2]?.query.get('filter')).not.toContain('data.result')
  })

  const invalid = ['a AND data.project:other', 'a,b', 'a:b', ' ', '']
  test.each(invalid)('are not requested for the invalid service name %j', async (service) => {
    await expectFailure(ask({ service }), 'invalid', 'must be a valid name in Keptn')
    expect(server.calls).toEqual([])
  })

  test('report a refusal if the token cannot read events', async () => {
    server.failNext(403, { code: 403, message: 'the token lacks the scope cloudautomation:events:read' })
    await expectFailure(ask(), 'refused', 'events:read')
  })

  test('report a transient failure while Keptn is down', async () => {
    server.failNext(503, {})
    expect(await failureOf(ask())).toMatchObject({ transient: true })
    server.failNext(200, '<html>Sign in</html>')
    expect(await failureOf(ask())).toMatchObject({ transient: true })
  })
})
