import type { Subject } from '../cases.ts'
import { awsAppConfig, awsOpsCenter, awsSsmAutomation } from './aws.ts'
import { awsCodeBuild } from './aws-codebuild.ts'
import { awsCodePipeline } from './aws-codepipeline.ts'
import { awsDlt } from './aws-dlt.ts'
import { azureLoadTesting } from './azure-load-testing.ts'
import { azureBuilds, azurePipelines } from './azure-pipelines.ts'
import { blazemeter } from './blazemeter.ts'
import { gatling } from './gatling.ts'
import { github } from './github.ts'
import { githubActions } from './github-actions.ts'
import { gitlab } from './gitlab.ts'
import { gitlabCi } from './gitlab-ci.ts'
import { jenkins } from './jenkins.ts'
import { jira } from './jira.ts'
import { jiraServiceManagement } from './jira-service-management.ts'
import { keptn } from './keptn.ts'
import { neoload } from './neoload.ts'
import { pagerdutyEvents } from './pagerduty-events.ts'
import { rundeck } from './rundeck.ts'
import { servicenow } from './servicenow.ts'
import { unleash } from './unleash.ts'

/** Everything that is driven against a contract. */
export const subjects: Subject[] = [
  awsAppConfig,
  awsCodeBuild,
  awsCodePipeline,
  awsDlt,
  awsOpsCenter,
  awsSsmAutomation,
  azureBuilds,
  azureLoadTesting,
  azurePipelines,
  blazemeter,
  gatling,
  github,
  githubActions,
  gitlab,
  gitlabCi,
  jenkins,
  jira,
  jiraServiceManagement,
  keptn,
  neoload,
  pagerdutyEvents,
  rundeck,
  servicenow,
  unleash,
]

/** Providers of which there is no contract, and what stands in for one. */
export const withoutContract: Record<string, string> = {
  'argo-cd': 'There is none here; its tests answer with the fields of assets/swagger.json of argoproj/argo-cd',
  autocannon: 'It calls no platform',
  'azure-boards':
    'There is none here; its tests answer with the examples of MicrosoftDocs/vsts-rest-api-specs in test/fixtures/azure-boards',
  flagsmith:
    'There is none here; its tests answer as its public source has it, from what test/servers/flagsmith.ts names',
  'grafana-k6': 'There is none here; its tests answer with the models of grafana/k6-cloud-openapi-client-go',
  launchdarkly:
    'There is none here; its tests answer as its OpenAPI document has it, from what test/servers/launchdarkly.ts names',
  locust: 'Locust publishes none; npm run test:real drives the real program',
  pagerduty:
    'There is none here; its tests answer with the examples of PagerDuty/api-schema in test/fixtures/pagerduty',
  'pagerduty-automation':
    'There is none here; its tests answer with the examples of PagerDuty/api-schema in test/fixtures/pagerduty',
  redmine: 'Redmine publishes none; npm run test:real drives the real program',
}
