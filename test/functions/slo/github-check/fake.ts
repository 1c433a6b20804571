import { startWith, type WriteRow } from '../../../conformance/row.ts'
import { startGithubCommits } from '../../../platforms/github/commits-server.ts'

const input = { project: 'octo-org/octo-repo', ref: '6dcb09b5b57875f334f61aebed695e2e4193db5e' }

export const writeRow = {
  action: 'push-report',
  writes: /^POST .*\/check-runs$/,
  start: startWith(startGithubCommits, ({ url: baseUrl, appToken: token }) => ({
    connection: { baseUrl, token },
    input,
  })),
} satisfies WriteRow
