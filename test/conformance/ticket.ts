import { describe, expect, test } from '@jest/globals'
import type { Outcome } from '../../shared/outcome.ts'
import { MAX_TITLE } from '../../shared/providers/cut-text.ts'
import type { TicketProvider } from '../../shared/providers/ticket.ts'
import { closeTicket, openTicket, updateTicket } from '../../shared/providers/ticket-actions.ts'
import { slug } from '../../shared/text/slug.ts'
import { type ClientOptions, clientOf, failureOf, keyOf } from '../functions/helpers.ts'
import { type CommonOptions, commonTests, isWrite } from './common.ts'
import type { Played, TicketPlatform } from './platform.ts'

interface TicketOptions extends CommonOptions {
  /** The connection decides how a title is written. */
  anyTitle?: true
}

/**
 * Registers the tests that every ticket provider must pass: those of `commonTests`, repeated calls and lost responses change
 * nothing, and states are read back.
 *
 * @example ticketConformance(gitlab, ticketPlatforms['issue-ticketing/gitlab'])
 */
export function ticketConformance(
  provider: TicketProvider,
  platform: Pick<TicketPlatform, 'start' | 'blind' | 'neverReopens' | 'unknownId' | 'wrongId'> | undefined,
  { anyTitle, ...options }: TicketOptions = {},
): void {
  if (!platform) throw new Error(`No fake platform for ${provider.title}`)
  const { blind, neverReopens, unknownId, wrongId } = platform

  describe(`${provider.title}: ticket conformance`, () => {
    type Ticket = Played & { id: string }
    const client = ({ connection }: Played, options?: ClientOptions) =>
      clientOf(provider, provider.connection.parse(connection), options)
    const where = ({ connection }: Played) => ({ project: connection['project'] as string | undefined })
    const openAt = (at: Played, options?: ClientOptions, input: object = {}) => {
      const ticket = { title: 'Checkout fails', description: 'Since **14:03**.', ...where(at), ...input }
      return openTicket.run(provider, client(at, options), ticket)
    }
    const updateAt = (at: Ticket, input: object, options?: ClientOptions) =>
      updateTicket.run(provider, client(at, options), { id: at.id, ...where(at), ...input })
    const closeAt = (at: Ticket, input: object = {}, options?: ClientOptions) =>
      closeTicket.run(provider, client(at, options), { id: at.id, ...where(at), ...input })

    const at = commonTests<Ticket>(provider, {
      ...options,
      async start() {
        const played = await platform.start()
        const { data } = await openAt(played, { key: keyOf(9) })
        played.server.calls.length = 0
        return { ...played, id: String(data['id']) }
      },
      operations: {
        open: (at) => (options) => openAt(at, options),
        update: (at) => (options) => updateAt(at, { title: 'Checkout is slow' }, options),
        ...(blind ? {} : { comment: (at) => (options) => updateAt(at, { comment: 'Still down' }, options) }),
        close: (at) => (options) => closeAt(at, {}, options),
      },
      ids: {
        type: { valid: 'NoSuchType', run: (type, at) => openAt(at, { key: undefined }, { type }) },
        'type without text': {
          valid: 'NoSuchType',
          run: (type, at) => openAt(at, { key: undefined }, { type, description: undefined }),
        },
        ...(unknownId === undefined
          ? {}
          : {
              update: { valid: unknownId, run: (id: string, at: Ticket) => updateAt({ ...at, id }, { title: 'x' }) },
              close: { valid: unknownId, run: (id: string, at: Ticket) => closeAt({ ...at, id }) },
            }),
      },
    })
    const writesOf = (text: string) => at().server.calls.filter((call) => isWrite(call) && call.text.includes(text))
    const openAgain = (options?: ClientOptions, input?: object) => openAt(at(), options, input)
    const update = (input: object, options?: ClientOptions): Promise<Outcome> => updateAt(at(), input, options)
    const close = (input?: object, options?: ClientOptions): Promise<Outcome> => closeAt(at(), input, options)

    test('open returns the id, the number, the link and the state', async () => {
      const { data, links, message } = await openAgain()
      const { id, number, url, state } = data
      expect(data).toEqual({
        id: expect.stringMatching(/./),
        number: expect.stringMatching(/./),
        state,
        ...(url ? { url } : {}),
      })
      expect(links).toEqual(url ? { [`${slug(provider.title)} ${number}`]: url } : {})
      if (!blind) expect({ id, message }).toEqual({ id, message: `Opened ${provider.noun} ${number}` })
    })

    test('a repeated open returns the first ticket, and another event opens another', async () => {
      const before = at().made?.() ?? 0
      const first = await openAgain()
      expect((await openAgain()).data['id']).toBe(first.data['id'])
      expect(at().made?.()).toBe(before + 1)
      await openAgain({ key: keyOf(2) })
      expect(at().made?.()).toBe(before + 2)
    })

    if (!blind) {
      test('a repeated open finds the ticket after it was closed', async () => {
        const { data } = await openAgain()
        await close({ id: String(data['id']) }, { key: keyOf(2) })
        const before = at().made?.()
        const found = { data: { id: data['id'] }, message: expect.stringContaining('Found') }
        expect(await openAgain()).toMatchObject(found)
        expect(at().made?.()).toBe(before)
      })
    }

    test('a retry after a lost response opens no second ticket', async () => {
      const before = at().made?.() ?? 0
      at().server.loseNext(({ text }) => text.includes('Checkout fails'))
      expect(await failureOf(openAgain())).toMatchObject({ kind: 'platform', transient: true, mayHaveWritten: true })
      expect(await openAgain({ isRetry: true })).toMatchObject({ result: 'pass' })
      expect(at().made?.()).toBe(before + 1)
    })

    test('stores no marker without an idempotency key, and opens each ticket', async () => {
      const before = at().made?.() ?? 0
      for (let call = 0; call < 2; call++) await openAgain({ key: undefined })
      expect(at().made?.()).toBe(before + 2)
      for (const { text } of writesOf('Checkout fails')) expect(text).not.toMatch(/undefined|caw-|webhooks:/)
    })

    if (!anyTitle) {
      test('writes the title on one line, and a long one also in the description', async () => {
        await openAgain({}, { title: 'Checkout\n fails' })
        expect(writesOf('Checkout fails')).not.toEqual([])
        await openAgain({ key: keyOf(2) }, { title: `${'x'.repeat(MAX_TITLE - 18)} and its last word` })
        expect(writesOf('and its last word')).not.toEqual([])
      })
    }

    if (unknownId) {
      test('refuses an unknown ticket with the reason of the platform', async () => {
        for (const act of [() => update({ id: unknownId, title: 'x' }), () => close({ id: unknownId })])
          expect(await failureOf(act())).toMatchObject({ kind: 'refused', transient: false, mayHaveWritten: false })
      })
    }

    if (wrongId) {
      test('refuses an invalid id', () => {
        for (const id of [wrongId, ...(blind ? [] : ['../1', ''])]) {
          const expected = expect.objectContaining({ kind: 'invalid' })
          expect(() => provider.checkRef?.({ id, project: undefined })).toThrow(expected)
        }
      })
    }

    if (!blind) {
      test('comments once per event, also after a lost response', async () => {
        at().server.loseNext((call) => isWrite(call) && call.text.includes('Still down'))
        const expected = { transient: true, mayHaveWritten: true }
        expect(await failureOf(update({ comment: 'Still down' }))).toMatchObject(expected)
        for (const isRetry of [true, false]) await update({ comment: 'Still down' }, { isRetry })
        expect(writesOf('Still down')).toHaveLength(1)
        await update({ comment: 'Still down' }, { key: keyOf(2) })
        expect(writesOf('Still down')).toHaveLength(2)
        await update({ comment: 'Still down' }, { key: undefined })
        expect(writesOf('Still down')).toHaveLength(3)
        expect(writesOf('Still down').at(-1)?.text).not.toMatch(/undefined|caw-|webhooks:/)
      })

      test('a repeated close passes, and comments and closes once', async () => {
        expect(await close({ comment: 'Rolled back' })).toMatchObject({ result: 'pass' })
        const { length } = writesOf('')
        const again = await close({ comment: 'Rolled back' })
        expect(again).toMatchObject({ result: 'pass', message: expect.stringContaining('already') })
        expect(writesOf('')).toHaveLength(length)
      })

      test('closes once after a lost response', async () => {
        at().server.loseNext(isWrite)
        expect(await failureOf(close())).toMatchObject({ transient: true, mayHaveWritten: true })
        expect(await close({}, { isRetry: true })).toMatchObject({ result: 'pass' })
        expect(writesOf('')).toHaveLength(1)
      })

      test(`closes${neverReopens ? '' : ' and reopens'}, and changes nothing if the ticket is already in that state`, async () => {
        const { data } = await update({ state: 'closed' })
        expect(data['id']).toBe(at().id)
        expect(await update({ state: 'Closed' })).toMatchObject({ data: { state: data['state'] } })
        const { length } = writesOf('')
        expect(await close()).toMatchObject({ data, message: expect.stringContaining('already') })
        expect(writesOf('')).toHaveLength(length)
        if (neverReopens) return
        const reopened = await update({ state: 'open' })
        expect(reopened.data['state']).not.toBe(data['state'])
        expect(await update({ state: 'open' })).toMatchObject({ data: reopened.data })
      })
    }
  })
}
