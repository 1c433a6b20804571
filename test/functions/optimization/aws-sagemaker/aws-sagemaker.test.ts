import '../../aws.ts'
import { describe, expect, test } from '@jest/globals'
import { awsSageMaker } from '../../../../functions/optimization/aws-sagemaker/aws-sagemaker.ts'
import { vendorStates } from '../../../conformance/job/vendor-states.ts'
import { jobConformance, withState } from '../../../conformance/job.ts'
import { expectFailure, keyOf, times } from '../../helpers.ts'
import { modelActions } from '../../job-actions.ts'
import { awsSagemakerJobs } from './fake.ts'
import { builtIn, STARTED_AT, trained, tuned } from './jobs.ts'
import { pipelineStates, trainingStates, tuningStates } from './states.ts'

const digits = keyOf(1).slice(-16)
const execution = 'arn:aws:sagemaker:eu-west-1:123456789012:pipeline/churn-model/execution/e1xxxxxxxxxx'
const page = 'https://eu-west-1.console.aws.amazon.com/sagemaker/home?region=eu-west-1#'
const pipeline = { target: 'churn-model' }
const training = { target: 'training/churn-weekly' }
const tuning = { target: 'tuning/churn-tuning' }
const trainingId = `training/churn-weekly-${digits}`
const tuningId = `tuning/churn-tuning-${digits}`
const operations = {
  pipeline: { starts: 'StartPipelineExecution', stops: 'StopPipelineExecution', reads: 'ListPipelineExecutions' },
  training: { starts: 'CreateTrainingJob', stops: 'StopTrainingJob', reads: 'DescribeTrainingJob' },
  tuning: {
    starts: 'CreateHyperParameterTuningJob',
    stops: 'StopHyperParameterTuningJob',
    reads: 'DescribeHyperParameterTuningJob',
  },
}
/** Changes the run of an id, as the platform has it. */
function change(id: string, status: string, more: object = {}): void {
  const { executions, trainings, tunings } = server.state
  const name = id.split('/')[1] ?? ''
  const [found, field] = id.startsWith('arn:')
    ? [executions.find(({ arn }) => arn === id), 'status']
    : id.startsWith('tuning/')
      ? [tunings[name], 'HyperParameterTuningJobStatus']
      : [trainings[name], 'TrainingJobStatus']
  if (!found) throw new Error(`There is no ${id}`)
  Object.assign(found, { [field]: status, ...more })
}
const endPipeline = (status: string, more: object = {}) =>
  connected().endAfter(pipeline, () => change(execution, status, more))
const endTraining = (status: string, more: object = {}, input: object = {}) =>
  connected().endAfter({ ...training, ...input }, () => change(trainingId, status, more))
const endTuning = (status: string, more: object = {}, input: object = {}) =>
  connected().endAfter({ ...tuning, ...input }, () => change(tuningId, status, more))

const faults = ['Failed/InternalServerError', 'Failed/CapacityError']
const states = {
  pipeline: vendorStates(pipelineStates),
  training: vendorStates(trainingStates, {
    fail: ['Stopped/MaxRuntimeExceeded'],
    errored: [...faults, 'Stopped/MaxWaitTimeExceeded'],
  }),
  tuning: vendorStates(tuningStates, { errored: [...faults, 'DeleteFailed'] }),
}
const targets = { pipeline, training, tuning }
const invalidName = 'input.target must be the name of a pipeline'
const suite = (kind: 'pipeline' | 'training' | 'tuning') =>
  jobConformance(awsSageMaker, modelActions, awsSagemakerJobs[kind], {
    name: `Amazon SageMaker: a ${kind}`,
    states: states[kind],
    otherStates: Object.values(states).flatMap((one) => Object.values(one).flat()),
    unsupported: ['project'],
    invalidStarts: [
      { name: 'a path', input: { target: 'a/b' }, message: invalidName },
      { name: 'another kind', input: { target: 'processing/x' }, message: invalidName },
      { name: 'no name', input: { target: 'training/' }, message: invalidName },
      { name: 'an invalid name', input: { target: 'training/a_b' }, message: invalidName },
      {
        name: 'a branch',
        input: { ...pipeline, ref: 'main' },
        message: 'input.ref must be the number of a pipeline version',
      },
      {
        name: 'a version of a training',
        input: { ...training, ref: '3' },
        message: 'input.ref is not supported. A training has no versions',
      },
    ],
    refused: [
      { name: 'an unknown pipeline', input: { target: 'nope' }, reason: 'does not exist' },
      { name: 'an unknown training', input: { target: 'training/nope' }, reason: 'Requested resource not found' },
      { name: 'an unknown tuning', input: { target: 'tuning/nope' }, reason: 'not' },
      {
        name: 'an unknown parameter',
        input: { ...pipeline, parameters: { Epoch: 1 } },
        reason: 'Unknown parameter: Epoch',
      },
      {
        name: 'a missing permission',
        change: withState({ denied: [operations[kind].starts] }),
        reason: operations[kind].starts,
      },
    ],
    checks: [
      { connection: targets[kind], requests: [operations[kind].reads] },
      { requests: ['DescribeTrainingJob'], change: withState({ denied: ['DescribeTrainingJob'] }) },
    ],
    failedChecks: [
      { reason: 'not', connection: { target: targets[kind].target.replace(/[^/]+$/, 'nope') } },
      {
        reason: operations[kind].reads,
        connection: targets[kind],
        change: withState({ denied: [operations[kind].reads] }),
      },
    ],
    slowStop: { state: 'Stopping' },
    refusedStops: [
      { change: withState({ denied: [operations[kind].stops] }), reason: `sagemaker:${operations[kind].stops}` },
      { change: withState({ executions: [], trainings: {}, tunings: {} }), reason: '' },
    ],
    invalidIds: {
      ids: ['churn-model', 'pipeline/churn-model', execution.replace('/execution/', '/'), 'training/', 'tuning/a b'],
      message: 'input.id must be like training/churn-',
    },
  })

const { server, connected } = suite('pipeline')
describe.each(['training', 'tuning'] as const)('%s', (kind) => void suite(kind))

test('Amazon SageMaker: a start of a pipeline has the idempotency key as its token and in its name, and text parameters', async () => {
  const target = 'pipeline/churn-model'
  await connected().start({ target, ref: '3', parameters: { Epochs: 10, Columns: ['age', 'plan'] } })
  expect(server.asked('StartPipelineExecution')).toEqual({
    PipelineName: 'churn-model',
    PipelineExecutionDisplayName: `churn-model-${digits}`,
    PipelineVersionId: 3,
    PipelineParameters: [
      { Name: 'Epochs', Value: '10' },
      { Name: 'Columns', Value: '["age","plan"]' },
    ],
    ClientRequestToken: keyOf(1),
  })
})

describe('Amazon SageMaker: a training', () => {
  test('copies the definition of the earlier one and overrides its parameters', async () => {
    await connected().start({ ...training, parameters: { lr: 0.01, layers: [64, 8] } })
    const copied = [
      'AlgorithmSpecification',
      'RoleArn',
      'InputDataConfig',
      'OutputDataConfig',
      'ResourceConfig',
      'VpcConfig',
      'StoppingCondition',
      'EnableNetworkIsolation',
      'Environment',
      'ProfilerConfig',
    ] as const
    expect(server.asked('CreateTrainingJob')).toEqual({
      ...Object.fromEntries(copied.map((name) => [name, trained[name]])),
      EnableInterContainerTrafficEncryption: false,
      EnableManagedSpotTraining: false,
      TrainingJobName: `churn-weekly-${digits}`,
      HyperParameters: { epochs: '10', lr: '0.01', layers: '[64,8]' },
    })
  })

  test('of an AWS algorithm is created without its metrics', async () => {
    const shown = { TrainingImage: builtIn, TrainingInputMode: 'File', MetricDefinitions: [{ Name: 'x', Regex: 'y' }] }
    Object.assign(server.state.trainings['churn-weekly'] ?? {}, { AlgorithmSpecification: shown })
    await connected().start(training)
    expect(server.asked('CreateTrainingJob')).toMatchObject({
      AlgorithmSpecification: { TrainingImage: builtIn, TrainingInputMode: 'File' },
      HyperParameters: { epochs: '10' },
    })
  })

  test.each([
    ['a'.repeat(63), `${'a'.repeat(46)}-${digits}`],
    [`${'a'.repeat(45)}-${'b'.repeat(17)}`, `${'a'.repeat(45)}-${digits}`],
    ['x', `x-${digits}`],
  ])('after %s has a valid name', async (earlier, name) => {
    server.state.trainings[earlier] = structuredClone(trained)
    const { outcome } = await connected().start({ target: `training/${earlier}` })
    expect(outcome.data).toMatchObject({ id: `training/${name}` })
  })

  test('is found by a retry although it used the quota', async () => {
    server.state.quota = 1
    await connected().start(training)
    expect((await connected().start(training, { isRetry: true })).outcome).toMatchObject({ result: 'pass' })
  })

  test('waits for a quota that other jobs use, but not for one that is too small', async () => {
    server.state.quota = 1
    await connected().start(training)
    const busy = connected().start(training, { key: keyOf(2) })
    const waiting = { transient: true, mayHaveWritten: false }
    await expectFailure(busy, waiting, 'with current utilization of 1 Instances')
    Object.assign(server.state, { quota: 0, trainings: { 'churn-weekly': trained } })
    await expectFailure(connected().start(training), 'refused', 'Please use AWS Service Quotas')
  })

  test('reports its progress', async () => {
    const running = await connected().pollAfter(training, () => undefined)
    const progress = 'Starting: Preparing the instances for training'
    expect(running).toMatchObject({ status: 'InProgress', progress })
  })

  const metric = (MetricName: string, Value: number | string) => ({ MetricName, Value, Timestamp: STARTED_AT + 700 })

  test('returns its metrics, its model and its duration', async () => {
    const ended = await endTraining('Completed', {
      SecondaryStatus: 'Completed',
      TrainingEndTime: STARTED_AT + 754,
      BillableTimeInSeconds: 600,
      FinalMetricDataList: [
        metric('validation:auc', 0.93),
        metric('train:loss', 'NaN'),
        metric('train:norm', 'Infinity'),
      ],
    })
    const url = `${page}/jobs/churn-weekly-${digits}`
    expect(JSON.parse(JSON.stringify(ended))).toMatchObject({
      data: {
        id: trainingId,
        url,
        state: 'Completed',
        duration: 754,
        ...times,
        billableSeconds: 600,
        model: `s3://models/churn-weekly-${digits}/output/model.tar.gz`,
        metrics: { 'validation:auc': 0.93 },
      },
      links: { [`amazon-sagemaker ${trainingId}`]: url },
    })
  })

  test('has thresholds that a value such as NaN never meets', async () => {
    const thresholds = [
      { metric: 'validation:auc', op: '>', value: 0.9 },
      { metric: 'train:loss', op: '<', value: 5 },
    ]
    const FinalMetricDataList = [metric('validation:auc', 0.93), metric('train:loss', 'NaN')]
    const { result, message } = await endTraining('Completed', { FinalMetricDataList }, { thresholds })
    expect(`${result}: ${message}`).toMatch(/^fail: .* ended as Completed: train:loss was not measured/)
  })

  test.each([
    ['AlgorithmError: Exit code: 1', 'succeeded'],
    ['ClientError: Data download failed', 'succeeded'],
    ['InternalServerError: We encountered an internal error.', 'errored'],
    ['CapacityError: Unable to provision requested ML compute capacity.', 'errored'],
  ])('that failed with %s is %s', async (FailureReason, status) => {
    const message = expect.stringContaining(FailureReason)
    expect(await endTraining('Failed', { FailureReason })).toMatchObject({ status, result: 'fail', message })
  })
})

describe('Amazon SageMaker: a tuning', () => {
  const best = {
    TrainingJobName: 'churn-tuning-017-0a1b2c3d',
    TrainingJobArn: 'arn:aws:sagemaker:eu-west-1:123456789012:training-job/churn-tuning-017-0a1b2c3d',
    CreationTime: STARTED_AT,
    TrainingJobStatus: 'Completed',
    TunedHyperParameters: { lr: '0.037' },
    FinalHyperParameterTuningJobObjectiveMetric: { Type: 'Maximize', MetricName: 'validation:auc', Value: 0.94 },
    ObjectiveStatus: 'Succeeded',
  }
  const counters = { Completed: 18, InProgress: 0, RetryableError: 0, NonRetryableError: 1, Stopped: 1 }
  const results = { BestTrainingJob: best, TrainingJobStatusCounters: counters }
  const created = () => server.asked('CreateHyperParameterTuningJob')

  test('copies the definition of the earlier one and overrides its static parameters', async () => {
    await connected().start({ ...tuning, parameters: { epochs: 3 } })
    expect(created()).toEqual({
      HyperParameterTuningJobName: `churn-tuning-${digits}`,
      HyperParameterTuningJobConfig: tuned['HyperParameterTuningJobConfig'],
      TrainingJobDefinition: { ...(tuned['TrainingJobDefinition'] as object), StaticHyperParameters: { epochs: '3' } },
      WarmStartConfig: tuned['WarmStartConfig'],
    })
  })

  test('of several definitions copies all of them', async () => {
    const { TrainingJobDefinition: one, ...others } = structuredClone(tuned)
    const named = (DefinitionName: string) => ({ ...(one as object), DefinitionName })
    server.state.tunings['churn-tuning'] = { ...others, TrainingJobDefinitions: [named('small'), named('large')] }
    await connected().start({ ...tuning, parameters: { epochs: 3 } })
    const StaticHyperParameters = { epochs: '3' }
    expect(created()).toMatchObject({
      TrainingJobDefinitions: [
        { DefinitionName: 'small', StaticHyperParameters },
        { DefinitionName: 'large', StaticHyperParameters },
      ],
    })
  })

  test('of an AWS algorithm is created without its metrics', async () => {
    const AlgorithmSpecification = { TrainingImage: builtIn, TrainingInputMode: 'File' }
    const definition = server.state.tunings['churn-tuning']?.['TrainingJobDefinition'] as Record<string, unknown>
    definition['AlgorithmSpecification'] = { ...AlgorithmSpecification, MetricDefinitions: [] }
    await connected().start(tuning)
    expect(created()).toMatchObject({ TrainingJobDefinition: { AlgorithmSpecification } })
  })

  test.each([
    [{}, '0 of 20 trainings ended, 0 running'],
    [
      { BestTrainingJob: best, TrainingJobStatusCounters: { ...counters, Completed: 5, InProgress: 2 } },
      '7 of 20 trainings ended, 2 running; best so far: validation:auc 0.94',
    ],
  ])('reports its progress and the best training so far: %#', async (shown, progress) => {
    const running = await connected().pollAfter(tuning, () => change(tuningId, 'InProgress', shown))
    expect(running).toMatchObject({ status: 'InProgress', progress })
  })

  test('returns the best configuration, its result and the number of trainings', async () => {
    const OverallBestTrainingJob = { ...best, TrainingJobName: 'churn-parent-003' }
    const HyperParameterTuningEndTime = STARTED_AT + 7_200
    const ended = await endTuning('Completed', { ...results, OverallBestTrainingJob, HyperParameterTuningEndTime })
    const url = `${page}/hyper-tuning-jobs/churn-tuning-${digits}`
    const expected = { hyperParameters: { lr: '0.037' }, metric: 'validation:auc', value: 0.94 }
    expect(ended).toMatchObject({
      status: 'succeeded',
      result: 'pass',
      message: `Run ${tuningId} ended as Completed`,
      data: {
        id: tuningId,
        url,
        state: 'Completed',
        duration: 7_200,
        ...times,
        trainingsCompleted: 18,
        trainingsFailed: 1,
        trainingsStopped: 1,
        best: { training: best.TrainingJobName, ...expected },
        overallBest: { training: 'churn-parent-003', ...expected },
      },
      links: {
        [`amazon-sagemaker ${tuningId}`]: url,
        [`training ${best.TrainingJobName}`]: `${page}/jobs/${best.TrainingJobName}`,
      },
    })
  })

  test('has thresholds for its objective', async () => {
    const thresholds = [
      { metric: 'validation:auc', op: '>', value: 0.9, warn: 0.95 },
      { metric: 'trainingsFailed', op: '<', value: 5 },
    ]
    const { result, message } = await endTuning('Completed', results, { thresholds })
    expect(`${result}: ${message}`).toMatch(/^warning: .*validation:auc is 0.94, not > 0.95/)
  })

  test('whose best objective is not a number returns the configuration without it', async () => {
    const objective = { MetricName: 'validation:auc', Value: 'NaN' }
    const BestTrainingJob = { ...best, FinalHyperParameterTuningJobObjectiveMetric: objective }
    const { data } = await endTuning('Completed', { BestTrainingJob })
    const expected = { training: best.TrainingJobName, hyperParameters: { lr: '0.037' } }
    expect(JSON.parse(JSON.stringify(data?.['best']))).toEqual(expected)
  })

  test('without a result does not pass', async () => {
    const { result, message } = await endTuning('Completed')
    expect(`${result}: ${message}`).toMatch(/^fail: .*no training reported the objective/)
  })

  test.each(['No training job succeeded after 5 attempts.', 'InternalServerError: We encountered an internal error.'])(
    'that failed has the reason, and the best configuration: %s',
    async (FailureReason) => {
      const { message, data } = await endTuning('Failed', { ...results, FailureReason })
      expect(message).toContain(FailureReason)
      expect(data).toMatchObject({ best: { training: best.TrainingJobName } })
    },
  )
})

describe('Amazon SageMaker: an execution of a pipeline', () => {
  const step = (StepName: string, StepStatus: string, more: object = {}) => ({ StepName, StepStatus, ...more })

  test('reports the running steps', async () => {
    const steps = [step('Prepare', 'Succeeded'), step('Train', 'Executing'), step('Baseline', 'Starting')]
    const running = await connected().pollAfter(pipeline, () => change(execution, 'Executing', { steps }))
    expect(running).toMatchObject({ progress: 'step Baseline, Train' })
  })

  test('that failed names the first failed step of many and the reason', async () => {
    const steps = [
      step('Prepare', 'Failed', { FailureReason: 'AlgorithmError: Exit code: 1' }),
      ...Array.from({ length: 12 }, (_, at) => step(`Other${at}`, 'Stopped')),
      step('Evaluate', 'Failed', { FailureReason: 'ClientError: stopped' }),
    ]
    const ended = await endPipeline('Failed', { reason: 'Step failure: One or multiple steps failed.', steps })
    expect(ended.message).toBe(`Run ${execution} ended as Failed: step Prepare failed: AlgorithmError: Exit code: 1`)
    expect(ended.data).toEqual({ id: execution, state: 'Failed', ...times, duration: 90, failedStep: 'Prepare' })
  })

  test('has a verdict if its steps cannot be read', async () => {
    server.state.denied = ['ListPipelineExecutionSteps']
    const { result, message } = await endPipeline('Succeeded')
    expect(`${result}: ${message}`).toMatch(/^pass: .*its steps cannot be read/)
    server.failNext(500, {}, { on: 'ListPipelineExecutionSteps' })
    await expectFailure(awsSageMaker.getStatus(connected().client(), { id: execution }), { transient: true })
  })
})

test.each([
  [pipeline, operations.pipeline.stops, `stop-${keyOf(1)}`],
  [training, operations.training.stops, undefined],
  [tuning, operations.tuning.stops, undefined],
])('Amazon SageMaker: a run of %j is stopped by %s with the token %s', async (input, stops, token) => {
  await connected().stopAtDeadline(await connected().start(input), input)
  expect(server.asked(stops)['ClientRequestToken']).toBe(token)
})
