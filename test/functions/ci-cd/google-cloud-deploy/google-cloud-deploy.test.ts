import { describe, expect, test } from '@jest/globals'
import { googleCloudDeploy } from '../../../../functions/ci-cd/google-cloud-deploy/google-cloud-deploy.ts'
import { newestOf } from '../../../../infra/testing/loopback-server.ts'
import { vendorStates } from '../../../conformance/job/vendor-states.ts'
import { jobConformance, withState } from '../../../conformance/job.ts'
import { expectFailure, keyOf } from '../../helpers.ts'
import { pipelineActions } from '../pipeline.ts'
import { jobRow } from './fake.ts'
import { listedStates } from './states.ts'

const skaffoldConfigUri = 'gs://acme-shop/skaffold.tar.gz'
const input = { target: 'shop/production', ref: 'v1' }
const name = `wh-${keyOf(1)}`

const phases = [
  { id: 'canary-50', state: 'SUCCEEDED' },
  { id: 'stable', state: 'PENDING' },
]

const { server, connected } = jobConformance(googleCloudDeploy, pipelineActions, jobRow, {
  states: vendorStates(listedStates, {
    running: ['STATE_UNSPECIFIED', 'PENDING_RELEASE', 'PENDING_APPROVAL'],
    fail: ['FAILED/EXECUTION_FAILED', 'FAILED/DEADLINE_EXCEEDED', 'APPROVAL_REJECTED'],
    errored: [
      'FAILED/CLOUD_BUILD_UNAVAILABLE',
      'FAILED/CLOUD_BUILD_REQUEST_FAILED',
      'FAILED/RELEASE_FAILED',
      'FAILED/RELEASE_ABANDONED',
      'FAILED/VERIFICATION_CONFIG_NOT_FOUND',
      'FAILED/OPERATION_FEATURE_NOT_SUPPORTED',
    ],
  }),
  invalidStarts: [
    {
      name: 'an invalid target',
      input: { target: 'shop' },
      message: 'input.target must be <delivery pipeline>/<target>',
    },
    { name: 'an invalid release', input: { ref: 'V1' }, message: 'input.ref must be the name of a release' },
    {
      name: 'images of a release',
      input: { parameters: { web: 'web:1' } },
      message: 'input.parameters must be omitted with input.ref',
    },
    { name: 'no release', input: { ref: undefined }, message: 'the connection has no skaffoldConfigUri' },
    {
      name: 'an invalid image',
      input: { ref: undefined, parameters: { web: 1 } },
      message: 'input.parameters.web',
      connection: { skaffoldConfigUri },
    },
  ],
  refused: [
    { name: 'an unknown release', input: { ref: 'v2' }, reason: 'was not found' },
    { name: 'a deploy policy', input: { target: 'shop/frozen' }, reason: 'Deploy policy freeze restricts the rollout' },
    {
      name: 'a failed operation',
      change: withState({ refusal: 'The target does not exist' }),
      reason: 'The target does not exist',
    },
  ],
  reports: [
    {
      name: 'a phase that waits to be advanced',
      change: ({ enter }) => enter('IN_PROGRESS', { phases }),
      reported: { progress: 'canary-50 SUCCEEDED, stable PENDING: advance it in Cloud Deploy' },
    },
    {
      name: 'a phase that waits',
      change: ({ enter }) => enter('PENDING', { phases: phases.slice(1) }),
      reported: { progress: 'stable PENDING' },
    },
    {
      name: 'why it failed',
      change: ({ enter }) => enter('FAILED/EXECUTION_FAILED'),
      reported: { message: expect.stringContaining('It failed: EXECUTION_FAILED') },
    },
  ],
  check: ['GET /v1/projects/acme-shop/locations/europe-west1/deliveryPipelines/shop/releases'],
  measures: { end: (fake) => fake.enter('SUCCEEDED'), metrics: { duration: 300 } },
  invalidIds: {
    ids: ['1', 'acme-shop#shop/v1', 'acme-shop#shop/V1/x'],
    message: 'must be a rollout such as acme-shop#',
  },
  refusal: (message) => ({ error: { code: 400, message, status: 'INVALID_ARGUMENT' } }),
})

describe('Google Cloud Deploy', () => {
  test('creates a release with its images, and rolls it out', async () => {
    server.state.pendingPolls = 1
    const at = connected({ skaffoldConfigUri })
    const started = await at.start({ target: input.target, parameters: { web: 'gcr.io/acme/web:1.4.2' } })
    const { releases, rollouts } = server.state
    expect(started.outcome.data['id']).toBe(`acme-shop#shop/${name}/${name}`)
    expect(newestOf(releases)).toMatchObject({
      name: expect.stringMatching(new RegExp(`/releases/${name}$`)),
      buildArtifacts: [{ image: 'web', tag: 'gcr.io/acme/web:1.4.2' }],
      skaffoldConfigUri,
    })
    expect(newestOf(rollouts)).toMatchObject({ targetId: 'production' })
    await at.start({ target: input.target }, { isRetry: true })
    expect([releases.length, rollouts.length]).toEqual([2, 1])
  })

  test('repeats a start whose release takes long to create, instead of rolling it out too early', async () => {
    server.state.pendingPolls = 8
    const at = connected({ skaffoldConfigUri })
    await expectFailure(at.start({ target: input.target }), { kind: 'platform', transient: true }, 'is still creating')
    expect(server.state.rollouts).toEqual([])
    await at.start({ target: input.target }, { isRetry: true })
    const { releases, rollouts } = server.state
    expect([releases.length, rollouts.length]).toEqual([2, 1])
  })

  test('waits for a rollout that cannot be read yet, but not forever', async () => {
    const started = await connected().start(input)
    server.state.rollouts.splice(0)
    expect(await connected().poll(started, input)).toMatchObject({ status: 'PENDING' })
    const old = { ...started, job: { ...(started.job as object), startedAt: 0 } }
    await expectFailure(connected().poll(old, input), 'refused', 'has no rollout acme-shop#shop/v1/')
  })

  test('retries a start that met another change', async () => {
    server.failNext(409, { error: { code: 409, message: 'concurrent policy changes', status: 'ABORTED' } })
    await expectFailure(connected().start(input), { kind: 'platform', mayHaveWritten: false }, 'concurrent')
  })
})
