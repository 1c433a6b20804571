import type { Category } from '../../../../shared/providers/category.ts'
import { demo } from '../sandbox/demo.ts'

/** Fields of connections of the `http` provider to the generic API, by kind: the examples of docs/http.md. */
export const genericApiConnections = {
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
      id: 'response.id',
      number: 'response.number',
      url: 'response.links.html',
      state: 'response.status',
      closed: "response.status=='closed'",
    },
  },
  job: {
    check: { path: 'me' },
    start: { path: 'jobs/{input.target}/runs', body: '{arguments: input.parameters, ref: key}' },
    find: { path: 'runs', query: { ref: 'key' }, at: 'response.items[0]' },
    look: { path: 'runs/{input.id}' },
    stop: { method: 'DELETE', path: 'runs/{input.id}' },
    rollback: { path: 'deployments/{input.target}/rollback', body: '{version: input.ref, ref: key}' },
    run: {
      id: 'response.id',
      url: 'response.links.html',
      state: 'response.status',
      step: "response.progress || ''",
      reason: 'response.error.message',
      output: 'response.results',
    },
    states: {
      queued: 'running',
      running: 'running',
      succeeded: 'pass',
      partial: 'warning',
      failed: 'fail',
      lost: 'errored',
      cancelled: 'aborted',
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
 * Returns the connections of a category to the generic API: `tool`, and for other kinds `tool-<kind>`.
 *
 * @param url of the runtime
 */
export function connectionsToGenericApi({ name, actions, providers }: Category, url: string): Record<string, object> {
  const kinds = new Set(Object.values(actions).map(({ kind }) => kind))
  const connections = [...kinds].flatMap((actionKind, at): [string, object][] => {
    // A report is sent as a message.
    const kind = actionKind === 'report' ? 'message' : actionKind
    const suffix = at === 0 ? '' : `-${kind}`
    if (!Object.hasOwn(providers, `http${suffix}`)) return []
    const access = { provider: `http${suffix}`, baseUrl: `${url}/sandbox/tool`, token: demo.toolToken }
    const fields = { ...genericApiConnections[kind], ...EXTRA_FIELDS[kind], ...EXTRA_FIELDS[`${name}/${kind}`] }
    return [[`tool${suffix}`, { ...access, ...fields }]]
  })
  return Object.fromEntries(connections)
}

/** Additional fields by kind, or by category and kind: values are available immediately, and only drills may be broken. */
const EXTRA_FIELDS: Record<string, object> = {
  evaluation: { dataDelay: 0 },
  'chaos-testing/job': { allow: ['drill-*'] },
  'remediation/job': { target: 'checkout' },
}
