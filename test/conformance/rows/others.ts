export { akamasDelegation as 'optimization/akamas' } from '../../platforms/akamas.ts'
export { awsCloudwatchMetrics as 'slo/aws-cloudwatch' } from '../../platforms/aws-cloudwatch.ts'
export { awsEventbridgeEvent as 'slo/aws-eventbridge' } from '../../platforms/aws-eventbridge.ts'
export { datadogEvent as 'slo/datadog-event' } from '../../platforms/datadog.ts'
export { dynatraceGuardian as 'slo/dynatrace-guardian' } from '../../platforms/dynatrace/environment-server.ts'
export { dynatraceEvent as 'slo/dynatrace-event' } from '../../platforms/dynatrace/server.ts'
export {
  githubCheck as 'slo/github-check',
  githubStatus as 'slo/github-status',
} from '../../platforms/github/commits.ts'
export { githubIssues as 'issue-ticketing/github' } from '../../platforms/github/issues-server.ts'
export { keptnEvaluation as 'slo/keptn' } from '../../platforms/keptn/server.ts'
export { servicenowChangeApproval as 'notification/servicenow-change' } from '../../platforms/servicenow-change.ts'
