import { definePlatform } from '../../../infra/testing/define-platform.ts'
import type { Reply } from '../../../infra/testing/loopback-server.ts'
import { requireHeader } from '../../../infra/testing/require-header.ts'

const TOKEN = 'acme-token-0123456789'

/**
 * Fake Acme with values of its series.
 *
 * @see https://acme.example.com/api/series
 */
export const startAcme = definePlatform({
  /** Values by name; null if there is no data. */
  state: () => ({ values: { 'checkout-p95': 312, errors: null } as Record<string, number | null> }),
  refuses: requireHeader('authorization', `Bearer ${TOKEN}`, refuse(401, 'invalid token')),
  routes: {
    'GET /me': () => ({ name: 'robot' }),
    'GET /series/{name}/value': ({ state, params, query }) => {
      const value = state.values[params.name]
      if (value === undefined) return refuse(404, `unknown series ${params.name}`)
      if (!query.has('from') || !query.has('to')) return refuse(422, 'from and to are missing')
      return value === null ? { value, note: 'nothing was measured' } : { value }
    },
  },
  notFound: ({ path }) => refuse(404, `unknown page ${path}`),
  members: ({ values }) => ({ token: TOKEN, values }),
})

function refuse(status: number, message: string): Reply {
  return { status, body: { message } }
}
