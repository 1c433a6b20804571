import { describe, expect, test } from '@jest/globals'
import { dynatraceEvent } from '../../../../functions/slo/dynatrace-event/dynatrace-event.ts'
import { newestOf } from '../../../../infra/testing/loopback-server.ts'
import { startDynatrace } from '../../../platforms/dynatrace/server.ts'
import { expectFailure, failureOf, keyOf } from '../../helpers.ts'
import { evaluated } from '../drive.ts'
import { playReports } from '../play.ts'

const minutesAgo = (minutes: number) => new Date(Date.now() - minutes * 60_000).toISOString().replace(/\.\d+/, '')
const recent = () => ({ ...evaluated, timeStart: minutesAgo(10), timeEnd: minutesAgo(5) })
const push = (options: Parameters<typeof pushTo>[0] = {}) =>
  pushTo({ ...options, data: { evaluation: recent(), ...options.data } })
const posted = () => server.calls.filter(({ method }) => method === 'POST')
const event = () => newestOf(posted()).body as Record<string, unknown> & { properties: Record<string, unknown> }

const { server, push: pushTo } = playReports(dynatraceEvent, {
  inputs: ['fields'],
  start: startDynatrace,
  connection: ({ url, token }) => ({ baseUrl: url, token }),
  visible: ({ reports }) => reports().length,
  result: ({ reports }) => reports().at(-1)?.properties['result'],
  refusal: (message) => ({ error: { code: 400, message } }),
  results: [
    { result: 'pass', status: 'succeeded', shown: 'pass' },
    { result: 'fail', status: 'succeeded', shown: 'fail' },
  ],
  refused: [
    { input: { fields: { title: 'Mine' } }, message: 'input.fields.title' },
    { input: { fields: { eventType: 'BIG' } }, message: 'input.fields.eventType' },
    { input: { fields: { properties: { a: { b: 1 } } } }, message: 'input.fields.properties.a' },
  ],
})

describe('Dynatrace event: a report', () => {
  test('is an event over the evaluated time with each objective', async () => {
    const evaluation = recent()
    const outcome = await push({ data: { evaluation } })
    expect(outcome).toMatchObject({
      status: 'succeeded',
      result: 'pass',
      data: { id: server.reports()[0]?.correlationId },
      message: expect.stringContaining('to Dynatrace: a CUSTOM_INFO event on 1 entity'),
    })
    expect(posted()).toHaveLength(1)
    expect(posted()[0]?.body).toEqual({
      eventType: 'CUSTOM_INFO',
      title: expect.stringContaining('checkout'),
      startTime: Date.parse(evaluation.timeStart),
      endTime: Date.parse(evaluation.timeEnd),
      properties: {
        cloudAutomationWebhooksKey: keyOf(1),
        result: 'warning',
        score: '75',
        project: 'shop',
        stage: 'production',
        service: 'checkout',
        keptnContext: '0f4a9d0e-51a1-4d3e-8f6b-0f6a0d1f8c11',
        timeStart: evaluation.timeStart,
        timeEnd: evaluation.timeEnd,
        url: 'https://keptn.example.com/bridge/project/shop/sequence/0f4a9d0e',
        'objective.error_rate': 'warning: 1.2 (target <1)',
        'objective.Response time p95': 'pass: 312.4 (target <=400)',
        'label.team': 'shop',
      },
    })
  })

  test('is on the entities that the connection selects', async () => {
    const entitySelector = 'type(SERVICE),entityName.equals("$SERVICE"),tag("stage:$STAGE")'
    server.state.matches = 3
    expect((await push({ connection: { entitySelector } })).message).toContain('on 3 entities')
    expect(event().entitySelector).toBe('type(SERVICE),entityName.equals("checkout"),tag("stage:production")')
  })

  test('refuses a name that would change the selector', async () => {
    const data = { service: 'x"),type(HOST' }
    const asked = push({ data, connection: { entitySelector: 'entityName("$SERVICE"),type(SERVICE)' } })
    await expectFailure(asked, 'invalid', 'data.service')
    expect(server.calls).toEqual([])
  })

  test('prefers the input to the connection', async () => {
    const fields = {
      eventType: 'CUSTOM_DEPLOYMENT',
      entitySelector: 'type(HOST)',
      properties: { version: 4, result: 'ours', cloudAutomationWebhooksKey: 'none' },
    }
    const connection = { eventType: 'CUSTOM_ANNOTATION', entitySelector: 'type(SERVICE)' }
    await push({ input: { fields }, connection })
    expect(event()).toMatchObject({
      eventType: 'CUSTOM_DEPLOYMENT',
      entitySelector: 'type(HOST)',
      properties: { version: '4', result: 'ours', score: '75', cloudAutomationWebhooksKey: keyOf(1) },
    })
  })

  test('opens a problem now, not in the past', async () => {
    await push({ input: { fields: { eventType: 'CUSTOM_ALERT', timeout: '30' } } })
    expect(event()).toMatchObject({ eventType: 'CUSTOM_ALERT', timeout: 30 })
    expect(event()).not.toHaveProperty('startTime')
  })

  test.each([
    ['are too long ago', { timeStart: minutesAgo(32 * 24 * 60), timeEnd: minutesAgo(5) }],
    ['are not times', { timeStart: 'yesterday', timeEnd: 7 }],
    ['are not text', { timeStart: { toString: 'x', valueOf: 'x' }, timeEnd: [] }],
    ['are reversed', { timeStart: minutesAgo(5), timeEnd: minutesAgo(10) }],
  ])('has the current time if its times %s', async (_what, times) => {
    await push({ data: { evaluation: { ...evaluated, ...times } } })
    expect(event()).not.toHaveProperty('startTime')
  })

  test('stays within the limits of Dynatrace and has the missed objectives first', async () => {
    const objective = (name: string, status: string) => ({
      displayName: name,
      status,
      score: 0,
      passTargets: [{ criteria: `<${'9'.repeat(5_000)}` }],
      value: { metric: name, value: 1, success: true },
    })
    const passed = Array.from({ length: 150 }, (_, at) => objective(`${at} ${'n'.repeat(200)}`, 'pass'))
    const indicatorResults = [...passed, objective('same', 'fail'), objective('same', 'fail')]
    const labels = Object.fromEntries(Array.from({ length: 20 }, (_, at) => [`l${at}`, 'x']))
    await push({ data: { evaluation: { ...recent(), indicatorResults }, labels } })
    const properties = event().properties
    const names = Object.keys(properties)
    expect(names).toHaveLength(100)
    const expected = ['objective.same', 'objective.same #2']
    expect(names.filter((name) => name.startsWith('objective.')).slice(0, 2)).toEqual(expected)
    const added = names.filter((name) => name.startsWith('objective.')).length
    expect(properties['objectivesLeftOut']).toBe(String(152 - added))
  })

  test('marks an objective without data', async () => {
    const value = { metric: 'p95', value: 0, success: false, message: 'no series has data' }
    const indicatorResults = [{ displayName: 'p95', status: 'fail', score: 0, value, passTargets: [] }]
    await push({ data: { evaluation: { ...recent(), indicatorResults } } })
    expect(event().properties['objective.p95']).toBe('fail: no data')
  })
})

test('Dynatrace event: a refusal because no entity matches says what to do', async () => {
  server.state.matches = 0
  await expectFailure(
    push({ connection: { entitySelector: 'type(SERVICE),entityName("missing")' } }),
    'refused',
    'no entity matches the entitySelector type(SERVICE),entityName("missing")',
    'active within the last 24 hours',
  )
})

test('Dynatrace event: a refusal for some entities in a 201 response is a failure', async () => {
  Object.assign(server.state, { matches: 3, statuses: ['OK', 'INVALID_ENTITY_TYPE', 'INVALID_METADATA'] })
  const words =
    'Dynatrace did not accept the event on 2 of 3 entities (INVALID_ENTITY_TYPE, INVALID_METADATA). The other entities have it.'
  await expectFailure(push({ connection: { entitySelector: 'type(SERVICE)' } }), 'refused', words)
})

test.each([0, 1])(
  'Dynatrace event: a retry finds the event by its idempotency key, even if it is listed late (%i)',
  async (listsLate) => {
    server.loseNext('POST')
    expect(await failureOf(push())).toMatchObject({ transient: true, mayHaveWritten: true })
    server.state.listsLate = listsLate
    const outcome = await push({ isRetry: true })
    expect(outcome).toMatchObject({ data: { id: server.reports()[0]?.correlationId } })
    expect(outcome.message).toContain('which already exists')
    expect(posted()).toHaveLength(1)
  },
)

test('Dynatrace event: a retry searches by event type and selector on all pages', async () => {
  const other = { correlationId: 'a', properties: [{ key: 'cloudAutomationWebhooksKey', value: keyOf(2) }] }
  const ours = { correlationId: 'b', properties: [{ key: 'cloudAutomationWebhooksKey', value: keyOf(1) }] }
  server.failNext(200, { events: [other], nextPageKey: 'more' }, { on: 'GET' })
  server.failNext(200, { events: [ours] }, { on: 'GET' })
  const outcome = await push({ isRetry: true, connection: { entitySelector: 'type(SERVICE)' } })
  expect(outcome.data).toEqual({ id: 'b' })
  const [first, second] = server.calls
  expect(first?.query.get('eventSelector')).toBe('eventType("CUSTOM_INFO")')
  expect(first?.query.get('entitySelector')).toBe('type(SERVICE)')
  expect([...(second?.query ?? [])]).toEqual([['nextPageKey', 'more']])
})

test('Dynatrace event: a retry has an unknown outcome if there are more pages than it reads', async () => {
  server.failNext(200, { events: [], nextPageKey: 'more' }, { on: 'GET', times: 100 })
  await expectFailure(push({ isRetry: true }), { kind: 'unconfirmed', transient: false })
  expect(posted()).toHaveLength(0)
})

test('Dynatrace event: a retry without the evaluated time searches as far back as the task can have started', async () => {
  await push({ isRetry: true, data: { evaluation: { ...recent(), timeStart: undefined, timeEnd: undefined } } })
  const from = Number(server.calls[0]?.query.get('from'))
  expect(Date.now() - from).toBeCloseTo(31 * 24 * 3_600_000, -6)
})
