import { type Call, type Reply, serve } from '../../../infra/testing/loopback-server.ts'
import { orchestratorConformance } from '../../conformance/orchestrator.ts'
import { acmeType } from './orchestrator.ts'

const token = 'acme-token-0123456789'

interface Run {
  id: string
  result: string | null
}

/**
 * Fake Acme with one run that waits for its result.
 *
 * @see https://acme.example.com/api/runs
 */
function answer({ method, path, headers, body }: Call, run: Run): Reply {
  if (headers['authorization'] !== `Bearer ${token}`) return { status: 401, body: { message: 'invalid token' } }
  if (path === '/me') return { status: 200, body: { name: 'robot' } }
  const [, kind, id, part] = path.split('/')
  if (kind !== 'runs' || id !== run.id) return { status: 404, body: { message: `unknown page ${path}` } }
  if (method === 'GET') return { status: 200, body: run }
  if (method !== 'POST' || part !== 'result') return { status: 405 }
  if (run.result !== null) return { status: 409, body: { message: 'the run has a result' } }
  run.result = (body as { result: string }).result
  return { status: 204 }
}

async function start() {
  const run: Run = { id: 'run-42', result: null }
  const server = await serve((call) => answer(call, run))
  return {
    server,
    settings: { baseUrl: server.url, token },
    secrets: [token],
    reset() {
      run.result = null
    },
    kindOf: ({ method }: Call) => (method === 'POST' ? ('finished' as const) : undefined),
    identityOf: ({ path }: Call) => path,
  }
}

orchestratorConformance('sample', {
  type: acmeType,
  start,
  body: { id: 'run-42' },
  required: ['id'],
  sends: ['finished'],
})
