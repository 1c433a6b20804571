import '../aws.ts'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { awsCodePipeline } from '../../../functions/ci-cd/providers/aws-codepipeline.ts'
import { actions } from '../../../functions/remediation/actions.ts'
import { type CodePipelineServer, startCodePipeline } from '../../../infra/platforms/aws-codepipeline.ts'
import { failureOf } from '../helpers.ts'
import { Job } from '../job.ts'

const deploy = { target: 'shop-delivery', parameters: { stage: 'Deploy' } }
const rollback = { start: actions.rollback, stop: actions['stop-runbook'] }

let server: CodePipelineServer
let [oldest, good, bad] = ['', '', '']
beforeEach(async () => {
  server = await startCodePipeline()
  ;[oldest, good, bad] = [server.deploy('Succeeded'), server.deploy('Succeeded'), server.deploy('Succeeded')]
})
afterEach(() => server.close())

const connected = (fields: object = {}) =>
  new Job(awsCodePipeline, rollback, () => ({ endpoint: server.url, region: 'eu-west-1', ...fields }))
const goBack = (input: object = {}, options: object = {}) => connected().start({ ...deploy, ...input }, options)
const rollbacks = () => server.state.executions.filter(({ executionType }) => executionType === 'ROLLBACK')
const wentBackTo = () => rollbacks().at(-1)?.rollbackMetadata?.rollbackTargetPipelineExecutionId
const end = (status: string) => {
  server.pass('Deploy', status)
  server.end(status)
}

describe('AWS CodePipeline: a rollback', () => {
  test('rolls back to the previous execution and reports it', async () => {
    const { outcome } = await goBack()
    const execution = rollbacks()[0]?.pipelineExecutionId
    const id = `shop-delivery#${execution}`
    const page = `codesuite/codepipeline/pipelines/shop-delivery/executions/${execution}/timeline`
    const url = `https://eu-west-1.console.aws.amazon.com/${page}?region=eu-west-1`
    expect(outcome).toMatchObject({
      result: 'warning',
      message: `Started rollback ${id}: stage Deploy rolls back to execution ${good}. It is still running: use mode=interactive to wait`,
      data: { id, url, state: 'started' },
      links: { [`aws-codepipeline ${id}`]: url },
    })
    expect(server.operations()).toEqual(['GetPipelineState', 'ListPipelineExecutions', 'RollbackStage'])
  })

  test.each([
    ['its id', () => oldest],
    ['the id that its start has answered', () => `shop-delivery#${oldest}`],
  ])('rolls back to the execution with %s', async (_what, ref) => {
    await goBack({ ref: ref() })
    expect(wentBackTo()).toBe(oldest)
    expect(server.operations()).toEqual(['RollbackStage'])
  })

  test('uses the pipeline of the connection', async () => {
    await connected({ target: 'shop-delivery' }).start({ parameters: deploy.parameters })
    expect(wentBackTo()).toBe(good)
  })
})

describe('AWS CodePipeline: the previous execution', () => {
  test('is older than the execution that an earlier rollback restored', async () => {
    await goBack()
    end('Succeeded')
    await goBack()
    expect(wentBackTo()).toBe(oldest)
  })

  test('is older than the execution that a failed rollback tried to restore', async () => {
    await goBack()
    end('Failed')
    await goBack()
    expect(wentBackTo()).toBe(oldest)
  })

  test('is not a rollback, because AWS does not roll back to one', async () => {
    await goBack()
    end('Succeeded')
    server.deploy('Succeeded')
    await goBack()
    expect(wentBackTo()).toBe(bad)
  })

  test.each(['Failed', 'Stopped', 'Cancelled'])(
    'is the newest that succeeded where the one after it is %s',
    async (status) => {
      server.deploy(status)
      await goBack()
      expect(wentBackTo()).toBe(bad)
    },
  )

  test('is determined by times, not by the order of the list', async () => {
    const [first, second, third, ...others] = server.state.executions
    if (!first || !second || !third) throw new Error('There are too few executions')
    server.state.executions = [second, first, third, ...others]
    await goBack()
    expect(wentBackTo()).toBe(good)
  })

  test.each([
    ['nothing has run in the stage', () => Object.assign(server.state, { executions: [] })],
    ['nothing older has succeeded there', () => server.state.executions.splice(0, 2)],
    [
      'what is there now is from before a change of the pipeline',
      () => server.failNext(200, { pipelineExecutionSummaries: [] }, { on: 'ListPipelineExecutions' }),
    ],
    [
      'what is there now is not among those that AWS lists',
      () =>
        server.failNext(
          200,
          { pipelineExecutionSummaries: [{ pipelineExecutionId: oldest, executionType: 'STANDARD' }] },
          { on: 'ListPipelineExecutions' },
        ),
    ],
  ])('does not exist if %s', async (_what, prepare) => {
    prepare()
    const failure = await failureOf(goBack())
    expect(failure).toMatchObject({ kind: 'refused', status: 422 })
    expect(failure.message).toContain('Set input.ref to an execution')
    expect(rollbacks()).toEqual([])
  })
})

describe('AWS CodePipeline: a rollback is refused', () => {
  test.each([
    ['no stage', { parameters: undefined }, 'input.parameters.stage'],
    ['an invalid stage', { parameters: { stage: 'a/b' } }, 'input.parameters.stage'],
    ['another parameter', { parameters: { stage: 'Deploy', STAGE: 'x' } }, 'input.parameters.STAGE'],
    ['a revision', { ref: 'Source:7e2b3c4' }, 'input.ref must be an execution id'],
    [
      'an execution of another pipeline',
      { ref: `other#${'0'.repeat(8)}-0000-0000-0000-${'0'.repeat(12)}` },
      'input.ref',
    ],
    ['a project', { project: 'shop' }, 'input.project is'],
    ['an invalid pipeline', { target: 'a/b' }, 'input.target must be a pipeline name'],
  ])('for %s before anything is sent', async (_what, input, message) => {
    const failure = await failureOf(goBack(input))
    expect(failure).toMatchObject({ kind: 'invalid', status: 400 })
    expect(failure.message).toContain(message)
    expect(server.calls).toEqual([])
  })

  test('with the stages of the pipeline', async () => {
    expect((await failureOf(goBack({ parameters: { stage: 'Prod' } }))).message).toBe(
      'Pipeline shop-delivery has no stage Prod. Its stages: Source, Build, Deploy.',
    )
  })

  test('with the reason of AWS', async () => {
    const none = '12345678-90ab-cdef-1234-ffffffffffff'
    for (const [input, words] of [
      [{ target: 'nope' }, "does not include a pipeline with the name 'nope'"],
      [{ ref: none }, `Pipeline execution ${none} cannot be found.`],
      [{ ref: good, parameters: { stage: 'Prod' } }, "StageNotFoundException to RollbackStage: The stage 'Prod'"],
      [{ ref: good, parameters: { stage: 'Source' } }, 'Stage Source cannot be rolled back'],
    ] as const) {
      const failure = await failureOf(goBack(input))
      expect(failure).toMatchObject({ kind: 'refused', status: 422 })
      expect(failure.message).toContain(words)
    }
    await goBack()
    expect((await failureOf(goBack({ ref: oldest }))).message).toContain('while it is in progress')
    expect(rollbacks()).toHaveLength(1)
  })

  test.each(['GetPipelineState', 'ListPipelineExecutions', 'RollbackStage'])(
    'if %s is not allowed, with how to allow it',
    async (operation) => {
      server.state.denied = [operation]
      const failure = await failureOf(goBack())
      expect(failure).toMatchObject({ kind: 'refused' })
      expect(failure.message).toContain(`codepipeline:${operation} action. Allow it under awsProviders in cdk.json`)
    },
  )

  test('while the pipeline is busy, because the previous execution can change', async () => {
    server.failNext(400, { __type: 'ConflictException', message: 'Busy.' }, { on: 'RollbackStage' })
    expect(await failureOf(goBack())).toMatchObject({ kind: 'refused', message: expect.stringContaining('Busy.') })
  })
})

describe('AWS CodePipeline: a rollback can be retried', () => {
  test('while the pipeline is busy, if it names the execution', async () => {
    server.failNext(400, { __type: 'ConflictException', message: 'Busy.' })
    expect(await failureOf(goBack({ ref: good }))).toMatchObject({ transient: true, mayHaveWritten: false })
  })

  test('if AWS is down or limits requests before the start', async () => {
    server.down()
    expect(await failureOf(goBack())).toMatchObject({ kind: 'platform', transient: true, mayHaveWritten: false })
    server.down(false)
    for (const on of ['GetPipelineState', 'ListPipelineExecutions', 'RollbackStage']) {
      server.failNext(400, { __type: 'ThrottlingException', message: 'Rate exceeded' }, { on })
      expect(await failureOf(goBack())).toMatchObject({ kind: 'platform', transient: true, mayHaveWritten: false })
    }
  })

  test.each([
    ['lost', () => server.loseNext('RollbackStage')],
    ['a fault', () => server.failNext(500, { __type: 'InternalFailure' }, { on: 'RollbackStage' })],
    ['without an execution', () => server.failNext(200, {}, { on: 'RollbackStage', done: true })],
  ])('not after the response %s, because it could roll back twice', async (_what, prepare) => {
    prepare()
    const failure = await failureOf(goBack())
    expect(failure).toMatchObject({ kind: 'doubtful', transient: false })
    expect(failure.message).toContain('It is unknown whether a rollback was started')
    expect(await failureOf(goBack({}, { isRetry: true }))).toMatchObject({ kind: 'doubtful' })
    expect(await failureOf(goBack({}, { isRetry: true, key: undefined }))).toMatchObject({ kind: 'doubtful' })
    expect(server.operations().filter((name) => name === 'RollbackStage')).toHaveLength(1)
  })
})

describe('AWS CodePipeline: a started rollback', () => {
  test.each([
    ['Succeeded', 'succeeded', 'pass'],
    ['Failed', 'succeeded', 'fail'],
    ['Stopped', 'aborted', 'fail'],
    ['Cancelled', 'aborted', 'fail'],
    ['Superseded', 'errored', 'fail'],
  ])('with the state %s ends as %s, %s, and reports the restored execution', async (state, status, result) => {
    const started = await goBack()
    server.end(state)
    const id = `shop-delivery#${rollbacks()[0]?.pipelineExecutionId}`
    expect(await connected().end(started, deploy)).toMatchObject({
      status,
      result,
      message: `Rollback ${id} ended as ${state}`,
      data: { id, state, rolledBackTo: good },
    })
  })

  test.each(['InProgress', 'Stopping'])('is running while it is %s', async (state) => {
    const started = await goBack()
    server.act('Deploy/Service', 'InProgress')
    server.end(state)
    expect(await connected().poll(started, deploy)).toMatchObject({ status: state, progress: 'action Deploy/Service' })
  })

  test('is stopped by its id', async () => {
    const { outcome } = await goBack()
    const id = outcome.data['id'] as string
    expect(await connected().stop({ id })).toMatchObject({ message: 'still Stopping' })
    server.end('Stopped')
    expect(await connected().stop({ id })).toMatchObject({ message: `Execution ${id} had ended already (Stopped)` })
  })
})
