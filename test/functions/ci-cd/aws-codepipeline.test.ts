import '../aws.ts'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { awsCodePipeline } from '../../../functions/ci-cd/providers/aws-codepipeline.ts'
import { type CodePipelineServer, startCodePipeline } from '../../../infra/platforms/aws-codepipeline.ts'
import { secretsIn } from '../../../shared/fields.ts'
import { failureOf, keyOf } from '../helpers.ts'
import { Pipeline } from './pipeline.ts'

let server: CodePipelineServer
beforeEach(async () => {
  server = await startCodePipeline()
})
afterEach(() => server.close())

const shop = { target: 'shop-delivery' }
const execution = '12345678-90ab-cdef-1234-000000000001'
const id = `shop-delivery#${execution}`
const url = `https://eu-west-1.console.aws.amazon.com/codesuite/codepipeline/pipelines/shop-delivery/executions/${execution}/timeline?region=eu-west-1`
const approval = {
  input: { actionTypeId: { category: 'Approval', owner: 'AWS', provider: 'Manual', version: '1' } },
}

const connected = (fields: object = {}) =>
  new Pipeline(awsCodePipeline, () => ({ endpoint: server.url, region: 'eu-west-1', ...fields }))
const newest = () => {
  const found = server.state.executions.at(-1)
  if (!found) throw new Error('There is no execution')
  return found
}

describe('AWS CodePipeline: connection', () => {
  test('the check reads an unknown execution of its pipeline', async () => {
    await awsCodePipeline.check(connected(shop).client())
    expect(server.operations()).toEqual(['GetPipelineExecution'])
  })

  test('a missing permission for its pipeline is reported', async () => {
    for (const fields of [{ target: 'nope' }, shop]) {
      if (fields === shop) server.state.denied = ['GetPipelineExecution']
      expect(await failureOf(awsCodePipeline.check(connected(fields).client()))).toMatchObject({ kind: 'refused' })
    }
  })

  test('without a pipeline, the check verifies the credentials', async () => {
    await awsCodePipeline.check(connected().client())
    server.state.denied = ['GetPipelineExecution']
    await awsCodePipeline.check(connected().client())
    server.failNext(400, { __type: 'UnrecognizedClientException', message: 'The security token is invalid.' })
    expect(await failureOf(awsCodePipeline.check(connected().client()))).toMatchObject({ kind: 'credentials' })
  })

  test('contains no secrets', () => {
    expect(secretsIn(awsCodePipeline.connection, { region: 'eu-west-1', roleArn: 'a', externalId: 'b' })).toEqual([])
  })
})

describe('AWS CodePipeline: start', () => {
  test('starts an execution and returns at once', async () => {
    const { outcome } = await connected().start(shop)
    expect(outcome).toMatchObject({
      result: 'pass',
      message: `Started execution ${id}`,
      data: { id, url, state: 'started' },
      links: { [`aws-codepipeline ${id}`]: url },
    })
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
    ['a project', { project: 'shop' }, 'input.project is not supported'],
    ['an invalid pipeline name', { target: 'a/b' }, 'input.target must be a pipeline name'],
    ['a revision without a source action', { ref: 'main' }, 'with the name of its source action'],
  ])('rejects %s before sending a request', async (_what, input, message) => {
    const failure = await failureOf(connected().start({ ...shop, ...input }))
    expect(failure).toMatchObject({ kind: 'invalid', status: 400 })
    expect(failure.message).toContain(message)
    expect(server.calls).toEqual([])
  })

  test('reports the reason that AWS gives', async () => {
    for (const [input, words] of [
      [{ target: 'nope' }, "does not include a pipeline with the name 'nope'"],
      [{ parameters: { STGE: 'x' } }, 'Variable STGE is not defined at the pipeline level.'],
      [{ ref: 'Sauce:1' }, 'The source action is not in the pipeline'],
    ] as const) {
      const failure = await failureOf(connected().start({ ...shop, ...input }))
      expect(failure).toMatchObject({ kind: 'refused', status: 422 })
      expect(failure.message).toContain(words)
    }
    server.state.denied = ['StartPipelineExecution']
    expect((await failureOf(connected().start(shop))).message).toContain('Allow it under awsProviders in cdk.json')
  })

  test.each(['ConflictException', 'ConcurrentPipelineExecutionsLimitExceededException', 'ThrottlingException'])(
    'is transient after %s',
    async (type) => {
      server.failNext(400, { __type: type, message: 'Try again later.' })
      expect(await failureOf(connected().start(shop))).toMatchObject({ transient: true, mayHaveWritten: false })
    },
  )
})

describe('AWS CodePipeline: start with a lost response', () => {
  test('a retry starts no second execution', async () => {
    server.loseNext('StartPipelineExecution')
    expect(await failureOf(connected().start(shop))).toMatchObject({ transient: true, mayHaveWritten: true })
    expect((await connected().start(shop, { isRetry: true })).outcome.data).toMatchObject({ id })
    expect(server.state.executions).toHaveLength(1)
  })

  test('calls with other keys or without a key start their own executions', async () => {
    await connected().start(shop)
    for (const key of [keyOf(2), undefined, undefined]) await connected().start(shop, { key })
    expect(server.state.executions).toHaveLength(4)
  })

  test('is transient while AWS is down', async () => {
    server.down()
    expect(await failureOf(connected().start(shop))).toMatchObject({ kind: 'platform', transient: true })
    server.down(false)
    server.failNext(503, '<html><title>Unavailable</title></html>')
    expect(await failureOf(connected().start(shop))).toMatchObject({ kind: 'platform', transient: true })
  })
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
    server.end('Stopping')
    expect(await connected().poll(started, shop)).toMatchObject({ status: 'Stopping' })
    server.end('Shiny')
    expect(await connected().poll(started, shop)).toMatchObject({ status: 'Shiny (unknown state)' })
  })

  test.each([
    ['Succeeded', 'succeeded', 'pass'],
    ['Failed', 'succeeded', 'fail'],
    ['Stopped', 'aborted', 'fail'],
    ['Cancelled', 'aborted', 'fail'],
    ['Superseded', 'errored', 'fail'],
  ])('in the state %s, ends as %s, %s', async (state, status, result) => {
    const started = await connected().start(shop)
    server.act('Source/Source', 'Succeeded')
    server.act('Build/Unit', 'Succeeded')
    server.end(state)
    expect(await connected().end(started, shop)).toMatchObject({
      status,
      result,
      data: { id, url, state, duration: 90, revision: '7e2b3c4d5e6f708192a3b4c5d6e7f8091a2b3c4d' },
      links: { [`aws-codepipeline ${id}`]: url },
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

  test('keeps running while AWS is down, and is refused if it no longer exists', async () => {
    const started = await connected().start(shop)
    server.failNext(500, { __type: 'InternalFailure' })
    expect(await failureOf(connected().poll(started, shop))).toMatchObject({ transient: true })
    server.state.executions = []
    expect(await failureOf(connected().poll(started, shop))).toMatchObject({
      kind: 'refused',
      message: expect.stringContaining('cannot be found'),
    })
  })
})

describe('AWS CodePipeline: cancel', () => {
  test('stops an execution without abandoning it, and waits until it has ended', async () => {
    await connected().start(shop)
    expect(await connected().cancel({ id })).toMatchObject({ message: 'still Stopping' })
    expect(server.calls.find(({ body }) => 'abandon' in (body as object))?.body).toMatchObject({ abandon: false })
    expect(await connected().cancel({ id })).toMatchObject({ message: 'still Stopping' })
    server.end('Stopped')
    expect(await connected().cancel({ id })).toMatchObject({
      message: `Execution ${id} had ended already (Stopped)`,
    })
  })

  test('passes if it has ended between the poll and the stop', async () => {
    await connected().start(shop)
    server.end('Succeeded')
    await awsCodePipeline.stop(connected().client(), { id })
    expect(newest().status).toBe('Succeeded')
  })

  test('reports the reason that AWS gives for a refusal', async () => {
    await connected().start(shop)
    server.state.denied = ['StopPipelineExecution']
    expect((await failureOf(connected().cancel({ id }))).message).toContain('codepipeline:StopPipelineExecution')
    expect((await failureOf(connected().cancel({ id: id.replace(/1$/, '2') }))).message).toContain('cannot be found')
  })

  test.each(['shop-delivery', execution, 'shop-delivery#1', `a/b#${execution}`])('rejects the id %s', async (wrong) => {
    const failure = await failureOf(connected().cancel({ id: wrong }))
    expect(failure).toMatchObject({ kind: 'invalid' })
    expect(failure.message).toContain('such as shop-delivery#')
  })
})
