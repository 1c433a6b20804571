import type { Platform } from './sandbox/http.ts'
import { escaped, page } from './sandbox/page.ts'
import type { Passage } from './toxiproxy/proxies.ts'

/** How long the shop waits for its database, in milliseconds. */
const patience = 10_000

/**
 * A small shop to send load to, open to everybody. It has one page, for which it asks its database, and which it answers as
 * soon as that does; what else it does, slow, failing or hanging, is what its faults say.
 *
 * @param database how a call to its database fares now
 */
export function createShop(database: () => Passage): Platform {
  const error: Platform['error'] = (status, message) => page(status, message, `<h1>${escaped(message)}</h1>`)
  return {
    // A line for each request of a load test would drown everything else.
    unlisted: true,
    error,
    answer({ method, path }) {
      if (path !== '/') return error(404, 'The shop has one page only')
      if (method !== 'GET' && method !== 'HEAD') return error(405, `${method} is not possible in the shop`)
      const { takesMs, lost } = database()
      if (takesMs > patience) return { ...error(503, 'The database of the shop takes too long'), takesMs: patience }
      if (lost !== undefined) return { ...error(503, `The database of the shop ${lost}`), takesMs }
      return { ...page(200, 'Shop', '<h1>Shop</h1>\n<p>Everything is in stock. Send some load.</p>'), takesMs }
    },
  }
}
