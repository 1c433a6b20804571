import { definePlatform } from '../../infra/testing/define-platform.ts'
import type { Reply } from '../../infra/testing/loopback-server.ts'
import { requireHeader } from '../../infra/testing/require-header.ts'

interface Notification {
  title?: string
  message: string
  data?: Record<string, string>
}

const TOKEN = 'home-assistant-long-lived-token'
/** Fields of the notify action. */
const FIELDS = ['title', 'message', 'target', 'data']

/**
 * A fake of the REST API of Home Assistant, from its documentation, with one phone. Errors are plain text.
 *
 * @see https://developers.home-assistant.io/docs/api/rest
 */
export const startHomeAssistant = definePlatform({
  base: '/api',
  /** The notifications of the phone. */
  state: () => ({ notifications: [] as Notification[] }),
  refuses: requireHeader('authorization', `Bearer ${TOKEN}`, error(401, '401: Unauthorized')),
  routes: {
    'GET /': () => ({ message: 'API running.' }),
    'POST /services/notify/{service}': ({ state, params, body }) => {
      const isKnown = Object.keys(body).every((field) => FIELDS.includes(field))
      if (params.service !== 'mobile_app_phone' || typeof body.message !== 'string' || !isKnown)
        return error(400, '400: Bad Request')
      state.notifications.push(body)
      return []
    },
  },
  notFound: error(404, '404: Not Found'),
  members: () => ({ token: TOKEN }),
})

function error(status: number, body: string): Reply {
  return { status, body, headers: { 'content-type': 'text/plain; charset=utf-8' } }
}
