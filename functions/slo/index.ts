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
    dynatrace: async () => (await import('./dynatrace/dynatrace.ts')).dynatrace,
    'dynatrace-event': async () => (await import('./dynatrace-event/dynatrace-event.ts')).dynatraceEvent,
    'dynatrace-platform': async () => (await import('./dynatrace-platform/dynatrace-platform.ts')).dynatracePlatform,
    'dynatrace-guardian': async () => (await import('./dynatrace-guardian/dynatrace-guardian.ts')).dynatraceGuardian,
    keptn: async () => (await import('./keptn/keptn.ts')).keptn,
    prometheus: async () => (await import('./prometheus/prometheus.ts')).prometheus,
    'github-status': async () => (await import('./github-status/github-status.ts')).githubStatus,
    'github-check': async () => (await import('./github-check/github-check.ts')).githubCheck,
    'aws-cloudwatch': async () => (await import('./aws-cloudwatch/aws-cloudwatch.ts')).awsCloudWatch,
    'aws-eventbridge': async () => (await import('./aws-eventbridge/aws-eventbridge.ts')).awsEventBridge,
    datadog: async () => (await import('./datadog/datadog.ts')).datadog,
    'datadog-event': async () => (await import('./datadog-event/datadog-event.ts')).datadogEvent,
    'aws-application-signals': async () =>
      (await import('./aws-application-signals/aws-application-signals.ts')).awsApplicationSignals,
    'google-cloud-monitoring': async () =>
      (await import('./google-cloud-monitoring/google-cloud-monitoring.ts')).googleCloudMonitoring,
    'grafana-slo': async () => (await import('./grafana-slo/grafana-slo.ts')).grafanaSlo,
    'new-relic': async () => (await import('./new-relic/new-relic.ts')).newRelic,
    // Importing the categories would load their actions at every cold start.
    ...reportsOfTickets({
      servicenow: async () => (await import('../incident-management/servicenow/servicenow.ts')).servicenow,
      jira: async () => (await import('../issue-ticketing/jira/jira.ts')).jira,
    }),
    ...reportsOfMessages({
      ...messages,
      'http-message': async () => (await import('./http-message/http-message.ts')).httpMessage,
    }),
    http: async () => (await import('./http/http.ts')).http,
  },
})
