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
import { secretsIn } from '../../../shared/fields.ts'
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
/** Each kind: what is asked for, the run that it becomes, and how that is asked for and stopped. */
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

describe('the connection', () => {
  test.each([
    [pipeline, 'ListPipelineExecutions'],
    [training, 'DescribeTrainingJob'],
    [tuning, 'DescribeHyperParameterTuningJob'],
  ])('to %j is checked by a look at it', async (fields, operation) => {
    await awsSageMaker.check(connected(fields).client())
    expect(server.operations()).toEqual([operation])
    server.state.denied = [operation]
    expect(await failureOf(awsSageMaker.check(connected(fields).client()))).toMatchObject({ kind: 'refused' })
  })

  test.each(['nope', 'training/nope', 'tuning/nope'])('to %s, which is not there, is told', async (target) => {
    expect(await failureOf(awsSageMaker.check(connected({ target }).client()))).toMatchObject({ kind: 'refused' })
  })

  test('without a target is checked for whether AWS knows who asks', async () => {
    await awsSageMaker.check(connected().client())
    server.state.denied = ['DescribeTrainingJob']
    await awsSageMaker.check(connected().client())
    server.failNext(400, { __type: 'UnrecognizedClientException', message: 'The security token is invalid.' })
    expect(await failureOf(awsSageMaker.check(connected().client()))).toMatchObject({ kind: 'credentials' })
    server.down()
    expect(await failureOf(awsSageMaker.check(connected().client()))).toMatchObject({ kind: 'platform' })
  })

  test('holds no secrets', () => {
    expect(secretsIn(awsSageMaker.connection, { region: 'eu-west-1', roleArn: 'a', externalId: 'b' })).toEqual([])
  })
})

describe.each(kinds)('a start of %s', (_kind, input, id, starts) => {
  test('begins a run, and answers at once', async () => {
    const { outcome } = await connected(input).start({})
    expect(outcome).toMatchObject({ result: 'pass', message: `Started run ${id}`, data: { id, state: 'started' } })
    expect(server.operations().filter((operation) => operation === starts)).toHaveLength(1)
    expect(runOf(id)).toBeDefined()
  })

  test('is refused before anything is sent for a project', async () => {
    const failure = await failureOf(connected().start({ ...input, project: 'shop' }))
    expect(failure).toMatchObject({ kind: 'invalid', status: 400 })
    expect(failure.message).toContain('input.project is of no use')
    expect(server.calls).toEqual([])
  })

  test('says in the words of AWS that there is nothing of that name', async () => {
    const failure = await failureOf(connected().start({ target: input.target.replace(/churn-.*/, 'nope') }))
    expect(failure).toMatchObject({ kind: 'refused', status: 422 })
    expect(failure.message).toMatch(/does not exist|Requested resource not found/)
  })

  test('says which permission is missing', async () => {
    server.state.denied = [starts]
    const failure = await failureOf(connected().start(input))
    expect(failure).toMatchObject({ kind: 'refused', afterWrite: false })
    expect(failure.message).toContain(`sagemaker:${starts}. Allow it under awsProviders in cdk.json`)
  })

  test('whose answer was lost is one with its repeat', async () => {
    server.loseNext(starts)
    expect(await failureOf(connected().start(input))).toMatchObject({ transient: true, afterWrite: true })
    expect((await connected().start(input, { isRetry: true })).outcome.data).toMatchObject({ id })
    const { executions, trainings, tunings } = server.state
    expect(executions.length + Object.keys(trainings).length + Object.keys(tunings).length).toBe(3)
  })

  test('that comes twice at the same time is one', async () => {
    const [one, other] = await Promise.all([connected().start(input), connected().start(input)])
    expect(other.outcome.data['id']).toBe(one.outcome.data['id'])
  })

  test('is not one with that of another call, nor with one that has no key', async () => {
    const ids = new Set<unknown>()
    for (const key of [keyOf(1), keyOf(2), undefined, undefined])
      ids.add((await connected().start(input, { key })).outcome.data?.['id'])
    expect(ids.size).toBe(4)
  })

  test('is tried again where AWS is down, answers HTML, or has had too much', async () => {
    server.down()
    expect(await failureOf(connected().start(input))).toMatchObject({ kind: 'platform', transient: true })
    server.down(false)
    server.failNext(500, '<html><title>Oops</title></html>', { on: starts })
    expect(await failureOf(connected().start(input))).toMatchObject({ transient: true, afterWrite: true })
    server.failNext(
      400,
      { __type: 'ThrottlingException', message: 'Rate exceeded' },
      { on: starts, headers: { 'retry-after': '7' } },
    )
    expect(await failureOf(connected().start(input))).toMatchObject({
      transient: true,
      afterWrite: false,
      retryAfter: 7,
    })
  })
})

describe('a start of a pipeline', () => {
  test('carries the key as its token and in its name, and the parameters as text', async () => {
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

  test('may be written as one', async () => {
    await connected().start({ target: 'pipeline/churn-model' })
    expect(runOf(execution)).toMatchObject({ pipeline: 'churn-model' })
  })

  test('says in the words of AWS that a parameter is not known', async () => {
    const failure = await failureOf(connected().start({ ...pipeline, parameters: { Epoch: 1 } }))
    expect(failure).toMatchObject({ kind: 'refused' })
    expect(failure.message).toContain('Unknown parameter: Epoch')
  })
})

test.each([
  [{ target: 'a/b' }, 'input.target is nothing that runs'],
  [{ target: 'processing/x' }, 'input.target is nothing that runs'],
  [{ target: 'training/' }, 'input.target is nothing that runs'],
  [{ target: 'training/a_b' }, 'input.target is nothing that runs'],
  [{ ...pipeline, ref: 'main' }, 'input.ref is no version of a pipeline'],
  [{ ...training, ref: '3' }, 'input.ref is of no use, since a training has no versions'],
])('a start of %j is refused before anything is sent', async (input, message) => {
  const failure = await failureOf(connected().start(input))
  expect(failure).toMatchObject({ kind: 'invalid', status: 400 })
  expect(failure.message).toContain(message)
  expect(server.calls).toEqual([])
})

describe('a training', () => {
  test('is made with all that defines the earlier one, and with the parameters over its own', async () => {
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

  test('of an algorithm of AWS is made without the metrics that AWS shows of it', async () => {
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
  ])('after %s has a name that AWS takes', async (earlier, name) => {
    server.state.trainings[earlier] = structuredClone(trained)
    const { outcome } = await connected().start({ target: `training/${earlier}` })
    expect(outcome.data).toMatchObject({ id: `training/${name}` })
  })

  test('is found by its repeat though it has used up the quota', async () => {
    server.state.quota = 1
    await connected().start(training)
    expect((await connected().start(training, { isRetry: true })).outcome).toMatchObject({ result: 'pass' })
  })

  test('waits for a quota that others use up, and not for one that is too small', async () => {
    server.state.quota = 1
    await connected().start(training)
    const busy = await failureOf(connected().start(training, { key: keyOf(2) }))
    expect(busy).toMatchObject({ transient: true, afterWrite: false })
    expect(busy.message).toContain('with current utilization of 1 Instances')
    server.state.quota = 0
    server.state.trainings = { 'churn-weekly': trained }
    const never = await failureOf(connected().start(training))
    expect(never).toMatchObject({ kind: 'refused' })
    expect(never.message).toContain('Please use AWS Service Quotas')
  })

  test('goes on, and says how far it is', async () => {
    const begun = await connected().start(training)
    expect(await connected().poll(begun, training)).toMatchObject({
      status: 'InProgress',
      progress: 'Starting: Preparing the instances for training',
    })
  })

  test('that has ended tells its metrics, its model and what it took', async () => {
    const begun = await connected().start(training)
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
    const ended = await connected().end(begun, training)
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

  test('is held against thresholds, which nothing holds that is no number', async () => {
    const input = {
      ...training,
      thresholds: [
        { metric: 'validation:auc', op: '>', value: 0.9 },
        { metric: 'train:loss', op: '<', value: 5 },
      ],
    }
    const begun = await connected().start(input)
    setStatus(`training/churn-weekly-${digits}`, 'Completed', {
      FinalMetricDataList: [
        { MetricName: 'validation:auc', Value: 0.93 },
        { MetricName: 'train:loss', Value: 'NaN' },
      ],
    })
    const ended = await connected().end(begun, input)
    expect(ended).toMatchObject({ status: 'succeeded', result: 'fail' })
    expect(ended.message).toContain('ended as Completed: train:loss was not measured')
  })

  test.each<[status: string, secondary: string, expected: string, reason?: string]>([
    ...[
      ...['Starting', 'Pending', 'LaunchingMLInstances', 'PreparingTrainingStack', 'Downloading'],
      ...['DownloadingTrainingImage', 'Training', 'Uploading', 'Interrupted', 'Updating', 'Restarting'],
    ].map((secondary): [string, string, string] => ['InProgress', secondary, 'goes on']),
    ['Stopping', 'Stopping', 'goes on'],
    ['Deleting', 'Completed', 'goes on'],
    ['Completed', 'Completed', 'succeeded, pass'],
    ['Failed', 'Failed', 'succeeded, fail'],
    ['Failed', 'Failed', 'succeeded, fail', 'AlgorithmError: Exit code: 1'],
    ['Failed', 'Failed', 'succeeded, fail', 'ClientError: Data download failed'],
    ['Failed', 'Failed', 'errored, fail', 'InternalServerError: We encountered an internal error.'],
    ['Failed', 'Failed', 'errored, fail', 'CapacityError: Unable to provision requested ML compute capacity.'],
    ['Stopped', 'Stopped', 'aborted, fail'],
    ['Stopped', 'MaxRuntimeExceeded', 'succeeded, fail'],
    ['Stopped', 'MaxWaitTimeExceeded', 'errored, fail'],
    ['Shiny', 'New', 'goes on'],
  ])('that is %s, %s: %s', async (status, secondary, expected, reason = '') => {
    const begun = await connected().start(training)
    setStatus(`training/churn-weekly-${digits}`, status, {
      SecondaryStatus: secondary,
      ...(reason ? { FailureReason: reason } : {}),
    })
    const look = await connected().poll(begun, training)
    expect('outcome' in look ? `${look.outcome.status}, ${look.outcome.result}` : 'goes on').toBe(expected)
    if (reason) expect(look).toMatchObject({ outcome: { message: expect.stringContaining(reason) } })
  })
})

describe('a tuning', () => {
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

  test('is made with all that defines the earlier one, and with the parameters over its fixed ones', async () => {
    await connected().start({ ...tuning, parameters: { epochs: 3 } })
    expect(server.asked('CreateHyperParameterTuningJob')).toEqual({
      HyperParameterTuningJobName: `churn-tuning-${digits}`,
      HyperParameterTuningJobConfig: tuned['HyperParameterTuningJobConfig'],
      TrainingJobDefinition: { ...(tuned['TrainingJobDefinition'] as object), StaticHyperParameters: { epochs: '3' } },
      WarmStartConfig: tuned['WarmStartConfig'],
    })
  })

  test('of several definitions is made with all of them', async () => {
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

  test('of an algorithm of AWS is made without the metrics that AWS shows of it', async () => {
    const definition = server.state.tunings['churn-tuning']?.['TrainingJobDefinition'] as Record<string, unknown>
    definition['AlgorithmSpecification'] = { TrainingImage: builtIn, TrainingInputMode: 'File', MetricDefinitions: [] }
    expect((await connected().start(tuning)).outcome).toMatchObject({ result: 'pass' })
    expect(server.asked('CreateHyperParameterTuningJob')).toMatchObject({
      TrainingJobDefinition: { AlgorithmSpecification: { TrainingImage: builtIn, TrainingInputMode: 'File' } },
    })
  })

  test('goes on, and says how far it is and what is best so far', async () => {
    const begun = await connected().start(tuning)
    expect(await connected().poll(begun, tuning)).toMatchObject({
      status: 'InProgress',
      progress: '0 of 20 trainings ended, 0 under way',
    })
    const some = { ...counters, Completed: 5, InProgress: 2 }
    setStatus(id, 'InProgress', { BestTrainingJob: best, TrainingJobStatusCounters: some })
    expect(await connected().poll(begun, tuning)).toMatchObject({
      progress: '7 of 20 trainings ended, 2 under way; best so far: validation:auc 0.94',
    })
  })

  test('that has ended tells the best configuration, what it achieved, and how many trainings there were', async () => {
    const begun = await connected().start(tuning)
    setStatus(id, 'Completed', {
      BestTrainingJob: best,
      OverallBestTrainingJob: { ...best, TrainingJobName: 'churn-parent-003' },
      TrainingJobStatusCounters: counters,
      HyperParameterTuningEndTime: STARTED_AT + 7_200,
    })
    const url = `${page}/hyper-tuning-jobs/churn-tuning-${digits}`
    const told = { hyperParameters: { lr: '0.037' }, metric: 'validation:auc', value: 0.94 }
    expect(await connected().end(begun, tuning)).toEqual({
      status: 'succeeded',
      result: 'pass',
      message: `Run ${id} ended as Completed`,
      data: {
        ...{ id, url, state: 'Completed', duration: 7_200, ...times },
        ...{ trainingsCompleted: 18, trainingsFailed: 1, trainingsStopped: 1 },
        best: { training: best.TrainingJobName, ...told },
        overallBest: { training: 'churn-parent-003', ...told },
      },
      links: {
        [`amazon-sagemaker ${id}`]: url,
        [`training ${best.TrainingJobName}`]: `${page}/jobs/${best.TrainingJobName}`,
      },
    })
  })

  test('is held against thresholds by the name of its objective', async () => {
    const input = {
      ...tuning,
      thresholds: [
        { metric: 'validation:auc', op: '>', value: 0.9, warn: 0.95 },
        { metric: 'trainingsFailed', op: '<', value: 5 },
      ],
    }
    const begun = await connected().start(input)
    setStatus(id, 'Completed', { BestTrainingJob: best, TrainingJobStatusCounters: counters })
    const ended = await connected().end(begun, input)
    expect(ended).toMatchObject({ status: 'succeeded', result: 'warning' })
    expect(ended.message).toContain('validation:auc is 0.94, not > 0.95')
  })

  test('whose best objective is no number tells the configuration without it', async () => {
    const begun = await connected().start(tuning)
    const objective = { MetricName: 'validation:auc', Value: 'NaN' }
    setStatus(id, 'Completed', { BestTrainingJob: { ...best, FinalHyperParameterTuningJobObjectiveMetric: objective } })
    const { data } = await connected().end(begun, tuning)
    expect(JSON.parse(JSON.stringify(data?.['best']))).toEqual({
      training: best.TrainingJobName,
      hyperParameters: { lr: '0.037' },
    })
  })

  test('that has found nothing does not pass', async () => {
    const begun = await connected().start(tuning)
    setStatus(id, 'Completed')
    const ended = await connected().end(begun, tuning)
    expect(ended).toMatchObject({ status: 'succeeded', result: 'fail' })
    expect(ended.message).toContain('no training has reported the objective')
  })

  test.each<[status: string, expected: string, reason?: string]>([
    ['InProgress', 'goes on'],
    ['Stopping', 'goes on'],
    ['Deleting', 'goes on'],
    ['Completed', 'succeeded, pass'],
    ['Failed', 'succeeded, fail', 'No training job succeeded after 5 attempts.'],
    ['Failed', 'errored, fail', 'InternalServerError: We encountered an internal error.'],
    ['Stopped', 'aborted, fail'],
    ['DeleteFailed', 'errored, fail'],
    ['Shiny', 'goes on'],
  ])('that is %s: %s', async (status, expected, reason = '') => {
    const begun = await connected().start(tuning)
    setStatus(id, status, { BestTrainingJob: best, ...(reason ? { FailureReason: reason } : {}) })
    const look = await connected().poll(begun, tuning)
    expect('outcome' in look ? `${look.outcome.status}, ${look.outcome.result}` : 'goes on').toBe(expected)
    if ('outcome' in look)
      expect(look.outcome.data).toMatchObject({ state: expect.stringMatching(`^${status}`), best: {} })
    if (reason) expect(look).toMatchObject({ outcome: { message: expect.stringContaining(reason) } })
  })
})

describe('an execution of a pipeline', () => {
  const step = (StepName: string, StepStatus: string, more: object = {}) => ({ StepName, StepStatus, ...more })

  test('goes on, and says which steps do', async () => {
    const begun = await connected().start(pipeline)
    expect(await connected().poll(begun, pipeline)).toMatchObject({ status: 'Executing', progress: undefined })
    const steps = [step('Prepare', 'Succeeded'), step('Train', 'Executing'), step('Baseline', 'Starting')]
    setStatus(execution, 'Executing', { steps })
    expect(await connected().poll(begun, pipeline)).toMatchObject({ progress: 'step Baseline, Train' })
  })

  test('that failed names the step that failed first, of more than a page, and why', async () => {
    const begun = await connected().start(pipeline)
    const reason = 'Step failure: One or multiple steps failed.'
    const steps = [
      step('Prepare', 'Failed', { FailureReason: 'AlgorithmError: Exit code: 1' }),
      ...Array.from({ length: 12 }, (_, at) => step(`Other${at}`, 'Stopped')),
      step('Evaluate', 'Failed', { FailureReason: 'ClientError: stopped' }),
    ]
    setStatus(execution, 'Failed', { reason, steps })
    expect(await connected().end(begun, pipeline)).toEqual({
      status: 'succeeded',
      result: 'fail',
      message: `Run ${execution} ended as Failed: step Prepare failed: AlgorithmError: Exit code: 1`,
      data: { id: execution, state: 'Failed', ...times, duration: 90, failedStep: 'Prepare' },
      links: {},
    })
  })

  test('whose steps may not be read keeps its verdict, and says so', async () => {
    const begun = await connected().start(pipeline)
    setStatus(execution, 'Succeeded')
    server.state.denied = ['ListPipelineExecutionSteps']
    const ended = await connected().end(begun, pipeline)
    expect(ended).toMatchObject({ status: 'succeeded', result: 'pass' })
    expect(ended.message).toContain('its steps can not be read')
    server.failNext(500, {}, { on: 'ListPipelineExecutionSteps' })
    expect(await failureOf(connected().poll(begun, pipeline))).toMatchObject({ transient: true })
  })

  test.each([
    ['Executing', 'goes on'],
    ['Stopping', 'goes on'],
    ['Succeeded', 'succeeded, pass'],
    ['Failed', 'succeeded, fail'],
    ['Stopped', 'aborted, fail'],
    ['Shiny', 'goes on'],
  ])('that is %s: %s', async (status, expected) => {
    const begun = await connected().start(pipeline)
    setStatus(execution, status)
    const look = await connected().poll(begun, pipeline)
    expect('outcome' in look ? `${look.outcome.status}, ${look.outcome.result}` : 'goes on').toBe(expected)
  })
})

describe.each(kinds)('a run of %s', (_kind, input, id, _starts, stops) => {
  test('whose state is not known is reported', async () => {
    const begun = await connected().start(input)
    setStatus(id, 'Shiny')
    expect(await connected().poll(begun, input)).toMatchObject({ status: 'Shiny (unknown state)' })
  })

  test('is looked at again where AWS is down, answers HTML or something else, and refused where it is gone', async () => {
    const begun = await connected().start(input)
    server.down()
    expect(await failureOf(connected().poll(begun, input))).toMatchObject({ transient: true })
    server.down(false)
    for (const body of ['<html></html>', {}] as const) {
      server.failNext(typeof body === 'string' ? 500 : 200, body)
      expect(await failureOf(connected().poll(begun, input))).toMatchObject({ kind: 'platform', transient: true })
    }
    Object.assign(server.state, { executions: [], trainings: {}, tunings: {} })
    expect(await failureOf(connected().poll(begun, input))).toMatchObject({ kind: 'refused' })
  })

  test('is asked to stop, and waited for', async () => {
    await connected().start(input)
    expect(await connected().stop({ id })).toMatchObject({ message: 'still Stopping' })
    expect(await connected().stop({ id })).toMatchObject({ message: 'still Stopping' })
    setStatus(id, 'Stopped')
    expect(await connected().stop({ id })).toMatchObject({
      result: 'pass',
      message: `Run ${id} had ended already (Stopped)`,
    })
  })

  test('is stopped at its deadline, by a call that has its own token', async () => {
    const begun = await connected().start(input)
    expect(await connected().stopAtDeadline(begun, input)).toBe(true)
    if (stops === 'StopPipelineExecution')
      expect(server.asked(stops)).toMatchObject({ ClientRequestToken: `stop-${keyOf(1)}` })
    expect(await connected().poll(begun, input)).toMatchObject({ status: 'Stopping' })
  })

  test('that has ended between our look and the stop passes', async () => {
    await connected().start(input)
    setStatus(id, 'Failed')
    await awsSageMaker.stop(connected().client({ key: undefined }), { id })
    expect(server.operations()).toContain(stops)
  })

  test('that can not be stopped says why', async () => {
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
  'a stop refuses the id %s',
  async (id) => {
    const failure = await failureOf(connected().stop({ id }))
    expect(failure).toMatchObject({ kind: 'invalid' })
    expect(failure.message).toContain('input.id is no run: write it like training/churn-')
    expect(server.calls).toEqual([])
  },
)
