import { routeTable } from '../../../testing/route-table.ts'
import { demo } from '../sandbox/demo.ts'
import { bearer, type FakeReply, json, jsonObject, MAX_BODY_BYTES, type Platform } from '../sandbox/http.ts'
import type { JobRunSummary } from '../sandbox/job-run-summary.ts'
import type { Store } from '../sandbox/store.ts'
import { missing, refusal, type ToolCall, textIn, wrong } from './answers.ts'
import type { ToolFlag, ToolMessage, ToolSeries } from './page.ts'
import { toolPage } from './page.ts'
import { runRoutes } from './runs.ts'
import { type ToolTicket, ticketRoutes } from './tickets.ts'

export interface Tool extends Platform {
  tickets(): ToolTicket[]
  runs(root: string): JobRunSummary[]
}

const environments = ['staging', 'production']
const flagNames = ['checkout-v2', 'slow-recommendations']
const initialFlags = Object.fromEntries(
  environments.flatMap((environment) =>
    flagNames.map((name) => [`${environment}/${name}`, { name, environment, enabled: false, rollout: 100 }]),
  ),
)
const initialSeries = { 'checkout-p95': { name: 'checkout-p95', value: 312 } }

/**
 * Fakes a custom tool for the generic provider (`docs/http.md`) and new providers: a small REST API of tickets, job runs,
 * flags, messages and series of values. It finds records by the caller's `ref`, and sends a message with an
 * `Idempotency-Key` once.
 */
export function createTool(store: Store, timeScale: number): Tool {
  const tickets = store.collection<ToolTicket>('tool.tickets')
  const messages = store.collection<ToolMessage>('tool.messages')
  const flags = store.collection<ToolFlag>('tool.flags', { initial: initialFlags })
  const series = store.collection<ToolSeries>('tool.series', { initial: initialSeries })
  const runs = runRoutes(store, timeScale)
  const routeTickets = ticketRoutes(tickets)
  const route = routeTable<ToolCall, FakeReply>()({
    'GET /me': () => json(200, { name: 'robot' }),

    'GET /environments/{environment}/flags/{name}': (call) =>
      withFlag(call.params, (flag) => json(200, flagResponse(call, flag))),
    'PATCH /environments/{environment}/flags/{name}': (call) =>
      withFlag(call.params, (flag) => {
        const { enabled = flag.enabled, rollout = flag.rollout } = call.body
        if (typeof enabled !== 'boolean' || typeof rollout !== 'number')
          return wrong('enabled must be true or false, rollout a number')
        const changed = { ...flag, enabled, rollout }
        flags.put(`${flag.environment}/${flag.name}`, changed)
        return json(
          200,
          flagResponse(call, changed),
          {},
          `${flag.name} is ${enabled ? 'on' : 'off'} in ${flag.environment}`,
        )
      }),

    'POST /rooms/{room}/messages': ({ headers, root, body, params: { room } }) => {
      const key = headers['idempotency-key']?.toString()
      const before = key === undefined ? undefined : messages.get(key)
      if (before) return json(200, before)
      const title = textIn(body, 'title')
      if (!title) return wrong('title is missing')
      const id = String(messages.next())
      const message: ToolMessage = {
        id,
        room,
        title,
        text: textIn(body, 'text') ?? '',
        link: textIn(body, 'link') ?? null,
        level: textIn(body, 'level') ?? null,
        permalink: `${root}#message-${id}`,
      }
      messages.put(key ?? `message ${id}`, message)
      return json(201, message, {}, `message ${id} in ${room}`)
    },
    'GET /rooms/{room}/messages': ({ params }) =>
      json(200, { items: messages.list().filter(({ room }) => room === params.room) }),

    'GET /series/{name}/value': ({ query, params: { name } }) => {
      if (['from', 'to'].some((end) => Number.isNaN(Date.parse(query.get(end) ?? ''))))
        return wrong('from and to must be times, such as 2026-11-24T10:00:00Z')
      const found = series.get(name)
      if (!found) return missing('series', name)
      return json(200, found.value === null ? { value: null, note: 'nothing was measured' } : { value: found.value })
    },
    'PUT /series/{name}': ({ body: { value = null }, params: { name } }) => {
      if (value !== null && typeof value !== 'number') return wrong('value must be a number, or null')
      series.put(name, { name, value })
      return json(200, { name, value })
    },
  })

  function withFlag(
    { environment, name }: { environment: string; name: string },
    then: (flag: ToolFlag) => FakeReply,
  ): FakeReply {
    if (!environments.includes(environment)) return missing('environment', environment)
    const flag = flags.get(`${environment}/${name}`)
    return flag ? then(flag) : missing('flag', name)
  }

  const answer: Platform['answer'] = (call) => {
    if (bearer(call.headers) !== demo.toolToken) return refusal(401, 'invalid token')
    const body = call.body === '' ? {} : jsonObject(call.body)
    if (!body || call.size > MAX_BODY_BYTES) return refusal(400, 'the body must be a JSON object')
    const operation = `${call.method} ${call.path}`
    const toolCall = { ...call, body }
    const found = routeTickets(operation, toolCall) ?? runs.route(operation, toolCall) ?? route(operation, toolCall)
    return found ?? missing('operation', operation)
  }

  return {
    error: refusal,
    answer,
    page: ({ path, root }) =>
      path === '/'
        ? toolPage({
            tickets: tickets.list(),
            runs: runs.summaries(root),
            flags: flags.list(),
            messages: messages.list(),
            series: series.list(),
          })
        : undefined,
    tickets: () => tickets.list(),
    runs: runs.summaries,
  }
}

function flagResponse({ root }: Pick<ToolCall, 'root'>, flag: ToolFlag) {
  return { ...flag, links: { html: `${root}#${flag.environment}-${flag.name}` } }
}
