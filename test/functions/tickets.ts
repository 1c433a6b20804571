import { beforeEach, describe, expect, test } from '@jest/globals'
import type * as z from 'zod/mini'
import type { Served } from '../../infra/testing/loopback-server.ts'
import type { Outcome } from '../../shared/outcome.ts'
import type { TicketProvider } from '../../shared/providers/ticket.ts'
import { closeTicket, openTicket, updateTicket } from '../../shared/providers/ticket-actions.ts'
import type { Change, CommonOptions, Fields } from '../conformance/common/options.ts'
import { isWrite } from '../conformance/common/requests.ts'
import type { Played, TicketPlatform } from '../conformance/platform.ts'
import { testEach } from '../conformance/test-each.ts'
import { type TicketOptions as ConformanceOptions, ticketConformance } from '../conformance/ticket.ts'
import { type ClientOptions, clientOf, expectFailure, failureOf, keyOf, startEach } from './helpers.ts'

/** Fields that count or date the changes of a ticket. */
const CHANGES_ALWAYS = /^(?:rev|events|journals|updated.*|sys_updated_on|sys_mod_count)$/

/** An input, and the ticket that it leads to. */
interface Stored<S> {
  input: object
  stored: object
  connection?: Fields<S>
}

/** An input that the platform refuses. */
interface Refused<S> {
  input: object
  /** A part of the reason. */
  reason: string
  connection?: Fields<S>
  change?: Change<S>
}

export interface TicketTests<S extends Served, T extends object> extends CommonOptions<S> {
  anyTitle?: true
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
  opens?: Stored<S>[]
  refusedOpens?: Refused<S>[]
  /** Updates of a ticket, with the number of requests if it is not 1. */
  updates?: { changes: object; stored: object; writes?: number }[]
  refusedUpdates?: Refused<S>[]
  refusedCloses?: Refused<S>[]
  /** States that are set one after the other, and the state that the platform then shows. */
  states?: string[][]
  closes?: Stored<S>[]
  /** Inputs that the provider refuses before it sends a request, and a part of the message. */
  unsupported?: { input: object; message: string }[]
  /** Ids of tickets. */
  ids?: { accepted?: string[]; refused: string[]; message: string }
}

/** Options of a call. `connection` changes fields of the connection. */
type TicketOptions = ClientOptions & { connection?: object | undefined }

/**
 * Registers the conformance suite and the tests of a table for a ticket provider, and starts its platform before each test.
 *
 * @returns the platform, and functions that run the actions as the framework does
 */
export function testTickets<S extends Served, P extends z.ZodMiniObject, T extends object>(
  platform: TicketPlatform & { start(): Promise<Played & { server: S }> },
  provider: TicketProvider<P>,
  suite: TicketTests<S, T>,
) {
  const started = startEach(async () => {
    const ready = await platform.start()
    return { ...ready, close: () => ready.server.close() }
  })
  const server = new Proxy({} as S, { get: (_, field) => Reflect.get(started.server, field) })
  const run = actionsOf(provider, suite, server, () => started.connection)

  describe(`${provider.title}: tickets`, () => {
    openTests(run, suite)
    inputTests(run, provider, suite)
    const { updates = [], refusedUpdates = [], refusedCloses = [], states = [], closes = [] } = suite
    if ([updates, refusedUpdates, refusedCloses, states, closes].every(({ length }) => length === 0)) return
    describe('an earlier ticket', () => {
      run.withTicket()
      updateTests(run, suite)
      closeTests(run, suite)
    })
  })

  ticketConformance(provider, platform, suite as ConformanceOptions)
  return run
}

/** Returns the platform of the current test, and functions that run the actions with it. */
function actionsOf<S extends Served, P extends z.ZodMiniObject, T extends object>(
  provider: TicketProvider<P>,
  { tickets, id, earlier }: TicketTests<S, T>,
  server: S,
  connectionOfPlatform: () => object,
) {
  const connectionOf = (more: object = {}) =>
    provider.connection.parse({ ...connectionOfPlatform(), ...more }) as z.output<P>
  const client = ({ connection, ...options }: TicketOptions = {}) =>
    clientOf(provider, connectionOf(connection), options)
  const project = () => ({ project: (connectionOfPlatform() as { project?: string }).project })
  const ref = () => ({ id: typeof id === 'function' ? id(server) : id })
  const open = (input: object = {}, options?: TicketOptions): Promise<Outcome> => {
    const ticket = { title: 'Checkout fails', description: 'Since **14:03**.', ...project(), ...input }
    return openTicket.run(provider, client(options), ticket)
  }
  return {
    server,
    client,
    connectionOf,
    check: (options?: TicketOptions) => Promise.resolve().then(() => provider.check(client(options))),
    open,
    update: (input: object, options?: TicketOptions): Promise<Outcome> =>
      updateTicket.run(provider, client(options), { ...ref(), ...input }),
    close: (input: object = {}, options?: TicketOptions): Promise<Outcome> =>
      closeTicket.run(provider, client(options), { ...ref(), ...input }),
    /** Returns a ticket of the platform. */
    ticket(index = 0): T {
      const ticket = tickets(server)[index]
      if (!ticket) throw new Error(`No ticket ${index}`)
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
}

/** The platform of the current test, without the client, whose type depends on the provider. */
interface TicketRun<S extends Served, T extends object> {
  server: S
  open(input?: object, options?: TicketOptions): Promise<Outcome>
  update(input: object, options?: TicketOptions): Promise<Outcome>
  close(input?: object, options?: TicketOptions): Promise<Outcome>
  ticket(): T
  count(): number
  writes(): unknown[]
}

function openTests<S extends Served, T extends object>(
  { server, open, ticket, count }: TicketRun<S, T>,
  { view = (ticket) => ticket, opened, opens = [], refusedOpens = [] }: TicketTests<S, T>,
): void {
  if (opened) {
    test('open returns the data of the ticket', async () => {
      expect((await open()).data).toEqual(opened(server))
    })
  }

  testEach(
    opens,
    ({ input, stored }) => `open with ${JSON.stringify(input)} stores ${JSON.stringify(stored)}`,
    async ({ input, stored, connection }) => {
      await open(input, { connection: fieldsOf(connection, server) })
      expect(view(ticket())).toMatchObject(stored)
    },
  )

  testEach(
    refusedOpens,
    ({ input, reason }) => `open shows why ${JSON.stringify(input)} is refused, and opens nothing: ${reason}`,
    async ({ input, reason, connection, change }) => {
      await change?.(server)
      const refused = open(input, { key: undefined, connection: fieldsOf(connection, server) })
      await expectFailure(refused, { kind: 'refused', mayHaveWritten: false }, reason)
      expect(count()).toBe(0)
    },
  )
}

function inputTests<S extends Served, T extends object>(
  { connectionOf }: { connectionOf(): object },
  provider: Pick<TicketProvider, 'checkInput' | 'checkRef'>,
  { unsupported = [], ids }: TicketTests<S, T>,
): void {
  testEach(
    unsupported,
    ({ input, message }) => `the input ${JSON.stringify(input)} is invalid: ${message}`,
    async ({ input, message }) => {
      const failure = await failureOf((async () => provider.checkInput?.(input, connectionOf() as never))())
      expect(failure).toMatchObject({ kind: 'invalid', message: expect.stringContaining(message) })
    },
  )

  const check = (id: string) => () => provider.checkRef?.({ id, project: undefined })
  testEach(
    ids?.refused ?? [],
    (id) => `the id ${JSON.stringify(id)} is invalid`,
    (id) => expect(check(id)).toThrow(ids?.message),
  )
  testEach(
    ids?.accepted ?? [],
    (id) => `the id ${JSON.stringify(id)} is valid`,
    (id) => expect(check(id)).not.toThrow(),
  )
}

function updateTests<S extends Served, T extends object>(
  { server, open, update, ticket, count, writes }: TicketRun<S, T>,
  { view = (ticket) => ticket, updates = [], refusedUpdates = [], states = [] }: TicketTests<S, T>,
): void {
  testEach(
    updates,
    ({ changes, stored }) =>
      `is changed by ${JSON.stringify(changes)} to ${JSON.stringify(stored)}, and is still found`,
    async ({ changes, stored, writes: expected = 1 }) => {
      const others = () => {
        const fields = Object.entries(structuredClone(view(ticket())))
        return Object.fromEntries(fields.filter(([field]) => !(field in stored) && !CHANGES_ALWAYS.test(field)))
      }
      const before = others()
      await update(changes)
      expect(view(ticket())).toMatchObject(stored)
      expect(others()).toEqual(before)
      expect(writes()).toHaveLength(expected)
      await open({}, { key: keyOf(9) })
      expect(count()).toBe(1)
    },
  )

  testEach(
    refusedUpdates,
    ({ input, reason }) => `shows why the update ${JSON.stringify(input)} is refused: ${reason}`,
    async ({ input, reason, connection, change }) => {
      await change?.(server)
      await expectFailure(update(input, { connection: fieldsOf(connection, server) }), 'refused', reason)
    },
  )

  testEach(
    states,
    (path) => `gets its states: ${JSON.stringify(path)}`,
    async (path) => {
      const expected = { result: 'pass', data: { state: path.at(-1) } }
      let last = {}
      for (const state of path.slice(0, -1)) last = await update({ state })
      expect(last).toMatchObject(expected)
      const { length } = writes()
      expect(await update({ state: path.at(-2) })).toMatchObject(expected)
      expect(writes()).toHaveLength(length)
    },
  )
}

function closeTests<S extends Served, T extends object>(
  { server, close, ticket }: TicketRun<S, T>,
  { view = (ticket) => ticket, closes = [], refusedCloses = [] }: TicketTests<S, T>,
): void {
  testEach(
    refusedCloses,
    ({ input, reason }) => `stays open if the close ${JSON.stringify(input)} is refused: ${reason}`,
    async ({ input, reason, connection, change }) => {
      await change?.(server)
      const before = structuredClone(view(ticket()))
      await expectFailure(close(input, { connection: fieldsOf(connection, server) }), 'refused', reason)
      expect(view(ticket())).toEqual(before)
    },
  )

  testEach(
    closes,
    ({ input, stored }) => `is closed by ${JSON.stringify(input)} as ${JSON.stringify(stored)}`,
    async ({ input, stored, connection }) => {
      expect(await close(input, { connection: fieldsOf(connection, server) })).toMatchObject({ result: 'pass' })
      expect(view(ticket())).toMatchObject(stored)
    },
  )
}

function fieldsOf<S>(fields: Fields<S> | undefined, server: S): object | undefined {
  return typeof fields === 'function' ? fields(server) : fields
}
