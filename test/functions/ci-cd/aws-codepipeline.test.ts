import '../aws.ts'
import { describe, expect, test } from '@jest/globals'
import { awsCodePipeline } from '../../../functions/ci-cd/providers/aws-codepipeline.ts'
import { startCodePipeline } from '../../../infra/platforms/aws-codepipeline.ts'
import { jobConformance } from '../../conformance/job.ts'
import { ciCdPlatforms } from '../../conformance/job-platforms/ci-cd.ts'
import { expectFailure, keyOf, startEach } from '../helpers.ts'
import { newest as newestOf } from '../newest.ts'
import { Pipeline, pipelineActions } from './pipeline.ts'

const server = startEach(startCodePipeline)
const shop = { target: 'shop-delivery' }
const execution = '12345678-90ab-cdef-1234-000000000001'
const id = `shop-delivery#${execution}`
const url = `https://eu-west-1.console.aws.amazon.com/codesuite/codepipeline/pipelines/shop-delivery/executions/${execution}/timeline?region=eu-west-1`
const approval = {
  input: { actionTypeId: { category: 'Approval', owner: 'AWS', provider: 'Manual', version: '1' } },
}

const connected = (fields: object = {}) =>
  new Pipeline(awsCodePipeline, () => ({ endpoint: server.url, region: 'eu-west-1', ...fields }))
const check = (fields?: object) => awsCodePipeline.check(connected(fields).client())
const newest = () => newestOf(server.state.executions)

jobConformance(awsCodePipeline, pipelineActions, ciCdPlatforms['aws-codepipeline'], {
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
  invalidIds: [['shop-delivery', execution, 'shop-delivery#1', `a/b#${execution}`], 'such as shop-delivery#'],
})

describe('AWS CodePipeline: connection', () => {
  test('the check reads an unknown execution of its pipeline', async () => {
    await check(shop)
    expect(server.operations()).toEqual(['GetPipelineExecution'])
  })

  test('a missing permission for its pipeline is reported', async () => {
    await expectFailure(check({ target: 'nope' }), 'refused')
    server.state.denied = ['GetPipelineExecution']
    await expectFailure(check(shop), 'refused')
  })

  test('without a pipeline, the check verifies the credentials', async () => {
    server.state.denied = ['GetPipelineExecution']
    await check()
    server.failNext(400, { __type: 'UnrecognizedClientException', message: 'The security token is invalid.' })
    await expectFailure(check(), 'credentials')
  })
})

describe('AWS CodePipeline: start', () => {
  test('sends the key as the token, and returns the URL of the execution', async () => {
    const { outcome } = await connected().start(shop)
    expect(outcome.data).toMatchObject({ id, url })
    expect(newest()).toMatchObject({ token: keyOf(1), variables: [], sourceRevisions: [] })
  })

  test('sends the variables as text', async () => {
    await connected(shop).start({ parameters: { STAGE: 'prod', REPLICAS: 3 } })
    expect(newest().variables).toEqual([
      { name: 'STAGE', resolvedValue: 'prod' },
      { name: 'REPLICAS', resolvedValue: '3' },
    ])
  })

  test.each([
    ['Source:7e2b3c4d5e6f708192a3b4c5d6e7f8091a2b3c4d', 'COMMIT_ID'],
    [`Source:sha256:${'9f86'.repeat(16)}`, 'IMAGE_DIGEST'],
    ['Source:3sL4kqtJlcpXroDTDmJ+rmSpXd3dIbrHY', 'S3_OBJECT_VERSION_ID'],
  ])('accepts %s as the revision of a source action', async (ref, revisionType) => {
    await connected().start({ ...shop, ref })
    const revisionValue = ref.slice('Source:'.length)
    expect(newest().sourceRevisions).toEqual([{ actionName: 'Source', revisionType, revisionValue }])
  })

  test.each([
    [{ target: 'nope' }, "does not include a pipeline with the name 'nope'"],
    [{ parameters: { STGE: 'x' } }, 'Variable STGE is not defined at the pipeline level.'],
    [{ ref: 'Sauce:1' }, 'The source action is not in the pipeline'],
  ])('reports the reason that AWS gives for %j', async (input, words) => {
    await expectFailure(connected().start({ ...shop, ...input }), { kind: 'refused', status: 422 }, words)
  })

  test('names the permission to allow', async () => {
    server.state.denied = ['StartPipelineExecution']
    await expectFailure(connected().start(shop), 'refused', 'Allow it under awsProviders in cdk.json')
  })

  test.each(['ConflictException', 'ConcurrentPipelineExecutionsLimitExceededException', 'ThrottlingException'])(
    'is transient after %s',
    async (type) => {
      server.failNext(400, { __type: type, message: 'Try again later.' })
      await expectFailure(connected().start(shop), { transient: true, mayHaveWritten: false })
    },
  )
})

describe('AWS CodePipeline: execution', () => {
  test('keeps running and reports its actions, and which one waits for an approval', async () => {
    const started = await connected().start(shop)
    expect(await connected().poll(started, shop)).toMatchObject({ status: 'InProgress', progress: undefined })
    server.act('Source/Source', 'Succeeded')
    server.act('Build/Unit', 'InProgress')
    server.act('Build/Approve', 'InProgress', approval)
    expect(await connected().poll(started, shop)).toMatchObject({
      progress: 'action Build/Approve, waiting for an approval; action Build/Unit',
    })
  })

  test('a failure names the action and the reason, with a link', async () => {
    const started = await connected().start(shop)
    const message = 'Build terminated with state: FAILED'
    const externalExecutionUrl = 'https://eu-west-1.console.aws.amazon.com/codebuild/home#/builds/x/view/new'
    const output = { executionResult: { externalExecutionUrl, errorDetails: { code: 'JobFailed', message } } }
    server.act('Build/Unit', 'Failed')
    server.act('Build/Unit', 'Succeeded')
    server.act('Deploy/Service', 'Failed', { output })
    server.end('Failed')
    const ended = await connected().end(started, shop)
    expect(ended.message).toBe(
      `Execution ${id} ended as Failed: action Deploy/Service failed: JobFailed: Build terminated with state: FAILED`,
    )
    expect(ended.data).toMatchObject({ failedStage: 'Deploy', failedAction: 'Service' })
    expect(ended.links).toMatchObject({ 'action Deploy/Service': externalExecutionUrl })
  })

  test('a success does not mention an action that failed before its retry', async () => {
    const started = await connected().start(shop)
    server.act('Build/Unit', 'Failed')
    server.act('Build/Unit', 'Succeeded')
    server.end('Succeeded')
    expect((await connected().end(started, shop)).message).toBe(`Execution ${id} ended as Succeeded`)
  })

  test('reports the summary of AWS if no action failed', async () => {
    const started = await connected().start(shop)
    server.end('Superseded', 'A newer execution has advanced.')
    expect((await connected().end(started, shop)).message).toBe(
      `Execution ${id} ended as Superseded: A newer execution has advanced.`,
    )
  })

  test('is judged by thresholds', async () => {
    const input = { ...shop, thresholds: [{ metric: 'duration', op: '<', value: 60, warn: 10 }] }
    const started = await connected().start(input)
    server.act('Source/Source', 'Succeeded')
    server.end('Succeeded')
    expect(await connected().end(started, input)).toMatchObject({ result: 'warning' })
  })
})

describe('AWS CodePipeline: cancel', () => {
  test('stops an execution without abandoning it, and waits until it has ended', async () => {
    await connected().start(shop)
    expect(await connected().stop({ id })).toMatchObject({ message: 'still Stopping' })
    expect(server.calls.find(({ body }) => 'abandon' in (body as object))?.body).toMatchObject({ abandon: false })
    expect(await connected().stop({ id })).toMatchObject({ message: 'still Stopping' })
    server.end('Stopped')
    expect(await connected().stop({ id })).toMatchObject({
      message: `Execution ${id} had ended already (Stopped)`,
    })
  })

  test('reports the reason that AWS gives for a refusal', async () => {
    await connected().start(shop)
    server.state.denied = ['StopPipelineExecution']
    await expectFailure(connected().stop({ id }), 'refused', 'codepipeline:StopPipelineExecution')
    await expectFailure(connected().stop({ id: id.replace(/1$/, '2') }), 'refused', 'cannot be found')
  })
})
