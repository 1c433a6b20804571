import {
  CreateTrainingJobCommand,
  type CreateTrainingJobRequest,
  DescribeTrainingJobCommand,
  type DescribeTrainingJobResponse,
  SageMakerClient,
  StopTrainingJobCommand,
} from '@aws-sdk/client-sagemaker'
import type { Aws } from '../../../shared/aws/aws.ts'
import { toTextParameters } from '../../../shared/providers/text-parameters.ts'
import { createOnce, nameAfter, pick, runOf, withMetrics } from './job.ts'
import { metricsIn, reasonOf, type SageMakerKind, stateOf } from './run.ts'

const MAX_NAME = 63

/** Fields that are not copied unchanged. */
type Replaced = 'TrainingJobName' | 'RoleArn' | 'OutputDataConfig' | 'AlgorithmSpecification' | 'HyperParameters'

/**
 * The fields that are copied from a template: those that both a response and a request have. A field that a newer SDK adds to
 * both does not compile until it is listed here, so that it cannot be lost.
 */
const copiedFields: Readonly<
  Record<Exclude<keyof CreateTrainingJobRequest & keyof DescribeTrainingJobResponse, Replaced>, true>
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
 * Starts training jobs with the definition of an earlier one.
 *
 * @see https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateTrainingJob.html
 */
export const training: SageMakerKind = {
  check: describe,

  async start(client, template, { parameters }) {
    const { aws, idempotencyKey } = client
    const name = nameAfter(template, idempotencyKey, MAX_NAME)
    const source = await describe(aws, template)
    await createOnce(
      client,
      () => describe(aws, name),
      (metrics) =>
        new CreateTrainingJobCommand({
          ...pick(source, copiedFields),
          TrainingJobName: name,
          RoleArn: source.RoleArn,
          OutputDataConfig: source.OutputDataConfig,
          AlgorithmSpecification: withMetrics(source.AlgorithmSpecification, metrics),
          HyperParameters: { ...source.HyperParameters, ...toTextParameters(parameters) },
        }),
    )
    return runOf(aws, 'training', name)
  },

  async getStatus(aws, name) {
    const job = await describe(aws, name)
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
        billableSeconds: job.BillableTimeInSeconds,
        model: job.ModelArtifacts?.S3ModelArtifacts,
        metrics,
      },
      metrics,
      period: { start: job.CreationTime, end: job.TrainingEndTime },
    }
  },

  stop: ({ aws }, name) => aws.write(SageMakerClient, new StopTrainingJobCommand({ TrainingJobName: name })),
}

async function describe(aws: Aws, name: string): Promise<DescribeTrainingJobResponse> {
  const job = await aws.read(SageMakerClient, new DescribeTrainingJobCommand({ TrainingJobName: name }))
  aws.requireField(job.TrainingJobName, 'TrainingJobName')
  return job
}

/** `Downloading: Downloading input data`. */
function stepOf({ SecondaryStatus: status, SecondaryStatusTransitions: all = [] }: DescribeTrainingJobResponse) {
  return [status, all.at(-1)?.StatusMessage].filter(Boolean).join(': ') || undefined
}
