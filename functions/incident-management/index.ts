import { defineCategory } from '../../shared/providers/category.ts'
import { actions } from './actions.ts'

/** Opens, updates and closes incidents, and runs runbooks. */
export const incidentManagement = defineCategory({
  name: 'incident-management',
  summary: 'Opens, updates and closes incidents, and runs runbooks',
  actions,
  providers: {
    'aws-opscenter': async () => (await import('./providers/aws-opscenter.ts')).awsOpsCenter,
    'aws-ssm-automation': async () => (await import('./providers/aws-ssm-automation.ts')).awsSsmAutomation,
    'incident-io': async () => (await import('./providers/incident-io.ts')).incidentIo,
    servicenow: async () => (await import('./providers/servicenow.ts')).servicenow,
    pagerduty: async () => (await import('./providers/pagerduty.ts')).pagerduty,
    'pagerduty-events': async () => (await import('./providers/pagerduty-events.ts')).pagerdutyEvents,
    'pagerduty-automation': async () => (await import('./providers/pagerduty-automation.ts')).pagerdutyAutomation,
    rundeck: async () => (await import('./providers/rundeck.ts')).rundeck,
    'jira-service-management': async () =>
      (await import('./providers/jira-service-management.ts')).jiraServiceManagement,
    'jsm-operations': async () => (await import('./providers/jsm-operations.ts')).jsmOperations,
    http: async () => (await import('./providers/http.ts')).http,
    'http-job': async () => (await import('./providers/http-job.ts')).httpJob,
  },
})
