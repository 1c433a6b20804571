import { jobRow } from './fake.ts'
import '../../aws.ts'
import { beforeEach, describe, expect, test } from '@jest/globals'
import { awsCodePipeline } from '../../../../functions/ci-cd/aws-codepipeline/aws-codepipeline.ts'
import { jobConformance } from '../../../conformance/job.ts'
import { expectFailure } from '../../helpers.ts'
import { rollbackActions } from '../../job-actions.ts'

const deploy = { target: 'shop-delivery', parameters: { stage: 'Deploy' } }

let [oldest, good, bad] = ['', '', '']

const goBack = (input: object = {}, options: object = {}) => connected().start({ ...deploy, ...input }, options)
const rollbacks = () => server.state.executions.filter(({ executionType }) => executionType === 'ROLLBACK')
const wentBackTo = () => rollbacks().at(-1)?.rollbackMetadata?.rollbackTargetPipelineExecutionId
/** Rolls back, and the rollback ends. */
const goneBack = async (status: string) => {
  await goBack()
  server.pass('Deploy', status)
  server.end(status)
}
const refused = { kind: 'refused', status: 422 }
const transient = { kind: 'platform', transient: true, mayHaveWritten: false }
const busy = { __type: 'ConflictException', message: 'Busy.' }

const platform = jobRow
const { server, connected } = jobConformance(awsCodePipeline, rollbackActions, platform, {
  name: 'AWS CodePipeline: a rollback',
  states: {
    running: ['InProgress', 'Stopping'],
    pass: ['Succeeded'],
    fail: ['Failed'],
    aborted: ['Stopped', 'Cancelled'],
    errored: ['Superseded'],
  },
  invalidStarts: [
    { name: 'no stage', input: { parameters: undefined }, message: 'input.parameters.stage' },
    { name: 'an invalid stage', input: { parameters: { stage: 'a/b' } }, message: 'input.parameters.stage' },
    {
      name: 'another parameter',
      input: { parameters: { stage: 'Deploy', STAGE: 'x' } },
      message: 'input.parameters.STAGE',
    },
    { name: 'a revision', input: { ref: 'Source:7e2b3c4' }, message: 'input.ref must be an execution id' },
    {
      name: 'another pipeline',
      input: { ref: `other#${'0'.repeat(8)}-0000-0000-0000-${'0'.repeat(12)}` },
      message: 'input.ref',
    },
    { name: 'a project', input: { project: 'shop' }, message: 'input.project is' },
    { name: 'an invalid pipeline', input: { target: 'a/b' }, message: 'input.target must be a pipeline name' },
  ],
  slowStop: { state: 'Stopping', change: ({ act }) => act('Deploy/Service', 'InProgress') },
})

beforeEach(() => {
  ;[oldest = '', good = '', bad = ''] = server.state.executions.map((execution) => execution.pipelineExecutionId)
})

test('AWS CodePipeline: a rollback rolls back to the previous execution and reports it', async () => {
  const { outcome } = await goBack()
  const execution = rollbacks()[0]?.pipelineExecutionId
  const id = `shop-delivery#${execution}`
  const page = `codesuite/codepipeline/pipelines/shop-delivery/executions/${execution}/timeline`
  expect(outcome).toMatchObject({
    message: `Started rollback ${id}: stage Deploy rolls back to execution ${good}. It is still running: use mode=interactive to wait`,
    data: { id, url: `https://eu-west-1.console.aws.amazon.com/${page}?region=eu-west-1` },
  })
  expect(server.operations()).toEqual(['GetPipelineState', 'ListPipelineExecutions', 'RollbackStage'])
})

test.each([
  ['its id', () => oldest],
  ['the id that its start has answered', () => `shop-delivery#${oldest}`],
])('AWS CodePipeline: a rollback rolls back to the execution with %s', async (_what, ref) => {
  await goBack({ ref: ref() })
  expect(wentBackTo()).toBe(oldest)
  expect(server.operations()).toEqual(['RollbackStage'])
})

describe('AWS CodePipeline: the previous execution', () => {
  test.each<[what: string, prepare: () => unknown, target: () => string]>([
    ['is older than the execution that an earlier rollback restored', () => goneBack('Succeeded'), () => oldest],
    ['is older than the execution that a failed rollback tried to restore', () => goneBack('Failed'), () => oldest],
    [
      'is not a rollback, because AWS does not roll back to one',
      () => goneBack('Succeeded').then(() => server.deploy('Succeeded')),
      () => bad,
    ],
    ['is the newest that succeeded if the one after it is Failed', () => server.deploy('Failed'), () => bad],
    ['is the newest that succeeded if the one after it is Stopped', () => server.deploy('Stopped'), () => bad],
    ['is the newest that succeeded if the one after it is Cancelled', () => server.deploy('Cancelled'), () => bad],
    [
      'is determined by times, not by the order of the list',
      () => server.state.executions.splice(0, 2, ...server.state.executions.slice(0, 2).reverse()),
      () => good,
    ],
  ])('%s', async (_what, prepare, target) => {
    await prepare()
    await goBack()
    expect(wentBackTo()).toBe(target())
  })

  const listing = (...pipelineExecutionSummaries: object[]) =>
    server.failNext(200, { pipelineExecutionSummaries }, { on: 'ListPipelineExecutions' })
  test.each([
    ['nothing has run in the stage', () => Object.assign(server.state, { executions: [] })],
    ['nothing older has succeeded there', () => server.state.executions.splice(0, 2)],
    ['what is there now is from before a change of the pipeline', () => listing()],
    [
      'what is there now is not among those that AWS lists',
      () => listing({ pipelineExecutionId: oldest, executionType: 'STANDARD' }),
    ],
  ])('does not exist if %s', async (_what, prepare) => {
    prepare()
    await expectFailure(goBack(), refused, 'Set input.ref to an execution')
    expect(rollbacks()).toEqual([])
  })
})

describe('AWS CodePipeline: a rollback is refused', () => {
  const none = '12345678-90ab-cdef-1234-ffffffffffff'
  const inStage = (stage: string) => ({ parameters: { stage } })
  test.each<[input: () => object, words: string]>([
    [() => inStage('Prod'), 'Pipeline shop-delivery has no stage Prod. Its stages: Source, Build, Deploy.'],
    [() => ({ target: 'nope' }), "does not include a pipeline with the name 'nope'"],
    [() => ({ ref: none }), `Pipeline execution ${none} cannot be found.`],
    [() => ({ ref: good, ...inStage('Prod') }), "StageNotFoundException to RollbackStage: The stage 'Prod'"],
    [() => ({ ref: good, ...inStage('Source') }), 'Stage Source cannot be rolled back'],
  ])('with the reason of AWS: %s', async (input, words) => {
    await expectFailure(goBack(input()), refused, words)
    expect(rollbacks()).toEqual([])
  })

  test('while another rollback is in progress', async () => {
    await goBack()
    await expectFailure(goBack({ ref: oldest }), refused, 'while it is in progress')
    expect(rollbacks()).toHaveLength(1)
  })

  test('while the pipeline is busy, unless it names the execution', async () => {
    server.failNext(400, busy, { on: 'RollbackStage' })
    await expectFailure(goBack(), 'refused', 'Busy.')
    server.failNext(400, busy)
    await expectFailure(goBack({ ref: good }), transient)
  })
})

test('AWS CodePipeline: a started rollback reports the running action and the restored execution', async () => {
  const started = await goBack()
  server.act('Deploy/Service', 'InProgress')
  expect(await connected().poll(started, deploy)).toMatchObject({ progress: 'action Deploy/Service' })
  server.end('Succeeded')
  expect((await connected().end(started, deploy)).data).toMatchObject({ rolledBackTo: good })
})
