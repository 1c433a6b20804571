import type { Schema } from '../../infra/openapi/contract.ts'
import { object } from './fields.ts'

/** An operation that a provider calls and that the contract lacks, as the vendor documents it. */
export interface ExtraOperation {
  /** Method and path. For an operation of the contract, `query` and `body` extend it. */
  operation: string
  /** The vendor's page. */
  docs: string
  why: string
  /** The path of its service relative to the base URL. Defaults to that of the contract. */
  under?: string | undefined
  /** Its query parameters, as `fields` reads them. */
  query?: string | undefined
  body?: Schema | undefined
  /** Defaults to that of the contract. */
  contentType?: string | undefined
}

const aws = 'https://docs.aws.amazon.com'
const azure = 'https://learn.microsoft.com/en-us/rest/api/azure/devops'
const builds = '/{organization}/{project}/_apis/build'
const azurePlans = '/{organization}/{scopeIdentifier}/_apis/distributedtask/hubs/{hubName}/plans/{planId}'
const gitlab = 'https://docs.gitlab.com/api'
const githubDocs = 'https://docs.github.com/en/rest'
const jira = 'https://developer.atlassian.com/cloud/jira/platform/rest/v3/api-group-'
const kubernetes = 'https://kubernetes.io/docs/reference/kubernetes-api'
const mattermost = 'https://github.com/mattermost/mattermost/blob/master'
const rundeck = 'https://docs.rundeck.com/docs/api'
const slack = 'https://docs.slack.dev/reference/methods'
const stackstorm = 'https://github.com/StackStorm/st2'

/**
 * The operations beyond each contract. The page of the vendor follows the operation. A `?` precedes the fields of the query,
 * and a `=` those of the body. `newer` and `other-service` say why the contract lacks the operation, and `under:` is the path
 * of the other service.
 */
const extras: Record<string, string> = {
  'aws-sns': `
    POST /#Action=GetTopicAttributes ${aws}/sns/latest/api/API_GetTopicAttributes.html ? Action:GetTopicAttributes =
      TopicArn!`,
  'dynatrace-environment-v2': `
    GET /api/v2/events https://docs.dynatrace.com/docs/dynatrace-api/environment-api/events-v2/get-events ? from to
      eventSelector entitySelector nextPageKey pageSize:count`,
  'dynatrace-guardian': `
    POST /platform/classic/environment-api/v2/bizevents/ingest
      https://docs.dynatrace.com/docs/observe/business-observability/bo-api-ingest`,
  'dynatrace-platform-slo': `
    POST /platform/slo/v1/slos/evaluation:start
      https://docs.dynatrace.com/docs/dynatrace-api/platform-api/platform-slo-v1/slos-evaluation-start-post`,
  mattermost: `
    POST /api/v4/posts ${mattermost}/server/channels/app/post.go = pending_post_id
    GET /api/v4/channels/{channel_id}/posts ${mattermost}/api/v4/source/posts.yaml ? page:count per_page:1..200
      skipFetchThreads:flag
    GET /api/v4/teams/name/{team_name}/channels/name/{channel_name} other-service
      ${mattermost}/api/v4/source/channels.yaml
    GET /api/v4/users/{user_id} other-service ${mattermost}/api/v4/source/users.yaml
    GET /api/v4/users/email/{email} other-service ${mattermost}/api/v4/source/users.yaml
    GET /api/v4/users/username/{username} other-service ${mattermost}/api/v4/source/users.yaml`,
  'slack-messaging': `
    GET /api/auth.test ${slack}/auth.test
    GET /api/conversations.history ${slack}/conversations.history ? channel limit:1..999 include_all_metadata:flag
    GET /api/chat.getPermalink ${slack}/chat.getPermalink ? channel message_ts
    GET /api/users.info ${slack}/users.info ? user
    GET /api/users.lookupByEmail ${slack}/users.lookupByEmail ? email
    POST /api/chat.postEphemeral ${slack}/chat.postEphemeral = channel! user! text! parse:none|full link_names:flag`,
  'aws-sagemaker': `
    POST /#X-Amz-Target=SageMaker.ListPipelineExecutions
      ${aws}/sagemaker/latest/APIReference/API_ListPipelineExecutions.html = PipelineName!:text1..2048
      MaxResults:1..100`,
  'servicenow-change': `
    GET /api/now/table/sys_user_group https://www.servicenow.com/docs/r/api-reference/rest-apis/c_TableAPI.html ?
      sysparm_query sysparm_fields sysparm_limit:count
    PATCH /api/sn_chg_rest/v1/change/{change_sys_id}/task/{task_sys_id}
      https://www.servicenow.com/docs/r/api-reference/rest-apis/change-management-api.html = state! close_code!
      close_notes!`,
  'tekton-pipelinerun': `
    POST /apis/authorization.k8s.io/v1/selfsubjectaccessreviews
      ${kubernetes}/authorization-resources/self-subject-access-review-v1/`,
  'k6-operator-testrun': `
    POST /apis/authorization.k8s.io/v1/selfsubjectaccessreviews
      ${kubernetes}/authorization-resources/self-subject-access-review-v1/
    GET /apis/batch/v1/namespaces/{namespace}/jobs ${kubernetes}/workload-resources/job-v1/ ? labelSelector`,
  kubernetes: `
    GET /apis/autoscaling/v2/namespaces/{namespace}/horizontalpodautoscalers
      ${kubernetes}/workload-resources/horizontal-pod-autoscaler-v2/
    GET /apis/batch/v1/namespaces/{namespace}/cronjobs/{name} ${kubernetes}/workload-resources/cron-job-v1/`,
  'jsm-operations': `
    PATCH /api/{cloudId}/v1/alerts/{id}/message under:/jsm/ops
      https://developer.atlassian.com/cloud/jira/service-desk-ops/rest/v2/api-group-alerts/ = message!:text1..130
    PATCH /api/{cloudId}/v1/alerts/{id}/description under:/jsm/ops
      https://developer.atlassian.com/cloud/jira/service-desk-ops/rest/v2/api-group-alerts/ =
      description!:text1..15000
    PATCH /api/{cloudId}/v1/alerts/{id}/priority under:/jsm/ops
      https://developer.atlassian.com/cloud/jira/service-desk-ops/rest/v2/api-group-alerts/ = priority!:P1|P2|P3|P4|P5
    POST /api/{cloudId}/v1/alerts/{id}/tags under:/jsm/ops
      https://developer.atlassian.com/cloud/jira/service-desk-ops/rest/v2/api-group-alerts/ = tags!:texts`,
  stackstorm: `
    GET /api/v1/user ${stackstorm}/blob/master/st2api/st2api/controllers/v1/user.py
    GET /api/v1/traces https://docs.stackstorm.com/reference/traces.html ? trace_tag
    GET /api/v1/executions ${stackstorm}/blob/master/st2common/st2common/openapi.yaml.j2 ? parent exclude_attributes
      limit:1..`,
  gremlin: `
    GET /v1/scenarios/active https://github.com/gremlin/gremlin-python/blob/master/gremlinapi/scenarios.py ? teamId
    GET /v1/scenarios/{guid}/runs/paged
      https://github.com/api-evangelist/gremlin/blob/main/openapi/gremlin-scenarios-api-openapi.yml ? teamId limit:1..
      runNumber forward:true|false`,
  steadybit: `
    POST /api/experiments/{experimentKey}/execute https://github.com/steadybit/cli/blob/main/api/platform.gen.go
    POST /api/experiments/executions https://github.com/steadybit/cli/blob/main/api/platform.gen.go =
      experimentKeys:texts requestedFrom:time page:count size:1..100`,
  'aws-stepfunctions': `
    POST /#X-Amz-Target=AWSStepFunctions.DescribeStateMachine
      ${aws}/step-functions/latest/apireference/API_DescribeStateMachine.html = stateMachineArn!:text1..256
      includedData:ALL_DATA|METADATA_ONLY
    POST /#X-Amz-Target=AWSStepFunctions.GetExecutionHistory
      ${aws}/step-functions/latest/apireference/API_GetExecutionHistory.html = executionArn!:text1..256
      reverseOrder:flag maxResults:0..1000 includeExecutionData:flag nextToken`,
  databricks: `
    GET /api/2.2/jobs/list https://docs.databricks.com/api/workspace/jobs/list ? name expand_tasks:flag page_token
      limit:1..100
    GET /api/2.2/jobs/runs/get-output https://docs.databricks.com/api/workspace/jobs/getrunoutput ? run_id:count`,
  'aws-codepipeline': `
    POST /#X-Amz-Target=CodePipeline_20150709.GetPipelineState
      ${aws}/codepipeline/latest/APIReference/API_GetPipelineState.html = name!:text1..100`,
  'chaos-mesh': `
    GET /api/archives https://github.com/chaos-mesh/chaos-mesh/blob/master/pkg/dashboard/apiserver/archive/archive.go
      ? namespace
    GET /api/archives/workflows
      https://github.com/chaos-mesh/chaos-mesh/blob/master/pkg/dashboard/apiserver/archive/archive.go ? namespace`,
  'akamas-keptn-webhook': `
    GET /v1/study-run https://github.com/akamaslabs/keptn-webhook/blob/main/webhook.py`,
  'aws-ssm': `
    POST /#X-Amz-Target=AmazonSSM.AddTagsToResource
      ${aws}/systems-manager/latest/APIReference/API_AddTagsToResource.html`,
  'aws-eventbridge': `
    POST /#X-Amz-Target=AWSEvents.DescribeEventBus ${aws}/eventbridge/latest/APIReference/API_DescribeEventBus.html =
      Name!:text1..1600`,
  'github-deployment-protection': `
    GET /app ${githubDocs}/apps/apps#get-the-authenticated-app
    GET /app/hook/config ${githubDocs}/apps/webhooks#get-a-webhook-configuration-for-an-app`,
  github: `
    GET /app ${githubDocs}/apps/apps#get-the-authenticated-app
    GET /app/hook/config ${githubDocs}/apps/webhooks#get-a-webhook-configuration-for-an-app
    GET /repos/{owner}/{repo}/installation
      ${githubDocs}/apps/apps#get-a-repository-installation-for-the-authenticated-app
    POST /app/installations/{installation_id}/access_tokens
      ${githubDocs}/apps/apps#create-an-installation-access-token-for-an-app
    PATCH /repos/{owner}/{repo}/check-runs/{check_run_id} ${githubDocs}/checks/runs#update-a-check-run
    GET /rate_limit ${githubDocs}/rate-limit/rate-limit
    GET /repos/{owner}/{repo}/issues/{issue_number}/comments ${githubDocs}/issues/comments#list-issue-comments ?
      since:time per_page:1..100 page:1..
    POST /repos/{owner}/{repo}/issues/{issue_number}/labels ${githubDocs}/issues/labels#add-labels-to-an-issue =
      labels:texts1..
    GET /repos/{owner}/{repo}/commits/{ref}/check-runs ${githubDocs}/checks/runs#list-check-runs-for-a-git-reference ?
      check_name filter:latest|all per_page:1..100 page:1..
    GET /repos/{owner}/{repo} ${githubDocs}/repos/repos#get-a-repository`,
  gitlab: `
    GET /api/v4/user ${gitlab}/users/#get-the-current-user
    GET /api/v4/users ${gitlab}/users/#list-users ? username per_page:1..100 page:1..
    GET /projects/{id}/issues ${gitlab}/issues/#list-all-project-issues ? created_after:time
      order_by:created_at|updated_at|priority|due_date sort:asc|desc per_page:1..100 page:1..
    GET /api/v4/projects/{id}/issues/{issue_iid}/notes ${gitlab}/notes/#list-project-issue-notes ?
      order_by:created_at|updated_at sort:asc|desc per_page:1..100 page:1..
    GET /api/v4/projects/{id} ${gitlab}/projects/#retrieve-a-project
    GET /api/v4/projects/{id}/pipelines/{pipeline_id}/variables ${gitlab}/pipelines/#get-variables-for-a-pipeline
    GET /api/v4/projects/{id}/pipelines/{pipeline_id}/jobs ${gitlab}/jobs/#list-pipeline-jobs ? scope
      include_retried:flag per_page:1..100 page:1..
    GET /api/v4/projects/{id}/pipelines/{pipeline_id}/test_report_summary
      ${gitlab}/pipelines/#get-a-test-report-summary-for-a-pipeline`,
  'google-chat': `
    GET /v1/spaces https://developers.google.com/workspace/chat/api/reference/rest/v1/spaces/list ? pageSize:1..1000
      pageToken filter`,
  jira: `
    GET /rest/api/3/search/jql newer ${jira}issue-search/#api-rest-api-3-search-jql-get ? jql nextPageToken
      maxResults:0..5000 fields:texts expand properties:texts fieldsByKeys:flag failFast:flag
    POST /rest/api/3/issue/bulkfetch newer ${jira}issues/#api-rest-api-3-issue-bulkfetch-post =
      issueIdsOrKeys!:texts1..100 expand:texts fields:texts fieldsByKeys:flag properties:texts0..5
    GET /rest/api/3/search ${jira}issue-search/#api-rest-api-3-search-get ? jql startAt:count maxResults:count
      validateQuery:strict|warn|none fields:texts expand properties:texts
    GET /rest/api/3/user/search ${jira}user-search/#api-rest-api-3-user-search-get ? query username accountId
      startAt:count maxResults:count property
    GET /rest/api/3/issue/{issueIdOrKey}/comment ${jira}issue-comments/#api-rest-api-3-issue-issueidorkey-comment-get
      ? startAt:count maxResults:count orderBy:created|-created|+created expand
    GET /rest/api/3/comment/{commentId}/properties/{propertyKey}
      ${jira}issue-comment-properties/#api-rest-api-3-comment-commentid-properties-propertykey-get`,
  'keptn-api': `
    GET /mongodb-datastore/event under:/api other-service
      https://github.com/keptn/keptn/blob/1.4.5/mongodb-datastore/swagger.yaml ? keptnContext type root project stage
      service source pageSize:1..100 nextPageKey`,
  'keptn-control-plane': `
    GET /mongodb-datastore/event under:/api other-service
      https://github.com/keptn/keptn/blob/1.4.5/mongodb-datastore/swagger.yaml ? keptnContext type root project stage
      service source pageSize:1..100 nextPageKey
    GET /mongodb-datastore/event/type/{eventType} under:/api other-service
      https://github.com/keptn/keptn/blob/1.4.5/mongodb-datastore/swagger.yaml ? filter limit:count
      excludeInvalidated:flag fromTime`,
  rundeck: `
    GET /api/44/projects ${rundeck}/#listing-projects
    GET /api/44/project/{project}/jobs ${rundeck}/#listing-jobs ? idlist groupPath jobFilter jobExactFilter
      groupPathExact scheduledFilter:flag serverNodeUUIDFilter tags
    GET /api/44/job/{id}/executions ${rundeck}/#getting-executions-for-a-job ? status:succeeded|failed|aborted|running
      max:count offset:count`,
  servicenow: `
    GET /api/now/table/sys_user https://www.servicenow.com/docs/r/api-reference/rest-apis/c_TableAPI.html ?
      sysparm_query sysparm_fields sysparm_limit:count
    GET /api/now/table/sys_user_group https://www.servicenow.com/docs/r/api-reference/rest-apis/c_TableAPI.html ?
      sysparm_query sysparm_fields sysparm_limit:count`,
  'azure-devops-checks': `
    GET ${azurePlans}
      https://github.com/microsoft/azure-pipelines-extensions/blob/master/ServerTaskHelper/DistributedTask.ServerTask.Remote.Common/TaskProgress/TaskClient.cs
      ? api-version:7.1-preview.1
    GET ${azurePlans}/timelines/{timelineId}/records
      https://github.com/microsoft/azure-devops-node-api/blob/master/api/TaskApi.ts ? api-version:7.1-preview.1
    GET /{organization}/_apis/connectionData
      https://github.com/microsoft/azure-devops-node-api/blob/master/api/LocationsApi.ts ? api-version:7.1-preview`,
  'azure-devops-pipelines': `
    GET ${builds}/builds/{buildId}/timeline ${azure}/build/timeline/get ? api-version:7.0|7.1
    GET /{organization}/{project}/_apis/test/runs other-service ${azure}/test/runs/list ? api-version:7.0|7.1 buildUri
      includeRunDetails:flag
    GET ${builds}/builds/{buildId} other-service ${azure}/build/builds/get ? api-version:7.0|7.1
    PATCH ${builds}/builds/{buildId} other-service ${azure}/build/builds/update-build ? api-version:7.0|7.1 =
      status:cancelling
    GET ${builds}/definitions other-service ${azure}/build/definitions/list ? api-version:7.0|7.1 name $top:count
    GET ${builds}/builds other-service ${azure}/build/builds/list ? api-version:7.0|7.1 definitions
      queryOrder:queueTimeDescending|queueTimeAscending|finishTimeDescending minTime:time $top:count`,
  'azure-devops-build': `
    GET ${builds}/builds/{buildId}/timeline ${azure}/build/timeline/get ? api-version:7.0|7.1
    GET /{organization}/{project}/_apis/test/runs other-service ${azure}/test/runs/list ? api-version:7.0|7.1 buildUri
      includeRunDetails:flag`,
  jenkins: `
    GET /me/api/json https://www.jenkins.io/doc/book/using/remote-access-api/ ? tree
    GET /queue/api/json https://javadoc.jenkins.io/hudson/model/Queue.html ? tree
    GET /queue/item/{id}/api/json
      https://www.jenkins.io/doc/book/using/remote-access-api/#RemoteaccessAPI-Controllingtheamountofdatayoufetch ?
      tree
    GET /job/{job}/api/json https://javadoc.jenkins.io/hudson/model/Job.html ? tree
    GET /job/{job}/{number}/wfapi/describe other-service
      https://github.com/jenkinsci/pipeline-stage-view-plugin/blob/master/rest-api/README.md`,
  'aws-codebuild': `
    POST /#X-Amz-Target=CodeBuild_20161006.ListBuildsForProject
      ${aws}/codebuild/latest/APIReference/API_ListBuildsForProject.html = projectName!:text1..
      sortOrder:ASCENDING|DESCENDING nextToken
    POST /#X-Amz-Target=CodeBuild_20161006.BatchGetReports
      ${aws}/codebuild/latest/APIReference/API_BatchGetReports.html = reportArns!:texts1..100`,
  // Its server is one of many at a host, and so has a path.
  unleash: `
    GET /demo/api/admin/user https://docs.getunleash.io/api/overview
    GET /demo/api/admin/projects/{projectId}/change-requests/pending
      https://docs.getunleash.io/concepts/change-requests
    GET /demo/api/admin/projects/{projectId}/change-requests/{id} https://docs.getunleash.io/concepts/change-requests
    PUT /demo/api/admin/projects/{projectId}/change-requests/{id}/title
      https://docs.getunleash.io/concepts/change-requests = title!
    PUT /demo/api/admin/projects/{projectId}/change-requests/{id}/state
      https://docs.getunleash.io/concepts/change-requests`,
  blazemeter: `
    GET /api/v4/user https://help.blazemeter.com/apidocs/performance/
    GET /api/v4/masters/{masterId}/reports/default/summary
      https://github.com/Blazemeter/bzm-mcp/blob/main/tools/report_manager.py`,
  neoload: `
    GET /v3/workspaces https://neoload-api.saas.neotys.com/explore/
    GET /v3/workspaces/{workspaceId}/test-results https://neoload-api.saas.neotys.com/explore/ ? sort limit:1..200`,
  'azure-load-testing': `
    GET /test-runs https://learn.microsoft.com/en-us/rest/api/loadtesting/dataplane/load-test-run/list-test-runs ?
      api-version:2026-04-01
    PATCH /test-runs/{testRunId} newer
      https://github.com/Azure/azure-rest-api-specs/tree/main/specification/loadtestservice/data-plane/loadtesting/2026-04-01
      ? api-version:2026-04-01
    GET /test-runs/{testRunId} newer
      https://github.com/Azure/azure-rest-api-specs/tree/main/specification/loadtestservice/data-plane/loadtesting/2026-04-01
      ? api-version:2026-04-01
    POST /test-runs/{testRunId}:stop newer
      https://github.com/Azure/azure-rest-api-specs/tree/main/specification/loadtestservice/data-plane/loadtesting/2026-04-01
      ? api-version:2026-04-01`,
  'aws-dlt': `
    GET /prod/vCPUDetails ${aws}/solutions/latest/distributed-load-testing-on-aws/distributed-load-testing-api.html`,
}

/** Bodies with objects in them, by operation. */
const bodies: Record<string, Pick<ExtraOperation, 'body' | 'contentType'>> = {
  'POST /platform/classic/environment-api/v2/bizevents/ingest': {
    contentType: 'application/cloudevent+json',
    body: object('specversion! id! source! type!', { data: { type: 'object', additionalProperties: true } }),
  },
  'POST /platform/slo/v1/slos/evaluation:start': {
    body: object('id! requestTimeoutMilliseconds:count', { customTimeframe: object('timeframeFrom timeframeTo') }),
  },
  'POST /apis/authorization.k8s.io/v1/selfsubjectaccessreviews': {
    body: object('apiVersion! kind!', { spec: { type: 'object' } }),
  },
  'POST /api/experiments/{experimentKey}/execute': {
    body: object('environment', { variables: { type: 'object', additionalProperties: { type: 'string' } } }),
  },
  'POST /#X-Amz-Target=AmazonSSM.AddTagsToResource': {
    body: object('ResourceType!:OpsItem|OpsMetadata|Automation|Document|Parameter|Association ResourceId!', {
      Tags: { type: 'array', items: object('Key!:text1..128 Value!:text0..256') },
    }),
  },
  'POST /app/installations/{installation_id}/access_tokens': {
    body: object('repositories:texts1..', { permissions: object('checks!:write') }),
  },
  'PATCH /repos/{owner}/{repo}/check-runs/{check_run_id}': {
    body: object('name status!:queued|in_progress|completed conclusion:success|failure|neutral|cancelled details_url', {
      output: object('title! summary!'),
    }),
  },
  'PUT /demo/api/admin/projects/{projectId}/change-requests/{id}/state': {
    body: object('state! comment', {
      state: { enum: ['Draft', 'In review', 'Approved', 'Applied', 'Cancelled', 'Scheduled', 'Rejected'] },
    }),
  },
}

const REASONS: Record<string, string> = {
  newer: 'newer than the contract',
  'other-service': 'belongs to another service',
  '': 'missing in the contract',
}

/**
 * All that may be called beyond the contracts, by contract. Anything else that a contract does not have fails; so does
 * what stands here and is called no more.
 */
export const extraOperations: Record<string, ExtraOperation[]> = Object.fromEntries(
  Object.entries(extras).map(([contract, text]) => [
    contract,
    text
      .split(/\s+(?=(?:GET|PATCH|POST|PUT) )/)
      .slice(1)
      .map(readOperation),
  ]),
)

function readOperation(text: string): ExtraOperation {
  const [description = '', body] = text.replaceAll(/\s+/g, ' ').split(' = ')
  const [before = '', query] = description.split(' ? ')
  const [, operation = '', under, reason = '', docs = ''] =
    /^(\S+ \S+)(?: under:(\S+))?(?: (newer|other-service))? (https:\S+)$/.exec(before) ?? []
  if (!operation) throw new Error(`Invalid operation "${text}"`)
  const why = REASONS[reason] ?? reason
  return {
    operation,
    docs,
    why,
    under,
    query,
    body: body === undefined ? undefined : object(body),
    ...bodies[operation],
  }
}
