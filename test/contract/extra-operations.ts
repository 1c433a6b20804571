import type { Contract, Operation, Parameter, Schema } from '../../infra/openapi/contract.ts'

/** An operation that a provider calls and that the contract lacks, as the vendor documents it. */
export interface ExtraOperation {
  /** Method and path. For an operation of the contract, `query` and `body` extend it. */
  operation: string
  /** The path of its service relative to the base URL. Defaults to that of the contract. */
  under?: string
  /** The vendor's page. */
  docs: string
  /** Defaults to `missing in the contract`. */
  why?: 'newer than the contract' | 'belongs to another service'
  query?: Record<string, Schema>
  body?: Schema
  answer?: unknown
}

/** The content type of AWS services that use one path for all operations. */
const AMAZON_JSON = 'application/x-amz-json-1.1'
const text: Schema = { type: 'string' }
const texts: Schema = { type: 'array', items: text }
const flag: Schema = { type: 'boolean' }
const count: Schema = { type: 'integer', minimum: 0 }
const page = { per_page: { type: 'integer', minimum: 1, maximum: 100 }, page: { type: 'integer', minimum: 1 } }
const jira = 'https://developer.atlassian.com/cloud/jira/platform/rest/v3'
const todo = { name: 'To Do', statusCategory: { key: 'new' } }

const azure = 'https://learn.microsoft.com/en-us/rest/api/azure/devops'
const azureProject = '/{organization}/{project}/_apis'
const loadTestingVersion = { 'api-version': { const: '2026-04-01' } }
const azureVersion = { 'api-version': { const: '7.1' } }
const taskOf = { type: 'Task', name: 'npm test', parentId: 'job', result: 'failed', state: 'completed' }
const keptnDatastore = 'https://github.com/keptn/keptn/blob/1.4.5/mongodb-datastore/swagger.yaml'
const keptnEvents: ExtraOperation = {
  operation: 'GET /mongodb-datastore/event',
  under: '/api',
  docs: keptnDatastore,
  why: 'belongs to another service',
  query: {
    ...{ keptnContext: text, type: text, root: text, project: text, stage: text, service: text, source: text },
    pageSize: { type: 'integer', minimum: 1, maximum: 100 },
    nextPageKey: text,
  },
  answer: { totalCount: 0, pageSize: 100, events: [] },
}
const slackMethods = 'https://docs.slack.dev/reference/methods'
/** Operations for runs, in both contracts. */
const azureBuilds: ExtraOperation[] = [
  {
    operation: `GET ${azureProject}/build/builds/{buildId}/timeline`,
    docs: `${azure}/build/timeline/get`,
    query: azureVersion,
    answer: {
      records: [
        { id: 'stage', type: 'Stage', name: 'Test', order: 1, state: 'completed', result: 'failed' },
        { id: 'job', parentId: 'stage', type: 'Job', name: 'Unit', state: 'completed', result: 'failed' },
        { id: 'task', ...taskOf, issues: [{ type: 'error', message: 'Bash exited with code 1.' }] },
      ],
    },
  },
  {
    operation: `GET ${azureProject}/test/runs`,
    docs: `${azure}/test/runs/list`,
    why: 'belongs to another service',
    query: { ...azureVersion, buildUri: text, includeRunDetails: flag },
    answer: { count: 1, value: [{ id: 1, totalTests: 10, passedTests: 9, unanalyzedTests: 1 }] },
  },
]

/**
 * All that may be called beyond the contracts, by contract. Anything else that a contract does not have fails; so does
 * what stands here and is called no more.
 */
export const extraOperations: Record<string, ExtraOperation[]> = {
  'aws-sns': [
    {
      operation: 'POST /#Action=GetTopicAttributes',
      docs: 'https://docs.aws.amazon.com/sns/latest/api/API_GetTopicAttributes.html',
      query: { Action: { const: 'GetTopicAttributes' } },
      body: { type: 'object', required: ['TopicArn'], properties: { TopicArn: text } },
      answer: { Attributes: '' },
    },
  ],
  'dynatrace-environment-v2': [
    {
      operation: 'GET /api/v2/events',
      docs: 'https://docs.dynatrace.com/docs/dynatrace-api/environment-api/events-v2/get-events',
      query: { from: text, to: text, eventSelector: text, entitySelector: text, nextPageKey: text, pageSize: count },
      answer: { totalCount: 0, pageSize: 100, events: [] },
    },
  ],
  'dynatrace-platform-slo': [
    {
      operation: 'POST /platform/slo/v1/slos/evaluation:start',
      docs: 'https://docs.dynatrace.com/docs/dynatrace-api/platform-api/platform-slo-v1/slos-evaluation-start-post',
      body: {
        type: 'object',
        required: ['id'],
        properties: {
          id: text,
          customTimeframe: { type: 'object', properties: { timeframeFrom: text, timeframeTo: text } },
          requestTimeoutMilliseconds: count,
        },
        additionalProperties: false,
      },
    },
  ],
  mattermost: [
    {
      operation: 'POST /api/v4/posts',
      docs: 'https://github.com/mattermost/mattermost/blob/master/server/channels/app/post.go',
      body: { type: 'object', properties: { pending_post_id: text } },
    },
    {
      operation: 'GET /api/v4/channels/{channel_id}/posts',
      docs: 'https://github.com/mattermost/mattermost/blob/master/api/v4/source/posts.yaml',
      query: { page: count, per_page: { type: 'integer', minimum: 1, maximum: 200 }, skipFetchThreads: flag },
      answer: { order: [], posts: {} },
    },
    {
      operation: 'GET /api/v4/teams/name/{team_name}/channels/name/{channel_name}',
      docs: 'https://github.com/mattermost/mattermost/blob/master/api/v4/source/channels.yaml',
      why: 'belongs to another service',
      answer: { id: '4xp9fdt77pncbef59f4k1qe83o', name: 'deployments' },
    },
    {
      operation: 'GET /api/v4/users/{user_id}',
      docs: 'https://github.com/mattermost/mattermost/blob/master/api/v4/source/users.yaml',
      why: 'belongs to another service',
      answer: { id: 'ay5sq51sebfh58ktrce5ijtcwy', username: 'deploy-bot' },
    },
  ],
  'slack-messaging': [
    {
      operation: 'GET /api/auth.test',
      docs: `${slackMethods}/auth.test`,
      answer: { ok: true, url: 'https://example.slack.com/', team: 'Example', team_id: 'T123', user_id: 'U0BOT' },
    },
    {
      operation: 'GET /api/conversations.history',
      docs: `${slackMethods}/conversations.history`,
      query: { channel: text, limit: { type: 'integer', minimum: 1, maximum: 999 }, include_all_metadata: flag },
      answer: { ok: true, messages: [], has_more: false },
    },
    {
      operation: 'GET /api/chat.getPermalink',
      docs: `${slackMethods}/chat.getPermalink`,
      query: { channel: text, message_ts: text },
      answer: {
        ok: true,
        channel: 'C123',
        permalink: 'https://example.slack.com/archives/C123/p1503435956000247',
      },
    },
    {
      operation: 'GET /api/users.info',
      docs: `${slackMethods}/users.info`,
      query: { user: text },
      answer: {
        ok: true,
        user: { id: 'U123', team_id: 'T123', real_name: 'Jane Doe', profile: { email: 'jane@example.com' } },
      },
    },
    {
      operation: 'GET /api/users.lookupByEmail',
      docs: `${slackMethods}/users.lookupByEmail`,
      query: { email: text },
      answer: { ok: true, user: { id: 'U123', team_id: 'T123', profile: { email: 'jane@example.com' } } },
    },
    {
      operation: 'POST /api/chat.postEphemeral',
      docs: `${slackMethods}/chat.postEphemeral`,
      body: {
        type: 'object',
        required: ['channel', 'user', 'text'],
        properties: { channel: text, user: text, text, parse: { enum: ['none', 'full'] }, link_names: flag },
        additionalProperties: false,
      },
      answer: { ok: true, message_ts: '1503435999.000000' },
    },
  ],
  'aws-sagemaker': [
    {
      operation: 'POST /#X-Amz-Target=SageMaker.ListPipelineExecutions',
      docs: 'https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ListPipelineExecutions.html',
      body: {
        type: 'object',
        required: ['PipelineName'],
        properties: {
          PipelineName: { type: 'string', minLength: 1, maxLength: 2048 },
          MaxResults: { type: 'integer', minimum: 1, maximum: 100 },
        },
      },
      answer: { PipelineExecutionSummaries: [] },
    },
  ],
  stackstorm: [
    {
      operation: 'GET /api/v1/user',
      docs: 'https://github.com/StackStorm/st2/blob/master/st2api/st2api/controllers/v1/user.py',
      answer: { username: 'robot', authentication: { method: 'API key', location: 'header' } },
    },
    {
      operation: 'GET /api/v1/traces',
      docs: 'https://docs.stackstorm.com/reference/traces.html',
      query: { trace_tag: text },
      answer: [],
    },
    {
      operation: 'GET /api/v1/executions',
      docs: 'https://github.com/StackStorm/st2/blob/master/st2common/st2common/openapi.yaml.j2',
      query: { parent: text, exclude_attributes: text, limit: { type: 'integer', minimum: 1 } },
      answer: [],
    },
  ],
  gremlin: [
    {
      operation: 'GET /v1/scenarios/active',
      docs: 'https://github.com/gremlin/gremlin-python/blob/master/gremlinapi/scenarios.py',
      query: { teamId: text },
      answer: [],
    },
    {
      operation: 'GET /v1/scenarios/{guid}/runs/paged',
      docs: 'https://github.com/api-evangelist/gremlin/blob/main/openapi/gremlin-scenarios-api-openapi.yml',
      query: {
        teamId: text,
        limit: { type: 'integer', minimum: 1 },
        runNumber: text,
        forward: { enum: ['true', 'false'] },
      },
      answer: { pageSize: 50, pageToken: null, items: [{ run_number: 6, hypothesis: 'Other user' }] },
    },
  ],
  steadybit: [
    {
      operation: 'POST /api/experiments/{experimentKey}/execute',
      docs: 'https://github.com/steadybit/cli/blob/main/api/platform.gen.go',
      body: {
        type: 'object',
        properties: { environment: text, variables: { type: 'object', additionalProperties: text } },
        additionalProperties: false,
      },
    },
    {
      operation: 'POST /api/experiments/executions',
      docs: 'https://github.com/steadybit/cli/blob/main/api/platform.gen.go',
      body: {
        type: 'object',
        properties: {
          experimentKeys: texts,
          requestedFrom: { type: 'string', format: 'date-time' },
          page: count,
          size: { type: 'integer', minimum: 1, maximum: 100 },
        },
        additionalProperties: false,
      },
      answer: { items: [], totalItems: 0, nextPage: null },
    },
  ],
  'aws-stepfunctions': [
    {
      operation: 'POST /#X-Amz-Target=AWSStepFunctions.DescribeStateMachine',
      docs: 'https://docs.aws.amazon.com/step-functions/latest/apireference/API_DescribeStateMachine.html',
      body: {
        type: 'object',
        required: ['stateMachineArn'],
        properties: {
          stateMachineArn: { type: 'string', minLength: 1, maxLength: 256 },
          includedData: { enum: ['ALL_DATA', 'METADATA_ONLY'] },
        },
        additionalProperties: false,
      },
      answer: {
        stateMachineArn: 'arn:aws:states:eu-west-1:123456789012:stateMachine:remediate',
        ...{ name: 'remediate', type: 'STANDARD', status: 'ACTIVE', creationDate: 1_700_000_000 },
        roleArn: 'arn:aws:iam::123456789012:role/remediate',
      },
    },
    {
      operation: 'POST /#X-Amz-Target=AWSStepFunctions.GetExecutionHistory',
      docs: 'https://docs.aws.amazon.com/step-functions/latest/apireference/API_GetExecutionHistory.html',
      body: {
        type: 'object',
        required: ['executionArn'],
        properties: {
          executionArn: { type: 'string', minLength: 1, maxLength: 256 },
          reverseOrder: flag,
          maxResults: { type: 'integer', minimum: 0, maximum: 1000 },
          includeExecutionData: flag,
          nextToken: text,
        },
        additionalProperties: false,
      },
      answer: { events: [{ id: 1, previousEventId: 0, type: 'ExecutionStarted', timestamp: 1_700_000_000 }] },
    },
  ],
  databricks: [
    {
      operation: 'GET /api/2.2/jobs/list',
      docs: 'https://docs.databricks.com/api/workspace/jobs/list',
      query: {
        ...{ name: text, expand_tasks: flag, page_token: text },
        limit: { type: 'integer', minimum: 1, maximum: 100 },
      },
      answer: { jobs: [{ job_id: 11223344, settings: { name: 'optimise checkout' } }], has_more: false },
    },
    {
      operation: 'GET /api/2.2/jobs/runs/get-output',
      docs: 'https://docs.databricks.com/api/workspace/jobs/getrunoutput',
      query: { run_id: { type: 'integer' } },
      answer: { notebook_output: { result: '{"accuracy":0.93}', truncated: false }, metadata: { run_id: 900001 } },
    },
  ],

  'aws-codepipeline': [
    {
      operation: 'POST /#X-Amz-Target=CodePipeline_20150709.GetPipelineState',
      docs: 'https://docs.aws.amazon.com/codepipeline/latest/APIReference/API_GetPipelineState.html',
      body: {
        type: 'object',
        required: ['name'],
        properties: { name: { type: 'string', minLength: 1, maxLength: 100 } },
        additionalProperties: false,
      },
      answer: { pipelineName: 'checkout-deploy', pipelineVersion: 3, stageStates: [] },
    },
  ],
  'chaos-mesh': ['GET /api/archives', 'GET /api/archives/workflows'].map(
    (operation): ExtraOperation => ({
      operation,
      docs: 'https://github.com/chaos-mesh/chaos-mesh/blob/master/pkg/dashboard/apiserver/archive/archive.go',
      query: { namespace: text },
      answer: [],
    }),
  ),
  'akamas-keptn-webhook': [
    {
      operation: 'GET /v1/study-run',
      docs: 'https://github.com/akamaslabs/keptn-webhook/blob/main/webhook.py',
    },
  ],
  'aws-ssm': [
    {
      operation: 'POST /#X-Amz-Target=AmazonSSM.AddTagsToResource',
      docs: 'https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_AddTagsToResource.html',
      body: {
        type: 'object',
        required: ['ResourceType', 'ResourceId', 'Tags'],
        properties: {
          ResourceType: {
            enum: [
              ...['Document', 'ManagedInstance', 'MaintenanceWindow', 'Parameter', 'PatchBaseline'],
              ...['OpsItem', 'OpsMetadata', 'Automation', 'Association'],
            ],
          },
          ResourceId: text,
          Tags: {
            type: 'array',
            items: {
              type: 'object',
              required: ['Key', 'Value'],
              properties: {
                Key: { type: 'string', minLength: 1, maxLength: 128 },
                Value: { type: 'string', maxLength: 256 },
              },
            },
          },
        },
      },
      answer: {},
    },
  ],
  'aws-eventbridge': [
    {
      operation: 'POST /#X-Amz-Target=AWSEvents.DescribeEventBus',
      docs: 'https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_DescribeEventBus.html',
      body: {
        type: 'object',
        required: ['Name'],
        properties: { Name: { type: 'string', minLength: 1, maxLength: 1600 } },
        additionalProperties: false,
      },
      answer: { Name: 'default', Arn: 'arn:aws:events:eu-west-1:123456789012:event-bus/default' },
    },
  ],
  github: [
    {
      operation: 'GET /rate_limit',
      docs: 'https://docs.github.com/en/rest/rate-limit/rate-limit',
      answer: { resources: { core: { limit: 5000, remaining: 4999, reset: 1372700873, used: 1 } } },
    },
    {
      operation: 'GET /repos/{owner}/{repo}/issues/{issue_number}/comments',
      docs: 'https://docs.github.com/en/rest/issues/comments#list-issue-comments',
      query: { since: { type: 'string', format: 'date-time' }, ...page },
      answer: [{ id: 1, body: 'Me too' }],
    },
    {
      operation: 'POST /repos/{owner}/{repo}/issues/{issue_number}/labels',
      docs: 'https://docs.github.com/en/rest/issues/labels#add-labels-to-an-issue',
      body: { type: 'object', properties: { labels: { ...texts, minItems: 1 } } },
      answer: [{ id: 208045946, name: 'bug' }],
    },
    {
      operation: 'GET /repos/{owner}/{repo}/commits/{ref}/check-runs',
      docs: 'https://docs.github.com/en/rest/checks/runs#list-check-runs-for-a-git-reference',
      query: { check_name: text, filter: { enum: ['latest', 'all'] }, ...page },
      answer: { total_count: 0, check_runs: [] },
    },
    {
      operation: 'GET /repos/{owner}/{repo}',
      docs: 'https://docs.github.com/en/rest/repos/repos#get-a-repository',
      answer: { id: 1296269, full_name: 'octo-org/octo-repo', default_branch: 'main' },
    },
  ],
  gitlab: [
    {
      operation: 'GET /api/v4/user',
      docs: 'https://docs.gitlab.com/api/users/#get-the-current-user',
      answer: { id: 1, username: 'john_smith', name: 'John Smith', state: 'active' },
    },
    {
      operation: 'GET /api/v4/users',
      docs: 'https://docs.gitlab.com/api/users/#list-users',
      query: { username: text, ...page },
      answer: [{ id: 1, username: 'john_smith', name: 'John Smith', state: 'active' }],
    },
    {
      operation: 'GET /projects/{id}/issues',
      docs: 'https://docs.gitlab.com/api/issues/#list-all-project-issues',
      query: {
        created_after: { type: 'string', format: 'date-time' },
        order_by: { enum: ['created_at', 'updated_at', 'priority', 'due_date', 'relative_position', 'popularity'] },
        sort: { enum: ['asc', 'desc'] },
        ...page,
      },
    },
    {
      operation: 'GET /api/v4/projects/{id}/issues/{issue_iid}/notes',
      docs: 'https://docs.gitlab.com/api/notes/#list-project-issue-notes',
      query: { order_by: { enum: ['created_at', 'updated_at'] }, sort: { enum: ['asc', 'desc'] }, ...page },
      answer: [{ id: 302, body: 'closed', system: true }],
    },
    {
      operation: 'GET /api/v4/projects/{id}',
      docs: 'https://docs.gitlab.com/api/projects/#retrieve-a-project',
      answer: { id: 21, path_with_namespace: 'test-group/test-project', default_branch: 'main' },
    },
    {
      operation: 'GET /api/v4/projects/{id}/pipelines/{pipeline_id}/variables',
      docs: 'https://docs.gitlab.com/api/pipelines/#get-variables-for-a-pipeline',
      answer: [{ key: 'RUN_NIGHTLY_BUILD', variable_type: 'env_var', value: 'true' }],
    },
    {
      operation: 'GET /api/v4/projects/{id}/pipelines/{pipeline_id}/jobs',
      docs: 'https://docs.gitlab.com/api/jobs/#list-pipeline-jobs',
      query: { scope: text, include_retried: flag, ...page },
      answer: [
        {
          ...{ id: 6, name: 'rspec', stage: 'test', status: 'failed', allow_failure: false },
          failure_reason: 'script_failure',
          web_url: 'https://example.com/foo/bar/-/jobs/6',
        },
      ],
    },
    {
      operation: 'GET /api/v4/projects/{id}/pipelines/{pipeline_id}/test_report_summary',
      docs: 'https://docs.gitlab.com/api/pipelines/#get-a-test-report-summary-for-a-pipeline',
      answer: {
        total: { time: 1904, count: 3363, success: 3351, failed: 0, skipped: 12, error: 0, suite_error: null },
        test_suites: [],
      },
    },
  ],
  jira: [
    {
      operation: 'GET /rest/api/3/search/jql',
      docs: `${jira}/api-group-issue-search/#api-rest-api-3-search-jql-get`,
      why: 'newer than the contract',
      query: {
        jql: text,
        nextPageToken: text,
        maxResults: { type: 'integer', maximum: 5000 },
        fields: texts,
        expand: text,
        properties: texts,
        fieldsByKeys: flag,
        failFast: flag,
        reconcileIssues: { type: 'array', items: { type: 'integer' } },
      },
      answer: { issues: [], isLast: true },
    },
    {
      operation: 'POST /rest/api/3/issue/bulkfetch',
      docs: `${jira}/api-group-issues/#api-rest-api-3-issue-bulkfetch-post`,
      why: 'newer than the contract',
      body: {
        type: 'object',
        required: ['issueIdsOrKeys'],
        properties: {
          issueIdsOrKeys: { ...texts, minItems: 1, maxItems: 100 },
          expand: texts,
          fields: texts,
          fieldsByKeys: flag,
          properties: { ...texts, maxItems: 5 },
        },
      },
      answer: { issues: [], issueErrors: [] },
    },
    {
      operation: 'GET /rest/api/3/search',
      docs: `${jira}/api-group-issue-search/#api-rest-api-3-search-get`,
      query: {
        jql: text,
        startAt: count,
        maxResults: count,
        validateQuery: { enum: ['strict', 'warn', 'none', 'true', 'false'] },
        fields: texts,
        expand: text,
        properties: texts,
        fieldsByKeys: flag,
        failFast: flag,
      },
      answer: { startAt: 0, total: 1, issues: [{ id: '10002', key: 'ED-1', fields: { status: todo, labels: [] } }] },
    },
    {
      operation: 'GET /rest/api/3/user/search',
      docs: `${jira}/api-group-user-search/#api-rest-api-3-user-search-get`,
      query: { query: text, username: text, accountId: text, startAt: count, maxResults: count, property: text },
      answer: [{ accountId: '5b10a2844c20165700ede21g', displayName: 'Mia Krystof', active: true }],
    },
    {
      operation: 'GET /rest/api/3/issue/{issueIdOrKey}/comment',
      docs: `${jira}/api-group-issue-comments/#api-rest-api-3-issue-issueidorkey-comment-get`,
      query: {
        startAt: count,
        maxResults: count,
        orderBy: { type: 'string', enum: ['created', '-created', '+created'] },
        expand: text,
      },
      answer: { startAt: 0, maxResults: 100, total: 1, comments: [{ id: '10000' }] },
    },
    {
      operation: 'GET /rest/api/3/comment/{commentId}/properties/{propertyKey}',
      docs: `${jira}/api-group-issue-comment-properties/#api-rest-api-3-comment-commentid-properties-propertykey-get`,
      answer: { key: 'cloud-automation-webhooks', value: { key: 'of another call' } },
    },
  ],
  'keptn-api': [keptnEvents],
  'keptn-control-plane': [
    keptnEvents,
    {
      operation: 'GET /mongodb-datastore/event/type/{eventType}',
      under: '/api',
      docs: keptnDatastore,
      why: 'belongs to another service',
      query: { filter: text, limit: { type: 'integer', minimum: 0 }, excludeInvalidated: flag, fromTime: text },
      answer: { events: [] },
    },
  ],
  rundeck: [
    {
      operation: 'GET /api/44/projects',
      docs: 'https://docs.rundeck.com/docs/api/#listing-projects',
      answer: [{ name: 'shop', description: '', url: 'http://localhost:4440/api/44/project/shop' }],
    },
    {
      operation: 'GET /api/44/project/{project}/jobs',
      docs: 'https://docs.rundeck.com/docs/api/#listing-jobs',
      query: {
        ...{ idlist: text, groupPath: text, jobFilter: text, jobExactFilter: text, groupPathExact: text },
        ...{ scheduledFilter: flag, serverNodeUUIDFilter: text, tags: text },
      },
      answer: [{ id: '3b6c19f6-41ee-475f-8fd0-8f1a26f27a9a', name: 'restart', group: 'app2/dev', project: 'test' }],
    },
    {
      operation: 'GET /api/44/job/{id}/executions',
      docs: 'https://docs.rundeck.com/docs/api/#getting-executions-for-a-job',
      query: { status: { enum: ['succeeded', 'failed', 'aborted', 'running'] }, max: count, offset: count },
      answer: { paging: { count: 0, total: 0, offset: 0, max: 100 }, executions: [] },
    },
  ],
  servicenow: ['sys_user', 'sys_user_group'].map((table) => ({
    operation: `GET /api/now/table/${table}`,
    docs: 'https://www.servicenow.com/docs/r/api-reference/rest-apis/c_TableAPI.html',
    query: { sysparm_query: text, sysparm_fields: text, sysparm_limit: count },
    answer: {
      result: [
        { sys_id: '681b365ec0a80164000fb0b05854a0cd', name: 'Network', user_name: 'mia', email: 'mia@example.com' },
      ],
    },
  })),
  'azure-devops-pipelines': [
    ...azureBuilds,
    {
      operation: `GET ${azureProject}/build/builds/{buildId}`,
      docs: `${azure}/build/builds/get`,
      why: 'belongs to another service',
      query: azureVersion,
      answer: { id: 33, status: 'completed', result: 'succeeded' },
    },
    {
      operation: `PATCH ${azureProject}/build/builds/{buildId}`,
      docs: `${azure}/build/builds/update-build`,
      why: 'belongs to another service',
      query: azureVersion,
      body: { type: 'object', properties: { status: { enum: ['cancelling'] } } },
      answer: { id: 33, status: 'cancelling' },
    },
    {
      operation: `GET ${azureProject}/build/definitions`,
      docs: `${azure}/build/definitions/list`,
      why: 'belongs to another service',
      query: { ...azureVersion, name: text, $top: count },
      answer: { count: 1, value: [{ id: 297, name: 'deploy', path: '\\' }] },
    },
    {
      operation: `GET ${azureProject}/build/builds`,
      docs: `${azure}/build/builds/list`,
      why: 'belongs to another service',
      query: {
        ...azureVersion,
        definitions: text,
        queryOrder: { enum: ['queueTimeDescending', 'queueTimeAscending', 'finishTimeDescending'] },
        minTime: { type: 'string', format: 'date-time' },
        $top: count,
      },
      answer: { count: 0, value: [] },
    },
  ],
  'azure-devops-build': azureBuilds,
  jenkins: [
    {
      operation: 'GET /me/api/json',
      docs: 'https://www.jenkins.io/doc/book/using/remote-access-api/',
      query: { tree: text },
      answer: { _class: 'hudson.model.User', id: 'robot' },
    },
    {
      operation: 'GET /queue/api/json',
      docs: 'https://javadoc.jenkins.io/hudson/model/Queue.html',
      query: { tree: text },
      answer: { _class: 'hudson.model.Queue', items: [] },
    },
    {
      operation: 'GET /queue/item/{id}/api/json',
      docs: 'https://www.jenkins.io/doc/book/using/remote-access-api/#RemoteaccessAPI-Controllingtheamountofdatayoufetch',
      query: { tree: text },
    },
    {
      operation: 'GET /job/{job}/api/json',
      docs: 'https://javadoc.jenkins.io/hudson/model/Job.html',
      query: { tree: text },
      answer: {
        _class: 'org.jenkinsci.plugins.workflow.job.WorkflowJob',
        property: [{}, { parameterDefinitions: [{ name: 'ENV' }, { name: 'KEY' }] }],
        builds: [{ number: 42, queueId: 77, actions: [{}] }],
      },
    },
    {
      operation: 'GET /job/{job}/{number}/wfapi/describe',
      docs: 'https://github.com/jenkinsci/pipeline-stage-view-plugin/blob/master/rest-api/README.md',
      why: 'belongs to another service',
      answer: { id: '42', name: '#42', status: 'FAILED', stages: [{ id: '5', name: 'Test', status: 'FAILED' }] },
    },
  ],
  'aws-codebuild': [
    {
      operation: 'POST /#X-Amz-Target=CodeBuild_20161006.ListBuildsForProject',
      docs: 'https://docs.aws.amazon.com/codebuild/latest/APIReference/API_ListBuildsForProject.html',
      body: {
        type: 'object',
        required: ['projectName'],
        properties: {
          projectName: { type: 'string', minLength: 1 },
          sortOrder: { enum: ['ASCENDING', 'DESCENDING'] },
          nextToken: text,
        },
        additionalProperties: false,
      },
      answer: { ids: [] },
    },
    {
      operation: 'POST /#X-Amz-Target=CodeBuild_20161006.BatchGetReports',
      docs: 'https://docs.aws.amazon.com/codebuild/latest/APIReference/API_BatchGetReports.html',
      body: {
        type: 'object',
        required: ['reportArns'],
        properties: { reportArns: { ...texts, minItems: 1, maxItems: 100 } },
        additionalProperties: false,
      },
      answer: {
        reports: [{ testSummary: { total: 3, statusCounts: { SUCCEEDED: 2, FAILED: 1 }, durationInNanoSeconds: 1 } }],
        reportsNotFound: [],
      },
    },
  ],
  // Its server is one of many at a host, and so has a path.
  unleash: [
    {
      operation: 'GET /demo/api/admin/user',
      docs: 'https://docs.getunleash.io/api/overview',
      answer: { user: { id: 2, username: 'robot' }, permissions: [] },
    },
    {
      operation: 'GET /demo/api/admin/projects/{projectId}/change-requests/pending',
      docs: 'https://docs.getunleash.io/concepts/change-requests',
      answer: [],
    },
    {
      operation: 'GET /demo/api/admin/projects/{projectId}/change-requests/{id}',
      docs: 'https://docs.getunleash.io/concepts/change-requests',
      answer: {},
    },
    {
      operation: 'PUT /demo/api/admin/projects/{projectId}/change-requests/{id}/title',
      docs: 'https://docs.getunleash.io/concepts/change-requests',
      body: { type: 'object', required: ['title'], properties: { title: text } },
      answer: {},
    },
    {
      operation: 'PUT /demo/api/admin/projects/{projectId}/change-requests/{id}/state',
      docs: 'https://docs.getunleash.io/concepts/change-requests',
      body: {
        type: 'object',
        required: ['state'],
        properties: {
          state: { enum: ['Draft', 'In review', 'Approved', 'Applied', 'Cancelled', 'Scheduled', 'Rejected'] },
          comment: text,
        },
      },
      answer: { state: 'In review' },
    },
  ],
  blazemeter: [
    {
      operation: 'GET /api/v4/user',
      docs: 'https://help.blazemeter.com/apidocs/performance/',
      answer: { api_version: 4, error: null, result: { id: 123456, email: 'my.name@my_email.com' } },
    },
    {
      operation: 'GET /api/v4/masters/{masterId}/reports/default/summary',
      docs: 'https://github.com/Blazemeter/bzm-mcp/blob/main/tools/report_manager.py',
      answer: {
        ...{ api_version: 4, error: null },
        result: { summary: [{ id: 'ALL', lb: 'ALL', hits: 2482, failed: 0, avg: 1.47, min: 0, max: 177, tp90: 2 }] },
      },
    },
  ],
  neoload: [
    {
      operation: 'GET /v3/workspaces',
      docs: 'https://neoload-api.saas.neotys.com/explore/',
      answer: [{ id: '5e3acde2e860a132744ca916', name: 'Default Workspace' }],
    },
    {
      operation: 'GET /v3/workspaces/{workspaceId}/test-results',
      docs: 'https://neoload-api.saas.neotys.com/explore/',
      query: { sort: text, limit: { type: 'integer', minimum: 1, maximum: 200 } },
      answer: [{ id: 'c6ff329e-ec09-4be3-b3c5-ea0c5d9be2a8', name: '#42', status: 'RUNNING' }],
    },
  ],
  'azure-load-testing': [
    {
      operation: 'GET /test-runs',
      docs: 'https://learn.microsoft.com/en-us/rest/api/loadtesting/dataplane/load-test-run/list-test-runs',
      query: loadTestingVersion,
      answer: { value: [] },
    },
    ...['PATCH /test-runs/{testRunId}', 'GET /test-runs/{testRunId}', 'POST /test-runs/{testRunId}:stop'].map(
      (operation) => ({
        operation,
        docs: 'https://github.com/Azure/azure-rest-api-specs/tree/main/specification/loadtestservice/data-plane/loadtesting/2026-04-01',
        why: 'newer than the contract' as const,
        query: loadTestingVersion,
      }),
    ),
  ],
  'aws-dlt': [
    {
      operation: 'GET /prod/vCPUDetails',
      docs: 'https://docs.aws.amazon.com/solutions/latest/distributed-load-testing-on-aws/distributed-load-testing-api.html',
      answer: { 'eu-west-1': { vCPULimit: 100, vCPUsPerTask: 2, vCPUsInUse: 0 } },
    },
  ],
}

/** The operations of a contract, and those beyond it. */
export function operationsOf(contract: Contract, extra: ExtraOperation[], under = ''): Operation[] {
  const known = contract.operations.map((operation) => {
    const { query = {}, body } = extra.find((one) => one.operation === operation.name) ?? {}
    const replaced = operation.parameters.filter((one) => one.in === 'query' && one.name in query)
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
  const { operation, query = {}, body, answer, under = underContract } = one
  const [method = '', path = ''] = operation.split(' ')
  return {
    name: operation,
    method,
    path: `${under}${path}`,
    parameters: parametersOf(query),
    body: bodyOf(body, path, contract, true),
    credentials: contract.operations.find(({ credentials }) => credentials.length > 0)?.credentials ?? [],
    responses: [{ status: 200, schema: undefined, examples: { default: answer } }],
  }
}

function bodyOf(schema: Schema | undefined, path: string, contract: Contract, required = false): Operation['body'] {
  if (schema === undefined) return undefined
  return { required, content: { [contentTypeOf(path, contract)]: { schema, examples: [] } } }
}

/** Services of AWS take forms, or speak one version of its JSON each. */
function contentTypeOf(path: string, { operations }: Contract): string {
  if (path.includes('#Action')) return 'application/x-www-form-urlencoded'
  if (!path.includes('#X-Amz-Target')) return 'application/json'
  return operations.flatMap(({ body }) => Object.keys(body?.content ?? {}))[0] ?? AMAZON_JSON
}

function parametersOf(query: Record<string, Schema>): Parameter[] {
  return Object.entries(query).map(([name, schema]) => ({ name, in: 'query', required: false, schema }))
}
