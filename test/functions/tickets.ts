import { beforeEach, describe, expect, test } from '@jest/globals'
import type * as z from 'zod/mini'
import type { Served } from '../../infra/sandbox/platforms/loopback-server.ts'
import type { Outcome } from '../../shared/outcome.ts'
import type { TicketProvider } from '../../shared/providers/ticket.ts'
import { closeTicket, openTicket, updateTicket } from '../../shared/providers/ticket-actions.ts'
import { type CommonOptions, isWrite } from '../conformance/common.ts'
import { ticketConformance } from '../conformance/ticket.ts'
import { ticketPlatforms } from '../e2e/platforms.ts'
import { type ClientOptions, clientOf, expectFailure, failureOf, keyOf, startEach } from './helpers.ts'

type Name = keyof typeof ticketPlatforms
type ServerOf<N extends Name> = Awaited<ReturnType<(typeof ticketPlatforms)[N]['start']>>['server']
/** Fields that count or date the changes of a ticket. */
const CHANGES_ALWAYS = /^(?:rev|events|journals|updated.*|sys_updated_on|sys_mod_count)$/
type Conformance = NonNullable<Parameters<typeof ticketConformance>[2]>
/** Changes of the connection. */
type Changed<S> = object | ((server: S) => object)
type Refused<S> = [input: object, reason: string, connection?: Changed<S>, change?: (server: S) => unknown]

interface TicketTests<S extends Served, T extends object> extends CommonOptions<S> {
  anyTitle?: Conformance['anyTitle']
  /** Returns the tickets of the platform, oldest first. */
  tickets(server: S): readonly T[]
  /** Returns the fields that the tables compare. Defaults to those of the ticket. */
  view?(ticket: T): object
  /** The id of the first ticket. */
  id: string | ((server: S) => string)
  /** Input for the ticket of an earlier event, which is updated and closed. */
  earlier?: object
  /** The data of the result of an open. */
  opened?: (server: S) => object
  /** Inputs of open, and the ticket. */
  opens?: [input: object, stored: object, connection?: Changed<S>][]
  /** Inputs of open that the platform refuses, its reason, and changes of the connection and of the platform. */
  refusedOpens?: Refused<S>[]
  /** Inputs of update, the ticket, and the number of requests if it is not 1. */
  updates?: [changes: object, stored: object, writes?: number][]
  /** Inputs of update, and of close, that the platform refuses, in the same form. */
  refusedUpdates?: Refused<S>[]
  refusedCloses?: Refused<S>[]
  /** States that are set one after the other, and the state that the platform then shows. */
  states?: string[][]
  /** Inputs of close, and the ticket. */
  closes?: [input: object, stored: object, connection?: Changed<S>][]
  /** Inputs that the provider refuses before it sends a request, and a part of the message. */
  unsupported?: [input: object, message: string][]
  /** Ids of tickets. */
  ids?: { accepted?: string[]; refused: string[]; message: string }
}

/** Options of a call. `connection` changes fields of the connection. */
export type TicketOptions = ClientOptions & { connection?: object | undefined }

/**
 * Registers the conformance suite and the tests of a table for a ticket provider, and starts its platform before each test.
 *
 * @param name the category and the provider
 * @returns the platform, and functions that run the actions as the framework does
 */
export function testTickets<N extends Name, P extends z.ZodMiniObject, T extends object>(
  name: N,
  provider: TicketProvider<P>,
  suite: TicketTests<ServerOf<N>, T>,
) {
  type S = ServerOf<N>
  const {
    tickets,
    view = (ticket) => ticket,
    id,
    earlier,
    opened,
    opens = [],
    refusedOpens = [],
    updates = [],
    refusedUpdates = [],
    refusedCloses = [],
  } = suite
  const { states = [], closes = [], unsupported = [], ids, ...conformance } = suite
  const platform = ticketPlatforms[name]
  const played = startEach(async () => {
    const started = await platform.start()
    return { ...started, close: () => started.server.close() }
  })
  const server = new Proxy({} as S, { get: (_, field) => Reflect.get(played.server, field) })
  const connectionOf = (more: object = {}) =>
    provider.connection.parse({ ...played.connection, ...more }) as z.output<P>
  const client = ({ connection, ...options }: TicketOptions = {}) =>
    clientOf(provider, connectionOf(connection), options)
  const changed = (change: Changed<S> | undefined) => (typeof change === 'function' ? change(server) : change)
  const where = () => ({ project: (played.connection as { project?: string }).project })
  const ref = () => ({ id: typeof id === 'function' ? id(server) : id })

  const run = {
    server,
    client,
    check: (options?: TicketOptions) => Promise.resolve().then(() => provider.check(client(options))),
    open: (input: object = {}, options?: TicketOptions): Promise<Outcome> => {
      const ticket = { title: 'Checkout fails', description: 'Since **14:03**.', ...where(), ...input }
      return openTicket.run(provider, client(options), ticket)
    },
    update: (input: object, options?: TicketOptions): Promise<Outcome> =>
      updateTicket.run(provider, client(options), { ...ref(), ...input }),
    close: (input: object = {}, options?: TicketOptions): Promise<Outcome> =>
      closeTicket.run(provider, client(options), { ...ref(), ...input }),
    /** Returns a ticket of the platform. */
    ticket(at = 0): T {
      const ticket = tickets(server)[at]
      if (!ticket) throw new Error(`No ticket ${at}`)
      return ticket
    },
    count: () => tickets(server).length,
    calls: (method: string) => server.calls.filter((call) => call.method === method),
    writes: () => server.calls.filter(isWrite),
    /** Opens a ticket of an earlier event before each test. */
    withTicket(input = earlier) {
      beforeEach(async () => {
        await open(input, { key: keyOf(9) })
        server.calls.length = 0
      })
    },
  }
  const { open, update, close, ticket, count, writes } = run
  const shown = () => view(ticket())

  describe(`${provider.title}: tickets`, () => {
    if (opened) {
      test('open returns the data of the ticket', async () => {
        expect((await open()).data).toEqual(opened(server))
      })
    }
    if (opens.length > 0) {
      test.each(opens)('open with %j stores %j', async (...[input, stored, change]) => {
        await open(input, { connection: changed(change) })
        expect(shown()).toMatchObject(stored)
      })
    }
    if (refusedOpens.length > 0) {
      test.each(refusedOpens)(
        'open shows why %j is refused, and opens nothing: %s',
        async (...[input, reason, connection, change]) => {
          change?.(server)
          const refused = open(input, { key: undefined, connection: changed(connection) })
          await expectFailure(refused, { kind: 'refused', mayHaveWritten: false }, reason)
          expect(count()).toBe(0)
        },
      )
    }
    if (unsupported.length > 0) {
      test.each(unsupported)('the input %j is invalid: %s', async (input, message) => {
        const failure = await failureOf((async () => provider.checkInput?.(input, connectionOf()))())
        expect(failure).toMatchObject({ kind: 'invalid', message: expect.stringContaining(message) })
      })
    }
    if (ids) {
      const check = (id: string) => () => provider.checkRef?.({ id, project: undefined })
      test.each(ids.refused)('the id %j is invalid', (id) => expect(check(id)).toThrow(ids.message))
      const { accepted = [] } = ids
      if (accepted.length > 0) test.each(accepted)('the id %j is valid', (id) => expect(check(id)).not.toThrow())
    }
    if ([updates, refusedUpdates, refusedCloses, states, closes].every(({ length }) => length === 0)) return
    describe('an earlier ticket', () => {
      run.withTicket()

      if (updates.length > 0) {
        test.each(updates)('is changed by %j to %j, and is still found', async (...[changes, stored, expected = 1]) => {
          const others = () => {
            const fields = Object.entries(structuredClone(shown()))
            return Object.fromEntries(fields.filter(([field]) => !(field in stored) && !CHANGES_ALWAYS.test(field)))
          }
          const before = others()
          await update(changes)
          expect(shown()).toMatchObject(stored)
          expect(others()).toEqual(before)
          expect(writes()).toHaveLength(expected)
          await open({}, { key: keyOf(9) })
          expect(count()).toBe(1)
        })
      }
      if (refusedUpdates.length > 0) {
        test.each(refusedUpdates)('shows why the update %j is refused: %s', async (...[input, reason, at, change]) => {
          change?.(server)
          await expectFailure(update(input, { connection: changed(at) }), 'refused', reason)
        })
      }
      if (refusedCloses.length > 0) {
        test.each(refusedCloses)(
          'stays open if the close %j is refused: %s',
          async (...[input, reason, at, change]) => {
            change?.(server)
            const before = structuredClone(shown())
            await expectFailure(close(input, { connection: changed(at) }), 'refused', reason)
            expect(shown()).toEqual(before)
          },
        )
      }
      if (states.length > 0) {
        test.each(states.map((path) => [path]))('gets its states: %j', async (path) => {
          const expected = { result: 'pass', data: { state: path.at(-1) } }
          let last = {}
          for (const state of path.slice(0, -1)) last = await update({ state })
          expect(last).toMatchObject(expected)
          const { length } = writes()
          expect(await update({ state: path.at(-2) })).toMatchObject(expected)
          expect(writes()).toHaveLength(length)
        })
      }
      if (closes.length > 0) {
        test.each(closes)('is closed by %j as %j', async (...[input, stored, change]) => {
          expect(await close(input, { connection: changed(change) })).toMatchObject({ result: 'pass' })
          expect(shown()).toMatchObject(stored)
        })
      }
    })
  })

  ticketConformance(provider, platform, conformance as Conformance)
  return run
}
