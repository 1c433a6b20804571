import { type AwsPermissions, endsOf, passRole, ROLE_ARN } from '../aws/permissions.ts'

const WILDCARD_REASON = 'Systems Manager chooses the id of an execution when it starts it.'

/**
 * @see https://docs.aws.amazon.com/service-authorization/latest/reference/list_awssystemsmanager.html
 * @see https://docs.aws.amazon.com/systems-manager/latest/userguide/automation-setup-identity-based-policies.html
 */
export const permissions: AwsPermissions = {
  arns: {
    document: {
      // The runbooks of AWS belong to no account.
      pattern: /^arn:[a-z-]+:ssm:[a-z0-9-]+:(?:\d{12})?:document\/[\w.-]{3,128}$/,
      example: 'arn:aws:ssm:<region>:<account>:document/<name>',
    },
    role: { ...ROLE_ARN, isOptional: true },
  },
  statements(arnsOf, account) {
    const documents = arnsOf('document')
    const prefixes = new Set(documents.map((arn) => arn.split(':').slice(0, 4).join(':')))
    const executions = [...prefixes].map((prefix) => `${prefix}:${account}:automation-execution/*`)
    // Some regions check the older resource type, which includes the version.
    const definitions = documents.map((arn) => `${arn.replace(':document/', ':automation-definition/')}:*`)
    return [
      {
        actions: ['ssm:StartAutomationExecution'],
        resources: [...documents, ...definitions, ...executions],
        wildcardReason: `All versions of the runbooks in cdk.json are allowed. ${WILDCARD_REASON}`,
      },
      {
        actions: ['ssm:GetAutomationExecution', 'ssm:StopAutomationExecution'],
        resources: executions,
        wildcardReason: WILDCARD_REASON,
      },
      ...passRole(arnsOf('role'), 'ssm.amazonaws.com'),
    ]
  },
  /** @see https://docs.aws.amazon.com/systems-manager/latest/userguide/reference-eventbridge-events.html */
  ends(arnsOf) {
    const documents = arnsOf('document')
    return endsOf(documents, {
      source: 'aws.ssm',
      detailType: ['EC2 Automation Execution Status-change Notification'],
      detail: {
        Definition: documents.map((arn) => arn.replace(/^.*:document\//, '')),
        Status: ['Success', 'Failed', 'TimedOut', 'Cancelled'],
      },
    })
  },
}
