import { type AwsPermissions, arnOf, endsOf } from '../../../shared/aws/permissions.ts'

/** @see https://docs.aws.amazon.com/service-authorization/latest/reference/list_awscodepipeline.html */
export const permissions: AwsPermissions = {
  arns: { pipeline: arnOf('codepipeline', '[\\w.@-]{1,100}', '<name>') },
  statements(arnsOf) {
    const pipelines = arnsOf('pipeline')
    const writes = ['StartPipelineExecution', 'StopPipelineExecution']
    const reads = ['GetPipelineExecution', 'GetPipelineState', 'ListActionExecutions', 'ListPipelineExecutions']
    return [
      { actions: [...writes, ...reads].map((call) => `codepipeline:${call}`), resources: pipelines },
      {
        actions: ['codepipeline:RollbackStage'],
        resources: pipelines.map((arn) => `${arn}/*`),
        wildcardReason: 'All stages of the pipelines in cdk.json can be rolled back.',
      },
    ]
  },
  /** @see https://docs.aws.amazon.com/codepipeline/latest/userguide/detect-state-changes-cloudwatch-events.html */
  ends(arnsOf) {
    const resources = arnsOf('pipeline')
    return endsOf(resources, {
      source: 'aws.codepipeline',
      detailType: ['CodePipeline Pipeline Execution State Change'],
      resources,
      detail: { state: ['SUCCEEDED', 'FAILED', 'STOPPED', 'SUPERSEDED', 'CANCELED'] },
    })
  },
}
