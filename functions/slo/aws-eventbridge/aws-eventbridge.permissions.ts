import { type AwsPermissions, arnOf } from '../../../shared/aws/permissions.ts'

/** @see https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazoneventbridge.html */
export const permissions: AwsPermissions = {
  arns: { eventBus: arnOf('events', 'event-bus/[\\w.-]{1,256}', 'event-bus/<name>') },
  statements: (arnsOf) => [{ actions: ['events:PutEvents', 'events:DescribeEventBus'], resources: arnsOf('eventBus') }],
}
