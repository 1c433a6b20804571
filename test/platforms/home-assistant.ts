import { type Call, ok, type Reply, type Served, serve } from '../../infra/sandbox/platforms/loopback-server.ts'

interface Notification {
  title?: string
  message: string
  data?: Record<string, string>
}

export interface HomeAssistantServer extends Served {
  token: string
  /** Of the one phone. */
  state: { notifications: Notification[] }
}

/** Fields of the notify action. */
const FIELDS = ['title', 'message', 'target', 'data']

/**
 * The REST API of Home Assistant as its documentation describes it. Errors are plain text.
 *
 * @see https://developers.home-assistant.io/docs/api/rest
 */
export async function startHomeAssistant(): Promise<HomeAssistantServer> {
  const token = 'home-assistant-long-lived-token'
  const state: HomeAssistantServer['state'] = { notifications: [] }
  const served = await serve((call) => answer(call, state, token))
  return { ...served, token, state }
}

function answer(
  { method, path, headers, body }: Call,
  { notifications }: HomeAssistantServer['state'],
  token: string,
): Reply {
  if (headers['authorization'] !== `Bearer ${token}`) return text(401, '401: Unauthorized')
  if (`${method} ${path}` === 'GET /api/') return ok({ message: 'API running.' })
  const service = /^\/api\/services\/notify\/(\w+)$/.exec(path)?.[1]
  if (method !== 'POST' || service === undefined) return text(404, '404: Not Found')
  const given = body as Notification
  const isKnown = Object.keys(given).every((field) => FIELDS.includes(field))
  if (service !== 'mobile_app_phone' || typeof given.message !== 'string' || !isKnown)
    return text(400, '400: Bad Request')
  notifications.push(given)
  return ok([])
}

function text(status: number, body: string): Reply {
  return { status, body, headers: { 'content-type': 'text/plain; charset=utf-8' } }
}
