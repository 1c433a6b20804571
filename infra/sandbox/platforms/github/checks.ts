import { ok, type Reply } from '../../../testing/loopback-server.ts'

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

export interface ChecksState {
  checks: CheckRun[]
  /** Commits that the repository has. */
  commits: string[]
}

export const repo = 'octo-org/octo-repo'
const MAX_SUMMARY = 65_535

export function refused(status: number, message: string, errors?: object[]): Reply {
  const docs = { documentation_url: 'https://docs.github.com/rest', status: String(status) }
  return { status, body: { message, ...(errors ? { errors } : {}), ...docs } }
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
