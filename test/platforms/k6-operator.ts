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

interface TestRun {
  metadata: { name: string; generateName?: string }
  spec: { script?: { configMap?: { name?: string } }; [field: string]: unknown }
  status: { stage?: string }
}

export interface K6OperatorServer extends Served {
  token: string
  state: {
    runs: TestRun[]
    created: number
    /** The exit code of each runner. */
    exitCodes: number[]
    missing: string[]
    installed: boolean
  }
  /** Brings the newest test run into a stage. */
  enter(stage: string): void
}

const path = '/apis/k6.io/v1alpha1/namespaces/shop/testruns'

/**
 * A fake of the API server of a cluster with the k6 operator, with the namespace `shop`.
 *
 * @see https://github.com/grafana/k6-operator/blob/main/internal/controller/testrun_controller.go
 */
export async function startK6Operator(): Promise<K6OperatorServer> {
  const token = 'a-token-of-a-service-account'
  const state: K6OperatorServer['state'] = { runs: [], created: 0, exitCodes: [0], missing: [], installed: true }
  const served = await serve((call) => {
    if (call.headers['authorization'] !== `Bearer ${token}`) return refused(401, 'Unauthorized', 'Unauthorized')
    return answer(state, call)
  })
  return {
    ...served,
    token,
    state,
    enter(stage) {
      if (stage === 'Deleted') return void state.runs.pop()
      newestOf(state.runs).status = stage === 'pending' ? {} : { stage }
    },
  }
}

function answer(state: K6OperatorServer['state'], { method, path: at, query, body }: Call): Reply {
  if (at === '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews') return review(state, body)
  const selector = query.get('labelSelector') ?? ''
  if (at === '/apis/batch/v1/namespaces/shop/jobs') return ok({ items: runnersOf(state, selector) })
  if (at === '/api/v1/namespaces/shop/pods') return ok({ items: podsOf(state, selector) })
  if (at.endsWith('/log')) return { status: 200, body: 'level=error', headers: { 'content-type': 'text/plain' } }
  if (!state.installed) return { status: 404, body: '404 page not found' }
  if (at === path && method === 'GET') return ok({ items: [] })
  if (at === path && method === 'POST') return create(state, body as TestRun)
  const run = state.runs.find(({ metadata }) => at === `${path}/${metadata.name}`)
  if (!run) return refused(404, 'NotFound', `testruns.k6.io "${at.split('/').at(-1)}" not found`)
  if (method === 'DELETE') state.runs.splice(state.runs.indexOf(run), 1)
  return ok(run)
}

function create(state: K6OperatorServer['state'], given: TestRun): Reply {
  const { metadata, spec } = given
  const name = metadata.name ?? `${metadata.generateName}${randomUUID().slice(0, 5)}`
  if (state.runs.some((one) => one.metadata.name === name)) {
    return refused(409, 'AlreadyExists', `testruns.k6.io "${name}" already exists`)
  }
  if (!spec.script?.configMap?.name) return refused(422, 'Invalid', 'spec.script: Required value')
  state.created++
  state.runs.push({ ...given, metadata: { ...metadata, name }, status: {} })
  return { status: 201, body: newestOf(state.runs) }
}

function runnersOf({ exitCodes }: K6OperatorServer['state'], selector: string): object[] {
  const [, name] = /^app=k6,k6_cr=([^,]+),runner=true$/.exec(selector) ?? []
  const times = { startTime: '2026-11-27T10:00:00Z', completionTime: '2026-11-27T10:05:00Z' }
  return exitCodes.map((code, at) => ({
    metadata: { name: `${name}-${at + 1}` },
    status: code === 0 ? { ...times, succeeded: 1 } : { startTime: times.startTime, failed: 1 },
  }))
}

function podsOf({ exitCodes }: K6OperatorServer['state'], selector: string): object[] {
  const [, job = '', number] = /^batch\.kubernetes\.io\/job-name=(.+-(\d+))$/.exec(selector) ?? []
  const exitCode = exitCodes[Number(number) - 1] ?? 0
  const state = { terminated: { exitCode, reason: exitCode === 0 ? 'Completed' : 'Error' } }
  return [{ metadata: { name: `${job}-x7k2p` }, status: { containerStatuses: [{ name: 'k6', state }] } }]
}
