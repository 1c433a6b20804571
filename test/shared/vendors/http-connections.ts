import { httpTicket } from '../../../shared/vendors/http/ticket.ts'
import { type ClientOptions, clientOf, startEach } from '../../functions/helpers.ts'
import { startAnyApi } from '../../platforms/any-api.ts'

export const api = startEach(startAnyApi)
export const common = ({ url, token, apiKey }: { url: string; token: string; apiKey: string } = api) => ({
  baseUrl: url,
  token,
  headers: { 'X-Api-Key': apiKey },
  check: { path: 'me' },
})
export const refusal = (message: string) => ({ error: { message } })

export const tickets = {
  open: {
    path: 'things',
    body: '{title: input.title, text: input.description, area: input.project, ref: key}',
    at: 'response.result',
  },
  get: { path: 'things/{input.id}', at: 'response.result' },
  find: { path: 'things', query: { ref: 'key' }, at: 'response.items[0]' },
  update: { method: 'PATCH', path: 'things/{input.id}', body: '{title: input.title, state: input.state}' },
  comment: { path: 'things/{input.id}/comments', body: '{text: input.comment, ref: key}' },
  close: { path: 'things/{input.id}/end' },
  ticket: {
    id: 'response.id',
    number: 'response.key',
    url: 'response.links.html',
    state: 'response.state',
    closed: "response.state=='done'",
  },
}

export const jobs = {
  start: { path: 'things', body: '{title: input.target, args: input.parameters, ref: key}', at: 'response.result' },
  look: { path: 'things/{input.id}', at: 'response.result' },
  stop: { path: 'things/{input.id}/end' },
  find: { path: 'things', query: { ref: 'key' }, at: 'response.items[0]' },
  run: {
    id: 'response.id',
    url: 'response.links.html',
    state: 'response.state',
    step: 'response.step',
    reason: 'response.why',
    output: 'response.output',
  },
  states: { new: 'running', done: 'pass', broken: 'fail' } as const,
}

export const flags = {
  environment: 'production',
  get: { path: 'things/{input.flag}', at: 'response.result' },
  set: { method: 'PATCH', path: 'things/{input.flag}', body: '{enabled: input.on, share: input.percentage}' },
  flag: { on: 'response.enabled', percentage: 'response.share', url: 'response.links.html' },
}

export const values = {
  measure: { path: 'values/{query}', query: { from: 'startSeconds', to: 'end' } },
  indicator: { value: 'response.value' },
}

export const problem = { title: 'Checkout is slow', description: '2 s', project: 'shop' }
export const ticketClient = (more: object = {}, options: ClientOptions = {}) =>
  clientOf(httpTicket, httpTicket.connection.parse({ ...common(), ...tickets, ...more }), options)
