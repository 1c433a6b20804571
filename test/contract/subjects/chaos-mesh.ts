import { casesOf, key, type Subject } from '../cases.ts'
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
const id = `NetworkChaos/shop/${uid}`

const experiments = casesOf('start-test', { target: 'latency' })
const workflows = casesOf('start-test', { target: 'rollout' })
const stops = casesOf('stop-test', { id })

export const chaosMesh: Subject = {
  name: 'chaos-mesh',
  contract: 'chaos-mesh',
  credentials: [[{ kind: 'bearer' }]],
  answers: { [list]: named('latency'), [get]: as('finished'), [events]: injected, [listFlows]: named('rollout') },
  cases: [
    { action: 'check', how: 'the credentials and the templates' },
    experiments.passes('an experiment', `Experiment ${id} ended as finished`),
    experiments.passes('for a time', 'ended as finished', { input: { parameters: { duration: '90s' } } }),
    experiments.passes('an experiment that is followed', 'ended as finished', {
      answers: { [get]: [as('injecting'), as('running'), as('paused'), as('running'), as('finished')] },
    }),
    experiments.passes('again', 'ended as finished', { isRetry: true, answers: { [create]: [taken] } }),
    experiments.fails('again, after it was deleted', 'ended as deleted', {
      answers: { [archives]: [archived, archived], [get]: [gone] },
    }),
    experiments.fails('that injects nothing', 'no pod is selected', {
      answers: { [events]: [eventOf('Failed', 'Failed to select targets: no pod is selected')] },
    }),
    experiments.fails('refused', 'denied the request: no', {
      answers: { [create]: [failed(500, 'internal_server_error', 'admission webhook "v" denied the request: no')] },
    }),
    experiments.fails('that is stopped', 'ended as deleted', {
      stops: true,
      answers: { [get]: [as('deleting'), gone], [archives]: [{}, archived] },
    }),
    workflows.passes('a workflow', `Experiment Workflow/shop/${uid} ended as finished`, {
      answers: { [getFlow]: [as('unknown'), as('running'), as('finished', annotated({}))] },
    }),
    workflows.fails('a workflow that a status check aborts', 'its status check healthy failed', {
      answers: {
        [createFlow]: [{}],
        [getFlow]: [as('finished', annotated({ 'workflow.chaos-mesh.org/abort': 'true' }))],
      },
    }),
    stops.passes('an experiment', `Stopped experiment ${id} (deleted)`, {
      answers: { [get]: [as('running'), as('deleting'), gone], [archives]: [archived] },
    }),
    stops.passes('a workflow', '(deleted)', {
      input: { id: `Workflow/shop/${uid}` },
      answers: {
        [getFlow]: [as('running'), { ...gone, status: 404 }],
        'GET /api/archives/workflows': [
          { body: [{ uid, kind: 'Workflow', namespace: 'shop', name: 'a', created_at: '' }] },
        ],
      },
    }),
    stops.passes('one that has ended', 'had ended already'),
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
