import { definePlatform } from '../../../../infra/testing/define-platform.ts'
import { type JobRow, stages, startWith } from '../../../conformance/row.ts'
import { checkToken, refused, review, TOKEN } from '../../../platforms/kubernetes.ts'

interface Template {
  metadata: { labels: Record<string, string>; annotations?: Record<string, string> }
  spec: object
}

interface Deployment {
  metadata: { name: string; uid: string; generation: number; annotations: Record<string, string> }
  spec: { replicas: number; paused?: boolean; template: Template }
  status: Record<string, unknown>
}

type State = ReturnType<typeof initial>

const REVISION = 'deployment.kubernetes.io/revision'
const UNSUPPORTED = refused(415, 'UnsupportedMediaType', 'Unsupported type')

const initial = () => ({
  deployment: {
    metadata: { name: 'checkout', uid: 'd1', generation: 5, annotations: { [REVISION]: '3' } },
    spec: { replicas: 3, template: templateOf('shop:1.3') },
    status: { observedGeneration: 5, replicas: 3, updatedReplicas: 3, availableReplicas: 3 },
  } as Deployment,
  /** The revisions of the deployment, oldest first. */
  revisions: [1, 2, 3].map((number) => ({ number, template: templateOf(`shop:1.${number}`) })),
  /** The autoscaler of the deployment. */
  autoscaler: undefined as string | undefined,
  /** Permissions that are missing, such as `patch deployments`. */
  missing: [] as string[],
  /** The number of changes that started a rollout. */
  rollouts: 0,
})

/**
 * A fake of the API server of Kubernetes, with the deployment `checkout` in its third revision.
 *
 * @see https://github.com/kubernetes/kubernetes/blob/master/api/openapi-spec/swagger.json
 * @see https://kubernetes.io/docs/concepts/workloads/controllers/deployment/
 */
export const startKubernetesDeployments = definePlatform({
  base: '/apis',
  state: initial,
  refuses: checkToken,
  routes: {
    'POST /authorization.k8s.io/v1/selfsubjectaccessreviews': ({ state, body }) => review(state, body),
    'GET /apps/v1/namespaces/shop/deployments/checkout': ({ state }) => state.deployment,
    'PATCH /apps/v1/namespaces/shop/deployments/checkout': ({ state, headers, body }) => {
      if (headers['content-type'] === 'application/strategic-merge-patch+json') return restart(state, body)
      return headers['content-type']?.startsWith('application/json-patch') ? undo(state, body) : UNSUPPORTED
    },
    'GET /apps/v1/namespaces/shop/deployments/checkout/scale': ({ state }) => ({
      kind: 'Scale',
      spec: { replicas: state.deployment.spec.replicas },
    }),
    'PATCH /apps/v1/namespaces/shop/deployments/checkout/scale': ({ state, headers, body }) =>
      headers['content-type'] === 'application/merge-patch+json' ? scale(state, body.spec) : UNSUPPORTED,
    'GET /apps/v1/namespaces/shop/replicasets': ({ state }) => listReplicaSets(state),
    'GET /autoscaling/v2/namespaces/shop/horizontalpodautoscalers': ({ state: { autoscaler } }) => {
      const spec = { scaleTargetRef: { kind: 'Deployment', name: 'checkout' } }
      return { items: autoscaler ? [{ metadata: { name: autoscaler }, spec }] : [] }
    },
  },
  notFound: ({ path }) => refused(404, 'NotFound', `deployments.apps "${path.split('/').at(-1)}" not found`),
  members: ({ deployment }) => ({
    token: TOKEN,
    /** Puts the newest rollout into a state, as the provider names it. */
    enter: (name: string) => enter(deployment, name),
  }),
})

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

function listReplicaSets({ revisions }: State) {
  const items = revisions.map(({ number, template }) => {
    const labels = { ...template.metadata.labels, 'pod-template-hash': `h${number}` }
    const metadata = { annotations: { [REVISION]: String(number) }, ownerReferences: [{ uid: 'd1' }] }
    return { metadata, spec: { template: { ...template, metadata: { ...template.metadata, labels } } } }
  })
  const foreign = { metadata: { ownerReferences: [{ uid: 'd2' }] }, spec: { template: templateOf('evil:1') } }
  return { kind: 'ReplicaSetList', items: [...items, foreign] }
}

/** Changes the template. A template that stays the same starts no rollout. */
function setTemplate(state: State, template: Template): Deployment {
  const { deployment } = state
  if (JSON.stringify(template) !== JSON.stringify(deployment.spec.template)) {
    state.rollouts++
    deployment.metadata.generation++
    deployment.spec.template = template
  }
  return deployment
}

function restart(state: State, { spec }: { spec?: { template?: Template } }): Deployment {
  const { template } = state.deployment.spec
  const annotations = { ...template.metadata.annotations, ...spec?.template?.metadata.annotations }
  return setTemplate(state, { ...template, metadata: { ...template.metadata, annotations } })
}

function undo(state: State, body: [{ value: Template }, { path: string; value: string }]): Deployment {
  const [{ value: template }, { path, value }] = body
  const name = path.replace('/metadata/annotations/', '').replace('~1', '/')
  const number = state.revisions.length + 1
  state.revisions.push({ number, template })
  Object.assign(state.deployment.metadata.annotations, { [name]: value, [REVISION]: String(number) })
  return setTemplate(state, template)
}

function scale({ deployment }: State, spec: { replicas: number }) {
  if (spec.replicas !== deployment.spec.replicas) deployment.metadata.generation++
  deployment.spec.replicas = spec.replicas
  return { kind: 'Scale', spec }
}

export const jobRow = {
  cannotStop: true,
  ownTimes: 'a deployment does not report when its rollout ended',
  starts: /^PATCH .*\/deployments\/checkout$/,
  start: startWith(startKubernetesDeployments, ({ url: baseUrl, token, state, enter }) => ({
    connection: { baseUrl, token, namespace: 'shop', targets: ['*'] },
    input: { target: 'restart/checkout' },
    runs: () => state.rollouts,
    id: () => 'restart/checkout',
    ...stages(enter, 'Progressing', 'Complete'),
    finishStop: () => false,
  })),
} satisfies JobRow
