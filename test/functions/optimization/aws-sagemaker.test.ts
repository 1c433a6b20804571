import '../aws.ts'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { actions } from '../../../functions/optimization/actions.ts'
import { awsSageMaker } from '../../../functions/optimization/providers/aws-sagemaker.ts'
import {
  builtIn,
  type SageMakerServer,
  STARTED_AT,
  startSageMaker,
  trained,
  tuned,
} from '../../../infra/platforms/aws-sagemaker.ts'
import { jobConformance } from '../../conformance/job.ts'
import { sageMakerPlatforms } from '../../conformance/job-platforms/optimization.ts'
import { failureOf, keyOf } from '../helpers.ts'
import { Job } from '../job.ts'
import { times } from '../times.ts'

let server: SageMakerServer
beforeEach(async () => {
  server = await startSageMaker()
})
afterEach(() => server.close())

const digits = keyOf(1).slice(-16)
const execution = 'arn:aws:sagemaker:eu-west-1:123456789012:pipeline/churn-model/execution/e1xxxxxxxxxx'
const page = 'https://eu-west-1.console.aws.amazon.com/sagemaker/home?region=eu-west-1#'
const pipeline = { target: 'churn-model' }
const training = { target: 'training/churn-weekly' }
const tuning = { target: 'tuning/churn-tuning' }
/** Each kind: the input, the id of its run, and the operations that start and stop it. */
const kinds: [kind: string, input: { target: string }, id: string, starts: string, stops: string][] = [
  ['a pipeline', pipeline, execution, 'StartPipelineExecution', 'StopPipelineExecution'],
  ['a training', training, `training/churn-weekly-${digits}`, 'CreateTrainingJob', 'StopTrainingJob'],
  ['a tuning', tuning, `tuning/churn-tuning-${digits}`, 'CreateHyperParameterTuningJob', 'StopHyperParameterTuningJob'],
]

const connected = (fields: object = {}) =>
  new Job(awsSageMaker, { start: actions['start-model'], stop: actions['stop-model'] }, () => ({
    endpoint: server.url,
    region: 'eu-west-1',
    ...fields,
  }))

/** The run of an id, as the platform has it. */
function runOf(id: string): Record<string, unknown> {
  const { executions, trainings, tunings } = server.state
  const name = id.split('/')[1] ?? ''
  const found = executions.find(({ arn }) => arn === id) ?? (id.startsWith('tuning/') ? tunings : trainings)[name]
  if (!found) throw new Error(`There is no ${id}`)
  return found as unknown as Record<string, unknown>
}

/** Its status, in the field of its kind. */
function setStatus(id: string, status: string, more: object = {}) {
  const field = id.startsWith('arn:')
    ? 'status'
    : id.startsWith('tuning/')
      ? 'HyperParameterTuningJobStatus'
      : 'TrainingJobStatus'
  Object.assign(runOf(id), { [field]: status, ...more })
}

const failed = { fail: ['Failed'], aborted: ['Stopped'] }
const faults = ['Failed/InternalServerError', 'Failed/CapacityError']
const states = {
  pipeline: { running: ['Executing', 'Stopping'], pass: ['Succeeded'], ...failed },
  training: {
    running: ['InProgress', 'Stopping', 'Deleting'],
    pass: ['Completed'],
    fail: ['Failed', 'Stopped/MaxRuntimeExceeded'],
    aborted: ['Stopped'],
    errored: [...faults, 'Stopped/MaxWaitTimeExceeded'],
  },
  tuning: {
    running: ['InProgress', 'Stopping', 'Deleting'],
    pass: ['Completed'],
    ...failed,
    errored: [...faults, 'DeleteFailed'],
  },
}
for (const kind of ['pipeline', 'training', 'tuning'] as const)
  jobConformance(
    awsSageMaker,
    { start: actions['start-model'], stop: actions['stop-model'] },
    sageMakerPlatforms[kind],
    {
      name: `Amazon SageMaker: a ${kind}`,
      states: states[kind],
      otherStates: Object.values(states).flatMap((one) => Object.values(one).flat()),
    },
  )

describe('Amazon SageMaker: the connection', () => {
  test.each([
    [pipeline, 'ListPipelineExecutions'],
    [training, 'DescribeTrainingJob'],
    [tuning, 'DescribeHyperParameterTuningJob'],
  ])('to %j is tested by reading it', async (fields, operation) => {
    await awsSageMaker.check(connected(fields).client())
    expect(server.operations()).toEqual([operation])
    server.state.denied = [operation]
    expect(await failureOf(awsSageMaker.check(connected(fields).client()))).toMatchObject({ kind: 'refused' })
  })

  test.each(['nope', 'training/nope', 'tuning/nope'])('to the missing %s fails the test', async (target) => {
    expect(await failureOf(awsSageMaker.check(connected({ target }).client()))).toMatchObject({ kind: 'refused' })
  })

  test('without a target tests only the credentials', async () => {
    await awsSageMaker.check(connected().client())
    server.state.denied = ['DescribeTrainingJob']
    await awsSageMaker.check(connected().client())
    server.failNext(400, { __type: 'UnrecognizedClientException', message: 'The security token is invalid.' })
    expect(await failureOf(awsSageMaker.check(connected().client()))).toMatchObject({ kind: 'credentials' })
    server.down()
    expect(await failureOf(awsSageMaker.check(connected().client()))).toMatchObject({ kind: 'platform' })
  })
})

describe.each(kinds)('Amazon SageMaker: a start of %s', (_kind, input, id, starts) => {
  test('starts a run and returns at once', async () => {
    const { outcome } = await connected(input).start({})
    expect(outcome).toMatchObject({ result: 'pass', message: `Started run ${id}`, data: { id, state: 'started' } })
    expect(server.operations().filter((operation) => operation === starts)).toHaveLength(1)
    expect(runOf(id)).toBeDefined()
  })

  test('is refused for a project before anything is sent', async () => {
    const failure = await failureOf(connected().start({ ...input, project: 'shop' }))
    expect(failure).toMatchObject({ kind: 'invalid', status: 400 })
    expect(failure.message).toContain('input.project is not supported')
    expect(server.calls).toEqual([])
  })

  test('shows the reason of AWS for an unknown name', async () => {
    const failure = await failureOf(connected().start({ target: input.target.replace(/churn-.*/, 'nope') }))
    expect(failure).toMatchObject({ kind: 'refused', status: 422 })
    expect(failure.message).toMatch(/does not exist|Requested resource not found/)
  })

  test('names the missing permission', async () => {
    server.state.denied = [starts]
    const failure = await failureOf(connected().start(input))
    expect(failure).toMatchObject({ kind: 'refused', mayHaveWritten: false })
    expect(failure.message).toContain(`sagemaker:${starts} action. Allow it under awsProviders in cdk.json`)
  })

  test('finds the run of the first attempt after a lost response', async () => {
    server.loseNext(starts)
    expect(await failureOf(connected().start(input))).toMatchObject({ transient: true, mayHaveWritten: true })
    expect((await connected().start(input, { isRetry: true })).outcome.data).toMatchObject({ id })
    const { executions, trainings, tunings } = server.state
    expect(executions.length + Object.keys(trainings).length + Object.keys(tunings).length).toBe(3)
  })

  test('that is sent twice at the same time is one run', async () => {
    const [one, other] = await Promise.all([connected().start(input), connected().start(input)])
    expect(other.outcome.data['id']).toBe(one.outcome.data['id'])
  })

  test('starts another run for another event or without a key', async () => {
    const ids = new Set<unknown>()
    for (const key of [keyOf(1), keyOf(2), undefined, undefined])
      ids.add((await connected().start(input, { key })).outcome.data?.['id'])
    expect(ids.size).toBe(4)
  })
})

describe('Amazon SageMaker: a start of a pipeline', () => {
  test('has the idempotency key as its token and in its name, and text parameters', async () => {
    await connected().start({ ...pipeline, ref: '3', parameters: { Epochs: 10, Columns: ['age', 'plan'] } })
    expect(server.asked('StartPipelineExecution')).toEqual({
      PipelineName: 'churn-model',
      PipelineExecutionDisplayName: `churn-model-${digits}`,
      PipelineParameters: [
        { Name: 'Epochs', Value: '10' },
        { Name: 'Columns', Value: '["age","plan"]' },
      ],
      PipelineVersionId: 3,
      ClientRequestToken: keyOf(1),
    })
  })

  test('accepts pipeline/<name>', async () => {
    await connected().start({ target: 'pipeline/churn-model' })
    expect(runOf(execution)).toMatchObject({ pipeline: 'churn-model' })
  })

  test('shows the reason of AWS for an unknown parameter', async () => {
    const failure = await failureOf(connected().start({ ...pipeline, parameters: { Epoch: 1 } }))
    expect(failure).toMatchObject({ kind: 'refused' })
    expect(failure.message).toContain('Unknown parameter: Epoch')
  })
})

test.each([
  [{ target: 'a/b' }, 'input.target must be the name of a pipeline'],
  [{ target: 'processing/x' }, 'input.target must be the name of a pipeline'],
  [{ target: 'training/' }, 'input.target must be the name of a pipeline'],
  [{ target: 'training/a_b' }, 'input.target must be the name of a pipeline'],
  [{ ...pipeline, ref: 'main' }, 'input.ref must be the number of a pipeline version'],
  [{ ...training, ref: '3' }, 'input.ref is not supported. A training has no versions'],
])('Amazon SageMaker: a start of %j is refused before anything is sent', async (input, message) => {
  const failure = await failureOf(connected().start(input))
  expect(failure).toMatchObject({ kind: 'invalid', status: 400 })
  expect(failure.message).toContain(message)
  expect(server.calls).toEqual([])
})

describe('Amazon SageMaker: a training', () => {
  test('copies the definition of the earlier one and overrides its parameters', async () => {
    await connected().start({ ...training, parameters: { lr: 0.01, layers: [64, 8] } })
    const { AlgorithmSpecification, RoleArn, InputDataConfig, OutputDataConfig, ResourceConfig, VpcConfig } = trained
    const { StoppingCondition, EnableNetworkIsolation, Environment, ProfilerConfig } = trained
    expect(server.asked('CreateTrainingJob')).toEqual({
      ...{ AlgorithmSpecification, RoleArn, InputDataConfig, OutputDataConfig, ResourceConfig, VpcConfig },
      ...{ StoppingCondition, EnableNetworkIsolation, Environment, ProfilerConfig },
      ...{ EnableInterContainerTrafficEncryption: false, EnableManagedSpotTraining: false },
      TrainingJobName: `churn-weekly-${digits}`,
      HyperParameters: { epochs: '10', lr: '0.01', layers: '[64,8]' },
    })
  })

  test('of an AWS algorithm is created without its metrics', async () => {
    const shown = { TrainingImage: builtIn, TrainingInputMode: 'File', MetricDefinitions: [{ Name: 'x', Regex: 'y' }] }
    Object.assign(server.state.trainings['churn-weekly'] ?? {}, { AlgorithmSpecification: shown })
    expect((await connected().start(training)).outcome).toMatchObject({ result: 'pass' })
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
    const busy = await failureOf(connected().start(training, { key: keyOf(2) }))
    expect(busy).toMatchObject({ transient: true, mayHaveWritten: false })
    expect(busy.message).toContain('with current utilization of 1 Instances')
    server.state.quota = 0
    server.state.trainings = { 'churn-weekly': trained }
    const never = await failureOf(connected().start(training))
    expect(never).toMatchObject({ kind: 'refused' })
    expect(never.message).toContain('Please use AWS Service Quotas')
  })

  test('reports its progress', async () => {
    const started = await connected().start(training)
    expect(await connected().poll(started, training)).toMatchObject({
      status: 'InProgress',
      progress: 'Starting: Preparing the instances for training',
    })
  })

  test('returns its metrics, its model and its duration', async () => {
    const started = await connected().start(training)
    const id = `training/churn-weekly-${digits}`
    const url = `${page}/jobs/churn-weekly-${digits}`
    setStatus(id, 'Completed', {
      SecondaryStatus: 'Completed',
      TrainingEndTime: STARTED_AT + 754,
      BillableTimeInSeconds: 600,
      FinalMetricDataList: [
        { MetricName: 'validation:auc', Value: 0.93, Timestamp: STARTED_AT + 700 },
        { MetricName: 'train:loss', Value: 'NaN', Timestamp: STARTED_AT + 700 },
        { MetricName: 'train:norm', Value: 'Infinity', Timestamp: STARTED_AT + 700 },
      ],
    })
    const ended = await connected().end(started, training)
    expect(JSON.parse(JSON.stringify(ended))).toEqual({
      status: 'succeeded',
      result: 'pass',
      message: `Run ${id} ended as Completed`,
      data: {
        ...{ id, url, state: 'Completed', duration: 754, ...times, billableSeconds: 600 },
        model: `s3://models/churn-weekly-${digits}/output/model.tar.gz`,
        metrics: { 'validation:auc': 0.93 },
      },
      links: { [`amazon-sagemaker ${id}`]: url },
    })
  })

  test('has thresholds that a value such as NaN never meets', async () => {
    const input = {
      ...training,
      thresholds: [
        { metric: 'validation:auc', op: '>', value: 0.9 },
        { metric: 'train:loss', op: '<', value: 5 },
      ],
    }
    const started = await connected().start(input)
    setStatus(`training/churn-weekly-${digits}`, 'Completed', {
      FinalMetricDataList: [
        { MetricName: 'validation:auc', Value: 0.93 },
        { MetricName: 'train:loss', Value: 'NaN' },
      ],
    })
    const ended = await connected().end(started, input)
    expect(ended).toMatchObject({ status: 'succeeded', result: 'fail' })
    expect(ended.message).toContain('ended as Completed: train:loss was not measured')
  })

  test.each<[status: string, secondary: string, expected: string, reason?: string]>([
    ...[
      ...['Starting', 'Pending', 'LaunchingMLInstances', 'PreparingTrainingStack', 'Downloading'],
      ...['DownloadingTrainingImage', 'Training', 'Uploading', 'Interrupted', 'Updating', 'Restarting'],
    ].map((secondary): [string, string, string] => ['InProgress', secondary, 'running']),
    ['Stopping', 'Stopping', 'running'],
    ['Deleting', 'Completed', 'running'],
    ['Completed', 'Completed', 'succeeded, pass'],
    ['Failed', 'Failed', 'succeeded, fail'],
    ['Failed', 'Failed', 'succeeded, fail', 'AlgorithmError: Exit code: 1'],
    ['Failed', 'Failed', 'succeeded, fail', 'ClientError: Data download failed'],
    ['Failed', 'Failed', 'errored, fail', 'InternalServerError: We encountered an internal error.'],
    ['Failed', 'Failed', 'errored, fail', 'CapacityError: Unable to provision requested ML compute capacity.'],
    ['Stopped', 'Stopped', 'aborted, fail'],
    ['Stopped', 'MaxRuntimeExceeded', 'succeeded, fail'],
    ['Stopped', 'MaxWaitTimeExceeded', 'errored, fail'],
    ['Shiny', 'New', 'running'],
  ])('that is %s, %s: %s', async (status, secondary, expected, reason = '') => {
    const started = await connected().start(training)
    setStatus(`training/churn-weekly-${digits}`, status, {
      SecondaryStatus: secondary,
      ...(reason ? { FailureReason: reason } : {}),
    })
    const polled = await connected().poll(started, training)
    expect('outcome' in polled ? `${polled.outcome.status}, ${polled.outcome.result}` : 'running').toBe(expected)
    if (reason) expect(polled).toMatchObject({ outcome: { message: expect.stringContaining(reason) } })
  })
})

describe('Amazon SageMaker: a tuning', () => {
  const id = `tuning/churn-tuning-${digits}`
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

  test('copies the definition of the earlier one and overrides its static parameters', async () => {
    await connected().start({ ...tuning, parameters: { epochs: 3 } })
    expect(server.asked('CreateHyperParameterTuningJob')).toEqual({
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
    expect(server.asked('CreateHyperParameterTuningJob')).toMatchObject({
      TrainingJobDefinitions: [
        { DefinitionName: 'small', StaticHyperParameters: { epochs: '3' } },
        { DefinitionName: 'large', StaticHyperParameters: { epochs: '3' } },
      ],
    })
  })

  test('of an AWS algorithm is created without its metrics', async () => {
    const definition = server.state.tunings['churn-tuning']?.['TrainingJobDefinition'] as Record<string, unknown>
    definition['AlgorithmSpecification'] = { TrainingImage: builtIn, TrainingInputMode: 'File', MetricDefinitions: [] }
    expect((await connected().start(tuning)).outcome).toMatchObject({ result: 'pass' })
    expect(server.asked('CreateHyperParameterTuningJob')).toMatchObject({
      TrainingJobDefinition: { AlgorithmSpecification: { TrainingImage: builtIn, TrainingInputMode: 'File' } },
    })
  })

  test('reports its progress and the best training so far', async () => {
    const started = await connected().start(tuning)
    expect(await connected().poll(started, tuning)).toMatchObject({
      status: 'InProgress',
      progress: '0 of 20 trainings ended, 0 running',
    })
    const some = { ...counters, Completed: 5, InProgress: 2 }
    setStatus(id, 'InProgress', { BestTrainingJob: best, TrainingJobStatusCounters: some })
    expect(await connected().poll(started, tuning)).toMatchObject({
      progress: '7 of 20 trainings ended, 2 running; best so far: validation:auc 0.94',
    })
  })

  test('returns the best configuration, its result and the number of trainings', async () => {
    const started = await connected().start(tuning)
    setStatus(id, 'Completed', {
      BestTrainingJob: best,
      OverallBestTrainingJob: { ...best, TrainingJobName: 'churn-parent-003' },
      TrainingJobStatusCounters: counters,
      HyperParameterTuningEndTime: STARTED_AT + 7_200,
    })
    const url = `${page}/hyper-tuning-jobs/churn-tuning-${digits}`
    const expected = { hyperParameters: { lr: '0.037' }, metric: 'validation:auc', value: 0.94 }
    expect(await connected().end(started, tuning)).toEqual({
      status: 'succeeded',
      result: 'pass',
      message: `Run ${id} ended as Completed`,
      data: {
        ...{ id, url, state: 'Completed', duration: 7_200, ...times },
        ...{ trainingsCompleted: 18, trainingsFailed: 1, trainingsStopped: 1 },
        best: { training: best.TrainingJobName, ...expected },
        overallBest: { training: 'churn-parent-003', ...expected },
      },
      links: {
        [`amazon-sagemaker ${id}`]: url,
        [`training ${best.TrainingJobName}`]: `${page}/jobs/${best.TrainingJobName}`,
      },
    })
  })

  test('has thresholds for its objective', async () => {
    const input = {
      ...tuning,
      thresholds: [
        { metric: 'validation:auc', op: '>', value: 0.9, warn: 0.95 },
        { metric: 'trainingsFailed', op: '<', value: 5 },
      ],
    }
    const started = await connected().start(input)
    setStatus(id, 'Completed', { BestTrainingJob: best, TrainingJobStatusCounters: counters })
    const ended = await connected().end(started, input)
    expect(ended).toMatchObject({ status: 'succeeded', result: 'warning' })
    expect(ended.message).toContain('validation:auc is 0.94, not > 0.95')
  })

  test('whose best objective is not a number returns the configuration without it', async () => {
    const started = await connected().start(tuning)
    const objective = { MetricName: 'validation:auc', Value: 'NaN' }
    setStatus(id, 'Completed', { BestTrainingJob: { ...best, FinalHyperParameterTuningJobObjectiveMetric: objective } })
    const { data } = await connected().end(started, tuning)
    expect(JSON.parse(JSON.stringify(data?.['best']))).toEqual({
      training: best.TrainingJobName,
      hyperParameters: { lr: '0.037' },
    })
  })

  test('without a result does not pass', async () => {
    const started = await connected().start(tuning)
    setStatus(id, 'Completed')
    const ended = await connected().end(started, tuning)
    expect(ended).toMatchObject({ status: 'succeeded', result: 'fail' })
    expect(ended.message).toContain('no training reported the objective')
  })

  test.each<[status: string, expected: string, reason?: string]>([
    ['InProgress', 'running'],
    ['Stopping', 'running'],
    ['Deleting', 'running'],
    ['Completed', 'succeeded, pass'],
    ['Failed', 'succeeded, fail', 'No training job succeeded after 5 attempts.'],
    ['Failed', 'errored, fail', 'InternalServerError: We encountered an internal error.'],
    ['Stopped', 'aborted, fail'],
    ['DeleteFailed', 'errored, fail'],
    ['Shiny', 'running'],
  ])('that is %s: %s', async (status, expected, reason = '') => {
    const started = await connected().start(tuning)
    setStatus(id, status, { BestTrainingJob: best, ...(reason ? { FailureReason: reason } : {}) })
    const polled = await connected().poll(started, tuning)
    expect('outcome' in polled ? `${polled.outcome.status}, ${polled.outcome.result}` : 'running').toBe(expected)
    if ('outcome' in polled)
      expect(polled.outcome.data).toMatchObject({ state: expect.stringMatching(`^${status}`), best: {} })
    if (reason) expect(polled).toMatchObject({ outcome: { message: expect.stringContaining(reason) } })
  })
})

describe('Amazon SageMaker: an execution of a pipeline', () => {
  const step = (StepName: string, StepStatus: string, more: object = {}) => ({ StepName, StepStatus, ...more })

  test('reports the running steps', async () => {
    const started = await connected().start(pipeline)
    expect(await connected().poll(started, pipeline)).toMatchObject({ status: 'Executing', progress: undefined })
    const steps = [step('Prepare', 'Succeeded'), step('Train', 'Executing'), step('Baseline', 'Starting')]
    setStatus(execution, 'Executing', { steps })
    expect(await connected().poll(started, pipeline)).toMatchObject({ progress: 'step Baseline, Train' })
  })

  test('that failed names the first failed step of many and the reason', async () => {
    const started = await connected().start(pipeline)
    const reason = 'Step failure: One or multiple steps failed.'
    const steps = [
      step('Prepare', 'Failed', { FailureReason: 'AlgorithmError: Exit code: 1' }),
      ...Array.from({ length: 12 }, (_, at) => step(`Other${at}`, 'Stopped')),
      step('Evaluate', 'Failed', { FailureReason: 'ClientError: stopped' }),
    ]
    setStatus(execution, 'Failed', { reason, steps })
    expect(await connected().end(started, pipeline)).toEqual({
      status: 'succeeded',
      result: 'fail',
      message: `Run ${execution} ended as Failed: step Prepare failed: AlgorithmError: Exit code: 1`,
      data: { id: execution, state: 'Failed', ...times, duration: 90, failedStep: 'Prepare' },
      links: {},
    })
  })

  test('has a verdict if its steps cannot be read', async () => {
    const started = await connected().start(pipeline)
    setStatus(execution, 'Succeeded')
    server.state.denied = ['ListPipelineExecutionSteps']
    const ended = await connected().end(started, pipeline)
    expect(ended).toMatchObject({ status: 'succeeded', result: 'pass' })
    expect(ended.message).toContain('its steps cannot be read')
    server.failNext(500, {}, { on: 'ListPipelineExecutionSteps' })
    expect(await failureOf(connected().poll(started, pipeline))).toMatchObject({ transient: true })
  })

  test.each([
    ['Executing', 'running'],
    ['Stopping', 'running'],
    ['Succeeded', 'succeeded, pass'],
    ['Failed', 'succeeded, fail'],
    ['Stopped', 'aborted, fail'],
    ['Shiny', 'running'],
  ])('that is %s: %s', async (status, expected) => {
    const started = await connected().start(pipeline)
    setStatus(execution, status)
    const polled = await connected().poll(started, pipeline)
    expect('outcome' in polled ? `${polled.outcome.status}, ${polled.outcome.result}` : 'running').toBe(expected)
  })
})

describe.each(kinds)('Amazon SageMaker: a run of %s', (_kind, input, id, _starts, stops) => {
  test('with an unknown state is running', async () => {
    const started = await connected().start(input)
    setStatus(id, 'Shiny')
    expect(await connected().poll(started, input)).toMatchObject({ status: 'Shiny (unknown state)' })
  })

  test('can be polled again after other responses, and is refused if it does not exist', async () => {
    const started = await connected().start(input)
    server.down()
    expect(await failureOf(connected().poll(started, input))).toMatchObject({ transient: true })
    server.down(false)
    for (const body of ['<html></html>', {}] as const) {
      server.failNext(typeof body === 'string' ? 500 : 200, body)
      expect(await failureOf(connected().poll(started, input))).toMatchObject({ kind: 'platform', transient: true })
    }
    Object.assign(server.state, { executions: [], trainings: {}, tunings: {} })
    expect(await failureOf(connected().poll(started, input))).toMatchObject({ kind: 'refused' })
  })

  test('is stopped and polled until it has ended', async () => {
    await connected().start(input)
    expect(await connected().stop({ id })).toMatchObject({ message: 'still Stopping' })
    expect(await connected().stop({ id })).toMatchObject({ message: 'still Stopping' })
    setStatus(id, 'Stopped')
    expect(await connected().stop({ id })).toMatchObject({
      result: 'pass',
      message: `Run ${id} had ended already (Stopped)`,
    })
  })

  test('is stopped at its deadline with another token', async () => {
    const started = await connected().start(input)
    expect(await connected().stopAtDeadline(started, input)).toBe(true)
    if (stops === 'StopPipelineExecution')
      expect(server.asked(stops)).toMatchObject({ ClientRequestToken: `stop-${keyOf(1)}` })
    expect(await connected().poll(started, input)).toMatchObject({ status: 'Stopping' })
  })

  test('passes if it ends before the stop', async () => {
    await connected().start(input)
    setStatus(id, 'Failed')
    await awsSageMaker.stop(connected().client({ key: undefined }), { id })
    expect(server.operations()).toContain(stops)
  })

  test('shows the reason if it cannot be stopped', async () => {
    await connected().start(input)
    server.state.denied = [stops]
    expect((await failureOf(connected().stop({ id }))).message).toContain(`sagemaker:${stops}`)
    server.state.denied = []
    server.failNext(503, {}, { on: stops })
    expect(await failureOf(connected().stop({ id }))).toMatchObject({ transient: true })
    expect(server.operations().at(-1)).toBe(stops)
    Object.assign(server.state, { executions: [], trainings: {}, tunings: {} })
    expect(await failureOf(connected().stop({ id }))).toMatchObject({ kind: 'refused' })
  })
})

test.each(['churn-model', 'pipeline/churn-model', execution.replace('/execution/', '/'), 'training/', 'tuning/a b'])(
  'Amazon SageMaker: a stop refuses the id %s',
  async (id) => {
    const failure = await failureOf(connected().stop({ id }))
    expect(failure).toMatchObject({ kind: 'invalid' })
    expect(failure.message).toContain('input.id must be like training/churn-')
    expect(server.calls).toEqual([])
  },
)
