import { defineCategory } from '../../shared/function/category.ts'
import { incidentManagement } from '../incident-management/index.ts'
import { issueTicketing } from '../issue-ticketing/index.ts'
import { notification } from '../notification/index.ts'
import { actions } from './actions.ts'
import { reportsOfMessages, reportsOfTickets } from './reports.ts'

export const slo = defineCategory({
  name: 'slo',
  summary: 'Evaluates service level objectives, and tells of evaluations elsewhere',
  actions,
  providers: {
    prometheus: async () => (await import('./providers/prometheus.ts')).prometheus,
    ...reportsOfTickets({
      servicenow: incidentManagement.providers['servicenow'],
      jira: issueTicketing.providers['jira'],
    }),
    ...reportsOfMessages(notification.providers),
  },
})
