import { Rule, Schedule } from 'aws-cdk-lib/aws-events'
import { LambdaFunction } from 'aws-cdk-lib/aws-events-targets'
import { Duration } from 'aws-cdk-lib/core'
import { Construct } from 'constructs'
import { BundleFunction, type Deployment } from './bundle-function.ts'
import { readSecrets, SECRET_PATHS } from './secrets.ts'
import type { Settings } from './settings.ts'

interface RedeliveryProps extends Deployment {
  redeliver: NonNullable<Settings['redeliver']>
}

/** Asks GitHub on a schedule to send failed deliveries again: GitHub itself sends each only once. */
export class Redelivery extends Construct {
  constructor(scope: Construct, id: string, { redeliver, ...deployment }: RedeliveryProps) {
    super(scope, id)
    const { orchestrators, minutes } = redeliver
    const { settings } = deployment
    const { fn } = new BundleFunction(this, 'Redeliver', deployment, {
      bundle: 'redeliver',
      entry: 'redeliver',
      description: 'Asks GitHub to send failed deliveries again',
      memory: settings.memory.task,
      timeout: Duration.minutes(5),
      environment: { WEBHOOKS_REDELIVER: orchestrators.join(',') },
      permissions: readSecrets(this, settings, orchestrators.map(SECRET_PATHS.orchestrator)),
    })
    const rule = new Rule(this, 'Schedule', {
      description: 'Failed deliveries of GitHub',
      schedule: Schedule.rate(Duration.minutes(minutes)),
    })
    // The next run does what this one could not.
    rule.addTarget(new LambdaFunction(fn, { retryAttempts: 0 }))
  }
}
