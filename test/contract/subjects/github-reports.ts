import { evaluated } from '../../functions/slo/drive.ts'
import { key, type Subject } from '../cases.ts'
import { driveProvider } from './drive.ts'

const repo = '/repos/{owner}/{repo}'
const status = `POST ${repo}/statuses/{sha}`
const list = `GET ${repo}/commits/{ref}/check-runs`
const input = { project: 'octocat/Hello-World', ref: '6dcb09b5b57875f334f61aebed695e2e4193db5e' }
const report = { action: 'push-report', input, data: { status: 'succeeded', result: 'warning', evaluation: evaluated } }
const url = 'https://github.com/github/hello-world/runs/4'
const run = { id: 4, name: 'slo/production/checkout', html_url: url, external_id: key, conclusion: 'neutral' }

export const githubStatus: Subject = {
  name: 'github-status',
  contract: 'github',
  // Its contract says nothing of them.
  credentials: [[{ kind: 'bearer' }]],
  cases: [
    { action: 'check', how: 'the credentials' },
    { ...report, how: 'an evaluation', says: 'to GitHub: status' },
    { ...report, how: 'again', isRetry: true, says: 'to GitHub: status' },
    { ...report, how: 'custom context', connection: { context: 'quality gate' }, says: 'to GitHub: status' },
    {
      ...report,
      how: 'refused',
      answers: { [status]: [{ status: 422, body: { message: 'No commit found for SHA' } }] },
      refused: true,
      says: 'No commit found for SHA',
    },
  ],
  run: driveProvider('slo', 'github-status', { token: 'a-token-of-github' }),
}

export const githubCheck: Subject = {
  name: 'github-check',
  contract: 'github',
  credentials: [[{ kind: 'bearer' }]],
  cases: [
    { action: 'check', how: 'the credentials' },
    { ...report, how: 'an evaluation', says: 'to GitHub: check' },
    { ...report, how: 'without an event id', noKey: true, says: 'to GitHub: check' },
    { ...report, how: 'again, though it never arrived', isRetry: true, says: 'to GitHub: check' },
    {
      ...report,
      how: 'again',
      isRetry: true,
      answers: { [list]: [{ body: { total_count: 1, check_runs: [run] } }] },
      says: 'check slo/production/checkout of 6dcb09b, neutral',
    },
  ],
  run: driveProvider('slo', 'github-check', { token: 'a-token-of-an-app' }),
}
