import { randomUUID } from 'node:crypto'
import { definePlatform } from '../../../../infra/testing/define-platform.ts'
import { newestOf, type Reply } from '../../../../infra/testing/loopback-server.ts'
import { type JobRow, stages, startWith } from '../../../conformance/row.ts'
import { checkToken, refused, review, TOKEN } from '../../../platforms/kubernetes.ts'

interface TestRun {
  metadata: { name: string; generateName?: string }
  spec: { script?: { configMap?: { name?: string } }; [field: string]: unknown }
  status: { stage?: string }
}

type State = ReturnType<typeof initial>

const initial = () => ({
  runs: [] as TestRun[],
  /** The number of test runs that were created, including deleted test runs. */
  created: 0,
  /** The exit code of each runner. */
  exitCodes: [0],
  /** Permissions that are missing, such as `create testruns`. */
  missing: [] as string[],
  /** The cluster has the operator. */
  installed: true,
})

/**
 * A fake of the API server of a cluster with the k6 operator, with the namespace `shop`.
 *
 * @see https://github.com/grafana/k6-operator/blob/main/internal/controller/testrun_controller.go
 */
const startK6Operator = definePlatform({
  state: initial,
  refuses: (call, { installed }) =>
    checkToken(call) ??
    (!installed && call.path.startsWith('/apis/k6.io/') ? { status: 404, body: '404 page not found' } : undefined),
  routes: {
    'POST /apis/authorization.k8s.io/v1/selfsubjectaccessreviews': ({ state, body }) => review(state, body),
    'GET /apis/batch/v1/namespaces/shop/jobs': ({ state, query }) => ({
      items: runnersOf(state, query.get('labelSelector') ?? ''),
    }),
    'GET /api/v1/namespaces/shop/pods': ({ state, query }) => ({
      items: podsOf(state, query.get('labelSelector') ?? ''),
    }),
    'GET /api/v1/namespaces/shop/pods/{name}/log': () => ({
      status: 200,
      body: 'level=error',
      headers: { 'content-type': 'text/plain' },
    }),
    'GET /apis/k6.io/v1alpha1/namespaces/shop/testruns': () => ({ items: [] }),
    'POST /apis/k6.io/v1alpha1/namespaces/shop/testruns': ({ state, body }) => create(state, body),
    'GET /apis/k6.io/v1alpha1/namespaces/shop/testruns/{name}': ({ state, params }) => findRun(state, params.name),
    'DELETE /apis/k6.io/v1alpha1/namespaces/shop/testruns/{name}': ({ state, params }) => {
      const run = findRun(state, params.name)
      if (run) state.runs.splice(state.runs.indexOf(run), 1)
      return run
    },
  },
  notFound: ({ path }) => refused(404, 'NotFound', `testruns.k6.io "${path.split('/').at(-1)}" not found`),
  members: ({ runs }) => ({
    token: TOKEN,
    /** Puts the newest test run into a stage. */
    enter(stage: string) {
      if (stage === 'Deleted') return void runs.pop()
      newestOf(runs).status = stage === 'pending' ? {} : { stage }
    },
  }),
})

function findRun({ runs }: State, name: string): TestRun | undefined {
  return runs.find(({ metadata }) => metadata.name === name)
}

function create(state: State, run: TestRun): Reply {
  const { metadata, spec } = run
  const name = metadata.name ?? `${metadata.generateName}${randomUUID().slice(0, 5)}`
  if (findRun(state, name)) return refused(409, 'AlreadyExists', `testruns.k6.io "${name}" already exists`)
  if (!spec.script?.configMap?.name) return refused(422, 'Invalid', 'spec.script: Required value')
  state.created++
  state.runs.push({ ...run, metadata: { ...metadata, name }, status: {} })
  return { status: 201, body: newestOf(state.runs) }
}

function runnersOf({ exitCodes }: State, selector: string): object[] {
  const [, name] = /^app=k6,k6_cr=([^,]+),runner=true$/.exec(selector) ?? []
  const times = { startTime: '2026-11-27T10:00:00Z', completionTime: '2026-11-27T10:05:00Z' }
  return exitCodes.map((code, index) => ({
    metadata: { name: `${name}-${index + 1}` },
    status: code === 0 ? { ...times, succeeded: 1 } : { startTime: times.startTime, failed: 1 },
  }))
}

function podsOf({ exitCodes }: State, selector: string): object[] {
  const [, job = '', number] = /^batch\.kubernetes\.io\/job-name=(.+-(\d+))$/.exec(selector) ?? []
  const exitCode = exitCodes[Number(number) - 1] ?? 0
  const state = { terminated: { exitCode, reason: exitCode === 0 ? 'Completed' : 'Error' } }
  return [{ metadata: { name: `${job}-x7k2p` }, status: { containerStatuses: [{ name: 'k6', state }] } }]
}

export const jobRow = {
  stoppedAtStart: 'forgotten',
  starts: /^POST .*\/testruns$/,
  start: startWith(startK6Operator, ({ url: baseUrl, token, state, enter }) => ({
    connection: { baseUrl, token, namespace: 'shop', scripts: ['checkout/*'] },
    input: { target: 'checkout/test.js' },
    runs: () => state.created,
    id: () => state.runs.at(-1)?.metadata.name ?? '',
    ...stages(enter, 'started', 'finished'),
    finishStop: () => state.runs.length < state.created,
  })),
} satisfies JobRow
