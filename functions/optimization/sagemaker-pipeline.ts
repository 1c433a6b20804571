import {
  DescribePipelineExecutionCommand,
  ListPipelineExecutionStepsCommand,
  ListPipelineExecutionsCommand,
  type PipelineExecutionStep,
  SageMakerClient,
  StartPipelineExecutionCommand,
  StopPipelineExecutionCommand,
} from '@aws-sdk/client-sagemaker'
import type { Aws } from '../../shared/aws/aws.ts'
import { Failure } from '../../shared/errors.ts'
import { toTextParameters } from '../../shared/providers/text-parameters.ts'
import { nameAfter } from './sagemaker-job.ts'
import { durationOf, type Kind, reasonOf, stateOf } from './sagemaker-run.ts'

const longestName = 82
const mostSteps = 100

/**
 * An execution of a pipeline, which the key of the call starts once. It is known by its ARN.
 *
 * @see https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_StartPipelineExecution.html
 */
export const pipeline: Kind = {
  check: (aws, name) =>
    aws.read(SageMakerClient, new ListPipelineExecutionsCommand({ PipelineName: name, MaxResults: 1 })),

  async start({ aws, idempotencyKey }, name, { ref, parameters }) {
    const command = new StartPipelineExecutionCommand({
      PipelineName: name,
      PipelineExecutionDisplayName: nameAfter(name, idempotencyKey, longestName),
      PipelineParameters: Object.entries(toTextParameters(parameters)).map(([Name, Value]) => ({ Name, Value })),
      ...(ref === undefined ? {} : { PipelineVersionId: Number(ref) }),
      // The SDK makes one up where there is none.
      ClientRequestToken: idempotencyKey,
    })
    const { PipelineExecutionArn: arn } = await aws.write(SageMakerClient, command)
    return { id: aws.requireField(arn, 'PipelineExecutionArn') }
  },

  async look(aws, arn) {
    const execution = await aws.read(
      SageMakerClient,
      new DescribePipelineExecutionCommand({ PipelineExecutionArn: arn }),
    )
    const status = aws.requireField(execution.PipelineExecutionStatus, 'PipelineExecutionStatus')
    const { steps, unread } = await stepsOf(aws, arn)
    // The first to fail: others are stopped because of it.
    const failing = status === 'Failed' ? steps.findLast(({ StepStatus }) => StepStatus === 'Failed') : undefined
    const failed = failing && `step ${failing.StepName} failed`
    const metrics = durationOf(execution.CreationTime, execution.LastModifiedTime)
    return {
      state: stateOf(status, undefined, execution.FailureReason),
      progress: stepOf(steps),
      reason: reasonOf(failed, failing?.FailureReason ?? execution.FailureReason, unread),
      data: { ...metrics, ...(failing ? { failedStep: failing.StepName } : {}) },
      metrics,
    }
  },

  stop({ aws, idempotencyKey }, arn) {
    // Of its own: an execution that is stopped at its deadline was started by the same call.
    const token = idempotencyKey && `stop-${idempotencyKey}`
    const command = new StopPipelineExecutionCommand({ PipelineExecutionArn: arn, ClientRequestToken: token })
    return aws.write(SageMakerClient, command)
  },
}

/** The newest first; a role that may not read them is no reason to lose the verdict. */
async function stepsOf(aws: Aws, arn: string): Promise<{ steps: PipelineExecutionStep[]; unread?: string }> {
  const command = new ListPipelineExecutionStepsCommand({
    PipelineExecutionArn: arn,
    SortOrder: 'Descending',
    MaxResults: mostSteps,
  })
  try {
    const { PipelineExecutionSteps: steps = [] } = await aws.read(SageMakerClient, command)
    return { steps }
  } catch (error) {
    if (!(error instanceof Failure && error.kind === 'refused')) throw error
    return { steps: [], unread: `its steps can not be read: ${error.message}` }
  }
}

function stepOf(steps: PipelineExecutionStep[]): string | undefined {
  const now = steps.filter(({ StepStatus }) => StepStatus === 'Executing' || StepStatus === 'Starting')
  return now.length === 0 ? undefined : `step ${now.map(({ StepName }) => StepName).join(', ')}`
}
