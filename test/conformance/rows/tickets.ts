export { awsOpscenterItems as 'incident-management/aws-opscenter' } from '../../platforms/aws-ssm.ts'
export { azureBoardsIssues as 'issue-ticketing/azure-boards' } from '../../platforms/azure-boards.ts'
export { gitlabIssues as 'issue-ticketing/gitlab' } from '../../platforms/gitlab.ts'
export { incidentIoAlerts as 'incident-management/incident-io' } from '../../platforms/incident-io.ts'
export {
  jiraIssues as 'issue-ticketing/jira',
  jiraServiceManagementIncidents as 'incident-management/jira-service-management',
} from '../../platforms/jira.ts'
export { jsmOperationsAlerts as 'incident-management/jsm-operations' } from '../../platforms/jsm-operations.ts'
export { linearIssues as 'issue-ticketing/linear' } from '../../platforms/linear.ts'
export { pagerdutyIncidents as 'incident-management/pagerduty' } from '../../platforms/pagerduty.ts'
export { pagerdutyEventsAlerts as 'incident-management/pagerduty-events' } from '../../platforms/pagerduty-events.ts'
export { redmineIssues as 'issue-ticketing/redmine' } from '../../platforms/redmine.ts'
export { servicenowIncidents as 'incident-management/servicenow' } from '../../platforms/servicenow/server.ts'
