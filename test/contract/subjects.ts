import type { Credential } from '../../infra/openapi/contract.ts'

/** Tests whose exchanges are compared with a contract. */
export interface Subject {
  /** The file of the contract, without `.openapi.json`. */
  contract: string
  /** The tests of these providers and orchestrators: `ci-cd/jenkins`. */
  tests: string[]
  /** The path of the API relative to the base URL, for an API behind a gateway. */
  under?: string
  /** Replaces the credentials in the contract, if they are missing or incomplete. */
  credentials?: Credential[][]
  /** Operations whose bodies are documents of the caller, which the contract does not describe. */
  documents?: string[]
  /** Converts the path of a fake platform to that of the contract. */
  path?(path: string): string
  /** Matches requests to another service, such as the one that issues tokens. */
  elsewhere?: RegExp
  /** Matches `operation: violation` that are correct: the contract is incomplete, or a test violates it on purpose. */
  known?: RegExp
}

const bearer: Credential[][] = [[{ kind: 'bearer' }]]
const versions =
  '/applications/{ApplicationId}/configurationprofiles/{ConfigurationProfileId}/hostedconfigurationversions'
const plan = '/{organization}/{scopeIdentifier}/_apis/distributedtask/hubs/{hubName}/plans/{planId}'
const deployment = '/apis/apps/v1/namespaces/{namespace}/deployments/{name}'
const withoutSandbox = (path: string) => path.replace(/^\/sandbox\/\w+/, '')
const tokens = /^(?:\/[^/]+)?(?:\/oauth2)?(?:\/v[\d.]+)?\/token$/

export const subjects: Subject[] = [
  { contract: 'akamas-keptn-webhook', tests: ['optimization/akamas'] },
  {
    contract: 'aws-appconfig',
    tests: ['feature-flags/aws-appconfig'],
    documents: [`POST ${versions}`, `GET ${versions}/{VersionNumber}`],
  },
  {
    contract: 'aws-application-signals',
    tests: ['slo/aws-application-signals'],
    known: /BudgetSecondsRemaining must be integer/,
  },
  { contract: 'aws-cloudwatch', tests: ['slo/aws-cloudwatch'] },
  { contract: 'aws-codebuild', tests: ['ci-cd/aws-codebuild'] },
  { contract: 'aws-codepipeline', tests: ['ci-cd/aws-codepipeline', 'remediation/aws-codepipeline'] },
  { contract: 'aws-dlt', tests: ['load-testing/aws-dlt'] },
  { contract: 'aws-eventbridge', tests: ['slo/aws-eventbridge'] },
  { contract: 'aws-fis', tests: ['chaos-testing/aws-fis'] },
  {
    contract: 'aws-sagemaker',
    tests: ['optimization/aws-sagemaker'],
    known: /\.(?:BestTrainingJob|SecondaryStatus) is not|Value must be number/,
  },
  { contract: 'aws-sesv2', tests: ['notification/aws-ses'] },
  { contract: 'aws-sns', tests: ['notification/aws-sns'] },
  { contract: 'aws-ssm', tests: ['incident-management/aws-opscenter', 'incident-management/aws-ssm-automation'] },
  { contract: 'aws-stepfunctions', tests: ['optimization/aws-step-functions'] },
  { contract: 'azure-devops-build', tests: ['ci-cd/azure-pipelines'] },
  { contract: 'azure-devops-pipelines', tests: ['ci-cd/azure-pipelines'] },
  {
    contract: 'azure-devops-checks',
    tests: ['orchestrators/azure-devops/azure-devops'],
    credentials: [...bearer, [{ kind: 'basic' }]],
    documents: [`POST ${plan}/logs/{logId}`],
    known: /connectionData: the credentials are missing/,
  },
  { contract: 'azure-load-testing', tests: ['load-testing/azure-load-testing'], elsewhere: tokens },
  {
    contract: 'blazemeter',
    tests: ['load-testing/blazemeter'],
    known: /the contract has no response 202|200\.result(?:\.reportStatus)? must be/,
  },
  { contract: 'chaos-mesh', tests: ['chaos-testing/chaos-mesh'], credentials: bearer },
  {
    contract: 'databricks',
    tests: ['optimization/databricks'],
    path: withoutSandbox,
    elsewhere: tokens,
    known: /\.error_code must be/,
  },
  {
    contract: 'dynatrace-automation',
    tests: ['slo/dynatrace-guardian', 'orchestrators/dynatrace'],
    path: withoutSandbox,
    elsewhere: tokens,
    known: /runtime must be integer/,
  },
  { contract: 'dynatrace-environment-v2', tests: ['slo/dynatrace', 'slo/dynatrace-event'], path: withoutSandbox },
  {
    contract: 'dynatrace-guardian',
    tests: ['slo/dynatrace-guardian', 'orchestrators/dynatrace'],
    path: withoutSandbox,
    elsewhere: tokens,
  },
  {
    contract: 'dynatrace-platform-slo',
    tests: ['slo/dynatrace-platform'],
    elsewhere: tokens,
    known: /the contract has no response 202|\.metadata is not/,
  },
  { contract: 'gatling-enterprise', tests: ['load-testing/gatling'] },
  {
    contract: 'github',
    tests: [
      'issue-ticketing/github',
      'ci-cd/github-actions',
      'slo/github-check',
      'slo/github-status',
      'orchestrators/github/github',
      'orchestrators/github/delivery',
    ],
    credentials: bearer,
    path: (path) => withoutSandbox(path).replace(/^\/api\/v3/, ''),
    known: /\.(?:milestone|type|assignees\[\d\]) must be|answer 201\.sha is not/,
  },
  {
    contract: 'github-deployment-protection',
    tests: ['orchestrators/github/github', 'cli/github'],
    credentials: [...bearer, [{ kind: 'key', in: 'header', name: 'X-Hub-Signature-256' }]],
    // The command also calls AWS.
    elsewhere: /^\/api\/v3\/app-manifests\/|^\/$|^\/20\d\d-/,
  },
  {
    contract: 'gitlab',
    tests: ['issue-ticketing/gitlab', 'ci-cd/gitlab-ci'],
    known: /\.(?:coverage|issue_type|user_notes_count) is not/,
  },
  { contract: 'google-cloud-build', tests: ['ci-cd/google-cloud-build'], elsewhere: tokens },
  { contract: 'google-cloud-deploy', tests: ['ci-cd/google-cloud-deploy'], elsewhere: tokens },
  { contract: 'google-cloud-monitoring', tests: ['slo/google-cloud-monitoring'], elsewhere: tokens },
  { contract: 'google-chat', tests: ['notification/google-chat'], elsewhere: tokens },
  // No feature with rules or revisions matches its schema, which joins schemas that exclude each other.
  {
    contract: 'growthbook',
    tests: ['feature-flags/growthbook'],
    path: (path) => `/api${path}`,
    documents: ['GET /v2/features/{id}'],
    known: /answer 200\.(?:feature|revision)\.|ignoreWarnings is not/,
  },
  { contract: 'gremlin', tests: ['chaos-testing/gremlin'], known: /{runNumber}: answer 200 must be object/ },
  { contract: 'hcp-terraform', tests: ['ci-cd/hcp-terraform'] },
  { contract: 'incident-io', tests: ['incident-management/incident-io'] },
  {
    contract: 'jenkins',
    tests: ['ci-cd/jenkins'],
    path: (path) => path.replace(/^(?:\/job\/[^/]+)+(?=\/job\/)/, ''),
    known: /executable(?:\._class is not| must be null)|buildWithParameters: the contract has no response 30[23]/,
  },
  { contract: 'jira', tests: ['issue-ticketing/jira', 'incident-management/jira-service-management'] },
  {
    contract: 'jsm-operations',
    tests: ['incident-management/jsm-operations'],
    path: (path) => `/jsm/ops${path}`,
    known: /offset is not/,
  },
  { contract: 'k6-operator-testrun', tests: ['load-testing/k6-operator'] },
  {
    contract: 'keptn-api',
    tests: ['orchestrators/keptn/keptn', 'slo/keptn'],
    under: '/api',
    path: (path) => path.replace(/^\/base/, ''),
  },
  { contract: 'keptn-control-plane', tests: ['slo/keptn'], under: '/api/controlPlane' },
  {
    contract: 'kubernetes',
    tests: ['ci-cd/kubernetes-job', 'remediation/kubernetes', 'load-testing/k6-operator'],
    credentials: bearer,
    documents: [`PATCH ${deployment}`],
  },
  { contract: 'litmus', tests: ['chaos-testing/litmus'] },
  {
    contract: 'mattermost',
    tests: ['notification/mattermost'],
    documents: ['PUT /api/v4/posts/{post_id}/patch'],
    known: /\.detailed_error is not|\.(?:hashtags|is_pinned) is not/,
  },
  { contract: 'msteams-workflows', tests: ['notification/msteams'] },
  { contract: 'neoload', tests: ['load-testing/neoload'] },
  { contract: 'pagerduty-events', tests: ['incident-management/pagerduty-events'], known: /must match format "url"/ },
  { contract: 'prometheus', tests: ['slo/prometheus'] },
  {
    contract: 'rundeck',
    tests: ['incident-management/rundeck'],
    path: (path) => withoutSandbox(path).replace(/^\/api\/\d+/, '/api/44'),
  },
  { contract: 'servicenow', tests: ['incident-management/servicenow'], path: withoutSandbox },
  {
    contract: 'servicenow-change',
    tests: ['notification/servicenow-change'],
    known: /\.(?:description|cmdb_ci|work_notes|assignment_group|\w+_plan|approver\.name) is not/,
  },
  {
    contract: 'slack-messaging',
    tests: ['notification/slack'],
    path: withoutSandbox,
  },
  { contract: 'stackstorm', tests: ['remediation/stackstorm'] },
  {
    contract: 'steadybit',
    tests: ['chaos-testing/steadybit'],
    known: /cancel: the contract has no response 200|\.apiLocation is not/,
  },
  { contract: 'telegram', tests: ['notification/telegram'], known: /\.reply_parameters is not/ },
  { contract: 'tekton-pipelinerun', tests: ['ci-cd/tekton'] },
  {
    contract: 'unleash',
    tests: ['feature-flags/unleash'],
    path: (path) => `/demo${withoutSandbox(path)}`,
    known: /answer 4\d\d\.details is not|^POST .*\/change-requests: answer 200/,
  },
]
