import * as z from 'zod/mini'
import { invalidInput } from '../../../shared/errors.ts'
import { integer, optional, word, words } from '../../../shared/fields.ts'
import type { Http } from '../../../shared/http/client.ts'
import { checkListed } from '../../../shared/providers/allow-list.ts'
import { defineJobProvider, type RunStatus, type Verdict } from '../../../shared/providers/job.ts'
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
import { containerFailureOf } from '../../../shared/vendors/kubernetes-pods.ts'

const connection = z.strictObject({
  ...kubernetesConnection,
  scripts: words('Scripts that may run, as <config map>/<file>. An entry may end with *'),
  target: optional(word('Default script: <config map>/<file>')),
  parallelism: z._default(
    integer(1, 1_000, 'Number of pods that share the load, at most the virtual users of the script. Defaults to 1'),
    1,
  ),
  image: optional(word('Image of the pods, for a k6 with extensions')),
  serviceAccount: optional(word('Service account of the pods')),
  arguments: optional(word('Arguments of k6: --tag stage=dev')),
  allowParameters,
})

const testRun = z.object({
  metadata: z.object({ name: z.string() }),
  status: z.nullish(z.object({ stage: z.nullish(z.string()) })),
})
const runners = z.object({
  items: z.array(
    z.object({
      metadata: z.object({ name: z.string() }),
      status: z.nullish(
        z.object({
          failed: z.nullish(z.int()),
          startTime: z.nullish(z.string()),
          completionTime: z.nullish(z.string()),
        }),
      ),
    }),
  ),
})

/** The stages of a TestRun. */
const states: Readonly<Record<string, Verdict>> = {
  // The operator has not seen it yet.
  pending: 'running',
  initialization: 'running',
  initialized: 'running',
  created: 'running',
  started: 'running',
  // The exit codes of the runners decide.
  finished: 'pass',
  stopped: 'aborted',
  error: 'errored',
  Deleted: 'aborted',
}
/** Exit codes of k6: see errext/exitcodes in its sources. Others mean that the test could not run. */
const EXIT_CODES: Record<number, { verdict: Verdict; reason: string }> = {
  99: { verdict: 'fail', reason: 'thresholds of the script were crossed' },
  105: { verdict: 'aborted', reason: 'the test was interrupted' },
  108: { verdict: 'aborted', reason: 'the script aborted the test' },
  110: { verdict: 'fail', reason: 'the script marked the test as failed' },
}
const WORST_FIRST: Verdict[] = ['errored', 'fail', 'aborted']

const K6 = 'apis/k6.io/v1alpha1'
const BATCH = 'apis/batch/v1'
const SCRIPT = /^([a-z0-9](?:[-a-z0-9.]{0,251}[a-z0-9])?)\/([\w.-]{1,253})$/

/**
 * Runs k6 tests in a cluster, through the k6 operator. The name of a TestRun is derived from the idempotency key, so Kubernetes
 * creates it once.
 *
 * @see https://github.com/grafana/k6-operator
 */
export const k6Operator = defineJobProvider({
  title: 'k6 operator',
  noun: 'test run',
  connection,
  authorization: kubernetesAuthorization,
  async check({ http, connection: { namespace } }) {
    await checkPermissions(http, namespace, PERMISSIONS)
    // A cluster without the operator returns 404.
    const schema = z.object({ items: z.array(z.unknown()) })
    await http.get(resourcePath(K6, namespace, 'testruns'), { query: { limit: 1 }, schema })
  },

  states,
  hasIdempotentStart: true as const,
  variables: { reserved: ['KUBERNETES_', 'K6_'] },

  checkStart({ target, project, ref, parameters }, { scripts }) {
    refuseUnsupported('the k6 operator', { project, ref })
    if (!SCRIPT.test(target))
      throw invalidInput('input.target', 'must be <config map>/<file>, such as checkout/test.js')
    checkListed(target, 'scripts', scripts)
    checkVariableNames(parameters)
  },

  async start(client, { target, parameters }) {
    const { connection } = client
    const [, name, file] = SCRIPT.exec(target) ?? []
    const env = toVariables(parameters)
    const runner = {
      ...(connection.image ? { image: connection.image } : {}),
      ...(connection.serviceAccount ? { serviceAccountName: connection.serviceAccount } : {}),
      ...(env.length > 0 ? { env } : {}),
    }
    const spec = {
      parallelism: connection.parallelism,
      script: { configMap: { name, file } },
      ...(connection.arguments ? { arguments: connection.arguments } : {}),
      ...(Object.keys(runner).length > 0 ? { runner } : {}),
    }
    const object = { api: 'k6.io/v1alpha1', kind: 'TestRun', resource: 'testruns', spec }
    return { id: await createObject(client, object) }
  },

  async getStatus({ http, connection: { namespace } }, { id }) {
    const path = resourcePath(K6, namespace, 'testruns', id)
    const { status, body } = await http.get(path, { accept: [404], schema: testRun })
    if (status === 404) return { state: 'Deleted', reason: 'The test run no longer exists' }
    const state = body.status?.stage || 'pending'
    return state === 'finished' ? finishedStatus(http, namespace, id) : { state }
  },

  parseRunId: (ref) => parseObjectId('the k6 operator', 'test run', ref),

  // The jobs of the runners are deleted with it.
  async stop({ http, connection: { namespace } }, { id }) {
    const query = { propagationPolicy: 'Foreground' }
    await http.delete(resourcePath(K6, namespace, 'testruns', id), { query, accept: [404] })
  },
})

const PERMISSIONS = [
  ...['create', 'get', 'list', 'delete'].map((verb) => ({ verb, group: 'k6.io', resource: 'testruns' })),
  { verb: 'list', group: 'batch', resource: 'jobs' },
  { verb: 'list', group: '', resource: 'pods' },
  { verb: 'get', group: '', resource: 'pods', subresource: 'log' },
]

/** The stage does not say whether the test has passed: the exit codes of its runners do. */
async function finishedStatus(http: Http, namespace: string, id: string): Promise<RunStatus> {
  const query = { labelSelector: `app=k6,k6_cr=${id},runner=true` }
  const { items } = (await http.get(resourcePath(BATCH, namespace, 'jobs'), { query, schema: runners })).body
  const state = 'finished'
  if (items.length === 0) return { state, verdict: 'errored', reason: 'The jobs of its runners no longer exist' }
  const times = items.flatMap(({ status }) =>
    [status?.startTime, status?.completionTime].map((text) => Date.parse(text ?? '')),
  )
  const known = times.filter((time) => !Number.isNaN(time))
  const period = known.length > 1 ? { start: Math.min(...known), end: Math.max(...known) } : undefined
  const failed = items.filter(({ status }) => (status?.failed ?? 0) > 0)
  if (failed.length === 0) return { state, period }
  const ends = await Promise.all(failed.map(({ metadata }) => endOf(http, namespace, metadata.name)))
  const worst = WORST_FIRST.flatMap((verdict) => ends.filter((end) => end.verdict === verdict))[0]
  return { state, period, verdict: worst?.verdict ?? 'errored', reason: worst?.reason }
}

async function endOf(http: Http, namespace: string, job: string): Promise<{ verdict: Verdict; reason: string }> {
  const { exitCode, reason } = await containerFailureOf(http, namespace, job)
  const known = exitCode === undefined ? undefined : EXIT_CODES[exitCode]
  if (known) return { verdict: known.verdict, reason: `k6 ended with ${exitCode}: ${known.reason}` }
  return { verdict: 'errored', reason: reason ?? 'A runner failed, and its pods no longer exist' }
}
