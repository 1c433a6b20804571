import { beforeEach, describe, expect, test } from '@jest/globals'
import { githubActions } from '../../../../functions/ci-cd/github-actions/github-actions.ts'
import { vendorStates } from '../../../conformance/job/vendor-states.ts'
import { jobConformance, withState } from '../../../conformance/job.ts'
import { expectFailure, keyOf } from '../../helpers.ts'
import { pipelineActions } from '../pipeline.ts'
import { jobRow } from './fake.ts'
import { listedStates } from './states.ts'

const repo = 'octo-org/octo-repo'
const deploy = { target: 'deploy.yml', project: repo }
const id = `${repo}#1`
const key = keyOf(1)

const step = (name: string, conclusion = 'success') => ({ name, conclusion })
const e2e = { name: 'e2e', conclusion: 'failure', steps: [step('Check out'), step('Run tests', 'failure')] }
const fine = Array.from({ length: 100 }, (_, at) => ({ name: `unit ${at}`, conclusion: 'success', steps: [] }))
const has = expect.objectContaining
const path = (workflow: string) => ({ path: `/repos/${repo}/actions/workflows/${workflow}/dispatches` })

const many = Object.fromEntries(Array.from({ length: 25 }, (_, at) => [`p${at}`, 'x']))
const { server, connected } = jobConformance(githubActions, pipelineActions, jobRow, {
  states: vendorStates(listedStates, {
    running: ['requested'],
    warning: ['completed/neutral', 'completed/skipped'],
    fail: ['completed/timed_out'],
    errored: ['completed/startup_failure', 'completed/action_required', 'completed/stale'],
  }),
  unknownStates: ['paused', 'completed/exploded'],
  url: `/${repo}/actions/runs/1`,
  invalidStarts: [
    { name: 'an invalid repository', input: { project: 'octo-repo' }, message: 'input.project must look like' },
    { name: 'no repository', input: { project: undefined }, message: 'input.project is required' },
    {
      name: 'the input of the idempotency key',
      input: { parameters: { key: 'mine' } },
      message: 'input.parameters must not contain key',
    },
    {
      name: 'more inputs than a workflow accepts',
      input: { parameters: many },
      message: 'must have at most 24 entries (it has 25)',
    },
  ],
  sends: [
    { name: 'the default branch', request: { ...path('deploy.yml'), body: has({ ref: 'main', inputs: { key } }) } },
    {
      name: 'the workflow, repository and branch of the connection',
      input: { target: undefined, project: undefined },
      request: { ...path('161335'), body: { ref: 'release/1.2' } },
      connection: { target: '161335', project: repo, ref: 'release/1.2' },
    },
    {
      name: 'the input instead of the connection, and the file without its path',
      input: { target: '.github/workflows/deploy.yml', ref: 'main' },
      request: { ...path('deploy.yml'), body: { ref: 'main' } },
      connection: { target: 'ci.yml', project: 'octo-org/other', ref: 'release/1.2' },
    },
    {
      name: 'parameters as text',
      input: { parameters: { stage: 'prod', replicas: 3, dry: false, tags: ['a', 'b'] } },
      request: { body: has({ inputs: { stage: 'prod', replicas: '3', dry: 'false', tags: '["a","b"]', key } }) },
    },
  ],
  refused: [
    {
      name: 'an unknown workflow',
      input: { target: 'nope.yml' },
      reason: 'GitHub Actions answered 404 to POST',
      connection: { keyInput: undefined },
    },
    {
      name: 'a workflow without workflow_dispatch',
      input: { target: 'ci.yml' },
      reason: "does not have 'workflow_dispatch' trigger",
    },
    { name: 'an unknown branch', input: { ref: 'nope' }, reason: 'No ref found for: nope' },
    {
      name: 'an unknown input',
      input: { parameters: { stge: 'prod' } },
      reason: 'Unexpected inputs provided: ["stge"]',
    },
    {
      name: 'a missing permission',
      change: withState({ mayWrite: false }),
      reason: 'Resource not accessible by personal access token',
    },
  ],
  reports: [
    {
      name: 'that it waits for the approval of an environment',
      change: ({ show }) => show({ status: 'waiting' }),
      reported: { progress: 'waiting for the approval of an environment' },
    },
    {
      name: 'its attempt',
      change: ({ show, finish }) => {
        show({ run_attempt: 2 })
        finish('success')
      },
      reported: { data: { attempt: 2 } },
    },
    {
      name: 'the job and the step that failed, with a link',
      change: ({ finish }) => finish('failure', [...fine, e2e]),
      reported: {
        message: `Run ${id} ended as completed/failure: job "e2e" failed at step "Run tests"`,
        data: { failedJob: 'e2e', failedStep: 'Run tests' },
        links: { 'job e2e': expect.stringContaining('/job/399444596') },
      },
    },
  ],
  found: [{ name: 'that is listed late', change: withState({ staleLists: 2 }) }],
  stopsBy: { id: '1', project: repo },
  refusedPolls: [{ change: ({ empty }) => empty(), reason: '404' }],
  measures: { end: ({ finish }) => finish('success'), metrics: { duration: 60 } },
  check: ['GET /rate_limit'],
  slowStop: { state: 'in_progress', change: withState({ ignoresCancel: true }) },
  refusedStops: [
    { change: withState({ mayWrite: false }), reason: 'Resource not accessible' },
    { id: `${repo}#404`, reason: '404 to GET' },
  ],
  invalidIds: {
    ids: ['octo-repo#1', '1', 'octo-org/octo-repo#x', '../..#1', 'octo-org/..#1'],
    message: `such as ${repo}#30433642`,
  },
})

describe('GitHub Actions: server that does not return the run', () => {
  beforeEach(() => {
    server.state.returnsRuns = false
  })

  test('the start finds the run by its key', async () => {
    expect((await connected().start(deploy)).outcome.data).toMatchObject({ id })
    expect(server.runs()).toHaveLength(1)
  })

  test('starts nothing if the run could not be found', async () => {
    await expectFailure(connected({ keyInput: undefined }).start(deploy), 'refused', 'Set keyInput in the connection')
    await expectFailure(connected().start(deploy, { key: undefined }), 'refused', 'Set keyInput in the connection')
    expect(server.runs()).toEqual([])
  })

  test('the outcome is unknown if the run does not contain its key', async () => {
    server.state.showsInputs = false
    await expectFailure(connected().start(deploy), 'unconfirmed', 'Check GitHub before you repeat the call')
    expect(server.runs()).toHaveLength(1)
  })
})
