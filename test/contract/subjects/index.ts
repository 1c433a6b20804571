import type { Subject } from '../cases.ts'
import { awsAppConfig, awsOpsCenter, awsSsmAutomation } from './aws.ts'
import { awsCodeBuild } from './aws-codebuild.ts'
import { awsCodePipeline } from './aws-codepipeline.ts'
import { azureBuilds, azurePipelines } from './azure-pipelines.ts'
import { github } from './github.ts'
import { githubActions } from './github-actions.ts'
import { gitlab } from './gitlab.ts'
import { gitlabCi } from './gitlab-ci.ts'
import { jenkins } from './jenkins.ts'
import { jira } from './jira.ts'
import { jiraServiceManagement } from './jira-service-management.ts'
import { keptn } from './keptn.ts'
import { pagerdutyEvents } from './pagerduty-events.ts'
import { rundeck } from './rundeck.ts'
import { servicenow } from './servicenow.ts'
import { unleash } from './unleash.ts'

/** Everything that is driven against a contract. */
export const subjects: Subject[] = [
  awsAppConfig,
  awsCodeBuild,
  awsCodePipeline,
  awsOpsCenter,
  awsSsmAutomation,
  azureBuilds,
  azurePipelines,
  github,
  githubActions,
  gitlab,
  gitlabCi,
  jenkins,
  jira,
  jiraServiceManagement,
  keptn,
  pagerdutyEvents,
  rundeck,
  servicenow,
  unleash,
]

/** Providers of which there is no contract, and what stands in for one. */
export const withoutContract: Record<string, string> = {
  'argo-cd': 'There is none here; its tests answer with the fields of assets/swagger.json of argoproj/argo-cd',
  'azure-boards':
    'There is none here; its tests answer with the examples of MicrosoftDocs/vsts-rest-api-specs in test/fixtures/azure-boards',
  flagsmith:
    'There is none here; its tests answer as its public source has it, from what test/servers/flagsmith.ts names',
  launchdarkly:
    'There is none here; its tests answer as its OpenAPI document has it, from what test/servers/launchdarkly.ts names',
  pagerduty:
    'There is none here; its tests answer with the examples of PagerDuty/api-schema in test/fixtures/pagerduty',
  'pagerduty-automation':
    'There is none here; its tests answer with the examples of PagerDuty/api-schema in test/fixtures/pagerduty',
  redmine: 'Redmine publishes none; npm run test:real drives the real program',
}
