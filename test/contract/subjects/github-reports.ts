import { evaluated } from '../../functions/slo/drive.ts'
import { casesOf, key, type Subject } from '../cases.ts'
import { driveProvider } from './drive.ts'

const repo = '/repos/{owner}/{repo}'
const status = `POST ${repo}/statuses/{sha}`
const list = `GET ${repo}/commits/{ref}/check-runs`
const input = { project: 'octocat/Hello-World', ref: '6dcb09b5b57875f334f61aebed695e2e4193db5e' }
const reports = casesOf('push-report', input)
const data = { status: 'succeeded', result: 'warning', evaluation: evaluated }
const url = 'https://github.com/github/hello-world/runs/4'
const run = { id: 4, name: 'slo/production/checkout', html_url: url, external_id: key, conclusion: 'neutral' }

export const githubStatus: Subject = {
  name: 'github-status',
  contract: 'github',
  // Its contract says nothing of them.
  credentials: [[{ kind: 'bearer' }]],
  cases: [
    { action: 'check', how: 'the credentials' },
    reports.passes('an evaluation', 'to GitHub: status', { data }),
    reports.passes('again', 'to GitHub: status', { data, isRetry: true }),
    reports.passes('custom context', 'to GitHub: status', { data, connection: { context: 'quality gate' } }),
    reports.fails('refused', 'No commit found for SHA', {
      data,
      answers: { [status]: [{ status: 422, body: { message: 'No commit found for SHA' } }] },
    }),
  ],
  run: driveProvider('slo', 'github-status', { token: 'a-token-of-github' }),
}

export const githubCheck: Subject = {
  name: 'github-check',
  contract: 'github',
  credentials: [[{ kind: 'bearer' }]],
  cases: [
    { action: 'check', how: 'the credentials' },
    reports.passes('an evaluation', 'to GitHub: check', { data }),
    reports.passes('without an event id', 'to GitHub: check', { data, noKey: true }),
    reports.passes('again, though it never arrived', 'to GitHub: check', { data, isRetry: true }),
    reports.passes('again', 'check slo/production/checkout of 6dcb09b, neutral', {
      ...{ data, isRetry: true },
      answers: { [list]: [{ body: { total_count: 1, check_runs: [run] } }] },
    }),
  ],
  run: driveProvider('slo', 'github-check', { token: 'a-token-of-an-app' }),
}
