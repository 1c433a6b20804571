import type { Subject } from '../cases.ts'
import { akamas } from './akamas.ts'
import { awsAppConfig, awsOpsCenter, awsSsmAutomation } from './aws.ts'
import { awsApplicationSignals } from './aws-application-signals.ts'
import { awsCloudWatch } from './aws-cloudwatch.ts'
import { awsCodeBuild } from './aws-codebuild.ts'
import { awsCodePipeline, awsCodePipelineRollback } from './aws-codepipeline.ts'
import { awsDlt } from './aws-dlt.ts'
import { awsEventBridge } from './aws-eventbridge.ts'
import { awsFis } from './aws-fis.ts'
import { awsSageMaker } from './aws-sagemaker.ts'
import { awsSns } from './aws-sns.ts'
import { awsStepFunctions } from './aws-step-functions.ts'
import { azureLoadTesting } from './azure-load-testing.ts'
import { azureBuilds, azurePipelines } from './azure-pipelines.ts'
import { blazemeter } from './blazemeter.ts'
import { chaosMesh } from './chaos-mesh.ts'
import { databricks } from './databricks.ts'
import { dynatrace, dynatraceEvent } from './dynatrace.ts'
import { dynatracePlatform } from './dynatrace-platform.ts'
import { gatling } from './gatling.ts'
import { github } from './github.ts'
import { githubActions } from './github-actions.ts'
import { githubCheck, githubStatus } from './github-reports.ts'
import { gitlab } from './gitlab.ts'
import { gitlabCi } from './gitlab-ci.ts'
import { gremlin } from './gremlin.ts'
import { jenkins } from './jenkins.ts'
import { jira } from './jira.ts'
import { jiraServiceManagement } from './jira-service-management.ts'
import { keptn } from './keptn.ts'
import { keptnEvaluation } from './keptn-evaluation.ts'
import { litmus } from './litmus.ts'
import { mattermost } from './mattermost.ts'
import { msteams } from './msteams.ts'
import { neoload } from './neoload.ts'
import { pagerdutyEvents } from './pagerduty-events.ts'
import { prometheus } from './prometheus.ts'
import { rundeck } from './rundeck.ts'
import { servicenow } from './servicenow.ts'
import { slack } from './slack.ts'
import { stackstorm } from './stackstorm.ts'
import { steadybit } from './steadybit.ts'
import { unleash } from './unleash.ts'

/** Everything that is driven against a contract. */
export const subjects: Subject[] = [
  akamas,
  awsAppConfig,
  awsApplicationSignals,
  awsCloudWatch,
  awsCodeBuild,
  awsCodePipeline,
  awsCodePipelineRollback,
  awsDlt,
  awsEventBridge,
  awsFis,
  awsOpsCenter,
  awsSsmAutomation,
  awsSageMaker,
  awsSns,
  awsStepFunctions,
  azureBuilds,
  azureLoadTesting,
  azurePipelines,
  blazemeter,
  chaosMesh,
  databricks,
  dynatrace,
  dynatraceEvent,
  dynatracePlatform,
  gatling,
  github,
  githubActions,
  githubCheck,
  githubStatus,
  gitlab,
  gitlabCi,
  gremlin,
  jenkins,
  jira,
  jiraServiceManagement,
  keptn,
  keptnEvaluation,
  litmus,
  mattermost,
  msteams,
  neoload,
  pagerdutyEvents,
  prometheus,
  rundeck,
  servicenow,
  slack,
  stackstorm,
  steadybit,
  unleash,
]

/** Providers of which there is no contract, and what stands in for one. */
export const withoutContract: Record<string, string> = {
  'argo-cd': 'There is none here; its tests answer with the fields of assets/swagger.json of argoproj/argo-cd',
  autocannon: 'It calls no platform',
  awx: 'There is none here; its tests answer as its public source has it, from what infra/platforms/awx.ts names',
  'azure-boards':
    'There is none here; its tests answer with the examples of MicrosoftDocs/vsts-rest-api-specs in test/fixtures/azure-boards',
  datadog:
    'There is none here; its tests answer with the fields of the recorded answers of DataDog/datadog-api-client-go, as infra/platforms/datadog.ts has them',
  'datadog-event':
    'There is none here; its tests answer with the fields of the recorded answers of DataDog/datadog-api-client-go, as infra/platforms/datadog.ts has them',
  flagsmith:
    'There is none here; its tests answer as its public source has it, from what infra/platforms/flagsmith.ts names',
  'grafana-k6': 'There is none here; its tests answer with the models of grafana/k6-cloud-openapi-client-go',
  http: 'It calls the API that its connection describes',
  'http-flag': 'It calls the API that its connection describes',
  'http-job': 'It calls the API that its connection describes',
  'http-message': 'It calls the API that its connection describes',
  launchdarkly:
    'There is none here; its tests answer as its OpenAPI document has it, from what infra/platforms/launchdarkly.ts names',
  locust: 'Locust publishes none; npm run test:real drives the real program',
  ntfy: 'ntfy publishes none; npm run test:real drives the real program',
  pagerduty:
    'There is none here; its tests answer with the examples of PagerDuty/api-schema in test/fixtures/pagerduty',
  'pagerduty-automation':
    'There is none here; its tests answer with the examples of PagerDuty/api-schema in test/fixtures/pagerduty',
  toxiproxy:
    'It publishes none; its tests answer as its public source has it, from what infra/platforms/toxiproxy/server.ts names',
  webhook: 'It posts to endpoints of their owners; its tests verify what is signed as their libraries do',
  redmine: 'Redmine publishes none; npm run test:real drives the real program',
}
