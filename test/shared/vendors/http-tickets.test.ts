import { describe, expect, test } from '@jest/globals'
import { closeTicket, openTicket, updateTicket } from '../../../shared/providers/ticket-actions.ts'
import { httpTicket } from '../../../shared/vendors/http/ticket.ts'
import { ticketConformance } from '../../conformance/ticket.ts'
import { type ClientOptions, expectFailure, failureOf, keyOf } from '../../functions/helpers.ts'
import { startAnyApi } from '../../platforms/any-api.ts'
import { api, common, problem, refusal, ticketClient, tickets } from './http-connections.ts'

const provider = httpTicket as never
const open = (more?: object, options?: ClientOptions) => openTicket.run(provider, ticketClient(more, options), problem)
const update = (input: object, more?: object, options?: ClientOptions) =>
  updateTicket.run(provider, ticketClient(more, options), { id: '1', ...input })
const close = (more?: object) => closeTicket.run(provider, ticketClient(more), { id: '1' })

ticketConformance(
  provider,
  {
    async start() {
      const server = await startAnyApi()
      const state = "input.state && lower(input.state)=='closed' && 'done' || input.state"
      const more = {
        update: { ...tickets.update, body: `{title: input.title, state: ${state}}` },
        hasComment: { path: 'things/{input.id}/comments', at: 'where(response, &ref, key)' },
      }
      return { server, connection: { ...common(server), ...tickets, ...more }, made: () => server.things.length }
    },
    unknownId: '424242',
  },
  { refusal, anyTitle: true },
)

describe('HTTP API: tickets', () => {
  test('are opened with the body of the connection, without missing fields', async () => {
    const ticket = await openTicket.run(provider, ticketClient(), { title: 'Slow' })
    expect(ticket.data).toEqual({ id: '1', number: 'T-1', url: 'https://tool.example.com/things/1', state: 'new' })
    expect(api.calls.at(-1)?.body).toEqual({ title: 'Slow', ref: keyOf(1) })
  })

  test.each(['Slow', '{"title":"x","admin":true}'])('are opened with the text body %j as JSON', async (title) => {
    await openTicket.run(provider, ticketClient({ open: { ...tickets.open, body: 'input.title' } }), { title })
    expect(api.calls.at(-1)).toMatchObject({ body: title, headers: { 'content-type': 'application/json' } })
  })

  test('are not reported as updated if the API accepts a state and does not set it', async () => {
    await open()
    const ignored = { update: { ...tickets.update, body: '{title: input.title}' } }
    expect(await update({ state: 'In Progress' })).toMatchObject({ data: { state: 'In Progress' } })
    for (const state of ['in_progress', 'open'])
      expect(await update({ state }, ignored)).toMatchObject({ data: { state: 'In Progress' } })
    const took = 'HTTP API accepted the update, but the ticket T-1 is In Progress'
    await expectFailure(update({ state: 'waiting' }, ignored), 'refused', `${took}, not waiting.`)
    await expectFailure(
      update({ state: 'closed' }, ignored),
      'refused',
      `${took}, which does not count as closed. `,
      'ticket.state of the connection finds In Progress,',
      `ticket.closed of the connection finds false in {"id":1,`,
    )
  })

  const wrong = [{ welcome: 'Something else' }, { items: 'none' }, '']
  test.each(wrong)('are not opened again if a retry cannot search for the first: %j', async (body) => {
    api.failNext(200, body, { on: 'GET' })
    const words = 'It is unknown whether an earlier attempt created something'
    await expectFailure(open({}, { isRetry: true }), 'platform', words)
    expect(api.things).toHaveLength(0)
  })

  test('are opened once with an idempotency header', async () => {
    const more = { find: undefined, idempotencyHeader: 'Idempotency-Key' }
    api.loseNext('POST')
    expect(await failureOf(open(more))).toMatchObject({ transient: true })
    await open(more, { isRetry: true })
    expect(api.things).toHaveLength(1)
  })

  test('have an unknown outcome without find and an idempotency header', async () => {
    api.loseNext('POST')
    await expectFailure(open({ find: undefined }), 'unconfirmed', 'It is unknown whether the ticket was opened')
    await expectFailure(open({ find: undefined }, { isRetry: true }), 'unconfirmed')
    expect(api.things).toHaveLength(1)
  })

  test('have an unknown outcome of a repeated comment without hasComment', async () => {
    await open()
    await expectFailure(update({ comment: 'x' }, {}, { isRetry: true }), 'unconfirmed')
  })

  const shows = (more: object) => ({ ticket: { ...tickets.ticket, ...more } })
  test.each([
    [shows({ id: 'response.nr' }), 'misconfigured', 'ticket.id of the connection finds nothing'],
    [shows({ closed: "abs('x')" }), 'misconfigured', 'ticket.closed of the connection does not fit {"id":1'],
    [{ get: { path: 'things/{input.project}' } }, 'refused', 'get.path of the connection needs input.project'],
  ] as const)('report an expression that finds nothing that it can use: %j', async (more, kind, words) => {
    await open()
    await expectFailure(close(more), kind, words)
  })

  test.each([
    ['update', () => update({ state: 'x' }, { update: undefined })],
    ['comment', () => update({ comment: 'x' }, { comment: undefined })],
    ['close', () => close({ close: undefined })],
  ])('report an action without a request in the connection as misconfigured: %s', async (name, act) => {
    await open()
    await expectFailure(act(), 'misconfigured', `The connection has no "${name}"`)
  })
})
