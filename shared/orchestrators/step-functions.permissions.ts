import { type AwsPermissions, arnOf } from '../aws/permissions.ts'

/**
 * AWS checks task tokens against the state machine that issued them.
 *
 * @see https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsstepfunctions.html
 */
export const permissions: AwsPermissions = {
  arns: { stateMachine: arnOf('states', 'stateMachine:[^\\s:]{1,80}', 'stateMachine:<name>') },
  statements: (arnsOf) => [
    {
      actions: ['states:SendTaskFailure', 'states:SendTaskHeartbeat', 'states:SendTaskSuccess'],
      resources: arnsOf('stateMachine'),
    },
  ],
}
