import { expect, test } from '@jest/globals'
import { finished } from './start.ts'
import { useSandbox } from './use.ts'

const started = useSandbox()
const context = '08735340-6f9e-4b32-97ff-3b6c292bc509'
const send = (event: unknown) => started.keptn('POST', '/api/v1/event', event)

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
