import * as z from 'zod/mini'
import { Failure } from '../../../shared/errors.ts'
import { optional, secret, url, withDescription, word } from '../../../shared/fields.ts'
import type { Http } from '../../../shared/http/client.ts'
import { defineJobProvider } from '../../../shared/providers/job.ts'
import { allowed } from '../blast-radius.ts'
import { archived, ask, create, idOf, inCluster, isRefusal, placeOf } from '../chaos-mesh-api.ts'
import { lookAtExperiment, lookAtWorkflow, lookForDeleted } from '../chaos-mesh-looks.ts'
import { chaosTemplate, invalid, objectOf, secondsOf } from '../chaos-mesh-objects.ts'

const duration = z
  .string()
  .check(z.refine((text) => secondsOf(text) !== undefined, { message: 'must be a duration such as 10m' }))
const name = z.string().check(z.minLength(1), z.maxLength(255))

const connection = z.strictObject({
  baseUrl: url('Where the dashboard of Chaos Mesh is'),
  token: secret('A token of a service account of Kubernetes that may manage Chaos Mesh in these namespaces'),
  templates: withDescription(
    z.record(name, chaosTemplate),
    'What can be run, by the names that calls give as target: whole objects of Chaos Mesh, experiments or workflows',
  ),
  target: optional(word('Default template, by its name')),
  allow: allowed('Namespaces in which objects may be made, and pods touched'),
  maxDuration: z._default(
    withDescription(duration, 'The longest that an experiment may last; 10m where left out'),
    '10m',
  ),
})

/** What everything that we make is found by in the cluster. */
const keyLabel = 'cloud-automation-webhooks/key'
/** Kubernetes takes 63 characters for the name of a workflow, since its nodes have it in a label. */
const longestPrefix = 22

/**
 * Chaos Mesh 2 by the API of its dashboard: an experiment or a workflow, made of a template of the connection. Its name
 * holds the key of the call, and Kubernetes gives a name to one object only.
 *
 * @see https://chaos-mesh.org/docs/
 * @see https://github.com/chaos-mesh/chaos-mesh/tree/master/pkg/dashboard/apiserver
 */
export const chaosMesh = defineJobProvider({
  title: 'Chaos Mesh',
  noun: 'experiment',
  connection,
  headers: ({ token }) => ({ authorization: `Bearer ${token}` }),
  hasIdempotentStart: true as const,

  states: {
    injecting: 'running',
    running: 'running',
    // Somebody may resume it.
    paused: 'running',
    deleting: 'running',
    // A workflow that is not scheduled yet.
    unknown: 'running',
    finished: 'pass',
    'finished/unconfirmed': 'warning',
    'finished/not-injected': 'errored',
    'finished/check-failed': 'fail',
    'finished/aborted': 'aborted',
    failed: 'fail',
    deleted: 'aborted',
  },

  /** The templates, and what every start asks first. */
  async check({ http, connection }) {
    const objects = Object.keys(connection.templates).map((target) => objectOf(connection, { target }))
    for (const namespace of new Set(objects.map(({ metadata }) => metadata.namespace)))
      await archived(http, { namespace })
  },

  checkStart(input, connection) {
    if (input.ref !== undefined) throw invalid('ref', 'is of no use, since a template has no versions: leave it out')
    objectOf(connection, input)
  },

  async start({ http, connection, idempotencyKey: key }, input) {
    const { metadata, ...object } = objectOf(connection, input)
    const place = { kind: object.kind, namespace: metadata.namespace }
    const name = nameOf(input.target, key ?? crypto.randomUUID().replaceAll('-', ''))
    // A name is free again once its object is deleted, and what was stopped must not begin again.
    const earlier = key === undefined ? undefined : (await archived(http, place)).find((one) => one.name === name)
    if (earlier) return runOf(http, idOf(place, earlier))
    const labels = { ...metadata.labels, ...(key === undefined ? {} : { [keyLabel]: key }) }
    await create(http, place.kind, { ...object, metadata: { ...metadata, name, labels } })
    const [made] = await inCluster(http, place, name)
    if (made) return runOf(http, idOf(place, made))
    throw new Failure('platform', `Chaos Mesh took ${place.kind} ${name} in ${place.namespace}, and does not show it.`)
  },

  async getStatus({ http }, run) {
    const { kind, namespace } = placeOf(run.id)
    const sight = await (kind === 'Workflow' ? lookAtWorkflow(http, run.id) : lookAtExperiment(http, run.id)).catch(
      async (error: unknown) => {
        const deleted = isRefusal(error) ? await lookForDeleted(http, run) : undefined
        if (deleted) return deleted
        throw error
      },
    )
    return { ...sight, run: { ...run, ...runOf(http, run.id), ...sight.run }, data: { kind, namespace, ...sight.data } }
  },

  parseRunId({ id }) {
    placeOf(id)
    return { id }
  },

  async stop({ http }, run) {
    try {
      await ask(http, 'DELETE', placeOf(run.id).path)
    } catch (error) {
      // It has been deleted in the meantime.
      if (!isRefusal(error) || !(await lookForDeleted(http, run))) throw error
    }
  },
})

function nameOf(target: string, key: string): string {
  const prefix = target.toLowerCase().replace(/[^a-z0-9]+/g, '-')
  return `${prefix.replace(/^-/, '').slice(0, longestPrefix) || 'chaos'}-${key}`
}

function runOf(http: Http, id: string) {
  const { kind, uid } = placeOf(id)
  return { id, url: `${http.baseUrl}/#/${kind === 'Workflow' ? 'workflows' : 'experiments'}/${uid}` }
}
