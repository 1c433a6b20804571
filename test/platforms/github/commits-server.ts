import {
  type ChecksState,
  listChecks,
  makeCheck,
  refused,
  repo,
} from '../../../infra/sandbox/platforms/github/checks.ts'
import { definePlatform } from '../../../infra/testing/define-platform.ts'
import type { Call, Reply } from '../../../infra/testing/loopback-server.ts'

interface Status {
  id: number
  sha: string
  state: string
  context: string
  description: string | null
  target_url: string | null
}

interface GithubCommitsState extends ChecksState {
  statuses: Status[]
}

/** The token of a person, which may not write checks. */
const token = 'github_pat_of_a_robot'
/** The token of an App's installation. */
const appToken = 'ghs_of_an_installation'
const sha = '6dcb09b5b57875f334f61aebed695e2e4193db5e'
const MAX_DESCRIPTION = 140

/**
 * GitHub's API of statuses and checks with one repository, at github.com or, below `/api/v3`, of an Enterprise server.
 *
 * @see https://docs.github.com/en/rest/commits/statuses
 * @see https://docs.github.com/en/rest/checks/runs
 */
export const startGithubCommits = definePlatform({
  state: (): GithubCommitsState => ({ statuses: [], checks: [], commits: [sha] }),
  refuses: (call) => (has(call, token) || has(call, appToken) ? undefined : refused(401, 'Bad credentials')),
  operation: ({ method, encodedPath }) => `${method} ${encodedPath.replace(/^\/api\/v3/, '')}`,
  routes: {
    'GET /rate_limit': () => ({ resources: {} }),
    [`POST /repos/${repo}/statuses/{sha}`]: ({ state, params, body }) => setStatus(state, params.sha, body),
    [`POST /repos/${repo}/check-runs`]: ({ state, body, headers }) =>
      has({ headers }, appToken) ? makeCheck(state, body) : refused(403, 'You must authenticate via a GitHub App.'),
    [`GET /repos/${repo}/commits/{sha}/check-runs`]: ({ state, params, query }) => listChecks(state, params.sha, query),
  },
  notFound: refused(404, 'Not Found'),
  members: ({ statuses }) => ({
    token,
    appToken,
    /** Returns the latest status of each context. */
    counts: (sha: string): Record<string, string> =>
      Object.fromEntries(statuses.filter((status) => status.sha === sha).map(({ context, state }) => [context, state])),
  }),
})

function has({ headers }: Pick<Call, 'headers'>, token: string): boolean {
  return headers.authorization === `Bearer ${token}`
}

function setStatus({ statuses, commits }: GithubCommitsState, of: string, asked: Partial<Status>): Reply {
  if (!commits.includes(of)) return refused(422, `No commit found for SHA: ${of}`)
  const { state = '', context = 'default', description = null, target_url = null } = asked
  const wrong = (field: string, message: string) =>
    refused(422, 'Validation Failed', [{ resource: 'Status', code: 'custom', field, message }])
  if (!['success', 'failure', 'error', 'pending'].includes(state))
    return wrong('state', 'state is not included in the list')
  if ((description ?? '').length > MAX_DESCRIPTION)
    return wrong('description', `description is too long (maximum is ${MAX_DESCRIPTION} characters)`)
  if (target_url !== null && !/^https?:/.test(target_url))
    return wrong('target_url', 'target_url must use http(s) scheme')
  const made = { id: statuses.length + 1, sha: of, state, context, description, target_url }
  statuses.push(made)
  return { status: 201, body: made }
}
