import type { SourceType } from './source-type.ts'

/** The types of sources. Each is loaded when it is used, so that a cold start pays for one of them. */
const loaders = {
  alertmanager: async () => (await import('./types/alertmanager.ts')).alertmanager,
  'argo-cd': async () => (await import('./types/argo-cd.ts')).argoCd,
  'aws-sns': async () => (await import('./types/aws-sns.ts')).awsSns,
  awx: async () => (await import('./types/awx.ts')).awx,
  'azure-devops': async () => (await import('./types/azure-devops.ts')).azureDevops,
  circleci: async () => (await import('./types/circleci.ts')).circleci,
  cloudevents: async () => (await import('./types/cloudevents.ts')).cloudevents,
  databricks: async () => (await import('./types/databricks.ts')).databricks,
  datadog: async () => (await import('./types/datadog.ts')).datadog,
  dynatrace: async () => (await import('./types/dynatrace.ts')).dynatrace,
  eventbridge: async () => (await import('./types/eventbridge.ts')).eventbridge,
  github: async () => (await import('./types/github.ts')).github,
  gitlab: async () => (await import('./types/gitlab.ts')).gitlab,
  'google-cloud-build': async () => (await import('./types/google-cloud-build.ts')).googleCloudBuild,
  grafana: async () => (await import('./types/grafana.ts')).grafana,
  'hcp-terraform': async () => (await import('./types/hcp-terraform.ts')).hcpTerraform,
  http: async () => (await import('./types/http.ts')).http,
  'incident-io': async () => (await import('./types/incident-io.ts')).incidentIo,
  jenkins: async () => (await import('./types/jenkins.ts')).jenkins,
  jira: async () => (await import('./types/jira.ts')).jira,
  linear: async () => (await import('./types/linear.ts')).linear,
  'new-relic': async () => (await import('./types/new-relic.ts')).newRelic,
  pagerduty: async () => (await import('./types/pagerduty.ts')).pagerduty,
  rundeck: async () => (await import('./types/rundeck.ts')).rundeck,
  sentry: async () => (await import('./types/sentry.ts')).sentry,
  servicenow: async () => (await import('./types/servicenow.ts')).servicenow,
  steadybit: async () => (await import('./types/steadybit.ts')).steadybit,
  tekton: async () => (await import('./types/tekton.ts')).tekton,
  'uptime-kuma': async () => (await import('./types/uptime-kuma.ts')).uptimeKuma,
  zabbix: async () => (await import('./types/zabbix.ts')).zabbix,
} satisfies Record<string, () => Promise<SourceType>>

export type SourceTypeName = keyof typeof loaders

export const sourceTypeNames = Object.keys(loaders) as SourceTypeName[]

/** Loads the type of a source. */
export function loadSourceType(name: SourceTypeName): Promise<SourceType> {
  return loaders[name]()
}
