import { casesOf, type Subject } from '../cases.ts'
import type { Answer } from '../server.ts'
import { driveProvider } from './drive.ts'

const namespaces = '/apis/batch/v1/namespaces/{namespace}'
const jobs = `${namespaces}/jobs`
const read = `GET ${jobs}/{name}`
const name = 'wh-0123456789abcdef0123456789abcdef01234567'
const created = { metadata: { name }, spec: { template: { spec: { containers: [] } } } }
const inState = (status: object): Answer => ({ body: { ...created, status } })
const ended = (type: string, reason?: string): Answer =>
  inState({ conditions: [{ type, status: 'True', ...(reason ? { reason } : {}) }], startTime: '2026-11-27T10:00:00Z' })
const terminated = { terminated: { exitCode: 1, reason: 'Error' } }
const pods = {
  items: [
    {
      metadata: { name: `${name}-x7k2p` },
      spec: { containers: [{ name: 'job' }] },
      status: {
        containerStatuses: [
          { name: 'job', state: terminated, image: 'smoke:1', imageID: 'sha256:1', ready: false, restartCount: 0 },
        ],
      },
    },
  ],
}
const gone: Answer = {
  status: 404,
  body: { kind: 'Status', apiVersion: 'v1', status: 'Failure', reason: 'NotFound', message: 'not found', code: 404 },
}

const builds = casesOf('trigger-build', { target: 'smoke:1' })
const deployments = casesOf('trigger-deployment', { target: 'cronjob/smoke' })
const cancels = casesOf('cancel', { id: name })

export const kubernetesJob: Subject = {
  name: 'kubernetes-job',
  contract: 'kubernetes',
  credentials: [[{ kind: 'bearer' }]],
  answers: {
    [`POST ${jobs}`]: { status: 201, body: created },
    [read]: ended('Complete'),
    [`DELETE ${jobs}/{name}`]: { body: { kind: 'Status', apiVersion: 'v1', status: 'Success' } },
    'GET /api/v1/namespaces/{namespace}/pods': { body: pods },
    'GET /api/v1/namespaces/{namespace}/pods/{name}/log': { body: 'smoke test failed' },
    'POST /apis/authorization.k8s.io/v1/selfsubjectaccessreviews': {
      status: 201,
      body: { spec: { resourceAttributes: { verb: 'create' } }, status: { allowed: true } },
    },
  },
  cases: [
    { action: 'check', how: 'the permissions' },
    builds.passes('an image', 'Complete'),
    builds.passes('an image with everything', 'Complete', {
      connection: { command: ['smoke'], args: ['--all'], serviceAccount: 'smoke', secrets: ['smoke-api'] },
      input: { ref: '1', target: 'smoke', parameters: { STAGE: 'dev' } },
    }),
    builds.passes('without an event id', 'Complete', { noKey: true }),
    builds.fails('which fails', 'Exit code 1: smoke test failed', {
      answers: { [read]: [ended('Failed', 'BackoffLimitExceeded')] },
    }),
    deployments.passes('a CronJob', 'Complete', { input: { parameters: { STAGE: 'dev' } } }),
    cancels.passes('a running one', '', { stops: true, answers: { [read]: [inState({ ready: 1 }), gone] } }),
  ],
  run: driveProvider('ci-cd', 'kubernetes-job', {
    token: 'a-token-of-a-service-account',
    namespace: 'shop',
    images: ['smoke:*', 'cronjob/smoke'],
  }),
}
