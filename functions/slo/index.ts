import { defineCategory } from '../../shared/providers/category.ts'
import { messageProviders } from '../notification/message-providers.ts'
import { actions } from './actions.ts'
import { reportsOfMessages, reportsOfTickets } from './report-adapters.ts'

/** In this category, `http` evaluates. The message provider is called `http-message`. */
const { http: _, ...messages } = messageProviders

/** Evaluates service level objectives and reports evaluations. */
export const slo = defineCategory({
  name: 'slo',
  summary: 'Evaluates service level objectives and reports evaluations to other platforms',
  actions,
  providers: {
    dynatrace: async () => (await import('./providers/dynatrace.ts')).dynatrace,
    'dynatrace-event': async () => (await import('./providers/dynatrace-event.ts')).dynatraceEvent,
    'dynatrace-platform': async () => (await import('./providers/dynatrace-platform.ts')).dynatracePlatform,
    'dynatrace-guardian': async () => (await import('./providers/dynatrace-guardian.ts')).dynatraceGuardian,
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
    'google-cloud-monitoring': async () =>
      (await import('./providers/google-cloud-monitoring.ts')).googleCloudMonitoring,
    'grafana-slo': async () => (await import('./providers/grafana-slo.ts')).grafanaSlo,
    'new-relic': async () => (await import('./providers/new-relic.ts')).newRelic,
    // Importing the categories would load their actions at every cold start.
    ...reportsOfTickets({
      servicenow: async () => (await import('../incident-management/providers/servicenow.ts')).servicenow,
      jira: async () => (await import('../issue-ticketing/providers/jira.ts')).jira,
    }),
    ...reportsOfMessages({
      ...messages,
      'http-message': async () => (await import('./providers/http-message.ts')).httpMessage,
    }),
    http: async () => (await import('./providers/http.ts')).http,
  },
})
