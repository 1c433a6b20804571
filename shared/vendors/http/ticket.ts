import * as z from 'zod/mini'
import { type Failure, isTransient } from '../../errors.ts'
import { optional, withDescription, word } from '../../fields.ts'
import type { Client } from '../../providers/provider.ts'
import { defineTicketProvider, type OpenTicket, type Ticket, type TicketRef } from '../../providers/ticket.ts'
import { connectionOf, httpApi, namesOf, needed, outcomeUnknown, requireFound } from './connection.ts'
import { expression, findIn, findText, isTrue, type Names, requireText } from './expression.ts'
import { create, createField, read, readField, write, writeField } from './request.ts'

const connection = connectionOf({
  project: optional(word('Default project')),
  open: createField('Opens a ticket'),
  get: readField('Reads the ticket input.id'),
  find: optional(readField('Looks for the ticket that was opened with key')),
  update: optional(writeField('Changes the ticket input.id: title, description, state and so on of input')),
  comment: optional(writeField('Adds input.comment to the ticket input.id')),
  hasComment: optional(readField('Looks for the comment that was added with key: "at" finds something if it is there')),
  close: optional(writeField('Closes the ticket input.id')),
  ticket: z.strictObject({
    id: expression('Its id in the response: response.id'),
    number: optional(expression('What people call it')),
    url: optional(expression('Where people see it')),
    state: expression("The API's word for its state"),
    closed: expression("Whether it is closed: response.state=='done'"),
    gone: optional(
      withDescription(z.literal('closed'), 'A ticket that get does not find (404, or nothing at "at") is closed'),
    ),
  }),
})
type Api = Client<z.output<typeof connection>>

/** Tickets of any API: the connection describes its requests and where the values are in its responses. */
export const httpTicket = defineTicketProvider({
  title: 'HTTP API',
  noun: 'ticket',
  connection,
  ...httpApi,
  project: { pattern: /^.{1,255}$/, example: 'SHOP', optional: true },

  find: findTicket,

  async open(client, input) {
    const { open, find, idempotencyHeader } = client.connection
    const isSafe = (find || idempotencyHeader) && client.idempotencyKey !== undefined
    if (client.isRetry && !isSafe) throw outcomeUnknown('an earlier attempt opened the ticket')
    const names = namesOf(client, input)
    const { response, findNext } = await create(client, open, names, 'open').catch((error: unknown) => {
      if (isSafe || !isTransient(error) || !(error as Failure).mayHaveWritten) throw error
      throw outcomeUnknown('the ticket was opened')
    })
    if (findNext) return requireFound(await findTicket(client, input), find)
    return ticketIn(client, { ...names, response })
  },

  async get(client, ref) {
    const { get, ticket } = client.connection
    const names = namesOf(client, ref)
    const accept = ticket.gone ? [404] : []
    const response = await read(client, get, names, { name: 'get', accept })
    return response === undefined && ticket.gone ? goneTicket(ref) : ticketIn(client, { ...names, response })
  },

  async update(client, ref, changes) {
    const update = needed(client.connection.update, 'update', 'so nothing can be changed')
    await write(client, update, namesOf(client, { ...changes, ...ref }), 'update')
  },

  async comment(client, ref, comment) {
    const { comment: requests, hasComment, idempotencyHeader } = client.connection
    const known = needed(requests, 'comment', 'so nothing can be commented on')
    if (client.isRetry && !hasComment && !idempotencyHeader)
      throw outcomeUnknown('an earlier attempt added the comment')
    await write(client, known, namesOf(client, { ...ref, comment }), 'comment')
  },

  async hasComment(client, ref) {
    const { hasComment } = client.connection
    if (!hasComment) return false
    return isTrue(await read(client, hasComment, namesOf(client, ref), { name: 'hasComment', accept: [404] }))
  },

  async close(client, ref, how) {
    const close = needed(client.connection.close, 'close', 'so nothing can be closed')
    await write(client, close, namesOf(client, { ...how, ...ref }), 'close')
  },
})

async function findTicket(client: Api, input: OpenTicket): Promise<Ticket | undefined> {
  const { find } = client.connection
  if (!find) return undefined
  const names = namesOf(client, input)
  const response = await read(client, find, names, { name: 'find', accept: [404], mustBeCertain: client.isRetry })
  return response === undefined ? undefined : ticketIn(client, { ...names, response })
}

function ticketIn({ connection: { ticket } }: Api, names: Names): Ticket {
  const id = requireText(ticket.id, names, 'ticket.id')
  return {
    id,
    number: findText(ticket.number, names, 'ticket.number') ?? id,
    url: findText(ticket.url, names, 'ticket.url'),
    state: requireText(ticket.state, names, 'ticket.state'),
    isClosed: findIn(ticket.closed, names, 'ticket.closed') === true,
  }
}

function goneTicket({ id }: TicketRef): Ticket {
  return { id, number: id, url: undefined, state: 'gone', isClosed: true }
}
