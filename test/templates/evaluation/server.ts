import { type Call, type Reply, type Served, serve } from '../../../infra/sandbox/platforms/loopback-server.ts'

export interface AcmeServer extends Served {
  token: string
  /** Values by name; null if there is no data. */
  values: Record<string, number | null>
}

/**
 * Fake Acme with values of its series.
 *
 * @see https://acme.example.com/api/series
 */
export async function startAcme(): Promise<AcmeServer> {
  const token = 'acme-token-0123456789'
  const values: Record<string, number | null> = { 'checkout-p95': 312, errors: null }
  const served = await serve((call) =>
    call.headers['authorization'] === `Bearer ${token}` ? answer(call, values) : refuse(401, 'invalid token'),
  )
  return { ...served, token, values }
}

function answer({ path, query }: Call, values: Record<string, number | null>): Reply {
  if (path === '/me') return { status: 200, body: { name: 'robot' } }
  const name = /^\/series\/([^/]+)\/value$/.exec(path)?.[1] ?? path
  const value = values[name]
  if (value === undefined) return refuse(404, `unknown series ${name}`)
  if (!query.has('from') || !query.has('to')) return refuse(422, 'from and to are missing')
  return { status: 200, body: value === null ? { value, note: 'nothing was measured' } : { value } }
}

function refuse(status: number, message: string): Reply {
  return { status, body: { message } }
}
