import { awsOperation, ok, type Reply } from '../../infra/sandbox/platforms/loopback-server.ts'
import { awsError, type JsonServer, serveJson } from './aws-json.ts'
import {
  arnOf,
  builtIn,
  builtInMetrics,
  type Fields,
  type Job,
  STARTED_AT,
  trained,
  tuned,
} from './aws-sagemaker-jobs.ts'

interface Execution {
  arn: string
  pipeline: string
  status: string
  reason?: string
  started: Fields
  /** In the order of their start. */
  steps: Fields[]
}

/** The state of the fake. Tests read and change it. */
interface SageMakerState {
  /** Names of pipelines, each with the parameters that it declares. */
  pipelines: Record<string, string[]>
  executions: Execution[]
  trainings: Record<string, Job>
  tunings: Record<string, Job>
  /** Operations that the caller's role does not allow. */
  denied: string[]
  /** How many training jobs can run at the same time. */
  quota: number
}

export interface SageMakerServer extends JsonServer {
  state: SageMakerState
  /** Returns the input of the last request of an operation. */
  asked(operation: string): Fields
}

/**
 * Fakes Amazon SageMaker. Its messages are
 * AWS's own where they could be found; no public source has those of a stop of an execution that has ended, of a parameter
 * that a pipeline does not declare, and of a hyperparameter that is reserved.
 *
 * @see https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_Operations_Amazon_SageMaker_Service.html
 * @see https://github.com/aws/amazon-sagemaker-examples/pull/3108 (ResourceInUse of a training)
 * @see https://github.com/aws/amazon-sagemaker-examples/pull/3353 (ResourceInUse of a tuning)
 */
export async function startSageMaker(): Promise<SageMakerServer> {
  const state: SageMakerState = {
    pipelines: { 'churn-model': ['Epochs', 'Columns'] },
    executions: [],
    trainings: { 'churn-weekly': structuredClone(trained) },
    tunings: { 'churn-tuning': structuredClone(tuned) },
    denied: [],
    quota: 10,
  }
  const { operations } = createSageMaker(state)
  const served = await serveJson({ service: 'sagemaker', target: 'SageMaker', version: '1.1', state, operations })
  return {
    ...served,
    state,
    asked: (operation) => (served.calls.findLast((call) => awsOperation(call) === operation)?.body ?? {}) as Fields,
  }
}

const invalid = (message: string) => awsError('ValidationException', message)
const notFound = invalid('Requested resource not found.')

function createSageMaker(state: SageMakerState) {
  const operations: Record<string, (input: Fields) => Reply> = {
    ListPipelineExecutions: (input) => withPipeline(input) ?? ok({ PipelineExecutionSummaries: [] }),
    StartPipelineExecution: (input) => withPipeline(input) ?? startExecution(input),
    DescribePipelineExecution: (input) => withExecution(input, (execution) => describeExecution(execution)),
    ListPipelineExecutionSteps: (input) => withExecution(input, ({ steps }) => listSteps(steps, input)),
    StopPipelineExecution: (input) => withExecution(input, (execution) => stopExecution(execution, input)),
    DescribeTrainingJob: ({ TrainingJobName: name }) => describe(state.trainings, name),
    CreateTrainingJob: (input) => createTraining(input),
    StopTrainingJob: ({ TrainingJobName: name }) => stop(state.trainings, name, 'TrainingJobStatus', 'training job'),
    DescribeHyperParameterTuningJob: ({ HyperParameterTuningJobName: name }) => describe(state.tunings, name),
    CreateHyperParameterTuningJob: (input) => createTuning(input),
    StopHyperParameterTuningJob: ({ HyperParameterTuningJobName: name }) =>
      stop(state.tunings, name, 'HyperParameterTuningJobStatus', 'hyperparameter tuning job'),
  }

  function withPipeline({ PipelineName: name }: Fields): Reply | undefined {
    if (Object.hasOwn(state.pipelines, String(name))) return undefined
    return awsError('ResourceNotFound', `Pipeline '${arnOf(`pipeline/${name}`)}' does not exist.`)
  }

  function startExecution(input: Fields): Reply {
    const { executions, pipelines } = state
    const { PipelineName: pipeline, ClientRequestToken: token, PipelineExecutionDisplayName: shown } = input
    if (!/^.{32,128}$/.test(String(token))) return tooLong('clientRequestToken')
    if (shown !== undefined && !isName(shown, 82)) return tooLong('pipelineExecutionDisplayName')
    const parameters = (input['PipelineParameters'] ?? []) as { Name: string; Value: unknown }[]
    for (const { Name, Value } of parameters) {
      if (!pipelines[String(pipeline)]?.includes(Name)) return invalid(`Unknown parameter: ${Name}`)
      if (typeof Value !== 'string') return awsError('SerializationException', '')
    }
    const earlier = executions.find(({ started }) => started['ClientRequestToken'] === token)
    if (earlier) return ok({ PipelineExecutionArn: earlier.arn })
    const id = `e${executions.length + 1}`.padEnd(12, 'x')
    const arn = arnOf(`pipeline/${pipeline}/execution/${id}`)
    executions.push({ arn, pipeline: String(pipeline), status: 'Executing', started: input, steps: [] })
    return ok({ PipelineExecutionArn: arn })
  }

  function withExecution({ PipelineExecutionArn: arn }: Fields, answer: (execution: Execution) => Reply): Reply {
    const execution = state.executions.find((one) => one.arn === arn)
    return execution ? answer(execution) : awsError('ResourceNotFound', `Pipeline execution '${arn}' does not exist.`)
  }

  function describeExecution({ arn, pipeline, status, reason }: Execution): Reply {
    return ok({
      PipelineArn: arnOf(`pipeline/${pipeline}`),
      PipelineExecutionArn: arn,
      PipelineExecutionStatus: status,
      ...(reason ? { FailureReason: reason } : {}),
      CreationTime: STARTED_AT,
      LastModifiedTime: STARTED_AT + 90,
    })
  }

  function listSteps(steps: Fields[], { SortOrder: order, MaxResults: most = 10 }: Fields): Reply {
    const sorted = order === 'Descending' ? steps.toReversed() : steps
    return ok({ PipelineExecutionSteps: sorted.slice(0, Number(most)) })
  }

  function stopExecution(execution: Execution, { ClientRequestToken: token }: Fields): Reply {
    if (!/^.{32,128}$/.test(String(token))) return tooLong('clientRequestToken')
    if (!['Executing', 'Stopping'].includes(execution.status))
      return awsError('ConflictException', `The execution is in status ${execution.status}.`)
    execution.status = 'Stopping'
    return ok({ PipelineExecutionArn: execution.arn })
  }

  function describe(jobs: Record<string, Job>, name: unknown): Reply {
    const job = Object.hasOwn(jobs, String(name)) ? jobs[String(name)] : undefined
    return job ? ok(job) : notFound
  }

  function createTraining(input: Fields): Reply {
    const { trainings, quota } = state
    const { TrainingJobName: name, RoleArn, OutputDataConfig, ...definition } = input
    if (!isName(name, 63)) return tooLong('trainingJobName')
    if (!RoleArn || !OutputDataConfig) return invalid('2 validation errors detected: must not be null')
    const running = Object.values(trainings).filter(({ TrainingJobStatus: status }) => status === 'InProgress').length
    if (running >= quota)
      return awsError(
        'ResourceLimitExceeded',
        `The account-level service limit 'ml.m5.xlarge for training job usage' is ${quota} Instances, with current utilization of ${running} Instances and a request delta of 1 Instances. Please use AWS Service Quotas to request an increase for this quota.`,
      )
    const arn = arnOf(`training-job/${String(name).toLowerCase()}`)
    if (Object.hasOwn(trainings, String(name)))
      return awsError(
        'ResourceInUse',
        `Training job names must be unique within an AWS account and region, and a training job with this name already exists (${arn})`,
      )
    const wrong = wrongMetrics(input as Job)
    if (wrong) return wrong
    trainings[String(name)] = {
      ...definition,
      ...{ RoleArn, OutputDataConfig },
      AlgorithmSpecification: shownMetrics(input as Job),
      TrainingJobName: name,
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
    return ok({ TrainingJobArn: arn })
  }

  function createTuning(input: Fields): Reply {
    const { tunings } = state
    const { HyperParameterTuningJobName: name, HyperParameterTuningJobConfig: config } = input
    if (!isName(name, 32)) return tooLong('hyperParameterTuningJobName')
    if (!config) return invalid('1 validation error detected: must not be null')
    if (Object.hasOwn(tunings, String(name)))
      return awsError(
        'ResourceInUse',
        `A hyperparameter tuning job with the name, ${name}, already exists. Choose a different name.`,
      )
    const one = input['TrainingJobDefinition'] as Job | undefined
    const definitions = one ? [one] : (input['TrainingJobDefinitions'] as Job[])
    for (const definition of definitions) {
      const fixed = (definition['StaticHyperParameters'] ?? {}) as Fields
      if (Object.keys(fixed).some((key) => key.startsWith('_tuning')))
        return invalid('_tuning_objective_metric is reserved')
      const wrong = wrongMetrics(definition)
      if (wrong) return wrong
    }
    const arn = arnOf(`hyper-parameter-tuning-job/${String(name).toLowerCase()}`)
    tunings[String(name)] = {
      ...input,
      HyperParameterTuningJobArn: arn,
      HyperParameterTuningJobStatus: 'InProgress',
      CreationTime: STARTED_AT,
      TrainingJobStatusCounters: { Completed: 0, InProgress: 0, RetryableError: 0, NonRetryableError: 0, Stopped: 0 },
      ObjectiveStatusCounters: { Succeeded: 0, Pending: 0, Failed: 0 },
    }
    return ok({ HyperParameterTuningJobArn: arn })
  }

  function stop(jobs: Record<string, Job>, name: unknown, field: string, noun: string): Reply {
    const job = Object.hasOwn(jobs, String(name)) ? jobs[String(name)] : undefined
    if (!job) return notFound
    if (job[field] !== 'InProgress')
      return invalid(`The request was rejected because the ${noun} is in status ${job[field]}.`)
    job[field] = 'Stopping'
    return { status: 200 }
  }

  return { operations }
}

function isName(name: unknown, longest: number): boolean {
  return /^[a-zA-Z0-9](-*[a-zA-Z0-9])*$/.test(String(name)) && String(name).length <= longest
}

function tooLong(field: string): Reply {
  return invalid(`1 validation error detected: Value at '${field}' failed to satisfy constraint`)
}

function isBuiltIn({ AlgorithmSpecification: specification }: Job): boolean {
  return specification?.['TrainingImage'] === builtIn
}

function wrongMetrics(job: Job): Reply | undefined {
  if (!isBuiltIn(job) || !job.AlgorithmSpecification?.['MetricDefinitions']) return undefined
  return invalid(
    "You can't override the metric definitions for Amazon SageMaker algorithms. Please retry the request without specifying metric definitions.",
  )
}

function shownMetrics(job: Job): Fields {
  return { ...job.AlgorithmSpecification, ...(isBuiltIn(job) ? { MetricDefinitions: builtInMetrics } : {}) }
}
