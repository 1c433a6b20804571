import * as z from 'zod/mini'
import { type Failure, isTransient } from '../../errors.ts'
import { optional, withDescription, word } from '../../fields.ts'
import type { Client } from '../../providers/provider.ts'
import {
  closeInput,
  defineTicketProvider,
  type OpenTicket,
  openInput,
  type Ticket,
  type TicketRef,
  updateInput,
} from '../../providers/ticket.ts'
import {
  connectionOf,
  fieldNamesOf,
  httpApi,
  requestOutcomeUnknown,
  requireFound,
  requireRequest,
} from './connection.ts'
import { type ExpressionNames, fieldName, isTrue, requireBoolean, requireText, responseOf } from './expression.ts'
import { expression } from './expression-field.ts'
import { requestNames, responseNames } from './names.ts'
import { optionalText } from './optional.ts'
import { create, read, search, write } from './request.ts'
import { createField, readField, writeField } from './request-fields.ts'

const SEVERITIES = ['urgency', 'severity']
const ofNew = requestNames([...Object.keys(openInput.shape), ...SEVERITIES])
const ofTicket = requestNames(['id', 'project'])
const ofUpdate = requestNames([...Object.keys(z.omit(updateInput, { comment: true }).shape), ...SEVERITIES])

const connection = connectionOf({
  project: optional(word('Default project')),
  open: createField('Opens a ticket', ofNew),
  get: readField('Reads the ticket input.id', ofTicket),
  find: optional(readField('Finds the ticket whose idempotency key is key', ofNew)),
  update: optional(
    writeField(
      'Updates the ticket input.id with the given fields of input, such as title, description and state',
      ofUpdate,
    ),
  ),
  comment: optional(
    writeField('Adds input.comment to the ticket input.id', requestNames(['id', 'project', 'comment'])),
  ),
  hasComment: optional(
    readField('Finds the comment whose idempotency key is key. "at" must find something only if it exists', ofTicket),
  ),
  close: optional(writeField('Closes the ticket input.id', requestNames(Object.keys(closeInput.shape)))),
  ticket: z.strictObject({
    id: expression('Id of the ticket in the response: response.id', responseNames),
    number: optional(expression('Number of the ticket, for people', responseNames)),
    url: optional(expression('Link to the ticket, for people', responseNames)),
    state: expression('State of the ticket, as the API calls it', responseNames),
    closed: expression("Whether the ticket is closed: response.state=='done'", responseNames),
    gone: optional(
      withDescription(
        z.literal('closed'),
        'Treats a ticket that get does not find (404, or nothing at "at") as closed',
      ),
    ),
  }),
})
type Api = Client<z.output<typeof connection>>

/** Manages tickets with any HTTP API. The connection describes the requests and their responses. */
export const httpTicket = defineTicketProvider({
  title: 'HTTP API',
  noun: 'ticket',
  connection,
  ...httpApi,
  project: { pattern: /^.{1,255}$/, example: 'SHOP', optional: true },

  lookUp: {
    newest: 'all',
    needs: {
      text: '`find` and `hasComment`, or `idempotencyHeader`, in the connection',
      without: { find: undefined, hasComment: undefined },
    },
  },

  find(client, input) {
    return findTicket(client, input)
  },

  async open(client, input) {
    const { open, find, idempotencyHeader } = client.connection
    const isSafe = (find || idempotencyHeader) && client.idempotencyKey !== undefined
    if (client.isRetry && !isSafe) throw requestOutcomeUnknown('an earlier attempt opened the ticket')
    const { created, findNext } = await create(client, open, fieldNamesOf(client, input), 'open', find).catch(
      (error: unknown) => {
        if (isSafe || !isTransient(error) || !(error as Failure).mayHaveWritten) throw error
        throw requestOutcomeUnknown('the ticket was opened')
      },
    )
    if (findNext) return requireFound(await findTicket(client, input), find)
    return ticketIn(client, created)
  },

  async get(client, ref) {
    const { get, ticket } = client.connection
    const names = fieldNamesOf(client, ref)
    if (!ticket.gone) return ticketIn(client, await read(client, get, names, 'get'))
    const found = await search(client, get, names, 'get')
    return found.response === undefined ? goneTicket(ref) : ticketIn(client, found)
  },

  async update(client, ref, changes) {
    const update = requireRequest(client.connection.update, 'update', 'so tickets cannot be updated')
    await write(client, update, fieldNamesOf(client, { ...changes, ...ref }), 'update')
  },

  async comment(client, ref, comment) {
    const { hasComment, idempotencyHeader } = client.connection
    const requests = requireRequest(client.connection.comment, 'comment', 'so comments cannot be added')
    if (client.isRetry && !hasComment && !idempotencyHeader)
      throw requestOutcomeUnknown('an earlier attempt added the comment')
    await write(client, requests, fieldNamesOf(client, { ...ref, comment }), 'comment')
  },

  async hasComment(client, ref) {
    const { hasComment } = client.connection
    if (!hasComment) return false
    return isTrue((await search(client, hasComment, fieldNamesOf(client, ref), 'hasComment')).response)
  },

  async close(client, ref, how) {
    const close = requireRequest(client.connection.close, 'close', 'so tickets cannot be closed')
    await write(client, close, fieldNamesOf(client, { ...how, ...ref }), 'close')
  },
})

async function findTicket(client: Api, input: OpenTicket): Promise<Ticket | undefined> {
  const { find } = client.connection
  if (!find) return undefined
  const found = await search(client, find, fieldNamesOf(client, input), 'find')
  return found.response === undefined ? undefined : ticketIn(client, found)
}

function ticketIn(client: Api, names: ExpressionNames): Ticket {
  const { ticket } = client.connection
  const id = requireText(ticket.id, names, 'ticket.id')
  const state = requireText(ticket.state, names, 'ticket.state')
  const isClosed = requireBoolean(ticket.closed, names, 'ticket.closed')
  return {
    id,
    number: optionalText(client, ticket.number, names, 'ticket.number') ?? id,
    url: optionalText(client, ticket.url, names, 'ticket.url'),
    state,
    isClosed,
    stateSource: `${fieldName('ticket.state')} finds ${state}, and ${fieldName('ticket.closed')} finds ${isClosed} in ${responseOf(names, 'ticket')}.`,
  }
}

function goneTicket({ id }: TicketRef): Ticket {
  return { id, number: id, url: undefined, state: 'gone', isClosed: true }
}
