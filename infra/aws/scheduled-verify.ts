import { type IMetric, MathExpression } from 'aws-cdk-lib/aws-cloudwatch'
import { Rule, Schedule } from 'aws-cdk-lib/aws-events'
import { LambdaFunction } from 'aws-cdk-lib/aws-events-targets'
import { Duration } from 'aws-cdk-lib/core'
import { Construct } from 'constructs'
import { BundleFunction, type Deployment } from './bundle-function.ts'
import { readSecrets, SECRET_PATHS } from './secrets.ts'
import type { Settings } from './settings.ts'

interface ScheduledVerifyProps extends Deployment {
  verify: NonNullable<Settings['verify']>
  /** The URL of the API, without `/v1`. */
  origin: string
}

/** Calls categories through the public URL on a schedule, as `webhooks verify` does. */
export class ScheduledVerify extends Construct {
  /** Counts the runs in which all categories passed, for the interval of the schedule. */
  readonly passes: IMetric

  constructor(scope: Construct, id: string, { verify, origin, ...deployment }: ScheduledVerifyProps) {
    super(scope, id)
    const { settings } = deployment
    const period = Duration.minutes(verify.minutes)
    const { fn } = new BundleFunction(this, 'Run', deployment, {
      bundle: 'verify',
      entry: 'verify',
      description: 'Verifies the deployment through its public URL',
      memory: settings.memory.webhook,
      timeout: Duration.minutes(10),
      environment: { WEBHOOKS_URL: origin, WEBHOOKS_VERIFY: verify.categories.join(',') },
      permissions: readSecrets(this, settings, [SECRET_PATHS.verify]),
    })
    // The next scheduled run is the retry.
    fn.configureAsyncInvoke({ retryAttempts: 0 })
    const rule = new Rule(this, 'Schedule', {
      description: 'Verification of the deployment',
      schedule: Schedule.rate(period),
    })
    rule.addTarget(new LambdaFunction(fn, { retryAttempts: 0 }))
    this.passes = new MathExpression({
      expression: 'FILL(runs, 0) - FILL(failures, 0)',
      usingMetrics: { runs: fn.metricInvocations({ period }), failures: fn.metricErrors({ period }) },
      period,
      label: 'Successful verifications',
    })
  }
}
