import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { secretsIn } from '../../shared/fields.ts'
import type { Outcome } from '../../shared/outcome.ts'
import type { TicketProvider } from '../../shared/providers/ticket.ts'
import { closeTicket, openTicket, updateTicket } from '../../shared/providers/ticket-actions.ts'
import type { Played, TicketPlatform } from '../e2e/platforms.ts'
import { clientOf, failureOf, keyOf } from '../functions/helpers.ts'
import { credentialsIn, INVALID_CREDENTIAL } from './credentials.ts'

interface TicketOptions {
  /** Returns the body of a 400 response that gives a reason, as the platform sends it. */
  refusal?: (reason: string) => object
}

type Options = Parameters<typeof clientOf>[2]

/**
 * Registers the tests that every ticket provider must pass: credentials stay secret, repeated calls change nothing, and
 * temporary failures can be retried.
 *
 * @example ticketConformance(gitlab, ticketPlatforms['issue-ticketing/gitlab'])
 */
export function ticketConformance(
  provider: TicketProvider,
  platform: Pick<TicketPlatform, 'start' | 'blind'> | undefined,
  { refusal = (reason) => ({ message: reason }) }: TicketOptions = {},
): void {
  if (!platform) throw new Error(`No fake platform for ${provider.title}`)

  describe(`${provider.title}: ticket conformance`, () => {
    let played: Played
    let id: string
    beforeEach(async () => {
      played = await platform.start()
      const { data } = await open({ key: keyOf(9) })
      id = String(data['id'])
      played.server.calls.length = 0
    })
    afterEach(() => played.server.close())

    const valuesOf = (connection: object) => provider.connection.parse(connection)
    const client = (options?: Options) => clientOf(provider, valuesOf(played.connection), options)
    const where = () => ({ project: played.connection['project'] as string | undefined })
    const open = (options?: Options) => {
      const ticket = { title: 'Checkout fails', description: 'Since **14:03**.', ...where() }
      return openTicket.run(provider, client(options), ticket)
    }
    const update = (input: object, options?: Options) =>
      updateTicket.run(provider, client(options), { id, ...where(), ...input })
    const close = (input: object = {}) => closeTicket.run(provider, client(), { id, ...where(), ...input })
    const actions: Record<string, () => Promise<Outcome>> = {
      open: () => open(),
      update: () => update({ title: 'Checkout is slow' }),
      close: () => close(),
    }
    const writesOf = (text: string) =>
      played.server.calls.filter(({ method, text: body }) => method !== 'GET' && body.includes(text))

    test('declares its credentials as secrets', () => {
      const credentials = credentialsIn(played.connection).map(({ value }) => value)
      expect(secretsIn(provider.connection, valuesOf(played.connection))).toEqual(credentials)
    })

    test('the connection test reports invalid credentials without showing them', async () => {
      for (const { name } of credentialsIn(played.connection)) {
        const values = valuesOf({ ...played.connection, [name]: INVALID_CREDENTIAL })
        const failure = await failureOf(Promise.resolve(provider.check(clientOf(provider, values))))
        expect(failure.kind).toBe('credentials')
        expect(failure.message).not.toContain(INVALID_CREDENTIAL)
      }
    })

    test('a repeated open returns the first ticket, and another event opens another', async () => {
      const before = played.made?.() ?? 0
      const first = await open()
      const second = await open()
      expect(second.data['id']).toBe(first.data['id'])
      expect(played.made?.()).toBe(before + 1)
      await open({ key: keyOf(2) })
      expect(played.made?.()).toBe(before + 2)
    })

    if (!platform.blind) {
      test('comments once per event', async () => {
        for (const key of [keyOf(1), keyOf(1)]) await update({ comment: 'Still down' }, { key })
        expect(writesOf('Still down')).toHaveLength(1)
        await update({ comment: 'Still down' }, { key: keyOf(2) })
        expect(writesOf('Still down')).toHaveLength(2)
      })

      test('a repeated close passes, and comments and closes once', async () => {
        expect(await close({ comment: 'Rolled back' })).toMatchObject({ result: 'pass' })
        const { length } = writesOf('Rolled back')
        const again = await close({ comment: 'Rolled back' })
        expect(again).toMatchObject({ result: 'pass', message: expect.stringContaining('already') })
        expect(writesOf('Rolled back')).toHaveLength(length)
      })
    }

    describe.each(Object.entries(actions))('%s', (_, act) => {
      test('can be retried after a 5xx response', async () => {
        played.server.failNext(503, '<html><title>Unavailable</title></html>', { times: 5 })
        const failure = await failureOf(act())
        expect(failure).toMatchObject({ kind: 'platform', transient: true })
        expect(failure.message).toContain('503')
      })

      test('can be retried after a broken connection', async () => {
        played.server.down()
        expect(await failureOf(act())).toMatchObject({ kind: 'platform', transient: true })
      })

      test('masks credentials in the message of a refusal', async () => {
        for (const { value } of credentialsIn(played.connection)) {
          played.server.failNext(400, refusal(`no ${value}`), { times: 5 })
          const { message } = await failureOf(act())
          expect(message).toContain('no ***')
          expect(message).not.toContain(value)
        }
      })
    })

    test('reports how long to wait after a 429 response', async () => {
      played.server.failNext(429, refusal('Slow down'), { headers: { 'retry-after': '7' } })
      expect(await failureOf(open())).toMatchObject({ kind: 'platform', transient: true, retryAfter: 7 })
    })

    test('fails at the deadline if the platform does not respond', async () => {
      played.server.hang()
      expect(await failureOf(open({ deadline: 500 }))).toMatchObject({ kind: 'timeout', transient: true })
    })
  })
}
