import { describe, expect, test } from '@jest/globals'
import { circleci } from '../../../functions/ci-cd/providers/circleci.ts'
import { workflowIn } from '../../../infra/platforms/circleci.ts'
import { newestOf } from '../../../infra/platforms/loopback-server.ts'
import { jobConformance, withState } from '../../conformance/job.ts'
import { ciCdPlatforms } from '../../conformance/job-platforms/ci-cd.ts'
import { expectFailure } from '../helpers.ts'
import { pipelineActions } from './pipeline.ts'

const pipeline = () => newestOf(server.state.pipelines)
const definition = '2338d0ae-5541-4bbf-88a2-55e9f7281f80'
const input = { target: 'pipeline' }
/** Starts a pipeline with these workflows, and returns its status or outcome. */
const pollWith = async (...workflows: ReturnType<typeof workflowIn>[]) => {
  const started = await connected().start(input)
  pipeline().workflows = workflows
  return connected().poll(started, input)
}

const { server, connected } = jobConformance(circleci, pipelineActions, ciCdPlatforms.circleci, {
  states: {
    running: ['created', 'pending', 'setup', 'setup-pending', 'running', 'failing', 'on_hold'],
    pass: ['success'],
    fail: ['failed'],
    errored: ['errored', 'error', 'unauthorized', 'not_run'],
    aborted: ['canceled'],
  },
  invalidStarts: [
    ['another target', { target: 'deploy' }, 'input.target must be pipeline, or the id of a pipeline definition'],
    ['an invalid project', { project: 'shop' }, 'input.project must look like gh/acme/shop'],
    ['no project', { project: undefined }, 'input.project is required', { project: undefined }],
    ['a definition without a branch', { target: definition }, 'input.ref is required for a pipeline definition'],
  ],
  url: '/pipelines/gh/acme/shop/1',
  sends: [
    ['no branch', {}, { text: '{}' }],
    ['a branch', { ref: 'main' }, { text: '{"branch":"main"}' }],
    [
      'a tag and parameters',
      { ref: 'refs/tags/v1.4.2', parameters: { stage: 'dev', all: true } },
      { body: { tag: 'v1.4.2', parameters: { stage: 'dev', all: true } } },
    ],
    [
      'a definition',
      { ref: 'main', target: definition },
      { body: { definition_id: definition, config: { branch: 'main' }, checkout: { branch: 'main' } } },
    ],
  ],
  reports: [
    [
      'an invalid configuration, and its link',
      ({ enter }) => enter('errored'),
      {
        message: expect.stringContaining('Job test is not defined'),
        data: { url: expect.stringContaining('/pipelines/gh/acme/shop/1') },
      },
    ],
  ],
  refused: [
    ['an undeclared parameter', { parameters: { undeclared: 1 } }, 'Unexpected argument(s): undeclared'],
    ['a skipped commit', withState({ skips: true }), 'CircleCI started no pipeline: Pipeline skipped'],
  ],
  check: ['GET /api/v2/me', 'GET /api/v2/project/gh/acme/shop'],
  slowStop: ['running', withState({ cancelsLate: true })],
  invalidIds: [['1', 'gh/acme/shop#1', 'a/b'], 'must be the id of a pipeline'],
})

describe('CircleCI: workflows', () => {
  test('the worst of them decides, and its failed job is reported', async () => {
    server.state.pageSize = 1
    const polled = await pollWith(
      workflowIn('build', 'success'),
      workflowIn('e2e', 'failed'),
      workflowIn('docs', 'not_run'),
    )
    expect(polled).toMatchObject({
      outcome: {
        result: 'fail',
        message: expect.stringContaining('workflow e2e, job test'),
        data: { state: 'failed', number: 1, duration: 120, failedWorkflow: 'e2e', failedJob: 'test' },
      },
    })
  })

  test('the rerun of one replaces it', async () => {
    const rerun = workflowIn('e2e', 'success', '2026-11-27T10:01:00Z')
    expect(await pollWith(rerun, workflowIn('e2e', 'failed'))).toMatchObject({ outcome: { result: 'pass' } })
  })

  test('one that waits for approval does not hide one that runs', async () => {
    const polled = await pollWith(workflowIn('release', 'on_hold'), workflowIn('build', 'running'))
    expect(polled).toMatchObject({ status: 'running', progress: 'release on_hold, build running' })
    expect(await pollWith(workflowIn('release', 'on_hold'), workflowIn('build', 'success'))).toMatchObject({
      status: 'on_hold',
    })
  })

  test('a pipeline without workflows cannot be canceled yet', async () => {
    await connected().start(input)
    const stop = connected().stop({ id: pipeline().id })
    await expectFailure(stop, { kind: 'platform', transient: true }, 'no workflows yet')
  })
})
