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

const select = `
  SELECT issues.*, repos.owner, repos.name AS repo, (SELECT count(*) FROM comments WHERE issue_id = issues.id) AS comments
  FROM issues JOIN repos ON repos.id = issues.repo_id`

/** GitHub's times have no milliseconds. */
const now = (): string => timeOf(Date.now())
export const timeOf = (ms: number): string => new Date(ms).toISOString().replace(/\.\d+/, '')

export function createIssues(store: Store): Issues {
  type Row = Omit<Issue, 'labels' | 'assignees'> & { labels: string; assignees: string }
  const read = (row: Row): Issue => ({ ...row, labels: JSON.parse(row.labels), assignees: JSON.parse(row.assignees) })
  const byId = (id: number): Issue => {
    const row = store.get<Row>(`${select} WHERE issues.id = ?`, id)
    if (!row) throw new Error(`There is no issue with the id ${id}.`)
    return read(row)
  }

  const issues: Issues = {
    repo(owner, name) {
      const key = `${owner}/${name}`.toLowerCase()
      const sql = 'SELECT id, owner, name, created_at FROM repos WHERE key = ?'
      const known = store.get<Repo>(sql, key)
      if (known) return known
      const created_at = now()
      const id = store.run(
        'INSERT INTO repos (key, owner, name, created_at) VALUES (?, ?, ?, ?)',
        key,
        owner,
        name,
        created_at,
      )
      return { id, owner, name, created_at }
    },

    get(repo, number) {
      const row = store.get<Row>(`${select} WHERE repo_id = ? AND number = ?`, repo.id, number)
      return row && read(row)
    },

    list: (repo, { state, since, direction }, { page, perPage }) =>
      store
        .all<Row>(
          `${select} WHERE repo_id = ? AND ? IN ('all', state) AND updated_at >= ?
           ORDER BY number ${direction} LIMIT ? OFFSET ?`,
          repo.id,
          state,
          since,
          perPage + 1,
          (page - 1) * perPage,
        )
        .map(read),

    create(repo, { title, body = null, labels = [], assignees = [], milestone = null }) {
      const at = now()
      const id = store.run(
        `INSERT INTO issues (repo_id, number, title, body, state, labels, assignees, milestone, created_at, updated_at)
         SELECT ?, coalesce(max(number), 0) + 1, ?, ?, 'open', ?, ?, ?, ?, ? FROM issues WHERE repo_id = ?`,
        repo.id,
        title,
        body,
        JSON.stringify(labels),
        JSON.stringify(assignees),
        milestone,
        at,
        at,
        repo.id,
      )
      return byId(id)
    },

    update(issue, change) {
      const given = Object.fromEntries(Object.entries(change).filter(([, value]) => value !== undefined))
      const next = { ...issue, ...given, updated_at: now() }
      // GitHub ignores a reason that comes without a change of the state, and has its own for a change that comes
      // without one.
      if (next.state === issue.state) next.state_reason = issue.state_reason
      else next.state_reason = next.state === 'open' ? 'reopened' : (change.state_reason ?? 'completed')
      if (next.state !== issue.state) next.closed_at = next.state === 'closed' ? next.updated_at : null
      store.run(
        `UPDATE issues SET title = ?, body = ?, state = ?, state_reason = ?, labels = ?, assignees = ?, milestone = ?,
         updated_at = ?, closed_at = ? WHERE id = ?`,
        next.title,
        next.body,
        next.state,
        next.state_reason,
        JSON.stringify(next.labels),
        JSON.stringify(next.assignees),
        next.milestone,
        next.updated_at,
        next.closed_at,
        issue.id,
      )
      return byId(issue.id)
    },

    comments: (issue, { page, perPage }) =>
      store.all<Comment>(
        'SELECT id, body, created_at FROM comments WHERE issue_id = ? ORDER BY id LIMIT ? OFFSET ?',
        issue.id,
        perPage + 1,
        (page - 1) * perPage,
      ),

    comment(issue, body) {
      const created_at = now()
      const id = store.run(
        'INSERT INTO comments (issue_id, body, created_at) VALUES (?, ?, ?)',
        issue.id,
        body,
        created_at,
      )
      store.run('UPDATE issues SET updated_at = ? WHERE id = ?', created_at, issue.id)
      return { id, body, created_at }
    },

    all: () => store.all<Row>(`${select} ORDER BY issues.id`).map(read),
  }
  return issues
}
