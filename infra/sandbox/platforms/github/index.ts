import { randomUUID } from 'node:crypto'
import { routeTable } from '../../../testing/route-table.ts'
import { demo } from '../sandbox/demo.ts'
import {
  bearer,
  type FakeCall,
  type FakeReply,
  json,
  MAX_BODY_BYTES,
  type Platform,
  segments,
} from '../sandbox/http.ts'
import type { Notifying } from '../sandbox/notifications/notifier.ts'
import { missingPage } from '../sandbox/page.ts'
import type { Store } from '../sandbox/store.ts'
import { type Actions, createActions } from './actions.ts'
import { githubError, notFound } from './answers.ts'
import { routeIssues } from './issue-routes.ts'
import { createIssues, type Issue, type Page } from './issues.ts'
import { issuePage } from './page.ts'
import { pageUrl, repoResponse } from './responses.ts'
import { runNotification } from './run-notification.ts'

/** An issue as `/sandbox/issues` lists it, for people and tests. */
type IssueSummary = Pick<
  Issue,
  | 'number'
  | 'title'
  | 'body'
  | 'state'
  | 'state_reason'
  | 'labels'
  | 'assignees'
  | 'created_at'
  | 'updated_at'
  | 'closed_at'
> & { repository: string; html_url: string; comments: { id: number; body: string; created_at: string }[] }

export interface GitHub extends Platform, Notifying, Pick<Actions, 'runs'> {
  issues(root: string): IssueSummary[]
}

/**
 * Fakes GitHub's issues API (docs.github.com/rest/issues) and Actions. Every repository exists, except `missing*`;
 * `no-issues*` has no issues. Every login exists, except `unknown-*`.
 */
export function createGitHub(store: Store, timeScale = 1): GitHub {
  const issues = createIssues(store)
  const actions = createActions(store, timeScale)
  const everything: Page = { page: 1, perPage: 1_000_000 }

  const runPage = ({ params: { owner, name, run } }: { params: { owner: string; name: string; run: string } }) =>
    actions.page(issues.repo(owner, name), Number(run))
  const page = routeTable<FakeCall, FakeReply>()({
    'GET /{owner}/{name}/issues/{number}': ({ params: { owner, name, number } }) => {
      const issue = issues.get(issues.repo(owner, name), Number(number))
      return issue ? issuePage(issue, issues.comments(issue, everything)) : missingPage('issue')
    },
    'GET /{owner}/{name}/actions/runs/{run}': runPage,
    'GET /{owner}/{name}/actions/runs/{run}/job/{job}': runPage,
  })

  const github: GitHub = {
    error: githubError,

    limitHeaders: (reset) => ({ 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': String(reset) }),

    answer(call) {
      const answer = refuseCaller(call) ?? route(call)
      const extra = {
        'x-github-request-id': randomUUID(),
        'x-ratelimit-limit': '5000',
        'x-ratelimit-remaining': '4999',
      }
      return { ...answer, headers: { ...extra, ...answer.headers } }
    },

    page: (call) => page(`GET ${call.path}`, call),

    issues: (root) =>
      issues.all().map((issue) => ({
        repository: `${issue.owner}/${issue.repo}`,
        number: issue.number,
        html_url: pageUrl(root, issue),
        title: issue.title,
        body: issue.body,
        state: issue.state,
        state_reason: issue.state_reason,
        labels: issue.labels,
        assignees: issue.assignees,
        created_at: issue.created_at,
        updated_at: issue.updated_at,
        closed_at: issue.closed_at,
        comments: issues.comments(issue, everything),
      })),

    runs: actions.runs,

    notification(id, root) {
      const run = actions.run(id)
      return run && runNotification(root, issues.repo(run.owner, run.repo), run)
    },
  }

  function route(call: FakeCall): FakeReply {
    const [first, owner, name, ...rest] = segments(call.path)
    if (call.size > MAX_BODY_BYTES) return githubError(413, 'Payload too large')
    if (first === 'rate_limit' && owner === undefined && call.method === 'GET') return json(200, rateLimits)
    if (first !== 'repos' || !isName(owner) || !isName(name) || name.startsWith('missing')) return notFound()

    const repo = issues.repo(owner, name)
    const hasIssues = !name.startsWith('no-issues')
    if (rest.length === 0 && call.method === 'GET') return json(200, repoResponse(call.root, repo, hasIssues))
    if (rest[0] === 'actions') return actions.answer(call, repo)
    if (rest[0] !== 'issues') return notFound()
    if (!hasIssues) return githubError(410, 'Issues are disabled for this repo')
    return routeIssues(`${call.method} ${call.path}`, { ...call, repo, issues }) ?? notFound()
  }

  return github
}

const core = { limit: 5_000, used: 0, remaining: 5_000, reset: 0 }
/** The sandbox has no rate limit. */
const rateLimits = { resources: { core }, rate: core }

function refuseCaller(call: FakeCall): FakeReply | undefined {
  const { authorization, 'user-agent': agent } = call.headers
  if (!agent) {
    return githubError(
      403,
      'Request forbidden by administrative rules. Please make sure your request has a User-Agent header.',
    )
  }
  if (!authorization) return githubError(401, 'Requires authentication')
  if (bearer(call.headers) !== demo.githubToken) return githubError(401, 'Bad credentials')
  return undefined
}

function isName(segment: string | undefined): segment is string {
  return segment !== undefined && /^[\w.-]+$/.test(segment)
}
