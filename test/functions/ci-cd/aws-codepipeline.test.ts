import '../aws.ts'
import { expect, test } from '@jest/globals'
import { awsCodePipeline } from '../../../functions/ci-cd/providers/aws-codepipeline.ts'
import { jobConformance, withState } from '../../conformance/job.ts'
import { ciCdPlatforms } from '../../conformance/job-platforms/ci-cd.ts'
import { keyOf } from '../helpers.ts'
import { pipelineActions } from './pipeline.ts'

const shop = { target: 'shop-delivery' }
const execution = '12345678-90ab-cdef-1234-000000000001'
const id = `shop-delivery#${execution}`
const approval = {
  input: { actionTypeId: { category: 'Approval', owner: 'AWS', provider: 'Manual', version: '1' } },
}

const externalExecutionUrl = 'https://eu-west-1.console.aws.amazon.com/codebuild/home#/builds/x/view/new'
const errorDetails = { code: 'JobFailed', message: 'Build terminated with state: FAILED' }
const revisions = [
  ['7e2b3c4d5e6f708192a3b4c5d6e7f8091a2b3c4d', 'COMMIT_ID'],
  [`sha256:${'9f86'.repeat(16)}`, 'IMAGE_DIGEST'],
  ['3sL4kqtJlcpXroDTDmJ+rmSpXd3dIbrHY', 'S3_OBJECT_VERSION_ID'],
] as const

const { server, connected } = jobConformance(awsCodePipeline, pipelineActions, ciCdPlatforms['aws-codepipeline'], {
  states: {
    running: ['InProgress', 'Stopping'],
    pass: ['Succeeded'],
    fail: ['Failed'],
    errored: ['Superseded'],
    aborted: ['Stopped', 'Cancelled'],
  },
  invalidStarts: [
    ['a project', { project: 'shop' }, 'input.project is not supported'],
    ['an invalid pipeline name', { target: 'a/b' }, 'input.target must be a pipeline name'],
    ['a revision without a source action', { ref: 'main' }, 'with the name of its source action'],
  ],
  url: `/codesuite/codepipeline/pipelines/shop-delivery/executions/${execution}/timeline?region=eu-west-1`,
  sends: [
    ['the key as the token', {}, { body: { clientRequestToken: keyOf(1) } }],
    [
      'the variables as text',
      { parameters: { STAGE: 'prod', REPLICAS: 3 } },
      {
        body: {
          variables: [
            { name: 'STAGE', value: 'prod' },
            { name: 'REPLICAS', value: '3' },
          ],
        },
      },
    ],
    ...revisions.map(([ref, revisionType]): [string, object, object] => [
      `${ref} as the revision of a source action`,
      { ref: `Source:${ref}` },
      { body: { sourceRevisions: [{ actionName: 'Source', revisionType, revisionValue: ref }] } },
    ]),
  ],
  refused: [
    ['an unknown pipeline', { target: 'nope' }, "does not include a pipeline with the name 'nope'"],
    ['an unknown variable', { parameters: { STGE: 'x' } }, 'Variable STGE is not defined at the pipeline level.'],
    ['an unknown action', { ref: 'Sauce:1' }, 'The source action is not in the pipeline'],
  ],
  checks: [
    [shop, ['GetPipelineExecution']],
    [{}, ['GetPipelineExecution'], withState({ denied: ['GetPipelineExecution'] })],
  ],
  failedChecks: [
    ["does not include a pipeline with the name 'nope'", { target: 'nope' }],
    ['Allow it under awsProviders in cdk.json', shop, withState({ denied: ['GetPipelineExecution'] })],
  ],
  reports: [
    ['no progress before its first action', () => {}, { status: 'InProgress', progress: undefined }],
    [
      'its actions, and which one waits for an approval',
      ({ act }) => {
        act('Source/Source', 'Succeeded')
        act('Build/Unit', 'InProgress')
        act('Build/Approve', 'InProgress', approval)
      },
      { progress: 'action Build/Approve, waiting for an approval; action Build/Unit' },
    ],
    [
      'the action that failed and the reason, with a link',
      ({ act, end }) => {
        act('Build/Unit', 'Failed')
        act('Build/Unit', 'Succeeded')
        act('Deploy/Service', 'Failed', { output: { executionResult: { externalExecutionUrl, errorDetails } } })
        end('Failed')
      },
      {
        message: `Execution ${id} ended as Failed: action Deploy/Service failed: JobFailed: Build terminated with state: FAILED`,
        data: { failedStage: 'Deploy', failedAction: 'Service' },
        links: { 'action Deploy/Service': externalExecutionUrl },
      },
    ],
    [
      'the summary of AWS if no action failed',
      ({ end }) => end('Superseded', 'A newer execution has advanced.'),
      { message: `Execution ${id} ended as Superseded: A newer execution has advanced.` },
    ],
    [
      'its duration, which thresholds can use',
      ({ act, end }) => {
        act('Source/Source', 'Succeeded')
        end('Succeeded')
      },
      { result: 'warning' },
      { thresholds: [{ metric: 'duration', op: '<', value: 60, warn: 10 }] },
    ],
  ],
  waits: ['ConflictException', 'ConcurrentPipelineExecutionsLimitExceededException', 'ThrottlingException'].map(
    (type) => [
      `the end of ${type}`,
      ({ failNext }) => failNext(400, { __type: type, message: 'Try again later.' }, { on: 'StartPipelineExecution' }),
      'Try again later.',
    ],
  ),
  refusedStops: [
    [withState({ denied: ['StopPipelineExecution'] }), 'codepipeline:StopPipelineExecution'],
    [id.replace(/1$/, '2'), 'cannot be found'],
  ],
  invalidIds: [['shop-delivery', execution, 'shop-delivery#1', `a/b#${execution}`], 'such as shop-delivery#'],
})

test('AWS CodePipeline: a success does not mention an action that failed before its retry', async () => {
  const started = await connected().start(shop)
  server.act('Build/Unit', 'Failed')
  server.act('Build/Unit', 'Succeeded')
  server.end('Succeeded')
  expect((await connected().end(started, shop)).message).toBe(`Execution ${id} ended as Succeeded`)
})

test('AWS CodePipeline: a cancel stops an execution without abandoning it, and waits until it has ended', async () => {
  await connected().start(shop)
  expect(await connected().stop({ id })).toMatchObject({ message: 'still Stopping' })
  expect(server.calls.find(({ body }) => 'abandon' in (body as object))?.body).toMatchObject({ abandon: false })
  expect(await connected().stop({ id })).toMatchObject({ message: 'still Stopping' })
  server.end('Stopped')
  expect(await connected().stop({ id })).toMatchObject({
    message: `Execution ${id} had ended already (Stopped)`,
  })
})
