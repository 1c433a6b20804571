import { describe, expect, it, test } from '@jest/globals'
import { categories } from '../../functions/index.ts'
import type { JobProvider } from '../../shared/providers/job.ts'
import { wakeIdOf } from '../../shared/providers/job-outcome.ts'
import type { Provider } from '../../shared/providers/provider.ts'
import { readEvent } from '../../shared/sources/read-notification.ts'
import { notifiesOf } from '../../shared/sources/source-of.ts'

const UUID = '12345678-90ab-cdef-1234-567890abcdef'
const EXECUTION = 'arn:aws:states:eu-west-1:123456789012:execution:tune:run-1'

/** A stored run of each provider, and a notification of its end as its platform sends it. */
const ends: Record<string, [id: string, body: object, headers?: Record<string, string>]> = {
  'argo-cd': ['guestbook#0a1b2c3d4e5f', { application: 'guestbook', namespace: 'argocd', phase: 'Succeeded' }],
  'aws-codebuild': [
    `shop-build:${UUID}`,
    event('CodeBuild Build State Change', {
      'build-status': 'SUCCEEDED',
      'build-id': `arn:aws:codebuild:eu-west-1:123456789012:build/shop-build:${UUID}`,
    }),
  ],
  'aws-codepipeline': [
    `shop-delivery#${UUID}`,
    event('CodePipeline Pipeline Execution State Change', {
      pipeline: 'shop-delivery',
      'execution-id': UUID,
      state: 'SUPERSEDED',
    }),
  ],
  'aws-fis': [
    'EXPabc123DEFghi',
    event('FIS Experiment State Change', { 'experiment-id': 'EXPabc123DEFghi', 'new-state': { status: 'stopped' } }),
  ],
  'aws-sagemaker': [
    'tuning/churn-0123456789abcdef',
    event('SageMaker HyperParameter Tuning Job State Change', {
      HyperParameterTuningJobName: 'churn-0123456789abcdef',
      HyperParameterTuningJobStatus: 'Completed',
    }),
  ],
  'aws-ssm-automation': [
    UUID,
    event('EC2 Automation Execution Status-change Notification', { ExecutionId: UUID, Status: 'Rejected' }),
  ],
  'aws-step-functions': [
    EXECUTION,
    event('Step Functions Execution Status Change', { executionArn: EXECUTION, status: 'FAILED' }),
  ],
  awx: ['workflow/46', { id: 46, url: 'https://awx.example.com/#/jobs/workflow/46', status: 'successful' }],
  'azure-pipelines': ['fabrikam/Shop#512', { eventType: 'build.complete', resource: { id: 512 } }],
  circleci: [UUID, { type: 'workflow-completed', pipeline: { id: UUID } }],
  databricks: ['455644833', { event_type: 'jobs.on_success', run: { run_id: 455644833 } }],
  'github-actions': [
    'Acme/Shop#30433642',
    { action: 'completed', workflow_run: { id: 30433642 }, repository: { full_name: 'acme/shop' } },
    { 'x-github-event': 'workflow_run' },
  ],
  'gitlab-ci': ['group/shop#61', { object_kind: 'pipeline', object_attributes: { id: 61, status: 'failed' } }],
  'google-cloud-build': [
    `acme-shop#${UUID}`,
    { message: { messageId: '1', attributes: { buildId: UUID, status: 'CANCELLED' } } },
  ],
  'hcp-terraform': [
    'run-CZcmD7eagjhyX0vN',
    { run_id: 'run-CZcmD7eagjhyX0vN', notifications: [{ trigger: 'run:completed' }] },
  ],
  http: ['r-1', { id: 'r-1' }],
  'http-job': ['r-1', { id: 'r-1' }],
  jenkins: [
    'folder/job#queue-7',
    { type: 'run.finalized', source: 'job/folder/job/job/', data: { number: 1, queueId: 7 } },
  ],
  'pagerduty-automation': [
    '01CELD6T9C2JS745I7CAK0LRRF',
    { event: { event_type: 'incident.action_invocation.terminated', data: { id: '01CELD6T9C2JS745I7CAK0LRRF' } } },
  ],
  rundeck: ['134', { trigger: 'failure', executionId: 134 }],
  steadybit: ['78151', { event: 'experiment.execution.completed', execution: { id: 78151 } }],
  tekton: [
    'wh-0a1b2c3d4e5f',
    { pipelineRun: {} },
    { 'ce-type': 'dev.tekton.event.pipelinerun.failed.v1', 'ce-subject': 'wh-0a1b2c3d4e5f' },
  ],
}

function event(type: string, detail: object): object {
  return { id: 'an-event', source: 'aws', 'detail-type': type, detail }
}

const loaded = await Promise.all(
  categories.flatMap(({ name, providers }) =>
    Object.entries<() => Promise<Provider>>(providers).map(async ([provider, load]) => ({
      name,
      provider,
      loaded: await load(),
    })),
  ),
)
const notified = loaded.flatMap(({ name, provider, loaded }) =>
  isJobProvider(loaded) && loaded.notifiedBy ? [[name, provider, loaded, loaded.notifiedBy] as const] : [],
)

function isJobProvider(provider: Provider): provider is JobProvider {
  return provider.kind === 'job'
}

describe('The notification of an end', () => {
  it.each(notified)('names the stored run of %s/%s', async (_category, name, provider, { type, wakeId }) => {
    const [id, body, headers = {}] = ends[name] ?? ['', {}]
    const run = provider.parseRunId?.({ id }) ?? { id }
    const { kind, runs } = await readEvent({ type }, headers, body)
    expect(kind).toBe('ended')
    expect(runs).toContain(wakeId(run))
  })

  test('wakes the tasks of a rollback and of other runs whose names differ', async () => {
    const idOf = (name: string, id: string) => notified.find(([, provider]) => provider === name)?.[3].wakeId({ id })
    expect(idOf('argo-cd', 'team/guestbook#rollback-12')).toBe('team/guestbook')
    expect(idOf('awx', 'job/12')).toBe('12')
  })

  test('names every other run by its id, for a source of the type http', () => {
    const others = loaded.flatMap(({ loaded }) => (isJobProvider(loaded) && !loaded.notifiedBy ? [loaded] : []))
    expect(others.length).toBeGreaterThan(10)
    for (const provider of others) {
      expect(notifiesOf('http', provider)).toBe(true)
      expect(wakeIdOf(provider, { id: 'run-7' })).toBe('run-7')
    }
  })

  test('is in a test for each provider', () => {
    expect(Object.keys(ends).sort()).toEqual([...new Set(notified.map(([, provider]) => provider))].sort())
  })
})
