import { LambdaApplication, LambdaDeploymentConfig, LambdaDeploymentGroup } from 'aws-cdk-lib/aws-codedeploy'
import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam'
import { Duration, Stack } from 'aws-cdk-lib/core'
import { Construct } from 'constructs'
import type { Permission } from '../../shared/aws/permissions.ts'
import type { Alarms } from './alarms.ts'
import { BundleFunction, type Deployment } from './bundle-function.ts'
import type { CategoryFunction } from './category-function.ts'
import { grant } from './permission.ts'
import { readSecrets, SECRET_PATHS } from './secrets.ts'

export interface RolloutProps extends Deployment {
  categories: CategoryFunction[]
  alarms: Alarms
}

/**
 * Shifts the calls of each webhook to its new version gradually: none before the new version passes the check of `webhooks verify`, a
 * tenth for five minutes, then all. The calls go back to the previous version if the alarm for the errors of the webhook goes off.
 *
 * The first deployment does not wait: it creates the aliases on their only version.
 */
export class Rollout extends Construct {
  constructor(scope: Construct, id: string, { categories, alarms, ...deployment }: RolloutProps) {
    super(scope, id)
    const application = new LambdaApplication(this, 'Application')
    const hook = this.#hook(categories, deployment)
    const role = this.#role(categories, hook)
    for (const category of categories) {
      const { live } = category.webhook
      const group = new LambdaDeploymentGroup(this, category.node.id, {
        application,
        // The hook finds the category by it.
        deploymentGroupName: category.category.name,
        alias: live,
        deploymentConfig: LambdaDeploymentConfig.CANARY_10PERCENT_5MINUTES,
        // Without AWS's managed policy, which allows all functions of the account.
        role: role.withoutPolicyUpdates(),
        alarms: [alarms.webhookErrorsOf(category)],
        autoRollback: { failedDeployment: true, stoppedDeployment: true, deploymentInAlarm: true },
      })
      // Lets the hook report its result, too.
      group.addPreHook(hook.fn)
      grant(hook.role, { actions: ['codedeploy:GetDeployment'], resources: [group.deploymentGroupArn] })
      // CodeDeploy uses the role while CloudFormation updates the alias.
      live.node.addDependency(role)
    }
  }

  /** Calls the new version itself: until it passes, the URL leads to the previous one. */
  #hook(categories: CategoryFunction[], deployment: Deployment): BundleFunction {
    const { settings } = deployment
    const versions = categories.map(({ category, webhook: { fn } }) => [
      category.name,
      `${fn.functionName}:${fn.currentVersion.version}`,
    ])
    return new BundleFunction(this, 'Hook', deployment, {
      bundle: 'verify',
      entry: 'verify',
      description: 'Verifies a new version of a webhook before it receives calls',
      memory: settings.memory.webhook,
      timeout: Duration.minutes(10),
      environment: { WEBHOOKS_NEW_VERSIONS: Stack.of(this).toJsonString(Object.fromEntries(versions)) },
      permissions: [
        ...readSecrets(this, settings, [SECRET_PATHS.verify]),
        {
          actions: ['lambda:InvokeFunction'],
          resources: categories.map(({ webhook: { fn } }) => `${fn.functionArn}:*`),
          wildcardReason: 'The versions of these functions, which later deployments publish.',
        },
      ],
    })
  }

  /** The role with which CodeDeploy shifts the calls. */
  #role(categories: CategoryFunction[], { fn: hook }: BundleFunction): Role {
    const role = new Role(this, 'Role', {
      assumedBy: new ServicePrincipal('codedeploy.amazonaws.com'),
      description: 'Shifts calls between versions of the webhooks',
    })
    const permissions: Permission[] = [
      {
        actions: ['lambda:GetAlias', 'lambda:UpdateAlias', 'lambda:GetProvisionedConcurrencyConfig'],
        resources: categories.flatMap(({ webhook: { fn } }) => [fn.functionArn, `${fn.functionArn}:live`]),
      },
      { actions: ['lambda:InvokeFunction'], resources: [hook.functionArn] },
      {
        actions: ['cloudwatch:DescribeAlarms'],
        resources: ['*'],
        wildcardReason:
          'CodeDeploy reads the states of the alarms of its groups. The states contain nothing of the calls.',
      },
    ]
    for (const permission of permissions) grant(role, permission)
    return role
  }
}
