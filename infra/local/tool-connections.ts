import type { Category } from '../../shared/providers/category.ts'
import { demo } from '../platforms/sandbox/demo.ts'

/**
 * Somebody's own tool, as the provider `http` is told of it: the examples of `docs/http.md`, by the shape of the actions that they
 * are for.
 */
export const toolConnections = {
  ticket: {
    check: { path: 'me' },
    open: {
      path: 'tickets',
      body: '{title: input.title, text: input.description, queue: input.project, ref: key}',
    },
    find: { path: 'tickets', query: { ref: 'key' }, at: 'response.items[0]' },
    get: { path: 'tickets/{input.id}' },
    update: { method: 'PATCH', path: 'tickets/{input.id}', body: '{title: input.title, status: input.state}' },
    comment: { path: 'tickets/{input.id}/notes', body: '{text: input.comment, ref: key}' },
    hasComment: { path: 'tickets/{input.id}/notes', query: { ref: 'key' }, at: 'response.items[0]' },
    close: { path: 'tickets/{input.id}/close', body: '{reason: input.resolution}' },
    ticket: {
      ...{ id: 'response.id', number: 'response.number', url: 'response.links.html' },
      ...{ state: 'response.status', closed: "response.status=='closed'" },
    },
  },
  job: {
    check: { path: 'me' },
    start: { path: 'jobs/{input.target}/runs', body: '{arguments: input.parameters, ref: key}' },
    find: { path: 'runs', query: { ref: 'key' }, at: 'response.items[0]' },
    look: { path: 'runs/{input.id}' },
    stop: { method: 'DELETE', path: 'runs/{input.id}' },
    run: {
      ...{ id: 'response.id', url: 'response.links.html', state: 'response.status', step: 'response.progress' },
      ...{ reason: 'response.error.message', output: 'response.results' },
    },
    states: {
      ...{ queued: 'running', running: 'running', succeeded: 'pass', partial: 'warning' },
      ...{ failed: 'fail', lost: 'errored', cancelled: 'aborted' },
    },
  },
  flag: {
    check: { path: 'me' },
    environment: 'production',
    get: { path: 'environments/{input.environment}/flags/{input.flag}' },
    set: {
      method: 'PATCH',
      path: 'environments/{input.environment}/flags/{input.flag}',
      body: '{enabled: input.on, rollout: input.percentage}',
    },
    flag: { on: 'response.enabled', percentage: 'response.rollout', url: 'response.links.html' },
  },
  message: {
    check: { path: 'me' },
    idempotencyHeader: 'Idempotency-Key',
    post: {
      path: 'rooms/releases/messages',
      body: '{title: message.title, text: message.text, link: decisionUrl || message.links[0].url, level: message.mood}',
    },
    posted: { id: 'response.id', url: 'response.permalink' },
  },
  evaluation: {
    check: { path: 'me' },
    measure: { path: 'series/{query}/value', query: { from: 'start', to: 'end' } },
    indicator: { value: 'response.value', message: 'response.note' },
    queries: { p95: 'checkout-p95' },
  },
} as const

/**
 * The connections of a category to the sandbox's tool, by their names: `tool`, and `tool-job` where its provider is `http-job`.
 *
 * @param url where the runtime listens
 */
export function connectionsToTool({ name, actions, providers }: Category, url: string): Record<string, object> {
  const shapes = new Set(Object.values(actions).map(({ kind: shape }) => shape))
  const connections = [...shapes].flatMap((shape, at): [string, object][] => {
    // A report to people is a message.
    const kind = shape === 'report' ? 'message' : shape
    const suffix = at === 0 ? '' : `-${kind}`
    if (!Object.hasOwn(providers, `http${suffix}`)) return []
    const reached = { provider: `http${suffix}`, baseUrl: `${url}/sandbox/tool`, token: demo.toolToken }
    return [[`tool${suffix}`, { ...reached, ...toolConnections[kind], ...alsoNeeded[kind], ...alsoNeeded[name] }]]
  })
  return Object.fromEntries(connections)
}

/** By shape or category: a value of the tool holds at once, and drills are what may be broken. */
const alsoNeeded: Record<string, object> = { evaluation: { dataDelay: 0 }, 'chaos-testing': { allow: ['drill-*'] } }
