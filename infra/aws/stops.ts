import { Rule, RuleTargetInput, Schedule } from 'aws-cdk-lib/aws-events'
import { LambdaFunction } from 'aws-cdk-lib/aws-events-targets'
import { Duration } from 'aws-cdk-lib/core'
import { Construct } from 'constructs'
import { itemKeys } from '../../shared/state/item-keys.ts'
import { auditEventsOf } from './audit-events.ts'
import { BundleFunction, type Deployment } from './bundle-function.ts'
import { readSecrets, SECRET_PATHS } from './secrets.ts'
import type { StateTable } from './state-table.ts'

interface StopsProps extends Deployment {
  table: StateTable
}

/**
 * The function that sets and lifts stops for operators. No other role may change them. A schedule counts those in force: the alarm has
 * a value in each of its periods.
 */
export class Stops extends Construct {
  constructor(scope: Construct, id: string, { table, ...deployment }: StopsProps) {
    super(scope, id)
    const { settings } = deployment
    const auditEvents = auditEventsOf(this, settings)
    const { fn } = new BundleFunction(this, 'Stops', deployment, {
      bundle: 'stops',
      entry: 'stops',
      description: 'Sets and lifts stops for operators',
      memory: settings.memory.task,
      timeout: Duration.seconds(30),
      environment: { WEBHOOKS_STATE_TABLE: table.name, ...auditEvents.environment },
      permissions: [
        ...table.allow(['GetItem', 'PutItem'], [itemKeys.stops]),
        ...readSecrets(this, settings, [SECRET_PATHS.identity]),
        ...auditEvents.permissions,
      ],
    })
    const rule = new Rule(this, 'Schedule', {
      description: 'Number of stops in force',
      schedule: Schedule.rate(Duration.minutes(4)),
    })
    const event = RuleTargetInput.fromObject({ operation: 'list' })
    rule.addTarget(new LambdaFunction(fn, { event, retryAttempts: 0 }))
  }
}
