import { type Call, ok, type Reply, type Served, serve } from '../../infra/sandbox/platforms/loopback-server.ts'
import { refused, review } from './kubernetes.ts'

interface Template {
  metadata: { labels: Record<string, string>; annotations?: Record<string, string> }
  spec: object
}

interface Deployment {
  metadata: { name: string; uid: string; generation: number; annotations: Record<string, string> }
  spec: { replicas: number; paused?: boolean; template: Template }
  status: Record<string, unknown>
}

interface DeploymentsState {
  deployment: Deployment
  /** The revisions of the deployment, oldest first. */
  revisions: { number: number; template: Template }[]
  /** The autoscaler of the deployment. */
  autoscaler: string | undefined
  /** Permissions that are missing, such as `patch deployments`. */
  missing: string[]
  /** How many changes have started a rollout. */
  rollouts: number
}

export interface KubernetesDeploymentsServer extends Served {
  token: string
  state: DeploymentsState
  /** Brings the newest rollout into a state, as the provider names it. */
  enter(state: string): void
}

const path = '/apis/apps/v1/namespaces/shop/deployments/checkout'
const REVISION = 'deployment.kubernetes.io/revision'

/**
 * A fake of the API server of Kubernetes, with the deployment `checkout` in its third revision.
 *
 * @see https://github.com/kubernetes/kubernetes/blob/master/api/openapi-spec/swagger.json
 * @see https://kubernetes.io/docs/concepts/workloads/controllers/deployment/
 */
export async function startKubernetesDeployments(): Promise<KubernetesDeploymentsServer> {
  const token = 'a-token-of-a-service-account'
  const revisions = [1, 2, 3].map((number) => ({ number, template: templateOf(`shop:1.${number}`) }))
  const deployment: Deployment = {
    metadata: { name: 'checkout', uid: 'd1', generation: 5, annotations: { [REVISION]: '3' } },
    spec: { replicas: 3, template: templateOf('shop:1.3') },
    status: { observedGeneration: 5, replicas: 3, updatedReplicas: 3, availableReplicas: 3 },
  }
  const state: DeploymentsState = { deployment, revisions, autoscaler: undefined, missing: [], rollouts: 0 }
  const served = await serve((call) => {
    if (call.headers['authorization'] !== `Bearer ${token}`) return refused(401, 'Unauthorized', 'Unauthorized')
    return answer(state, call)
  })
  return { ...served, token, state, enter: (name) => enter(deployment, name) }
}

function templateOf(image: string): Template {
  return { metadata: { labels: { app: 'checkout' } }, spec: { containers: [{ name: 'checkout', image }] } }
}

function enter({ metadata, spec, status }: Deployment, name: string): void {
  const { generation: observedGeneration } = metadata
  const { replicas } = spec
  const all = { replicas, updatedReplicas: replicas, availableReplicas: replicas }
  if (name === 'Complete') Object.assign(status, { observedGeneration, ...all })
  if (name === 'Paused') spec.paused = true
  if (name === 'Replaced') spec.template = templateOf('shop:2.0')
  if (name === 'ProgressDeadlineExceeded' || name === 'Progressing') {
    const isLate = name === 'ProgressDeadlineExceeded'
    const condition = { type: 'Progressing', status: isLate ? 'False' : 'True' }
    const reason = isLate ? name : 'ReplicaSetUpdated'
    const conditions = [{ ...condition, reason, message: 'ReplicaSet "checkout-7d4" has timed out progressing.' }]
    Object.assign(status, { observedGeneration, ...all, updatedReplicas: 1, availableReplicas: 2, conditions })
  }
}

function answer(state: DeploymentsState, { method, path: at, headers, body }: Call): Reply {
  const { deployment, revisions, autoscaler } = state
  const type = String(headers['content-type'])
  switch (`${method} ${at}`) {
    case 'POST /apis/authorization.k8s.io/v1/selfsubjectaccessreviews':
      return review(state, body)
    case `GET ${path}`:
      return ok(deployment)
    case `PATCH ${path}`:
      return type.startsWith('application/json-patch') ? undo(state, body) : restart(state, type, body)
    case `GET ${path}/scale`:
      return ok({ kind: 'Scale', spec: { replicas: deployment.spec.replicas } })
    case `PATCH ${path}/scale`:
      return scale(state, type, body)
    case 'GET /apis/apps/v1/namespaces/shop/replicasets': {
      const items = revisions.map(({ number, template }) => {
        const labels = { ...template.metadata.labels, 'pod-template-hash': `h${number}` }
        const metadata = { annotations: { [REVISION]: String(number) }, ownerReferences: [{ uid: 'd1' }] }
        return { metadata, spec: { template: { ...template, metadata: { ...template.metadata, labels } } } }
      })
      const foreign = { metadata: { ownerReferences: [{ uid: 'd2' }] }, spec: { template: templateOf('evil:1') } }
      return ok({ kind: 'ReplicaSetList', items: [...items, foreign] })
    }
    case 'GET /apis/autoscaling/v2/namespaces/shop/horizontalpodautoscalers': {
      const spec = { scaleTargetRef: { kind: 'Deployment', name: 'checkout' } }
      return ok({ items: autoscaler ? [{ metadata: { name: autoscaler }, spec }] : [] })
    }
    default:
      return refused(404, 'NotFound', `deployments.apps "${at.split('/').at(-1)}" not found`)
  }
}

/** A template that has not changed starts no rollout. */
function setTemplate(state: DeploymentsState, template: Template): Reply {
  const { deployment } = state
  if (JSON.stringify(template) !== JSON.stringify(deployment.spec.template)) {
    state.rollouts++
    deployment.metadata.generation++
    deployment.spec.template = template
  }
  return ok(deployment)
}

function restart(state: DeploymentsState, type: string, body: unknown): Reply {
  if (type !== 'application/strategic-merge-patch+json') return refused(415, 'UnsupportedMediaType', 'Unsupported type')
  const { template } = state.deployment.spec
  const { spec } = body as { spec?: { template?: Template } }
  const annotations = { ...template.metadata.annotations, ...spec?.template?.metadata.annotations }
  return setTemplate(state, { ...template, metadata: { ...template.metadata, annotations } })
}

function undo(state: DeploymentsState, body: unknown): Reply {
  const [{ value: template }, { path: at, value }] = body as [{ value: Template }, { path: string; value: string }]
  const name = at.replace('/metadata/annotations/', '').replace('~1', '/')
  const { annotations } = state.deployment.metadata
  const number = state.revisions.length + 1
  state.revisions.push({ number, template })
  Object.assign(annotations, { [name]: value, [REVISION]: String(number) })
  return setTemplate(state, template)
}

function scale({ deployment }: DeploymentsState, type: string, body: unknown): Reply {
  if (type !== 'application/merge-patch+json') return refused(415, 'UnsupportedMediaType', 'Unsupported type')
  const { spec } = body as { spec?: { replicas?: number } }
  if (spec?.replicas !== deployment.spec.replicas) deployment.metadata.generation++
  deployment.spec.replicas = spec?.replicas ?? 0
  return ok({ kind: 'Scale', spec })
}
