import * as z from 'zod/mini'
import { invalidInput } from '../../../shared/errors.ts'
import { optional, url, withDescription, word, words } from '../../../shared/fields.ts'
import { checkListed } from '../../../shared/providers/allow-list.ts'
import { defineJobProvider, type Verdict } from '../../../shared/providers/job.ts'
import { refuseReplacedValues } from '../../../shared/providers/refuse-replaced-values.ts'
import { refuseUnsupported } from '../../../shared/providers/unsupported-input.ts'
import {
  checkPermissions,
  kubernetesAuthorization,
  kubernetesConnection,
  resourcePath,
} from '../../../shared/vendors/kubernetes.ts'
import { createObject, parseObjectId } from '../../../shared/vendors/kubernetes-objects.ts'

const connection = z.strictObject({
  ...kubernetesConnection,
  pipelines: words('Pipelines of the namespace that may run. An entry may end with *'),
  target: optional(word('Default pipeline')),
  serviceAccount: optional(word('Service account of the tasks')),
  timeout: optional(word('How long a run may take, such as 1h30m. Defaults to that of the cluster')),
  workspaces: optional(
    withDescription(
      z.array(z.record(z.string(), z.json())),
      'Workspaces of a run, as in spec.workspaces of a PipelineRun',
    ),
  ),
  dashboard: optional(url('URL of the Tekton Dashboard, for links')),
})
type Connection = z.output<typeof connection>

const pipelineRun = z.object({
  metadata: z.object({ name: z.string() }),
  status: z.nullish(
    z.object({
      conditions: z.nullish(
        z.array(
          z.object({
            type: z.string(),
            status: z.string(),
            reason: z.nullish(z.string()),
            message: z.nullish(z.string()),
          }),
        ),
      ),
      startTime: z.nullish(z.string()),
      completionTime: z.nullish(z.string()),
      results: z.nullish(z.array(z.object({ name: z.string(), value: z.json() }))),
    }),
  ),
})
type PipelineRun = z.output<typeof pipelineRun>

/** The reasons of the condition Succeeded. Only its status says whether a run has ended. */
const states: Readonly<Record<string, Verdict>> = {
  Pending: 'running',
  Running: 'running',
  Succeeded: 'pass',
  // Some tasks were skipped.
  Completed: 'pass',
  Failed: 'fail',
  PipelineRunTimeout: 'fail',
  Cancelled: 'aborted',
  CancelledRunningFinally: 'aborted',
  StoppedRunningFinally: 'aborted',
  // Any other reason: the pipeline, a task, a parameter or a workspace is missing or invalid.
  Invalid: 'errored',
  Deleted: 'errored',
}

const API = 'apis/tekton.dev/v1'

/**
 * Runs Tekton pipelines. The name of a PipelineRun is derived from the idempotency key, so Kubernetes creates it once.
 *
 * @see https://tekton.dev/docs/pipelines/pipelineruns/
 */
export const tekton = defineJobProvider({
  title: 'Tekton',
  noun: 'pipeline run',
  notifiedBy: { type: 'tekton', wakeId: ({ id }) => id },
  connection,
  authorization: kubernetesAuthorization,
  async check({ http, connection: { namespace } }) {
    await checkPermissions(http, namespace, PERMISSIONS)
    // A cluster without Tekton returns 404.
    await http.get(resourcePath(API, namespace, 'pipelineruns'), {
      query: { limit: 1 },
      schema: z.object({ items: z.array(z.unknown()) }),
    })
  },

  states,
  hasIdempotentStart: true as const,

  checkStart({ target, project, ref, parameters }, { pipelines }) {
    refuseUnsupported('Tekton', { project, ref })
    if (!/^[a-z0-9](?:[-a-z0-9.]{0,251}[a-z0-9])?$/.test(target))
      throw invalidInput('input.target', 'must be the name of a pipeline')
    checkListed(target, 'pipelines', pipelines)
    const explanation =
      'must not contain $(, because Tekton or Kubernetes would replace it with the value of a variable'
    refuseReplacedValues(parameters, /\$\(/, explanation)
  },

  async start(client, { target, parameters = {} }) {
    const { connection } = client
    const params = Object.entries(parameters).map(([name, value]) => ({ name, value: paramOf(value) }))
    const spec = {
      pipelineRef: { name: target },
      ...(params.length > 0 ? { params } : {}),
      ...(connection.serviceAccount ? { taskRunTemplate: { serviceAccountName: connection.serviceAccount } } : {}),
      ...(connection.timeout ? { timeouts: { pipeline: connection.timeout } } : {}),
      ...(connection.workspaces ? { workspaces: connection.workspaces } : {}),
    }
    const object = { api: 'tekton.dev/v1', kind: 'PipelineRun', resource: 'pipelineruns', spec }
    return runOf(connection, await createObject(client, object))
  },

  async getStatus({ http, connection }, { id }) {
    const path = resourcePath(API, connection.namespace, 'pipelineruns', id)
    const { status, body } = await http.get(path, { accept: [404], schema: pipelineRun })
    if (status === 404) return { state: 'Deleted', reason: 'The pipeline run no longer exists' }
    const { state, message } = stateOf(body)
    const run = runOf(connection, id)
    if (states[state] === 'running') return { state, run, progress: message }
    const { startTime: start, completionTime: end, results } = body.status ?? {}
    const values = Object.fromEntries((results ?? []).map(({ name, value }) => [name, value]))
    const numbers = Object.entries(values).filter(([, value]) => value !== '' && Number.isFinite(Number(value)))
    return {
      state,
      run,
      reason: state === 'Succeeded' ? undefined : message,
      data: Object.keys(values).length > 0 ? { results: values } : {},
      metrics: Object.fromEntries(numbers.map(([name, value]) => [name, Number(value)])),
      period: { start, end },
    }
  },

  parseRunId: (ref) => parseObjectId('Tekton', 'run', ref),

  // The finally tasks of the pipeline still run.
  async stop({ http, connection: { namespace } }, { id }) {
    const path = resourcePath(API, namespace, 'pipelineruns', id)
    const headers = { 'content-type': 'application/merge-patch+json' }
    await http.patch(path, JSON.stringify({ spec: { status: 'CancelledRunFinally' } }), { headers })
  },
})

const PERMISSIONS = ['create', 'get', 'list', 'patch'].map((verb) => ({
  verb,
  group: 'tekton.dev',
  resource: 'pipelineruns',
}))

function runOf({ dashboard, namespace }: Connection, id: string) {
  const url = dashboard && `${dashboard.replace(/\/$/, '')}/#/namespaces/${namespace}/pipelineruns/${id}`
  return { id, url }
}

/** Parameters of Tekton are texts, lists of texts, or maps of texts. */
function paramOf(value: unknown): unknown {
  const text = (value: unknown) => (typeof value === 'string' ? value : JSON.stringify(value))
  if (Array.isArray(value)) return value.map(text)
  if (value === null || typeof value !== 'object') return text(value)
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, text(member)]))
}

function stateOf({ status }: PipelineRun): { state: string; message: string | undefined } {
  const found = status?.conditions?.find(({ type }) => type === 'Succeeded')
  const { status: ended, reason } = found ?? {}
  const text = found?.message ?? undefined
  if (ended === undefined) return { state: 'Pending', message: undefined }
  if (ended !== 'True' && ended !== 'False') return { state: 'Running', message: text }
  const isKnown = reason != null && Object.hasOwn(states, reason) && states[reason] !== 'running'
  if (isKnown) return { state: reason, message: text }
  return { state: ended === 'True' ? 'Succeeded' : 'Invalid', message: [reason, text].filter(Boolean).join(': ') }
}
