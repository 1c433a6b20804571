import { expect, test } from '@jest/globals'
import { googleCloudBuild } from '../../../functions/ci-cd/providers/google-cloud-build.ts'
import { jobConformance } from '../../conformance/job.ts'
import { ciCdPlatforms } from '../../conformance/job-platforms/ci-cd.ts'
import { keyOf } from '../helpers.ts'
import { pipelineActions } from './pipeline.ts'

const input = { target: 'deploy' }
const builds = 'GET /v1/projects/acme-shop/locations/europe-west1/builds'

const steps = [
  { id: 'lint', status: 'SUCCESS', exitCode: 0 },
  { name: 'gcr.io/cloud-builders/npm', status: 'FAILURE', exitCode: 1 },
]

const { server, connected } = jobConformance(googleCloudBuild, pipelineActions, ciCdPlatforms['google-cloud-build'], {
  states: {
    running: ['STATUS_UNKNOWN', 'PENDING', 'QUEUED', 'WORKING'],
    pass: ['SUCCESS'],
    fail: ['FAILURE', 'TIMEOUT', 'REJECTED'],
    errored: ['INTERNAL_ERROR', 'EXPIRED'],
    aborted: ['CANCELLED'],
  },
  invalidStarts: [
    ['an invalid project', { project: 'X' }, 'input.project must look like acme-shop'],
    ['a parameter with an invalid name', { parameters: { stage: 'dev' } }, 'input.parameters.stage must be'],
    ['the key', { parameters: { _WEBHOOKS_KEY: 'x' } }, '_WEBHOOKS_KEY is reserved'],
  ],
  sends: [
    ...(
      [
        [undefined, {}],
        ['main', { branchName: 'main' }],
        ['refs/tags/v1.4.2', { tagName: 'v1.4.2' }],
        ['a'.repeat(40), { commitSha: 'a'.repeat(40) }],
      ] as const
    ).map(([ref, source]): [string, object, object] => [
      `the version ${ref}`,
      { ref, parameters: { _STAGE: 'dev', _COUNT: 3 } },
      {
        body: expect.objectContaining({
          source: { ...source, substitutions: { _STAGE: 'dev', _COUNT: '3', _WEBHOOKS_KEY: keyOf(1) } },
        }),
      },
    ]),
  ],
  reports: [
    [
      'the failed step',
      ({ enter }) => enter('FAILURE', { steps }),
      {
        data: { failedStep: 'gcr.io/cloud-builders/npm', duration: 120 },
        message: expect.stringContaining('step gcr.io/cloud-builders/npm ended with 1'),
      },
    ],
    [
      'who rejected it',
      ({ enter }) => enter('REJECTED'),
      { message: expect.stringContaining('rejected by jane@example.com Not today') },
    ],
  ],
  refused: [['a missing branch', { ref: 'missing' }, 'branch missing does not exist']],
  check: [builds],
  checks: [[{ target: 'deploy' }, [builds, 'GET /v1/projects/acme-shop/locations/europe-west1/triggers/deploy']]],
  measures: [(fake) => fake.enter('SUCCESS'), { duration: 120 }],
  invalidIds: [['1', 'acme-shop#1', 'a/b'], 'must be a build such as acme-shop#'],
  refusal: (message) => ({ error: { code: 400, message, status: 'INVALID_ARGUMENT' } }),
})

test('Google Cloud Build searches all pages of a retry, and starts nothing if there are too many', async () => {
  server.state.pageSize = 1
  const first = await connected().start(input)
  for (const number of [2, 3, 4]) await connected().start(input, { key: keyOf(number) })
  const again = await connected().start(input, { isRetry: true })
  expect(again.outcome.data['id']).toBe(first.outcome.data['id'])
  for (let number = 5; number < 16; number++) await connected().start(input, { key: keyOf(number) })
  await expect(connected().start(input, { isRetry: true })).rejects.toMatchObject({ kind: 'unconfirmed' })
})
