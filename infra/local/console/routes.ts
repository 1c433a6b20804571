import type { IncomingMessage, ServerResponse } from 'node:http'
import { Failure } from '../../../shared/errors.ts'
import { isRecord } from '../../../shared/record.ts'
import { mediaType } from '../../sandbox/platforms/sandbox/http.ts'
import { readBody } from '../cloud/index.ts'
import { matchesAnAction, NO_SUCH_ACTION, type StopForm, stopForm } from '../operator/stop-conditions.ts'
import type { TriedText } from './alerts/alerts-api.ts'
import { sendAsset } from './assets.ts'
import { redactedJson } from './redact-json.ts'
import type { StopViews } from './stop-views.ts'

/** The data of a console. */
export interface ReadApi {
  calls(query: URLSearchParams): unknown
  /** Returns undefined for an unknown id, or a promise of it. */
  call(id: string): unknown
  /**
   * Returns the overview, or a promise of it.
   *
   * @param ms of the period
   */
  overview(ms: number): unknown
  /** Returns the page of the policy, or a promise of it. */
  policy(): unknown
  /** Returns the page of the alerts, or a promise of it. */
  alerts(query: URLSearchParams): unknown
  /** Returns a notification or a promise of it, undefined for an unknown id. */
  notification(id: string): unknown
  /** Returns the stops in force. */
  stops(): Promise<StopViews>
  /** Opens a stream of events; returns false if too many are open. */
  openStream(res: ServerResponse): boolean
}

/** The actions on a call. */
export interface OperatorApi {
  /**
   * Runs a call again, cancels its task, sends its answer again, or starts its next attempt now.
   *
   * @returns undefined for an unknown id
   * @throws Failure
   */
  act(id: string, operation: CallAction): Promise<unknown>
  /**
   * Stops everything, or a part. Resolves when the stop is in force.
   *
   * @throws Failure
   */
  stop(stop: StopForm): Promise<unknown>
  /** @throws Failure */
  resume(id: string): Promise<unknown>
}

/** The pages of the local runtime that a deployed stack does not have. */
interface RuntimeApi {
  actions(): unknown
  send(category: string, action: string, query: string, body: unknown): Promise<unknown>
  /** Returns a call as code of the engines. */
  code(category: string, action: string, query: string, body: Record<string, unknown>): unknown
  /** Evaluates rules on a notification without its effects. */
  tryRules(tried: TriedText): Promise<unknown>
  faults(): unknown
  commands(): Promise<unknown>
  sequences(): unknown
  run(name: string): 'started' | 'unknown' | 'running'
  stop(name: string): boolean
}

const callActions = ['rerun', 'cancel', 'answer', 'try'] as const
export type CallAction = (typeof callActions)[number]

type Route = (parts: string[], req: IncomingMessage, res: ServerResponse) => unknown

const UNKNOWN_CALL = 'This call does not exist, or its id is ambiguous.'
/** Four weeks. */
const MAX_HOURS = 672

function queryOf({ url = '' }: IncomingMessage): URLSearchParams {
  return new URLSearchParams(url.split('?', 2)[1])
}

/**
 * Creates the handler for requests below `/console/`. The caller must have checked the Host header.
 *
 * @param operator omitted for a console that is read-only
 * @param runtime omitted for the console of a deployed stack
 */
export function createRoutes(
  reads: ReadApi,
  operator?: OperatorApi,
  runtime?: RuntimeApi,
): (req: IncomingMessage, res: ServerResponse, path: string) => unknown {
  const routes = {
    ...readRoutes(reads),
    ...(operator && operatorRoutes(operator)),
    ...(runtime && runtimeRoutes(runtime)),
  }
  return async (req, res, path) => {
    const [name = '', ...parts] = path.split('/').map(decoded)
    const route = routes[`${req.method} ${name}`]
    if (req.method === 'POST' && isForeign(req)) {
      return sendJson(res, 403, { message: 'Only the page of the console may send this, as application/json.' })
    }
    if (route) return route(parts, req, res)
    if (req.method === 'GET' && parts.length === 0 && (await sendAsset(res, name))) return undefined
    return sendJson(res, 404, { message: `Not found: /console/${path}` })
  }
}

function readRoutes(api: ReadApi): Record<string, Route> {
  return {
    'GET stream': (_parts, _req, res) => {
      if (!api.openStream(res)) sendJson(res, 503, { message: 'Too many pages are open. Close some of them.' })
    },
    'GET calls': async ([id], req, res) => {
      const found = id === undefined ? api.calls(queryOf(req)) : await api.call(id)
      if (found === undefined) return sendJson(res, 404, { message: UNKNOWN_CALL })
      return sendJson(res, 200, found)
    },
    'GET alerts': async ([id], req, res) => {
      const found = id === undefined ? await api.alerts(queryOf(req)) : await api.notification(id)
      if (found === undefined) return sendJson(res, 404, { message: 'This notification is no longer stored.' })
      return sendJson(res, 200, found)
    },
    'GET policy': async (_parts, _req, res) => sendJson(res, 200, await api.policy()),
    'GET stops': async (_parts, _req, res) => sendJson(res, 200, await api.stops()),
    'GET overview': async (_parts, req, res) => {
      const hours = Number(queryOf(req).get('hours') ?? 24)
      if (!(hours > 0 && hours <= MAX_HOURS))
        return sendJson(res, 400, { message: `"hours" must be between 0 and ${MAX_HOURS}.` })
      return sendJson(res, 200, await api.overview(hours * 3_600_000))
    },
  }
}

function operatorRoutes(api: OperatorApi): Record<string, Route> {
  return {
    'POST calls': async ([id = '', name], _req, res) => {
      const operation = callActions.find((known) => known === name)
      if (!operation) return sendJson(res, 404, { message: `Unknown action. Actions: ${callActions.join(', ')}.` })
      return respondTo(res, api.act(id, operation))
    },
    'POST stops': async ([id, name], req, res) => {
      if (id !== undefined && name === 'resume') return respondTo(res, api.resume(id))
      const found = stopForm.safeParse(await readJson(req))
      if (!found.success)
        return sendJson(res, 400, { message: 'Send {"reason": ".."}: everyone whose call waits sees it.' })
      const unknown = [...(found.data.actions ?? []), ...(found.data.except ?? [])].find(
        (name) => !matchesAnAction(name),
      )
      if (unknown !== undefined) return sendJson(res, 400, { message: `${unknown}: ${NO_SUCH_ACTION}` })
      return respondTo(res, api.stop(found.data))
    },
  }
}

/** Responds with the result of an operator's action, or with its refusal. */
async function respondTo(res: ServerResponse, action: Promise<unknown>): Promise<void> {
  try {
    const done = await action
    if (done === undefined) sendJson(res, 404, { message: UNKNOWN_CALL })
    else sendJson(res, 200, done)
  } catch (error) {
    if (!(error instanceof Failure)) throw error
    sendJson(res, 409, { message: error.message })
  }
}

function runtimeRoutes(api: RuntimeApi): Record<string, Route> {
  return {
    'GET actions': (_parts, _req, res) => sendJson(res, 200, api.actions()),
    'POST actions': async ([category = '', action = '', last], req, res) => {
      const { query, body } = (await readJson(req)) ?? {}
      if (typeof query !== 'string' || body === undefined || (last === 'code' && !isRecord(body)))
        return sendJson(res, 400, { message: 'Send {"query": "..", "body": {..}}.' })
      if (last === 'code' && isRecord(body)) return sendJson(res, 200, api.code(category, action, query, body))
      return sendJson(res, 200, await api.send(category, action, query, body))
    },
    'POST alerts': async (_parts, req, res) => {
      const { source, body, headers, events } = (await readJson(req)) ?? {}
      if (![source, body, events].every((text) => typeof text === 'string') || !isRecord(headers))
        return sendJson(res, 400, { message: 'Send {"source": "..", "body": "..", "headers": {..}, "events": ".."}.' })
      const [name, sent, text] = [source, body, events].map(String)
      return sendJson(
        res,
        200,
        await api.tryRules({ source: name ?? '', body: sent ?? '', headers: textsIn(headers), events: text ?? '' }),
      )
    },
    'GET faults': (_parts, _req, res) => sendJson(res, 200, api.faults()),
    'GET commands': async (_parts, _req, res) => sendJson(res, 200, await api.commands()),
    'GET sequences': (_parts, _req, res) => sendJson(res, 200, api.sequences()),
    'POST sequences': ([name = '', last], _req, res) => {
      if (last === 'stop') return sendJson(res, api.stop(name) ? 202 : 409, { name })
      const result = api.run(name)
      if (result === 'unknown') return sendJson(res, 404, { message: `Unknown sequence "${name}".` })
      if (result === 'running') return sendJson(res, 409, { message: `The sequence ${name} is already running.` })
      return sendJson(res, 202, { name })
    },
  }
}

/** Detects requests of other web pages. They can send forms and plain text to loopback, but not JSON, and have another origin. */
function isForeign({ headers }: IncomingMessage): boolean {
  const { origin, host } = headers
  return mediaType(headers) !== 'application/json' || (origin !== undefined && origin !== `http://${host}`)
}

async function readJson(req: IncomingMessage): Promise<Record<string, unknown> | undefined> {
  try {
    const value: unknown = JSON.parse((await readBody(req))?.toString('utf8') ?? '')
    return value !== null && typeof value === 'object' ? (value as Record<string, unknown>) : undefined
  } catch {
    return undefined
  }
}

function textsIn(record: Record<string, unknown>): Record<string, string> {
  return Object.fromEntries(Object.entries(record).map(([name, value]) => [name, String(value)]))
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    return part
  }
}

export function sendJson(res: ServerResponse, status: number, body: unknown): void {
  res.writeHead(status, {
    'content-type': 'application/json',
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
  })
  res.end(redactedJson(body))
}
