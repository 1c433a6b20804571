import type { Function as Fn } from 'aws-cdk-lib/aws-lambda'
import { Duration } from 'aws-cdk-lib/core'
import { Construct } from 'constructs'
import { BundleFunction, type Deployment } from './bundle-function.ts'

/** It reads one file. */
const TIMEOUT = Duration.seconds(5)

/**
 * Answers for the policy of today, without a policy, too: the next deployment may have one. Tasks run the version that has accepted their
 * call, with the policy of that time. Without an alias, because all must ask the same version, also while another one rolls out.
 */
export class TodaysPolicy extends Construct {
  readonly fn: Fn

  constructor(scope: Construct, id: string, deployment: Deployment) {
    super(scope, id)
    const { settings, policy } = deployment
    this.fn = new BundleFunction(this, 'Ask', deployment, {
      bundle: 'policy',
      entry: 'policy',
      description: 'Says whether the policy of today lets an action start',
      memory: settings.memory.webhook,
      timeout: TIMEOUT,
      environment: policy ? { WEBHOOKS_POLICY_FILE: policy.file } : {},
      layers: policy ? [policy.layer] : [],
      permissions: [],
    }).fn
  }
}
