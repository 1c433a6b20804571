import { definePlatform } from '../../../infra/testing/define-platform.ts'
import type { Reply } from '../../../infra/testing/loopback-server.ts'
import { requireHeader } from '../../../infra/testing/require-header.ts'

interface Run extends Record<string, unknown> {
  id: string
  status: string
  ref: string | null
}

export type AcmeServer = Awaited<ReturnType<typeof startAcme>>

const TIMES = { started: '2026-11-27T10:00:00Z', ended: '2026-11-27T10:02:00Z' }
const TOKEN = 'acme-token-0123456789'

/**
 * Fake Acme with runs of the job `report`.
 *
 * @see https://acme.example.com/api/jobs
 */
const startAcme = definePlatform({
  state: () => ({ runs: [] as Run[] }),
  refuses: requireHeader('authorization', `Bearer ${TOKEN}`, refuse(401, 'invalid token')),
  routes: {
    'GET /me': () => ({ name: 'robot' }),
    'POST /jobs/{job}/runs': ({ state: { runs }, params: { job }, body }) => {
      if (job !== 'report') return refuse(404, `unknown job ${job}`)
      const id = String(runs.length + 1)
      const links = { html: `https://acme.example.com/runs/${id}` }
      const run = { ref: null, ...body, id, job, status: 'queued', links }
      runs.push(run)
      return { status: 201, body: run }
    },
    'GET /runs': ({ state, query }) => ({ items: state.runs.filter(({ ref }) => ref === query.get('ref')) }),
    'GET /runs/{id}': ({ state, params: { id } }) => runIn(state.runs, id) ?? refuse(404, `unknown run ${id}`),
    'DELETE /runs/{id}': ({ state, params: { id } }) => {
      const run = runIn(state.runs, id)
      if (!run) return refuse(404, `unknown run ${id}`)
      if (['queued', 'running'].includes(run.status)) run.status = 'cancelled'
      return { status: 204 }
    },
  },
  notFound: ({ path }) => refuse(404, `unknown page ${path}`),
  members: ({ runs }) => ({
    token: TOKEN,
    runs,
    /** Changes a run. */
    become: (id: string, changes: Partial<Run>) => void Object.assign(runIn(runs, id) ?? {}, changes),
  }),
})

/** The row of the conformance suite: how a test controls the runs. */
export const jobRow = {
  starts: /^POST .*\/runs$/,
  async start() {
    const server = await startAcme()
    const id = () => String(server.runs.length)
    const enter = (status: string) => server.become(id(), { status })
    return {
      server,
      connection: { baseUrl: server.url, token: server.token },
      id,
      enter,
      input: { target: 'report', parameters: { month: '2026-11' } },
      runs: () => server.runs.length,
      letStart: () => enter('running'),
      end: () => server.become(id(), { status: 'succeeded', ...TIMES }),
      finishStop: () => server.runs.at(-1)?.status === 'cancelled',
    }
  },
}

function runIn(runs: Run[], id: string): Run | undefined {
  return runs.find((run) => run.id === id)
}

function refuse(status: number, message: string): Reply {
  return { status, body: { message } }
}
