import {
  CreateTrainingJobCommand,
  type CreateTrainingJobRequest,
  DescribeTrainingJobCommand,
  type DescribeTrainingJobResponse,
  SageMakerClient,
  StopTrainingJobCommand,
} from '@aws-sdk/client-sagemaker'
import type { Aws } from '../../shared/aws/aws.ts'
import { toTextParameters } from '../../shared/providers/text-parameters.ts'
import { createOnce, nameAfter, pick, runOf, specified } from './sagemaker-job.ts'
import { durationOf, type Kind, metricsIn, reasonOf, stateOf } from './sagemaker-run.ts'

const longestName = 63

/** What is not taken as it is. */
type Given = 'TrainingJobName' | 'RoleArn' | 'OutputDataConfig' | 'AlgorithmSpecification' | 'HyperParameters'

/**
 * All else that defines a training: what both an answer and a request have. Whatever a newer SDK adds to both does not
 * compile until it stands here, so that nothing of a template is lost in silence.
 */
const definition: Readonly<
  Record<Exclude<keyof CreateTrainingJobRequest & keyof DescribeTrainingJobResponse, Given>, true>
> = {
  CheckpointConfig: true,
  DebugHookConfig: true,
  DebugRuleConfigurations: true,
  EnableInterContainerTrafficEncryption: true,
  EnableManagedSpotTraining: true,
  EnableNetworkIsolation: true,
  Environment: true,
  ExperimentConfig: true,
  InfraCheckConfig: true,
  InputDataConfig: true,
  MlflowConfig: true,
  ModelPackageConfig: true,
  ProfilerConfig: true,
  ProfilerRuleConfigurations: true,
  RemoteDebugConfig: true,
  ResourceConfig: true,
  RetryStrategy: true,
  ServerlessJobConfig: true,
  StoppingCondition: true,
  TensorBoardOutputConfig: true,
  VpcConfig: true,
}

/**
 * A training job, made after an earlier one.
 *
 * @see https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateTrainingJob.html
 */
export const training: Kind = {
  check: describe,

  async start(client, template, { parameters }) {
    const { aws, idempotencyKey } = client
    const name = nameAfter(template, idempotencyKey, longestName)
    const earlier = await describe(aws, template)
    await createOnce(
      client,
      () => describe(aws, name),
      (metrics) =>
        new CreateTrainingJobCommand({
          ...pick(earlier, definition),
          TrainingJobName: name,
          RoleArn: earlier.RoleArn,
          OutputDataConfig: earlier.OutputDataConfig,
          AlgorithmSpecification: specified(earlier.AlgorithmSpecification, metrics),
          HyperParameters: { ...earlier.HyperParameters, ...toTextParameters(parameters) },
        }),
    )
    return runOf(aws, 'training', name)
  },

  async look(aws, name) {
    const job = await describe(aws, name)
    const duration = durationOf(job.CreationTime, job.TrainingEndTime)
    const metrics = metricsIn(job.FinalMetricDataList ?? [])
    return {
      state: stateOf(
        aws.requireField(job.TrainingJobStatus, 'TrainingJobStatus'),
        job.SecondaryStatus,
        job.FailureReason,
      ),
      run: await runOf(aws, 'training', name),
      progress: stepOf(job),
      reason: reasonOf(job.FailureReason),
      data: {
        ...duration,
        billableSeconds: job.BillableTimeInSeconds,
        model: job.ModelArtifacts?.S3ModelArtifacts,
        metrics,
      },
      metrics: { ...duration, ...metrics },
    }
  },

  stop: ({ aws }, name) => aws.write(SageMakerClient, new StopTrainingJobCommand({ TrainingJobName: name })),
}

function describe(aws: Aws, name: string) {
  return aws.read(SageMakerClient, new DescribeTrainingJobCommand({ TrainingJobName: name }))
}

/** `Downloading: Downloading input data`. */
function stepOf({ SecondaryStatus: status, SecondaryStatusTransitions: all = [] }: DescribeTrainingJobResponse) {
  return [status, all.at(-1)?.StatusMessage].filter(Boolean).join(': ') || undefined
}
