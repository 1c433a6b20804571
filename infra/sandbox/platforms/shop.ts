import { escapeHtml } from '../../../shared/text/escape-html.ts'
import type { Platform } from './sandbox/http.ts'
import { page } from './sandbox/page.ts'
import type { Passage } from './toxiproxy/proxies.ts'

const DATABASE_TIMEOUT_MS = 10_000

/**
 * Fakes a shop with one page, to send load to. It responds as fast as its database does.
 *
 * @param database returns how a request to the database ends
 */
export function createShop(database: () => Passage): Platform {
  const error: Platform['error'] = (status, message) => page(status, message, `<h1>${escapeHtml(message)}</h1>`)
  return {
    // A load test would flood the list of requests.
    unlisted: true,
    error,
    answer({ method, path }) {
      if (path !== '/') return error(404, 'Not found')
      if (method !== 'GET' && method !== 'HEAD') return error(405, `Method ${method} is not allowed`)
      const { takesMs, lost } = database()
      if (takesMs > DATABASE_TIMEOUT_MS)
        return { ...error(503, 'The database of the shop takes too long'), takesMs: DATABASE_TIMEOUT_MS }
      if (lost !== undefined) return { ...error(503, `The database of the shop ${lost}`), takesMs }
      return { ...page(200, 'Shop', '<h1>Shop</h1>\n<p>Everything is in stock. Send some load.</p>'), takesMs }
    },
  }
}
