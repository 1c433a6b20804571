import type * as z from 'zod/mini'
import type { Outcome } from '../../../shared/outcome.ts'
import type { TicketProvider } from '../../../shared/providers/ticket.ts'
import { closeTicket, openTicket, updateTicket } from '../../../shared/providers/ticket-actions.ts'
import { type ClientOptions, clientOf } from '../helpers.ts'

/** `connection` changes fields of the connection. */
export type Options = ClientOptions & { connection?: object }

/**
 * Returns functions that run the actions for tickets, as the framework does.
 *
 * @param connection returns the secret of the connection
 * @param id the ticket that `update` and `close` change
 */
export function ticketActions<S extends z.ZodMiniObject>(
  provider: TicketProvider<S>,
  connection: () => object,
  id: string,
  problem: object = {},
) {
  const client = ({ connection: more, ...options }: Options = {}) =>
    clientOf(provider, provider.connection.parse({ ...connection(), ...more }) as z.output<S>, options)
  return {
    client,
    check: (options?: Options) => Promise.resolve().then(() => provider.check(client(options))),
    open: (input: object = {}, options?: Options): Promise<Outcome> =>
      openTicket.run(provider, client(options), {
        title: 'Checkout fails',
        description: 'Since 14:03.',
        ...problem,
        ...input,
      }),
    update: (input: object, options?: Options): Promise<Outcome> =>
      updateTicket.run(provider, client(options), { id, ...input }),
    close: (input: object = {}, options?: Options): Promise<Outcome> =>
      closeTicket.run(provider, client(options), { id, ...input }),
  }
}
