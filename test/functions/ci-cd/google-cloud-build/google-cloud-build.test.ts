import { expect, test } from '@jest/globals'
import { googleCloudBuild } from '../../../../functions/ci-cd/google-cloud-build/google-cloud-build.ts'
import { vendorStates } from '../../../conformance/job/vendor-states.ts'
import { jobConformance } from '../../../conformance/job.ts'
import { keyOf } from '../../helpers.ts'
import { pipelineActions } from '../pipeline.ts'
import { jobRow } from './fake.ts'
import { listedStates } from './states.ts'

const input = { target: 'deploy' }
const builds = 'GET /v1/projects/acme-shop/locations/europe-west1/builds'

const steps = [
  { id: 'lint', status: 'SUCCESS', exitCode: 0 },
  { name: 'gcr.io/cloud-builders/npm', status: 'FAILURE', exitCode: 1 },
]

const { server, connected } = jobConformance(googleCloudBuild, pipelineActions, jobRow, {
  states: vendorStates(listedStates, {
    running: ['STATUS_UNKNOWN'],
    fail: ['TIMEOUT', 'REJECTED'],
    errored: ['INTERNAL_ERROR', 'EXPIRED'],
  }),
  invalidStarts: [
    { name: 'an invalid project', input: { project: 'X' }, message: 'input.project must look like acme-shop' },
    {
      name: 'a parameter with an invalid name',
      input: { parameters: { stage: 'dev' } },
      message: 'input.parameters.stage must be',
    },
    { name: 'the key', input: { parameters: { _WEBHOOKS_KEY: 'x' } }, message: '_WEBHOOKS_KEY is reserved' },
  ],
  sends: [
    { ref: undefined, source: {} },
    { ref: 'main', source: { branchName: 'main' } },
    { ref: 'refs/tags/v1.4.2', source: { tagName: 'v1.4.2' } },
    { ref: 'a'.repeat(40), source: { commitSha: 'a'.repeat(40) } },
  ].map(({ ref, source }) => ({
    name: `the version ${ref}`,
    input: { ref, parameters: { _STAGE: 'dev', _COUNT: 3 } },
    request: {
      body: expect.objectContaining({
        source: { ...source, substitutions: { _STAGE: 'dev', _COUNT: '3', _WEBHOOKS_KEY: keyOf(1) } },
      }),
    },
  })),
  reports: [
    {
      name: 'the failed step',
      change: ({ enter }) => enter('FAILURE', { steps }),
      reported: {
        data: { failedStep: 'gcr.io/cloud-builders/npm', duration: 120 },
        message: expect.stringContaining('step gcr.io/cloud-builders/npm ended with 1'),
      },
    },
    {
      name: 'who rejected it',
      change: ({ enter }) => enter('REJECTED'),
      reported: { message: expect.stringContaining('rejected by jane@example.com Not today') },
    },
  ],
  refused: [{ name: 'a missing branch', input: { ref: 'missing' }, reason: 'branch missing does not exist' }],
  check: [builds],
  checks: [
    {
      connection: { target: 'deploy' },
      requests: [builds, 'GET /v1/projects/acme-shop/locations/europe-west1/triggers/deploy'],
    },
  ],
  measures: { end: (fake) => fake.enter('SUCCESS'), metrics: { duration: 120 } },
  invalidIds: {
    ids: ['1', 'acme-shop#1', 'a/b', 'Acme_Shop#3f7c2a10-1b2c-4d5e-8f90-a1b2c3d4e5f6'],
    message: 'must be a build such as acme-shop#',
  },
  refusal: (message) => ({ error: { code: 400, message, status: 'INVALID_ARGUMENT' } }),
})

test('Google Cloud Build searches all pages on a retry, and starts nothing if there are too many', async () => {
  server.state.pageSize = 1
  const first = await connected().start(input)
  for (const number of [2, 3, 4]) await connected().start(input, { key: keyOf(number) })
  const again = await connected().start(input, { isRetry: true })
  expect(again.outcome.data['id']).toBe(first.outcome.data['id'])
  for (let number = 5; number < 16; number++) await connected().start(input, { key: keyOf(number) })
  await expect(connected().start(input, { isRetry: true })).rejects.toMatchObject({ kind: 'unconfirmed' })
})
