import { describe, expect, test } from '@jest/globals'
import { circleci } from '../../../../functions/ci-cd/circleci/circleci.ts'
import { newestOf } from '../../../../infra/testing/loopback-server.ts'
import { jobConformance, withState } from '../../../conformance/job.ts'
import { expectFailure } from '../../helpers.ts'
import { pipelineActions } from '../pipeline.ts'
import { type CircleciServer, jobRow, workflowIn } from './fake.ts'

const pipeline = () => newestOf(server.state.pipelines)
const definition = '2338d0ae-5541-4bbf-88a2-55e9f7281f80'
const input = { target: 'pipeline' }
/** A setup workflow, which chooses the other workflows. */
const setup = (status: string) => ({ ...workflowIn('setup', status), tag: 'setup' })
/** Adds a setup workflow to the newest pipeline. */
const inSetup =
  (status: string) =>
  ({ state }: CircleciServer) =>
    Object.assign(newestOf(state.pipelines), { state: 'setup', workflows: [setup(status)] })
const longAgo = () => new Date(Date.now() - 600_000).toISOString()
/** Starts a pipeline with these workflows, and returns its status or outcome. */
const pollWith = async (...workflows: ReturnType<typeof workflowIn>[]) => {
  const started = await connected().start(input)
  pipeline().workflows = workflows
  return connected().poll(started, input)
}

const { server, connected } = jobConformance(circleci, pipelineActions, jobRow, {
  states: {
    running: ['created', 'pending', 'setup', 'setup-pending', 'running', 'queued', 'failing', 'on_hold'],
    pass: ['success'],
    fail: ['failed'],
    errored: ['errored', 'error', 'unauthorized', 'not_run'],
    aborted: ['canceled'],
  },
  otherStates: ['no_workflows'],
  invalidStarts: [
    {
      name: 'another target',
      input: { target: 'deploy' },
      message: 'input.target must be pipeline, or the id of a pipeline definition',
    },
    { name: 'an invalid project', input: { project: 'shop' }, message: 'input.project must look like gh/acme/shop' },
    {
      name: 'no project',
      input: { project: undefined },
      message: 'input.project is required',
      connection: { project: undefined },
    },
    {
      name: 'a definition without a branch',
      input: { target: definition },
      message: 'input.ref is required for a pipeline definition',
    },
  ],
  url: '/pipelines/gh/acme/shop/1',
  sends: [
    { name: 'no branch', request: { text: '{}' } },
    { name: 'a branch', input: { ref: 'main' }, request: { text: '{"branch":"main"}' } },
    {
      name: 'a tag and parameters',
      input: { ref: 'refs/tags/v1.4.2', parameters: { stage: 'dev', all: true } },
      request: { body: { tag: 'v1.4.2', parameters: { stage: 'dev', all: true } } },
    },
    {
      name: 'a definition',
      input: { ref: 'main', target: definition },
      request: { body: { definition_id: definition, config: { branch: 'main' }, checkout: { branch: 'main' } } },
    },
  ],
  reports: [
    {
      name: 'an invalid configuration, and its link',
      change: ({ enter }) => enter('errored'),
      reported: {
        message: expect.stringContaining('Job test is not defined'),
        data: { url: expect.stringContaining('/pipelines/gh/acme/shop/1') },
      },
    },
    {
      name: 'a setup workflow that ended as failed',
      change: inSetup('failed'),
      reported: { status: 'succeeded', result: 'fail', data: { failedWorkflow: 'setup', failedJob: 'test' } },
    },
    {
      name: 'a setup workflow that ended as canceled',
      change: inSetup('canceled'),
      reported: { status: 'aborted' },
    },
    ...['running', 'success'].map((status) => ({
      name: `the progress of a setup workflow in the state ${status}`,
      change: inSetup(status),
      reported: { status: 'setup', progress: `setup ${status}` },
    })),
    {
      name: 'a setup workflow whose pipeline has no other workflows yet as running',
      change: ({ state }) => Object.assign(newestOf(state.pipelines), { workflows: [setup('success')] }),
      reported: { status: 'created', progress: 'setup success' },
    },
    {
      name: 'the workflows that a setup workflow has chosen',
      change: ({ state }) =>
        Object.assign(newestOf(state.pipelines), { workflows: [setup('success'), workflowIn('build', 'success')] }),
      reported: { result: 'pass' },
    },
    {
      name: 'a pipeline that gets no workflow, because no filter matches',
      change: ({ state }) => Object.assign(newestOf(state.pipelines), { created_at: longAgo(), workflows: [] }),
      reported: {
        status: 'errored',
        data: { state: 'no_workflows' },
        message: expect.stringContaining('no workflow of the configuration matches'),
      },
    },
    {
      name: 'a pipeline that gets no workflow after its setup',
      change: ({ state }) => {
        const workflows = [{ ...setup('success'), stopped_at: longAgo() }]
        Object.assign(newestOf(state.pipelines), { created_at: longAgo(), workflows })
      },
      reported: { status: 'errored', data: { state: 'no_workflows' } },
    },
    {
      name: 'a workflow without a status as running',
      change: ({ state }) => Object.assign(newestOf(state.pipelines), { workflows: [workflowIn('build', null)] }),
      reported: { progress: 'build pending' },
    },
  ],
  refused: [
    {
      name: 'an undeclared parameter',
      input: { parameters: { undeclared: 1 } },
      reason: 'Unexpected argument(s): undeclared',
    },
    {
      name: 'a skipped commit',
      change: withState({ skips: true }),
      reason: 'CircleCI started no pipeline: Pipeline skipped',
    },
  ],
  check: ['GET /api/v2/me', 'GET /api/v2/project/gh/acme/shop'],
  slowStop: { state: 'running', change: withState({ cancelsLate: true }) },
  invalidIds: { ids: ['1', 'gh/acme/shop#1', 'a/b'], message: 'must be the id of a pipeline' },
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

  test.each(['queued', 'failing', 'on_hold'])('one in the state %s is canceled by a stop', async (status) => {
    await connected().start(input)
    pipeline().workflows = [workflowIn('release', status)]
    await connected().stop({ id: pipeline().id })
    expect(server.calls.filter(({ path }) => path.endsWith('/cancel'))).toHaveLength(1)
  })

  test('a pipeline without workflows cannot be canceled yet, and has ended if it gets none', async () => {
    await connected().start(input)
    const stop = connected().stop({ id: pipeline().id })
    await expectFailure(stop, { kind: 'platform', transient: true }, 'no workflows yet')
    pipeline().created_at = longAgo()
    expect((await connected().stop({ id: pipeline().id })).message).toContain('had ended already')
  })
})
