import type { Platform } from './http.ts'
import { escaped, page } from './page.ts'

/**
 * A small shop to send load to, open to everybody. It has one page and answers at once; what else it does, slow, failing or
 * hanging, is what its faults say.
 */
export function createShop(): Platform {
  const error: Platform['error'] = (status, message) => page(status, message, `<h1>${escaped(message)}</h1>`)
  return {
    // A line for each request of a load test would drown everything else.
    unlisted: true,
    error,
    answer({ method, path }) {
      if (path !== '/') return error(404, 'The shop has one page only')
      if (method !== 'GET' && method !== 'HEAD') return error(405, `${method} is not possible in the shop`)
      return page(200, 'Shop', '<h1>Shop</h1>\n<p>Everything is in stock. Send some load.</p>')
    },
  }
}
