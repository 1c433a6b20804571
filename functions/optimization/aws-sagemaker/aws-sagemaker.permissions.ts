import {
  type AwsPermissions,
  arnOf,
  endsOf,
  type Permission,
  passRole,
  ROLE_ARN,
} from '../../../shared/aws/permissions.ts'

/** @see https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonsagemaker.html */
export const permissions: AwsPermissions = {
  // A new job gets a prefix of the name of its template, shortened to leave room for the idempotency key.
  arns: {
    pipeline: {
      ...arnOf('sagemaker', 'pipeline/[a-zA-Z0-9](?:-*[a-zA-Z0-9])*', 'pipeline/<name>'),
      isOptional: true,
    },
    training: {
      ...arnOf(
        'sagemaker',
        'training-job/[a-zA-Z0-9][a-zA-Z0-9-]{0,45}\\*',
        'training-job/<prefix of up to 46 characters>*',
      ),
      isOptional: true,
    },
    tuning: {
      ...arnOf(
        'sagemaker',
        'hyper-parameter-tuning-job/[a-zA-Z0-9][a-zA-Z0-9-]{0,14}\\*',
        'hyper-parameter-tuning-job/<prefix of up to 15 characters>*',
      ),
      isOptional: true,
    },
    role: { ...ROLE_ARN, isOptional: true },
  },
  statements(arnsOf) {
    const pipelines = arnsOf('pipeline')
    const jobNames = 'Jobs get their names when they are created; the names start with the prefixes in cdk.json.'
    return [
      allow(['StartPipelineExecution', 'ListPipelineExecutions'], pipelines),
      allow(
        ['DescribePipelineExecution', 'ListPipelineExecutionSteps', 'StopPipelineExecution'],
        pipelines.map((arn) => `${arn}/execution/*`),
        'SageMaker chooses the id of an execution when it starts it.',
      ),
      allow(['CreateTrainingJob', 'DescribeTrainingJob', 'StopTrainingJob'], arnsOf('training'), jobNames),
      allow(
        ['CreateHyperParameterTuningJob', 'DescribeHyperParameterTuningJob', 'StopHyperParameterTuningJob'],
        arnsOf('tuning'),
        jobNames,
      ),
      passRole(arnsOf('role'), 'sagemaker.amazonaws.com'),
    ].flat()
  },
  /** @see https://docs.aws.amazon.com/sagemaker/latest/dg/automating-sagemaker-with-eventbridge.html */
  ends(arnsOf) {
    const source = 'aws.sagemaker'
    const [pipelines, trainings, tunings] = [arnsOf('pipeline'), arnsOf('training'), arnsOf('tuning')]
    const prefixes = (arns: string[]) => arns.map((arn) => ({ prefix: arn.replace(/\*$/, '') }))
    const states = ['Completed', 'Failed', 'Stopped']
    return [
      ...endsOf(pipelines, {
        source,
        detailType: ['SageMaker Model Building Pipeline Execution Status Change'],
        detail: { pipelineArn: pipelines, currentPipelineExecutionStatus: ['Succeeded', 'Failed', 'Stopped'] },
      }),
      ...endsOf(trainings, {
        source,
        detailType: ['SageMaker Training Job State Change'],
        detail: { TrainingJobArn: prefixes(trainings), TrainingJobStatus: states },
      }),
      ...endsOf(tunings, {
        source,
        detailType: ['SageMaker HyperParameter Tuning Job State Change'],
        detail: { HyperParameterTuningJobArn: prefixes(tunings), HyperParameterTuningJobStatus: states },
      }),
    ]
  },
}

function allow(calls: string[], resources: string[], wildcardReason?: string): Permission[] {
  return resources.length === 0
    ? []
    : [{ actions: calls.map((call) => `sagemaker:${call}`), resources, wildcardReason }]
}
