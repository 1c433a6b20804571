import type { Contract, Operation, Parameter, Schema } from '../../infra/openapi/contract.ts'
import { fields, object } from './fields.ts'

/** An operation that a provider calls and that the contract lacks, as the vendor documents it. */
interface Extra {
  /** The vendor's page. */
  docs: string
  /** Defaults to `missing in the contract`. */
  why?: 'newer than the contract' | 'belongs to another service'
  /** The path of its service relative to the base URL. Defaults to that of the contract. */
  under?: string
  /** Its query parameters, as `fields` reads them. */
  query?: string
  body?: Schema
  /** Defaults to that of the contract. */
  contentType?: string
}

export interface ExtraOperation extends Extra {
  /** Method and path. For an operation of the contract, `query` and `body` extend it. */
  operation: string
}

/** The content type of AWS services that use one path for all operations. */
const AMAZON_JSON = 'application/x-amz-json-1.1'
const why = 'belongs to another service'
const page = 'per_page:1..100 page:1..'

const aws = 'https://docs.aws.amazon.com'
const azure = 'https://learn.microsoft.com/en-us/rest/api/azure/devops'
const builds = '/{organization}/{project}/_apis/build'
const azurePlans = '/{organization}/{scopeIdentifier}/_apis/distributedtask/hubs/{hubName}/plans/{planId}'
const gitlab = 'https://docs.gitlab.com/api'
const githubDocs = 'https://docs.github.com/en/rest'
const jira = 'https://developer.atlassian.com/cloud/jira/platform/rest/v3/api-group-'
const mattermost = 'https://github.com/mattermost/mattermost/blob/master'
const mattermostUsers: Extra = { docs: `${mattermost}/api/v4/source/users.yaml`, why }
const rundeck = 'https://docs.rundeck.com/docs/api'
const slack = 'https://docs.slack.dev/reference/methods'
const steadybit = 'https://github.com/steadybit/cli/blob/main/api/platform.gen.go'
const changeRequests = 'https://docs.getunleash.io/concepts/change-requests'

const keptnDatastore: Extra = {
  ...{ under: '/api', why },
  docs: 'https://github.com/keptn/keptn/blob/1.4.5/mongodb-datastore/swagger.yaml',
}
const keptnEvents: Record<string, Extra> = {
  'GET /mongodb-datastore/event': {
    ...keptnDatastore,
    query: 'keptnContext type root project stage service source pageSize:1..100 nextPageKey',
  },
}
/** Operations for runs, in both contracts. */
const azureBuilds: Record<string, Extra> = {
  [`GET ${builds}/builds/{buildId}/timeline`]: { docs: `${azure}/build/timeline/get`, query: 'api-version:7.0|7.1' },
  'GET /{organization}/{project}/_apis/test/runs': {
    ...{ docs: `${azure}/test/runs/list`, why },
    query: 'api-version:7.0|7.1 buildUri includeRunDetails:flag',
  },
}
const loadTestRun: Extra = {
  docs: 'https://github.com/Azure/azure-rest-api-specs/tree/main/specification/loadtestservice/data-plane/loadtesting/2026-04-01',
  why: 'newer than the contract',
  query: 'api-version:2026-04-01',
}
const archives: Extra = {
  docs: 'https://github.com/chaos-mesh/chaos-mesh/blob/master/pkg/dashboard/apiserver/archive/archive.go',
  query: 'namespace',
}
const serviceNowTable: Extra = {
  docs: 'https://www.servicenow.com/docs/r/api-reference/rest-apis/c_TableAPI.html',
  query: 'sysparm_query sysparm_fields sysparm_limit:count',
}

const serviceNowChange = 'https://www.servicenow.com/docs/r/api-reference/rest-apis/change-management-api.html'
const jsm = 'https://developer.atlassian.com/cloud/jira/service-desk-ops/rest/v2/api-group-alerts/'
const alertChange = (fields: string): Extra => ({
  ...{ docs: jsm, under: '/jsm/ops' },
  body: object(fields),
})

/** Operations of a GitHub App, in both contracts. */
const githubApp: Record<string, Extra> = {
  'GET /app': { docs: `${githubDocs}/apps/apps#get-the-authenticated-app` },
  'GET /app/hook/config': { docs: `${githubDocs}/apps/webhooks#get-a-webhook-configuration-for-an-app` },
}

const accessReview: Extra = {
  docs: 'https://kubernetes.io/docs/reference/kubernetes-api/authorization-resources/self-subject-access-review-v1/',
  body: object('apiVersion! kind!', { spec: { type: 'object' } }),
}

/** The operations beyond each contract. */
const extras: Record<string, Record<string, Extra>> = {
  'aws-sns': {
    'POST /#Action=GetTopicAttributes': {
      docs: `${aws}/sns/latest/api/API_GetTopicAttributes.html`,
      query: 'Action:GetTopicAttributes',
      body: object('TopicArn!'),
    },
  },
  'dynatrace-environment-v2': {
    'GET /api/v2/events': {
      docs: 'https://docs.dynatrace.com/docs/dynatrace-api/environment-api/events-v2/get-events',
      query: 'from to eventSelector entitySelector nextPageKey pageSize:count',
    },
  },
  'dynatrace-guardian': {
    'POST /platform/classic/environment-api/v2/bizevents/ingest': {
      docs: 'https://docs.dynatrace.com/docs/observe/business-observability/bo-api-ingest',
      contentType: 'application/cloudevent+json',
      body: object('specversion! id! source! type!', { data: { type: 'object', additionalProperties: true } }),
    },
  },
  'dynatrace-platform-slo': {
    'POST /platform/slo/v1/slos/evaluation:start': {
      docs: 'https://docs.dynatrace.com/docs/dynatrace-api/platform-api/platform-slo-v1/slos-evaluation-start-post',
      body: object('id! requestTimeoutMilliseconds:count', {
        customTimeframe: object('timeframeFrom timeframeTo'),
      }),
    },
  },
  mattermost: {
    'POST /api/v4/posts': {
      docs: `${mattermost}/server/channels/app/post.go`,
      body: { type: 'object', properties: fields('pending_post_id') },
    },
    'GET /api/v4/channels/{channel_id}/posts': {
      docs: `${mattermost}/api/v4/source/posts.yaml`,
      query: 'page:count per_page:1..200 skipFetchThreads:flag',
    },
    'GET /api/v4/teams/name/{team_name}/channels/name/{channel_name}': {
      ...{ docs: `${mattermost}/api/v4/source/channels.yaml`, why },
    },
    'GET /api/v4/users/{user_id}': mattermostUsers,
    'GET /api/v4/users/email/{email}': mattermostUsers,
    'GET /api/v4/users/username/{username}': mattermostUsers,
  },
  'slack-messaging': {
    'GET /api/auth.test': { docs: `${slack}/auth.test` },
    'GET /api/conversations.history': {
      docs: `${slack}/conversations.history`,
      query: 'channel limit:1..999 include_all_metadata:flag',
    },
    'GET /api/chat.getPermalink': { docs: `${slack}/chat.getPermalink`, query: 'channel message_ts' },
    'GET /api/users.info': { docs: `${slack}/users.info`, query: 'user' },
    'GET /api/users.lookupByEmail': { docs: `${slack}/users.lookupByEmail`, query: 'email' },
    'POST /api/chat.postEphemeral': {
      docs: `${slack}/chat.postEphemeral`,
      body: object('channel! user! text! parse:none|full link_names:flag'),
    },
  },
  'aws-sagemaker': {
    'POST /#X-Amz-Target=SageMaker.ListPipelineExecutions': {
      docs: `${aws}/sagemaker/latest/APIReference/API_ListPipelineExecutions.html`,
      body: object('PipelineName!:text1..2048 MaxResults:1..100'),
    },
  },
  'servicenow-change': {
    'GET /api/now/table/sys_user_group': serviceNowTable,
    'PATCH /api/sn_chg_rest/v1/change/{change_sys_id}/task/{task_sys_id}': {
      docs: serviceNowChange,
      body: object('state! close_code! close_notes!'),
    },
  },
  'tekton-pipelinerun': { 'POST /apis/authorization.k8s.io/v1/selfsubjectaccessreviews': accessReview },
  'k6-operator-testrun': {
    'POST /apis/authorization.k8s.io/v1/selfsubjectaccessreviews': accessReview,
    'GET /apis/batch/v1/namespaces/{namespace}/jobs': {
      docs: 'https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/job-v1/',
      query: 'labelSelector',
    },
  },
  kubernetes: {
    'GET /apis/autoscaling/v2/namespaces/{namespace}/horizontalpodautoscalers': {
      docs: 'https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/horizontal-pod-autoscaler-v2/',
    },
    'GET /apis/batch/v1/namespaces/{namespace}/cronjobs/{name}': {
      docs: 'https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/cron-job-v1/',
    },
  },
  'jsm-operations': {
    'PATCH /api/{cloudId}/v1/alerts/{id}/message': alertChange('message!:text1..130'),
    'PATCH /api/{cloudId}/v1/alerts/{id}/description': alertChange('description!:text1..15000'),
    'PATCH /api/{cloudId}/v1/alerts/{id}/priority': alertChange('priority!:P1|P2|P3|P4|P5'),
    'POST /api/{cloudId}/v1/alerts/{id}/tags': alertChange('tags!:texts'),
  },
  stackstorm: {
    'GET /api/v1/user': { docs: 'https://github.com/StackStorm/st2/blob/master/st2api/st2api/controllers/v1/user.py' },
    'GET /api/v1/traces': { docs: 'https://docs.stackstorm.com/reference/traces.html', query: 'trace_tag' },
    'GET /api/v1/executions': {
      docs: 'https://github.com/StackStorm/st2/blob/master/st2common/st2common/openapi.yaml.j2',
      query: 'parent exclude_attributes limit:1..',
    },
  },
  gremlin: {
    'GET /v1/scenarios/active': {
      docs: 'https://github.com/gremlin/gremlin-python/blob/master/gremlinapi/scenarios.py',
      query: 'teamId',
    },
    'GET /v1/scenarios/{guid}/runs/paged': {
      docs: 'https://github.com/api-evangelist/gremlin/blob/main/openapi/gremlin-scenarios-api-openapi.yml',
      query: 'teamId limit:1.. runNumber forward:true|false',
    },
  },
  steadybit: {
    'POST /api/experiments/{experimentKey}/execute': {
      docs: steadybit,
      body: object('environment', { variables: { type: 'object', additionalProperties: { type: 'string' } } }),
    },
    'POST /api/experiments/executions': {
      docs: steadybit,
      body: object('experimentKeys:texts requestedFrom:time page:count size:1..100'),
    },
  },
  'aws-stepfunctions': {
    'POST /#X-Amz-Target=AWSStepFunctions.DescribeStateMachine': {
      docs: `${aws}/step-functions/latest/apireference/API_DescribeStateMachine.html`,
      body: object('stateMachineArn!:text1..256 includedData:ALL_DATA|METADATA_ONLY'),
    },
    'POST /#X-Amz-Target=AWSStepFunctions.GetExecutionHistory': {
      docs: `${aws}/step-functions/latest/apireference/API_GetExecutionHistory.html`,
      body: object('executionArn!:text1..256 reverseOrder:flag maxResults:0..1000 includeExecutionData:flag nextToken'),
    },
  },
  databricks: {
    'GET /api/2.2/jobs/list': {
      docs: 'https://docs.databricks.com/api/workspace/jobs/list',
      query: 'name expand_tasks:flag page_token limit:1..100',
    },
    'GET /api/2.2/jobs/runs/get-output': {
      docs: 'https://docs.databricks.com/api/workspace/jobs/getrunoutput',
      query: 'run_id:count',
    },
  },
  'aws-codepipeline': {
    'POST /#X-Amz-Target=CodePipeline_20150709.GetPipelineState': {
      docs: `${aws}/codepipeline/latest/APIReference/API_GetPipelineState.html`,
      body: object('name!:text1..100'),
    },
  },
  'chaos-mesh': { 'GET /api/archives': archives, 'GET /api/archives/workflows': archives },
  'akamas-keptn-webhook': {
    'GET /v1/study-run': { docs: 'https://github.com/akamaslabs/keptn-webhook/blob/main/webhook.py' },
  },
  'aws-ssm': {
    'POST /#X-Amz-Target=AmazonSSM.AddTagsToResource': {
      docs: `${aws}/systems-manager/latest/APIReference/API_AddTagsToResource.html`,
      body: object('ResourceType!:OpsItem|OpsMetadata|Automation|Document|Parameter|Association ResourceId!', {
        Tags: { type: 'array', items: object('Key!:text1..128 Value!:text0..256') },
      }),
    },
  },
  'aws-eventbridge': {
    'POST /#X-Amz-Target=AWSEvents.DescribeEventBus': {
      docs: `${aws}/eventbridge/latest/APIReference/API_DescribeEventBus.html`,
      body: object('Name!:text1..1600'),
    },
  },
  'github-deployment-protection': githubApp,
  github: {
    ...githubApp,
    'GET /repos/{owner}/{repo}/installation': {
      docs: `${githubDocs}/apps/apps#get-a-repository-installation-for-the-authenticated-app`,
    },
    'POST /app/installations/{installation_id}/access_tokens': {
      docs: `${githubDocs}/apps/apps#create-an-installation-access-token-for-an-app`,
      body: object('repositories:texts1..', { permissions: object('checks!:write') }),
    },
    'PATCH /repos/{owner}/{repo}/check-runs/{check_run_id}': {
      docs: `${githubDocs}/checks/runs#update-a-check-run`,
      body: object(
        'name status!:queued|in_progress|completed conclusion:success|failure|neutral|cancelled details_url',
        {
          output: object('title! summary!'),
        },
      ),
    },
    'GET /rate_limit': { docs: `${githubDocs}/rate-limit/rate-limit` },
    'GET /repos/{owner}/{repo}/issues/{issue_number}/comments': {
      docs: `${githubDocs}/issues/comments#list-issue-comments`,
      query: `since:time ${page}`,
    },
    'POST /repos/{owner}/{repo}/issues/{issue_number}/labels': {
      docs: `${githubDocs}/issues/labels#add-labels-to-an-issue`,
      body: object('labels:texts1..'),
    },
    'GET /repos/{owner}/{repo}/commits/{ref}/check-runs': {
      docs: `${githubDocs}/checks/runs#list-check-runs-for-a-git-reference`,
      query: `check_name filter:latest|all ${page}`,
    },
    'GET /repos/{owner}/{repo}': { docs: `${githubDocs}/repos/repos#get-a-repository` },
  },
  gitlab: {
    'GET /api/v4/user': { docs: `${gitlab}/users/#get-the-current-user` },
    'GET /api/v4/users': { docs: `${gitlab}/users/#list-users`, query: `username ${page}` },
    'GET /projects/{id}/issues': {
      docs: `${gitlab}/issues/#list-all-project-issues`,
      query: `created_after:time order_by:created_at|updated_at|priority|due_date sort:asc|desc ${page}`,
    },
    'GET /api/v4/projects/{id}/issues/{issue_iid}/notes': {
      docs: `${gitlab}/notes/#list-project-issue-notes`,
      query: `order_by:created_at|updated_at sort:asc|desc ${page}`,
    },
    'GET /api/v4/projects/{id}': { docs: `${gitlab}/projects/#retrieve-a-project` },
    'GET /api/v4/projects/{id}/pipelines/{pipeline_id}/variables': {
      docs: `${gitlab}/pipelines/#get-variables-for-a-pipeline`,
    },
    'GET /api/v4/projects/{id}/pipelines/{pipeline_id}/jobs': {
      docs: `${gitlab}/jobs/#list-pipeline-jobs`,
      query: `scope include_retried:flag ${page}`,
    },
    'GET /api/v4/projects/{id}/pipelines/{pipeline_id}/test_report_summary': {
      docs: `${gitlab}/pipelines/#get-a-test-report-summary-for-a-pipeline`,
    },
  },
  'google-chat': {
    'GET /v1/spaces': {
      docs: 'https://developers.google.com/workspace/chat/api/reference/rest/v1/spaces/list',
      query: 'pageSize:1..1000 pageToken filter',
    },
  },
  jira: {
    'GET /rest/api/3/search/jql': {
      docs: `${jira}issue-search/#api-rest-api-3-search-jql-get`,
      why: 'newer than the contract',
      query:
        'jql nextPageToken maxResults:0..5000 fields:texts expand properties:texts fieldsByKeys:flag failFast:flag',
    },
    'POST /rest/api/3/issue/bulkfetch': {
      docs: `${jira}issues/#api-rest-api-3-issue-bulkfetch-post`,
      why: 'newer than the contract',
      body: object('issueIdsOrKeys!:texts1..100 expand:texts fields:texts fieldsByKeys:flag properties:texts0..5'),
    },
    'GET /rest/api/3/search': {
      docs: `${jira}issue-search/#api-rest-api-3-search-get`,
      query: 'jql startAt:count maxResults:count validateQuery:strict|warn|none fields:texts expand properties:texts',
    },
    'GET /rest/api/3/user/search': {
      docs: `${jira}user-search/#api-rest-api-3-user-search-get`,
      query: 'query username accountId startAt:count maxResults:count property',
    },
    'GET /rest/api/3/issue/{issueIdOrKey}/comment': {
      docs: `${jira}issue-comments/#api-rest-api-3-issue-issueidorkey-comment-get`,
      query: 'startAt:count maxResults:count orderBy:created|-created|+created expand',
    },
    'GET /rest/api/3/comment/{commentId}/properties/{propertyKey}': {
      docs: `${jira}issue-comment-properties/#api-rest-api-3-comment-commentid-properties-propertykey-get`,
    },
  },
  'keptn-api': keptnEvents,
  'keptn-control-plane': {
    ...keptnEvents,
    'GET /mongodb-datastore/event/type/{eventType}': {
      ...keptnDatastore,
      query: 'filter limit:count excludeInvalidated:flag fromTime',
    },
  },
  rundeck: {
    'GET /api/44/projects': { docs: `${rundeck}/#listing-projects` },
    'GET /api/44/project/{project}/jobs': {
      docs: `${rundeck}/#listing-jobs`,
      query: 'idlist groupPath jobFilter jobExactFilter groupPathExact scheduledFilter:flag serverNodeUUIDFilter tags',
    },
    'GET /api/44/job/{id}/executions': {
      docs: `${rundeck}/#getting-executions-for-a-job`,
      query: 'status:succeeded|failed|aborted|running max:count offset:count',
    },
  },
  servicenow: { 'GET /api/now/table/sys_user': serviceNowTable, 'GET /api/now/table/sys_user_group': serviceNowTable },
  'azure-devops-checks': {
    [`GET ${azurePlans}`]: {
      docs: 'https://github.com/microsoft/azure-pipelines-extensions/blob/master/ServerTaskHelper/DistributedTask.ServerTask.Remote.Common/TaskProgress/TaskClient.cs',
      query: 'api-version:7.1-preview.1',
    },
    [`GET ${azurePlans}/timelines/{timelineId}/records`]: {
      docs: 'https://github.com/microsoft/azure-devops-node-api/blob/master/api/TaskApi.ts',
      query: 'api-version:7.1-preview.1',
    },
    'GET /{organization}/_apis/connectionData': {
      docs: 'https://github.com/microsoft/azure-devops-node-api/blob/master/api/LocationsApi.ts',
      query: 'api-version:7.1-preview',
    },
  },
  'azure-devops-pipelines': {
    ...azureBuilds,
    [`GET ${builds}/builds/{buildId}`]: { ...{ docs: `${azure}/build/builds/get`, why }, query: 'api-version:7.0|7.1' },
    [`PATCH ${builds}/builds/{buildId}`]: {
      ...{ docs: `${azure}/build/builds/update-build`, why },
      query: 'api-version:7.0|7.1',
      body: object('status:cancelling'),
    },
    [`GET ${builds}/definitions`]: {
      ...{ docs: `${azure}/build/definitions/list`, why },
      query: 'api-version:7.0|7.1 name $top:count',
    },
    [`GET ${builds}/builds`]: {
      ...{ docs: `${azure}/build/builds/list`, why },
      query:
        'api-version:7.0|7.1 definitions queryOrder:queueTimeDescending|queueTimeAscending|finishTimeDescending minTime:time $top:count',
    },
  },
  'azure-devops-build': azureBuilds,
  jenkins: {
    'GET /me/api/json': { docs: 'https://www.jenkins.io/doc/book/using/remote-access-api/', query: 'tree' },
    'GET /queue/api/json': { docs: 'https://javadoc.jenkins.io/hudson/model/Queue.html', query: 'tree' },
    'GET /queue/item/{id}/api/json': {
      docs: 'https://www.jenkins.io/doc/book/using/remote-access-api/#RemoteaccessAPI-Controllingtheamountofdatayoufetch',
      query: 'tree',
    },
    'GET /job/{job}/api/json': { docs: 'https://javadoc.jenkins.io/hudson/model/Job.html', query: 'tree' },
    'GET /job/{job}/{number}/wfapi/describe': {
      docs: 'https://github.com/jenkinsci/pipeline-stage-view-plugin/blob/master/rest-api/README.md',
      why,
    },
  },
  'aws-codebuild': {
    'POST /#X-Amz-Target=CodeBuild_20161006.ListBuildsForProject': {
      docs: `${aws}/codebuild/latest/APIReference/API_ListBuildsForProject.html`,
      body: object('projectName!:text1.. sortOrder:ASCENDING|DESCENDING nextToken'),
    },
    'POST /#X-Amz-Target=CodeBuild_20161006.BatchGetReports': {
      docs: `${aws}/codebuild/latest/APIReference/API_BatchGetReports.html`,
      body: object('reportArns!:texts1..100'),
    },
  },
  // Its server is one of many at a host, and so has a path.
  unleash: {
    'GET /demo/api/admin/user': { docs: 'https://docs.getunleash.io/api/overview' },
    'GET /demo/api/admin/projects/{projectId}/change-requests/pending': { docs: changeRequests },
    'GET /demo/api/admin/projects/{projectId}/change-requests/{id}': { docs: changeRequests },
    'PUT /demo/api/admin/projects/{projectId}/change-requests/{id}/title': {
      docs: changeRequests,
      body: object('title!'),
    },
    'PUT /demo/api/admin/projects/{projectId}/change-requests/{id}/state': {
      docs: changeRequests,
      body: object('state! comment', {
        state: { enum: ['Draft', 'In review', 'Approved', 'Applied', 'Cancelled', 'Scheduled', 'Rejected'] },
      }),
    },
  },
  blazemeter: {
    'GET /api/v4/user': { docs: 'https://help.blazemeter.com/apidocs/performance/' },
    'GET /api/v4/masters/{masterId}/reports/default/summary': {
      docs: 'https://github.com/Blazemeter/bzm-mcp/blob/main/tools/report_manager.py',
    },
  },
  neoload: {
    'GET /v3/workspaces': { docs: 'https://neoload-api.saas.neotys.com/explore/' },
    'GET /v3/workspaces/{workspaceId}/test-results': {
      docs: 'https://neoload-api.saas.neotys.com/explore/',
      query: 'sort limit:1..200',
    },
  },
  'azure-load-testing': {
    'GET /test-runs': {
      docs: 'https://learn.microsoft.com/en-us/rest/api/loadtesting/dataplane/load-test-run/list-test-runs',
      query: 'api-version:2026-04-01',
    },
    'PATCH /test-runs/{testRunId}': loadTestRun,
    'GET /test-runs/{testRunId}': loadTestRun,
    'POST /test-runs/{testRunId}:stop': loadTestRun,
  },
  'aws-dlt': {
    'GET /prod/vCPUDetails': {
      docs: `${aws}/solutions/latest/distributed-load-testing-on-aws/distributed-load-testing-api.html`,
    },
  },
}

/**
 * All that may be called beyond the contracts, by contract. Anything else that a contract does not have fails; so does
 * what stands here and is called no more.
 */
export const extraOperations: Record<string, ExtraOperation[]> = Object.fromEntries(
  Object.entries(extras).map(([contract, operations]) => [
    contract,
    Object.entries(operations).map(([operation, extra]) => ({ operation, ...extra })),
  ]),
)

/** The operations of a contract, and those beyond it. */
export function operationsOf(contract: Contract, extra: ExtraOperation[], under = ''): Operation[] {
  const known = contract.operations.map((operation) => {
    const { query = '', body } = extra.find((one) => one.operation === operation.name) ?? {}
    const replaced = operation.parameters.filter((one) => one.in === 'query' && one.name in fields(query))
    const isRequired = (name: string) => replaced.some((one) => one.name === name && one.required)
    const added = parametersOf(query).map((one) => ({ ...one, required: isRequired(one.name) }))
    const parameters = [...operation.parameters.filter((one) => !replaced.includes(one)), ...added]
    return { ...operation, parameters, body: withBody(operation, body, contract) }
  })
  const others = extra.filter((one) => !known.some(({ name }) => name === one.operation))
  return [...known, ...others.map((one) => operationOf(one, contract, under))]
}

/** Of what a body may hold, each part must be known to the contract, or to what stands here. */
function withBody({ name, body }: Operation, more: Schema | undefined, contract: Contract): Operation['body'] {
  if (!body || more === undefined) return body ?? bodyOf(more, name, contract)
  const content = Object.entries(body.content).map(([type, { schema, examples }]) => [
    type,
    { schema: { anyOf: [schema, more] }, examples },
  ])
  return { ...body, content: Object.fromEntries(content) }
}

/** The call as an operation of the contract, with credentials as its others have them. */
function operationOf(one: ExtraOperation, contract: Contract, underContract: string): Operation {
  const { operation, query = '', body, contentType, under = underContract } = one
  const [method = '', path = ''] = operation.split(' ')
  return {
    name: operation,
    method,
    path: `${under}${path}`,
    parameters: parametersOf(query),
    body: bodyOf(body, path, contract, true, contentType),
    credentials: contract.operations.find(({ credentials }) => credentials.length > 0)?.credentials ?? [],
    responses: [],
  }
}

function bodyOf(
  schema: Schema | undefined,
  path: string,
  contract: Contract,
  required = false,
  contentType = contentTypeOf(path, contract),
): Operation['body'] {
  if (schema === undefined) return undefined
  return { required, content: { [contentType]: { schema, examples: [] } } }
}

/** Services of AWS take forms, or speak one version of its JSON each. */
function contentTypeOf(path: string, { operations }: Contract): string {
  if (path.includes('#Action')) return 'application/x-www-form-urlencoded'
  if (!path.includes('#X-Amz-Target')) return 'application/json'
  return operations.flatMap(({ body }) => Object.keys(body?.content ?? {}))[0] ?? AMAZON_JSON
}

function parametersOf(query: string): Parameter[] {
  return Object.entries(fields(query)).map(([name, schema]) => ({ name, in: 'query', required: false, schema }))
}
