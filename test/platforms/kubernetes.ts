import { randomUUID } from 'node:crypto'
import { definePlatform } from '../../infra/testing/define-platform.ts'
import { newestOf, type Reply } from '../../infra/testing/loopback-server.ts'
import { requireHeader } from '../../infra/testing/require-header.ts'

interface Metadata {
  name: string
  generateName?: string
  [field: string]: unknown
}

interface Condition {
  type: string
  status: string
  reason?: string
  message?: string
}

interface Job {
  metadata: Metadata
  spec: Record<string, unknown>
  status: { conditions?: Condition[]; [field: string]: unknown }
}

interface Container {
  name: string
  state: Record<string, object>
}

type State = ReturnType<typeof initial>

export const TOKEN = 'a-token-of-a-service-account'
/** Refuses requests without the token of the service account. */
export const checkToken = requireHeader(
  'authorization',
  `Bearer ${TOKEN}`,
  refused(401, 'Unauthorized', 'Unauthorized'),
)
const TIMES = { startTime: '2026-11-27T10:00:00Z', completionTime: '2026-11-27T10:02:00Z' }
const CRON_JOB = {
  kind: 'CronJob',
  metadata: { name: 'smoke' },
  spec: {
    suspend: true,
    jobTemplate: {
      metadata: {
        labels: { 'kueue.x-k8s.io/queue-name': 'shop' },
        annotations: { 'acme.example.com/owner': 'shop' },
      },
      spec: {
        backoffLimit: 2,
        ttlSecondsAfterFinished: 0,
        template: {
          spec: {
            restartPolicy: 'Never',
            volumes: [{ name: 'tmp', emptyDir: {} }],
            containers: [
              {
                name: 'smoke',
                image: 'ghcr.io/acme/smoke:stable',
                env: [
                  { name: 'STAGE', value: 'dev' },
                  { name: 'KEEP', value: 'yes' },
                ],
              },
            ],
          },
        },
      },
    },
  },
}

const initial = () => ({
  jobs: [] as Job[],
  /** The number of jobs that were created, including deleted jobs. */
  created: 0,
  /** The containers of the pod of the newest job. */
  containers: [] as Container[],
  /** The conditions of the pod of the newest job. */
  podConditions: [] as Condition[],
  log: '',
  /** The service account can read logs. */
  mayReadLogs: true,
  /** Permissions that are missing, such as `create jobs`. */
  missing: [] as string[],
})

/**
 * A fake of the API server of Kubernetes, with the namespace `shop` and the CronJob `smoke`.
 *
 * @see https://github.com/kubernetes/kubernetes/blob/master/api/openapi-spec/swagger.json
 * @see https://kubernetes.io/docs/concepts/workloads/controllers/job/
 */
export const startKubernetes = definePlatform({
  state: initial,
  refuses: checkToken,
  routes: {
    'POST /apis/authorization.k8s.io/v1/selfsubjectaccessreviews': ({ state, body }) => review(state, body),
    'GET /apis/batch/v1/namespaces/shop/cronjobs/smoke': () => CRON_JOB,
    'POST /apis/batch/v1/namespaces/shop/jobs': ({ state, body }) => create(state, body),
    'GET /apis/batch/v1/namespaces/shop/jobs/{name}': ({ state, params }) => findJob(state, params.name),
    'DELETE /apis/batch/v1/namespaces/shop/jobs/{name}': ({ state, params, query }) => {
      const job = findJob(state, params.name)
      if (!job) return undefined
      // Without a policy, the pods keep running.
      if (query.get('propagationPolicy') === 'Foreground') state.jobs.splice(state.jobs.indexOf(job), 1)
      return { kind: 'Status', status: 'Success' }
    },
    'GET /api/v1/namespaces/shop/pods': ({ state, query }) => ({
      kind: 'PodList',
      items: podsOf(state, query.get('labelSelector') ?? ''),
    }),
    'GET /api/v1/namespaces/shop/pods/{name}/log': ({ state }) =>
      state.mayReadLogs
        ? { status: 200, body: state.log, headers: { 'content-type': 'text/plain' } }
        : refused(403, 'Forbidden', 'pods is forbidden: cannot get resource "pods/log"'),
  },
  notFound: ({ path }) => {
    const [namespace, resource, name] = path.replace(/^.*\/namespaces\//, '').split('/')
    return namespace === 'shop'
      ? refused(404, 'NotFound', `${resource}.batch "${name}" not found`)
      : refused(403, 'Forbidden', `jobs.batch is forbidden in the namespace "${namespace}"`)
  },
  members: (state) => ({
    token: TOKEN,
    /** Puts the newest job into a state, as the provider names it. */
    enterJob: (name: string) => enter(state, name),
    /** Ends the container of the newest job, and the job. */
    fail(exitCode: number, reason = 'Error') {
      state.containers = [{ name: 'job', state: { terminated: { exitCode, reason } } }]
      enter(state, 'BackoffLimitExceeded')
    },
  }),
})

/** Returns an error of Kubernetes. */
export function refused(code: number, reason: string, message: string): Reply {
  return { status: code, body: { kind: 'Status', apiVersion: 'v1', status: 'Failure', reason, message, code } }
}

/** Returns the review of a permission in the namespace `shop`. */
export function review({ missing }: { missing: string[] }, body: unknown): Reply {
  const { spec } = body as { spec?: { resourceAttributes?: Record<string, string> } }
  const { verb, resource, subresource, namespace } = spec?.resourceAttributes ?? {}
  const permission = `${verb} ${[resource, subresource].filter(Boolean).join('/')}`
  const allowed = namespace === 'shop' && !missing.includes(permission)
  return { status: 201, body: { spec, status: { allowed } } }
}

function enter(state: State, name: string): void {
  const job = newestOf(state.jobs)
  const condition = (type: string, reason?: string) => ({ type, status: 'True', ...(reason ? { reason } : {}) })
  delete job.spec['suspend']
  switch (name) {
    case 'Pending':
    case 'Running':
      job.status = { startTime: TIMES.startTime, active: 1, ready: name === 'Running' ? 1 : 0 }
      return
    case 'Suspended':
      job.spec['suspend'] = true
      return
    case 'Terminating':
      job.metadata['deletionTimestamp'] = TIMES.completionTime
      return
    case 'Deleted':
      state.jobs.pop()
      return
    case 'Complete':
      // The cluster deletes the job immediately.
      if (job.spec['ttlSecondsAfterFinished'] === 0) return void state.jobs.pop()
      job.status = { ...TIMES, succeeded: 1, conditions: [condition('SuccessCriteriaMet'), condition('Complete')] }
      return
    case 'SuccessCriteriaMet':
    case 'FailureTarget':
      job.status = { startTime: TIMES.startTime, active: 1, conditions: [condition(name)] }
      return
    default: {
      const conditions = [{ ...condition('Failed', name), message: 'Job has reached the specified backoff limit' }]
      job.status = { startTime: TIMES.startTime, failed: 1, conditions }
    }
  }
}

function findJob({ jobs }: State, name: string): Job | undefined {
  return jobs.find(({ metadata }) => metadata.name === name)
}

function create(state: State, job: Job): Reply {
  const { metadata, spec } = job
  const name = metadata.name ?? `${metadata.generateName}${randomUUID().slice(0, 5)}`
  if (findJob(state, name)) return refused(409, 'AlreadyExists', `jobs.batch "${name}" already exists`)
  const { containers = [] } = (spec['template'] as { spec?: { containers?: { image?: string }[] } })?.spec ?? {}
  if (!containers[0]?.image) return refused(422, 'Invalid', `Job.batch "${name}" is invalid: image: Required value`)
  state.jobs.push({ ...job, metadata: { ...metadata, name, uid: randomUUID() }, status: {} })
  state.created++
  Object.assign(state, { containers: [], podConditions: [] })
  return { status: 201, body: newestOf(state.jobs) }
}

function podsOf({ jobs, containers, podConditions }: State, selector: string): object[] {
  const job = jobs.find(({ metadata }) => selector === `batch.kubernetes.io/job-name=${metadata.name}`)
  if (!job) return []
  // Optional fields are absent, not empty.
  const status = {
    ...(podConditions.length > 0 ? { conditions: podConditions } : {}),
    ...(containers.length > 0 ? { containerStatuses: containers } : {}),
  }
  return [{ metadata: { name: `${job.metadata.name}-x7k2p` }, status }]
}
