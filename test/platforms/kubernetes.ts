import { randomUUID } from 'node:crypto'
import {
  type Call,
  newestOf,
  ok,
  type Reply,
  type Served,
  serve,
} from '../../infra/sandbox/platforms/loopback-server.ts'

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

interface KubernetesState {
  jobs: Job[]
  /** How many jobs were created, deleted ones included. */
  created: number
  /** The containers of the pod of the newest job. */
  containers: Container[]
  /** The conditions of the pod of the newest job. */
  podConditions: Condition[]
  log: string
  /** Whether the service account may read logs. */
  mayReadLogs: boolean
  /** Permissions that are missing, such as `create jobs`. */
  missing: string[]
}

export interface KubernetesServer extends Served {
  token: string
  state: KubernetesState
  /** Brings the newest job into a state, as the provider names it. */
  enterJob(state: string): void
  /** Ends the container of the newest job, and the job. */
  fail(exitCode: number, reason?: string): void
}

const namespace = 'shop'
const times = { startTime: '2026-11-27T10:00:00Z', completionTime: '2026-11-27T10:02:00Z' }

/**
 * A fake of the API server of Kubernetes, with the namespace `shop` and the CronJob `smoke`.
 *
 * @see https://github.com/kubernetes/kubernetes/blob/master/api/openapi-spec/swagger.json
 * @see https://kubernetes.io/docs/concepts/workloads/controllers/job/
 */
export async function startKubernetes(): Promise<KubernetesServer> {
  const token = 'a-token-of-a-service-account'
  const state: KubernetesState = {
    ...{ jobs: [], created: 0, containers: [], podConditions: [], log: '', mayReadLogs: true, missing: [] },
  }
  const served = await serve((call) => {
    if (call.headers['authorization'] !== `Bearer ${token}`) return refused(401, 'Unauthorized', 'Unauthorized')
    return answer(state, call)
  })
  const enterJob = (name: string) => enter(state, name)
  return {
    ...served,
    token,
    state,
    enterJob,
    fail(exitCode, reason = 'Error') {
      state.containers = [{ name: 'job', state: { terminated: { exitCode, reason } } }]
      enterJob('BackoffLimitExceeded')
    },
  }
}

/** An error as Kubernetes reports it. */
export function refused(code: number, reason: string, message: string): Reply {
  return { status: code, body: { kind: 'Status', apiVersion: 'v1', status: 'Failure', reason, message, code } }
}

function enter(state: KubernetesState, name: string): void {
  const job = newestOf(state.jobs)
  const condition = (type: string, reason?: string) => ({ type, status: 'True', ...(reason ? { reason } : {}) })
  delete job.spec['suspend']
  switch (name) {
    case 'Pending':
    case 'Running':
      job.status = { startTime: times.startTime, active: 1, ready: name === 'Running' ? 1 : 0 }
      return
    case 'Suspended':
      job.spec['suspend'] = true
      return
    case 'Terminating':
      job.metadata['deletionTimestamp'] = times.completionTime
      return
    case 'Deleted':
      state.jobs.pop()
      return
    case 'Complete':
      // The job is then deleted at once.
      if (job.spec['ttlSecondsAfterFinished'] === 0) return void state.jobs.pop()
      job.status = { ...times, succeeded: 1, conditions: [condition('SuccessCriteriaMet'), condition('Complete')] }
      return
    case 'SuccessCriteriaMet':
    case 'FailureTarget':
      job.status = { startTime: times.startTime, active: 1, conditions: [condition(name)] }
      return
    default: {
      const conditions = [{ ...condition('Failed', name), message: 'Job has reached the specified backoff limit' }]
      job.status = { startTime: times.startTime, failed: 1, conditions }
    }
  }
}

function answer(state: KubernetesState, { method, path, query, body }: Call): Reply {
  if (path === '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews') return review(state, body)
  const [, api = '', at, resource, name, part] =
    /^\/((?:apis\/batch|api)(?:\/v1))\/namespaces\/([^/]+)\/(\w+)(?:\/([^/]+)(?:\/(\w+))?)?$/.exec(path) ?? []
  if (at !== namespace) return refused(403, 'Forbidden', `jobs.batch is forbidden in the namespace "${at}"`)
  switch (`${method} ${api} ${resource}${name ? '/' : ''}${part ?? ''}`) {
    case 'POST apis/batch/v1 jobs':
      return create(state, body as Job)
    case 'GET apis/batch/v1 cronjobs/':
      return name === 'smoke' ? ok(cronJob) : notFound('cronjobs.batch', name)
    case 'GET api/v1 pods':
      return ok({ kind: 'PodList', items: podsOf(state, query.get('labelSelector') ?? '') })
    case 'GET api/v1 pods/log':
      if (!state.mayReadLogs) return refused(403, 'Forbidden', 'pods is forbidden: cannot get resource "pods/log"')
      return { status: 200, body: state.log, headers: { 'content-type': 'text/plain' } }
  }
  const job = state.jobs.find(({ metadata }) => metadata.name === name)
  if (resource !== 'jobs' || !job) return notFound(`${resource}.batch`, name)
  if (method === 'GET') return ok(job)
  // Without a policy, the pods keep running.
  if (query.get('propagationPolicy') === 'Foreground') state.jobs.splice(state.jobs.indexOf(job), 1)
  return ok({ kind: 'Status', status: 'Success' })
}

function notFound(resource: string, name: string | undefined): Reply {
  return refused(404, 'NotFound', `${resource} "${name}" not found`)
}

export function review({ missing }: Pick<KubernetesState, 'missing'>, body: unknown): Reply {
  const { spec } = (body ?? {}) as { spec?: { resourceAttributes?: Record<string, string> } }
  const { verb, resource, subresource, namespace: at } = spec?.resourceAttributes ?? {}
  const wanted = `${verb} ${[resource, subresource].filter(Boolean).join('/')}`
  return {
    status: 201,
    body: { ...(body as object), status: { allowed: at === namespace && !missing.includes(wanted) } },
  }
}

function create(state: KubernetesState, given: Job): Reply {
  const { metadata, spec } = given
  const name = metadata.name ?? `${metadata.generateName}${randomUUID().slice(0, 5)}`
  if (state.jobs.some((one) => one.metadata.name === name)) {
    return refused(409, 'AlreadyExists', `jobs.batch "${name}" already exists`)
  }
  const { containers = [] } = (spec['template'] as { spec?: { containers?: { image?: string }[] } })?.spec ?? {}
  if (!containers[0]?.image) return refused(422, 'Invalid', `Job.batch "${name}" is invalid: image: Required value`)
  const job: Job = { ...given, metadata: { ...metadata, name, uid: randomUUID() }, status: {} }
  state.jobs.push(job)
  state.created++
  state.containers = []
  state.podConditions = []
  return { status: 201, body: job }
}

function podsOf({ jobs, containers, podConditions }: KubernetesState, selector: string): object[] {
  const job = jobs.find(({ metadata }) => selector === `batch.kubernetes.io/job-name=${metadata.name}`)
  if (!job) return []
  // Optional fields are absent, not empty.
  const status = {
    ...(podConditions.length > 0 ? { conditions: podConditions } : {}),
    ...(containers.length > 0 ? { containerStatuses: containers } : {}),
  }
  return [{ metadata: { name: `${job.metadata.name}-x7k2p` }, status }]
}

const cronJob = {
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
