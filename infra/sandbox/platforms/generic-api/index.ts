import { demo } from '../sandbox/demo.ts'
import {
  type Answer,
  bearer,
  type Call,
  json,
  jsonObject,
  MAX_BODY_BYTES,
  type Platform,
  segments,
} from '../sandbox/http.ts'
import type { JobRunSummary } from '../sandbox/job-run-summary.ts'
import type { Store } from '../sandbox/store.ts'
import { type Body, missing, refusal, textIn, wrong } from './answers.ts'
import type { ToolFlag, ToolMessage, ToolSeries } from './page.ts'
import { toolPage } from './page.ts'
import { runRoutes } from './runs.ts'
import { type ToolTicket, ticketRoutes } from './tickets.ts'

export interface Tool extends Platform {
  tickets(): ToolTicket[]
  runs(root: string): JobRunSummary[]
}

/** @param parts the path segments that match the stars of the pattern */
type Route = (call: Call, parts: string[], body: Body) => Answer

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
  const routes = Object.entries<Route>({
    'GET me': () => json(200, { name: 'robot' }),
    ...ticketRoutes(tickets),
    ...runs.routes,

    'GET environments/*/flags/*': (call, parts) => withFlag(parts, (flag) => json(200, flagResponse(call, flag))),
    'PATCH environments/*/flags/*': (call, parts, body) =>
      withFlag(parts, (flag) => {
        const { enabled = flag.enabled, rollout = flag.rollout } = body
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

    'POST rooms/*/messages': ({ headers, root }, [room = ''], body) => {
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
    'GET rooms/*/messages': (_, [room]) =>
      json(200, { items: messages.list().filter((message) => message.room === room) }),

    'GET series/*/value': ({ query }, [name = '']) => {
      if (['from', 'to'].some((end) => Number.isNaN(Date.parse(query.get(end) ?? ''))))
        return wrong('from and to must be times, such as 2026-11-24T10:00:00Z')
      const found = series.get(name)
      if (!found) return missing('series', name)
      return json(200, found.value === null ? { value: null, note: 'nothing was measured' } : { value: found.value })
    },
    'PUT series/*': (_, [name = ''], { value = null }) => {
      if (value !== null && typeof value !== 'number') return wrong('value must be a number, or null')
      series.put(name, { name, value })
      return json(200, { name, value })
    },
  }).map(([pattern, act]) => {
    const [method = '', path = ''] = pattern.split(' ')
    return { method, path: path.split('/'), act }
  })

  function withFlag([environment = '', name = '']: string[], then: (flag: ToolFlag) => Answer): Answer {
    if (!environments.includes(environment)) return missing('environment', environment)
    const flag = flags.get(`${environment}/${name}`)
    return flag ? then(flag) : missing('flag', name)
  }

  function answer(call: Call): Answer {
    if (bearer(call.headers) !== demo.toolToken) return refusal(401, 'invalid token')
    const body = call.body === '' ? {} : jsonObject(call.body)
    if (!body || call.size > MAX_BODY_BYTES) return refusal(400, 'the body must be a JSON object')
    const path = segments(call.path)
    const matches = routes.filter((route) => isAt(route.path, path))
    const found = matches.find(({ method }) => method === call.method)
    if (found)
      return found.act(
        call,
        path.filter((_, at) => found.path[at] === '*'),
        body,
      )
    return matches.length > 0 ? refusal(405, `${call.method} is not possible here`) : missing('page', call.path)
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

function isAt(pattern: string[], path: string[]): boolean {
  return pattern.length === path.length && pattern.every((part, at) => part === path[at] || (part === '*' && path[at]))
}

function flagResponse({ root }: Call, flag: ToolFlag) {
  return { ...flag, links: { html: `${root}#${flag.environment}-${flag.name}` } }
}
