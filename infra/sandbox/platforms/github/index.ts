import { randomUUID } from 'node:crypto'
import { demo } from '../sandbox/demo.ts'
import { type Answer, bearer, type Call, json, MAX_BODY_BYTES, type Platform, segments } from '../sandbox/http.ts'
import type { Notifying } from '../sandbox/notifications/notifier.ts'
import { missingPage } from '../sandbox/page.ts'
import type { Store } from '../sandbox/store.ts'
import { type Actions, createActions } from './actions.ts'
import { docs, githubError, notFound, paged, withBody } from './answers.ts'
import { type FieldError, readFilter, readIssue, readLabels, readPage } from './input.ts'
import { createIssues, type Issue, type Page, type Repo } from './issues.ts'
import { issuePage } from './page.ts'
import { commentResponse, issueResponse, labelResponses, pageUrl, repoResponse } from './responses.ts'
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

    page({ path }) {
      const shown = /^\/(?!repos\/)([\w.-]+)\/([\w.-]+)\/(?:issues\/(\d+)|actions\/runs\/(\d+)(?:\/job\/\d+)?)$/.exec(
        path,
      )
      if (!shown) return undefined
      const [, owner = '', name = '', number, run] = shown
      const repo = issues.repo(owner, name)
      if (run !== undefined) return actions.page(repo, Number(run))
      const issue = issues.get(repo, Number(number))
      return issue ? issuePage(issue, issues.comments(issue, everything)) : missingPage('issue')
    },

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

  function refuseCaller(call: Call): Answer | undefined {
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

  function route(call: Call): Answer {
    const [first, owner, name, ...rest] = segments(call.path)
    if (call.size > MAX_BODY_BYTES) return githubError(413, 'Payload too large')
    if (first === 'rate_limit' && owner === undefined && call.method === 'GET') return json(200, rateLimits)
    if (first !== 'repos' || !isName(owner) || !isName(name) || name.startsWith('missing')) return notFound()

    const repo = issues.repo(owner, name)
    const hasIssues = !name.startsWith('no-issues')
    if (rest.length === 0 && call.method === 'GET') return json(200, repoResponse(call.root, repo, hasIssues))
    if (rest[0] === 'actions') return actions.answer(call, repo, rest.slice(1))
    if (rest[0] !== 'issues') return notFound()
    if (!hasIssues) return githubError(410, 'Issues are disabled for this repo')
    const [, number, what, ...more] = rest
    if (number === undefined) return routeIssues(call, repo)

    const issue = /^\d+$/.test(number) && more.length === 0 ? issues.get(repo, Number(number)) : undefined
    if (!issue) return notFound()
    if (what === undefined) return routeIssue(call, issue)
    if (what === 'comments') return routeComments(call, issue)
    return what === 'labels' ? addLabels(call, issue) : notFound()
  }

  function routeIssues(call: Call, repo: Repo): Answer {
    const { root } = call
    if (call.method === 'GET') {
      const filter = readFilter(call.query)
      if (filter.errors.length > 0) return invalid(filter.errors, 'issues/issues#list-repository-issues')
      const page = readPage(call.query)
      return paged(call, page, issues.list(repo, filter.value, page), (issue) => issueResponse(root, issue))
    }
    if (call.method !== 'POST') return notFound()
    return withBody(call, (body) => {
      const { value, errors } = readIssue(body, true)
      if (errors.length > 0 || value.title === undefined) return invalid(errors, 'issues/issues#create-an-issue')
      const response = issueResponse(root, issues.create(repo, { ...value, title: value.title }))
      return json(201, response, { location: response.url }, `opened ${repo.owner}/${repo.name}#${response.number}`)
    })
  }

  function routeIssue(call: Call, issue: Issue): Answer {
    const { root } = call
    if (call.method === 'GET') return json(200, issueResponse(root, issue))
    if (call.method !== 'PATCH') return notFound()
    return withBody(call, (body) => {
      const { value, errors } = readIssue(body, false)
      if (errors.length > 0) return invalid(errors, 'issues/issues#update-an-issue')
      const updated = issues.update(issue, value)
      return json(
        200,
        issueResponse(root, updated),
        {},
        `${issue.owner}/${issue.repo}#${issue.number} is ${updated.state}`,
      )
    })
  }

  function routeComments(call: Call, issue: Issue): Answer {
    const { root } = call
    if (call.method === 'GET') {
      const page = readPage(call.query)
      return paged(call, page, issues.comments(issue, page), (comment) => commentResponse(root, issue, comment))
    }
    if (call.method !== 'POST') return notFound()
    return withBody(call, ({ body }) => {
      const code = body === undefined || body === '' ? 'missing_field' : 'invalid'
      if (typeof body !== 'string' || body.trim() === '') {
        return invalid([{ resource: 'IssueComment', field: 'body', code }], 'issues/comments#create-an-issue-comment')
      }
      const response = commentResponse(root, issue, issues.comment(issue, body))
      return json(
        201,
        response,
        { location: response.url },
        `commented on ${issue.owner}/${issue.repo}#${issue.number}`,
      )
    })
  }

  function addLabels(call: Call, issue: Issue): Answer {
    if (call.method !== 'POST') return notFound()
    return withBody(call, (body) => {
      const { value, errors } = readLabels(body.labels)
      if (errors.length > 0) return invalid(errors, 'issues/labels#add-labels-to-an-issue')
      const labels = readLabels([...issue.labels, ...value]).value
      return json(200, labelResponses(call.root, issues.update(issue, { labels })))
    })
  }

  return github
}

const core = { limit: 5_000, used: 0, remaining: 5_000, reset: 0 }
/** The sandbox has no rate limit. */
const rateLimits = { resources: { core }, rate: core }

function isName(segment: string | undefined): segment is string {
  return segment !== undefined && /^[\w.-]+$/.test(segment)
}

function invalid(errors: FieldError[], page: string): Answer {
  const body = { message: 'Validation Failed', errors, documentation_url: `${docs}/${page}`, status: '422' }
  return json(422, body, {}, errors.map(({ field, code }) => `${field} ${code}`).join(', '))
}
