import * as z from 'zod/mini'
import { type Failure, isTransient } from '../../errors.ts'
import { optional, word } from '../../fields.ts'
import type { Client } from '../../function/provider.ts'
import { defineTicketProvider, type Ticket } from '../../shapes/ticket.ts'
import { callField, make } from './call.ts'
import { connectionOf, httpApi, inDoubt, must, needed } from './connection.ts'
import { expression, findIn, findText } from './expression.ts'

const connection = connectionOf({
  project: optional(word('Default project')),
  open: callField('Opens a ticket'),
  get: callField('Reads the ticket input.id'),
  find: optional(callField('Looks for the ticket that was opened with key')),
  update: optional(callField('Changes the ticket input.id: what input holds beside id')),
  comment: optional(callField('Adds input.comment to the ticket input.id')),
  hasComment: optional(callField('Looks whether a comment with key is there: "at" finds something where it is')),
  close: optional(callField('Closes the ticket input.id')),
  ticket: z.strictObject({
    id: expression('Its id, in what "at" finds'),
    number: optional(expression('What people call it')),
    url: optional(expression('Where people see it')),
    state: expression("The API's word for its state"),
    closed: expression('Whether it is closed: state==`"done"`'),
  }),
})
type Api = Client<z.output<typeof connection>>

/** Tickets of any API: which calls it has, and where in the answers things are, stands in the connection. */
export const httpTicket = defineTicketProvider({
  title: 'HTTP API',
  noun: 'ticket',
  connection,
  ...httpApi,
  project: { pattern: /^.{1,255}$/, example: 'SHOP', optional: true },

  async find(client, input) {
    const { find } = client.connection
    if (!find) return undefined
    const found = await make(client, find, { input, key: client.key }, { name: 'find', reads: true, accept: [404] })
    return found === undefined ? undefined : ticketIn(client, found)
  },

  async open(client, input) {
    const { open, find, idempotencyHeader } = client.connection
    const safe = (find || idempotencyHeader) && client.key !== undefined
    if (client.repeated && !safe) throw inDoubt('an earlier try has opened the ticket')
    const made = await make(client, open, { input, key: client.key }, { name: 'open' }).catch((error: unknown) => {
      if (safe || !isTransient(error) || !(error as Failure).afterWrite) throw error
      throw inDoubt('the ticket was opened')
    })
    return ticketIn(client, made)
  },

  async get(client, ref) {
    return ticketIn(
      client,
      await make(client, client.connection.get, { input: ref, key: client.key }, { name: 'get', reads: true }),
    )
  },

  async change(client, ref, changes) {
    const update = needed(client.connection.update, 'update', 'so nothing can be changed')
    await make(client, update, { input: { ...changes, ...ref }, key: client.key }, { name: 'update' })
  },

  async comment(client, ref, comment) {
    const call = needed(client.connection.comment, 'comment', 'so nothing can be commented on')
    if (client.repeated && !client.connection.hasComment && !client.connection.idempotencyHeader)
      throw inDoubt('an earlier try has added the comment')
    await make(client, call, { input: { ...ref, comment }, key: client.key }, { name: 'comment' })
  },

  async hasComment(client, ref) {
    const { hasComment } = client.connection
    if (!hasComment) return false
    const found = await make(
      client,
      hasComment,
      { input: ref, key: client.key },
      { name: 'hasComment', reads: true, accept: [404] },
    )
    return found !== undefined && found !== false && (!Array.isArray(found) || found.length > 0)
  },

  async close(client, ref, how) {
    const close = needed(client.connection.close, 'close', 'so nothing can be closed')
    await make(client, close, { input: { ...how, ...ref }, key: client.key }, { name: 'close' })
  },
})

function ticketIn({ connection: { ticket } }: Api, found: unknown): Ticket {
  const id = must(ticket.id, found, 'ticket.id')
  return {
    id,
    number: findText(ticket.number, found, 'ticket.number') ?? id,
    url: findText(ticket.url, found, 'ticket.url'),
    state: must(ticket.state, found, 'ticket.state'),
    closed: findIn(ticket.closed, found, 'ticket.closed') === true,
  }
}
