import { type AwsPermissions, arnOf, endsOf } from '../../../shared/aws/permissions.ts'

/** @see https://docs.aws.amazon.com/service-authorization/latest/reference/list_awscodebuild.html */
export const permissions: AwsPermissions = {
  arns: {
    project: arnOf('codebuild', 'project/[A-Za-z0-9][\\w-]{1,149}', 'project/<name>'),
    reportGroup: {
      ...arnOf('codebuild', 'report-group/[\\w-]{2,128}', 'report-group/<project>-<name>'),
      isOptional: true,
    },
  },
  statements(arnsOf) {
    const reportGroups = arnsOf('reportGroup')
    const calls = ['StartBuild', 'StopBuild', 'BatchGetBuilds', 'ListBuildsForProject']
    return [
      { actions: calls.map((call) => `codebuild:${call}`), resources: arnsOf('project') },
      ...(reportGroups.length === 0 ? [] : [{ actions: ['codebuild:BatchGetReports'], resources: reportGroups }]),
    ]
  },
  /** @see https://docs.aws.amazon.com/codebuild/latest/userguide/sample-build-notifications.html */
  ends(arnsOf) {
    const projects = arnsOf('project')
    return endsOf(projects, {
      source: 'aws.codebuild',
      detailType: ['CodeBuild Build State Change'],
      detail: {
        'build-id': projects.map((arn) => ({ prefix: `${arn.replace(':project/', ':build/')}:` })),
        'build-status': ['SUCCEEDED', 'FAILED', 'FAULT', 'TIMED_OUT', 'STOPPED'],
      },
    })
  },
}
