import type { Subject } from '../cases.ts'
import { driveProvider } from './drive.ts'
import { jira, jiraCases } from './jira.ts'

export const jiraServiceManagement: Subject = {
  ...jira,
  name: 'jira-service-management',
  cases: [
    ...jiraCases('ticket'),
    {
      action: 'open-ticket',
      how: 'with urgency and severity',
      input: { project: 'ED', title: 'Checkout is slow', urgency: 'high', severity: 'Sev-1' },
      says: 'Opened',
    },
    { action: 'update-ticket', how: 'severity', input: { id: 'ED-1', severity: 'critical' }, says: 'Updated' },
    {
      action: 'open-ticket',
      how: 'with a severity that has no field',
      connection: { severityField: undefined },
      input: { project: 'ED', title: 'Checkout is slow', severity: 'high' },
      refused: true,
      says: 'input.severity has no field in Jira',
    },
  ],
  run: driveProvider('incident-management', 'jira-service-management', {
    email: 'robot@example.com',
    token: 'a-token-of-jira',
    urgencyField: 'customfield_10043',
    severityField: 'customfield_10048',
  }),
}
