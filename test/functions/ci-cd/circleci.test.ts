import { describe, expect, test } from '@jest/globals'
import { circleci } from '../../../functions/ci-cd/providers/circleci.ts'
import { startCircleci, workflowIn } from '../../../infra/platforms/circleci.ts'
import { jobConformance, withState } from '../../conformance/job.ts'
import { ciCdPlatforms } from '../../conformance/job-platforms/ci-cd.ts'
import { expectFailure, startEach } from '../helpers.ts'
import { newest } from '../newest.ts'
import { Pipeline, pipelineActions } from './pipeline.ts'

const server = startEach(startCircleci)
const connected = (fields: object = {}) =>
  new Pipeline(circleci, () => ({ baseUrl: server.url, token: server.token, project: 'gh/acme/shop', ...fields }))
const pipeline = () => newest(server.state.pipelines)
const definition = '2338d0ae-5541-4bbf-88a2-55e9f7281f80'
const input = { target: 'pipeline' }
/** Starts a pipeline with these workflows, and returns its status or outcome. */
const pollWith = async (...workflows: ReturnType<typeof workflowIn>[]) => {
  const started = await connected().start(input)
  pipeline().workflows = workflows
  return connected().poll(started, input)
}

jobConformance(circleci, pipelineActions, ciCdPlatforms.circleci, {
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
  refused: [
    ['an undeclared parameter', { parameters: { undeclared: 1 } }, 'Unexpected argument(s): undeclared'],
    ['a skipped commit', withState({ skips: true }), 'CircleCI started no pipeline: Pipeline skipped'],
  ],
  check: ['GET /api/v2/me', 'GET /api/v2/project/gh/acme/shop'],
  slowStop: ['running', withState({ cancelsLate: true })],
  invalidIds: [['1', 'gh/acme/shop#1', 'a/b'], 'must be the id of a pipeline'],
})

describe('CircleCI: start', () => {
  test.each([
    [{}, {}],
    [{ ref: 'main' }, { branch: 'main' }],
    [
      { ref: 'refs/tags/v1.4.2', parameters: { stage: 'dev', all: true } },
      { tag: 'v1.4.2', parameters: { stage: 'dev', all: true } },
    ],
    [
      { ref: 'main', target: definition },
      { definition_id: definition, config: { branch: 'main' }, checkout: { branch: 'main' } },
    ],
  ])('sends %j as %j', async (more, asked) => {
    const { outcome } = await connected().start({ ...input, ...more })
    expect(pipeline().asked).toEqual(asked)
    expect(outcome.data['url']).toBe(`${server.url}/pipelines/gh/acme/shop/1`)
  })

  test('links to the app of CircleCI', async () => {
    const { outcome } = await connected().start(input)
    expect(Object.keys(outcome.links)).toHaveLength(1)
    const status = await circleci.getStatus(connected().client(), { id: pipeline().id })
    expect(status.run?.url).toBe(`${server.url}/pipelines/gh/acme/shop/1`)
  })
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

  test('an invalid configuration is reported', async () => {
    const started = await connected().start(input)
    server.enter('errored')
    expect((await connected().end(started, input)).message).toContain('Job test is not defined')
  })

  test('a pipeline without workflows cannot be canceled yet', async () => {
    await connected().start(input)
    const stop = connected().stop({ id: pipeline().id })
    await expectFailure(stop, { kind: 'platform', transient: true }, 'no workflows yet')
  })
})
