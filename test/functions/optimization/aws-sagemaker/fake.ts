import { awsOperation, type Reply } from '../../../../infra/testing/loopback-server.ts'
import { type JobRow, stages, startWith, stopsWhenAsked } from '../../../conformance/row.ts'
import { awsError, defineJsonService } from '../../../platforms/aws-json.ts'
import { arnOf, builtIn, builtInMetrics, type Fields, type Job, STARTED_AT, trained, tuned } from './jobs.ts'

interface Execution {
  arn: string
  pipeline: string
  status: string
  reason?: string
  started: Fields
  /** The oldest first. */
  steps: Fields[]
}

type State = ReturnType<typeof initial>

const initial = () => ({
  /** Names of pipelines, each with the parameters that it declares. */
  pipelines: { 'churn-model': ['Epochs', 'Columns'] } as Record<string, string[]>,
  executions: [] as Execution[],
  trainings: { 'churn-weekly': structuredClone(trained) } as Record<string, Job>,
  tunings: { 'churn-tuning': structuredClone(tuned) } as Record<string, Job>,
  denied: [] as string[],
  /** Maximum of training jobs at the same time. */
  quota: 10,
})

/**
 * Amazon SageMaker. Its messages are those of AWS, except three for which we found no public source: the stop of an execution
 * that has ended, a parameter that a pipeline does not declare, and a hyperparameter that is reserved.
 *
 * @see https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_Operations_Amazon_SageMaker_Service.html
 * @see https://github.com/aws/amazon-sagemaker-examples/pull/3108 (ResourceInUse of a training)
 * @see https://github.com/aws/amazon-sagemaker-examples/pull/3353 (ResourceInUse of a tuning)
 */
const startSageMaker = defineJsonService({
  service: 'sagemaker',
  target: 'SageMaker',
  version: '1.1',
  state: initial,
  routes: {
    ListPipelineExecutions: ({ state, body }) => noPipeline(state, body) ?? { PipelineExecutionSummaries: [] },
    StartPipelineExecution: ({ state, body }) => noPipeline(state, body) ?? startExecution(state, body),
    DescribePipelineExecution: ({ state, body }) =>
      withExecution(state, body, ({ arn, pipeline, status, reason }) => ({
        PipelineArn: arnOf(`pipeline/${pipeline}`),
        PipelineExecutionArn: arn,
        PipelineExecutionStatus: status,
        FailureReason: reason || undefined,
        CreationTime: STARTED_AT,
        LastModifiedTime: STARTED_AT + 90,
      })),
    ListPipelineExecutionSteps: ({ state, body }) =>
      withExecution(state, body, ({ steps }) => {
        const sorted = body.SortOrder === 'Descending' ? steps.toReversed() : steps
        return { PipelineExecutionSteps: sorted.slice(0, body.MaxResults ?? 10) }
      }),
    StopPipelineExecution: ({ state, body }) =>
      withExecution(state, body, (execution) => {
        if (!/^.{32,128}$/.test(body.ClientRequestToken)) return tooLong('clientRequestToken')
        if (!['Executing', 'Stopping'].includes(execution.status))
          return awsError('ConflictException', `The execution is in status ${execution.status}.`)
        execution.status = 'Stopping'
        return { PipelineExecutionArn: execution.arn }
      }),
    DescribeTrainingJob: ({ state, body }) => jobOf(state.trainings, body.TrainingJobName) ?? notFound,
    CreateTrainingJob: ({ state, body }) => createTraining(state, body),
    StopTrainingJob: ({ state, body }) =>
      stop(jobOf(state.trainings, body.TrainingJobName), 'TrainingJobStatus', 'training job'),
    DescribeHyperParameterTuningJob: ({ state, body }) =>
      jobOf(state.tunings, body.HyperParameterTuningJobName) ?? notFound,
    CreateHyperParameterTuningJob: ({ state, body }) => createTuning(state.tunings, body),
    StopHyperParameterTuningJob: ({ state, body }) =>
      stop(
        jobOf(state.tunings, body.HyperParameterTuningJobName),
        'HyperParameterTuningJobStatus',
        'hyperparameter tuning job',
      ),
  },
  members: (_, { calls }) => ({
    /** Returns the input of the last request of an operation. */
    asked: (operation: string) => (calls.findLast((call) => awsOperation(call) === operation)?.body ?? {}) as Fields,
  }),
})

const notFound = invalid('Requested resource not found.')

function invalid(message: string): Reply {
  return awsError('ValidationException', message)
}

function noPipeline({ pipelines }: State, { PipelineName: name }: Fields): Reply | undefined {
  if (Object.hasOwn(pipelines, String(name))) return undefined
  return awsError('ResourceNotFound', `Pipeline '${arnOf(`pipeline/${name}`)}' does not exist.`)
}

function startExecution({ executions, pipelines }: State, input: Fields): object | Reply {
  const { ClientRequestToken: token, PipelineExecutionDisplayName: displayName } = input
  const pipeline = String(input['PipelineName'])
  if (!/^.{32,128}$/.test(String(token))) return tooLong('clientRequestToken')
  if (displayName !== undefined && !isName(displayName, 82)) return tooLong('pipelineExecutionDisplayName')
  const parameters = (input['PipelineParameters'] ?? []) as { Name: string; Value: unknown }[]
  for (const { Name, Value } of parameters) {
    if (!pipelines[pipeline]?.includes(Name)) return invalid(`Unknown parameter: ${Name}`)
    if (typeof Value !== 'string') return awsError('SerializationException', '')
  }
  const earlier = executions.find(({ started }) => started['ClientRequestToken'] === token)
  if (earlier) return { PipelineExecutionArn: earlier.arn }
  const id = `e${executions.length + 1}`.padEnd(12, 'x')
  const arn = arnOf(`pipeline/${pipeline}/execution/${id}`)
  executions.push({ arn, pipeline, status: 'Executing', started: input, steps: [] })
  return { PipelineExecutionArn: arn }
}

function withExecution(
  { executions }: State,
  { PipelineExecutionArn: arn }: Fields,
  answer: (execution: Execution) => object,
): object | Reply {
  const execution = executions.find((execution) => execution.arn === arn)
  return execution ? answer(execution) : awsError('ResourceNotFound', `Pipeline execution '${arn}' does not exist.`)
}

function jobOf(jobs: Record<string, Job>, name: string): Job | undefined {
  return Object.hasOwn(jobs, name) ? jobs[name] : undefined
}

function createTraining({ trainings, quota }: State, input: Job): object | Reply {
  const { TrainingJobName, RoleArn, OutputDataConfig } = input
  const name = String(TrainingJobName)
  if (!isName(name, 63)) return tooLong('trainingJobName')
  if (!RoleArn || !OutputDataConfig) return invalid('2 validation errors detected: must not be null')
  const running = Object.values(trainings).filter(({ TrainingJobStatus: status }) => status === 'InProgress').length
  if (running >= quota)
    return awsError(
      'ResourceLimitExceeded',
      `The account-level service limit 'ml.m5.xlarge for training job usage' is ${quota} Instances, with current utilization of ${running} Instances and a request delta of 1 Instances. Please use AWS Service Quotas to request an increase for this quota.`,
    )
  const arn = arnOf(`training-job/${name.toLowerCase()}`)
  if (Object.hasOwn(trainings, name))
    return awsError(
      'ResourceInUse',
      `Training job names must be unique within an AWS account and region, and a training job with this name already exists (${arn})`,
    )
  const invalidMetrics = refuseMetrics(input)
  if (invalidMetrics) return invalidMetrics
  trainings[name] = {
    ...input,
    AlgorithmSpecification: {
      ...input.AlgorithmSpecification,
      ...(isBuiltIn(input) ? { MetricDefinitions: builtInMetrics } : {}),
    },
    TrainingJobArn: arn,
    TrainingJobStatus: 'InProgress',
    SecondaryStatus: 'Starting',
    SecondaryStatusTransitions: [
      { Status: 'Starting', StartTime: STARTED_AT, StatusMessage: 'Preparing the instances for training' },
    ],
    ModelArtifacts: { S3ModelArtifacts: `s3://models/${name}/output/model.tar.gz` },
    CreationTime: STARTED_AT,
    LastModifiedTime: STARTED_AT,
  }
  return { TrainingJobArn: arn }
}

function createTuning(tunings: Record<string, Job>, input: Fields): object | Reply {
  const name = String(input['HyperParameterTuningJobName'])
  if (!isName(name, 32)) return tooLong('hyperParameterTuningJobName')
  if (!input['HyperParameterTuningJobConfig']) return invalid('1 validation error detected: must not be null')
  if (Object.hasOwn(tunings, name))
    return awsError(
      'ResourceInUse',
      `A hyperparameter tuning job with the name, ${name}, already exists. Choose a different name.`,
    )
  const definitions = (input['TrainingJobDefinitions'] ?? [input['TrainingJobDefinition']]) as Job[]
  for (const definition of definitions) {
    if (Object.keys(definition['StaticHyperParameters'] ?? {}).some((key) => key.startsWith('_tuning')))
      return invalid('_tuning_objective_metric is reserved')
    const invalidMetrics = refuseMetrics(definition)
    if (invalidMetrics) return invalidMetrics
  }
  const arn = arnOf(`hyper-parameter-tuning-job/${name.toLowerCase()}`)
  tunings[name] = {
    ...input,
    HyperParameterTuningJobArn: arn,
    HyperParameterTuningJobStatus: 'InProgress',
    CreationTime: STARTED_AT,
    TrainingJobStatusCounters: { Completed: 0, InProgress: 0, RetryableError: 0, NonRetryableError: 0, Stopped: 0 },
    ObjectiveStatusCounters: { Succeeded: 0, Pending: 0, Failed: 0 },
  }
  return { HyperParameterTuningJobArn: arn }
}

function stop(job: Job | undefined, field: string, noun: string): Reply {
  if (!job) return notFound
  if (job[field] !== 'InProgress')
    return invalid(`The request was rejected because the ${noun} is in status ${job[field]}.`)
  job[field] = 'Stopping'
  return { status: 200 }
}

function isName(name: unknown, maxLength: number): boolean {
  return /^[a-zA-Z0-9](-*[a-zA-Z0-9])*$/.test(String(name)) && String(name).length <= maxLength
}

function tooLong(field: string): Reply {
  return invalid(`1 validation error detected: Value at '${field}' failed to satisfy constraint`)
}

function isBuiltIn({ AlgorithmSpecification: specification }: Job): boolean {
  return specification?.['TrainingImage'] === builtIn
}

function refuseMetrics(job: Job): Reply | undefined {
  if (!isBuiltIn(job) || !job.AlgorithmSpecification?.['MetricDefinitions']) return undefined
  return invalid(
    "You can't override the metric definitions for Amazon SageMaker algorithms. Please retry the request without specifying metric definitions.",
  )
}

/** Without one, a tuning does not pass. */
const BestTrainingJob = {
  TrainingJobName: 'churn-tuning-017',
  FinalHyperParameterTuningJobObjectiveMetric: { MetricName: 'validation:auc', Value: 0.94 },
}

export const jobRow = rowOf('pipeline')
/** Each kind of run. */
export const awsSagemakerJobs = { pipeline: jobRow, training: rowOf('training'), tuning: rowOf('tuning') }

function rowOf(kind: 'pipeline' | 'training' | 'tuning') {
  const { starts, target, field, end } = {
    pipeline: { starts: /^StartPipelineExecution$/, target: 'churn-model', field: 'status', end: undefined },
    training: {
      starts: /^CreateTrainingJob$/,
      target: 'training/churn-weekly',
      field: 'TrainingJobStatus',
      end: 'TrainingEndTime',
    },
    tuning: {
      starts: /^CreateHyperParameterTuningJob$/,
      target: 'tuning/churn-tuning',
      field: 'HyperParameterTuningJobStatus',
      end: 'HyperParameterTuningEndTime',
    },
  }[kind]
  return {
    starts,
    start: startWith(startSageMaker, ({ url: endpoint, state }) => {
      // The first job of each kind is the one that is copied.
      const runs = () =>
        ({
          pipeline: state.executions.map((execution) => [execution.arn, execution] as const),
          training: Object.entries(state.trainings).slice(1),
          tuning: Object.entries(state.tunings).slice(1),
        })[kind]
      const newest = () => (runs().at(-1)?.[1] ?? {}) as Record<string, unknown>
      const enter = (name: string) => {
        const [status, detail] = name.split('/')
        const FailureReason = status === 'Failed' && detail ? `${detail}: It broke.` : undefined
        Object.assign(newest(), { [field]: status, SecondaryStatus: detail ?? status, FailureReason, BestTrainingJob })
        if (end && /^(?:Completed|Failed|Stopped)$/.test(status ?? '')) newest()[end] = STARTED_AT + 90
      }
      return {
        connection: { region: 'eu-west-1', endpoint },
        input: { target },
        runs: () => runs().length,
        id: () => `${kind === 'pipeline' ? '' : `${kind}/`}${runs().at(-1)?.[0]}`,
        ...stages(enter, undefined, kind === 'pipeline' ? 'Succeeded' : 'Completed'),
        finishStop: stopsWhenAsked(enter, () => newest()[field], 'Stopping', 'Stopped'),
      }
    }),
  } satisfies JobRow
}
