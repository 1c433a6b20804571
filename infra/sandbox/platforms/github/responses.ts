import { createHash } from 'node:crypto'
import type { Comment, Issue, Repo } from './issues.ts'

/** The login under which everything in the sandbox's GitHub is done. */
const botLogin = 'sandbox-bot'

/** A stable number for a name, where GitHub has an id of its own. */
export const idOf = (name: string): number => createHash('sha256').update(name.toLowerCase()).digest().readUInt32BE(0)
export const nodeId = (type: string, id: number): string => Buffer.from(`0:${type}${id}`).toString('base64')

/** GitHub's "simple user" (docs.github.com/rest/users/users). */
export function userResponse(root: string, login: string = botLogin) {
  const url = `${root}/users/${encodeURIComponent(login)}`
  const id = idOf(login)
  return {
    login,
    id,
    node_id: nodeId('User', id),
    avatar_url: `${url}/avatar`,
    gravatar_id: '',
    url,
    html_url: `${root}/${encodeURIComponent(login)}`,
    followers_url: `${url}/followers`,
    following_url: `${url}/following{/other_user}`,
    gists_url: `${url}/gists{/gist_id}`,
    starred_url: `${url}/starred{/owner}{/repo}`,
    subscriptions_url: `${url}/subscriptions`,
    organizations_url: `${url}/orgs`,
    repos_url: `${url}/repos`,
    events_url: `${url}/events{/privacy}`,
    received_events_url: `${url}/received_events`,
    type: 'User',
    user_view_type: 'public',
    site_admin: false,
  }
}

/** GitHub's "minimal repository", which stands within other things. */
export function minimalRepoResponse(root: string, repo: Repo) {
  const url = `${root}/repos/${repo.owner}/${repo.name}`
  return {
    id: repo.id,
    node_id: nodeId('Repository', repo.id),
    name: repo.name,
    full_name: `${repo.owner}/${repo.name}`,
    private: true,
    owner: userResponse(root, repo.owner),
    html_url: `${root}/${repo.owner}/${repo.name}`,
    description: null,
    fork: false,
    url,
    archive_url: `${url}/{archive_format}{/ref}`,
    assignees_url: `${url}/assignees{/user}`,
    blobs_url: `${url}/git/blobs{/sha}`,
    branches_url: `${url}/branches{/branch}`,
    collaborators_url: `${url}/collaborators{/collaborator}`,
    comments_url: `${url}/comments{/number}`,
    commits_url: `${url}/commits{/sha}`,
    compare_url: `${url}/compare/{base}...{head}`,
    contents_url: `${url}/contents/{+path}`,
    contributors_url: `${url}/contributors`,
    deployments_url: `${url}/deployments`,
    downloads_url: `${url}/downloads`,
    events_url: `${url}/events`,
    forks_url: `${url}/forks`,
    git_commits_url: `${url}/git/commits{/sha}`,
    git_refs_url: `${url}/git/refs{/sha}`,
    git_tags_url: `${url}/git/tags{/sha}`,
    hooks_url: `${url}/hooks`,
    issue_comment_url: `${url}/issues/comments{/number}`,
    issue_events_url: `${url}/issues/events{/number}`,
    issues_url: `${url}/issues{/number}`,
    keys_url: `${url}/keys{/key_id}`,
    labels_url: `${url}/labels{/name}`,
    languages_url: `${url}/languages`,
    merges_url: `${url}/merges`,
    milestones_url: `${url}/milestones{/number}`,
    notifications_url: `${url}/notifications{?since,all,participating}`,
    pulls_url: `${url}/pulls{/number}`,
    releases_url: `${url}/releases{/id}`,
    stargazers_url: `${url}/stargazers`,
    statuses_url: `${url}/statuses/{sha}`,
    subscribers_url: `${url}/subscribers`,
    subscription_url: `${url}/subscription`,
    tags_url: `${url}/tags`,
    teams_url: `${url}/teams`,
    trees_url: `${url}/git/trees{/sha}`,
  }
}

/** The part of GitHub's repository that a caller who opens issues and starts workflows may look at. */
export function repoResponse(root: string, repo: Repo, hasIssues: boolean) {
  return {
    ...minimalRepoResponse(root, repo),
    has_issues: hasIssues,
    archived: false,
    disabled: false,
    default_branch: 'main',
    created_at: repo.created_at,
    updated_at: repo.created_at,
    permissions: { admin: false, maintain: false, push: true, triage: true, pull: true },
  }
}

/** GitHub's issue (docs.github.com/rest/issues/issues#get-an-issue). */
export function issueResponse(root: string, issue: Issue) {
  const repository_url = `${root}/repos/${issue.owner}/${issue.repo}`
  const url = `${repository_url}/issues/${issue.number}`
  const assignees = issue.assignees.map((login) => userResponse(root, login))
  return {
    id: issue.id,
    node_id: nodeId('Issue', issue.id),
    url,
    repository_url,
    labels_url: `${url}/labels{/name}`,
    comments_url: `${url}/comments`,
    events_url: `${url}/events`,
    html_url: pageUrl(root, issue),
    number: issue.number,
    state: issue.state,
    state_reason: issue.state_reason,
    title: issue.title,
    body: issue.body,
    user: userResponse(root),
    labels: labelResponses(root, issue),
    assignee: assignees[0] ?? null,
    assignees,
    milestone: issue.milestone === null ? null : milestoneResponse(root, issue, issue.milestone),
    locked: false,
    active_lock_reason: null,
    comments: issue.comments,
    created_at: issue.created_at,
    updated_at: issue.updated_at,
    closed_at: issue.closed_at,
    closed_by: issue.state === 'closed' ? userResponse(root) : null,
    author_association: 'COLLABORATOR',
    timeline_url: `${url}/timeline`,
    performed_via_github_app: null,
  }
}

/** @see https://docs.github.com/rest/issues/labels */
export function labelResponses(root: string, issue: Issue) {
  return issue.labels.map((name) => ({
    id: idOf(name),
    node_id: nodeId('Label', idOf(name)),
    url: `${root}/repos/${issue.owner}/${issue.repo}/labels/${encodeURIComponent(name)}`,
    name,
    description: null,
    color: 'ededed',
    default: false,
  }))
}

/** GitHub's issue comment (docs.github.com/rest/issues/comments). */
export function commentResponse(root: string, issue: Issue, comment: Comment) {
  const repo = `${root}/repos/${issue.owner}/${issue.repo}`
  return {
    id: comment.id,
    node_id: nodeId('IssueComment', comment.id),
    url: `${repo}/issues/comments/${comment.id}`,
    html_url: `${pageUrl(root, issue)}#issuecomment-${comment.id}`,
    issue_url: `${repo}/issues/${issue.number}`,
    body: comment.body,
    user: userResponse(root),
    created_at: comment.created_at,
    updated_at: comment.created_at,
    author_association: 'COLLABORATOR',
    performed_via_github_app: null,
  }
}

/** Returns the URL of the page of an issue. */
export function pageUrl(root: string, issue: Issue): string {
  return `${root}/${issue.owner}/${issue.repo}/issues/${issue.number}`
}

function milestoneResponse(root: string, issue: Issue, number: number) {
  const url = `${root}/repos/${issue.owner}/${issue.repo}/milestones/${number}`
  return {
    url,
    html_url: `${root}/${issue.owner}/${issue.repo}/milestone/${number}`,
    labels_url: `${url}/labels`,
    id: number,
    node_id: nodeId('Milestone', number),
    number,
    state: 'open',
    title: `Milestone ${number}`,
    description: null,
    creator: userResponse(root),
    open_issues: 1,
    closed_issues: 0,
    created_at: issue.created_at,
    updated_at: issue.created_at,
    closed_at: null,
    due_on: null,
  }
}
