import { describe, expect, it } from '@jest/globals'
import type { Reply } from '../../../infra/testing/loopback-server.ts'
import { api, build, check, evaluation, open, requestsIn, runs, startApi, tickets, values } from './tried-api.ts'

describe('webhooks check --try finds a mistake', () => {
  const { open: right, find, ticket } = tickets()

  it.each<[string, object, string]>([
    [
      'at that finds nothing',
      { open: { ...right, at: 'response.answer' } },
      'open.at finds nothing at response.answer: the response has no answer. It has result, page.',
    ],
    [
      'at that is missing',
      { open: { ...right, at: undefined } },
      'ticket.id finds nothing at response.id. There is an id at response.result.id: write to_string(response.result.id), which finds "40".',
    ],
    [
      'at that omits the id',
      { open: { ...right, at: 'response.{page: page}' } },
      'There is an id at response.result.id of the complete response: correct open.at.',
    ],
    [
      'ticket.id with another name',
      { ticket: { ...ticket, id: 'response.ID' } },
      'ticket.id finds nothing at response.ID. There is an id at response.id: write response.id, which finds 40.',
    ],
    [
      'ticket.closed that is not true or false',
      { ticket: { ...ticket, closed: 'response.status' } },
      'ticket.closed must find true or false, but finds "new"',
    ],
    [
      'find whose at finds nothing',
      { find: { ...find, at: 'where(response.items, &reference, key)[0]' } },
      'finds nothing. The idempotency key is at response.items[0].ref.',
    ],
    [
      'open that does not send the key',
      { open: { ...right, body: '{title: input.title}' } },
      'The response of find does not contain the idempotency key',
    ],
    [
      'find that finds what others created',
      { find: { ...find, at: "{id: '1', status: 'new'}" } },
      'find returned an item although none was created with this key',
    ],
    [
      'find that creates an empty object',
      { find: { ...find, at: '{id: response.items[0].id}' } },
      'at of find creates an empty object if there is no match',
    ],
  ])('%s', async (_, change, hint) => {
    await startApi()
    const connection = JSON.parse(JSON.stringify({ ...tickets(), ...change }))
    expect(await open(connection)).toMatchObject({ code: 1, out: expect.stringContaining(hint) })
  })

  it.each<[string, Reply, string]>([
    [
      'an error inside a 200',
      { status: 200, body: { result: null, error: { message: 'Ticket 999 does not exist.' } } },
      'The response of open looks like an error. Add "error": "response.error.message" to the connection',
    ],
    [
      'a page instead of JSON',
      { status: 200, body: '<html><title>Sign in</title></html>' },
      'The response of open is an HTML page instead of JSON. Check baseUrl, the path and the credentials.',
    ],
    ['a text', { status: 200, body: 'ok, created' }, 'If this is correct, add "responseType": "text" to open.'],
    ['an empty response', { status: 201 }, 'The response of open is empty. Add "then": "find" to open'],
    ['a refusal', { status: 422, body: { message: 'too short' } }, 'answered 422 to POST /tickets: too short'],
  ])('%s', async (_, reply, text) => {
    await startApi(({ method }) => (method === 'POST' ? reply : undefined))
    const { out, code } = await open(tickets())
    expect([code, out]).toEqual([1, expect.stringContaining(text)])
    expect(out).toContain('Problem: ')
  })

  const fields = 'It has id, status, job, ref.'
  it.each<[string, object, string, number]>([
    [
      'run.id that finds nothing',
      { id: 'response.run_id' },
      `run.id finds nothing at response.run_id: the response has no run_id. ${fields}`,
      1,
    ],
    [
      'run.state that finds nothing',
      { state: 'response.state' },
      `run.state finds nothing at response.state: the response has no state. ${fields}`,
      1,
    ],
    ['a state that is not in states', {}, 'run.state finds "new", which is not in states', 0],
  ])('%s', async (name, change, hint, code) => {
    await startApi()
    const connection = { ...runs(), run: { ...runs().run, ...change } }
    const states = name.includes('states') ? { states: { done: 'pass' } } : {}
    expect(await build({ ...connection, ...states })).toMatchObject({ code, out: expect.stringContaining(hint) })
  })

  it('a lost response of open, after which find finds the ticket', async () => {
    await startApi()
    api.loseNext('POST')
    const { out, code } = await open(tickets())
    expect([code, requestsIn(out)]).toEqual([1, ['find', 'open', 'find']])
    expect(out).toMatch(/open\n.*-> HTTP API could not be reached.*ticket.id, "to_string\(response.id\)", finds "40"/s)
  })

  it('an indicator without a value', async () => {
    await startApi(() => ({ status: 200, body: { data: { value: 7 } } }))
    const connection = { provider: 'http', baseUrl: api.url, ...values, measure: { path: 'values' } }
    const { out, code } = await check('slo/mine', connection, `--try ${evaluation}`)
    const hint = 'There is a value at response.data.value: write response.data.value, which finds 7.'
    expect([code, out]).toEqual([1, expect.stringContaining(hint)])
    expect(out).toContain('Problem: ')
  })

  it('a path whose input is missing, before anything is sent', async () => {
    const stored = await startApi()
    const path = 'projects/{input.project}/tickets'
    const out = expect.stringContaining('Problem: open.path of the connection needs input.project, which is missing')
    expect(await open({ ...tickets(), open: { ...right, path } })).toMatchObject({ code: 1, out })
    expect(stored).toEqual([])
  })

  it('an expression without response, before anything is sent', async () => {
    await startApi()
    const { err, code } = await open({ ...tickets(), ticket: { ...ticket, id: 'id' } })
    expect([code, err]).toEqual([1, expect.stringContaining('ticket.id reads id, which is not a name here.')])
    expect(err).toContain('For a field of the response, write response.id.')
    expect(api.calls).toEqual([])
  })
})
