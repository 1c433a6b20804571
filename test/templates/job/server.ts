import { type Call, type Reply, type Served, serve } from '../../../infra/sandbox/platforms/loopback-server.ts'

interface Run extends Record<string, unknown> {
  id: string
  status: string
  ref: string | null
}

export interface AcmeServer extends Served {
  token: string
  runs: Run[]
  /** A run has become this. */
  become(id: string, changes: Partial<Run>): void
}

/**
 * Fake Acme with runs of the job `report`.
 *
 * @see https://acme.example.com/api/jobs
 */
export async function startAcme(): Promise<AcmeServer> {
  const token = 'acme-token-0123456789'
  const runs: Run[] = []
  const served = await serve((call) =>
    call.headers['authorization'] === `Bearer ${token}` ? answer(call, runs) : refuse(401, 'invalid token'),
  )
  return {
    ...served,
    ...{ token, runs },
    become: (id, changes) => void Object.assign(runs.find((run) => run.id === id) ?? {}, changes),
  }
}

function answer({ method, path, query, body }: Call, runs: Run[]): Reply {
  const [, kind, name] = path.split('/')
  if (path === '/me') return { status: 200, body: { name: 'robot' } }
  if (method === 'POST' && kind === 'jobs') {
    if (name !== 'report') return refuse(404, `unknown job ${name}`)
    const id = String(runs.length + 1)
    const { ref = null, ...given } = (body ?? {}) as Partial<Run>
    const links = { html: `https://acme.example.com/runs/${id}` }
    const run = { id, job: name, ...given, ref, status: 'queued', links }
    runs.push(run)
    return { status: 201, body: run }
  }
  if (kind !== 'runs') return refuse(404, `unknown page ${path}`)
  if (name === undefined) return { status: 200, body: { items: runs.filter(({ ref }) => ref === query.get('ref')) } }
  const run = runs.find(({ id }) => id === name)
  if (!run) return refuse(404, `unknown run ${name}`)
  if (method !== 'DELETE') return { status: 200, body: run }
  if (['queued', 'running'].includes(run.status)) run.status = 'cancelled'
  return { status: 204 }
}

function refuse(status: number, message: string): Reply {
  return { status, body: { message } }
}
