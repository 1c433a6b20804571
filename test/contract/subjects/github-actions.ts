import { key, type Subject } from '../cases.ts'
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
const action = 'trigger-build'
const id = 'octo-org/octo-repo#30433642'

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
    { action, how: 'on a branch', input, says: 'ended as completed/success' },
    { action, how: 'on the default branch', input: { ...input, ref: undefined }, says: 'ended as completed/success' },
    { action, how: 'with inputs', input: { ...input, parameters: { stage: 'prod', replicas: 2 } }, says: 'ended' },
    { action: 'trigger-deployment', how: 'without an event id', input, noKey: true, says: 'ended' },
    { action, how: 'without an input for the key', input, connection: { keyInput: undefined }, says: 'ended' },
    {
      action,
      how: 'response without the run',
      input,
      answers: { [list]: [named('Deploy'), named(`Deploy ${key}`)], [dispatch]: [{ status: 204 }] },
      says: 'ended as completed/success',
    },
    {
      action,
      how: 'again',
      input,
      isRetry: true,
      answers: { [list]: [named(`Deploy ${key}`)] },
      says: 'ended as completed/success',
    },
    {
      action,
      how: 'that fails',
      input,
      answers: { [run]: [queued, as('in_progress', null), failed], [jobs]: [{ body: failing }] },
      refused: true,
      says: 'job "build" failed at step "Run tests"',
    },
    {
      action,
      how: 'that is stopped',
      input,
      stops: true,
      answers: { [run]: [as('completed', 'cancelled')] },
      refused: true,
      says: 'ended as completed/cancelled',
    },
    { action: 'cancel', how: 'one that runs', input: { id }, answers: { [run]: [queued] }, says: 'Stopped run' },
    { action: 'cancel', how: 'one that has ended', input: { id }, says: 'had ended already' },
  ],
  run: driveProvider('ci-cd', 'github-actions', { token: 'a-token-of-github', keyInput: 'key' }),
}
