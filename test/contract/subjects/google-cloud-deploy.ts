import { casesOf, key, type Subject } from '../cases.ts'
import type { Answer } from '../server.ts'
import { driveProvider } from './drive.ts'

const pipeline = '/v1/projects/{projectsId}/locations/{locationsId}/deliveryPipelines/{deliveryPipelinesId}'
const rollouts = `${pipeline}/releases/{releasesId}/rollouts`
const read = `GET ${rollouts}/{rolloutsId}`
const as = (state: string, more: object = {}): Answer => ({ body: { state, targetId: 'production', ...more } })
const operation = { name: 'projects/acme-shop/locations/europe-west1/operations/operation-1' }
const done: Answer = { body: { ...operation, done: true } }
const deployments = casesOf('trigger-deployment', { target: 'shop/production' })
const exists = { status: 409, body: { error: { code: 409, message: 'It exists', status: 'ALREADY_EXISTS' } } }

export const googleCloudDeploy: Subject = {
  name: 'google-cloud-deploy',
  contract: 'google-cloud-deploy',
  answers: {
    [`GET ${pipeline}/releases`]: { body: {} },
    [`POST ${pipeline}/releases`]: { body: operation },
    [`POST ${rollouts}`]: { body: operation },
    [`POST ${rollouts}/{rolloutsId}:cancel`]: { body: {} },
    'GET /v1/projects/{projectsId}/locations/{locationsId}/operations/{operationsId}': done,
    [read]: as('SUCCEEDED', { deployStartTime: '2026-11-27T10:00:00Z', deployEndTime: '2026-11-27T10:02:00Z' }),
  },
  cases: [
    { action: 'check', how: 'the permissions' },
    deployments.passes('of a release', 'SUCCEEDED', { input: { ref: 'v1' } }),
    deployments.passes('of a new release', 'SUCCEEDED', {
      connection: { skaffoldConfigUri: 'gs://acme-shop/skaffold.tar.gz' },
      input: { parameters: { web: 'gcr.io/acme/web:1' } },
    }),
    deployments.passes('again', 'SUCCEEDED', {
      input: { ref: 'v1' },
      isRetry: true,
      answers: { [`POST ${rollouts}`]: [exists] },
    }),
    deployments.fails('which fails', 'FAILED/EXECUTION_FAILED', {
      input: { ref: 'v1' },
      answers: { [read]: [as('FAILED', { deployFailureCause: 'EXECUTION_FAILED' })] },
    }),
    casesOf('trigger-build', { target: 'shop/staging', ref: 'v1' }).passes('without an event id', '', { noKey: true }),
    casesOf('cancel', { id: `acme-shop#shop/v1/wh-${key}` }).passes('a running one', '', {
      answers: { [read]: [as('IN_PROGRESS'), as('CANCELLED')] },
    }),
  ],
  run: driveProvider('ci-cd', 'google-cloud-deploy', {
    ...{ token: 'an-access-token-of-google', project: 'acme-shop', location: 'europe-west1' },
  }),
}
