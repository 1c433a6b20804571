import type { Store } from '../sandbox/store.ts'

/** The columns have the names of GitHub's own fields. */
export interface Issue {
  id: number
  owner: string
  repo: string
  repo_id: number
  number: number
  title: string
  body: string | null
  state: 'open' | 'closed'
  state_reason: 'completed' | 'not_planned' | 'duplicate' | 'reopened' | null
  labels: string[]
  assignees: string[]
  milestone: number | null
  comments: number
  created_at: string
  updated_at: string
  closed_at: string | null
}

export interface Comment {
  id: number
  body: string
  created_at: string
}

export interface Repo {
  id: number
  owner: string
  name: string
  created_at: string
}

/** Changes of a caller. An undefined field keeps its value. */
export type IssueChange = Partial<
  Pick<Issue, 'title' | 'body' | 'state' | 'state_reason' | 'labels' | 'assignees' | 'milestone'>
>

export interface IssueFilter {
  state: 'open' | 'closed' | 'all'
  since: string
  direction: 'asc' | 'desc'
}

export interface Page {
  page: number
  perPage: number
}

/**
 * Stores issues and comments. A list contains one item more than a page if another page
 * follows.
 */
export interface Issues {
  /** The repository, which exists from its first use on; its name keeps the letter case of that use. */
  repo(owner: string, name: string): Repo
  get(repo: Repo, number: number): Issue | undefined
  list(repo: Repo, filter: IssueFilter, page: Page): Issue[]
  create(repo: Repo, given: IssueChange & { title: string }): Issue
  update(issue: Issue, change: IssueChange): Issue
  comments(issue: Issue, page: Page): Comment[]
  comment(issue: Issue, body: string): Comment
  all(): Issue[]
}

/** GitHub's times have no milliseconds. */
const now = (): string => timeOf(Date.now())
export const timeOf = (ms: number): string => new Date(ms).toISOString().replace(/\.\d+/, '')

export function createIssues(store: Store): Issues {
  const repos = store.collection<Repo>('github.repos', { isPermanent: true })
  const issues = store.collection<Issue>('github.issues')
  const comments = store.collection<Comment>('github.comments')
  const idOf = (repo_id: number, number: number) => `${repo_id}/${number}`
  const save = (issue: Issue) => issues.put(idOf(issue.repo_id, issue.number), issue, issue.repo_id)

  return {
    repo(owner, name) {
      const key = `${owner}/${name}`.toLowerCase()
      return repos.get(key) ?? repos.put(key, { id: repos.next(), owner, name, created_at: now() })
    },

    get: (repo, number) => issues.get(idOf(repo.id, number)),

    list(repo, { state, since, direction }, { page, perPage }) {
      const found = issues
        .list(repo.id)
        .filter((issue) => (state === 'all' || issue.state === state) && issue.updated_at >= since)
      const from = (page - 1) * perPage
      return (direction === 'asc' ? found : found.reverse()).slice(from, from + perPage + 1)
    },

    create(repo, { title, body = null, labels = [], assignees = [], milestone = null }) {
      const at = now()
      return save({
        id: issues.next(),
        owner: repo.owner,
        repo: repo.name,
        repo_id: repo.id,
        number: issues.next(repo.id),
        title,
        body,
        state: 'open',
        state_reason: null,
        labels,
        assignees,
        milestone,
        comments: 0,
        created_at: at,
        updated_at: at,
        closed_at: null,
      })
    },

    update(issue, change) {
      const given = Object.fromEntries(Object.entries(change).filter(([, value]) => value !== undefined))
      const next = { ...issue, ...given, updated_at: now() }
      // GitHub ignores a reason that comes without a change of the state, and has its own for a change that comes
      // without one.
      if (next.state === issue.state) next.state_reason = issue.state_reason
      else next.state_reason = next.state === 'open' ? 'reopened' : (change.state_reason ?? 'completed')
      if (next.state !== issue.state) next.closed_at = next.state === 'closed' ? next.updated_at : null
      return save(next)
    },

    comments: (issue, { page, perPage }) => comments.list(issue.id).slice((page - 1) * perPage, page * perPage + 1),

    comment(issue, body) {
      const comment = { id: comments.next(), body, created_at: now() }
      comments.put(comment.id, comment, issue.id)
      save({ ...issue, comments: issue.comments + 1, updated_at: comment.created_at })
      return comment
    },

    all: () => issues.list(),
  }
}
