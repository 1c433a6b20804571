import { type AwsPermissions, arnOf } from '../../../shared/aws/permissions.ts'

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
}
