import { type AwsPermissions, arnOf } from '../../../shared/aws/permissions.ts'

/** @see https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonsns.html */
export const permissions: AwsPermissions = {
  arns: { topic: arnOf('sns', '[\\w-]{1,251}(?:\\.fifo)?', '<name>') },
  statements: (arnsOf) => [{ actions: ['sns:Publish', 'sns:GetTopicAttributes'], resources: arnsOf('topic') }],
}
