import type { IKey } from 'aws-cdk-lib/aws-kms'
import type { CfnFunction } from 'aws-cdk-lib/aws-lambda'
import { type CfnQueue, Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs'
import { Annotations, Duration, Validations } from 'aws-cdk-lib/core'
import type { Construct } from 'constructs'
import type { BundleFunctionProps, Deployment } from './bundle-function.ts'
import { LiveFunction } from './live-function.ts'

/** How long an ended execution can be read. Its name can be used again afterwards. */
const RETENTION = Duration.days(14)

export interface DurableFunctionProps extends Omit<BundleFunctionProps, 'more' | 'timeout'> {
  /** Lambda ends a longer execution. */
  executionTimeout: Duration
  deadLetters: Queue
}

/** A function whose executions outlive its invocations. An execution stays with the version that started it. */
export class DurableFunction extends LiveFunction {
  constructor(scope: Construct, id: string, deployment: Deployment, props: DurableFunctionProps) {
    const { executionTimeout, deadLetters, ...common } = props
    super(scope, id, deployment, {
      ...common,
      // For one invocation. The requests of a step take much less.
      timeout: Duration.minutes(5),
      more: {
        durableConfig: { executionTimeout, retentionPeriod: RETENTION },
        deadLetterQueue: deadLetters,
      },
    })
    // CDK has no property for it yet.
    if (deployment.dataKey) {
      const resource = this.fn.node.defaultChild as CfnFunction
      resource.addPropertyOverride('DurableConfig.KMSKeyArn', deployment.dataKey.keyArn)
    }
    this.grantOnOwnExecutions(['lambda:CheckpointDurableExecution', 'lambda:GetDurableExecutionState'])
    Annotations.of(this.fn).acknowledgeInfo(
      'aws-lambda:Function.DurableConfig',
      'The function is durable from its first deployment and has no fixed name, so it can be replaced.',
    )
  }
}

/**
 * Creates a queue for messages of failed executions, with the maximum retention of SQS.
 *
 * @param dataKey its key policy must let the services use it; the roles of the functions need no permission
 */
export function deadLetterQueue(scope: Construct, id: string, dataKey?: IKey): Queue {
  const queue = new Queue(scope, id, {
    encryption: QueueEncryption.SQS_MANAGED,
    enforceSSL: true,
    retentionPeriod: Duration.days(14),
  })
  if (dataKey) {
    const resource = queue.node.defaultChild as CfnQueue
    resource.sqsManagedSseEnabled = false
    resource.kmsMasterKeyId = dataKey.keyArn
  }
  Validations.of(queue).acknowledge({ id: 'AwsSolutions-SQS3', reason: 'This queue is a dead-letter queue.' })
  return queue
}
