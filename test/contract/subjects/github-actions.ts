import { casesOf, key, type Subject } from '../cases.ts'
import { driveProvider } from './drive.ts'

const workflow = '/repos/{owner}/{repo}/actions/workflows/{workflow_id}'
const dispatch = `POST ${workflow}/dispatches`
const list = `GET ${workflow}/runs`
const run = 'GET /repos/{owner}/{repo}/actions/runs/{run_id}'
const jobs = `${run}/jobs`

type Example = Record<string, unknown>
const as = (status: string, conclusion: string | null) => ({
  body: (example: Example) => ({ ...example, status, conclusion }),
})
const queued = as('queued', null)
const failed = as('completed', 'failure')
const named = (title: string) => ({
  body: ({ workflow_runs: runs }: { workflow_runs: Example[] }) => ({
    total_count: 1,
    workflow_runs: runs.map((one) => ({ ...one, display_title: title })),
  }),
})
const failing = ({ jobs: [job] }: { jobs: Example[] }) => ({
  total_count: 1,
  jobs: [{ ...job, conclusion: 'failure', steps: [{ ...step, conclusion: 'failure' }] }],
})
const step = { name: 'Run tests', status: 'completed', number: 1 }
const input = { target: 'deploy.yml', project: 'octo-org/octo-repo', ref: 'main' }
const id = 'octo-org/octo-repo#30433642'

const builds = casesOf('trigger-build', input)
const stops = casesOf('cancel', { id })

export const githubActions: Subject = {
  name: 'github-actions',
  contract: 'github',
  // Its contract says nothing of them.
  credentials: [[{ kind: 'bearer' }]],
  answers: {
    [run]: as('completed', 'success'),
    // The example of the contract is invalid.
    'POST /repos/{owner}/{repo}/actions/runs/{run_id}/cancel': { body: {} },
    [dispatch]: { status: 200 },
  },
  cases: [
    { action: 'check', how: 'the credentials' },
    builds.passes('on a branch', 'ended as completed/success'),
    builds.passes('on the default branch', 'ended as completed/success', { input: { ref: undefined } }),
    builds.passes('with inputs', 'ended', { input: { parameters: { stage: 'prod', replicas: 2 } } }),
    { action: 'trigger-deployment', how: 'without an event id', input, noKey: true, says: 'ended' },
    builds.passes('without an input for the key', 'ended', { connection: { keyInput: undefined } }),
    builds.passes('response without the run', 'ended as completed/success', {
      answers: { [list]: [named('Deploy'), named(`Deploy ${key}`)], [dispatch]: [{ status: 204 }] },
    }),
    builds.passes('again', 'ended as completed/success', {
      isRetry: true,
      answers: { [list]: [named(`Deploy ${key}`)] },
    }),
    builds.fails('that fails', 'job "build" failed at step "Run tests"', {
      answers: { [run]: [queued, as('in_progress', null), failed], [jobs]: [{ body: failing }] },
    }),
    builds.fails('that is stopped', 'ended as completed/cancelled', {
      stops: true,
      answers: { [run]: [as('completed', 'cancelled')] },
    }),
    stops.passes('one that runs', 'Stopped run', { answers: { [run]: [queued] } }),
    stops.passes('one that has ended', 'had ended already'),
  ],
  run: driveProvider('ci-cd', 'github-actions', { token: 'a-token-of-github', keyInput: 'key' }),
}
