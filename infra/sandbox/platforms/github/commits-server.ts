import { type Call, ok, type Reply, type Served, serve } from '../loopback-server.ts'

interface Status {
  id: number
  sha: string
  state: string
  context: string
  description: string | null
  target_url: string | null
}

export interface CheckRun {
  id: number
  head_sha: string
  name: string
  status: string
  conclusion: string | null
  external_id: string | null
  details_url: string | null
  html_url: string
  output: { title: string | null; summary: string | null }
}

interface ChecksState {
  checks: CheckRun[]
  /** Commits that the repository has. */
  commits: string[]
}

interface GithubCommitsState extends ChecksState {
  statuses: Status[]
}

export interface GithubCommitsServer extends Served {
  /** The token of a person, which may not write checks. */
  token: string
  /** The token of an App's installation. */
  appToken: string
  state: GithubCommitsState
  /** Returns the latest status of each context. */
  counts(sha: string): Record<string, string>
}

const repo = 'octo-org/octo-repo'
const sha = '6dcb09b5b57875f334f61aebed695e2e4193db5e'
const MAX_DESCRIPTION = 140
const MAX_SUMMARY = 65_535

/**
 * GitHub's API of statuses and checks with one repository, at github.com or, below `/api/v3`, of an Enterprise server.
 *
 * @see https://docs.github.com/en/rest/commits/statuses
 * @see https://docs.github.com/en/rest/checks/runs
 */
export async function startGithubCommits(): Promise<GithubCommitsServer> {
  const [token, appToken] = ['github_pat_of_a_robot', 'ghs_of_an_installation']
  const state: GithubCommitsState = { statuses: [], checks: [], commits: [sha] }
  const served = await serve((call) => {
    const bearer = /^Bearer (.+)$/.exec(String(call.headers['authorization']))?.[1] ?? ''
    if (![token, appToken].includes(bearer)) return refused(401, 'Bad credentials')
    return answer(state, { ...call, path: call.path.replace(/^\/api\/v3/, '') }, bearer === appToken)
  })
  const counts = (of: string) =>
    Object.fromEntries(state.statuses.filter((one) => one.sha === of).map(({ context, state }) => [context, state]))
  return { ...served, token, appToken, state, counts }
}

function refused(status: number, message: string, errors?: object[]): Reply {
  const docs = { documentation_url: 'https://docs.github.com/rest', status: String(status) }
  return { status, body: { message, ...(errors ? { errors } : {}), ...docs } }
}

function answer(state: GithubCommitsState, { method, path, query, body }: Call, isApp: boolean): Reply {
  if (path === '/rate_limit') return ok({ resources: {} })
  const base = `/repos/${repo}`
  if (!path.startsWith(`${base}/`)) return refused(404, 'Not Found')
  const rest = path.slice(base.length)
  const status = /^\/statuses\/([^/]+)$/.exec(rest)?.[1]
  if (method === 'POST' && status !== undefined) return setStatus(state, status, body as Partial<Status>)
  if (method === 'POST' && rest === '/check-runs')
    return isApp ? makeCheck(state, body as Partial<CheckRun>) : refused(403, 'You must authenticate via a GitHub App.')
  const listed = /^\/commits\/([^/]+)\/check-runs$/.exec(rest)?.[1]
  if (method === 'GET' && listed !== undefined) return listChecks(state, listed, query)
  return refused(404, 'Not Found')
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

export function makeCheck({ checks, commits }: ChecksState, asked: Partial<CheckRun>): Reply {
  const { head_sha = '', name = '', status = 'queued', conclusion = null, output } = asked
  if (!commits.includes(head_sha)) return refused(422, `No commit found for SHA: ${head_sha}`)
  const { title = null, summary = null } = output ?? {}
  if (name === '' || (status === 'completed') !== (conclusion !== null) || !title || summary === null)
    return refused(422, 'Invalid request.')
  if (Buffer.byteLength(summary) > MAX_SUMMARY)
    return refused(422, 'Invalid request.\n\nOnly 65535 characters are allowed; 70000 were supplied.')
  const id = checks.length + 4
  const made = {
    id,
    head_sha,
    name,
    status,
    conclusion,
    output: { title, summary },
    external_id: asked.external_id ?? '',
    details_url: asked.details_url ?? 'https://apps.example.com',
    html_url: `https://github.com/${repo}/runs/${id}`,
  }
  checks.push(made)
  return { status: 201, body: made }
}

export function updateCheck({ checks }: ChecksState, id: number, asked: Partial<CheckRun>): Reply {
  const found = checks.find((one) => one.id === id)
  if (!found) return refused(404, 'Not Found')
  const { status = found.status, conclusion = found.conclusion } = asked
  if ((status === 'completed') !== (conclusion !== null)) return refused(422, 'Invalid request.')
  return ok(Object.assign(found, asked))
}

/** The newest first; without `filter=all` only the newest of each name. */
export function listChecks({ checks }: ChecksState, of: string, query: URLSearchParams): Reply {
  const named = checks
    .filter(({ head_sha, name }) => head_sha === of && name === (query.get('check_name') ?? name))
    .reverse()
  const all = query.get('filter') === 'all' ? named : named.slice(0, 1)
  const [size, page] = [Number(query.get('per_page') ?? 30), Number(query.get('page') ?? 1)]
  const check_runs = all.slice((page - 1) * size, page * size)
  return ok({ total_count: all.length, check_runs })
}
