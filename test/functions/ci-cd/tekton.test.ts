import { describe, expect, test } from '@jest/globals'
import { tekton } from '../../../functions/ci-cd/providers/tekton.ts'
import { startTekton } from '../../../infra/platforms/tekton.ts'
import { jobConformance } from '../../conformance/job.ts'
import { ciCdPlatforms } from '../../conformance/job-platforms/ci-cd.ts'
import { expectFailure, keyOf, startEach } from '../helpers.ts'
import { Pipeline, pipelineActions } from './pipeline.ts'

const server = startEach(startTekton)
const input = { target: 'deploy' }
const connected = (fields: object = {}) =>
  new Pipeline(tekton, () => ({
    baseUrl: server.url,
    token: server.token,
    namespace: 'shop',
    pipelines: ['*'],
    ...fields,
  }))

jobConformance(tekton, pipelineActions, ciCdPlatforms.tekton, {
  states: {
    running: ['Pending', 'Running'],
    pass: ['Succeeded', 'Completed'],
    fail: ['Failed', 'PipelineRunTimeout'],
    errored: ['Invalid', 'Deleted'],
    aborted: ['Cancelled', 'CancelledRunningFinally', 'StoppedRunningFinally'],
  },
  // The condition says that a run has ended, for any reason.
  unknownStates: [],
  invalidStarts: [
    ['a project', { project: 'shop' }, 'input.project is not supported by Tekton'],
    ['a version', { ref: 'main' }, 'input.ref is not supported by Tekton'],
    ['an invalid name', { target: 'A/b' }, 'input.target must be the name of a pipeline'],
  ],
  forbidden: [
    ['another pipeline', { target: 'wipe' }, 'is not in pipelines of the connection', { pipelines: ['deploy'] }],
  ],
  invalidIds: [['release', 'wh-', 'wh-x/y'], 'must be the name of a run that a call has created'],
})

describe('Tekton', () => {
  test('starts a run with parameters, and links to the dashboard', async () => {
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

  test('reports the results of a run, and thresholds can use the numbers', async () => {
    server.state.results = [
      { name: 'coverage', value: '81.5' },
      { name: 'image', value: 'shop@sha256:1' },
    ]
    const limited = { ...input, thresholds: [{ metric: 'coverage', op: '>' as const, value: 90 }] }
    const started = await connected().start(limited)
    server.enter('Succeeded')
    expect(await connected().end(started, limited)).toMatchObject({
      result: 'fail',
      data: { results: { coverage: '81.5', image: 'shop@sha256:1' } },
      message: expect.stringContaining('coverage is 81.5, not > 90'),
    })
  })

  test.each(['CouldntGetPipeline', 'ParameterMissing', 'InvalidWorkspaceBindings', 'CreateRunFailed'])(
    'ends a run with the reason %s as errored',
    async (reason) => {
      const started = await connected().start(input)
      server.enter(reason, 'it is missing')
      const outcome = await connected().end(started, input)
      expect(outcome).toMatchObject({ status: 'errored', message: expect.stringContaining(`${reason}: it is missing`) })
    },
  )

  test('the check names missing permissions, and a cluster without Tekton', async () => {
    const check = () => Promise.resolve(tekton.check(connected().client()))
    server.state.missing = ['patch pipelineruns']
    await expectFailure(check(), 'refused', 'may not patch pipelineruns in the namespace shop')
    Object.assign(server.state, { missing: [], installed: false })
    await expectFailure(check(), 'refused', '404 page not found')
  })
})
