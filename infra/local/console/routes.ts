import type { IncomingMessage, ServerResponse } from 'node:http'
import { mediaType } from '../../platforms/sandbox/http.ts'
import { readBody } from '../cloud/index.ts'
import { sendAsset } from './assets.ts'
import { shownJson } from './redacted-json.ts'

/** What the console can show and do. */
interface Abilities {
  calls(): unknown
  /** Undefined where there is none of this id. */
  call(id: string): unknown
  actions(): unknown
  send(category: string, action: string, query: string, body: unknown): Promise<unknown>
  faults(): unknown
  sequences(): unknown
  play(name: string): 'started' | 'unknown' | 'playing'
  stop(name: string): boolean
  /** Keeps the connection, and tells what happens; false where too many do. */
  watch(res: ServerResponse): boolean
}

type Route = (parts: string[], req: IncomingMessage, res: ServerResponse) => unknown

/** What is answered below `/console/`, to this machine only: who calls this has looked at the Host header. */
export function createRoutes(able: Abilities): (req: IncomingMessage, res: ServerResponse, path: string) => unknown {
  const routes: Record<string, Route> = {
    'GET stream': (_parts, _req, res) => {
      if (!able.watch(res)) answer(res, 503, { message: 'Too many pages watch already: close some.' })
    },
    'GET calls': ([id], _req, res) => {
      const shown = id === undefined ? able.calls() : able.call(id)
      if (shown === undefined) return answer(res, 404, { message: 'There is no such call any more.' })
      return answer(res, 200, shown)
    },
    'GET actions': (_parts, _req, res) => answer(res, 200, able.actions()),
    'POST actions': async ([category = '', action = ''], req, res) => {
      const asked = await readJson(req)
      if (typeof asked?.['query'] !== 'string' || asked['body'] === undefined)
        return answer(res, 400, { message: 'Send {"query": "..", "body": {..}}.' })
      return answer(res, 200, await able.send(category, action, asked['query'], asked['body']))
    },
    'GET faults': (_parts, _req, res) => answer(res, 200, able.faults()),
    'GET sequences': (_parts, _req, res) => answer(res, 200, able.sequences()),
    'POST sequences': ([name = '', what], _req, res) => {
      if (what === 'stop') return answer(res, able.stop(name) ? 202 : 409, { name })
      const began = able.play(name)
      if (began === 'unknown') return answer(res, 404, { message: `There is no sequence ${name}.` })
      if (began === 'playing') return answer(res, 409, { message: `The sequence ${name} is being played already.` })
      return answer(res, 202, { name })
    },
  }

  return (req, res, path) => {
    const [name = '', ...parts] = path.split('/').map(decoded)
    const route = routes[`${req.method} ${name}`]
    if (req.method === 'POST' && isForeign(req)) {
      return answer(res, 403, { message: 'The console takes this from its own page only, as application/json.' })
    }
    if (route) return route(parts, req, res)
    if (req.method === 'GET' && parts.length === 0 && sendAsset(res, name)) return undefined
    return answer(res, 404, { message: `There is nothing at /console/${path}.` })
  }
}

/** Any web page can send a form or plain text to loopback without asking; JSON it may not, and its origin is another. */
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

function decoded(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    return part
  }
}

function answer(res: ServerResponse, status: number, body: unknown): void {
  res.writeHead(status, {
    'content-type': 'application/json',
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
  })
  res.end(shownJson(body))
}
