import { Alias } from 'aws-cdk-lib/aws-lambda'
import { RemovalPolicy } from 'aws-cdk-lib/core'
import type { Construct } from 'constructs'
import { BundleFunction, type BundleFunctionProps, type Deployment } from './bundle-function.ts'

/**
 * A function whose callers use the alias `live`. A deployment that changes the function publishes a version, and keeps the old ones:
 * executions that started on them, and operators who roll back, need them.
 */
export class LiveFunction extends BundleFunction {
  readonly live: Alias

  constructor(scope: Construct, id: string, deployment: Deployment, props: BundleFunctionProps) {
    super(scope, id, deployment, {
      ...props,
      more: { ...props.more, currentVersionOptions: { removalPolicy: RemovalPolicy.RETAIN } },
    })
    this.live = new Alias(this, 'Live', { aliasName: 'live', version: this.fn.currentVersion })
  }
}
