import type { AwsPermissions } from '../../../shared/aws/permissions.ts'

/**
 * @see https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazoncloudwatch.html
 * @see https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/iam-cw-condition-keys-namespace.html
 */
export const permissions: AwsPermissions = {
  arns: {
    // A namespace has no ARN.
    namespace: {
      pattern: /^(?!AWS\/|arn:)[\w./#-][\w./#:-]{0,254}$/,
      example: '<namespace of metrics, such as CloudAutomation/SLO>',
    },
  },
  statements: (arnsOf) => [
    {
      actions: ['cloudwatch:PutMetricData'],
      resources: ['*'],
      conditions: { StringEquals: { 'cloudwatch:namespace': arnsOf('namespace') } },
      wildcardReason:
        'PutMetricData supports no resource-level permissions; it is limited to the namespaces in cdk.json.',
    },
  ],
}
