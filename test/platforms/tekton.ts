import { randomUUID } from 'node:crypto'
import {
  type Call,
  newestOf,
  ok,
  type Reply,
  type Served,
  serve,
} from '../../infra/sandbox/platforms/loopback-server.ts'
import { refused, review } from './kubernetes.ts'

interface PipelineRun {
  metadata: { name: string; generateName?: string }
  spec: { status?: string; pipelineRef?: { name?: string }; [field: string]: unknown }
  status: Record<string, unknown>
}

export interface TektonServer extends Served {
  token: string
  state: {
    runs: PipelineRun[]
    created: number
    results: { name: string; value: unknown }[]
    missing: string[]
    installed: boolean
  }
  /** Brings the newest run into a state: the reason of its condition. */
  enter(reason: string, message?: string): void
}

const path = '/apis/tekton.dev/v1/namespaces/shop/pipelineruns'
const SUCCESSES = ['Succeeded', 'Completed']

/**
 * A fake of the API server of a cluster with Tekton, with the namespace `shop`.
 *
 * @see https://tekton.dev/docs/pipelines/pipelineruns/#monitoring-execution-status
 */
export async function startTekton(): Promise<TektonServer> {
  const token = 'a-token-of-a-service-account'
  const state: TektonServer['state'] = { runs: [], created: 0, results: [], missing: [], installed: true }
  const served = await serve((call) => {
    if (call.headers['authorization'] !== `Bearer ${token}`) return refused(401, 'Unauthorized', 'Unauthorized')
    return answer(state, call)
  })
  return {
    ...served,
    token,
    state,
    enter(reason, message = `Tasks Completed: 3, ${reason}`) {
      if (reason === 'Deleted') return void state.runs.pop()
      const run = newestOf(state.runs)
      if (reason === 'Pending') return void Object.assign(run, { status: {} })
      const status = reason === 'Running' ? 'Unknown' : SUCCESSES.includes(reason) ? 'True' : 'False'
      const times = { startTime: '2026-11-27T10:00:00Z', completionTime: '2026-11-27T10:02:00Z' }
      const ended = status === 'Unknown' ? {} : { ...times, results: state.results }
      run.status = { conditions: [{ type: 'Succeeded', status, reason, message }], ...ended }
    },
  }
}

function answer(state: TektonServer['state'], { method, path: at, headers, body }: Call): Reply {
  if (at === '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews') return review(state, body)
  if (!state.installed) return { status: 404, body: '404 page not found' }
  if (at === path && method === 'GET') return ok({ kind: 'PipelineRunList', items: state.runs.slice(0, 1) })
  if (at === path && method === 'POST') return create(state, body as PipelineRun)
  const run = state.runs.find(({ metadata }) => at === `${path}/${metadata.name}`)
  if (!run) return refused(404, 'NotFound', `pipelineruns.tekton.dev "${at.split('/').at(-1)}" not found`)
  if (method === 'PATCH' && headers['content-type'] !== 'application/merge-patch+json') {
    return refused(415, 'UnsupportedMediaType', 'the body of the request was in an unknown format')
  }
  if (method === 'PATCH') {
    run.spec.status = (body as PipelineRun).spec.status ?? ''
    const conditions = [{ type: 'Succeeded', status: 'False', reason: 'Cancelled', message: 'It was cancelled' }]
    if (!run.status['completionTime']) run.status = { conditions }
  }
  return ok(run)
}

function create(state: TektonServer['state'], given: PipelineRun): Reply {
  const { metadata, spec } = given
  const name = metadata.name ?? `${metadata.generateName}${randomUUID().slice(0, 5)}`
  if (state.runs.some((one) => one.metadata.name === name)) {
    return refused(409, 'AlreadyExists', `pipelineruns.tekton.dev "${name}" already exists`)
  }
  if (!spec.pipelineRef?.name)
    return refused(400, 'BadRequest', 'validation failed: missing field(s): spec.pipelineRef')
  state.created++
  state.runs.push({ ...given, metadata: { ...metadata, name }, status: {} })
  return { status: 201, body: newestOf(state.runs) }
}
