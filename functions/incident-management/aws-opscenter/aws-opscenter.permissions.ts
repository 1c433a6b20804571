import { type AwsPermissions, arnOf } from '../../../shared/aws/permissions.ts'

/** @see https://docs.aws.amazon.com/service-authorization/latest/reference/list_awssystemsmanager.html */
export const permissions: AwsPermissions = {
  arns: { opsitem: arnOf('ssm', 'opsitem/\\*', 'opsitem/*') },
  statements(arnsOf) {
    const items = arnsOf('opsitem')
    const regions = [...new Set(items.map((arn) => arn.split(':')[3] ?? ''))]
    return [
      {
        actions: ['ssm:GetOpsItem', 'ssm:UpdateOpsItem', 'ssm:AddTagsToResource'],
        resources: items,
        wildcardReason: 'OpsCenter chooses the id of an OpsItem when it creates it.',
      },
      {
        actions: ['ssm:CreateOpsItem', 'ssm:DescribeOpsItems'],
        resources: ['*'],
        conditions: { StringEquals: { 'aws:RequestedRegion': regions } },
        wildcardReason:
          'These calls support no resource-level permissions; they are limited to the regions in cdk.json.',
      },
    ]
  },
}
