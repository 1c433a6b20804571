import * as z from 'zod/mini'
import { invalidInput, refused } from '../../../shared/errors.ts'
import { optional, word, words } from '../../../shared/fields.ts'
import type { Http } from '../../../shared/http/client.ts'
import { isListed } from '../../../shared/providers/allow-list.ts'
import { defineJobProvider, type Run, type StartJob, type Verdict } from '../../../shared/providers/job.ts'
import { refuseUnsupported } from '../../../shared/providers/unsupported-input.ts'
import {
  checkPermissions,
  kubernetesAuthorization,
  kubernetesConnection,
  resourcePath,
} from '../../../shared/vendors/kubernetes.ts'
import { previousTemplate } from './revisions.ts'

const connection = z.strictObject({
  ...kubernetesConnection,
  targets: words(
    'Allowed changes: restart/<deployment>, scale/<deployment>, rollback/<deployment>. An entry may end with *',
  ),
  target: optional(word('Default of target, such as restart/checkout')),
})
type Connection = z.output<typeof connection>

const count = z.nullish(z.int())
const annotations = z.nullish(z.record(z.string(), z.string()))
const deployment = z.object({
  metadata: z.object({ uid: z.string(), generation: z.int(), annotations }),
  spec: z.object({
    replicas: count,
    paused: z.nullish(z.boolean()),
    template: z.object({ metadata: z.nullish(z.object({ annotations })) }),
  }),
  status: z.nullish(
    z.object({
      observedGeneration: count,
      replicas: count,
      updatedReplicas: count,
      availableReplicas: count,
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
    }),
  ),
})
type Deployment = z.output<typeof deployment>
const scale = z.object({ spec: z.nullish(z.object({ replicas: count })) })
const autoscalers = z.object({
  items: z.array(
    z.object({
      metadata: z.object({ name: z.string() }),
      spec: z.object({ scaleTargetRef: z.object({ kind: z.string(), name: z.string() }) }),
    }),
  ),
})

const APPS = 'apis/apps/v1'
const RESTART = 'cloud-automation-webhooks/restart'
const ROLLBACK = 'cloud-automation-webhooks/rollback'
const TARGET = /^(restart|scale)\/([a-z0-9](?:[-a-z0-9.]{0,251}[a-z0-9])?)$/

const states: Readonly<Record<string, Verdict>> = {
  Progressing: 'running',
  Complete: 'pass',
  ProgressDeadlineExceeded: 'fail',
  Paused: 'errored',
  Replaced: 'errored',
}

/** A change, as a poll recognizes it. */
interface Change {
  deployment: string
  /** The change was made in this generation. */
  generation: number
  restart?: string
  before?: number
  replicas?: number
}

/**
 * Restarts, scales and rolls back deployments of Kubernetes. The idempotency key is an annotation, so a repeated restart or rollback
 * changes nothing; a repeated scale sets the same number.
 *
 * @see https://kubernetes.io/docs/concepts/workloads/controllers/deployment/
 */
export const kubernetes = defineJobProvider({
  title: 'Kubernetes',
  noun: 'rollout',
  connection,
  authorization: kubernetesAuthorization,
  check: ({ http, connection: { namespace } }) => checkPermissions(http, namespace, PERMISSIONS),

  states,
  hasIdempotentStart: true as const,

  checkStart({ target, project, ref, parameters = {} }, { targets }) {
    refuseUnsupported('Kubernetes', { project, ref })
    const { verb } = parse(target)
    checkAllowed(targets, target)
    const { replicas, ...others } = parameters
    const [unknown] = Object.keys(others)
    if (unknown !== undefined) throw invalidInput(`input.parameters.${unknown}`, 'is not supported: only replicas is')
    if ((verb === 'scale') !== (replicas !== undefined && /^\d{1,4}$/.test(String(replicas))))
      throw invalidInput(
        'input.parameters.replicas',
        'must be a number from 0 to 9999 for scale, and is only for scale',
      )
  },

  async start({ http, idempotencyKey = crypto.randomUUID(), connection }, { target, parameters }) {
    const { verb, name } = parse(target)
    if (verb === 'scale') return startScale(http, connection, name, Number(parameters?.['replicas']))
    const template = { metadata: { annotations: { [RESTART]: idempotencyKey } } }
    const { body } = await http.patch(pathOf(connection, name), JSON.stringify({ spec: { template } }), {
      headers: { 'content-type': 'application/strategic-merge-patch+json' },
      schema: deployment,
    })
    return runOf(target, { deployment: name, generation: body.metadata.generation, restart: idempotencyKey })
  },

  async getStatus({ http, connection }, { providerState }) {
    const change = providerState as Change
    const current = (await http.get(pathOf(connection, change.deployment), { schema: deployment })).body
    const { replicas = 0, updatedReplicas = 0, availableReplicas = 0 } = current.status ?? {}
    const state = stateOf(current, change)
    const ready = `${updatedReplicas} of ${current.spec.replicas ?? 1} pods updated, ${availableReplicas} available`
    if (states[state] === 'running') return { state, progress: ready }
    const { before } = change
    const data = { replicas: current.spec.replicas ?? 1, ...(before === undefined ? {} : { before }) }
    return state === 'Complete'
      ? { state, data, metrics: { replicas: replicas ?? 0 } }
      : { state, data, reason: [REASONS[state], messageOf(current), ready].filter(Boolean).join('. ') }
  },

  rollback: {
    checkStart({ target, project, ref, parameters }, { targets }) {
      refuseUnsupported('Kubernetes', { project, parameters: Object.keys(parameters ?? {})[0] })
      if (!TARGET.test(`restart/${target}`)) throw invalidInput('input.target', 'must be the name of a deployment')
      if (ref !== undefined && !/^\d{1,9}$/.test(ref))
        throw invalidInput('input.ref', 'must be the number of a revision')
      checkAllowed(targets, `rollback/${target}`)
    },

    // A deployment has one annotation, which the next rollback replaces.
    lookUp: { newest: 1, behind: 'again' },

    async find({ http, idempotencyKey, connection }, { target }) {
      const { metadata } = (await http.get(pathOf(connection, target), { schema: deployment })).body
      if (metadata.annotations?.[ROLLBACK] !== idempotencyKey) return undefined
      return runOf(`rollback/${target}`, { deployment: target, generation: metadata.generation })
    },

    async start({ http, idempotencyKey = crypto.randomUUID(), connection }, { target, ref }) {
      const { metadata } = (await http.get(pathOf(connection, target), { schema: deployment })).body
      const template = await previousTemplate(http, connection.namespace, metadata, ref)
      const patch = [
        { op: 'replace', path: '/spec/template', value: template },
        { op: 'add', path: `/metadata/annotations/${ROLLBACK.replace('/', '~1')}`, value: idempotencyKey },
      ]
      const { body } = await http.patch(pathOf(connection, target), JSON.stringify(patch), {
        headers: { 'content-type': 'application/json-patch+json' },
        schema: deployment,
      })
      return runOf(`rollback/${target}`, { deployment: target, generation: body.metadata.generation })
    },
  },
})

const PERMISSIONS = [
  ...['get', 'patch'].map((verb) => ({ verb, group: 'apps', resource: 'deployments' })),
  ...['get', 'patch'].map((verb) => ({ verb, group: 'apps', resource: 'deployments', subresource: 'scale' })),
  { verb: 'list', group: 'apps', resource: 'replicasets' },
  { verb: 'list', group: 'autoscaling', resource: 'horizontalpodautoscalers' },
]
const REASONS: Record<string, string> = {
  Paused: 'The deployment is paused, so its pods are not replaced',
  Replaced: 'Another change has replaced this one',
}

function parse(target: StartJob['target']): { verb: string; name: string } {
  const [, verb, name] = TARGET.exec(target) ?? []
  if (verb && name) return { verb, name }
  throw invalidInput('input.target', 'must be restart/<deployment> or scale/<deployment>')
}

function checkAllowed(targets: string[], wanted: string): void {
  if (isListed(wanted, targets)) return
  throw refused(`${wanted} is not in targets of the connection: ${targets.join(', ')}.`)
}

function pathOf({ namespace }: Connection, name: string): string {
  return resourcePath(APPS, namespace, 'deployments', name)
}

function runOf(id: string, providerState: Change): Run {
  return { id, providerState }
}

async function startScale(http: Http, connection: Connection, name: string, replicas: number): Promise<Run> {
  const path = resourcePath('apis/autoscaling/v2', connection.namespace, 'horizontalpodautoscalers')
  const { items } = (await http.get(path, { schema: autoscalers })).body
  const owner = items.find(({ spec }) => spec.scaleTargetRef.kind === 'Deployment' && spec.scaleTargetRef.name === name)
  if (owner)
    throw refused(
      `The autoscaler ${owner.metadata.name} sets the number of pods of ${name}, and would undo the change. Change its limits instead.`,
    )
  const before = (await http.get(`${pathOf(connection, name)}/scale`, { schema: scale })).body.spec?.replicas ?? 0
  const options = { headers: { 'content-type': 'application/merge-patch+json' }, schema: scale }
  await http.patch(`${pathOf(connection, name)}/scale`, JSON.stringify({ spec: { replicas } }), options)
  const { metadata } = (await http.get(pathOf(connection, name), { schema: deployment })).body
  return runOf(`scale/${name}`, { deployment: name, generation: metadata.generation, before, replicas })
}

/** A rollout is complete when every pod has the new template and is available. */
function stateOf({ metadata, spec, status }: Deployment, { generation, restart, replicas }: Change): string {
  const wanted = spec.replicas ?? 1
  if (restart !== undefined && spec.template.metadata?.annotations?.[RESTART] !== restart) return 'Replaced'
  if (replicas !== undefined && wanted !== replicas) return 'Replaced'
  if (spec.paused && replicas === undefined) return 'Paused'
  if ((status?.observedGeneration ?? 0) < Math.max(generation, metadata.generation)) return 'Progressing'
  const isComplete = [status?.updatedReplicas, status?.replicas, status?.availableReplicas].every(
    (number) => (number ?? 0) === wanted,
  )
  if (isComplete) return 'Complete'
  return progressing(status)?.reason === 'ProgressDeadlineExceeded' ? 'ProgressDeadlineExceeded' : 'Progressing'
}

function progressing(status: Deployment['status']) {
  return status?.conditions?.find(({ type }) => type === 'Progressing')
}

function messageOf({ status }: Deployment): string | undefined {
  return progressing(status)?.message?.replace(/\.$/, '')
}
