import { beforeEach } from '@jest/globals'
import { type Call, type Reply, serve } from '../../../infra/testing/loopback-server.ts'
import { openTicket } from '../../../shared/providers/ticket-actions.ts'
import { httpTicket } from '../../../shared/vendors/http/ticket.ts'
import { clientOf, startEach } from '../../functions/helpers.ts'

let answer: (call: Call) => Reply
export const api = startEach(() => serve((call) => answer(call)))
/** Sets the responses of the API until the end of the test. */
export const answerWith = (next: typeof answer) => {
  answer = next
}
beforeEach(() => answerWith(() => ticket()))

export const tickets = {
  open: { path: 'tickets', body: '{title: input.title, ref: key}' },
  get: { path: 'tickets/{input.id}' },
  ticket: { id: 'response.id', state: 'response.state', closed: "response.state=='closed'" },
}
export const client = (more: object = {}, options: object = {}) =>
  clientOf(httpTicket, httpTicket.connection.parse({ baseUrl: api.url, ...tickets, ...more }), options)
export const provider = httpTicket as never
export const ticket = (more: object = {}) => ({ status: 200, body: { id: '7', state: 'open', ...more } })
export const open = (more: object = {}, input: object = { title: 'Slow' }) =>
  openTicket.run(provider, client(more), input as never)

export const methods = () => api.calls.map(({ method }) => method)
export const paths = () => api.calls.map(({ path }) => path)
export const written = () => api.calls.filter(({ method }) => method === 'POST').map(({ path }) => path)
