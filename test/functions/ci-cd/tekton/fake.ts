import { randomUUID } from 'node:crypto'
import { definePlatform } from '../../../../infra/testing/define-platform.ts'
import { newestOf, type Reply } from '../../../../infra/testing/loopback-server.ts'
import { requireHeader } from '../../../../infra/testing/require-header.ts'
import { type JobRow, stages, startWith } from '../../../conformance/row.ts'
import { refused, review } from '../../../platforms/kubernetes.ts'

interface PipelineRun {
  metadata: { name: string; generateName?: string }
  spec: { status?: string; pipelineRef?: { name?: string }; [field: string]: unknown }
  status: Record<string, unknown>
}

type State = ReturnType<typeof initial>
export type TektonServer = Awaited<ReturnType<typeof startTekton>>

const TOKEN = 'a-token-of-a-service-account'
const SUCCESSES = ['Succeeded', 'Completed']
const TIMES = { startTime: '2026-11-27T10:00:00Z', completionTime: '2026-11-27T10:02:00Z' }

const requireToken = requireHeader('authorization', `Bearer ${TOKEN}`, refused(401, 'Unauthorized', 'Unauthorized'))

const initial = () => ({
  runs: [] as PipelineRun[],
  /** The number of runs that were created, including deleted ones. */
  created: 0,
  results: [] as { name: string; value: unknown }[],
  /** Permissions that are missing, such as `create pipelineruns`. */
  missing: [] as string[],
  installed: true,
})

/**
 * A fake of the API server of a cluster with Tekton, with the namespace `shop`.
 *
 * @see https://tekton.dev/docs/pipelines/pipelineruns/#monitoring-execution-status
 */
const startTekton = definePlatform({
  base: '/apis',
  state: initial,
  refuses: (call, { installed }) =>
    requireToken(call) ??
    (call.path.startsWith('/apis/tekton.dev/') && !installed ? { status: 404, body: '404 page not found' } : undefined),
  routes: {
    'POST /authorization.k8s.io/v1/selfsubjectaccessreviews': ({ state, body }) => review(state, body),
    'GET /tekton.dev/v1/namespaces/shop/pipelineruns': ({ state }) => ({
      kind: 'PipelineRunList',
      items: state.runs.slice(0, 1),
    }),
    'POST /tekton.dev/v1/namespaces/shop/pipelineruns': ({ state, body }) => create(state, body),
    'GET /tekton.dev/v1/namespaces/shop/pipelineruns/{name}': ({ state, params }) =>
      state.runs.find(({ metadata }) => metadata.name === params.name),
    'PATCH /tekton.dev/v1/namespaces/shop/pipelineruns/{name}': ({ state, params, headers, body }) => {
      const run = state.runs.find(({ metadata }) => metadata.name === params.name)
      if (!run) return undefined
      if (headers['content-type'] !== 'application/merge-patch+json')
        return refused(415, 'UnsupportedMediaType', 'the body of the request was in an unknown format')
      run.spec.status = body.spec.status ?? ''
      const conditions = [{ type: 'Succeeded', status: 'False', reason: 'Cancelled', message: 'It was cancelled' }]
      if (!run.status['completionTime']) run.status = { conditions }
      return run
    },
  },
  notFound: ({ path }) => refused(404, 'NotFound', `pipelineruns.tekton.dev "${path.split('/').at(-1)}" not found`),
  members: (state) => ({
    token: TOKEN,
    /** Puts the newest run into a state: the reason of its condition. */
    enter(reason: string, message = `Tasks Completed: 3, ${reason}`) {
      if (reason === 'Deleted') return void state.runs.pop()
      const run = newestOf(state.runs)
      if (reason === 'Pending') return void Object.assign(run, { status: {} })
      const status = reason === 'Running' ? 'Unknown' : SUCCESSES.includes(reason) ? 'True' : 'False'
      const ended = status === 'Unknown' ? {} : { ...TIMES, results: state.results }
      run.status = { conditions: [{ type: 'Succeeded', status, reason, message }], ...ended }
    },
  }),
})

function create(state: State, run: PipelineRun): Reply {
  const { metadata, spec } = run
  const name = metadata.name ?? `${metadata.generateName}${randomUUID().slice(0, 5)}`
  if (state.runs.some((run) => run.metadata.name === name))
    return refused(409, 'AlreadyExists', `pipelineruns.tekton.dev "${name}" already exists`)
  if (!spec.pipelineRef?.name)
    return refused(400, 'BadRequest', 'validation failed: missing field(s): spec.pipelineRef')
  state.created++
  state.runs.push({ ...run, metadata: { ...metadata, name }, status: {} })
  return { status: 201, body: newestOf(state.runs) }
}

export const jobRow = {
  starts: /^POST .*\/pipelineruns$/,
  start: startWith(startTekton, ({ url: baseUrl, token, state, enter }) => ({
    connection: { baseUrl, token, namespace: 'shop', pipelines: ['deploy*'] },
    input: { target: 'deploy' },
    runs: () => state.created,
    id: () => state.runs.at(-1)?.metadata.name ?? '',
    ...stages(enter, 'Running', 'Succeeded'),
    finishStop: () => state.runs.at(-1)?.spec.status === 'CancelledRunFinally',
  })),
} satisfies JobRow
