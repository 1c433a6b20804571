import { casesOf, type Subject } from '../cases.ts'
import { driveProvider } from './drive.ts'

const path = '/apis/apps/v1/namespaces/{namespace}/deployments/{name}'
const template = {
  metadata: { labels: { app: 'checkout' } },
  spec: { containers: [{ name: 'checkout', image: 'shop:1' }] },
}
const selector = { matchLabels: { app: 'checkout' } }
const complete = { observedGeneration: 5, replicas: 3, updatedReplicas: 3, availableReplicas: 3 }
const deployment = (more: object = {}) => ({
  metadata: { name: 'checkout', uid: 'd1', generation: 5, annotations: { 'deployment.kubernetes.io/revision': '2' } },
  spec: { replicas: 3, selector, template: { ...template, metadata: { ...template.metadata, ...more } } },
  status: complete,
})
const restarted = deployment({
  annotations: { 'cloud-automation-webhooks/restart': '0123456789abcdef0123456789abcdef01234567' },
})
const replicaSets = {
  items: [1, 2].map((number) => ({
    metadata: {
      annotations: { 'deployment.kubernetes.io/revision': String(number) },
      ownerReferences: [{ apiVersion: 'apps/v1', kind: 'Deployment', name: 'checkout', uid: 'd1' }],
    },
    spec: { selector, template },
  })),
}
const runbooks = casesOf('run-runbook')
const rollbacks = casesOf('rollback', { target: 'checkout' })

export const kubernetes: Subject = {
  name: 'kubernetes',
  contract: 'kubernetes',
  credentials: [[{ kind: 'bearer' }]],
  // The contract says only that a patch is an object, although a JSON patch is a list.
  documents: [`PATCH ${path}`],
  answers: {
    [`GET ${path}`]: { body: restarted },
    [`PATCH ${path}`]: { body: restarted },
    [`GET ${path}/scale`]: { body: { spec: { replicas: 2 } } },
    [`PATCH ${path}/scale`]: { body: { spec: { replicas: 3 } } },
    'GET /apis/apps/v1/namespaces/{namespace}/replicasets': { body: replicaSets },
    'POST /apis/authorization.k8s.io/v1/selfsubjectaccessreviews': {
      status: 201,
      body: { spec: { resourceAttributes: { verb: 'get' } }, status: { allowed: true } },
    },
  },
  cases: [
    { action: 'check', how: 'the permissions' },
    runbooks.passes('a restart', 'Complete', { input: { target: 'restart/checkout' } }),
    runbooks.passes('a scale', 'Complete', { input: { target: 'scale/checkout', parameters: { replicas: 3 } } }),
    casesOf('run-job').passes('a restart', 'Complete', { input: { target: 'restart/checkout' } }),
    casesOf('stop-runbook').fails('a restart', 'cannot', { input: { id: 'restart/checkout' } }),
    rollbacks.passes('to the revision before', 'Complete'),
    rollbacks.fails('to an unknown revision', 'no revision 9', { input: { ref: '9' } }),
  ],
  run: driveProvider('remediation', 'kubernetes', {
    token: 'a-token-of-a-service-account',
    namespace: 'shop',
    targets: ['*'],
  }),
}
