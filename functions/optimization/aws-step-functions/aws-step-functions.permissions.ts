import { type AwsPermissions, arnOf, endsOf } from '../../../shared/aws/permissions.ts'

/** The characters that Step Functions allows. */
const NAME = '[^\\s<>{}[\\]?*"#%\\\\^|~`$&,;:/]{1,80}'

/**
 * @see https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsstepfunctions.html
 * @see https://docs.aws.amazon.com/step-functions/latest/dg/auth-version-alias.html
 */
export const permissions: AwsPermissions = {
  arns: { stateMachine: arnOf('states', `stateMachine:${NAME}`, 'stateMachine:<name>') },
  statements(arnsOf) {
    const machines = arnsOf('stateMachine')
    return [
      // Includes versions and aliases: AWS checks these calls against the state machine.
      { actions: ['states:DescribeStateMachine', 'states:StartExecution'], resources: machines },
      {
        actions: ['states:DescribeExecution', 'states:GetExecutionHistory', 'states:StopExecution'],
        resources: machines.map((arn) => `${arn.replace(':stateMachine:', ':execution:')}:*`),
        wildcardReason:
          'Executions get their ids when they start; only those of the state machines in cdk.json are allowed.',
      },
    ]
  },
  /** @see https://docs.aws.amazon.com/step-functions/latest/dg/eventbridge-integration.html */
  ends(arnsOf) {
    const machines = arnsOf('stateMachine')
    return endsOf(machines, {
      source: 'aws.states',
      detailType: ['Step Functions Execution Status Change'],
      detail: { stateMachineArn: machines, status: ['SUCCEEDED', 'FAILED', 'TIMED_OUT', 'ABORTED'] },
    })
  },
}
