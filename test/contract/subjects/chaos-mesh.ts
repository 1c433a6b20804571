import { key, type Subject } from '../cases.ts'
import { driveProvider } from './drive.ts'

const create = 'POST /experiments'
const list = 'GET /experiments'
const get = `${list}/{uid}`
const events = 'GET /events'
const createFlow = 'POST /workflows'
const listFlows = 'GET /workflows'
const getFlow = `${listFlows}/{uid}`
const archives = 'GET /api/archives'

type Example = Record<string, unknown>
const uid = '8f1d3c0e-2a51-4c0b-9d3f-6f0c1c7f7a10'
const apiVersion = 'chaos-mesh.org/v1alpha1'
const metadata = { namespace: 'shop' }
const delay = {
  action: 'delay',
  mode: 'all',
  selector: { labelSelectors: { app: 'checkout' } },
  delay: { latency: '1s' },
}
const healthy = {
  ...{ name: 'healthy', templateType: 'StatusCheck', deadline: '60s', abortWithStatusCheck: true },
  statusCheck: { mode: 'Continuous', type: 'HTTP', http: { url: 'http://shop', criteria: { statusCode: '200' } } },
}
const templates = [
  { name: 'entry', templateType: 'Parallel', deadline: '5m', children: ['slow', 'healthy'] },
  { name: 'slow', templateType: 'NetworkChaos', deadline: '60s', networkChaos: delay },
  healthy,
]
const named = (name: string) => ({
  body: (ones: Example[]) => ones.map((one) => ({ ...one, name: `${name}-${key}`, uid })),
})
const as = (status: string, more: object = {}) => ({ body: (one: Example) => ({ ...one, uid, status, ...more }) })
const eventOf = (reason: string, message: string) => ({
  body: ([event]: Example[]) => [{ ...event, object_id: uid, reason, message }],
})
const injected = eventOf('Applied', 'Successfully apply chaos for shop/checkout-1')
const annotated = (annotations: object) => ({
  kube_object: { apiVersion, kind: 'Workflow', metadata: { name: 'rollout', annotations }, spec: { templates } },
})
const failed = (code: number, type: string, cause: string) => ({
  status: code,
  body: { code, type: `error.api.${type}`, message: `error.api.${type}: ${cause}`, full_text: cause },
})
const taken = failed(500, 'internal_server_error', `networkchaos.chaos-mesh.org "latency-${key}" already exists`)
const gone = failed(404, 'resource_not_found', `networkchaos.chaos-mesh.org "latency-${key}" not found`)
const archived = { body: [{ uid, kind: 'NetworkChaos', namespace: 'shop', name: `latency-${key}`, created_at: '' }] }
const action = 'start-test'
const input = { target: 'latency' }
const flow = { target: 'rollout' }
const id = `NetworkChaos/shop/${uid}`

export const chaosMesh: Subject = {
  name: 'chaos-mesh',
  contract: 'chaos-mesh',
  credentials: [[{ kind: 'bearer' }]],
  answers: { [list]: named('latency'), [get]: as('finished'), [events]: injected, [listFlows]: named('rollout') },
  cases: [
    { action: 'check', how: 'the credentials and the templates' },
    { action, how: 'an experiment', input, says: `Experiment ${id} ended as finished` },
    { action, how: 'for a time', input: { ...input, parameters: { duration: '90s' } }, says: 'ended as finished' },
    {
      action,
      how: 'an experiment that is followed',
      input,
      answers: { [get]: [as('injecting'), as('running'), as('paused'), as('running'), as('finished')] },
      says: 'ended as finished',
    },
    { action, how: 'again', input, isRetry: true, answers: { [create]: [taken] }, says: 'ended as finished' },
    {
      action,
      how: 'again, after it was deleted',
      input,
      answers: { [archives]: [archived, archived], [get]: [gone] },
      refused: true,
      says: 'ended as deleted',
    },
    {
      action,
      how: 'that injects nothing',
      input,
      answers: { [events]: [eventOf('Failed', 'Failed to select targets: no pod is selected')] },
      refused: true,
      says: 'no pod is selected',
    },
    {
      action,
      how: 'refused',
      input,
      answers: { [create]: [failed(500, 'internal_server_error', 'admission webhook "v" denied the request: no')] },
      refused: true,
      says: 'denied the request: no',
    },
    {
      action,
      how: 'that is stopped',
      input,
      stops: true,
      answers: { [get]: [as('deleting'), gone], [archives]: [{}, archived] },
      refused: true,
      says: 'ended as deleted',
    },
    {
      action,
      how: 'a workflow',
      input: flow,
      answers: { [getFlow]: [as('unknown'), as('running'), as('finished', annotated({}))] },
      says: `Experiment Workflow/shop/${uid} ended as finished`,
    },
    {
      action,
      how: 'a workflow that a status check aborts',
      input: flow,
      answers: {
        [createFlow]: [{}],
        [getFlow]: [as('finished', annotated({ 'workflow.chaos-mesh.org/abort': 'true' }))],
      },
      refused: true,
      says: 'its status check healthy failed',
    },
    {
      action: 'stop-test',
      how: 'an experiment',
      input: { id },
      answers: { [get]: [as('running'), as('deleting'), gone], [archives]: [archived] },
      says: `Stopped experiment ${id} (deleted)`,
    },
    {
      action: 'stop-test',
      how: 'a workflow',
      input: { id: `Workflow/shop/${uid}` },
      answers: {
        [getFlow]: [as('running'), { ...gone, status: 404 }],
        'GET /api/archives/workflows': [
          { body: [{ uid, kind: 'Workflow', namespace: 'shop', name: 'a', created_at: '' }] },
        ],
      },
      says: '(deleted)',
    },
    { action: 'stop-test', how: 'one that has ended', input: { id }, says: 'had ended already' },
  ],
  run: driveProvider('chaos-testing', 'chaos-mesh', {
    token: 'a-token-of-a-service-account',
    allow: ['shop'],
    templates: {
      latency: { apiVersion, kind: 'NetworkChaos', metadata, spec: { ...delay, duration: '60s' } },
      rollout: { apiVersion, kind: 'Workflow', metadata, spec: { entry: 'entry', templates } },
    },
  }),
}
