import { describe, expect, test } from '@jest/globals'
import type { Reply } from '../../../infra/testing/loopback-server.ts'
import type { Failure } from '../../../shared/errors.ts'
import { closeTicket, openTicket, updateTicket } from '../../../shared/providers/ticket-actions.ts'
import { httpJob } from '../../../shared/vendors/http/job.ts'
import { clientOf, expectFailure, failureOf, keyOf } from '../../functions/helpers.ts'
import { answerWith, api, client, methods, open, paths, provider, ticket, tickets, written } from './ticket-api.ts'

describe('Errors of an HTTP API', () => {
  const rpc = { result: null, error: { message: 'Ticket 999 does not exist.' } }
  const answered = 'HTTP API answered 200 with an error to POST /tickets: Ticket 999 does not exist.'
  const text = ["Ticket 3: Status 'bogus' isn't a valid status for this ticket."]
  const withError = (error: string) => ({ open: { ...tickets.open, error } })
  const both = { error: 'response.no', ...withError('response.error') }
  test.each<[string, number, unknown, object, string]>([
    ['"error" of the connection selects', 200, rpc, { error: 'response.error' }, answered],
    ['"error" of the request selects', 200, rpc, withError('response.error'), answered],
    ['"error" of the request selects first', 200, rpc, both, answered],
    ['contains a text', 200, text, { error: "response[?contains(@, 'valid')]" }, "'bogus' isn't a valid"],
    ['"reason" selects', 409, { results: [{ note: 'is known' }] }, { reason: 'response.results[].note' }, 'is known'],
    ['is a sentence', 409, { error: 404, status: 'No objects found.' }, {}, 'No objects found.'],
    ['is a sentence in a list', 409, { results: [{ code: 409, status: 'pay!slo is OK.' }] }, {}, 'pay!slo is OK.'],
    ['has a field', 409, { enabled: ['Must be a boolean.'], tags: ['x'] }, {}, 'enabled: Must be a boolean.'],
    ['is missing', 409, { id: 'x', code: 7 }, {}, 'no reason given'],
  ])('are refusals with the message that %s, with status %d', async (_what, status, body, more, message) => {
    answerWith(() => ({ status, body }))
    await expectFailure(open(more), { kind: 'refused', mayHaveWritten: false }, message)
    expect(api.calls).toHaveLength(1)
  })
})

describe('Requests to an HTTP API', () => {
  test('send user and password as basic authentication', async () => {
    await open({ username: 'robot', password: 'sécret-word' })
    const sent = String(api.calls[0]?.headers['authorization']).replace('Basic ', '')
    expect(Buffer.from(sent, 'base64').toString('utf8')).toBe('robot:sécret-word')
  })

  const formType = 'application/x-www-form-urlencoded'
  test.each([
    ['a form', { form: '{title: input.title, count: `2`}' }, 'title=Slow+%26+late&count=2', formType],
    ['text', { text: 'input.title' }, 'Slow & late', 'text/plain; charset=utf-8'],
    ['JSON', { body: '{title: input.title}' }, '{"title":"Slow & late"}', 'application/json'],
  ])('send %s', async (_, body, text, type) => {
    await open({ open: { path: 'tickets', ...body } }, { title: 'Slow & late' })
    expect(api.calls[0]).toMatchObject({ text, headers: { 'content-type': type } })
  })

  test('send multipart/form-data in which no value can add a field', async () => {
    const title = 'Slow & late\r\n--x\r\ncontent-disposition: form-data; name="admin"\r\n\r\n1'
    const multipart = '{"ti\\"tle": input.title, count: `2`, more: {a: `1`}, none: input.labels}'
    await open({ open: { path: 'tickets', multipart } }, { title })
    const [call] = api.calls
    const sent = new Response(call?.text ?? '', { headers: { 'content-type': String(call?.headers['content-type']) } })
    const expected = { 'ti"tle': title, count: '2', more: '{"a":1}' }
    expect([...(await sent.formData())]).toEqual(Object.entries(expected))
  })

  test('omit a body and headers without a value', async () => {
    const headers = { Title: 'input.title', 'X-Tags': 'input.labels' }
    await open({ open: { path: '', multipart: 'input.fields', headers } })
    expect(api.calls[0]).toMatchObject({ path: '/', text: '', headers: { title: 'Slow' } })
    for (const name of ['content-type', 'x-tags']) expect(api.calls[0]?.headers).not.toHaveProperty(name)
  })

  test('can read the source of the call and the time', async () => {
    const body = "{stage: event.stage, ref: key, at: now, until: time_add(now, 'PT1H')}"
    const origin = { stage: 'production' }
    await openTicket.run(provider, client({ open: { path: 'tickets', body } }, { origin }), { title: 'Slow' })
    const { stage, ref, at, until } = (api.calls[0]?.body ?? {}) as Record<string, string>
    expect([stage, ref]).toEqual(['production', keyOf(1)])
    expect(Date.parse(String(until)) - Date.parse(String(at))).toBe(3_600_000)
  })

  test.each([
    [{ state: 'acknowledged', comment: 'On it' }, ['/tickets/7/ack', '/tickets/7/comments']],
    [{ state: 'acknowledged' }, ['/tickets/7/ack']],
    [{ title: 'Slower' }, ['/tickets/7/title']],
  ])('of one action are sent if their condition is met: %j', async (input, paths) => {
    answerWith(({ method }) => ticket(method === 'GET' ? { state: 'acknowledged' } : {}))
    const update = [
      { if: 'input.title', path: 'tickets/{input.id}/title', body: 'input.title' },
      { if: "input.state=='acknowledged'", path: 'tickets/{input.id}/ack' },
    ]
    const comment = { path: 'tickets/{input.id}/comments', body: 'input.comment' }
    await updateTicket.run(provider, client({ update, comment }), { id: '7', ...input })
    expect(written().sort()).toEqual(paths.sort())
  })

  test('of one action can read the previous response', async () => {
    let isStopped = false
    answerWith(({ path }) => {
      isStopped ||= path.endsWith('/stop')
      if (path === '/tickets/7/builds') return { status: 200, body: { build: 'b9' } }
      return ticket({ state: isStopped ? 'closed' : 'open' })
    })
    const close = [
      { method: 'GET', path: 'tickets/{input.id}/builds' },
      { if: '!response.build', path: 'tickets/{input.id}/cancel' },
      { if: 'response.build', path: 'builds/{response.build}/stop' },
    ]
    await closeTicket.run(provider, client({ close }), { id: '7' })
    expect(written()).toEqual(['/builds/b9/stop'])
  })

  test('are rejected if no condition of the action is met', async () => {
    const update = [{ if: 'input.title', path: 'tickets/{input.id}/title' }]
    const updating = updateTicket.run(provider, client({ update }), { id: '7', priority: 'high' })
    const message = 'no request whose condition is true for this input: update.if.'
    await expectFailure(updating, 'refused', message)
  })

  test('that create are sent once: the first whose condition is met', async () => {
    const requests = [
      { if: "input.project=='OPS'", path: 'operations' },
      { if: "input.project=='SHOP'", path: 'shop' },
      { path: 'others' },
    ]
    await open({ open: requests }, { title: 'Slow', project: 'SHOP' })
    expect(paths()).toEqual(['/shop'])
  })

  const created = { status: 201, body: { result: { id: 7 } } }
  const found = { status: 200, body: { items: [{ id: '7', state: 'open' }] } }
  const search = (at: string) => ({
    open: { ...tickets.open, then: 'find' },
    find: { path: 'tickets', query: { ref: 'key' }, at },
  })
  test('that create without an id in the response are followed by a search', async () => {
    answerWith(({ method }) => (method === 'POST' ? { status: 200 } : found))
    expect(await open(search('response.items[0]'))).toMatchObject({ data: { id: '7' } })
  })

  const literal = { ...tickets.ticket, id: "'7'", state: "'open'" }
  const page = { status: 200, body: '<html><title>Sign in</title></html>' }
  const echo = { status: 200, body: { echo: 'Bearer a-token-that-is-echoed' } }
  const because =
    'ticket.id of the connection finds nothing, because open.at of the connection finds nothing in the response of the API, which is {"result":{"id":7}}. Correct the expression.'
  const masked = 'finds nothing in the response of the API, which is {"echo":"Bearer ***"}'
  const withOpen = (more: object) => ({ open: { ...tickets.open, ...more } })
  test.each<[string, object, Reply, string, Failure['kind']]>([
    ['the search finds nothing', search('response.items[?x] | [0]'), found, 'find.at of the connection', 'platform'],
    ['there is no search', withOpen({ then: 'find' }), { status: 200 }, 'has "then": "find"', 'misconfigured'],
    ['"at" finds nothing', withOpen({ at: 'response.answer' }), created, because, 'misconfigured'],
    ['the response is a page', { ticket: literal }, page, 'did not answer open with JSON', 'platform'],
    ['an id is missing, without credentials', { token: 'a-token-that-is-echoed' }, echo, masked, 'misconfigured'],
  ])('that create fail if %s', async (_what, more, reply, message, kind) => {
    answerWith(() => reply)
    await expectFailure(open(more), kind, message)
  })

  test('may have a response that is text', async () => {
    answerWith(() => page)
    const asText = { ticket: literal, open: { ...tickets.open, responseType: 'text' } }
    expect(await open(asText)).toMatchObject({ data: { id: '7' } })
  })

  test.each([
    [{ items: 'none' }, 'finds no list in the response of the API, which is {"items":"none"}'],
    [{ item: [] }, 'find.at of the connection finds no list'],
  ])('are not sent if the search before them has no list in its response: %j', async (body, says) => {
    answerWith(() => ({ status: 200, body }))
    const find = { path: 'tickets', query: { ref: 'key' }, at: 'response.items[0]' }
    await expectFailure(open({ find }), 'misconfigured', says)
    expect(methods()).toEqual(['GET'])
  })

  test('name the position of a request in its list', async () => {
    const update = [{ path: 'a' }, { path: 'b', if: 'to_number(input.title)', body: "join('', [response.nope])" }]
    const failed = failureOf(updateTicket.run(provider, client({ update }), { id: '7', title: '5' }))
    expect((await failed).message).toMatch(/^update\[1\]\.body of the connection cannot be evaluated: /)
  })
})

describe('Optional values of an HTTP API', () => {
  const url = "join('/', ['https://tool.example.com', response.nope])"

  const nothing = 'ticket.url of the connection finds nothing in the response of the API'

  test.each([
    [{ url: 'response.nope' }, nothing],
    [{ number: 'to_string(response.nope)' }, 'ticket.number of the connection'],
    [{ url }, 'does not fit the response of the API, which is {"id":"7","state":"open"}'],
  ])('are named in the outcome if they are missing: %j', async (more, says) => {
    const asking = client({ ticket: { ...tickets.ticket, ...more } })
    expect(await openTicket.run(provider, asking, { title: 'Slow' })).toMatchObject({ data: { id: '7' } })
    expect([...asking.notes]).toEqual([expect.stringContaining(says)])
  })

  test('may be missing if the expression says so', async () => {
    const asking = client({ ticket: { ...tickets.ticket, url: "response.nope || ''" } })
    expect((await openTicket.run(provider, asking, { title: 'Slow' })).data).not.toHaveProperty('url')
    expect([...asking.notes]).toEqual([])
  })
})

describe('An item that an HTTP API no longer has', () => {
  test.each([
    ['a 404', { path: 'tickets/{input.id}' }, { status: 404 }],
    ['nothing at "at"', { path: 'tickets', at: 'response.items[0]' }, { status: 200, body: { items: [] } }],
  ])('is a closed ticket, if the connection says so: %s', async (_, get, gone) => {
    let isClosed = false
    answerWith(({ method, path }) => {
      if (method === 'POST') isClosed = true
      if (method === 'GET' && isClosed) return gone
      const { body } = ticket()
      return { status: 200, body: path === '/tickets' ? { items: [body] } : body }
    })
    const close = { path: 'tickets/{input.id}/close' }
    const more = { get, close, ticket: { ...tickets.ticket, gone: 'closed' } }
    const expected = { result: 'pass', data: { id: '7', state: 'gone' } }
    expect(await closeTicket.run(provider, client(more), { id: '7' })).toMatchObject(expected)
  })

  test('is not closed if the response does not have the list of items', async () => {
    answerWith(() => ({ status: 200, body: { tickets: [] } }))
    const get = { path: 'tickets', at: 'response.items[0]' }
    const more = { get, close: { path: 'close' }, ticket: { ...tickets.ticket, gone: 'closed' } }
    const closing = closeTicket.run(provider, client(more), { id: '7' })
    await expectFailure(closing, 'misconfigured', 'get.at of the connection finds no list')
    expect(methods()).toEqual(['GET'])
  })

  test('is a run with the verdict of its state "gone"', async () => {
    answerWith(() => ({ status: 404 }))
    const run = { id: 'response.id', state: 'response.state' }
    const jobs = { start: { path: 'runs' }, look: { path: 'runs/{input.id}' }, run }
    const look = (states: object) => {
      const connection = httpJob.connection.parse({ baseUrl: api.url, ...jobs, states })
      return httpJob.getStatus(clientOf(httpJob, connection), { id: '7', url: undefined })
    }
    expect(await look({ done: 'pass', gone: 'aborted' })).toMatchObject({ state: 'gone', verdict: 'aborted' })
    expect(await failureOf(look({ done: 'pass' }))).toMatchObject({ kind: 'refused' })
  })
})
