import '../../functions/aws.ts'
import { trained, tuned } from '../../../infra/platforms/aws-sagemaker-jobs.ts'
import { casesOf, key, type Subject } from '../cases.ts'
import { driveProvider } from './drive.ts'

const sageMaker = (operation: string) => `POST /#X-Amz-Target=SageMaker.${operation}`
const startExecution = sageMaker('StartPipelineExecution')
const execution = sageMaker('DescribePipelineExecution')
const steps = sageMaker('ListPipelineExecutionSteps')
const training = sageMaker('DescribeTrainingJob')
const createTraining = sageMaker('CreateTrainingJob')
const tuning = sageMaker('DescribeHyperParameterTuningJob')
const createTuning = sageMaker('CreateHyperParameterTuningJob')

type Example = Record<string, unknown>
const as = (fields: object) => ({ body: (example: Example) => ({ ...example, ...fields }) })
const executionAs = (status: string) => as({ PipelineExecutionStatus: status })
const trainingAs = (status: string, secondary = status, more: object = {}) => ({
  body: { ...trained, TrainingJobStatus: status, SecondaryStatus: secondary, ...more },
})
const best = {
  TrainingJobName: 'churn-tuning-017',
  TrainingJobArn: 'arn:aws:sagemaker:eu-west-1:123456789012:training-job/churn-tuning-017',
  CreationTime: 1_700_000_000,
  TrainingJobStatus: 'Completed',
  TunedHyperParameters: { lr: '0.037' },
  FinalHyperParameterTuningJobObjectiveMetric: { Type: 'Maximize', MetricName: 'validation:auc', Value: 0.94 },
}
const tuningAs = (status: string, more: object = {}) => ({
  body: { ...tuned, HyperParameterTuningJobStatus: status, BestTrainingJob: best, ...more },
})
const refusal = (type: string, message: string) => ({ status: 400, body: { __type: type, message } })

const arn = 'arn:aws:sagemaker:eu-west-1:123456789012:pipeline/tuning/execution/abc123def456'
const digits = key.slice(-16)
const [trainingId, tuningId] = [`training/churn-weekly-${digits}`, `tuning/churn-tuning-${digits}`]
const targets = { pipeline: 'tuning', training: 'training/churn-weekly', tuning: 'tuning/churn-tuning' }
const stop = 'stop-model'

const pipelines = casesOf('start-model', { target: targets.pipeline })
const trainings = casesOf('start-model', { target: targets.training })
const tunings = casesOf('start-model', { target: targets.tuning })
const stops = casesOf('stop-model')

export const awsSageMaker: Subject = {
  name: 'aws-sagemaker',
  contract: 'aws-sagemaker',
  answers: { [training]: trainingAs('Completed'), [tuning]: tuningAs('Completed') },
  cases: [
    { action: 'check', how: 'the role' },
    ...Object.entries(targets).map(([kind, target]) => ({
      action: 'check',
      how: `the role, and a ${kind}`,
      connection: { target },
    })),
    pipelines.passes('of a pipeline', `Run ${arn} ended as Succeeded`),
    pipelines.passes('of a version of a pipeline, with parameters', 'Succeeded', {
      input: { target: 'pipeline/tuning', ref: '3', parameters: { Service: 'checkout', Trials: 20 } },
      answers: {
        [execution]: [executionAs('Executing'), executionAs('Succeeded')],
        [steps]: [{ body: { PipelineExecutionSteps: [{ StepName: 'Train', StepStatus: 'Executing' }] } }],
      },
    }),
    pipelines.passes('of a pipeline again', 'Succeeded', { isRetry: true }),
    pipelines.passes('of a pipeline without an event id', '', { noKey: true }),
    pipelines.fails('of a pipeline that fails', 'step Train failed: ClientError: no data', {
      answers: {
        [execution]: [executionAs('Failed')],
        [steps]: [
          {
            body: {
              PipelineExecutionSteps: [
                { StepName: 'Train', StepStatus: 'Failed', FailureReason: 'ClientError: no data' },
              ],
            },
          },
        ],
      },
    }),
    pipelines.fails('of a pipeline that is stopped', 'ended as Stopped', {
      stops: true,
      answers: { [execution]: [executionAs('Stopping'), executionAs('Stopped')] },
    }),
    pipelines.fails('of a pipeline, refused', 'no such', {
      answers: { [startExecution]: [refusal('ResourceNotFound', 'no such')] },
    }),
    trainings.passes('of a training', `Run ${trainingId} ended as Completed`, {
      input: { parameters: { lr: 0.01 } },
      answers: { [training]: [{}, trainingAs('InProgress', 'Training'), trainingAs('Completed')] },
    }),
    trainings.passes('of a training again', `Run ${trainingId} ended as Completed`, { isRetry: true }),
    trainings.passes(
      'of a training again, which is not there yet, and then is',
      `Run ${trainingId} ended as Completed`,
      {
        isRetry: true,
        answers: {
          [training]: [{}, refusal('ValidationException', 'Requested resource not found.')],
          [createTraining]: [refusal('ResourceInUse', 'a training job with this name already exists')],
        },
      },
    ),
    trainings.passes('of a training without an event id', '', { noKey: true }),
    trainings.passes('of a training of an algorithm of AWS', 'ended as Completed', {
      answers: {
        [createTraining]: [
          refusal(
            'ValidationException',
            "You can't override the metric definitions for Amazon SageMaker algorithms. Please retry the request without specifying metric definitions.",
          ),
        ],
      },
    }),
    trainings.fails('of a training that fails', 'ended as Failed: AlgorithmError: Exit code: 1', {
      answers: { [training]: [{}, trainingAs('Failed', 'Failed', { FailureReason: 'AlgorithmError: Exit code: 1' })] },
    }),
    trainings.fails('of a training that is stopped', 'ended as Stopped', {
      stops: true,
      answers: { [training]: [{}, trainingAs('Stopping'), trainingAs('Stopped')] },
    }),
    trainings.fails('of a training, refused', 'too many', {
      answers: { [createTraining]: [refusal('ResourceLimitExceeded', 'too many')] },
    }),
    tunings.passes('of a tuning', `Run ${tuningId} ended as Completed`, {
      input: { parameters: { epochs: 3 } },
      answers: { [tuning]: [{}, tuningAs('InProgress'), tuningAs('Completed')] },
    }),
    tunings.passes('of a tuning of several definitions', 'ended as Completed', {
      answers: {
        [tuning]: [
          tuningAs('Completed', {
            TrainingJobDefinition: undefined,
            TrainingJobDefinitions: [{ DefinitionName: 'small', ...(tuned['TrainingJobDefinition'] as object) }],
          }),
        ],
      },
    }),
    tunings.fails('of a tuning that fails', 'ended as Failed: No training job succeeded', {
      answers: { [tuning]: [{}, tuningAs('Failed', { FailureReason: 'No training job succeeded' })] },
    }),
    tunings.fails('of a tuning that is stopped', 'ended as Stopped', {
      stops: true,
      answers: { [tuning]: [{}, tuningAs('Stopped')] },
    }),
    tunings.fails('of a tuning, refused', 'too many', {
      answers: { [createTuning]: [refusal('ResourceLimitExceeded', 'too many')] },
    }),
    stops.passes('a pipeline that runs', `Stopped run ${arn} (Stopped)`, {
      input: { id: arn },
      answers: { [execution]: [executionAs('Executing'), executionAs('Stopping'), executionAs('Stopped')] },
    }),
    stops.passes('a training that runs', `Stopped run ${trainingId} (Stopped)`, {
      input: { id: trainingId },
      answers: { [training]: [trainingAs('InProgress', 'Training'), trainingAs('Stopped')] },
    }),
    stops.passes('a tuning that runs', `Stopped run ${tuningId} (Stopped)`, {
      input: { id: tuningId },
      answers: { [tuning]: [tuningAs('InProgress'), tuningAs('Stopped')] },
    }),
    ...[arn, trainingId, tuningId].map((id) => ({
      action: stop,
      how: `${id.split('/')[0]} that has ended`,
      input: { id },
      says: 'had ended already',
    })),
  ],
  run: driveProvider('optimization', 'aws-sagemaker', { region: 'eu-west-1' }),
}
