import '../../functions/aws.ts'
import { trained, tuned } from '../../../infra/platforms/aws-sagemaker.ts'
import { key, type Subject } from '../cases.ts'
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
const action = 'start-model'
const stop = 'stop-model'

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
    { action, how: 'of a pipeline', input: { target: targets.pipeline }, says: `Run ${arn} ended as Succeeded` },
    {
      action,
      how: 'of a version of a pipeline, with parameters',
      input: { target: 'pipeline/tuning', ref: '3', parameters: { Service: 'checkout', Trials: 20 } },
      answers: {
        [execution]: [executionAs('Executing'), executionAs('Succeeded')],
        [steps]: [{ body: { PipelineExecutionSteps: [{ StepName: 'Train', StepStatus: 'Executing' }] } }],
      },
      says: 'Succeeded',
    },
    { action, how: 'of a pipeline again', input: { target: targets.pipeline }, isRetry: true, says: 'Succeeded' },
    { action, how: 'of a pipeline without an event id', input: { target: targets.pipeline }, noKey: true },
    {
      action,
      how: 'of a pipeline that fails',
      input: { target: targets.pipeline },
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
      refused: true,
      says: 'step Train failed: ClientError: no data',
    },
    {
      action,
      how: 'of a pipeline that is stopped',
      input: { target: targets.pipeline },
      stops: true,
      answers: { [execution]: [executionAs('Stopping'), executionAs('Stopped')] },
      refused: true,
      says: 'ended as Stopped',
    },
    {
      action,
      how: 'of a pipeline, refused',
      input: { target: targets.pipeline },
      answers: { [startExecution]: [refusal('ResourceNotFound', 'no such')] },
      refused: true,
      says: 'no such',
    },
    {
      action,
      how: 'of a training',
      input: { target: targets.training, parameters: { lr: 0.01 } },
      answers: { [training]: [{}, trainingAs('InProgress', 'Training'), trainingAs('Completed')] },
      says: `Run ${trainingId} ended as Completed`,
    },
    {
      action,
      how: 'of a training again',
      input: { target: targets.training },
      isRetry: true,
      says: `Run ${trainingId} ended as Completed`,
    },
    {
      action,
      how: 'of a training again, which is not there yet, and then is',
      input: { target: targets.training },
      isRetry: true,
      answers: {
        [training]: [{}, refusal('ValidationException', 'Requested resource not found.')],
        [createTraining]: [refusal('ResourceInUse', 'a training job with this name already exists')],
      },
      says: `Run ${trainingId} ended as Completed`,
    },
    { action, how: 'of a training without an event id', input: { target: targets.training }, noKey: true },
    {
      action,
      how: 'of a training of an algorithm of AWS',
      input: { target: targets.training },
      answers: {
        [createTraining]: [
          refusal(
            'ValidationException',
            "You can't override the metric definitions for Amazon SageMaker algorithms. Please retry the request without specifying metric definitions.",
          ),
        ],
      },
      says: 'ended as Completed',
    },
    {
      action,
      how: 'of a training that fails',
      input: { target: targets.training },
      answers: {
        [training]: [{}, trainingAs('Failed', 'Failed', { FailureReason: 'AlgorithmError: Exit code: 1' })],
      },
      refused: true,
      says: 'ended as Failed: AlgorithmError: Exit code: 1',
    },
    {
      action,
      how: 'of a training that is stopped',
      input: { target: targets.training },
      stops: true,
      answers: { [training]: [{}, trainingAs('Stopping'), trainingAs('Stopped')] },
      refused: true,
      says: 'ended as Stopped',
    },
    {
      action,
      how: 'of a training, refused',
      input: { target: targets.training },
      answers: { [createTraining]: [refusal('ResourceLimitExceeded', 'too many')] },
      refused: true,
      says: 'too many',
    },
    {
      action,
      how: 'of a tuning',
      input: { target: targets.tuning, parameters: { epochs: 3 } },
      answers: { [tuning]: [{}, tuningAs('InProgress'), tuningAs('Completed')] },
      says: `Run ${tuningId} ended as Completed`,
    },
    {
      action,
      how: 'of a tuning of several definitions',
      input: { target: targets.tuning },
      answers: {
        [tuning]: [
          tuningAs('Completed', {
            TrainingJobDefinition: undefined,
            TrainingJobDefinitions: [{ DefinitionName: 'small', ...(tuned['TrainingJobDefinition'] as object) }],
          }),
        ],
      },
      says: 'ended as Completed',
    },
    {
      action,
      how: 'of a tuning that fails',
      input: { target: targets.tuning },
      answers: { [tuning]: [{}, tuningAs('Failed', { FailureReason: 'No training job succeeded' })] },
      refused: true,
      says: 'ended as Failed: No training job succeeded',
    },
    {
      action,
      how: 'of a tuning that is stopped',
      input: { target: targets.tuning },
      stops: true,
      answers: { [tuning]: [{}, tuningAs('Stopped')] },
      refused: true,
      says: 'ended as Stopped',
    },
    {
      action,
      how: 'of a tuning, refused',
      input: { target: targets.tuning },
      answers: { [createTuning]: [refusal('ResourceLimitExceeded', 'too many')] },
      refused: true,
      says: 'too many',
    },
    {
      action: stop,
      how: 'a pipeline that runs',
      input: { id: arn },
      answers: { [execution]: [executionAs('Executing'), executionAs('Stopping'), executionAs('Stopped')] },
      says: `Stopped run ${arn} (Stopped)`,
    },
    {
      action: stop,
      how: 'a training that runs',
      input: { id: trainingId },
      answers: { [training]: [trainingAs('InProgress', 'Training'), trainingAs('Stopped')] },
      says: `Stopped run ${trainingId} (Stopped)`,
    },
    {
      action: stop,
      how: 'a tuning that runs',
      input: { id: tuningId },
      answers: { [tuning]: [tuningAs('InProgress'), tuningAs('Stopped')] },
      says: `Stopped run ${tuningId} (Stopped)`,
    },
    ...[arn, trainingId, tuningId].map((id) => ({
      action: stop,
      how: `${id.split('/')[0]} that has ended`,
      input: { id },
      says: 'had ended already',
    })),
  ],
  run: driveProvider('optimization', 'aws-sagemaker', { region: 'eu-west-1' }),
}
