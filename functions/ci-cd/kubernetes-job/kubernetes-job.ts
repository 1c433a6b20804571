import * as z from 'zod/mini'
import { invalidInput } from '../../../shared/errors.ts'
import { integer, optional, withDescription, word, words } from '../../../shared/fields.ts'
import type { Http } from '../../../shared/http/client.ts'
import { checkListed } from '../../../shared/providers/allow-list.ts'
import { defineJobProvider, type Run, type RunStatus, type Verdict } from '../../../shared/providers/job.ts'
import { allowParameters } from '../../../shared/providers/job-variables.ts'
import { refuseUnsupported } from '../../../shared/providers/unsupported-input.ts'
import {
  checkPermissions,
  kubernetesAuthorization,
  kubernetesConnection,
  resourcePath,
} from '../../../shared/vendors/kubernetes.ts'
import { checkVariableNames, toVariables } from '../../../shared/vendors/kubernetes-environment.ts'
import { createObject, parseObjectId } from '../../../shared/vendors/kubernetes-objects.ts'
import { containerFailureOf, waitingReason } from '../../../shared/vendors/kubernetes-pods.ts'
import { BATCH, imageOf, jobOfTemplate, specOf } from './spec.ts'

const connection = z.strictObject({
  ...kubernetesConnection,
  images: words('Images that may run, and cronjob/<name> for templates in the cluster. An entry may end with *'),
  target: optional(word('Default image or cronjob/<name>')),
  command: optional(withDescription(z.array(z.string()), 'Command of an image, instead of its entry point')),
  args: optional(withDescription(z.array(z.string()), 'Arguments of an image')),
  serviceAccount: optional(word('Service account of the pods of an image')),
  secrets: optional(words('Secrets of the namespace whose keys become environment variables of an image')),
  timeoutSeconds: z._default(integer(1, 2_592_000, 'How long a job of an image may run. Defaults to 3600'), 3_600),
  erroredExitCodes: z._default(
    withDescription(
      z.array(z.int()),
      'Exit codes after which the task is errored, such as 107 for a broken k6 script. All others except 0 fail',
    ),
    [],
  ),
  allowParameters,
})

const condition = z.object({
  type: z.string(),
  status: z.string(),
  reason: z.nullish(z.string()),
  message: z.nullish(z.string()),
})
const job = z.object({
  metadata: z.object({ name: z.string(), deletionTimestamp: z.nullish(z.string()) }),
  spec: z.nullish(z.object({ suspend: z.nullish(z.boolean()) })),
  status: z.nullish(
    z.object({
      conditions: z.nullish(z.array(condition)),
      active: z.nullish(z.int()),
      ready: z.nullish(z.int()),
      startTime: z.nullish(z.string()),
      completionTime: z.nullish(z.string()),
    }),
  ),
})
type Job = z.output<typeof job>
/** Each part of the path starts with a letter or digit, so `..` cannot leave a prefix in `images`. */
const IMAGE = /^(?=.{1,255}$)\w[\w.:@-]*(?:\/\w[\w.:@-]*)*$/
/** Longer than it takes to pull a large image. */
const STUCK_AFTER_MS = 600_000

const states: Readonly<Record<string, Verdict>> = {
  Pending: 'running',
  Running: 'running',
  Suspended: 'running',
  // The pods have not ended yet.
  SuccessCriteriaMet: 'running',
  FailureTarget: 'running',
  Terminating: 'running',
  Complete: 'pass',
  Failed: 'fail',
  BackoffLimitExceeded: 'fail',
  DeadlineExceeded: 'fail',
  PodFailurePolicy: 'fail',
  FailedIndexes: 'fail',
  MaxFailedIndexesExceeded: 'fail',
  Stuck: 'errored',
  Deleted: 'aborted',
}

/**
 * Jobs of Kubernetes: runs an image, or the template of a CronJob, and polls it until it has ended. The name of a job is derived from
 * the idempotency key, so Kubernetes creates it once.
 *
 * @see https://kubernetes.io/docs/concepts/workloads/controllers/job/
 */
export const kubernetesJob = defineJobProvider({
  title: 'Kubernetes',
  noun: 'job',
  connection,
  authorization: kubernetesAuthorization,
  check: ({ http, connection: { namespace, images } }) => {
    const hasTemplates = images.some((image) => image.startsWith('cronjob/'))
    return checkPermissions(http, namespace, hasTemplates ? [...PERMISSIONS, READ_CRON_JOBS] : PERMISSIONS)
  },

  states,
  hasIdempotentStart: true as const,
  variables: { reserved: ['KUBERNETES_'] },

  checkStart({ target, project, ref, parameters }, { images }) {
    refuseUnsupported('Kubernetes', { project })
    const isTemplate = target.startsWith('cronjob/')
    if (isTemplate && ref !== undefined)
      throw invalidInput('input.ref', 'is only for images: the CronJob has its version')
    const wanted = imageOf(target, ref)
    if (!isTemplate && !IMAGE.test(wanted)) throw invalidInput('input.target', 'must be an image or cronjob/<name>')
    checkListed(wanted, 'images', images)
    checkVariableNames(parameters)
  },

  async start(client, { target, ref, parameters }) {
    const { http, connection } = client
    const env = toVariables(parameters)
    const [, template] = /^cronjob\/(.+)$/.exec(target) ?? []
    const job =
      template === undefined
        ? { spec: specOf(connection, imageOf(target, ref), env) }
        : await jobOfTemplate(http, connection.namespace, template, env)
    return { id: await createObject(client, { api: 'batch/v1', kind: 'Job', resource: 'jobs', ...job }) }
  },

  async getStatus({ http, connection }, run) {
    const path = resourcePath(BATCH, connection.namespace, 'jobs', run.id)
    const { status, body } = await http.get(path, { accept: [404], schema: job })
    if (status === 404) return { state: 'Deleted', reason: 'The job no longer exists' }
    const state = stateOf(body)
    if (state === 'Pending') return pendingStatus(http, connection.namespace, run, state)
    if (states[state] === 'running') return { state }
    return endedStatus(http, connection, body, state)
  },

  parseRunId: (ref) => parseObjectId('Kubernetes', 'job', ref),

  stop: ({ http, connection: { namespace } }, { id }) => deleteJob(http, namespace, id),
})

/** Without the policy, the pods would keep running. */
async function deleteJob(http: Http, namespace: string, id: string): Promise<void> {
  const query = { propagationPolicy: 'Foreground' }
  await http.delete(resourcePath(BATCH, namespace, 'jobs', id), { query, accept: [404] })
}

const READ_CRON_JOBS = { verb: 'get', group: 'batch', resource: 'cronjobs' }
const PERMISSIONS = [
  ...['create', 'get', 'delete'].map((verb) => ({ verb, group: 'batch', resource: 'jobs' })),
  { verb: 'list', group: '', resource: 'pods' },
  { verb: 'get', group: '', resource: 'pods', subresource: 'log' },
]

/** A job has ended when a condition says so. The counters lag. */
function stateOf({ metadata, spec, status }: Job): string {
  const isTrue = (type: string) =>
    status?.conditions?.find((condition) => condition.type === type && condition.status === 'True')
  const failed = isTrue('Failed')
  if (isTrue('Complete')) return 'Complete'
  if (failed) return failed.reason && Object.hasOwn(states, failed.reason) ? failed.reason : 'Failed'
  if (metadata.deletionTimestamp) return 'Terminating'
  for (const type of ['SuccessCriteriaMet', 'FailureTarget']) if (isTrue(type)) return type
  if (spec?.suspend || isTrue('Suspended')) return 'Suspended'
  return (status?.ready ?? 0) > 0 ? 'Running' : 'Pending'
}

/** Kubernetes retries forever to start a pod whose image or configuration is missing. */
async function pendingStatus(
  http: Http,
  namespace: string,
  { id, startedAt = Date.now() }: Run,
  state: string,
): Promise<RunStatus> {
  const { reason, isStuck } = await waitingReason(http, namespace, id)
  if (reason === undefined) return { state }
  if (!isStuck || Date.now() - startedAt < STUCK_AFTER_MS) return { state, progress: `waiting: ${reason}` }
  // Otherwise, the job would run as soon as its image appears, after its result was reported.
  await deleteJob(http, namespace, id)
  return { state: 'Stuck', reason: `No pod could start: ${reason}` }
}

async function endedStatus(
  http: Http,
  { namespace, erroredExitCodes }: z.output<typeof connection>,
  { metadata, status }: Job,
  state: string,
): Promise<RunStatus> {
  const { startTime: start, completionTime: end, conditions } = status ?? {}
  if (state === 'Complete') return { state, period: { start, end } }
  const message = conditions?.find(({ type }) => type === 'Failed')?.message ?? undefined
  const failure = await containerFailureOf(http, namespace, metadata.name)
  const { exitCode } = failure
  const isErrored = exitCode !== undefined && erroredExitCodes.includes(exitCode)
  return {
    state,
    ...(isErrored ? { verdict: 'errored' } : {}),
    reason: failure.reason ?? message,
    data: exitCode === undefined ? {} : { exitCode },
  }
}
