import { beforeEach, describe, expect, test } from '@jest/globals'
import { githubActions } from '../../../functions/ci-cd/providers/github-actions.ts'
import { newestOf } from '../../../infra/sandbox/platforms/loopback-server.ts'
import { jobConformance, withState } from '../../conformance/job.ts'
import { ciCdPlatforms } from '../../conformance/job-platforms/ci-cd.ts'
import { expectFailure, keyOf } from '../helpers.ts'
import { pipelineActions } from './pipeline.ts'

const repo = 'octo-org/octo-repo'
const deploy = { target: 'deploy.yml', project: repo }
const id = `${repo}#30433642`
const key = keyOf(1)

const step = (name: string, conclusion = 'success') => ({ name, conclusion })
const e2e = { name: 'e2e', conclusion: 'failure', steps: [step('Check out'), step('Run tests', 'failure')] }
const fine = Array.from({ length: 100 }, (_, at) => ({ name: `unit ${at}`, conclusion: 'success', steps: [] }))
const has = expect.objectContaining
const path = (workflow: string) => ({ path: `/repos/${repo}/actions/workflows/${workflow}/dispatches` })

const many = Object.fromEntries(Array.from({ length: 25 }, (_, at) => [`p${at}`, 'x']))
const { server, connected } = jobConformance(githubActions, pipelineActions, ciCdPlatforms['github-actions'], {
  states: {
    running: ['requested', 'queued', 'pending', 'waiting', 'in_progress'],
    pass: ['completed/success'],
    warning: ['completed/neutral', 'completed/skipped'],
    fail: ['completed/failure', 'completed/timed_out'],
    errored: ['completed/startup_failure', 'completed/action_required', 'completed/stale'],
    aborted: ['completed/cancelled'],
  },
  unknownStates: ['paused', 'completed/exploded'],
  url: `/${repo}/actions/runs/30433642`,
  invalidStarts: [
    ['an invalid repository', { project: 'octo-repo' }, 'input.project must look like'],
    ['no repository', { project: undefined }, 'input.project is required'],
    ['the input of the idempotency key', { parameters: { key: 'mine' } }, 'input.parameters must not contain key'],
    ['more inputs than a workflow accepts', { parameters: many }, 'must have at most 24 entries (it has 25)'],
  ],
  sends: [
    ['the default branch', {}, { ...path('deploy.yml'), body: has({ ref: 'main', inputs: { key } }) }],
    [
      'the workflow, repository and branch of the connection',
      { target: undefined, project: undefined },
      { ...path('161335'), body: { ref: 'release/1.2' } },
      { target: '161335', project: repo, ref: 'release/1.2' },
    ],
    [
      'the input instead of the connection, and the file without its path',
      { target: '.github/workflows/deploy.yml', ref: 'main' },
      { ...path('deploy.yml'), body: { ref: 'main' } },
      { target: 'ci.yml', project: 'octo-org/other', ref: 'release/1.2' },
    ],
    [
      'parameters as text',
      { parameters: { stage: 'prod', replicas: 3, dry: false, tags: ['a', 'b'] } },
      { body: has({ inputs: { stage: 'prod', replicas: '3', dry: 'false', tags: '["a","b"]', key } }) },
    ],
  ],
  refused: [
    ['an unknown workflow', { target: 'nope.yml' }, 'GitHub Actions answered 404 to POST', {}, { keyInput: undefined }],
    ['a workflow without workflow_dispatch', { target: 'ci.yml' }, "does not have 'workflow_dispatch' trigger"],
    ['an unknown branch', { ref: 'nope' }, 'No ref found for: nope'],
    ['an unknown input', { parameters: { stge: 'prod' } }, 'Unexpected inputs provided: ["stge"]'],
    ['a missing permission', withState({ mayWrite: false }), 'Resource not accessible by personal access token'],
  ],
  reports: [
    [
      'that it waits for the approval of an environment',
      ({ state }) => Object.assign(newestOf(state.runs), { status: 'waiting' }),
      { progress: 'waiting for the approval of an environment' },
    ],
    [
      'its attempt',
      ({ state, finish }) => {
        newestOf(state.runs).run_attempt = 2
        finish('success')
      },
      { data: { attempt: 2 } },
    ],
    [
      'the job and the step that failed, with a link',
      ({ finish }) => finish('failure', [...fine, e2e]),
      {
        message: `Run ${id} ended as completed/failure: job "e2e" failed at step "Run tests"`,
        data: { failedJob: 'e2e', failedStep: 'Run tests' },
        links: { 'job e2e': expect.stringContaining('/job/399444596') },
      },
    ],
  ],
  found: [['that is listed late', withState({ staleLists: 2 })]],
  lost: [['if no input carries the key', () => {}, {}, { keyInput: undefined }]],
  stopsBy: { id: '30433642', project: repo },
  refusedPolls: [[withState({ runs: [] }), '404']],
  measures: [({ finish }) => finish('success'), { duration: 60 }],
  check: ['GET /rate_limit'],
  slowStop: ['in_progress', withState({ ignoresCancel: true })],
  refusedStops: [
    [withState({ mayWrite: false }), 'Resource not accessible'],
    [`${repo}#1`, '404 to GET'],
  ],
  invalidIds: [['octo-repo#1', '1', 'octo-org/octo-repo#x', '../..#1', 'octo-org/..#1'], `such as ${id}`],
})

describe('GitHub Actions: server that does not return the run', () => {
  beforeEach(() => {
    server.state.returnsRuns = false
  })

  test('the start finds the run by its key', async () => {
    expect((await connected().start(deploy)).outcome.data).toMatchObject({ id })
    expect(server.state.runs).toHaveLength(1)
  })

  test('starts nothing if the run could not be found', async () => {
    await expectFailure(connected({ keyInput: undefined }).start(deploy), 'refused', 'Set keyInput in the connection')
    await expectFailure(connected().start(deploy, { key: undefined }), 'refused', 'Set keyInput in the connection')
    expect(server.state.runs).toEqual([])
  })

  test('the outcome is unknown if the run does not contain its key', async () => {
    Object.assign(server.state.workflows[0] ?? {}, { titleInput: undefined })
    await expectFailure(connected().start(deploy), 'unconfirmed', 'Check GitHub before you repeat the call')
    expect(server.state.runs).toHaveLength(1)
  })
})
