import { expect, test } from '@jest/globals'
import { demo } from '../../../infra/platforms/sandbox/demo.ts'
import { useSandbox } from './use.ts'

const started = useSandbox()
const api = '/api/v2/slo'

const idOf = (name: string) => started.sandbox.dynatrace.slos('').find((slo) => slo.name === name)?.id ?? ''
const set = (form: string) => started.call('POST', '/dynatrace/set', form)
const list = async (query: Record<string, string>) => {
  const { status, json } = await started.dynatrace('GET', `${api}?${new URLSearchParams(query)}`)
  expect(status).toBe(200)
  return json
}
const namesOf = async (sloSelector: string) =>
  (await list({ sloSelector })).slo.map(({ name }: { name: string }) => name)
const violation = async (query: Record<string, string>) => {
  const { status, json } = await started.dynatrace('GET', `${api}?${new URLSearchParams(query)}`)
  expect(json.error).toMatchObject({ code: status, message: 'Constraints violated.' })
  return [status, json.error.constraintViolations[0].path]
}
const ingest = (event: unknown) => started.dynatrace('POST', '/api/v2/events/ingest', event)
const event = { eventType: 'CUSTOM_INFO', title: 'The evaluation passed', properties: { score: '100' } }

test('Dynatrace accepts API tokens only', async () => {
  expect((await started.call('GET', `/dynatrace${api}`)).json).toEqual({
    error: { code: 401, message: 'Missing authorization parameter.' },
  })
  for (const authorization of ['Api-Token wrong', `Bearer ${demo.dynatraceToken}`]) {
    const { status, json } = await started.call('GET', `/dynatrace${api}`, undefined, { authorization })
    expect([status, json]).toEqual([401, { error: { code: 401, message: 'Token Authentication failed' } }])
  }
})

test.each([
  ['97.5', 'SUCCESS', 2.5],
  ['97.4', 'WARNING', 2.4],
  ['95', 'WARNING', 0],
  ['94.9', 'FAILURE', -0.1],
])('Dynatrace evaluates an SLO with the value %s as %s', async (value, status, errorBudget) => {
  expect((await set(`slo=casdemoapp&value=${value}`)).status).toBe(303)
  const answered = { evaluatedPercentage: Number(value), status, errorBudget, error: 'NONE', target: 95, warning: 97.5 }
  const id = idOf('casdemoapp')
  for (const query of ['', '?timeFrame=GTF&from=1767258000000&to=1767258300000', '?timeFrame=GTF&from=now-5m&to=now']) {
    const { json } = await started.dynatrace('GET', `${api}/${id}${query}`)
    expect(json).toMatchObject({ id, name: 'casdemoapp', ...answered })
  }
  const { slo } = await list({ sloSelector: 'name("casdemoapp")', evaluate: 'true' })
  expect(slo).toMatchObject([{ id, ...answered }])
})

test('Dynatrace evaluates an SLO without data to -1 and an error', async () => {
  await set(`slo=${idOf('shop')}&value=`)
  const { json } = await started.dynatrace('GET', `${api}/${idOf('shop')}`)
  expect(json).toMatchObject({ evaluatedPercentage: -1, error: 'NO_DATA', status: 'FAILURE' })
})

test('Dynatrace lists SLOs without evaluation with -1 as the value', async () => {
  const { slo, totalCount, pageSize } = await list({})
  expect([totalCount, pageSize]).toEqual([3, 10])
  expect(slo).toMatchObject(Array(3).fill({ evaluatedPercentage: -1, error: 'NONE' }))
})

test('Dynatrace selects SLOs by id, name and text', async () => {
  const [app, shop] = [idOf('casdemoapp'), idOf('shop')]
  expect(await namesOf('name("shop")')).toEqual(['shop'])
  expect(await namesOf('name("Shop")')).toEqual([])
  expect(await namesOf('name("sh~"op")')).toEqual([])
  expect(await namesOf(`id("${app}", "${shop}")`)).toEqual(['casdemoapp', 'shop'])
  expect(await namesOf('text("H")')).toEqual(['checkout', 'shop'])
  expect(await namesOf(`id("${app}"),text("h")`)).toEqual([])
})

test('Dynatrace returns a list in pages', async () => {
  const first = await list({ pageSize: '2', sloSelector: 'text("")', evaluate: 'true' })
  expect(first).toMatchObject({ totalCount: 3, pageSize: 2, slo: [{ name: 'casdemoapp' }, { name: 'checkout' }] })
  const second = await list({ nextPageKey: first.nextPageKey })
  expect(second).toMatchObject({ totalCount: 3, slo: [{ name: 'shop', evaluatedPercentage: 99.6 }] })
  expect(second).not.toHaveProperty('nextPageKey')
  expect(await violation({ nextPageKey: first.nextPageKey, pageSize: '2' })).toEqual([400, 'nextPageKey'])
  expect(await violation({ nextPageKey: 'nonsense' })).toEqual([400, 'nextPageKey'])
})

test.each([
  [{ sloSelector: 'casdemoapp' }, 'sloSelector'],
  [{ sloSelector: 'name("a","b")' }, 'sloSelector'],
  [{ sloSelector: 'healthState("HEALTHY")' }, 'sloSelector'],
  [{ sloSelector: 'name("a"' }, 'sloSelector'],
  [{ evaluate: 'yes' }, 'evaluate'],
  [{ evaluate: 'true', pageSize: '26' }, 'pageSize'],
  [{ timeFrame: 'NOW' }, 'timeFrame'],
  [{ from: 'yesterday' }, 'from'],
  [{ to: '' }, 'to'],
])('Dynatrace rejects a list with %j and names the parameter', async (query, path) => {
  expect(await violation(query as Record<string, string>)).toEqual([400, path])
})

test('Dynatrace rejects an id that is not a UUID and does not find an unknown one', async () => {
  expect((await started.dynatrace('GET', `${api}/casdemoapp`)).json.error).toMatchObject({
    code: 400,
    constraintViolations: [{ path: 'id', parameterLocation: 'PATH' }],
  })
  const { status, json } = await started.dynatrace('GET', `${api}/00000000-0000-0000-0000-000000000000`)
  expect([status, json.error.code]).toEqual([404, 404])
})

test('Dynatrace records an event for the environment or for each matching entity', async () => {
  const { status, json } = await ingest(event)
  expect(status).toBe(201)
  expect(json).toEqual({ reportCount: 1, eventIngestResults: [{ correlationId: expect.any(String), status: 'OK' }] })
  expect((await ingest({ ...event, entitySelector: 'type(SERVICE)' })).json.reportCount).toBe(3)
  const one = { ...event, entitySelector: 'type("SERVICE"),entityName.equals("checkout")' }
  expect((await ingest(one)).json.reportCount).toBe(1)
  const none = { ...event, entitySelector: 'type(SERVICE),entityName("nope")' }
  expect((await ingest(none)).json).toEqual({ reportCount: 0, eventIngestResults: [] })
  const reported = started.sandbox.dynatrace.reports().map(({ entity }) => entity)
  expect(reported).toEqual([null, 'casdemoapp', 'checkout', 'shop', 'checkout'])
})

test('Dynatrace lists events by time, type and entity, newest first', async () => {
  const at = Date.parse('2026-01-05T09:00:00Z')
  const { json } = await ingest({ ...event, startTime: at, endTime: at + 300_000 })
  await ingest({ ...event, title: 'Now', eventType: 'CUSTOM_DEPLOYMENT', entitySelector: 'type(SERVICE)' })
  const entitiesOf = async (query: Record<string, string>) => {
    const answer = await started.dynatrace('GET', `/api/v2/events?${new URLSearchParams(query)}`)
    return answer.json.events.map((one: { title: string; entityId: { name: string } }) => one.entityId.name)
  }
  expect(await entitiesOf({})).toEqual(['shop', 'checkout', 'casdemoapp'])
  expect(await entitiesOf({ pageSize: '1' })).toEqual(['shop'])
  expect(await entitiesOf({ entitySelector: 'type(SERVICE),entityName.startsWith("c")' })).toEqual([
    'checkout',
    'casdemoapp',
  ])
  expect(await entitiesOf({ eventSelector: 'eventType("CUSTOM_INFO")' })).toEqual([])
  const then = { from: '2026-01-05 09:01', to: '2026-01-05T09:02:00Z' }
  expect(await entitiesOf(then)).toEqual(['sandbox'])
  const { json: listed } = await started.dynatrace('GET', `/api/v2/events?${new URLSearchParams(then)}`)
  expect(listed).toMatchObject({
    totalCount: 1,
    events: [
      {
        correlationId: json.eventIngestResults[0].correlationId,
        eventType: 'CUSTOM_INFO',
        status: 'CLOSED',
        properties: [{ key: 'score', value: '100' }],
      },
    ],
  })
})

test.each([
  ['from=then', 'from'],
  ['to=then', 'to'],
  ['pageSize=1001', 'pageSize'],
  ['eventSelector=status("OPEN")', 'eventSelector'],
  ['entitySelector=checkout', 'entitySelector'],
  ['entitySelector=type(SERVICE),tag("a")', 'entitySelector'],
])('Dynatrace rejects a list of events with %s', async (query, path) => {
  const { status, json } = await started.dynatrace('GET', `/api/v2/events?${query}`)
  expect([status, json.error.constraintViolations[0].path]).toEqual([400, path])
})

test.each([
  [{ eventType: 'NOPE' }, 'eventType'],
  [{ title: '' }, 'title'],
  [{ properties: { score: 100 } }, 'properties'],
  [{ startTime: 'now' }, 'startTime'],
  [{ entitySelector: 'checkout' }, 'entitySelector'],
])('Dynatrace rejects an event with %j and names the field', async (changes, path) => {
  const { status, json } = await ingest({ ...event, ...changes })
  expect([status, json.error.constraintViolations.map((one: { path: string }) => one.path)]).toEqual([400, [path]])
  expect(started.sandbox.dynatrace.reports()).toEqual([])
})

test('Dynatrace rejects a body that is not a JSON object', async () => {
  expect((await ingest('[1]')).status).toBe(400)
  const headers = { authorization: `Api-Token ${demo.dynatraceToken}`, 'content-type': 'text/plain' }
  expect((await started.call('POST', '/dynatrace/api/v2/events/ingest', '{}', headers)).status).toBe(415)
  expect((await started.dynatrace('GET', '/api/v2/problems')).json.error.code).toBe(404)
  expect((await started.dynatrace('DELETE', `${api}/${idOf('shop')}`)).status).toBe(405)
  expect((await started.dynatrace('GET', '/api/v2/events/ingest')).status).toBe(405)
})

test('Dynatrace shows objectives and events on a page, escaped, with forms', async () => {
  await ingest({ ...event, title: '<b>passed</b>' })
  expect((await set('slo=checkout&value=50&warning=60&target=40')).headers.get('location')).toBe('/sandbox/dynatrace')
  for (const path of ['/dynatrace', `/dynatrace/ui/slo?id=${idOf('checkout')}`]) {
    const { status, text } = await started.call('GET', path)
    expect(status).toBe(200)
    expect(text).toContain('Requests to checkout that succeed: 50 %, WARNING')
    expect(text).toContain('action="/sandbox/dynatrace/set"')
    expect(text).toContain('&lt;b&gt;passed&lt;/b&gt;')
  }
})

test.each([
  ['slo=nope&value=1', 404],
  ['slo=shop&value=101', 400],
  ['slo=shop&value=-1', 400],
  ['slo=shop&value=much', 400],
  ['slo=shop&target=', 400],
  ['slo=shop&target=99', 400],
])('The page of Dynatrace rejects %s', async (form, status) => {
  const before = started.sandbox.dynatrace.slos('')
  expect((await set(form)).status).toBe(status)
  expect(started.sandbox.dynatrace.slos('')).toEqual(before)
})

test('Dynatrace rejects a form from another site', async () => {
  const headers = { 'content-type': 'application/x-www-form-urlencoded', origin: 'https://evil.example' }
  expect((await started.call('POST', '/dynatrace/set', 'slo=shop&value=1', headers)).status).toBe(403)
})

test('Dynatrace returns injected faults in its own error format', async () => {
  await started.call('POST', '/faults', { target: 'dynatrace', kind: '503', count: 1 })
  expect((await started.dynatrace('GET', api)).json).toEqual({ error: { code: 503, message: 'Service unavailable' } })
  expect((await started.dynatrace('GET', api)).status).toBe(200)
})
