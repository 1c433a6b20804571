import { casesOf, type Subject } from '../cases.ts'
import type { Answer } from '../server.ts'
import { driveProvider } from './drive.ts'

const runs = '/apis/tekton.dev/v1/namespaces/{namespace}/pipelineruns'
const read = `GET ${runs}/{name}`
const id = 'wh-0123456789abcdef0123456789abcdef01234567'
const run = { apiVersion: 'tekton.dev/v1', kind: 'PipelineRun', metadata: { name: id } }
const ended = (status: string, reason: string): Answer => ({
  body: {
    ...run,
    status: {
      conditions: [{ type: 'Succeeded', status, reason, message: 'Tasks Completed: 3' }],
      startTime: '2026-11-27T10:00:00Z',
      completionTime: '2026-11-27T10:02:00Z',
    },
  },
})
const builds = casesOf('trigger-build', { target: 'build' })

export const tekton: Subject = {
  name: 'tekton',
  contract: 'tekton-pipelinerun',
  answers: {
    [`POST ${runs}`]: { status: 201, body: run },
    [`GET ${runs}`]: { body: { items: [] } },
    [read]: ended('True', 'Succeeded'),
    [`PATCH ${runs}/{name}`]: { body: run },
  },
  cases: [
    { action: 'check', how: 'the permissions' },
    builds.passes('with a pipeline alone', 'Succeeded'),
    builds.passes('with everything', 'Completed', {
      connection: { serviceAccount: 'x', timeout: '1h', workspaces: [{ name: 'source', emptyDir: {} }] },
      input: { parameters: { image: 'shop:1', stages: ['dev'] } },
      answers: { [read]: [ended('True', 'Completed')] },
    }),
    builds.fails('which fails', 'Failed', { answers: { [read]: [ended('False', 'Failed')] } }),
    casesOf('trigger-deployment', { target: 'deploy' }).passes('without an event id', 'Succeeded', { noKey: true }),
    casesOf('cancel', { id }).passes('a running one', '', {
      stops: true,
      answers: { [read]: [ended('Unknown', 'Running'), ended('False', 'Cancelled')] },
    }),
  ],
  run: driveProvider('ci-cd', 'tekton', { token: 'a-token-of-a-service-account', namespace: 'shop', pipelines: ['*'] }),
}
