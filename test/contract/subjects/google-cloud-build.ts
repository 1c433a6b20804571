import { casesOf, type Subject } from '../cases.ts'
import type { Answer } from '../server.ts'
import { driveProvider } from './drive.ts'

const location = '/v1/projects/{projectsId}/locations/{locationsId}'
const build = { id: '3f7c0a1b-2c3d-4e5f-8a9b-0c1d2e3f4a5b', logUrl: 'https://console.cloud.google.com/cloud-build' }
const read = `GET ${location}/builds/{buildsId}`
const times = { startTime: '2026-11-27T10:00:00Z', finishTime: '2026-11-27T10:02:00Z' }
const as = (status: string, more: object = {}): Answer => ({ body: { ...build, status, ...more } })
const builds = casesOf('trigger-build', { target: 'deploy' })

export const googleCloudBuild: Subject = {
  name: 'google-cloud-build',
  contract: 'google-cloud-build',
  answers: {
    [`GET ${location}/builds`]: { body: {} },
    [`GET ${location}/triggers/{triggersId}`]: { body: { id: 'x', name: 'deploy' } },
    [`POST ${location}/triggers/{triggersId}:run`]: { body: { name: 'operations/x', metadata: { build } } },
    [`POST ${location}/builds/{buildsId}:cancel`]: as('CANCELLED'),
    [read]: as('SUCCESS', times),
  },
  cases: [
    { action: 'check', how: 'the permissions', connection: { target: 'deploy' } },
    builds.passes('of the default version', 'SUCCESS'),
    builds.passes('with a branch', 'SUCCESS', { input: { ref: 'main', parameters: { _STAGE: 'dev' } } }),
    builds.passes('with a tag', 'SUCCESS', { input: { ref: 'refs/tags/v1' }, noKey: true }),
    builds.passes('again', 'SUCCESS', {
      isRetry: true,
      answers: { [`GET ${location}/builds`]: [{ body: { builds: [{ ...build, status: 'SUCCESS' }] } }] },
    }),
    builds.fails('which fails', 'FAILURE', { answers: { [read]: [as('FAILURE', times)] } }),
    casesOf('trigger-deployment', { target: 'deploy' }).passes('alone', 'SUCCESS'),
    casesOf('cancel', { id: `acme-shop#${build.id}` }).passes('a running one', '', {
      answers: { [read]: [as('WORKING'), as('CANCELLED')] },
    }),
  ],
  run: driveProvider('ci-cd', 'google-cloud-build', {
    ...{ token: 'an-access-token-of-google', project: 'acme-shop', location: 'europe-west1' },
  }),
}
