import { type AwsPermissions, arnOf, endsOf } from '../../../shared/aws/permissions.ts'

const ID = '[a-z0-9]{4,7}'

/** @see https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsappconfig.html */
export const permissions: AwsPermissions = {
  arns: {
    environment: arnOf('appconfig', `application/${ID}/environment/${ID}`, 'application/<id>/environment/<id>'),
    configurationprofile: arnOf(
      'appconfig',
      `application/${ID}/configurationprofile/${ID}`,
      'application/<id>/configurationprofile/<id>',
    ),
    deploymentstrategy: arnOf(
      'appconfig',
      `deploymentstrategy/(?:${ID}|AppConfig\\.[A-Za-z0-9]{9,40})`,
      'deploymentstrategy/<id>',
    ),
  },
  statements(arnsOf) {
    const [environments, profiles] = [arnsOf('environment'), arnsOf('configurationprofile')]
    const deployments = environments.map((arn) => `${arn}/deployment/*`)
    const versions = profiles.map((arn) => `${arn}/hostedconfigurationversion/*`)
    const applications = [...new Set([...environments, ...profiles].map((arn) => arn.split('/').slice(0, 2).join('/')))]
    const wildcardReason = 'AppConfig numbers deployments and versions when it creates them.'
    return [
      { actions: ['appconfig:ListDeployments'], resources: [...applications, ...environments] },
      {
        actions: ['appconfig:GetDeployment'],
        resources: [...applications, ...environments, ...deployments],
        wildcardReason,
      },
      { actions: ['appconfig:ListHostedConfigurationVersions'], resources: [...applications, ...profiles] },
      {
        actions: ['appconfig:GetHostedConfigurationVersion', 'appconfig:CreateHostedConfigurationVersion'],
        resources: [...applications, ...profiles, ...versions],
        wildcardReason,
      },
      {
        actions: ['appconfig:StartDeployment'],
        resources: [...applications, ...environments, ...deployments, ...profiles, ...arnsOf('deploymentstrategy')],
        wildcardReason,
      },
    ]
  },
  /**
   * Sent only if the extension AWS.AppConfig.DeploymentNotificationsToEventBridge is associated.
   *
   * @see https://docs.aws.amazon.com/appconfig/latest/userguide/working-with-appconfig-extensions-about-predefined-notification-eventbridge.html
   */
  ends(arnsOf) {
    const environments = arnsOf('environment')
    const ids = (part: number) => [...new Set(environments.map((arn) => arn.split('/')[part]))]
    return endsOf(environments, {
      source: 'aws.appconfig',
      detailType: ['On Deployment Complete', 'On Deployment Rolled Back'],
      detail: { Application: { Id: ids(1) }, Environment: { Id: ids(3) } },
    })
  },
}
