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

describe('the connection', () => {
  test('is checked by a look at an execution of its pipeline that is not there', async () => {
    await awsCodePipeline.check(connected(shop).client())
    expect(server.operations()).toEqual(['GetPipelineExecution'])
  })

  test('that can not look at its pipeline is told', async () => {
    for (const fields of [{ target: 'nope' }, shop]) {
      if (fields === shop) server.state.denied = ['GetPipelineExecution']
      expect(await failureOf(awsCodePipeline.check(connected(fields).client()))).toMatchObject({ kind: 'refused' })
    }
  })

  test('is checked without a pipeline for whether AWS knows who asks', async () => {
    await awsCodePipeline.check(connected().client())
    server.state.denied = ['GetPipelineExecution']
    await awsCodePipeline.check(connected().client())
    server.failNext(400, { __type: 'UnrecognizedClientException', message: 'The security token is invalid.' })
    expect(await failureOf(awsCodePipeline.check(connected().client()))).toMatchObject({ kind: 'credentials' })
  })

  test('holds no secrets', () => {
    expect(secretsIn(awsCodePipeline.connection, { region: 'eu-west-1', roleArn: 'a', externalId: 'b' })).toEqual([])
  })
})

describe('a start', () => {
  test('begins an execution, and answers at once', async () => {
    const { outcome } = await connected().start(shop)
    expect(outcome).toMatchObject({
      result: 'pass',
      message: `Started execution ${id}`,
      data: { id, url, state: 'started' },
      links: { [`aws-codepipeline ${id}`]: url },
    })
    expect(newest()).toMatchObject({ token: keyOf(1), variables: [], sourceRevisions: [] })
  })

  test('gives the variables as text', async () => {
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
  ])('takes %s as the revision of a source action', async (ref, revisionType) => {
    await connected().start({ ...shop, ref })
    const revisionValue = ref.slice('Source:'.length)
    expect(newest().sourceRevisions).toEqual([{ actionName: 'Source', revisionType, revisionValue }])
  })

  test.each([
    ['a project', { project: 'shop' }, 'input.project is of no use'],
    ['a pipeline that is none', { target: 'a/b' }, 'input.target is no pipeline'],
    ['a revision of nothing', { ref: 'main' }, 'write the name of the source action before it'],
  ])('is refused before anything is sent for %s', async (_what, input, message) => {
    const failure = await failureOf(connected().start({ ...shop, ...input }))
    expect(failure).toMatchObject({ kind: 'invalid', status: 400 })
    expect(failure.message).toContain(message)
    expect(server.calls).toEqual([])
  })

  test('says in the words of AWS what is wrong', async () => {
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
    'is tried again after %s',
    async (type) => {
      server.failNext(400, { __type: type, message: 'Try again later.' })
      expect(await failureOf(connected().start(shop))).toMatchObject({ transient: true, afterWrite: false })
    },
  )
})

describe('a start whose answer was lost', () => {
  test('is one with its repeat', async () => {
    server.loseNext('StartPipelineExecution')
    expect(await failureOf(connected().start(shop))).toMatchObject({ transient: true, afterWrite: true })
    expect((await connected().start(shop, { isRetry: true })).outcome.data).toMatchObject({ id })
    expect(server.state.executions).toHaveLength(1)
  })

  test('is not one with that of another call, nor with one that has no key', async () => {
    await connected().start(shop)
    for (const key of [keyOf(2), undefined, undefined]) await connected().start(shop, { key })
    expect(server.state.executions).toHaveLength(4)
  })

  test('is a fault that goes away where AWS is down', async () => {
    server.down()
    expect(await failureOf(connected().start(shop))).toMatchObject({ kind: 'platform', transient: true })
    server.down(false)
    server.failNext(503, '<html><title>Unavailable</title></html>')
    expect(await failureOf(connected().start(shop))).toMatchObject({ kind: 'platform', transient: true })
  })
})

describe('an execution', () => {
  test('goes on, and says which actions do, and which waits for somebody', async () => {
    const begun = await connected().start(shop)
    expect(await connected().poll(begun, shop)).toMatchObject({ status: 'InProgress', progress: undefined })
    server.act('Source/Source', 'Succeeded')
    server.act('Build/Unit', 'InProgress')
    server.act('Build/Approve', 'InProgress', approval)
    expect(await connected().poll(begun, shop)).toMatchObject({
      progress: 'action Build/Approve, which waits for an approval; action Build/Unit',
    })
    server.end('Stopping')
    expect(await connected().poll(begun, shop)).toMatchObject({ status: 'Stopping' })
    server.end('Shiny')
    expect(await connected().poll(begun, shop)).toMatchObject({ status: 'Shiny (unknown state)' })
  })

  test.each([
    ['Succeeded', 'succeeded', 'pass'],
    ['Failed', 'succeeded', 'fail'],
    ['Stopped', 'aborted', 'fail'],
    ['Cancelled', 'aborted', 'fail'],
    ['Superseded', 'errored', 'fail'],
  ])('that is %s ends as %s, %s', async (state, status, result) => {
    const begun = await connected().start(shop)
    server.act('Source/Source', 'Succeeded')
    server.act('Build/Unit', 'Succeeded')
    server.end(state)
    expect(await connected().end(begun, shop)).toMatchObject({
      status,
      result,
      data: { id, url, state, duration: 90, revision: '7e2b3c4d5e6f708192a3b4c5d6e7f8091a2b3c4d' },
      links: { [`aws-codepipeline ${id}`]: url },
    })
  })

  test('that failed names the action and why, with a link', async () => {
    const begun = await connected().start(shop)
    const message = 'Build terminated with state: FAILED'
    const externalExecutionUrl = 'https://eu-west-1.console.aws.amazon.com/codebuild/home#/builds/x/view/new'
    const output = { executionResult: { externalExecutionUrl, errorDetails: { code: 'JobFailed', message } } }
    server.act('Build/Unit', 'Failed')
    server.act('Build/Unit', 'Succeeded')
    server.act('Deploy/Service', 'Failed', { output })
    server.end('Failed')
    const ended = await connected().end(begun, shop)
    expect(ended.message).toBe(
      `Execution ${id} ended as Failed: action Deploy/Service failed: JobFailed: Build terminated with state: FAILED`,
    )
    expect(ended.data).toMatchObject({ failedStage: 'Deploy', failedAction: 'Service' })
    expect(ended.links).toMatchObject({ 'action Deploy/Service': externalExecutionUrl })
  })

  test('that succeeded says nothing of an action that failed before it was tried again', async () => {
    const begun = await connected().start(shop)
    server.act('Build/Unit', 'Failed')
    server.act('Build/Unit', 'Succeeded')
    server.end('Succeeded')
    expect((await connected().end(begun, shop)).message).toBe(`Execution ${id} ended as Succeeded`)
  })

  test('says what AWS says of it where no action failed', async () => {
    const begun = await connected().start(shop)
    server.end('Superseded', 'A newer execution has advanced.')
    expect((await connected().end(begun, shop)).message).toBe(
      `Execution ${id} ended as Superseded: A newer execution has advanced.`,
    )
  })

  test('is held against thresholds', async () => {
    const input = { ...shop, thresholds: [{ metric: 'duration', op: '<', value: 60, warn: 10 }] }
    const begun = await connected().start(input)
    server.act('Source/Source', 'Succeeded')
    server.end('Succeeded')
    expect(await connected().end(begun, input)).toMatchObject({ result: 'warning' })
  })

  test('is looked at again where AWS is down, and refused where it is gone', async () => {
    const begun = await connected().start(shop)
    server.failNext(500, { __type: 'InternalFailure' })
    expect(await failureOf(connected().poll(begun, shop))).toMatchObject({ transient: true })
    server.state.executions = []
    expect(await failureOf(connected().poll(begun, shop))).toMatchObject({
      kind: 'refused',
      message: expect.stringContaining('cannot be found'),
    })
  })
})

describe('cancel', () => {
  test('asks for the end of an execution without abandoning it, and waits until it has ended', async () => {
    await connected().start(shop)
    expect(await connected().cancel({ id })).toMatchObject({ message: 'still Stopping' })
    expect(server.calls.find(({ body }) => 'abandon' in (body as object))?.body).toMatchObject({ abandon: false })
    expect(await connected().cancel({ id })).toMatchObject({ message: 'still Stopping' })
    server.end('Stopped')
    expect(await connected().cancel({ id })).toMatchObject({
      message: `Execution ${id} had ended already (Stopped)`,
    })
  })

  test('passes where it has ended between our look and the stop', async () => {
    await connected().start(shop)
    server.end('Succeeded')
    await awsCodePipeline.stop(connected().client(), { id })
    expect(newest().status).toBe('Succeeded')
  })

  test('says why AWS does not do it', async () => {
    await connected().start(shop)
    server.state.denied = ['StopPipelineExecution']
    expect((await failureOf(connected().cancel({ id }))).message).toContain('codepipeline:StopPipelineExecution')
    expect((await failureOf(connected().cancel({ id: id.replace(/1$/, '2') }))).message).toContain('cannot be found')
  })

  test.each(['shop-delivery', execution, 'shop-delivery#1', `a/b#${execution}`])('refuses the id %s', async (wrong) => {
    const failure = await failureOf(connected().cancel({ id: wrong }))
    expect(failure).toMatchObject({ kind: 'invalid' })
    expect(failure.message).toContain('write it like shop-delivery#')
  })
})
