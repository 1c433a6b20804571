import { expect, test } from '@jest/globals'
import { finished } from './start.ts'
import { advanceClock, stopClock, useSandbox } from './use.ts'

const started = useSandbox()
const context = '08735340-6f9e-4b32-97ff-3b6c292bc509'
const send = (event: unknown) => started.keptn('POST', '/api/v1/event', event)
const read = async (query: string) => (await started.keptn('GET', `/api/mongodb-datastore/event?${query}`)).json

test('Keptn accepts a finished event and adds an id and a time', async () => {
  const { status, json } = await send({ ...finished(context), id: 'mine', time: '2001-01-01T00:00:00Z', unknown: 1 })
  expect(status).toBe(200)
  expect(json).toEqual({ keptnContext: context })
  const [{ via, event }] = (await started.call('GET', '/events')).json
  expect(via).toBe('api')
  expect(event).toMatchObject(finished(context))
  expect(event.id).toMatch(/^[0-9a-f-]{36}$/)
  expect(Date.now() - Date.parse(event.time)).toBeLessThan(60_000)
  expect(event).not.toHaveProperty('unknown')
})

test('Keptn returns an accepted event after a moment', async () => {
  stopClock()
  started.sandbox.keptn.visibleAfterMs = 150
  await send(finished(context))
  expect(await read(`keptnContext=${context}`)).toEqual({ events: [], nextPageKey: '0', totalCount: 0, pageSize: 20 })
  advanceClock(200)
  expect(await read(`keptnContext=${context}`)).toMatchObject({
    totalCount: 1,
    events: [{ triggeredid: expect.any(String) }],
  })
  started.sandbox.keptn.visibleAfterMs = 50
})

const without = (name: string) => ({ data: { ...finished(context).data, [name]: undefined } })
test.each([
  ['a status.changed', { type: 'sh.keptn.event.openticket.status.changed' }, 'status.changed'],
  ['a triggered event', { type: 'sh.keptn.event.openticket.triggered' }, 'triggered'],
  ['a type of another kind', { type: 'com.example.done' }, 'unknown event type'],
  ['no type', { type: undefined }, 'type in body is required'],
  ['no source', { source: undefined }, 'source in body is required'],
  ['data that is text', { data: 'text' }, 'data in body is required'],
  ['no project', without('project'), 'project'],
  ['no stage', without('stage'), 'stage'],
  ['no service', without('service'), 'service'],
  ['no triggeredid', { triggeredid: undefined }, 'triggeredid'],
  ['a finished without status', without('status'), 'status field is not set'],
  ['a finished without result', without('result'), 'result field is not set'],
  ['a body over 64 KB', { data: { ...finished(context).data, message: 'x'.repeat(65_536) } }, '65536'],
])('Keptn rejects an event with %s', async (_, changes, message) => {
  const { status, json } = await send(finished(context, changes))
  expect(status).toBe(400)
  expect(json).toEqual({ code: 400, message: expect.stringContaining(message) })
  expect(started.sandbox.keptn.events()).toEqual([])
})

test('Keptn rejects a missing or invalid token on every path', async () => {
  for (const [method, path] of [
    ['POST', '/api/v1/event'],
    ['POST', '/api/v1/auth'],
    ['GET', '/api/v1/metadata'],
    ['GET', '/api/mongodb-datastore/event'],
    ['POST', '/record'],
  ] as const) {
    const wrong = await started.call(method, `/keptn${path}`, undefined, { 'x-token': 'wrong' })
    expect(wrong.status).toBe(401)
    expect(wrong.json).toEqual({ code: 401, message: 'incorrect api key auth' })
    expect((await started.call(method, `/keptn${path}`)).json).toMatchObject({ code: 401 })
  }
})

test('Keptn converts a context that is not a UUID, and creates one if it is missing', async () => {
  const contextOf = async (given: unknown) => (await send(finished('', { shkeptncontext: given }))).json.keptnContext
  const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/
  expect(await contextOf('PROBLEM-1')).toMatch(uuid)
  expect(await contextOf('PROBLEM-1')).toBe(await contextOf('PROBLEM-1'))
  expect(await contextOf('PROBLEM-2')).not.toBe(await contextOf('PROBLEM-1'))
  expect(await contextOf(undefined)).not.toBe(await contextOf(undefined))
})

test('The control plane records any event verbatim, and each id once', async () => {
  const event = {
    type: 'sh.keptn.event.prod.incident.triggered',
    id: 'one',
    time: '2024-01-02T03:04:05Z',
    data: { a: 1 },
  }
  const { status, json } = await started.keptn('POST', '/record', { ...event, shkeptncontext: context, own: true })
  expect(status).toBe(200)
  expect(json).toEqual({ keptnContext: context, id: 'one' })
  await started.keptn('POST', '/record', { ...event, data: { a: 2 } })
  const added = await started.keptn('POST', '/record', { type: 'anything' })
  expect(started.sandbox.keptn.events()).toMatchObject([
    { via: 'control-plane', event: { ...event, own: true } },
    { via: 'control-plane', event: { type: 'anything', id: added.json.id, time: expect.any(String) } },
  ])
  expect((await started.keptn('POST', '/record', { id: 'no type' })).json).toMatchObject({ code: 400 })
})

test('The Bridge shows the events of a sequence, escaped', async () => {
  await started.keptn('POST', '/record', { type: 'sh.keptn.event.openticket.triggered', shkeptncontext: context })
  const data = { ...finished(context).data, message: '<b>Opened</b>' }
  await started.keptn('POST', '/api/v1/event', finished(context, { data }))
  await started.keptn('POST', '/record', { type: 'other', shkeptncontext: 'other' })
  const { status, text } = await started.call('GET', `/keptn/bridge/project/acme/sequence/${context}`)
  expect(status).toBe(200)
  expect(text).toMatch(
    /openticket\.triggered\n.*openticket\.finished {2}succeeded\/pass {2}&lt;b&gt;Opened&lt;\/b&gt;</,
  )
  expect(text).not.toContain('other')
  expect((await started.call('GET', '/keptn/bridge/project/acme/sequence/none')).status).toBe(404)
})
