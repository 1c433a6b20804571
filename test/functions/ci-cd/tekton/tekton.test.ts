import { expect, test } from '@jest/globals'
import { tekton } from '../../../../functions/ci-cd/tekton/tekton.ts'
import { jobConformance, withState } from '../../../conformance/job.ts'
import { keyOf } from '../../helpers.ts'
import { pipelineActions } from '../pipeline.ts'
import { jobRow, type TektonServer } from './fake.ts'

const input = { target: 'deploy' }

const { server, connected } = jobConformance(tekton, pipelineActions, jobRow, {
  states: {
    running: ['Pending', 'Running'],
    pass: ['Succeeded', 'Completed'],
    fail: ['Failed', 'PipelineRunTimeout'],
    errored: ['Invalid', 'Deleted'],
    aborted: ['Cancelled', 'CancelledRunningFinally', 'StoppedRunningFinally'],
  },
  failedChecks: [
    {
      reason: 'may not patch pipelineruns in the namespace shop',
      change: withState({ missing: ['patch pipelineruns'] }),
    },
    { reason: '404 page not found', change: withState({ installed: false }) },
  ],
  // The condition says that a run has ended, for any reason.
  unknownStates: [],
  invalidStarts: [
    {
      name: 'a value that Tekton replaces',
      input: { parameters: { hosts: ['web1', '$(params.password)'] } },
      message: 'input.parameters.hosts must not contain $(',
    },
    { name: 'a project', input: { project: 'shop' }, message: 'input.project is not supported by Tekton' },
    { name: 'a version', input: { ref: 'main' }, message: 'input.ref is not supported by Tekton' },
    { name: 'an invalid name', input: { target: 'A/b' }, message: 'input.target must be the name of a pipeline' },
  ],
  forbidden: [
    {
      name: 'another pipeline',
      input: { target: 'wipe' },
      message: 'is not in pipelines of the connection',
      connection: { pipelines: ['deploy'] },
    },
  ],
  reports: [
    {
      name: 'its results, and thresholds can use the numbers',
      change: (fake) => {
        fake.state.results = [
          { name: 'coverage', value: '81.5' },
          { name: 'image', value: 'shop@sha256:1' },
        ]
        fake.enter('Succeeded')
      },
      reported: {
        result: 'fail',
        data: { results: { coverage: '81.5', image: 'shop@sha256:1' } },
        message: expect.stringContaining('coverage is 81.5, not > 90'),
      },
      input: { thresholds: [{ metric: 'coverage', op: '>', value: 90 }] },
    },
    ...['CouldntGetPipeline', 'ParameterMissing', 'InvalidWorkspaceBindings', 'CreateRunFailed'].map((reason) => ({
      name: `an error with the reason ${reason}`,
      change: ({ enter }: TektonServer) => enter(reason, 'it is missing'),
      reported: { status: 'errored', message: expect.stringContaining(`${reason}: it is missing`) },
    })),
  ],
  invalidIds: { ids: ['release', 'wh-', 'wh-x/y'], message: 'must be the name of a run that a call has created' },
})

test('Tekton: starts a run with parameters, and links to the dashboard', async () => {
  const workspaces = [{ name: 'source', emptyDir: {} }]
  const at = connected({
    serviceAccount: 'deployer',
    timeout: '30m',
    workspaces,
    dashboard: 'https://tekton.example.com/',
  })
  const parameters = { image: 'shop:1', replicas: 3, stages: ['dev', 1], labels: { team: 'shop' } }
  const { outcome } = await at.start({ ...input, parameters })
  expect(outcome.data['url']).toBe(`https://tekton.example.com/#/namespaces/shop/pipelineruns/wh-${keyOf(1)}`)
  expect(server.state.runs[0]?.spec).toEqual({
    pipelineRef: { name: 'deploy' },
    params: [
      { name: 'image', value: 'shop:1' },
      { name: 'replicas', value: '3' },
      { name: 'stages', value: ['dev', '1'] },
      { name: 'labels', value: { team: 'shop' } },
    ],
    taskRunTemplate: { serviceAccountName: 'deployer' },
    timeouts: { pipeline: '30m' },
    workspaces,
  })
})
