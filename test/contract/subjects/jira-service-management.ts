import { casesOf, type Subject } from '../cases.ts'
import { driveProvider } from './drive.ts'
import { jira, jiraCases } from './jira.ts'

const opens = casesOf('open-ticket')

export const jiraServiceManagement: Subject = {
  ...jira,
  name: 'jira-service-management',
  cases: [
    ...jiraCases('ticket'),
    opens.passes('with urgency and severity', 'Opened', {
      input: { project: 'ED', title: 'Checkout is slow', urgency: 'high', severity: 'Sev-1' },
    }),
    { action: 'update-ticket', how: 'severity', input: { id: 'ED-1', severity: 'critical' }, says: 'Updated' },
    opens.fails('with a severity that has no field', 'input.severity has no field in Jira', {
      input: { project: 'ED', title: 'Checkout is slow', severity: 'high' },
      connection: { severityField: undefined },
    }),
  ],
  run: driveProvider('incident-management', 'jira-service-management', {
    email: 'robot@example.com',
    token: 'a-token-of-jira',
    urgencyField: 'customfield_10043',
    severityField: 'customfield_10048',
  }),
}
