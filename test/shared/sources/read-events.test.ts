import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, test } from '@jest/globals'
import { loadSourceType, type SourceTypeName, sourceTypeNames } from '../../../shared/sources/load-source-type.ts'
import { type Notification, readEvent } from '../../../shared/sources/read-notification.ts'

const fixtures = join(import.meta.dirname, '../../fixtures/sources')
const recorded = readdirSync(fixtures, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.json') && !file.endsWith('.headers.json'))
  .sort()

function load(file: string) {
  return JSON.parse(readFileSync(join(fixtures, file), 'utf8'))
}

type Row = [kind: Notification['kind'], event: string, ...runs: string[]]

/** The expected result for each recorded body. */
const expected: Record<string, Row> = {
  'aws-sns/Notification': ['ignored', 'Notification'],
  'aws-sns/SubscriptionConfirmation': ['first-request', 'SubscriptionConfirmation'],
  'aws-sns/UnsubscribeConfirmation': ['first-request', 'UnsubscribeConfirmation'],
  'awx/job.failed': ['ended', 'failed', '46'],
  'awx/job.started': ['progress', 'running', '38'],
  'azure-devops/build.complete': ['ended', 'build.complete', '2'],
  'azure-devops/run-state-changed': ['ended', 'ms.vss-pipelines.run-state-changed-event', '11'],
  'azure-devops/stage-state-changed': ['progress', 'ms.vss-pipelines.stage-state-changed-event', '2'],
  'circleci/job-completed.github-app': ['progress', 'job-completed', '37c74cb7-d64d-4032-8731-1cb95bfef921'],
  'circleci/job-completed.github-oauth': ['progress', 'job-completed', '1285fe1d-d3a6-44fc-8886-8979558254c4'],
  'circleci/workflow-completed.github-app': ['ended', 'workflow-completed', '37c74cb7-d64d-4032-8731-1cb95bfef921'],
  'circleci/workflow-completed.github-oauth': ['ended', 'workflow-completed', '1285fe1d-d3a6-44fc-8886-8979558254c4'],
  'databricks/jobs.on_failure': ['ended', 'jobs.on_failure', 'run_id'],
  'databricks/jobs.on_start.task': ['progress', 'jobs.on_start', 'run_id_of_parent_job_run'],
  'eventbridge/cloudwatch-alarm-state-change.alarm': ['ignored', 'CloudWatch Alarm State Change'],
  'github/check_suite.completed': ['ignored', 'check_suite.completed'],
  'github/deployment_status': ['ignored', 'deployment_status.created'],
  'github/issues.opened': ['ignored', 'issues.opened'],
  'github/ping': ['first-request', 'ping'],
  'github/workflow_job.completed': ['progress', 'workflow_job.completed', '2202229078'],
  'github/workflow_run.completed': ['ended', 'workflow_run.completed', '289782451'],
  'github/workflow_run.requested': ['progress', 'workflow_run.requested', '289782451'],
  'gitlab/deployment': ['ignored', 'deployment'],
  'gitlab/issue': ['ignored', 'issue'],
  'gitlab/job': ['progress', 'build.created', '2366'],
  'gitlab/pipeline': ['ended', 'pipeline.success', '31'],
  'google-cloud-build/cloud-build.push': ['ended', 'SUCCESS', '12345678-abcd-1234-5678-abcdef012345'],
  'hcp-terraform/run.errored': ['ended', 'run:errored', 'run-FwnENkvDnrpyFC7M'],
  'hcp-terraform/workspace.auto_destroy_results': ['ignored', 'workspace:auto_destroy_results'],
  'linear/issue': ['progress', 'Issue.create', 'ENG-142'],
  'linear/issue_comment': ['ignored', 'Comment.create'],
  'pagerduty/incident.action_invocation.terminated': [
    'ended',
    'incident.action_invocation.terminated',
    '01CELD6T9C2JS745I7CAK0LRRF',
  ],
  'pagerduty/incident.priority_updated': [
    'progress',
    'incident.priority_updated',
    'PGR0VU2',
    'd3640fbd41094207a1c11e58e46b1662',
  ],
  'pagerduty/incident.resolved': ['ended', 'incident.resolved', 'PGR0VU2', 'd3640fbd41094207a1c11e58e46b1662'],
  'pagerduty/incident.triggered': ['progress', 'incident.triggered', 'PGR0VU2', 'd3640fbd41094207a1c11e58e46b1662'],
  'pagerduty/service.updated': ['ignored', 'service.updated'],
  'steadybit/experiment.execution.created': ['progress', 'experiment.execution.created', '78151'],
  'steadybit/killswitch.disengaged': ['ignored', 'killswitch.disengaged'],
  'tekton/taskrun.unknown': ['ignored', 'dev.tekton.event.taskrun.unknown.v1'],
  'eventbridge/codebuild-build-state-change.succeeded': [
    'ended',
    'CodeBuild Build State Change: SUCCEEDED',
    'my-sample-project:8745a7a9-c340-456a-9166-edf953571bEX',
  ],
  'eventbridge/codepipeline-pipeline-execution-state-change.failed': [
    'ended',
    'CodePipeline Pipeline Execution State Change: FAILED',
    'myPipeline#12345678-1234-5678-abcd-12345678abcd',
  ],
  'eventbridge/codepipeline-pipeline-execution-state-change.recorded-2026': [
    'progress',
    'CodePipeline Pipeline Execution State Change: STARTED',
    'demo-pipeline#00000000-0000-0000-0000-000000000001',
  ],
  'eventbridge/codepipeline-pipeline-execution-state-change.started': [
    'progress',
    'CodePipeline Pipeline Execution State Change: STARTED',
    'myPipeline#12345678-1234-5678-abcd-12345678abcd',
  ],
  'eventbridge/codepipeline-pipeline-execution-state-change.stopping': [
    'progress',
    'CodePipeline Pipeline Execution State Change: STOPPING',
    'myPipeline#12345678-1234-5678-abcd-12345678abcd',
  ],
  'eventbridge/codepipeline-pipeline-execution-state-change.succeeded': [
    'ended',
    'CodePipeline Pipeline Execution State Change: SUCCEEDED',
    'myPipeline#12345678-1234-5678-abcd-12345678abcd',
  ],
  'eventbridge/codepipeline-stage-execution-state-change.stopped': [
    'ignored',
    'CodePipeline Stage Execution State Change',
  ],
  'eventbridge/codepipeline-stage-execution-state-change.stopping': [
    'ignored',
    'CodePipeline Stage Execution State Change',
  ],
  'eventbridge/ec2-automation-execution-status-change-notification.success': [
    'ended',
    'EC2 Automation Execution Status-change Notification: Success',
    '333ba70b-2333-48db-b17e-a5e69c6f4d1c',
  ],
  'eventbridge/ec2-automation-step-status-change-notification.success': [
    'ignored',
    'EC2 Automation Step Status-change Notification',
  ],
  'eventbridge/fis-experiment-state-change.completed': [
    'ended',
    'FIS Experiment State Change: completed',
    'EXPaBCD1efg2HIJkL3',
  ],
  'eventbridge/on-deployment-complete': [
    'ended',
    'On Deployment Complete: OnDeploymentComplete',
    'ba8toh7/pgil2o7/1',
    'ba8toh7/MyEnv/1',
    'MyApp/pgil2o7/1',
    'MyApp/MyEnv/1',
  ],
  'eventbridge/sagemaker-hyperparameter-tuning-job-state-change.status': [
    'progress',
    'SageMaker HyperParameter Tuning Job State Change: status',
    'tuning/016bffd3-6d71-4d3a-9710-0a332b2759fc',
  ],
  'eventbridge/sagemaker-model-building-pipeline-execution-status-change.succeeded': [
    'ended',
    'SageMaker Model Building Pipeline Execution Status Change: Succeeded',
    'arn:aws:sagemaker:us-east-1:123456789012:pipeline/myPipeline-123/execution/p4jn9xou8a8s',
  ],
  'eventbridge/sagemaker-training-job-state-change.completed': [
    'ended',
    'SageMaker Training Job State Change: Completed',
    'training/89c96cc8-dded-4739-afcc-6f1dc936701d',
  ],
  'eventbridge/sagemaker-transform-job-state-change.another-status-go': [
    'ignored',
    'SageMaker Transform Job State Change',
  ],
  'eventbridge/step-functions-execution-status-change.aborted': [
    'ended',
    'Step Functions Execution Status Change: ABORTED',
    'arn:aws:states:us-east-1:012345678912:execution:state-machine-name:execution-name',
  ],
  'eventbridge/step-functions-execution-status-change.failed': [
    'ended',
    'Step Functions Execution Status Change: FAILED',
    'arn:aws:states:us-east-1:012345678912:execution:state-machine-name:execution-name',
  ],
  'eventbridge/step-functions-execution-status-change.running': [
    'progress',
    'Step Functions Execution Status Change: RUNNING',
    'arn:aws:states:us-east-1:012345678912:execution:state-machine-name:execution-name',
  ],
  'eventbridge/step-functions-execution-status-change.succeeded': [
    'ended',
    'Step Functions Execution Status Change: SUCCEEDED',
    'arn:aws:states:us-east-1:012345678912:execution:state-machine-name:execution-name',
  ],
  'eventbridge/step-functions-execution-status-change.timed_out': [
    'ended',
    'Step Functions Execution Status Change: TIMED_OUT',
    'arn:aws:states:us-east-1:012345678912:execution:state-machine-name:execution-name',
  ],
  'jenkins/generic-event.run.completed': [
    'progress',
    'run.completed',
    'my-devops-project/example-pipeline#1',
    'my-devops-project/example-pipeline#queue-1',
  ],
  'jenkins/generic-event.run.deleted': [
    'progress',
    'run.deleted',
    'my-devops-project/example-pipeline#1',
    'my-devops-project/example-pipeline#queue-1',
  ],
  'jenkins/generic-event.run.finalized': [
    'ended',
    'run.finalized',
    'my-devops-project/example-pipeline#1',
    'my-devops-project/example-pipeline#queue-1',
  ],
  'jenkins/generic-event.run.initialize': [
    'progress',
    'run.initialize',
    'my-devops-project/example-pipeline#1',
    'my-devops-project/example-pipeline#queue-1',
  ],
  'jenkins/generic-event.run.started': [
    'progress',
    'run.started',
    'my-devops-project/example-pipeline#1',
    'my-devops-project/example-pipeline#queue-1',
  ],
}

/** Bodies that a user configures, and states of recorded ones that were not recorded. */
const composed: [type: SourceTypeName, body: object, Row, headers?: Record<string, string>][] = [
  [
    'argo-cd',
    { application: 'shop', namespace: 'argocd', phase: 'Running' },
    ['progress', 'Running', 'shop', 'argocd/shop'],
  ],
  [
    'argo-cd',
    { application: 'shop', phase: 'Succeeded', health: 'Progressing' },
    ['progress', 'Succeeded/Progressing', 'shop'],
  ],
  ['argo-cd', { application: 'shop', phase: 'Succeeded', health: 'Healthy' }, ['ended', 'Succeeded/Healthy', 'shop']],
  ['argo-cd', { application: 'shop', phase: 'Failed', health: 'Degraded' }, ['ended', 'Failed/Degraded', 'shop']],
  ['awx', { body: 'A test' }, ['ignored', 'message']],
  ['awx', { id: 7, status: 'canceled' }, ['ended', 'canceled', '7']],
  ['azure-devops', { eventType: 'workitem.updated', resource: { id: 5 } }, ['ignored', 'workitem.updated']],
  [
    'azure-devops',
    { eventType: 'ms.vss-pipelines.run-state-changed-event', resource: { run: { id: 5, state: 'inProgress' } } },
    ['progress', 'ms.vss-pipelines.run-state-changed-event', '5'],
  ],
  ['circleci', { type: 'ping' }, ['first-request', 'ping']],
  [
    'databricks',
    { event_type: 'jobs.on_success', run: { run_id: 759600051231112 } },
    ['ended', 'jobs.on_success', '759600051231112'],
  ],
  [
    'databricks',
    { event_type: 'jobs.on_failure', run: { run_id: 2, parent_run_id: 1 } },
    ['progress', 'jobs.on_failure', '1'],
  ],
  [
    'gitlab',
    { object_kind: 'pipeline', object_attributes: { id: 5, status: 'manual' } },
    ['ended', 'pipeline.manual', '5'],
  ],
  [
    'gitlab',
    { object_kind: 'pipeline', object_attributes: { id: 5, status: 'running' } },
    ['progress', 'pipeline.running', '5'],
  ],
  [
    'google-cloud-build',
    { message: { messageId: '1', attributes: { buildId: 'b', status: 'WORKING' } } },
    ['progress', 'WORKING', 'b'],
  ],
  ['hcp-terraform', { run_id: null, notifications: [{ trigger: 'verification' }] }, ['first-request', 'verification']],
  [
    'hcp-terraform',
    { run_id: 'run-1', notifications: [{ trigger: 'run:needs_attention' }] },
    ['ended', 'run:needs_attention', 'run-1'],
  ],
  [
    'hcp-terraform',
    { run_id: 'run-1', notifications: [{ trigger: 'run:applying' }] },
    ['progress', 'run:applying', 'run-1'],
  ],
  ['http', { id: 'r-1' }, ['ended', 'notification', 'r-1']],
  ['http', { type: 'test.started' }, ['ignored', 'test.started']],
  ['jenkins', { job: 'shop/main', number: 12, result: 'SUCCESS' }, ['ended', 'SUCCESS', 'shop/main#12']],
  [
    'jenkins',
    { name: 'main', url: 'job/shop/job/feature%252Fa/', build: { number: 3, queue_id: 40, phase: 'COMPLETED' } },
    ['progress', 'COMPLETED', 'shop/feature%2Fa#3', 'shop/feature%2Fa#queue-40'],
  ],
  [
    'jenkins',
    { name: 'main', url: 'job/main/', build: { number: 3, phase: 'FINALIZED' } },
    ['ended', 'FINALIZED', 'main#3'],
  ],
  ['jenkins', { type: 'item.created', source: 'job/main/' }, ['ignored', 'item.created']],
  ['jira', { webhookEvent: 'comment_created', issue: { key: 'OPS-1' } }, ['progress', 'comment_created', 'OPS-1']],
  [
    'jira',
    {
      webhookEvent: 'jira:issue_updated',
      issue: { id: '10001', key: 'OPS-1', fields: { status: { statusCategory: { key: 'done' } } } },
    },
    ['ended', 'jira:issue_updated', 'OPS-1', '10001'],
  ],
  ['jira', { webhookEvent: 'jira:issue_deleted', issue: { key: 'OPS-1' } }, ['ended', 'jira:issue_deleted', 'OPS-1']],
  [
    'linear',
    { type: 'Issue', action: 'update', data: { identifier: 'ENG-1', state: { type: 'completed' } } },
    ['ended', 'Issue.update', 'ENG-1'],
  ],
  ['linear', { type: 'Issue', action: 'remove', data: { identifier: 'ENG-1' } }, ['ended', 'Issue.remove', 'ENG-1']],
  ['pagerduty', { event: { event_type: 'pagey.ping', data: { message: 'Hello' } } }, ['first-request', 'pagey.ping']],
  ['rundeck', { trigger: 'start', executionId: 7 }, ['progress', 'start', '7']],
  ['rundeck', { trigger: 'failure', status: 'aborted', executionId: 7 }, ['ended', 'failure', '7']],
  ['servicenow', { table: 'incident', sys_id: 'a1', state: '2', approval: '' }, ['progress', 'incident.2', 'a1']],
  ['servicenow', { table: 'incident', sys_id: 'a1', state: '6' }, ['ended', 'incident.6', 'a1']],
  [
    'servicenow',
    { table: 'change_request', sys_id: 'a1', state: '-3', approval: 'approved' },
    ['ended', 'change_request.-3.approved', 'a1'],
  ],
  [
    'steadybit',
    { event: 'experiment.execution.step-canceled', execution: { id: 7 } },
    ['ended', 'experiment.execution.step-canceled', '7'],
  ],
  ...['successful', 'failed'].map((phase): (typeof composed)[number] => [
    'tekton',
    { pipelineRun: {} },
    ['ended', `dev.tekton.event.pipelinerun.${phase}.v1`, 'shop-x7k2p'],
    { 'ce-type': `dev.tekton.event.pipelinerun.${phase}.v1`, 'ce-subject': 'shop-x7k2p' },
  ]),
  [
    'tekton',
    {},
    ['progress', 'dev.tekton.event.pipelinerun.running.v1', 'shop-x7k2p'],
    { 'ce-type': 'dev.tekton.event.pipelinerun.running.v1', 'ce-subject': 'shop-x7k2p' },
  ],
]

/** Returns the headers of a recorded body. Most say nothing that the body does not. */
function headersOf(file: string): Record<string, string> {
  if (file.startsWith('tekton/')) {
    const headers: Record<string, string> = load(file.replace('.json', '.headers.json'))
    return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]))
  }
  const [event = ''] = file.replace('github/', '').split('.')
  return file.startsWith('github/') ? { 'x-github-event': event, 'x-github-delivery': 'a-delivery' } : {}
}

async function rowOf(type: SourceTypeName, headers: Record<string, string>, body: object): Promise<Row> {
  const { kind, event, runs } = await readEvent({ type }, headers, body)
  return [kind, event, ...runs]
}

describe('A notification', () => {
  it.each(recorded)('in %s is understood', async (file) => {
    const [type] = file.split('/') as [SourceTypeName]
    const body = load(file)
    expect(await rowOf(type, headersOf(file), type === 'aws-sns' ? body.body : body)).toEqual(
      expected[file.replace('.json', '')],
    )
  })

  it.each(composed)('of %s with the body %j is understood', async (type, body, row, headers = {}) => {
    expect(await rowOf(type, headers, body)).toEqual(row)
  })

  test('of each type is in a test', () => {
    const tested = [...recorded.map((file) => file.split('/')[0]), ...composed.map(([type]) => type)]
    expect(sourceTypeNames.filter((name) => !tested.includes(name))).toEqual([])
  })

  it.each<[SourceTypeName, string, Record<string, string>, object]>([
    ['github', 'a-delivery', headersOf('github/ping.json'), { action: 'completed' }],
    ['gitlab', 'k-1', { 'idempotency-key': 'k-1' }, { object_kind: 'issue' }],
    ['circleci', 'e-1', {}, { type: 'ping', id: 'e-1' }],
    ['azure-devops', 'e-1', {}, { eventType: 'workitem.updated', id: 'e-1' }],
    ['linear', 'd-1', { 'linear-delivery': 'd-1' }, { type: 'Issue', action: 'create', data: {} }],
    ['eventbridge', 'e-1', {}, { id: 'e-1', 'detail-type': 'Other' }],
    ['http', 'msg_1', { 'webhook-id': 'msg_1' }, {}],
  ])('of %s has the id of its delivery', async (type, delivery, headers, body) => {
    expect((await readEvent({ type }, headers, body)).delivery).toBe(delivery)
  })

  it.each<[SourceTypeName, object, string]>([
    ['github', { action: 7 }, 'body.action must be text'],
    ['github', { workflow_run: { id: {} } }, 'body.workflow_run.id must be text or a whole number'],
    ['github', { action: 'completed' }, 'The event workflow_run.completed of GitHub names no run'],
    ['gitlab', {}, 'body.object_kind is required'],
    ['gitlab', { object_kind: 'pipeline', object_attributes: { status: 'success' } }, 'names no run'],
    ['azure-devops', { eventType: 'build.complete' }, 'names no run'],
    ['google-cloud-build', { message: {} }, 'body.message.messageId is required'],
    ['rundeck', { trigger: 'success' }, 'body.executionId is required'],
    ['tekton', {}, 'The header ce-type is missing'],
    ['awx', { id: 'x'.repeat(501), status: 'failed' }, 'body.id must be at most 500 characters'],
    [
      'jenkins',
      { url: 'job/%ff/', build: { number: 1, phase: 'FINALIZED' } },
      'The event FINALIZED of Jenkins names no run',
    ],
    ['jenkins', { job: 'x'.repeat(500), number: 1 }, 'has an id of more than 500 characters'],
    ['eventbridge', { 'detail-type': 'CodeBuild Build State Change', detail: {} }, 'detail.build-status'],
    [
      'aws-sns',
      {
        Type: 'SubscriptionConfirmation',
        TopicArn: 'arn:aws:sns:eu-west-1:1:t',
        Message: '',
        SubscribeURL: 'https://example.com/',
      },
      'SubscribeURL is not a URL of SNS',
    ],
  ])('of %s with the body %j is refused', async (type, body, message) => {
    const headers = { 'x-github-event': 'workflow_run' }
    await expect(readEvent({ type }, headers, body)).rejects.toMatchObject({
      kind: 'invalid',
      message: expect.stringContaining(message),
    })
  })

  test('contains nothing else of the body', async () => {
    const body = {
      object_kind: 'pipeline',
      object_attributes: { id: 1, status: 'success', variables: [{ key: 'PASSWORD', value: 'hunter2-hunter2' }] },
    }
    const read = await readEvent({ type: 'gitlab' }, {}, body)
    expect(read).toEqual({ kind: 'ended', event: 'pipeline.success', runs: ['1'], delivery: undefined })
  })

  test('has an event on one line', async () => {
    const { event } = await readEvent({ type: 'linear' }, {}, { type: 'A\nB', action: 'x'.repeat(200), data: {} })
    expect(event).toMatch(/^A B\.x+…$/)
    expect(event.length).toBe(100)
  })
})

describe('A type of source', () => {
  it.each(sourceTypeNames)('%s says what to enter at the sender', async (name) => {
    const { title, setup, signatures, token, basic, publishedKeys } = await loadSourceType(name)
    const steps = setup.join('\n')
    expect(title).not.toBe('')
    expect([signatures, token, basic, publishedKeys].filter(Boolean)).not.toEqual([])
    expect(steps).toContain('{url}')
    expect(steps).toMatch(/\{secret\}|the secret\b|The secret\b/)
  })
})

describe('An event of AWS by way of SNS', () => {
  test('is read as the event', async () => {
    const body = {
      Type: 'Notification',
      TopicArn: 'arn',
      Message: JSON.stringify(load('eventbridge/fis-experiment-state-change.completed.json')),
    }
    expect(await rowOf('aws-sns', {}, body)).toEqual(expected['eventbridge/fis-experiment-state-change.completed'])
  })

  test('confirms a subscription, and not the end of one', async () => {
    const confirmation = load('aws-sns/SubscriptionConfirmation.json').body
    const { confirmUrl } = await readEvent({ type: 'aws-sns' }, {}, confirmation)
    expect(confirmUrl).toBe(confirmation.SubscribeURL)
    const end = await readEvent({ type: 'aws-sns' }, {}, load('aws-sns/UnsubscribeConfirmation.json').body)
    expect(end).not.toHaveProperty('confirmUrl')
  })
})

describe('A source of type http', () => {
  const settings = { type: 'http', run: 'data.runs[].id', ended: "contains(['done', 'broken'], data.state)" } as const

  it.each<[object, Row]>([
    [{ type: 'job', data: { state: 'done', runs: [{ id: 1 }, { id: 'b' }] } }, ['ended', 'job', '1', 'b']],
    [{ data: { state: 'running', runs: [{ id: 1 }, { id: '1' }] } }, ['progress', 'notification', '1']],
    [{ data: { state: 'done', runs: [] } }, ['ignored', 'notification']],
    [{}, ['ignored', 'notification']],
  ])('reads %j with its expressions', async (body, row) => {
    const { kind, event, runs } = await readEvent(settings, {}, body)
    expect([kind, event, ...runs]).toEqual(row)
  })

  test('reports an expression that fails', async () => {
    await expect(readEvent({ type: 'http', run: 'length(id)' }, {}, { id: 7 })).rejects.toMatchObject({
      kind: 'misconfigured',
      message: expect.stringContaining('"run" of the source cannot be evaluated'),
    })
  })
})
