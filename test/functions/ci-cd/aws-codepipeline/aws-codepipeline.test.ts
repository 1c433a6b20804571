import { jobRow } from './fake.ts'
import '../../aws.ts'
import { expect, test } from '@jest/globals'
import { awsCodePipeline } from '../../../../functions/ci-cd/aws-codepipeline/aws-codepipeline.ts'
import { vendorStates } from '../../../conformance/job/vendor-states.ts'
import { jobConformance, withState } from '../../../conformance/job.ts'
import { keyOf } from '../../helpers.ts'
import { pipelineActions } from '../pipeline.ts'
import { listedStates } from './states.ts'

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

const { server, connected } = jobConformance(awsCodePipeline, pipelineActions, jobRow, {
  states: vendorStates(listedStates, { errored: ['Superseded'] }),
  invalidStarts: [
    { name: 'a project', input: { project: 'shop' }, message: 'input.project is not supported' },
    { name: 'an invalid pipeline name', input: { target: 'a/b' }, message: 'input.target must be a pipeline name' },
    {
      name: 'a revision without a source action',
      input: { ref: 'main' },
      message: 'with the name of its source action',
    },
  ],
  url: `/codesuite/codepipeline/pipelines/shop-delivery/executions/${execution}/timeline?region=eu-west-1`,
  sends: [
    { name: 'the key as the token', request: { body: { clientRequestToken: keyOf(1) } } },
    {
      name: 'the variables as text',
      input: { parameters: { STAGE: 'prod', REPLICAS: 3 } },
      request: {
        body: {
          variables: [
            { name: 'STAGE', value: 'prod' },
            { name: 'REPLICAS', value: '3' },
          ],
        },
      },
    },
    ...revisions.map(([ref, revisionType]) => ({
      name: `${ref} as the revision of a source action`,
      input: { ref: `Source:${ref}` },
      request: { body: { sourceRevisions: [{ actionName: 'Source', revisionType, revisionValue: ref }] } },
    })),
  ],
  refused: [
    {
      name: 'an unknown pipeline',
      input: { target: 'nope' },
      reason: "does not include a pipeline with the name 'nope'",
    },
    {
      name: 'an unknown variable',
      input: { parameters: { STGE: 'x' } },
      reason: 'Variable STGE is not defined at the pipeline level.',
    },
    { name: 'an unknown action', input: { ref: 'Sauce:1' }, reason: 'The source action is not in the pipeline' },
  ],
  checks: [
    { connection: shop, requests: ['GetPipelineExecution'] },
    { requests: ['GetPipelineExecution'], change: withState({ denied: ['GetPipelineExecution'] }) },
  ],
  failedChecks: [
    { reason: "does not include a pipeline with the name 'nope'", connection: { target: 'nope' } },
    {
      reason: 'Allow it under awsProviders in cdk.json',
      connection: shop,
      change: withState({ denied: ['GetPipelineExecution'] }),
    },
  ],
  reports: [
    {
      name: 'no progress before its first action',
      change: () => {},
      reported: { status: 'InProgress', progress: undefined },
    },
    {
      name: 'its actions, and which one waits for an approval',
      change: ({ act }) => {
        act('Source/Source', 'Succeeded')
        act('Build/Unit', 'InProgress')
        act('Build/Approve', 'InProgress', approval)
      },
      reported: { progress: 'action Build/Approve, waiting for an approval; action Build/Unit' },
    },
    {
      name: 'the action that failed and the reason, with a link',
      change: ({ act, end }) => {
        act('Build/Unit', 'Failed')
        act('Build/Unit', 'Succeeded')
        act('Deploy/Service', 'Failed', { output: { executionResult: { externalExecutionUrl, errorDetails } } })
        end('Failed')
      },
      reported: {
        message: `Execution ${id} ended as Failed: action Deploy/Service failed: JobFailed: Build terminated with state: FAILED`,
        data: { failedStage: 'Deploy', failedAction: 'Service' },
        links: { 'action Deploy/Service': externalExecutionUrl },
      },
    },
    {
      name: 'the summary of AWS if no action failed',
      change: ({ end }) => end('Superseded', 'A newer execution has advanced.'),
      reported: { message: `Execution ${id} ended as Superseded: A newer execution has advanced.` },
    },
    {
      name: 'its duration, which thresholds can use',
      change: ({ act, end }) => {
        act('Source/Source', 'Succeeded')
        end('Succeeded')
      },
      reported: { result: 'warning' },
      input: { thresholds: [{ metric: 'duration', op: '<', value: 60, warn: 10 }] },
    },
  ],
  waits: ['ConflictException', 'ConcurrentPipelineExecutionsLimitExceededException', 'ThrottlingException'].map(
    (type) => ({
      name: `the end of ${type}`,
      change: ({ failNext }) =>
        failNext(400, { __type: type, message: 'Try again later.' }, { on: 'StartPipelineExecution' }),
      reason: 'Try again later.',
    }),
  ),
  refusedStops: [
    { change: withState({ denied: ['StopPipelineExecution'] }), reason: 'codepipeline:StopPipelineExecution' },
    { id: id.replace(/1$/, '2'), reason: 'cannot be found' },
  ],
  invalidIds: {
    ids: ['shop-delivery', execution, 'shop-delivery#1', `a/b#${execution}`],
    message: 'such as shop-delivery#',
  },
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
