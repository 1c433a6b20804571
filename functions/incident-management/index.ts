import { defineCategory } from '../../shared/providers/category.ts'
import { actions } from './actions.ts'

/** Opens, updates and closes incidents, and runs runbooks. */
export const incidentManagement = defineCategory({
  name: 'incident-management',
  summary: 'Opens, updates and closes incidents, and runs runbooks',
  actions,
  providers: {
    'aws-opscenter': async () => (await import('./aws-opscenter/aws-opscenter.ts')).awsOpsCenter,
    'aws-ssm-automation': async () => (await import('./aws-ssm-automation/aws-ssm-automation.ts')).awsSsmAutomation,
    'incident-io': async () => (await import('./incident-io/incident-io.ts')).incidentIo,
    servicenow: async () => (await import('./servicenow/servicenow.ts')).servicenow,
    pagerduty: async () => (await import('./pagerduty/pagerduty.ts')).pagerduty,
    'pagerduty-events': async () => (await import('./pagerduty-events/pagerduty-events.ts')).pagerdutyEvents,
    'pagerduty-automation': async () =>
      (await import('./pagerduty-automation/pagerduty-automation.ts')).pagerdutyAutomation,
    rundeck: async () => (await import('./rundeck/rundeck.ts')).rundeck,
    'jira-service-management': async () =>
      (await import('./jira-service-management/jira-service-management.ts')).jiraServiceManagement,
    'jsm-operations': async () => (await import('./jsm-operations/jsm-operations.ts')).jsmOperations,
    http: async () => (await import('./http/http.ts')).http,
    'http-job': async () => (await import('./http-job/http-job.ts')).httpJob,
  },
})
