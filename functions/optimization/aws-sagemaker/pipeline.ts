import {
  DescribePipelineExecutionCommand,
  ListPipelineExecutionStepsCommand,
  ListPipelineExecutionsCommand,
  type PipelineExecutionStep,
  SageMakerClient,
  StartPipelineExecutionCommand,
  StopPipelineExecutionCommand,
} from '@aws-sdk/client-sagemaker'
import type { Aws } from '../../../shared/aws/aws.ts'
import { Failure } from '../../../shared/errors.ts'
import { toTextParameters } from '../../../shared/providers/text-parameters.ts'
import { nameAfter } from './job.ts'
import { reasonOf, type SageMakerKind, stateOf } from './run.ts'

const MAX_NAME = 82
const MAX_STEPS = 100

/**
 * Starts executions of a pipeline, once per idempotency key. The run id is the ARN of the execution.
 *
 * @see https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_StartPipelineExecution.html
 */
export const pipeline: SageMakerKind = {
  check: (aws, name) =>
    aws.read(SageMakerClient, new ListPipelineExecutionsCommand({ PipelineName: name, MaxResults: 1 })),

  async start({ aws, idempotencyKey }, name, { ref, parameters }) {
    const command = new StartPipelineExecutionCommand({
      PipelineName: name,
      PipelineExecutionDisplayName: nameAfter(name, idempotencyKey, MAX_NAME),
      PipelineParameters: Object.entries(toTextParameters(parameters)).map(([Name, Value]) => ({ Name, Value })),
      ...(ref === undefined ? {} : { PipelineVersionId: Number(ref) }),
      // The SDK generates a token if there is none.
      ClientRequestToken: idempotencyKey,
    })
    const { PipelineExecutionArn: arn } = await aws.write(SageMakerClient, command)
    return { id: aws.requireField(arn, 'PipelineExecutionArn') }
  },

  async getStatus(aws, arn) {
    const execution = await aws.read(
      SageMakerClient,
      new DescribePipelineExecutionCommand({ PipelineExecutionArn: arn }),
    )
    const status = aws.requireField(execution.PipelineExecutionStatus, 'PipelineExecutionStatus')
    const { steps, unread } = await stepsOf(aws, arn)
    // The first step that failed. Others are stopped because of it.
    const failing = status === 'Failed' ? steps.findLast(({ StepStatus }) => StepStatus === 'Failed') : undefined
    const failed = failing && `step ${failing.StepName} failed`
    return {
      state: stateOf(status, undefined, execution.FailureReason),
      progress: stepOf(steps),
      reason: reasonOf(failed, failing?.FailureReason ?? execution.FailureReason, unread),
      data: failing ? { failedStep: failing.StepName } : {},
      period: { start: execution.CreationTime, end: execution.LastModifiedTime },
    }
  },

  stop({ aws, idempotencyKey }, arn) {
    // Not the token of the start: a task that stops its execution at the deadline has the same key.
    const token = idempotencyKey && `stop-${idempotencyKey}`
    const command = new StopPipelineExecutionCommand({ PipelineExecutionArn: arn, ClientRequestToken: token })
    return aws.write(SageMakerClient, command)
  },
}

/** Returns the steps, newest first. If the role cannot read them, the verdict is still reported. */
async function stepsOf(aws: Aws, arn: string): Promise<{ steps: PipelineExecutionStep[]; unread?: string }> {
  const command = new ListPipelineExecutionStepsCommand({
    PipelineExecutionArn: arn,
    SortOrder: 'Descending',
    MaxResults: MAX_STEPS,
  })
  try {
    const { PipelineExecutionSteps: steps } = await aws.read(SageMakerClient, command)
    return { steps: aws.requireField(steps, 'PipelineExecutionSteps') }
  } catch (error) {
    if (!(error instanceof Failure && error.kind === 'refused')) throw error
    return { steps: [], unread: `its steps cannot be read: ${error.message}` }
  }
}

function stepOf(steps: PipelineExecutionStep[]): string | undefined {
  const running = steps.filter(({ StepStatus }) => StepStatus === 'Executing' || StepStatus === 'Starting')
  return running.length === 0 ? undefined : `step ${running.map(({ StepName }) => StepName).join(', ')}`
}
