import { defineCategory } from '../../shared/function/category.ts'
import { incidentManagement } from '../incident-management/index.ts'
import { issueTicketing } from '../issue-ticketing/index.ts'
import { platforms } from '../notification/platforms.ts'
import { actions } from './actions.ts'
import { reportsOfMessages, reportsOfTickets } from './reports.ts'

const { http: anyApi, ...messages } = platforms

export const slo = defineCategory({
  name: 'slo',
  summary: 'Evaluates service level objectives, and tells of evaluations elsewhere',
  actions,
  providers: {
    dynatrace: async () => (await import('./providers/dynatrace.ts')).dynatrace,
    'dynatrace-event': async () => (await import('./providers/dynatrace-event.ts')).dynatraceEvent,
    'dynatrace-platform': async () => (await import('./providers/dynatrace-platform.ts')).dynatracePlatform,
    keptn: async () => (await import('./providers/keptn.ts')).keptn,
    prometheus: async () => (await import('./providers/prometheus.ts')).prometheus,
    'github-status': async () => (await import('./providers/github-status.ts')).githubStatus,
    'github-check': async () => (await import('./providers/github-check.ts')).githubCheck,
    'aws-cloudwatch': async () => (await import('./providers/aws-cloudwatch.ts')).awsCloudWatch,
    'aws-eventbridge': async () => (await import('./providers/aws-eventbridge.ts')).awsEventBridge,
    datadog: async () => (await import('./providers/datadog.ts')).datadog,
    'datadog-event': async () => (await import('./providers/datadog-event.ts')).datadogEvent,
    'aws-application-signals': async () =>
      (await import('./providers/aws-application-signals.ts')).awsApplicationSignals,
    ...reportsOfTickets({
      servicenow: incidentManagement.providers['servicenow'],
      jira: issueTicketing.providers['jira'],
    }),
    ...reportsOfMessages(messages),
    ...reportsOfMessages({ 'http-message': anyApi }),
    http: async () => (await import('../../shared/vendors/http/evaluation.ts')).httpEvaluation,
  },
})
