import * as z from 'zod/mini'
import { invalidInput, retryLater } from '../../../shared/errors.ts'
import { optional, secret, url, withDescription, word } from '../../../shared/fields.ts'
import { defineJob } from '../../../shared/providers/define-job.ts'
import type { Run } from '../../../shared/providers/job.ts'
import { allowList } from '../blast-radius.ts'
import { create, formatId, isRefusal, listArchived, listObjects, partsOf, RUN_ID, send } from './api.ts'
import { buildObject, chaosTemplate, parseGoDuration } from './objects.ts'
import { deletedStatus, experimentStatus, workflowStatus } from './status.ts'

const duration = z
  .string()
  .check(z.refine((text) => parseGoDuration(text) !== undefined, { message: 'must be a duration such as 10m' }))
const name = z.string().check(z.minLength(1), z.maxLength(255))

const connection = z.strictObject({
  baseUrl: url('URL of the Chaos Mesh dashboard, without /api'),
  token: secret(
    'Token of a service account that may get, list, create and delete * of chaos-mesh.org in the namespaces',
  ),
  templates: withDescription(
    z.record(name, chaosTemplate),
    'Experiments and workflows that calls can run, by the name that a call gives as target: complete Chaos Mesh objects, whose metadata.name is ignored',
  ),
  target: optional(word('Default template, by name')),
  allow: allowList('Namespaces in which objects may be created and pods selected'),
  maxDuration: z._default(
    withDescription(duration, 'Maximum duration of an experiment or workflow. Defaults to 10m'),
    '10m',
  ),
})

/** Identifies the objects of this service in the cluster. */
const KEY_LABEL = 'cloud-automation-webhooks/key'
/** Kubernetes limits the name of a workflow to 63 characters, since its nodes use it as a label value. */
const MAX_PREFIX_LENGTH = 22

/**
 * Chaos Mesh 2 through the API of its dashboard: runs an experiment or a workflow from a template of the connection. The
 * object's name contains the idempotency key, and Kubernetes allows one object per name.
 *
 * @see https://chaos-mesh.org/docs/
 * @see https://github.com/chaos-mesh/chaos-mesh/tree/master/pkg/dashboard/apiserver
 */
export const chaosMesh = defineJob({
  title: 'Chaos Mesh',
  noun: 'experiment',
  connection,
  headers: ({ token }) => ({ authorization: `Bearer ${token}` }),
  hasIdempotentStart: true,
  runId: {
    pattern: RUN_ID,
    description: 'an experiment id such as PodChaos/shop/8f1d3c0e-2a51-4c0b-9d3f-6f0c1c7f7a10',
  },
  identify(run: Run, { http }) {
    const { kind, uid } = partsOf(run.id)
    return { ...run, url: `${http.baseUrl}/#/${kind === 'Workflow' ? 'workflows' : 'experiments'}/${uid}` }
  },

  states: {
    injecting: 'running',
    running: 'running',
    // It can be resumed.
    paused: 'running',
    deleting: 'running',
    // A workflow that is not yet scheduled.
    unknown: 'running',
    finished: 'pass',
    'finished/unconfirmed': 'warning',
    'finished/not-injected': 'errored',
    'finished/check-failed': 'fail',
    'finished/aborted': 'aborted',
    failed: 'fail',
    deleted: 'aborted',
  },

  /** Builds every template, and sends the request that every start sends first. */
  async check({ http, connection }) {
    const objects = Object.keys(connection.templates).map((target) => buildObject(connection, { target }))
    for (const namespace of new Set(objects.map(({ metadata }) => metadata.namespace)))
      await listArchived(http, { namespace })
  },

  checkStart(input, connection) {
    if (input.ref !== undefined) throw invalidInput('input.ref', 'is not supported: a template has no versions')
    buildObject(connection, input)
  },

  async start({ http, connection, idempotencyKey }, input) {
    const { metadata, ...object } = buildObject(connection, input)
    const target = { kind: object.kind, namespace: metadata.namespace }
    const name = nameOf(input.target, idempotencyKey ?? crypto.randomUUID().replaceAll('-', ''))
    // Once an object is deleted, its name is free again. A retry must not restart a stopped experiment.
    const earlier =
      idempotencyKey === undefined
        ? undefined
        : (await listArchived(http, target)).find((experiment) => experiment.name === name)
    if (earlier) return { id: formatId(target, earlier) }
    const labels = { ...metadata.labels, ...(idempotencyKey === undefined ? {} : { [KEY_LABEL]: idempotencyKey }) }
    await create(http, target.kind, { ...object, metadata: { ...metadata, name, labels } })
    const [created] = await listObjects(http, target, name)
    if (created) return { id: formatId(target, created) }
    throw retryLater(`Chaos Mesh accepted ${target.kind} ${name} in ${target.namespace}, but does not list it.`)
  },

  async getStatus({ http }, run) {
    const { kind, namespace } = partsOf(run.id)
    const status = await (kind === 'Workflow' ? workflowStatus(http, run.id) : experimentStatus(http, run.id)).catch(
      async (error: unknown) => {
        const deleted = isRefusal(error) ? await deletedStatus(http, run) : undefined
        if (deleted) return deleted
        throw error
      },
    )
    return {
      ...status,
      run: { id: run.id, ...status.run },
      data: { kind, namespace, ...status.data },
    }
  },

  async stop({ http }, { id }) {
    await send(http, 'DELETE', partsOf(id).path)
  },
})

function nameOf(target: string, key: string): string {
  const prefix = target.toLowerCase().replace(/[^a-z0-9]+/g, '-')
  return `${prefix.replace(/^-/, '').slice(0, MAX_PREFIX_LENGTH) || 'chaos'}-${key}`
}
