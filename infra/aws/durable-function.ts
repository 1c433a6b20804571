import type { IKey } from 'aws-cdk-lib/aws-kms'
import { Alias, type CfnFunction } from 'aws-cdk-lib/aws-lambda'
import { type CfnQueue, Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs'
import { Annotations, Duration, RemovalPolicy, Validations } from 'aws-cdk-lib/core'
import type { Construct } from 'constructs'
import { BundleFunction, type BundleFunctionProps, type Deployment } from './bundle-function.ts'

/** How long an ended execution can be looked up; its name is free again after that. */
const retention = Duration.days(14)

export interface DurableFunctionProps extends Omit<BundleFunctionProps, 'more' | 'timeout'> {
  /** After which Lambda ends an execution, however far it is. */
  executionTimeout: Duration
  /** Where Lambda puts what it could not start, and what it ended. */
  deadLetters: Queue
}

/**
 * A function whose executions outlive its invocations. It is only ever called as `live`: an execution stays with the version
 * that it began on, so each deployment makes a new version and keeps the old ones.
 */
export class DurableFunction extends BundleFunction {
  readonly live: Alias

  constructor(scope: Construct, id: string, deployment: Deployment, props: DurableFunctionProps) {
    const { executionTimeout, deadLetters, ...common } = props
    super(scope, id, deployment, {
      ...common,
      // Of one invocation; a step's requests are far shorter.
      timeout: Duration.minutes(5),
      more: {
        durableConfig: { executionTimeout, retentionPeriod: retention },
        deadLetterQueue: deadLetters,
        currentVersionOptions: { removalPolicy: RemovalPolicy.RETAIN },
      },
    })
    // The construct has no property for it yet.
    if (deployment.dataKey) {
      const resource = this.fn.node.defaultChild as CfnFunction
      resource.addPropertyOverride('DurableConfig.KMSKeyArn', deployment.dataKey.keyArn)
    }
    this.allowOnItself(['lambda:CheckpointDurableExecution', 'lambda:GetDurableExecutionState'])
    this.live = new Alias(this, 'Live', { aliasName: 'live', version: this.fn.currentVersion })
    Annotations.of(this.fn).acknowledgeInfo(
      'aws-lambda:Function.DurableConfig',
      'It is durable from its first deployment on, and has no name of its own choosing that a replacement would meet.',
    )
  }
}

/**
 * A queue for what went wrong, kept as long as SQS keeps anything.
 *
 * @param dataKey its policy lets the services use it, so the roles of the functions need no permission for it
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
  Validations.of(queue).acknowledge({ id: 'AwsSolutions-SQS3', reason: 'It is a dead-letter queue itself.' })
  return queue
}
