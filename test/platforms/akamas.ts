import { type Call, type Reply, type Served, serve } from '../../infra/sandbox/platforms/loopback-server.ts'

export interface AkamasServer extends Served {
  /** Responses to the start of a study, by study id. */
  studies: Map<string, Record<string, unknown>>
  /** Whether the bridge finds Akamas. */
  reachable: boolean
}

export const akamasUser = { username: 'keptn', password: 'of-akamas-and-secret' }

const needed = ['study-id', 'type', 'shkeptncontext', 'triggeredid', 'project', 'stage', 'service']

/**
 * The webhook of Akamas for Keptn: a Flask application that answers plain text.
 *
 * @see https://github.com/akamaslabs/keptn-webhook/blob/main/webhook.py
 */
export async function akamasServer(): Promise<AkamasServer> {
  const state = { studies: new Map<string, Record<string, unknown>>(), reachable: true }
  const answer = ({ method, path, headers, body }: Call): Reply => {
    if (path !== '/v1/study-run') return text(404, '<!doctype html>\n<title>404 Not Found</title>')
    if (method !== 'POST') return text(405, '<!doctype html>\n<title>405 Method Not Allowed</title>')
    const { username, password } = akamasUser
    if (headers['authorization'] !== `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`)
      return text(401, 'User/password combination is wrong')
    if (!server.reachable) return text(500, 'The connection to Akamas can not be established, check the services.')
    const given = (body ?? {}) as Record<string, unknown>
    // Akamas reads every parameter, and Flask rejects a request without one of them.
    if (needed.some((name) => typeof given[name] !== 'string'))
      return text(500, '<!doctype html>\n<title>500 Internal Server Error</title>')
    const study = String(given['study-id'])
    if (server.studies.has(study)) return text(422, 'Study is already running, wait for completion')
    server.studies.set(study, given)
    return text(200, 'Request parsed')
  }
  const server: AkamasServer = Object.assign(await serve(answer), state)
  return server
}

function text(status: number, body: string): Reply {
  return { status, body, headers: { 'content-type': 'text/html; charset=utf-8' } }
}
